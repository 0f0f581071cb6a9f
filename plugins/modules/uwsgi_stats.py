#!/usr/bin/python
# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: uwsgi_stats
short_description: Workers, response times, waiting requests and capacity for more workers of uWSGI
version_added: 1.0.0
description:
  - Reads uWSGI's stats server at both ends of a window and several times in between, over TCP, UNIX and abstract sockets,
    raw or over HTTP (C(stats-http)), and detects which.
  - Computes what uWSGI's own numbers hide. The mean response time and the utilisation come from the running time, not from
    C(avg_rt), half of which is the last request. Busy counts threads. The backlog of UNIX sockets, which uWSGI
    always reports as 0, and the memory of the workers come from the kernel.
  - Shows the requests in flight by URL pattern, without any header, cookie or query value of a request.
  - For an emperor it returns the vassals, for uWSGI's HTTP router the instances; neither has workers.
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
  stacks:
    description:
      - Read the Python stacks of the longest requests with C(py-spy), where the host has it installed; it is never fetched. Needs root
        (C(become)).
      - Of all instances of a run at most five processes, within a second in all. Functions, files and lines only, no arguments and no
        variables. No process is stopped.
    type: bool
    default: false
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
      description: C(schema) and C(instances).
      type: dict
      contains:
        schema: {type: int, description: Version of the structure of these facts.}
        instances:
          description:
            - One per stats server. Workers and what follows them are given for the kind C(app).
            - What every instance has beside these measures is documented by M(warroom.launch.launch_facts).
            - A measure over the window is null with one sample (O(window) is 0). Why a measure is null is in RV(ignore:unknown).
            - What needs the workers' processes or sockets is null from another host, and what uWSGI does not report is null.
          type: list
          elements: dict
          contains:
            kind: {type: str, description: 'C(app) (a master with workers), C(emperor) or C(router).'}
            version: {type: str, description: uWSGI's version.}
            address: {type: str, description: 'The stats server''s address, as uWSGI''s other readers take it.'}
            transport: {type: str, description: 'C(tcp), C(unix) or C(abstract).'}
            http: {type: bool, description: Whether the stats server speaks HTTP.}
            pid: {type: int, description: Process id of the master.}
            workers:
              description: Workers by state.
              type: dict
              contains:
                {total: {type: int, description: All of them.},
                 active: {type: int, description: 'Those that can take requests, or are in one.'},
                 busy: {type: int, description: Those with at least one thread in a request.},
                 idle: {type: int, description: Those without.}, cheap: {type: int, description: Not started.},
                 paused: {type: int, description: Paused.}, starting: {type: int, description: Starting.},
                 signal: {type: int, description: In a signal handler.},
                 stopped: {type: int, description: Free by its own word and stopped by a signal or a debugger (state T).},
                 other: {type: int, description: In any other state.},
                 odd_states: {type: list, elements: str, description: The other states as uWSGI names them.},
                 cores_unknown: {type: int, description: Workers that do not report their threads.},
                 without_application: {type: int, description: Active workers that have loaded no application.}}
            cores_active: {type: int, description: Threads of the active workers.}
            cores_busy: {type: int, description: 'Of those, in a request at the last sample.'}
            concurrency:
              description: Threads of all workers, the cheap ones included, for the connection budget. Null when threads are unknown.
              type: int
            samples: {type: int, description: How often the stats server was read.}
            busy_ratio:
              description: Share of the threads (workers, when threads are unknown) in a request, averaged over the samples.
              type: float
            busy_ratio_peak: {type: float, description: The largest of the samples.}
            all_busy_samples: {type: int, description: Samples in which nothing was free.}
            utilisation:
              description: Time that requests took over the time that the threads had, in the window, from the running time.
              type: float
            saturated: {type: bool, description: Whether no capacity is left for another request.}
            saturated_why: {type: list, elements: str, description: 'The signs of that, as sentences.'}
            mean_response_seconds:
              description: Per request that ended in the window, static files left out. Null when none ended.
              type: float
            lifetime_mean_response_seconds: {type: float, description: The same since the workers started.}
            requests: {type: int, description: Requests that ended in the window.}
            requests_per_second: {type: float, description: The same per second.}
            lifetime_requests: {type: int, description: Requests since the workers started.}
            sent_bytes_per_second: {type: float, description: Bytes of answers.}
            capacity_requests_per_second: {type: float, description: What the active threads could serve at this mean response time.}
            listen_queue:
              description: Connections that wait for a worker on the fullest of its sockets. Null for UNIX sockets of another host.
              type: int
            listen_queue_peak: {type: int, description: The longest over the samples.}
            listen_queue_samples: {type: int, description: Samples in which any waited.}
            listen_queue_limit: {type: int, description: How many may wait on the fullest socket.}
            listen_queue_ratio: {type: float, description: How full it is.}
            queue_wait_seconds:
              description: How long the last in line waits at this rate, null without requests in the window.
              type: float
            sockets:
              description: The application's sockets, longest queue first.
              type: list
              elements: dict
              contains:
                {name: {type: str, description: Its address.}, kind: {type: str, description: C(tcp) or C(unix).},
                 protocol: {type: str, description: What is spoken.}, queue: {type: int, description: Connections that wait.},
                 limit: {type: int, description: How many may.}}
            sockets_total: {type: int, description: How many there are.}
            somaxconn: {type: int, description: 'The kernel''s ceiling for any accept queue, null on another host.'}
            listen_overflows:
              description: Connections this host refused in the window because an accept queue was full, of all TCP services.
              type: int
            listen_overflows_per_second: {type: float, description: The same per second.}
            lifetime_listen_overflows: {type: int, description: The same since boot.}
            in_flight:
              description: What the threads are doing, by kind of page.
              type: list
              elements: dict
              contains:
                {pattern: {type: str, description: The page's pattern.}, method: {type: str, description: The method.},
                 host: {type: str, description: The requested host.}, count: {type: int, description: Threads.},
                 share_ratio: {type: float, description: Share of the active threads.},
                 oldest_seconds: {type: float, description: How long the oldest runs.}}
            stacks:
              description: 'Python stacks of workers with the longest requests, at most five. Null unless asked for (O(stacks)).'
              type: list
              elements: dict
              contains:
                pid: {type: int, description: The worker.}
                work: {type: str, description: 'What it works on, null when the server does not say.'}
                frames:
                  description: 'At most 25, from where it is now to where it came from.'
                  type: list
                  elements: dict
                  contains:
                    function: {type: str, description: The function.}
                    file: {type: str, description: 'Its file, relative to the project or the package.'}
                    line: {type: int, description: The line.}
                    own: {type: bool, description: 'Whether it is of the application, and not of Python or an installed package.'}
            stacks_total: {type: int, description: How many there are.}
            waits:
              description:
                - What busy workers waited for, looked at several times within the window. From C(/proc) and the kernel's sockets; no process is
                  stopped or attached to. Null without the right to see it (C(become)).
              type: dict
              contains:
                samples: {type: int, description: Looks at busy threads.}
                cpu_ratio: {type: float, description: Share of them on a CPU.}
                disk_ratio: {type: float, description: Share waiting for a disk.}
                lock_ratio: {type: float, description: Share waiting for a lock of the process or of a file.}
                sleep_ratio: {type: float, description: Share asleep by their own wish.}
                client_ratio: {type: float, description: 'Share that sent to, or received from, who had asked.'}
                other_ratio: {type: float, description: 'Share waiting for a child, a file or a pipe, or stopped.'}
                unknown_ratio: {type: float, description: Share of which it cannot be told.}
                edges:
                  description: The services that were waited for, by address, most waited for first.
                  type: list
                  elements: dict
                  contains:
                    address: {type: str, description: 'C(ip:port), C([ip]:port) or C(unix:/path).'}
                    samples: {type: int, description: Looks at threads that waited for it.}
                    share_ratio: {type: float, description: Share of all looks.}
                    work: {type: str, description: The kind of page that waited for it most.}
                    round_trip_seconds:
                      {type: float, description: 'Seconds to it and back at the least, of the network alone; null where it is no TCP.'}
                edges_total: {type: int, description: How many services were waited for.}
            in_flight_total: {type: int, description: Threads in a request.}
            in_flight_streams: {type: int, description: 'Of those, WebSockets and server-sent events, which last for as long as a visitor looks.'}
            in_flight_oldest_seconds:
              description:
                - How long the oldest request runs (uWSGI tells its start in whole seconds), null when there is none. Streams are not meant.
              type: float
            in_flight_oldest_pattern: {type: str, description: Its method and kind of page.}
            pages_seen:
              description: What the threads were doing in all samples, most often seen first, without streams.
              type: list
              elements: dict
              contains:
                {pattern: {type: str, description: The page's pattern.}, samples: {type: int, description: Threads seen with it.},
                 share_ratio: {type: float, description: Share of all threads seen with a request.}}
            pages_seen_total: {type: int, description: How many kinds of page there were.}
            remote_addresses:
              description: Who connected, for the requests in flight in any sample.
              type: list
              elements: dict
              contains:
                {address: {type: str, description: The address.}, kind: {type: str, description: 'C(loopback), C(private) or C(public).'},
                 count: {type: int, description: Requests.}}
            remote_addresses_total: {type: int, description: How many addresses there were.}
            exceptions: {type: int, description: Exceptions that escaped the application in the window.}
            exception_ratio: {type: float, description: 'Exceptions per request in the window, null without requests.'}
            lifetime_exceptions: {type: int, description: Exceptions since the start.}
            lifetime_exception_ratio: {type: float, description: Exceptions per request since the start.}
            harakiri: {type: int, description: Requests killed in the window because they took too long.}
            lifetime_harakiri: {type: int, description: The same since the start.}
            respawns: {type: int, description: Workers that ended and were replaced in the window.}
            lifetime_respawns: {type: int, description: The same since the start; with C(cheaper) it counts starts of cheap workers too.}
            handled:
              description: Requests by how they were handled; null when threads are unknown (C(stats-no-cores)).
              type: dict
              contains:
                {static: {type: int, description: Static files in the window.}, lifetime_static: {type: int, description: Since the start.},
                 routed: {type: int, description: Answered by internal routing in the window.},
                 lifetime_routed: {type: int, description: Since the start.},
                 offloaded: {type: int, description: Handed to offload threads in the window.},
                 lifetime_offloaded: {type: int, description: Since the start.},
                 read_errors: {type: int, description: Requests that could not be read in the window.},
                 lifetime_read_errors: {type: int, description: Since the start.},
                 write_errors: {type: int, description: Answers that could not be written in the window.},
                 lifetime_write_errors: {type: int, description: Since the start.}}
            memory_kind: {type: str, description: 'C(uss) when private memory could be read, C(rss) when not, null when neither could.'}
            memory_bytes_per_worker_median: {type: int, description: 'What one worker takes by itself, by C(memory_kind).'}
            memory_bytes_per_worker_peak:
              description: The largest worker, with its share of what the workers have in common (PSS, else RSS).
              type: int
            memory_bytes: {type: int, description: 'All workers together (PSS, else RSS).'}
            memory_limited_workers:
              {type: int, description: 'Workers whose address space has a limit (C(limit-as), C(ulimit -v)).'}
            memory_limit_ratio:
              description: >-
                The part that the largest worker has taken of the address space that it may have (C(limit-as), C(ulimit -v)), null without a
                limit.
              type: float
            rss_bytes_per_worker_median: {type: int, description: The median as C(top) shows it.}
            worker_list:
              description: The largest workers.
              type: list
              elements: dict
              contains:
                {id: {type: int, description: Its number.}, pid: {type: int, description: Its process.},
                 state: {type: str, description: What it does.}, threads: {type: int, description: 'Its threads, null when unknown.'},
                 threads_busy: {type: int, description: Those in a request.},
                 lifetime_requests: {type: int, description: Requests since it started.},
                 lifetime_harakiri: {type: int, description: Times it was killed for a slow request.},
                 lifetime_respawns: {type: int, description: Times it was replaced.},
                 memory_bytes: {type: int, description: 'Its memory, null when it cannot be seen.'},
                 cpu_cores: {type: float, description: Cores it used in the window.},
                 busiest_thread_ratio: {type: float, description: Share of a core that its busiest thread used.}}
            worker_list_total: {type: int, description: How many have a process.}
            cpu_cores: {type: float, description: 'Cores that the workers used in the window, null when their processes cannot be seen.'}
            busiest_thread_ratio:
              description: Share of a core that the busiest thread used; near 1 one thread is at its limit.
              type: float
            machine_cpu_free_cores: {type: float, description: Cores of the host that were idle.}
            cpu_per_busy_ratio:
              description: CPU per time in requests, about 1 when they compute, about 0.1 when they wait for a database.
              type: float
            addable:
              description: Workers that this host has capacity for; null when its memory and CPU could not be read.
              type: dict
              contains:
                {by_ram: {type: int, description: By memory.}, by_cpu: {type: int, description: By CPU.},
                 workers: {type: int, description: The smaller.}, limit: {type: str, description: 'What limits it, C(RAM) or C(CPU).'},
                 wanted: {type: int, description: Workers that would bring the load down to 70 %.},
                 advised: {type: int, description: The smaller of C(workers) and C(wanted).},
                 processes: {type: int, description: The setting for it.}}
            signal_queue: {type: int, description: uWSGI signals that wait.}
            caches:
              description: uWSGI's own caches.
              type: list
              elements: dict
              contains:
                {name: {type: str, description: Its name.}, entries: {type: int, description: Entries.},
                 entries_limit: {type: int, description: How many it may have.}, hits: {type: int, description: Hits since the start.},
                 misses: {type: int, description: Misses since the start.}, full: {type: int, description: Times it was full.},
                 hit_ratio: {type: float, description: 'Hits of both, null without any.'}}
            caches_total: {type: int, description: How many there are.}
            spoolers:
              description: Spoolers.
              type: dict
              contains:
                {total: {type: int, description: How many there are.}, tasks: {type: int, description: Their tasks so far.},
                 running: {type: int, description: Those that run.}}
            configured:
              description: From the master's configuration; null when that cannot be read, or when a value is not set in it.
              type: dict
              contains:
                {processes: {type: int, description: Workers.}, threads: {type: int, description: Threads of each.},
                 cheaper: {type: int, description: Workers that are always there.},
                 harakiri_seconds: {type: int, description: The time limit of a request.},
                 harakiri: {type: bool, description: Whether there is one.},
                 listen: {type: int, description: The length of the listen queue.},
                 application:
                   {type: str,
                    description: 'C(named); C(other) for PHP, CGI, files or routes, which list none; C(unnamed) when nothing says.'}}
            vassals:
              description: Vassals of an emperor.
              type: dict
              contains:
                {total: {type: int, description: All of them.}, loyal: {type: int, description: Those that run well.},
                 ready: {type: int, description: Ready.}, starting: {type: int, description: Starting.},
                 asleep: {type: int, description: Waiting for a first request.},
                 cursed: {type: int, description: Those that fail to start.}, cursed_names: {type: str, description: Their names.},
                 respawns: {type: int, description: Times any was replaced since the start.}}
            vassal_list:
              description: The vassals, the troubled first.
              type: list
              elements: dict
              contains:
                {name: {type: str, description: Its configuration.}, state: {type: str, description: Its state.},
                 lifetime_respawns: {type: int, description: Times it was replaced.}}
            vassal_list_total: {type: int, description: How many there are.}
            sessions: {type: int, description: Open sessions of a router.}
            nodes:
              description: Instances behind a router.
              type: list
              elements: dict
              contains:
                {name: {type: str, description: Its address.}, requests: {type: int, description: Requests since the start.},
                 failures: {type: int, description: Failures since the start.}, references: {type: int, description: Requests under way.}}
            nodes_total: {type: int, description: How many there are.}
            node_failures: {type: int, description: Failures to reach them in the window.}
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
