#!/usr/bin/python
# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: wsgi_stats
short_description: Busy workers, waiting requests and capacity of Gunicorn, uvicorn, Granian, Daphne and Hypercorn
version_added: 1.0.0
description:
  - Finds these servers by their processes and needs no setting in them. What they are doing is read from the kernel, several times within a
    window.
  - Counts the workers that have a request, and the requests that wait, both in the kernel's queue and inside of the workers, where
    threads are fewer than the connections that they accepted.
  - Over TCP the kernel knows for each connection whether the last request has its answer, and when it came. That gives the age of the
    oldest request. Over UNIX sockets no age is known, and for event loops not the requests either; for Gunicorn's sync workers on a single
    UNIX socket the age is the time since the worker's last heartbeat.
  - Gunicorn 25.1 or later is asked over its control socket as well, where it has one, for its counters and the settings in force. Only
    C(show stats) and C(show config) are sent.
  - None of these servers counts its requests, errors or response times where they could be read. Gunicorn pushes them to statsd (C(statsd_host));
    read them there. RV(ignore:configured.statsd) says where that is.
  - A response that is being streamed counts as answered from its first byte on; an open WebSocket counts as a request when its client
    sent last.
extends_documentation_fragment:
  - warroom.launch.launch
  - warroom.launch.launch.sampling
options:
  bind:
    description:
      - Where the server listens, V(127.0.0.1:8000), V([::1]:8000) or V(/run/gunicorn.sock).
      - Without it (and without O(instances)) all of these servers on the host are found.
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
  - Which worker has which connection can be read by the server's own user or root (C(become)) only. Without that right the requests that
    wait in the kernel's queue and the oldest request are known all the same, and for Gunicorn's sync workers how many are busy.
  - Gunicorn's control socket can be read by root or Gunicorn's own user (C(become)) only.
  - A server in a container with a network of its own must be read from inside of it.
seealso:
  - module: warroom.launch.uwsgi_stats
author:
  - warroom.launch authors (@warroom-launch)
"""

EXAMPLES = r"""
- name: Look at the application servers found on each host
  warroom.launch.wsgi_stats:
  become: true

- name: One of them, with a longer window
  warroom.launch.wsgi_stats:
    bind: 127.0.0.1:8000
    window: 10
  register: wsgi
  become: true

- name: How many requests wait
  ansible.builtin.debug:
    msg: "{{ ansible_facts.launch_wsgi.instances[0].requests_waiting }}"
"""

RETURN = r"""
ansible_facts:
  description: The facts, under one key.
  returned: always
  type: dict
  contains:
    launch_wsgi:
      description: C(schema) and C(instances).
      type: dict
      contains:
        schema: {type: int, description: Version of the structure of these facts.}
        instances:
          description:
            - One per server, that is per main process.
            - What every instance has beside these measures is documented by M(warroom.launch.launch_facts).
            - A measure over the window is null with one sample (O(window) is 0). Why a measure is null is in RV(ignore:unknown).
          type: list
          elements: dict
          contains:
            kind: {type: str, description: Always C(app).}
            server: {type: str, description: 'C(gunicorn), C(uvicorn), C(granian), C(daphne) or C(hypercorn).'}
            worker_class:
              description:
                - The kind of worker, for example C(sync), C(gthread), C(gevent), C(uvicorn) or C(asgi).
                - Null when the command line is hidden.
              type: str
            event_loop: {type: bool, description: 'Whether a worker takes any number of requests at once, null when its class is not known.'}
            pid: {type: int, description: Process id of the main process.}
            address: {type: str, description: 'Where it listens, null when its sockets cannot be seen.'}
            port: {type: int, description: 'The TCP port of that, null for a UNIX socket.'}
            workers:
              description: Processes that take requests.
              type: dict
              contains:
                {total: {type: int, description: All of them.}, active: {type: int, description: Those that are not stopped.},
                 cheap: {type: int, description: Always 0; all of them are started.},
                 stopped: {type: int, description: 'Those that a signal or a debugger had stopped (state T) in every sample.'},
                 missing: {type: int, description: 'How many fewer there are than are meant to be, null when that is not known.'},
                 stopped_pids: {type: list, elements: int, description: Their process ids.},
                 busy:
                   {type: int, description: 'The active ones with at least one request, null when their connections cannot be told apart.'},
                 idle: {type: int, description: 'Those without, null likewise.'},
                 target:
                   {type: int, description: 'How many Gunicorn means to have, by its control socket; null without one.'}}
            masters: {type: int, description: 'Main processes that share its sockets: two of Gunicorn until an upgrade (USR2) is finished.'}
            masters_pids: {type: list, elements: int, description: 'Their process ids, the oldest first.'}
            threads_per_worker:
              description: Requests that each works on at once. Null for event loops, and when the setting cannot be read.
              type: int
            concurrency: {type: int, description: 'The same of all workers, for the connection budget; null likewise.'}
            samples: {type: int, description: How often it was looked at.}
            busy_ratio:
              description: Share of the threads in a request, averaged over the samples. Null for event loops, which have no ceiling.
              type: float
            busy_ratio_peak: {type: float, description: 'The largest of the samples, null likewise.'}
            all_busy_samples: {type: int, description: 'Samples in which no thread was free, null likewise.'}
            saturated: {type: bool, description: Whether no capacity is left for another request. Null with fewer than three samples.}
            saturated_why: {type: list, elements: str, description: 'The signs of that, as sentences.'}
            requests_running: {type: int, description: 'Requests that threads work on, null when they cannot be told.'}
            requests_waiting_inside:
              description:
                - Requests that a worker accepted and does not work on, because its threads are taken or its event loop is blocked.
                - Null when they cannot be told.
              type: int
            requests_waiting: {type: int, description: 'The same and C(listen_queue) together, null when either is.'}
            requests_waiting_peak: {type: int, description: 'The most over the samples, null when none is known.'}
            requests_waiting_samples: {type: int, description: 'Samples in which any waited, null likewise.'}
            in_flight_total: {type: int, description: 'Requests inside of the workers, working or waiting; null when they cannot be told.'}
            oldest_request_seconds:
              description: How long the oldest request, in a worker or the queue, has been there. Null without one, and over UNIX sockets.
              type: float
            connections: {type: int, description: 'Accepted connections, those kept alive included; null when they cannot be told.'}
            worker_connections:
              description: Connections that a worker of Granian takes at once (its backpressure), null with other servers or when not known.
              type: int
            worker_connections_most: {type: int, description: 'Those of the worker that has most, null when they may not be read.'}
            connections_ratio: {type: float, description: 'Its share of C(worker_connections), null when either is.'}
            listen_queue: {type: int, description: 'Connections that no worker has accepted, null when the sockets cannot be seen.'}
            listen_queue_peak: {type: int, description: 'The most over the samples, null likewise.'}
            listen_queue_samples: {type: int, description: 'Samples in which any waited, null likewise.'}
            listen_queue_limit: {type: int, description: 'How many may wait on the fullest socket, null likewise.'}
            listen_queue_ratio: {type: float, description: 'How full that one is, null likewise.'}
            sockets:
              description: Its listening sockets, longest queue first.
              type: list
              elements: dict
              contains:
                {name: {type: str, description: Its address.}, kind: {type: str, description: C(tcp) or C(unix).},
                 queue: {type: int, description: Connections that wait.}, limit: {type: int, description: 'How many may, null when not told.'}}
            sockets_total: {type: int, description: How many there are.}
            somaxconn: {type: int, description: 'The kernel''s ceiling for any accept queue, null when it cannot be read.'}
            listen_overflows:
              description: Connections this host refused in the window because an accept queue was full, of all TCP services.
              type: int
            listen_overflows_per_second: {type: float, description: The same per second.}
            lifetime_listen_overflows: {type: int, description: 'The same since boot, null when it cannot be read.'}
            respawns: {type: int, description: Workers that ended and were replaced in the window.}
            reloads: {type: int, description: 'Reloads of Gunicorn in the window, by its control socket; null without one.'}
            timeouts:
              description:
                - Workers that Gunicorn ended in the window because they were silent for longer than its C(timeout).
                - Null for other servers, and when their heartbeats may not be read.
              type: int
            lifetime_spawned: {type: int, description: 'Workers that Gunicorn started since its own start; null without a control socket.'}
            lifetime_killed: {type: int, description: 'Workers that Gunicorn ended since its own start, null likewise.'}
            lifetime_reloads: {type: int, description: 'Reloads since its start, null likewise.'}
            youngest_worker_seconds: {type: float, description: 'Time since the last start of a worker, null without one.'}
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
            memory_kind: {type: str, description: 'C(uss) when private memory could be read, C(rss) when not, null when neither could.'}
            memory_bytes_per_worker_median: {type: int, description: 'What one worker takes by itself, by C(memory_kind); null without one.'}
            memory_bytes_per_worker_peak:
              description: The largest worker, with its share of what the workers have in common (PSS, else RSS). Null without one.
              type: int
            memory_bytes: {type: int, description: 'All workers together (PSS, else RSS), null without one.'}
            memory_limited_workers:
              {type: int, description: 'Workers whose address space has a limit (C(ulimit -v)).'}
            memory_limit_ratio:
              description: The part that the largest worker has taken of the address space that it may have (C(ulimit -v)), null without a limit.
              type: float
            rss_bytes_per_worker_median: {type: int, description: 'The median as C(top) shows it, null without one.'}
            worker_list:
              description: The largest workers.
              type: list
              elements: dict
              contains:
                {pid: {type: int, description: Its process.},
                 requests_running: {type: int, description: 'Requests that it works on, null when they cannot be told.'},
                 requests_waiting: {type: int, description: 'Requests that wait in it, null likewise.'},
                 connections: {type: int, description: 'Connections that it has, null when they may not be read.'},
                 oldest_request_seconds: {type: float, description: 'How long its oldest request has been there, null without one.'},
                 silent_seconds:
                   {type: float, description: 'Time since its last heartbeat, null for other servers than Gunicorn, or when it may not be read.'},
                 age_seconds: {type: float, description: 'Time since its start, null when it has gone.'},
                 memory_bytes: {type: int, description: 'Its memory, null when it has gone.'},
                 cpu_cores: {type: float, description: Cores it used in the window.},
                 busiest_thread_ratio: {type: float, description: Share of a core that its busiest thread used.}}
            worker_list_total: {type: int, description: How many there are.}
            cpu_cores: {type: float, description: 'Cores that the workers used in the window, null when one has gone.'}
            busiest_thread_ratio:
              description: Share of a core that the busiest thread used; near 1 one thread is at its limit. Null without one.
              type: float
            machine_cpu_free_cores: {type: float, description: 'Cores of the host that were idle, null when they cannot be read.'}
            cpu_per_busy_ratio:
              description: CPU per time in requests, about 1 when they compute, about 0.1 when they wait for a database. Null without a request.
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
            configured:
              description: From Gunicorn's control socket, or the command line, environment and configuration file; null when not set, or computed there.
              type: dict
              contains:
                {processes: {type: int, description: Workers.}, threads: {type: int, description: Threads of each.},
                 timeout_seconds: {type: int, description: 'After how long Gunicorn ends a worker that hangs.'},
                 max_requests: {type: int, description: Requests after which a worker is replaced.},
                 statsd: {type: str, description: 'Where Gunicorn sends its own counters, C(host:port).'}}
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._collect.entry import run
from ..module_utils._collect.options import argument_spec
from ..module_utils._collectors.wsgi.collector import COLLECTOR


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(COLLECTOR), supports_check_mode=True)
    run(module, COLLECTOR)


if __name__ == "__main__":
    main()
