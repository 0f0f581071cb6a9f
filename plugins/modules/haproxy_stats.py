#!/usr/bin/python
# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: haproxy_stats
short_description: Sessions, limits, queues and servers of HAProxy, and how the servers respond, over a window
version_added: 1.0.0
description:
  - Asks HAProxy's stats socket twice (C(show info) and C(show stat)) and computes rates and shares over the window.
  - Says which servers are down, draining, in maintenance or not checked, who waits in which queue, how full each limit is, how often a
    server gave no connection or no answer, and whether a backend is balanced.
  - Response and queue times are those of the window. HAProxy reports a running average; the window's own mean is computed from how far its
    requests moved that, so it is null for fewer than 20 requests, and where the average
    keeps old requests (3.3 and later with several groups of threads).
  - The stats page can be read instead (O(stats_url)). It says nothing of the process and its limits.
  - Sends C(show) commands only; the level C(user) of the socket is enough, except for the addresses of the servers.
author:
  - warroom.launch authors (@warroom-launch)
extends_documentation_fragment:
  - warroom.launch.launch
  - warroom.launch.launch.sampling
options:
  socket:
    description:
      - The stats socket, as V(/path), V(host:port) or V([IPv6]:port). The socket of a master (C(-S)) serves as well.
      - By default the one that the configuration of the HAProxy found on the host has.
    type: str
  stats_url:
    description: Address of the stats page (C(stats uri)), as V(http://host:port/path). It is read when no O(socket) is given or found.
    type: str
  login_user:
    description: User of the stats page (C(stats auth)).
    type: str
  login_password:
    description: Password of the stats page.
    type: str
"""

EXAMPLES = r"""
- name: Look at the HAProxy found on each host
  warroom.launch.haproxy_stats:
  become: true

- name: By its page
  warroom.launch.haproxy_stats:
    stats_url: http://lb1.example.com:8404/stats
    login_user: monitor
    login_password: "{{ vault_haproxy_password }}"

- name: Servers that are down
  ansible.builtin.debug:
    msg: "{{ ansible_facts.launch_haproxy.instances[0].servers | selectattr('state', 'eq', 'down') }}"
"""

RETURN = r"""
ansible_facts:
  description: The facts, under one key.
  returned: always
  type: dict
  contains:
    launch_haproxy:
      description: C(schema) and C(instances).
      type: dict
      contains:
        schema: {type: int, description: Version of the structure of these facts.}
        instances:
          description:
            - One per server, that is per main process.
            - What every instance has beside these measures is documented by M(warroom.launch.launch_facts).
            - A measure over the window is null with one sample (O(window) is 0). Why a measure is null is in RV(ignore:unknown).
            - What C(show info) tells is null when only the stats page was read.
          type: list
          elements: dict
          contains:
            version: {type: str, description: 'As the server writes it, null by the page.'}
            version_numbers: {type: list, elements: int, description: 'The comparable form, null likewise.'}
            pid: {type: int, description: 'Process id, null likewise.'}
            uptime_seconds: {type: int, description: 'Since it started or was reloaded, null likewise.'}
            threads: {type: int, description: 'Its threads, null likewise.'}
            stopping: {type: bool, description: 'Whether it takes no new connections because another took its place, null likewise.'}
            socket: {type: str, description: 'Where it was asked, null when the page was read.'}
            address: {type: str, description: 'Where it listens, null when its sockets cannot be seen.'}
            port: {type: int, description: 'The TCP port of that, null likewise.'}
            encrypts: {type: bool, description: 'Whether it ends TLS, null when its configuration is not readable.'}
            connections: {type: int, description: 'Connections of visitors, null by the page.'}
            connections_limit: {type: int, description: 'How many it takes (C(maxconn) of global), null likewise.'}
            connections_ratio: {type: float, description: 'The share, null likewise.'}
            idle_ratio: {type: float, description: 'Time that it had nothing to do, of the last seconds; null likewise, and of several threads before 2.4.4.'}
            encrypted_connections: {type: int, description: 'Those over TLS, null likewise.'}
            handshakes_per_second: {type: float, description: 'TLS handshakes in the last second, null likewise.'}
            handshakes_ratio: {type: float, description: 'Their share of C(maxsslrate), null without that limit.'}
            handshakes_resumed_ratio: {type: float, description: 'TLS sessions that were resumed, null by the page.'}
            connection_rate_ratio: {type: float, description: 'New connections as a share of C(maxconnrate), null without that limit.'}
            rate_limited: {type: bool, description: 'Whether it has such a limit, null by the page.'}
            rate_limits_ratio: {type: float, description: 'The larger of both shares, null without a limit.'}
            compressed_bytes_per_second: {type: float, description: 'Compressed bytes in the last second, null by the page.'}
            lost_log_lines: {type: int, description: 'Lines of its log that were lost in the window, null likewise.'}
            failed_allocations: {type: int, description: 'Times in the window that it got no memory, null likewise.'}
            listen_queue: {type: int, description: 'Connections that it has not accepted, null when the sockets cannot be seen.'}
            listen_queue_limit: {type: int, description: 'How many may wait on the fullest socket, null likewise.'}
            listen_queue_ratio: {type: float, description: 'How full that one is, null likewise.'}
            requests: {type: int, description: 'Requests in the window; of frontends in mode tcp connections.'}
            requests_per_second: {type: float, description: The same per second.}
            accepted: {type: int, description: Connections accepted by frontends in the window.}
            accepted_per_second: {type: float, description: The same per second.}
            frontends_counting: {type: int, description: Frontends that count answers (mode http).}
            errors: {type: int, description: 'Answers of 500 and above in the window, null without a frontend that counts answers.'}
            error_ratio: {type: float, description: 'The share of them, null without any answer.'}
            errors_of_servers: {type: int, description: 'Those that servers gave, null without a server that counts answers; the others are of HAProxy itself.'}
            errors_of_servers_ratio: {type: float, description: 'The share of the servers, null without any error.'}
            client_errors: {type: int, description: 'Answers from 400 to 499 in the window, null without a frontend that counts answers.'}
            client_error_ratio: {type: float, description: 'The share of them, null without any answer.'}
            frontends_full_ratio: {type: float, description: 'Sessions of the fullest frontend as a share of its limit, null without any.'}
            frontends:
              description: Frontends, those with most requests first.
              type: list
              elements: dict
              contains:
                {name: {type: str, description: Its name.}, state: {type: str, description: 'C(open), C(full) or C(stop), null when left empty.'},
                 sessions: {type: int, description: Sessions now.}, sessions_limit: {type: int, description: How many it takes.},
                 sessions_ratio: {type: float, description: 'The share, null without a limit.'},
                 requests: {type: int, description: 'Requests (connections in mode tcp) in the window.'},
                 requests_per_second: {type: float, description: The same per second.},
                 errors: {type: int, description: 'Answers of 500 and above, null in mode tcp.'},
                 denied: {type: int, description: Requests that its rules refused.},
                 bad_requests: {type: int, description: Requests that were none.}}
            frontends_total: {type: int, description: How many.}
            backends:
              description: Backends, those with a queue and then those with most requests first.
              type: list
              elements: dict
              contains:
                {name: {type: str, description: Its name.}, state: {type: str, description: 'C(up) or C(down), null likewise.'},
                 servers: {type: int, description: Its servers.}, servers_up: {type: int, description: 'Those that take requests, null likewise.'},
                 sessions: {type: int, description: Sessions now.}, queue: {type: int, description: 'Requests that wait for a server now.'},
                 requests: {type: int, description: 'Requests (connections in mode tcp) in the window.'},
                 requests_per_second: {type: float, description: The same per second.},
                 errors: {type: int, description: 'Answers of 500 and above, null in mode tcp.'},
                 connection_errors: {type: int, description: Requests that got no connection to a server.},
                 retries: {type: int, description: Attempts that were made again at the same server.},
                 redispatches: {type: int, description: Attempts that were made again at another one.},
                 queue_wait_seconds: {type: float, description: 'Mean wait in the queue, null of few requests.'},
                 response_seconds: {type: float, description: 'Mean time of its answers, null likewise.'}}
            backends_total: {type: int, description: How many.}
            backends_down: {type: int, description: 'Backends without any server, null when the state of one is not told.'}
            backends_down_names: {type: list, elements: str, description: Their names.}
            queue: {type: int, description: Requests that wait for a server now.}
            queue_wait_seconds: {type: float, description: 'The longest mean wait in the queue of a backend, null of few requests.'}
            response_seconds: {type: float, description: 'The longest mean time of the answers of a backend, null of few requests.'}
            connection_errors: {type: int, description: Requests in the window that got no connection to a server.}
            response_errors: {type: int, description: Requests in the window that got no whole answer.}
            retries: {type: int, description: Attempts in the window that were made again at the same server.}
            redispatches: {type: int, description: Attempts in the window that were made again at another one.}
            servers:
              description: Servers of all backends, those in trouble first.
              type: list
              elements: dict
              contains:
                {name: {type: str, description: Its name.}, backend: {type: str, description: Its backend.},
                 address: {type: str, description: 'Where it is, null at the level C(user).'},
                 state: {type: str, description: 'C(up), C(down), C(drain), C(maintenance), C(unchecked) or C(other), null likewise.'},
                 check: {type: str, description: 'What its last check said, null without checks.'},
                 weight: {type: int, description: Its weight now.}, sessions: {type: int, description: Sessions now.},
                 sessions_limit: {type: int, description: 'How many it takes (C(maxconn)), null without.'},
                 queue: {type: int, description: Requests that wait for it.},
                 requests: {type: int, description: 'Requests (connections in mode tcp) in the window.'},
                 errors: {type: int, description: 'Answers of 500 and above, null in mode tcp.'},
                 connection_errors: {type: int, description: Requests that got no connection.},
                 response_errors: {type: int, description: Requests that got no whole answer.},
                 retries: {type: int, description: Attempts that were made again.},
                 redispatches: {type: int, description: Attempts that were made again at another server.},
                 changed_seconds: {type: int, description: 'Since when it is in this state, null when it is not told.'},
                 response_seconds: {type: float, description: 'Mean time of its answers, null of few requests.'}}
            servers_total: {type: int, description: How many.}
            servers_down: {type: int, description: 'Those that are down, null when the state of one is not told.'}
            servers_draining: {type: int, description: 'Those that take no new sessions, null likewise.'}
            servers_in_maintenance: {type: int, description: 'Those that a person or a name that does not resolve has taken out, null likewise.'}
            servers_out: {type: int, description: 'Both of these, null likewise.'}
            servers_spare:
              description: Places that a server-template keeps for addresses to come; they are in no other count.
              type: int
            servers_unchecked: {type: int, description: 'Those without health checks, null likewise.'}
            servers_went_down: {type: int, description: Times in the window that a check took one out.}
            servers_limited: {type: int, description: Those with a limit of sessions.}
            servers_full_ratio: {type: float, description: 'Sessions of the fullest server as a share of its limit, null without any.'}
            server_failing: {type: str, description: 'Backend and name of the server that fails the largest share of attempts, null without any.'}
            server_failed_ratio: {type: float, description: 'That share, null without any attempt.'}
            server_failures: {type: int, description: 'Attempts in the window that got no connection or no answer, at all servers.'}
            unbalanced:
              description: >-
                The backend that is balanced worst, of those that give each server its share by weight and had 100 requests or more in the
                window. Null without any.
              type: dict
              contains:
                {backend: {type: str, description: 'Its name, null likewise.'},
                 server: {type: str, description: 'The server that got most for its weight, null likewise.'},
                 times_its_share: {type: float, description: 'How many times its share that is, null likewise.'},
                 backends_of_several: {type: int, description: Backends of several servers that share requests by weight.}}
      sample:
        schema: 1
        instances:
          - name: 0.0.0.0:443
            state: up
            connections: 812
            connections_ratio: 0.4
            queue: 0
            servers_down: 1
            servers: [{name: app2, backend: app, state: down, check: L4CON, requests: 0}]
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._collect.entry import run
from ..module_utils._collect.options import argument_spec
from ..module_utils._collectors.haproxy.collector import COLLECTOR


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(COLLECTOR), supports_check_mode=True)
    run(module, COLLECTOR)


if __name__ == "__main__":
    main()
