#!/usr/bin/python
# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pgbouncer_stats
short_description: Pools, waiting clients and server connections of PgBouncer over a window
version_added: 1.0.0
description:
  - Reads the console of PgBouncer (C(SHOW POOLS), C(STATS), C(DATABASES), C(LISTS), C(CLIENTS), C(CONFIG)) twice and computes rates over
    the window. Nothing but C(SHOW) is ever sent.
  - The console can be reached even when PgBouncer accepts no further client.
author:
  - warroom.launch authors (@warroom-launch)
extends_documentation_fragment:
  - warroom.launch.launch
  - warroom.launch.launch.sampling
requirements:
  - psycopg (3) on the target; psycopg2 is used where only that exists
options:
  login_host:
    description: Host name or address of PgBouncer. Without it and without O(login_unix_socket), V(127.0.0.1).
    type: str
  login_port:
    description: Port, also that of the UNIX socket. Without it 6432.
    type: int
  login_unix_socket:
    description: Folder of the UNIX socket (V(/var/run/postgresql)), or the socket itself.
    type: str
  login_user:
    description:
      - A user of C(stats_users) or C(admin_users) in C(pgbouncer.ini).
      - Without it, root becomes the system user that PgBouncer runs as for the time of the handshake on a UNIX socket, which its console
        lets in as C(pgbouncer) without a password.
    type: str
  login_password:
    description: Password of O(login_user). A C(.pgpass) file of the user on the target works as well.
    type: str
  ssl_mode:
    description: As libpq's C(sslmode).
    type: str
    choices: [disable, allow, prefer, require, verify-ca, verify-full]
  ca_cert:
    description: File with the certificate authority that signed PgBouncer's certificate.
    type: path
"""

EXAMPLES = r"""
- name: Look at the PgBouncers found on each host
  warroom.launch.pgbouncer_stats:
  become: true

- name: With a login that may only look
  warroom.launch.pgbouncer_stats:
    login_host: 127.0.0.1
    login_user: launch
    login_password: "{{ vault_launch_password }}"

- name: Two of them on one host
  warroom.launch.pgbouncer_stats:
    instances:
      - login_unix_socket: /var/run/postgresql
      - name: reports
        login_port: 6433
        login_user: launch
"""

RETURN = r"""
ansible_facts:
  description: The facts, under one key.
  returned: always
  type: dict
  contains:
    launch_pgbouncer:
      description: C(schema) and C(instances).
      type: dict
      contains:
        schema: {type: int, description: Version of the structure of these facts.}
        instances:
          description:
            - One per PgBouncer.
            - What every instance has beside these measures is documented by M(warroom.launch.launch_facts).
            - A measure over the window is null with one sample (O(window) is 0). Why a measure is null is in RV(ignore:unknown).
            - What this version does not say, or its user may not read, is null. The database C(pgbouncer) (the console) is left out.
          type: list
          elements: dict
          contains:
            kind: {type: str, description: Always V(pgbouncer).}
            version: {type: str, description: Its version.}
            owner: {type: str, description: 'The system user that it runs as, by its socket; null over TCP.'}
            mode: {type: str, description: 'C(pool_mode), V(session), V(transaction) or V(statement).'}
            client_connections: {type: int, description: Clients that are connected.}
            max_client_connections: {type: int, description: 'How many there may be, C(max_client_conn).'}
            client_connections_ratio: {type: float, description: The share of these.}
            clients_active: {type: int, description: 'Clients with a server connection, or without a wish for one.'}
            clients_waiting: {type: int, description: Clients that wait for a server connection.}
            longest_wait_seconds: {type: float, description: How long the first of them waits.}
            servers: {type: int, description: 'Connections to servers, in any state.'}
            servers_active: {type: int, description: Those that serve a client.}
            servers_idle: {type: int, description: Those that a client may have at once.}
            servers_possible:
              description: The most that the pools in use can open, reserve pools and the limits of databases counted.
              type: int
            pool_size: {type: int, description: 'The size of a pool where its database has none of its own, C(default_pool_size).'}
            fullest_pool_ratio: {type: float, description: 'The largest share of a pool, with its reserve, that serves a client or logs in.'}
            pools:
              description: A pool for each database and user, the longest wait first.
              type: list
              elements: dict
              contains:
                {database: {type: str, description: Its database.}, user: {type: str, description: Its user.},
                 mode: {type: str, description: Its mode.}, clients_active: {type: int, description: As above.},
                 clients_waiting: {type: int, description: As above.}, servers: {type: int, description: As above.},
                 servers_active: {type: int, description: As above.}, servers_idle: {type: int, description: As above.},
                 pool_size: {type: int, description: 'The most server connections of it, the reserve included.'},
                 used_ratio: {type: float, description: The share of these that serves a client or logs in.},
                 longest_wait_seconds: {type: float, description: How long its first waiting client waits.},
                 limited_by:
                   {type: str, description: 'V(pool_size), V(reserve_pool_timeout) (the reserve is held back so long), V(max_db_connections) or
                     V(max_user_connections), null when it may open more.'}}
            pools_total: {type: int, description: How many there are.}
            databases:
              description: The databases of its configuration, those with the most connections first.
              type: list
              elements: dict
              contains:
                {name: {type: str, description: What clients call it.}, host: {type: str, description: 'Its server, V(local) for a UNIX socket.'},
                 port: {type: int, description: Its server's port.}, pool_size: {type: int, description: 'Of each of its pools, with the reserve.'},
                 max_servers: {type: int, description: 'The limit of all of its pools, null without one.'},
                 servers: {type: int, description: Connections to its server.}}
            databases_total: {type: int, description: How many there are.}
            paused: {type: list, elements: str, description: 'Databases that a person paused or disabled, null before 1.8.'}
            queries_per_second: {type: float, description: Queries of all databases.}
            transactions_per_second: {type: float, description: Transactions of all databases.}
            mean_query_milliseconds: {type: float, description: 'Mean time of a query, null when none ran.'}
            mean_transaction_milliseconds: {type: float, description: 'Mean time of a transaction, null when none ran.'}
            mean_wait_milliseconds: {type: float, description: 'Mean wait for a server connection, per transaction; null when none ran.'}
            max_prepared_statements: {type: int, description: 'Prepared statements that it follows per connection, null before 1.21.'}
            prepared_statements:
              description: Whether clients may prepare statements by the protocol, that is in session mode, or where it follows them.
              type: bool
            clients:
              description: 'Every address, user and application behind it: the server sees only the address of PgBouncer.'
              type: list
              elements: dict
              contains:
                {address: {type: str, description: 'The address, V(local) for a UNIX socket.'}, user: {type: str, description: The user.},
                 application: {type: str, description: 'The application, null when it gives no name.'},
                 database: {type: str, description: The databases.}, backend: {type: str, description: Always V(pooler client).},
                 sessions: {type: int, description: Its connections.}, session_share_ratio: {type: float, description: The share of all.},
                 active_seconds: {type: float, description: Always null. PgBouncer does not say what clients do.},
                 time_share_ratio: {type: float, description: Always null.}, longest_query_seconds: {type: float, description: Always null.}}
            clients_total: {type: int, description: How many there are.}
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._collect.entry import run
from ..module_utils._collect.options import argument_spec
from ..module_utils._collectors.pgbouncer.collector import COLLECTOR


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(COLLECTOR), supports_check_mode=True)
    run(module, COLLECTOR)


if __name__ == "__main__":
    main()
