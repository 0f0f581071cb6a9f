#!/usr/bin/python
# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mysql_stats
short_description: Connections, locks, statements, clients and missing indexes of MySQL and MariaDB
version_added: 1.0.0
description:
  - Reads the sessions, transactions, locks, statement digests and counters of MySQL 8.0, 8.4 and 9 and of MariaDB 10.6 and later
    twice and computes what happened in between.
  - Names the session at the root of a chain of lock waits, row locks and metadata locks alike, with the line that frees the others.
    The line is printed and never run.
  - Finds columns named like a foreign key that lead no index on large tables, says which statements suffer from that, and
    prints the statement that adds the index without stopping reads or writes.
  - Works in a read-only session with limits on time and locks; every question is a transaction of its own.
  - The privileges C(PROCESS) and C(REPLICATION CLIENT) (MariaDB 10.5 and later also C(REPLICA MONITOR)) and C(SELECT) on
    C(performance_schema) are enough. With less, what is hidden is null, and RV(ignore:unknown) has the exact C(GRANT).
  - Without performance_schema, which MariaDB switches off by default, statements are only sampled from the process list.
author:
  - warroom.launch authors (@warroom-launch)
extends_documentation_fragment:
  - warroom.launch.launch
  - warroom.launch.launch.sampling
requirements:
  - PyMySQL on the target
  - cryptography on the target, for C(caching_sha2_password) over TCP without TLS
options:
  login_host:
    description:
      - Where the server listens. C(localhost) without O(login_port) means the server's socket, as it does for the server's own clients.
    type: str
  login_port:
    description: The server's port. V(3306) when only O(login_host) was given.
    type: int
  login_unix_socket:
    description: The path of the server's socket.
    type: path
  login_user:
    description: Who to log in as. Defaults to the user in O(config_file), else to the operating system's user that the module runs as.
    type: str
  login_password:
    description: The password. No password and an empty password are the same to the server.
    type: str
  config_file:
    description:
      - An option file (C(~/.my.cnf)) on the target whose C([client]) section completes what is not given here.
      - Read only when it is named here. A stale file in somebody's home is not looked for.
    type: path
  ca_cert:
    description: Certificates that the server's certificate is checked against. Given, the connection must be encrypted.
    type: path
  client_cert:
    description: The client's certificate.
    type: path
  client_key:
    description: The client's key.
    type: path
  check_hostname:
    description: Whether the name in the server's certificate must be the one connected to. On by default when O(ca_cert) is given.
    type: bool
  query_text:
    description:
      - How much of a statement leaves the host.
      - V(normalised) replaces every literal by C(?); V(full) keeps what users typed; V(none) leaves statements out.
    type: str
    choices: [normalised, full, none]
    default: normalised
  long_query_seconds:
    description: Queries that run for longer than this are listed one by one.
    type: float
    default: 1.0
  exempt:
    description:
      - Sessions that may run long (a backup, a report). Each entry has regular expressions by field (C(user), C(application),
        C(address), C(database), C(query)); a session is exempt when every field of an entry matches.
    type: list
    elements: dict
  explain_pids:
    description: Sessions whose running statement is to be explained (never executed).
    type: list
    elements: int
"""

EXAMPLES = r"""
- name: The servers that run on each database host, over their sockets
  warroom.launch.mysql_stats:
  become: true

- name: A named server as a monitoring user
  warroom.launch.mysql_stats:
    login_host: 10.0.0.21
    login_user: launch
    login_password: "{{ vault_launch_password }}"
    ca_cert: /etc/ssl/certs/db-ca.pem

- name: The plan of what session 4711 is running
  warroom.launch.mysql_stats:
    login_unix_socket: /run/mysqld/mysqld.sock
    explain_pids: [4711]
    window: 0
  become: true
"""

RETURN = r"""
ansible_facts:
  description: The facts, under one key.
  returned: always
  type: dict
  contains:
    launch_mysql:
      description: One entry per instance.
      type: dict
      returned: always
      contains:
        schema:
          description: Version of this structure.
          type: int
          returned: always
        instances:
          description: The servers. What was not measured is null, with the reason in RV(ignore:unknown).
          type: list
          elements: dict
          returned: always
          contains:
            flavour:
              description: C(mysql), C(mariadb) or C(percona); beside it C(version), C(role), C(uptime_seconds), C(performance_schema).
              type: str
              returned: success
            connections:
              description: Sessions now (C(used)), the limit (C(max)), C(free), the most there ever were (C(peak), C(peak_at)).
              type: dict
              returned: success
            connections_ratio:
              description: Sessions by the limit; 1 when the server had no connection left for us (C(connections_exhausted)).
              type: float
              returned: success
            threads_running:
              description: Sessions of clients that are at work.
              type: int
              returned: success
            idle_in_transaction:
              description: Sessions that keep a transaction open and wait for their client, with whom they block.
              type: list
              elements: dict
              returned: success
            long_queries:
              description:
                - What clients have been running for long, what each waits for (C(waits_for), C(wait_event)) and who is at the root of that.
                - Backups and exempt sessions are a C(kind) of their own and are not counted in C(long_queries_total).
              type: list
              elements: dict
              returned: success
            blockers:
              description: Sessions that hold others up, at the root, with C(waiters) and C(frees_the_others), which is never run.
              type: list
              elements: dict
              returned: success
            statements:
              description: Digests at the head of some list (time, calls, rows examined, mean), in the window and in the lifetime.
              type: list
              elements: dict
              returned: success
            statements_sampled:
              description: Statements that were seen running in looks at the process list during the window.
              type: list
              elements: dict
              returned: success
            missing_indexes:
              description:
                - Columns that lead no index although they are named like a foreign key, on tables of 10,000 rows or more.
                - C(confirmed_by) says what proves that the index is missed; C(add_index) is the statement to run.
              type: list
              elements: dict
              returned: success
            table_scans:
              description: Tables by the rows that were read without an index in the window.
              type: list
              elements: dict
              returned: success
            clients:
              description: Every (address, user, application) with its share of the sessions and of the working time.
              type: list
              elements: dict
              returned: success
            buffer_pool_hit_ratio:
              description: Share of InnoDB's page lookups in the window that were answered from memory.
              type: float
              returned: success
            questions_per_second:
              description: Statements from clients in the window, without our own; beside it the other rates, each named with its unit.
              type: float
              returned: success
            replication:
              description: Sources that this server follows, one row per channel, with C(lag_seconds) (null while it stands still).
              type: list
              elements: dict
              returned: success
            replicas:
              description: Replicas that are connected to this server.
              type: list
              elements: dict
              returned: success
            settings:
              description: Settings that matter under load; beside it C(settings_hash), equal on servers that are set up alike.
              type: list
              elements: dict
              returned: success
            index_definitions:
              description:
                - Every index by what it does, whatever it is called; beside it C(index_definitions_total) and C(index_definitions_hash).
                - The filter P(warroom.launch.drift#filter) compares them between environments.
              type: list
              elements: dict
              returned: success
            plans:
              description: For O(explain_pids), C(pid), C(database), C(query), C(plan) and C(full_scan), or C(problem).
              type: list
              elements: dict
              returned: success
      sample:
        schema: 1
        instances:
          - name: /run/mysqld/mysqld.sock
            state: up
            problem: null
            window: 5.001
            flavour: mariadb
            version: 10.11.6
            connections: {used: 42, max: 151, usable: 151, free: 109, peak: 77, peak_at: null, per_user_max: null}
            connections_ratio: 0.278146
            missing_indexes:
              - database: shop
                table: orders
                columns: [customer_id]
                rows_estimate: 1204000
                confirmed_by: [statements that filter on it and use no index]
                statement: SELECT * FROM `orders` WHERE `customer_id` = ?
                add_index: ALTER TABLE `shop`.`orders` ADD INDEX `orders_customer_id_idx` (`customer_id`), ALGORITHM=INPLACE, LOCK=NONE;
            unknown: {}
            notes: []
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._collect.entry import run
from ..module_utils._collect.options import argument_spec
from ..module_utils._collectors.mysql.collector import COLLECTOR


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(COLLECTOR), supports_check_mode=True)
    run(module, COLLECTOR)


if __name__ == "__main__":
    main()
