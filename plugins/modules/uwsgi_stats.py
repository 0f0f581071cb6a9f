#!/usr/bin/python
# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: uwsgi_stats
short_description: Workers, response times, waiting requests and room for more workers of uWSGI
version_added: 1.0.0
description:
  - Reads uWSGI's stats server at both ends of a window and several times in between, over TCP, UNIX and abstract sockets,
    raw or over HTTP (C(stats-http)); which of these it is, is found out.
  - Computes what uWSGI's own numbers hide. The mean response time and the utilisation come from the running time, not from
    C(avg_rt), of which half is the last request. Busy is counted by thread. The backlog of UNIX sockets, which uWSGI
    always reports as 0, and the memory of the workers come from the kernel.
  - Says what the workers do right now by kind of page, without any header, cookie or query value of a request.
  - An emperor gives its vassals, uWSGI's HTTP router its instances; neither has workers.
extends_documentation_fragment:
  - warroom.launch.launch
  - warroom.launch.launch.sampling
options:
  stats:
    description:
      - Where the stats server listens, V(127.0.0.1:1717), V([::1]:1717), V(/run/uwsgi/stats.sock), V(@abstract),
        V(unix:///run/uwsgi/stats.sock) or V(http://127.0.0.1:1717/).
      - Without it (and without O(instances)) the masters and emperors on the host are found from their processes and
        configuration (ini, XML, YAML, JSON); one without a stats server is reported with the lines to add.
    type: str
notes:
  - Memory as USS and PSS needs the user of uWSGI or root (C(become)); otherwise it is the RSS, which counts shared pages in
    every worker.
  - The stats socket is often writable for its own user only; use C(become) then.
seealso:
  - name: The uWSGI stats server
    description: How to enable it.
    link: https://uwsgi-docs.readthedocs.io/en/latest/StatsServer.html
author:
  - warroom.launch authors (@warroom-launch)
"""

EXAMPLES = r"""
- name: Look at the uWSGI instances found on each application server
  warroom.launch.uwsgi_stats:
  become: true

- name: Two instances by address, with a longer window
  warroom.launch.uwsgi_stats:
    window: 10
    instances:
      - name: shop
        stats: 127.0.0.1:1717
      - name: api
        stats: /run/uwsgi/api-stats.sock

- name: Lifetime values only, at once
  warroom.launch.uwsgi_stats:
    stats: 127.0.0.1:1717
    window: 0
  register: uwsgi

- name: Show what the workers are doing
  ansible.builtin.debug:
    msg: "{{ ansible_facts.launch_uwsgi.instances[0].in_flight }}"
"""

RETURN = r"""
ansible_facts:
  description: The facts, under one key.
  returned: always
  type: dict
  contains:
    launch_uwsgi:
      description: One entry per instance.
      type: dict
      returned: always
      contains:
        schema:
          description: Version of this structure.
          type: int
          returned: always
          sample: 1
        instances:
          description: >-
            The instances. One that is not C(up) has the keys up to C(notes) only; workers and what follows them are given for
            the kind C(app).
          type: list
          elements: dict
          returned: always
          contains:
            name:
              description: Name of the instance, its stats address by default.
              type: str
              sample: 127.0.0.1:1717
            state:
              description: C(up), C(down) or C(unreadable).
              type: str
              sample: up
            problem:
              description: What is wrong and what to do about it.
              type: str
            window:
              description: Seconds between the samples at both ends, null when there was one.
              type: float
              sample: 5.003
            collected_at:
              description: When, in UTC.
              type: str
              sample: '2026-11-25T14:02:11Z'
            duration_ms:
              description: Milliseconds it took, the window included.
              type: int
            unknown:
              description: For each measure that is null, why, and how to make it known.
              type: dict
            notes:
              description: Sentences worth knowing that are not measures.
              type: list
              elements: str
            kind:
              description: C(app) (a master with workers), C(emperor) or C(router).
              type: str
              sample: app
            version:
              description: uWSGI's version.
              type: str
              sample: 2.0.30
            address:
              description: The stats server's address, as uWSGI's other readers take it.
              type: str
            transport:
              description: C(tcp), C(unix) or C(abstract).
              type: str
              sample: tcp
            http:
              description: Whether the stats server speaks HTTP.
              type: bool
            pid:
              description: Process id of the master.
              type: int
            workers:
              description: >-
                Workers by state: C(total), C(active) (can take requests, or are in one), C(busy) (at least one thread is),
                C(idle), C(cheap) (not started), C(paused), C(starting), C(signal), C(other); C(odd_states) as uWSGI names
                them, and C(cores_unknown), the workers that do not tell their threads.
              type: dict
              sample: {total: 4, active: 4, busy: 1, idle: 3, cheap: 0}
            cores_active:
              description: Threads of the active workers.
              type: int
            cores_busy:
              description: Of those, in a request at the last sample.
              type: int
            concurrency:
              description: Threads of all workers, the cheap ones included; what the connection budget has to allow for.
              type: int
            samples:
              description: How often the stats server was read.
              type: int
            busy_ratio:
              description: Share of the threads (workers, when threads are not told) in a request, averaged over the samples.
              type: float
              sample: 0.62
            busy_ratio_peak:
              description: The largest of the samples.
              type: float
            all_busy_samples:
              description: Samples in which nothing was free.
              type: int
            utilisation:
              description: Time that requests took over the time that the threads had, in the window; from the running time.
              type: float
              sample: 0.58
            saturated:
              description: Whether there is no room left for a next request; the signs are in C(saturated_why).
              type: bool
            saturated_why:
              description: Sentences.
              type: list
              elements: str
            mean_response_seconds:
              description: Seconds per request that ended in the window, static files left out.
              type: float
              sample: 0.083
            lifetime_mean_response_seconds:
              description: The same since the workers started.
              type: float
            requests:
              description: Requests that ended in the window.
              type: int
            requests_per_second:
              description: The same per second.
              type: float
            lifetime_requests:
              description: Requests since the workers started.
              type: int
            sent_bytes_per_second:
              description: Bytes of answers per second.
              type: float
            capacity_requests_per_second:
              description: Requests per second that the active threads could serve at this mean response time.
              type: float
            listen_queue:
              description: Connections that wait for a worker, the longest of the application's sockets, UNIX sockets included.
              type: int
            listen_queue_peak:
              description: The longest over the samples.
              type: int
            listen_queue_samples:
              description: Samples in which any waited.
              type: int
            listen_queue_limit:
              description: How many may wait on the fullest socket.
              type: int
              sample: 100
            listen_queue_ratio:
              description: How full it is.
              type: float
            queue_wait_seconds:
              description: How long the last in line waits at this rate.
              type: float
            sockets:
              description: The application's sockets with C(name), C(kind), C(protocol), C(queue), C(limit); longest first.
              type: list
              elements: dict
            sockets_total:
              description: How many there are.
              type: int
            somaxconn:
              description: The kernel's ceiling for any accept queue.
              type: int
            listen_overflows:
              description: Connections this host refused in the window because an accept queue was full, of all TCP services.
              type: int
            listen_overflows_per_second:
              description: The same per second.
              type: float
            lifetime_listen_overflows:
              description: The same since boot.
              type: int
            in_flight:
              description: >-
                What the threads are doing, grouped by C(pattern), C(method) and C(host): C(count), C(share_ratio) of the active
                threads, C(oldest_seconds).
              type: list
              elements: dict
              sample: [{pattern: /legacy/<id>/, method: GET, host: shop.example, count: 6, share_ratio: 0.75, oldest_seconds: 4.1}]
            in_flight_total:
              description: Threads in a request.
              type: int
            in_flight_oldest_seconds:
              description: How long the oldest request runs (uWSGI tells its start in whole seconds).
              type: float
            in_flight_oldest_pattern:
              description: Its method and kind of page.
              type: str
            remote_addresses:
              description: >-
                Who connected, for the requests in flight in any sample: C(address), C(kind) (loopback, private, public), C(count).
              type: list
              elements: dict
            remote_addresses_total:
              description: How many addresses there were.
              type: int
            exceptions:
              description: Exceptions that escaped the application in the window.
              type: int
            exception_ratio:
              description: Exceptions per request in the window.
              type: float
            lifetime_exceptions:
              description: Exceptions since the start.
              type: int
            lifetime_exception_ratio:
              description: Exceptions per request since the start.
              type: float
            harakiri:
              description: Requests killed in the window because they took too long.
              type: int
            lifetime_harakiri:
              description: The same since the start.
              type: int
            respawns:
              description: Workers that ended and were replaced in the window.
              type: int
            lifetime_respawns:
              description: The same since the start; with C(cheaper) it counts starts of cheap workers too.
              type: int
            handled:
              description: >-
                How requests were handled in the window and (C(lifetime_…)) since the start: C(static), C(routed), C(offloaded),
                and their C(read_errors) and C(write_errors).
              type: dict
            memory_kind:
              description: C(uss) when private memory could be read, else C(rss).
              type: str
            memory_bytes_per_worker_median:
              description: What one worker takes by itself (USS; RSS when that is all that can be read).
              type: int
            memory_bytes_per_worker_peak:
              description: The largest worker, with its share of what the workers have in common (PSS, else RSS).
              type: int
            memory_bytes:
              description: All workers together (PSS, else RSS).
              type: int
            rss_bytes_per_worker_median:
              description: The median as C(top) shows it.
              type: int
            worker_list:
              description: >-
                The largest workers with C(id), C(pid), C(state), C(threads), C(threads_busy), C(lifetime_requests),
                C(memory_bytes), C(cpu_cores) and C(busiest_thread_ratio) over the window.
              type: list
              elements: dict
            worker_list_total:
              description: How many have a process.
              type: int
            cpu_cores:
              description: Cores that the workers used, in the window.
              type: float
            busiest_thread_ratio:
              description: Share of a core that the busiest thread used; near 1 one thread is at its limit.
              type: float
            machine_cpu_free_cores:
              description: Cores of the host that were idle.
              type: float
            cpu_per_busy_ratio:
              description: CPU per time in requests, about 1 when they compute, about 0.1 when they wait for a database.
              type: float
            addable:
              description: >-
                Workers that this host leaves room for: C(by_ram), C(by_cpu), C(workers) (the smaller), C(limit) (C(RAM) or C(CPU));
                C(wanted), which would bring the load down to 70 %; C(advised) (the smaller of C(workers) and C(wanted)) and
                C(processes), the setting for it.
              type: dict
              sample: {by_ram: 12, by_cpu: 5, workers: 5, limit: CPU, wanted: 3, advised: 3, processes: 7}
            signal_queue:
              description: uWSGI signals that wait.
              type: int
            caches:
              description: uWSGI's own caches with C(name), C(entries), C(entries_limit), C(hits), C(misses), C(full), C(hit_ratio).
              type: list
              elements: dict
            caches_total:
              description: How many there are.
              type: int
            spoolers:
              description: C(total) spoolers, their C(tasks) so far and those C(running).
              type: dict
            configured:
              description: >-
                From the master's configuration where that can be read: C(processes), C(threads), C(cheaper), C(harakiri_seconds),
                C(listen), and whether C(harakiri) is set.
              type: dict
            vassals:
              description: C(total), C(loyal), C(ready), C(starting), C(asleep), C(cursed), C(cursed_names) and C(respawns).
              type: dict
              returned: for emperors
            vassal_list:
              description: Vassals with C(name), C(state) and C(lifetime_respawns), the troubled first.
              type: list
              elements: dict
              returned: for emperors
            vassal_list_total:
              description: How many there are.
              type: int
              returned: for emperors
            sessions:
              description: Open sessions of the router.
              type: int
              returned: for routers
            nodes:
              description: Instances behind the router with C(name), C(requests), C(failures), C(references).
              type: list
              elements: dict
              returned: for routers
            nodes_total:
              description: How many there are.
              type: int
              returned: for routers
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._collect.entry import run
from ..module_utils._collect.options import argument_spec
from ..module_utils._collectors.uwsgi.collector import COLLECTOR


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(COLLECTOR), supports_check_mode=True)
    run(module, COLLECTOR)


if __name__ == "__main__":
    main()
