#!/usr/bin/python
# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: nginx_stats
short_description: Connections, limits, response times, errors and upstream servers of nginx over a window
version_added: 1.0.0
description:
  - Reads the C(stub_status) page of nginx twice and counts what its access and error logs grew by in between. Angie, OpenResty and
    Tengine are read likewise.
  - Says how much of C(worker_connections) and of the file descriptors the busiest worker uses, whether connections were dropped, and how
    full the kernel's queue of its listening sockets is.
  - By the access log, what visitors got (status, time), how each upstream server answered, and whether a group of them is balanced. What
    the log's format lacks is null, with the C(log_format) line that adds it.
  - Reads the configuration from its files, as the server does. C(nginx -T) would create log files that are missing and bind to sockets.
  - Reads at most 2 MiB of new lines of access logs and 1 MiB of error logs, the newest. No line, address of a visitor or value of a
    query becomes a fact; of a request its kind of page is shown, with ids and tokens replaced.
author:
  - warroom.launch authors (@warroom-launch)
extends_documentation_fragment:
  - warroom.launch.launch
  - warroom.launch.launch.sampling
options:
  status_url:
    description:
      - Address of the C(stub_status) page, as V(http://host:port/path).
      - By default the page that the configuration of the nginx found on the host has.
    type: str
  config:
    description: The main configuration file, where it is not the one of the server's command line or of its build.
    type: path
"""

EXAMPLES = r"""
- name: Look at the nginx found on each host
  warroom.launch.nginx_stats:
  become: true

- name: The status page of another address
  warroom.launch.nginx_stats:
    status_url: http://127.0.0.1:8081/nginx_status

- name: Servers behind nginx that do not answer
  ansible.builtin.debug:
    msg: "{{ ansible_facts.launch_nginx.instances[0].upstreams | selectattr('failed', 'gt', 0) }}"
"""

RETURN = r"""
ansible_facts:
  description: The facts, under one key.
  returned: always
  type: dict
  contains:
    launch_nginx:
      description: C(schema) and C(instances).
      type: dict
      contains:
        schema: {type: int, description: Version of the structure of these facts.}
        instances:
          description:
            - One per server, that is per main process.
            - What every instance has beside these measures is documented by M(warroom.launch.launch_facts).
            - A measure over the window is null with one sample (O(window) is 0). Why a measure is null is in RV(ignore:unknown).
            - Measures of the log are null when it cannot be read or its format does not hold them.
          type: list
          elements: dict
          contains:
            product: {type: str, description: 'C(nginx), C(angie), C(openresty) or C(tengine), null when nothing tells.'}
            version: {type: str, description: 'As the program tells it, null when nothing does.'}
            version_numbers: {type: list, elements: int, description: 'The comparable form, null likewise.'}
            pid: {type: int, description: 'Process id of the main process, null of a server elsewhere.'}
            uptime_seconds: {type: int, description: 'Since that started, null likewise.'}
            address: {type: str, description: 'Where it listens, null when its sockets cannot be seen.'}
            port: {type: int, description: 'The TCP port of that, null likewise.'}
            status_url: {type: str, description: 'Where the status page was read, null when it was not.'}
            status_seconds: {type: float, description: 'How long that took on a new connection, null likewise.'}
            workers: {type: int, description: 'Worker processes that take connections, null of a server elsewhere.'}
            workers_leaving: {type: int, description: 'Workers that a reload replaced and that still have connections, null likewise.'}
            workers_started: {type: int, description: 'Workers that were started in the window, by a reload or after a crash.'}
            connections: {type: int, description: 'Connections of visitors, by the status page; null without it.'}
            reading: {type: int, description: 'Those whose request it reads, null likewise.'}
            writing: {type: int, description: 'Those whose request it answers, null likewise.'}
            kept_alive: {type: int, description: 'Those that are idle between two requests, null likewise.'}
            accepted: {type: int, description: 'Connections accepted in the window, without our own; null likewise.'}
            accepted_per_second: {type: float, description: 'The same per second, null likewise.'}
            dropped: {type: int, description: 'Those of them that were closed because a limit was reached, null likewise.'}
            dropped_ratio: {type: float, description: 'The share of them, null without any.'}
            lifetime_dropped: {type: int, description: 'The same since the start, null without a status page.'}
            requests: {type: int, description: 'Requests in the window, by the status page or else by the log; null without both.'}
            requests_per_second: {type: float, description: 'The same per second, null likewise.'}
            worker_connections:
              description: Connections that each worker takes, those to upstream servers included. Null when the configuration is not readable.
              type: int
            connections_limit: {type: int, description: 'The same of all workers, null likewise.'}
            worker_connections_most: {type: int, description: 'Sockets of the worker that has most, null when they may not be read.'}
            connections_ratio: {type: float, description: 'Its share of C(worker_connections), null when either is.'}
            descriptors_limit: {type: int, description: 'Files and sockets that each worker may have open, null when it is not told.'}
            descriptors_most: {type: int, description: 'Those of the worker that has most, null when they may not be read.'}
            descriptors_ratio: {type: float, description: 'The share, null when either is.'}
            listen_queue: {type: int, description: 'Connections that no worker has accepted, null when the sockets cannot be seen.'}
            listen_queue_limit: {type: int, description: 'How many may wait on the fullest socket, null likewise.'}
            listen_queue_ratio: {type: float, description: 'How full that one is, null likewise.'}
            encrypts: {type: bool, description: 'Whether it ends TLS, null when the configuration is not readable.'}
            limits_requests: {type: bool, description: 'Whether C(limit_req) or C(limit_conn) is used, null likewise.'}
            access_log: {type: str, description: 'The first access log that is read, null without any.'}
            error_log: {type: str, description: 'The first error log that is read, null without any.'}
            log_format: {type: str, description: 'The format of the former, null without any.'}
            log_lacks:
              description: Variables that tell times and upstream servers and that some access log does not hold. Null without a log.
              type: list
              elements: str
            logged_requests: {type: int, description: 'Requests that the log holds of the window, null when it was not read.'}
            log_read_ratio: {type: float, description: 'How much of its new lines was read, null likewise.'}
            log_lines_unread: {type: int, description: 'Lines of another form than its format, null likewise.'}
            statuses:
              description: Responses by status, most of them first. Null when the log does not say.
              type: list
              elements: dict
              contains:
                {name: {type: str, description: The status.}, requests: {type: int, description: How many.}}
            statuses_total: {type: int, description: 'How many statuses, null likewise.'}
            errors: {type: int, description: 'Responses of 500 and above, null likewise.'}
            error_ratio: {type: float, description: 'The share of them, null without any response.'}
            client_errors: {type: int, description: 'Responses from 400 to 499, null when the log does not say.'}
            client_error_ratio: {type: float, description: 'The share of them, null without any response.'}
            too_many_requests: {type: int, description: 'Responses of 429, null when the log does not say.'}
            response_p50_seconds: {type: float, description: 'Half of the requests took no longer, null when the log does not say.'}
            response_p95_seconds: {type: float, description: '95 % of them took no longer, null likewise.'}
            response_max_seconds: {type: float, description: 'The longest, null likewise.'}
            response_times:
              description: Times of all requests, from the first byte of the request to the last of the response. Null likewise.
              type: dict
              contains:
                {count: {type: int, description: Requests with a time.}, p50_seconds: {type: float, description: 'As above, null without any.'},
                 p95_seconds: {type: float, description: 'As above, null without any.'},
                 p99_seconds: {type: float, description: '99 % took no longer, null without any.'},
                 max_seconds: {type: float, description: 'The longest, null without any.'},
                 buckets: {type: list, elements: dict, description: Their distribution.,
                           contains: {from_seconds: {type: float, description: From.}, to_seconds: {type: float, description: To.},
                                      count: {type: int, description: How many.}}}}
            proxied_requests: {type: int, description: 'Requests that went to an upstream server, null when the log does not say.'}
            retried_requests: {type: int, description: 'Those that more than one server was tried for, null likewise.'}
            unanswered_requests: {type: int, description: 'Those that no server answered (502, 504), null likewise.'}
            unanswered_ratio: {type: float, description: 'The share of them, null without any.'}
            errors_of_servers:
              {type: int, description: 'Responses of 500 and above that an upstream server gave (502 and 504 are counted as no answer), null likewise.'}
            errors_of_servers_ratio: {type: float, description: 'Their share of all errors, null without any.'}
            failed_attempts: {type: int, description: 'Attempts at a server that did not answer, null when the log does not say.'}
            upstream_failing: {type: str, description: 'The server with the largest share of failed attempts, null without any.'}
            upstream_failed_ratio: {type: float, description: 'That share, null without any attempt.'}
            upstream_p50_seconds: {type: float, description: 'Half of the upstream servers'' answers took no longer, null without any.'}
            upstream_p95_seconds: {type: float, description: '95 % of them took no longer, null likewise.'}
            upstreams:
              description: Upstream servers that were tried in the window, those that failed first. Null when the log does not say.
              type: list
              elements: dict
              contains:
                {name: {type: str, description: Its address.},
                 group: {type: str, description: 'The upstream block that names it, null when none does.'},
                 attempts: {type: int, description: How often it was tried.}, share_ratio: {type: float, description: Its share of all attempts.},
                 failed: {type: int, description: How often it did not answer.},
                 failed_ratio: {type: float, description: The share of that.}, errors: {type: int, description: Answers of 500 and above.},
                 p50_seconds: {type: float, description: 'Half of its answers took no longer, null when the log does not say.'},
                 p95_seconds: {type: float, description: '95 % of them took no longer, null likewise.'}}
            upstreams_total: {type: int, description: 'How many, null likewise.'}
            upstream_groups:
              description: Upstream blocks of the configuration, those with most attempts first. Null when it is not readable.
              type: list
              elements: dict
              contains:
                {name: {type: str, description: Its name.}, method: {type: str, description: How a server is chosen.},
                 servers: {type: int, description: Its servers.},
                 servers_serving: {type: int, description: Those that are neither C(backup) nor C(down).},
                 servers_unused: {type: int, description: 'Those of them that got no request, null without any.'},
                 attempts: {type: int, description: 'Attempts at them in the window, null when the log does not say.'},
                 busiest: {type: str, description: 'The server that got most for its weight, null without any.'},
                 busiest_times_its_share: {type: float, description: 'How many times its share that is, null without any.'}}
            upstream_groups_total: {type: int, description: 'How many, null when the configuration is not readable.'}
            unbalanced:
              description: >-
                The group that is balanced worst, of those that give each server its share by weight and had 100 requests or more in the
                window. Null without any.
              type: dict
              contains:
                {group: {type: str, description: 'The group, null likewise.'},
                 server: {type: str, description: 'The server that got most for its weight, null likewise.'},
                 times_its_share: {type: float, description: 'How many times its share that is, null likewise.'},
                 groups_of_several: {type: int, description: Groups of several servers that share requests by weight.}}
            pages:
              description: Kinds of pages, those with errors and then those that took most time first. Null when the log does not say.
              type: list
              elements: dict
              contains:
                {pattern: {type: str, description: 'The path, with ids and tokens replaced.'}, requests: {type: int, description: How many.},
                 errors: {type: int, description: Answers of 500 and above.},
                 mean_seconds: {type: float, description: 'Mean time, null when the log does not say, or they became WebSockets.'}}
            pages_total: {type: int, description: 'How many kinds, null likewise.'}
            caches:
              description: Its caches (C(proxy_cache_path) and others).
              type: list
              elements: dict
              contains:
                {name: {type: str, description: Name of the zone.}, max_bytes: {type: int, description: 'Its limit, null without one.'}}
            caches_total: {type: int, description: 'How many, null when the configuration is not readable.'}
            cache_hit_ratio: {type: float, description: 'Answers from a cache of all that asked one, null when the log does not say.'}
            limits_hit: {type: int, description: 'Lines of the error log that say that one of those that end in C(_exhausted) ran out, null when unread.'}
            connections_exhausted: {type: int, description: 'C(worker_connections are not enough), null when the error log was not read.'}
            descriptors_exhausted: {type: int, description: 'C(Too many open files), null likewise.'}
            local_ports_exhausted: {type: int, description: 'C(Cannot assign requested address) to an upstream server, null likewise.'}
            limited_requests: {type: int, description: 'C(limiting requests) that were refused, null likewise.'}
            limited_connections: {type: int, description: 'C(limiting connections), null likewise.'}
            refused_requests: {type: int, description: 'Both of these together, null likewise.'}
            refused_ratio: {type: float, description: 'Their share of the requests in its log, null without any.'}
            zones_exhausted: {type: int, description: 'Times that a shared memory zone had no room (C(could not allocate node)), null likewise.'}
            upstream_timeouts: {type: int, description: 'C(upstream timed out), null likewise.'}
            no_live_upstream: {type: int, description: 'C(no live upstreams), null likewise.'}
            upstream_refused: {type: int, description: 'C(connect() failed) for another reason than the next two, null likewise.'}
            upstream_queue_full: {type: int, description: 'C(Resource temporarily unavailable) of a UNIX socket, null likewise.'}
            upstream_forbidden: {type: int, description: 'C(Permission denied) to connect, null likewise.'}
            upstream_handshakes_failed: {type: int, description: 'TLS handshakes with upstream servers that failed, null likewise.'}
            upstream_not_understood: {type: int, description: 'Answers of upstream servers in another protocol or form, null likewise.'}
            upstream_unresolved: {type: int, description: 'Names of upstream servers that could not be resolved, null likewise.'}
            upstream_closed: {type: int, description: 'Connections that an upstream server closed before it answered, null likewise.'}
            upstream_header_too_big: {type: int, description: 'C(upstream sent too big header), null likewise.'}
            disk_full: {type: int, description: 'C(No space left on device), null likewise.'}
            handshakes_failed: {type: int, description: 'TLS handshakes with visitors that failed, null likewise.'}
            workers_crashed: {type: int, description: 'Workers that C(exited on signal), null likewise.'}
            upstream_complaints:
              description: The same by upstream server, most lines first. Null likewise.
              type: list
              elements: dict
              contains:
                {kind: {type: str, description: The measure that counts them.}, server: {type: str, description: Its address.},
                 lines: {type: int, description: How many.}}
            upstream_complaints_total: {type: int, description: 'How many rows, null likewise.'}
      sample:
        schema: 1
        instances:
          - name: 0.0.0.0:443
            state: up
            connections: 412
            connections_ratio: 0.31
            dropped: 0
            requests_per_second: 87.4
            response_p95_seconds: 0.41
            upstreams: [{name: "10.0.0.7:8000", attempts: 201, failed: 3, p95_seconds: 0.38}]
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._collect.entry import run
from ..module_utils._collect.options import argument_spec
from ..module_utils._collectors.nginx.collector import COLLECTOR


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(COLLECTOR), supports_check_mode=True)
    run(module, COLLECTOR)


if __name__ == "__main__":
    main()
