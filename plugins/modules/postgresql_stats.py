#!/usr/bin/python
# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: postgresql_stats
short_description: Connections, transactions, statements, locks and missing indexes of PostgreSQL over a window
version_added: 1.0.0
description:
  - Reads the views of PostgreSQL 13 to 18 twice and computes what happens now; the values since the statistics began stand beside as
    C(lifetime_) measures. Replaces what people read off pg_top, pg_activity and pg_stat_statements during a launch.
  - Names the session at the root of every lock wait, the clients that take the time, and the indexes that are missing, with the
    statement to type next. Nothing of it is run.
  - A server that refuses everybody because no connection is left is a fact (RV(ignore:connections_exhausted)), not a failure.
  - Recognises PgBouncer's console (O(login_db=pgbouncer)) and reads its pools and waiting clients.
author:
  - warroom.launch authors (@warroom-launch)
extends_documentation_fragment:
  - warroom.launch.launch
  - warroom.launch.launch.sampling
requirements:
  - psycopg (3) on the target; psycopg2 is used where only that exists
options:
  login_host:
    description: Host name or address of the server. Without it and without O(login_unix_socket), V(127.0.0.1).
    type: str
  login_port:
    description: Port, also that of the UNIX socket. Without it 5432.
    type: int
  login_unix_socket:
    description: Folder of the UNIX socket (V(/var/run/postgresql)), or the socket itself.
    type: str
  login_user:
    description:
      - The role to connect as. A member of C(pg_monitor) sees everything that is judged; what a lesser role may not see is unknown, with
        the GRANT that helps.
      - Without it, the system user that runs the module, else V(postgres). Root becomes the server's own user for the time of the
        handshake on a UNIX socket, so that peer authentication works with C(become) alone.
      - Prefer such a role to a superuser. To confirm missing indexes by a plan it needs to read the tables (C(pg_read_all_data)).
    type: str
  login_password:
    description: Password of O(login_user). A C(.pgpass) file of the user on the target works as well.
    type: str
  login_db:
    description:
      - The database to connect to; also the one whose tables are read unless O(databases) says otherwise.
      - Without it V(postgres), and C(pg_stat_statements) is looked for in the busiest databases.
      - V(pgbouncer) is the console of that pooler.
    type: str
  ssl_mode:
    description: As libpq's C(sslmode).
    type: str
    choices: [disable, allow, prefer, require, verify-ca, verify-full]
  ca_cert:
    description: File with the certificate authority that signed the server's certificate.
    type: path
  databases:
    description:
      - The databases whose tables and indexes are read, one after the other; V(all) for up to 20.
      - Without it that of O(login_db), else the five busiest. When connections are nearly exhausted only the one we are connected to.
    type: list
    elements: str
  query_text:
    description:
      - How SQL leaves the host. V(normalised) has no literal, no parameter and no comment.
      - V(full) is the text as it runs, with whatever data is in it; V(none) leaves it out.
    type: str
    choices: [normalised, full, none]
    default: normalised
  long_query_seconds:
    description: Queries that run for so long are listed and counted as long.
    type: float
    default: 1.0
  exempt:
    description:
      - Queries that may be long. Each entry has regular expressions for C(user), C(application), C(database), C(address) or C(query); all
        that it names must match. They stay visible and do not count. Dumps and backups are recognised without it.
    type: list
    elements: dict
  confirm_by_plan:
    description:
      - Ask for the generic plan of a few statements that seem to miss an index (C(EXPLAIN), never C(ANALYZE)).
      - Only statements without functions of users are planned, as the role that ran them where we may become it.
    type: bool
    default: true
  explain_pids:
    description: Sessions whose running query is to be explained (never executed).
    type: list
    elements: int
"""

EXAMPLES = r"""
- name: Look at the PostgreSQL servers found on each database host
  warroom.launch.postgresql_stats:
  become: true

- name: A server over the network, with a role that may only look
  warroom.launch.postgresql_stats:
    login_host: db1.example.com
    login_user: launch
    login_password: "{{ vault_launch_password }}"
    login_db: shop
    ssl_mode: verify-full

- name: The server, and the pooler in front of it
  warroom.launch.postgresql_stats:
    login_user: launch
    login_password: "{{ vault_launch_password }}"
    instances:
      - name: shop
        login_unix_socket: /var/run/postgresql
        databases: [shop, reports]
        exempt:
          - {user: "^backup$"}
      - name: pooler
        login_port: 6432
        login_db: pgbouncer

- name: The plan of what a session runs right now
  warroom.launch.postgresql_stats:
    explain_pids: [4711]
"""

RETURN = r"""
ansible_facts:
  description: The facts, under one key.
  returned: always
  type: dict
  contains:
    launch_postgresql:
      description: C(schema) and C(instances), one entry per server.
      type: dict
      returned: always
      contains:
        schema:
          description: Version of the shape of these facts.
          type: int
          returned: always
        instances:
          description:
            - One entry per server, with C(name), C(state) (V(up), V(down) or V(unreadable)), C(problem), C(window), C(collected_at),
              C(duration_ms), C(unknown) (why a measure is null) and C(notes). The rest is there when it is up.
          type: list
          elements: dict
          returned: always
          contains:
            kind:
              description:
                - V(server), or V(pgbouncer) when the console of that pooler was read; then C(pooler), C(clients) and C(version)
                  are all there is.
              type: str
              returned: when up
            version:
              description:
                - The server's own words; C(version_number) is the number (V(150008)), C(role) is V(primary) or V(replica),
                  C(uptime_seconds), C(user) and C(database) are ours.
              type: str
              returned: when up
            connections_exhausted:
              description:
                - The server is up and had no connection left for us. C(connections_refused) is its sentence, C(processes) who
                  holds the connections as the process table of its host shows it.
              type: bool
              returned: when up
            connections:
              description:
                - Client sessions C(used), of C(usable) (C(max) without both reserves, which are C(reserved)), C(free); C(active),
                  C(idle), C(idle_in_transaction), C(waiting_on_lock), C(hidden) for lack of privileges; C(walsenders), which have
                  slots of their own.
              type: dict
              returned: when up
            connections_ratio:
              description:
                - C(used) of C(usable). C(limits) are roles and databases with a limit of their own (C(kind), C(name), C(limit),
                  C(used), C(used_ratio)); C(limits_ratio) is the fullest of C(limits_total).
              type: float
              returned: when up
            by_state:
              description:
                - Sessions by state, rows of C(name) and C(sessions). C(by_user), C(by_application) and C(by_address) are alike;
                  C(by_user_total) and so on are the true numbers.
              type: list
              elements: dict
              returned: when up
            idle_in_transaction:
              description:
                - Open transactions that wait for their client, those idle longest first, with C(pid), C(user), C(application),
                  C(address), C(database), C(state), C(age_seconds) (since it became idle), C(transaction_seconds),
                  C(blocks_total) and C(query). C(idle_in_transaction_total), C(idle_in_transaction_longest_seconds),
                  C(idle_in_transaction_blocking) and C(idle_in_transaction_clients) sum them up.
              type: list
              elements: dict
              returned: when up
            long_queries:
              description:
                - Queries of clients that run for O(long_query_seconds) or longer, with C(age_seconds), C(waits_for) (V(cpu),
                  V(lock), V(io), V(client), ...), C(root_blocker), C(statement_kind), C(query) and C(kind) (V(client), V(backup)
                  or V(exempt); only the first counts). C(long_queries_total), C(long_queries_longest_seconds),
                  C(long_queries_on_lock), C(long_queries_on_io) and C(long_queries_on_cpu) sum them up.
              type: list
              elements: dict
              returned: when up
            blockers:
              description:
                - The sessions at the root of lock waits, with C(blocks_total), C(blocks_direct), C(longest_wait_seconds),
                  C(query), C(waiters) and C(frees_the_others), the statement that ends the wait (printed, never run).
                  C(blockers_total), C(waiting_on_lock) and C(lock_wait_longest_seconds) sum them up.
              type: list
              elements: dict
              returned: when up
            clients:
              description:
                - Every C(address), C(user) and C(application), with C(sessions), C(session_share_ratio), C(active_seconds) and
                  C(time_share_ratio) (from looks at what works within the window), C(longest_query_seconds), C(kind) (V(reads),
                  V(writes), V(both)), C(database) and C(backend). C(clients_total) is the true number.
              type: list
              elements: dict
              returned: when up
            statements:
              description:
                - Statements at the head of some list (C(head_of)) by time, calls, mean or blocks read, in the window or the
                  lifetime, with C(id), C(database), C(text), C(kind), C(calls), C(calls_per_second), C(milliseconds),
                  C(mean_milliseconds), C(share_ratio) (of the time of all), C(rows_per_call), C(blocks_per_call), C(blocks_read),
                  C(temp_blocks), C(io_milliseconds) and C(lifetime_) values. C(statements_total), C(statements_hidden),
                  C(statements_evicted) (since the reset, C(statements_since_seconds) ago), C(statements_calls_per_second) and
                  C(statements_busy_sessions) (sessions busy on average) are of all.
              type: list
              elements: dict
              returned: when up
            cache_hit_ratio:
              description:
                - Blocks found in shared buffers, of C(cache_blocks) in the window; C(cache_reads_per_second) came from outside.
                  C(lifetime_cache_hit_ratio) since the statistics began.
              type: float
              returned: when up
            databases:
              description:
                - Each database with C(name), C(backends), C(connection_limit), C(transactions_per_second), C(rollback_ratio),
                  C(cache_hit_ratio), C(rows_returned_per_second), C(rows_written_per_second), C(temp_bytes_per_second),
                  C(deadlocks), C(active_sessions), C(xid_age). C(databases_total) is the true number, C(databases_read) those
                  whose tables were looked at.
              type: list
              elements: dict
              returned: when up
            transactions_per_second:
              description:
                - Of all databases; C(transactions), C(rollbacks) and C(rollback_ratio) in the window, C(deadlocks),
                  C(deadlocks_per_minute), C(lifetime_deadlocks), C(temp_files), C(temp_bytes_per_second).
              type: float
              returned: when up
            missing_indexes:
              description:
                - Foreign keys, and columns named like one, that no index serves, those that hurt first, with C(database),
                  C(schema), C(table), C(columns), C(kind) (V(foreign_key) or V(column)), C(constraint), C(parent),
                  C(rows_estimate), C(table_bytes), C(sequential_scans), C(confirmed_by), C(statements) that suffer (each perhaps
                  with what its C(plan) does) and their C(statement_share_ratio), C(create_index) (the statement), C(being_built),
                  C(invalid_index). C(missing_indexes_total), C(missing_indexes_suspected), C(missing_indexes_hurting),
                  C(missing_indexes_hurting_rows) and C(missing_indexes_largest_rows) sum them up.
              type: list
              elements: dict
              returned: when up
            sequential_scan_suspects:
              description:
                - Tables of 1,000 rows or more that were read sequentially in the window, with C(sequential_scans),
                  C(rows_read_sequentially), C(scanned_ratio) (near 1 when it was read as a whole), C(index_scans),
                  C(rows_written) and so on. C(tables) are the busiest tables with the same columns, C(indexes) the busiest
                  indexes with C(scans), C(scans_per_second), C(entries_read), C(rows_fetched). C(tables_total), C(indexes_total)
                  and C(sequential_scan_suspects_total) are the true numbers.
              type: list
              elements: dict
              returned: when up
            indexes_invalid:
              description:
                - Names of indexes whose build failed or is not finished; C(indexes_invalid_total) is how many.
              type: list
              elements: str
              returned: when up
            tables_never_analyzed:
              description:
                - Tables without statistics; C(tables_stale) those that changed most since they were analysed (C(modified_ratio)),
                  C(tables_dead) those with most dead rows (C(dead_ratio)); C(tables_never_analyzed_total), C(tables_stale_ratio)
                  and C(tables_dead_ratio) sum them up.
              type: list
              elements: dict
              returned: when up
            plans:
              description:
                - For O(explain_pids), C(pid), C(database), C(query) and C(plan) (rows of C(depth), C(node), C(relation),
                  C(index), C(rows_estimate), C(cost), C(condition), C(filter)), or the C(problem).
              type: list
              elements: dict
              returned: when up
            checkpoints:
              description:
                - In the window C(timed), C(requested), C(buffers_per_second), C(written_by_backends_ratio), C(sync_milliseconds),
                  C(background_writer_stopped); C(lifetime_timed), C(lifetime_requested), C(lifetime_requested_ratio),
                  C(lifetime_per_hour).
              type: dict
              returned: when up
            io:
              description:
                - From PostgreSQL 16 on, per kind of backend (C(name)), reads, writes, evictions and fsyncs in the window.
                  Milliseconds need track_io_timing.
              type: list
              elements: dict
              returned: when up
            wal_bytes_per_second:
              description:
                - WAL written; C(wal_full_page_images) and C(wal_buffers_full) in the window from PostgreSQL 14 on.
              type: float
              returned: when up
            archiving:
              description:
                - C(failing), C(failed), C(lifetime_failed), C(last_archived_seconds); null when archiving is off.
              type: dict
              returned: when up
            autovacuum:
              description:
                - C(enabled), C(workers) of C(max_workers), C(longest_seconds), C(against_wraparound). C(vacuums) are those that
                  run, with C(phase) and C(done_ratio).
              type: dict
              returned: when up
            wraparound_ratio:
              description:
                - How much of the transaction ids the worst database (C(wraparound_database)) has used; C(freeze_age_times) is its
                  age against autovacuum_freeze_max_age.
              type: float
              returned: when up
            replicas:
              description:
                - Replicas attached to this server with C(name), C(address), C(state), C(sync_state), C(lag_seconds),
                  C(lag_bytes), C(unsent_bytes). C(replicas_total), C(replicas_not_streaming) and C(replica_lag_longest_seconds)
                  sum them up.
              type: list
              elements: dict
              returned: when up
            replication:
              description:
                - Of a replica itself, C(streaming), C(receiver), C(paused), C(lag_seconds), C(behind_bytes); null on a primary.
              type: dict
              returned: when up
            replication_slots:
              description:
                - With C(active), C(kept_bytes), C(wal_status); C(replication_slots_total), C(replication_slots_inactive),
                  C(replication_slots_kept_bytes) sum them up.
              type: list
              elements: dict
              returned: when up
            prepared_transactions:
              description:
                - Transactions prepared for a two-phase commit, with C(gid), C(user), C(database), C(age_seconds).
              type: list
              elements: dict
              returned: when up
            settings:
              description:
                - What launches depend on and what was changed, rows of C(name) and C(value) (sizes in bytes), for the comparison
                  of environments; C(settings_total), C(settings_hash), C(settings_waiting_for_restart).
              type: list
              elements: dict
              returned: when up
            index_definitions:
              description:
                - Indexes by what they do, rows of C(database), C(name) and C(definition) without the name, for the comparison of
                  environments; C(index_definitions_total) and C(index_definitions_hash) cover them all.
              type: list
              elements: dict
              returned: when up
            pooler:
              description:
                - Of PgBouncer, C(mode), C(clients), C(max_clients), C(clients_ratio), C(clients_waiting),
                  C(longest_wait_seconds), C(servers_active), C(servers_idle), C(pool_size), C(queries_per_second),
                  C(mean_query_milliseconds), C(mean_wait_milliseconds) and C(pools).
              type: dict
              returned: when up
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._collect.entry import run
from ..module_utils._collect.options import argument_spec
from ..module_utils._collectors.postgresql.collector import COLLECTOR


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(COLLECTOR), supports_check_mode=True)
    run(module, COLLECTOR)


if __name__ == "__main__":
    main()
