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
  - Names the session at the root of a chain of lock waits, row locks and metadata locks alike, with the statement that releases the
    others. The module does not run it.
  - Finds columns of large tables that are named like a foreign key and lead no index, says which statements suffer, and
    prints the statement that adds the index without stopping reads or writes.
  - Works in a read-only session with limits on time and locks; every query is its own transaction.
  - The privileges C(PROCESS) and C(REPLICATION CLIENT) (MariaDB 10.5 and later also C(REPLICA MONITOR)) and C(SELECT) on
    C(performance_schema) are enough. With fewer, hidden measures are null, and RV(ignore:unknown) has the exact C(GRANT).
  - Without performance_schema, which MariaDB switches off by default, statements are only sampled from the process list.
author:
  - warroom.launch authors (@warroom-launch)
extends_documentation_fragment:
  - warroom.launch.launch
  - warroom.launch.launch.sampling
  - warroom.launch.sql
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
      - Read only when it is named here. Files in home directories are not searched for, because they may be stale.
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
# yamllint disable rule:indentation
ansible_facts:
  description: The facts, under one key.
  returned: always
  type: dict
  contains:
    launch_mysql:
      description: C(schema) and C(instances).
      type: dict
      contains:
        schema: {type: int, description: Version of the structure of these facts.}
        instances:
          description:
            - One per server.
            - What every instance has beside these measures is documented by M(warroom.launch.launch_facts).
            - A measure over the window is null with one sample (O(window) is 0). Why a measure is null is in RV(ignore:unknown).
            - Null is also what our account may not see (of sessions, digests, InnoDB's dictionary) and what this flavour lacks.
          type: list
          elements: dict
          contains: {
            flavour: {type: str, description: 'C(mysql), C(mariadb) or C(percona).'},
            version: {type: str, description: As the server writes it.},
            version_number: {type: list, elements: int, description: The comparable form.},
            client_options: {type: str, description: What the client tools need to reach the same server.},
            role: {type: str, description: 'C(primary) or C(replica), null when we may not look.'},
            user: {type: str, description: Our account.}, uptime_seconds: {type: int, description: Since it started.},
            read_only: {type: bool, description: Whether it is for reading only.},
            refuses_writes: {type: bool, description: 'Whether it is so and copies from nobody, so that nobody can write.'},
            performance_schema: {type: bool, description: 'Whether it is on; off, what is read from it is null.'},
            slow_log: {type: bool, description: Whether slow queries are logged.}, slow_log_file: {type: str, description: Where.},
            long_query_time_seconds: {type: float, description: What counts as slow.},
            connections: {type: dict, description: Sessions; null when no connection was left., contains: {
              used: {type: int, description: Now.}, max: {type: int, description: The limit.}, usable: {type: int, description: The same.},
              free: {type: int, description: What is left.}, peak: {type: int, description: The most there ever were.},
              peak_at: {type: str, description: 'When, in UTC; null when the server does not report it.'},
              per_user_max: {type: int, description: 'The limit of one user, null without one.'}}},
            connections_ratio: {type: float, description: Sessions by the limit; 1 when no connection was left for us.},
            lifetime_connections_peak_ratio: {type: float, description: 'The most there ever were, by the limit.'},
            connections_exhausted: {type: bool, description: The server is up and had no connection left for us.},
            connections_refused: {type: str, description: 'Its sentence, when it had none.'},
            threads_running: {type: int, description: Sessions of clients that are at work.},
            active: {type: int, description: 'The same, null when some are hidden.'},
            sessions_killed: {type: int, description: Sessions that are being killed.},
            questions_per_second: {type: float, description: 'Statements from clients, without our own.'},
            selects_per_second: {type: float, description: SELECTs.},
            writes_per_second: {type: float, description: 'INSERT, UPDATE, DELETE and REPLACE.'},
            connections_per_second: {type: float, description: New connections.},
            slow_queries_per_second: {type: float, description: Statements beyond C(long_query_time_seconds).},
            full_scans_per_second: {type: float, description: Statements that read a first table as a whole.},
            full_joins_per_second: {type: float, description: Joins without an index.},
            rows_scanned_per_second: {type: float, description: Rows read one after the other.},
            sort_merge_passes_per_second: {type: float, description: Sorts that did not fit into the sort buffer.},
            temporary_tables_per_second: {type: float, description: Temporary tables.},
            temporary_disk_tables_per_second: {type: float, description: Those on disk.},
            temporary_disk_ratio: {type: float, description: 'Their share, null without any.'},
            row_lock_waits_per_second: {type: float, description: Waits for a row lock.},
            row_lock_current_waits: {type: int, description: Such waits now.},
            row_lock_wait_milliseconds: {type: float, description: 'Mean time of such a wait, null without any.'},
            log_waits_per_second: {type: float, description: Waits for the log buffer.},
            buffer_pool_waits_per_second: {type: float, description: Waits for a free page.},
            table_cache_misses_per_second: {type: float, description: Tables that had to be opened.},
            threads_created_per_second: {type: float, description: Threads that had to be made.},
            bytes_sent_per_second: {type: float, description: Sent.},
            disk_reads_per_second: {type: float, description: Pages read from disk.},
            transactions: {type: int, description: Transactions in the window.}, rollbacks: {type: int, description: Rolled back of these.},
            rollback_ratio: {type: float, description: 'The share, null without any.'},
            aborted_clients: {type: int, description: Clients that vanished in the window.},
            aborted_connects: {type: int, description: Failed logins in the window.},
            aborted_connects_ratio: {type: float, description: Per new connection.},
            refused_connections: {type: int, description: Refused in the window because the limit was reached.},
            lifetime_aborted_clients: {type: int, description: Vanished since the start.},
            lifetime_aborted_connects: {type: int, description: Failed logins since the start.},
            lifetime_refused_connections: {type: int, description: Refused since the start.},
            lifetime_questions_per_second: {type: float, description: Statements per second since the start.},
            lifetime_slow_queries: {type: int, description: Slow statements since the start.},
            buffer_pool_bytes: {type: int, description: Its size.}, buffer_pool_used_ratio: {type: float, description: Pages in use.},
            buffer_pool_lookups: {type: int, description: Page lookups in the window.},
            buffer_pool_hit_ratio: {type: float, description: 'Those answered from memory, null below 1,000 lookups.'},
            lifetime_buffer_pool_hit_ratio: {type: float, description: The same since the start.},
            deadlocks: {type: int, description: Deadlocks in the window.},
            deadlocks_per_minute: {type: float, description: The same per minute.},
            lifetime_deadlocks: {type: int, description: The same since the start.},
            history_list_length: {type: int, description: Old row versions that wait for purge.},
            by_state: {type: list, elements: dict, description: Client sessions by state., contains: &sessions {
              name: {type: str, description: What is counted.}, sessions: {type: int, description: Sessions.}}},
            by_state_total: {type: int, description: How many there are.},
            by_user: {type: list, elements: dict, description: Client sessions by user., contains: *sessions},
            by_user_total: {type: int, description: How many there are.},
            by_application: {type: list, elements: dict, description: Client sessions by application., contains: *sessions},
            by_application_total: {type: int, description: How many there are.},
            by_address: {type: list, elements: dict, description: Client sessions by address., contains: *sessions},
            by_address_total: {type: int, description: How many there are.},
            idle_in_transaction: {type: list, elements: dict, contains: {
              <<: &who {pid: {type: int, description: Its number on the server.}, user: {type: str, description: Its user.},
              application: {type: str, description: 'Its application, null when it gives no name.'},
              address: {type: str, description: 'Its address, null when hidden.'}, database: {type: str, description: Its database.}},
              state: {type: str, description: Its state.}, age_seconds: {type: float, description: Since it became idle.},
              transaction_seconds: {type: float, description: Since the transaction began.},
              blocks_total: {type: int, description: Sessions that wait for it.}, query: {type: str, description: Its last statement.}},
              description: 'Open transactions that wait for their client, those idle longest first.'},
            idle_in_transaction_total: {type: int, description: How many there are.},
            idle_in_transaction_longest_seconds: {type: float, description: The longest C(age_seconds).},
            idle_in_transaction_blocking: {type: int, description: How many of them block others.},
            idle_in_transaction_clients: {type: list, elements: dict, description: Who they are., contains: {
              application: {type: str, description: Its application.}, address: {type: str, description: Its address.},
              user: {type: str, description: Its user.}, sessions: {type: int, description: Sessions.}}},
            oldest_transaction_seconds: {type: float, description: 'Age of the oldest open transaction of a client, whatever it does.'},
            oldest_transaction: {type: dict, description: 'It, null when none is open.', contains: {
              <<: *who, state: {type: str, description: Its state.}, age_seconds: {type: float, description: Since it began.},
              query: {type: str, description: Its statement.}}},
            long_queries: {type: list, elements: dict, description: Queries that run for O(long_query_seconds) or longer., contains: {
              <<: *who, kind: {type: str, description: 'V(client), V(backup) or V(exempt); only the first counts.'},
              age_seconds: {type: float, description: How long it runs.},
              waits_for: {type: str, description: 'V(cpu), V(lock), V(io), V(client), V(replica), V(cluster) and so on.'},
              wait_event: {type: str, description: The server's own word.},
              root_blocker: {type: int, description: 'The session that holds it up, null when none does.'},
              statement_kind: {type: str, description: 'V(read), V(write), V(schema) or V(other).'},
              query: {type: str, description: The statement.}}},
            long_queries_total: {type: int, description: How many count.}, long_queries_exempt: {type: int, description: How many do not.},
            long_queries_longest_seconds: {type: float, description: The longest that counts.},
            long_queries_waits: {type: list, elements: dict, description: What they wait for., contains: *sessions},
            long_queries_on_lock: {type: int, description: Those that wait for a lock.},
            long_queries_on_io: {type: int, description: Those that wait for a disk.},
            long_queries_on_cpu: {type: int, description: Those that compute.},
            blockers: {type: list, elements: dict, description: 'The sessions at the root of lock waits, at the moment of the longest one.', contains: {
              <<: *who, state: {type: str, description: Its state.}, backend: {type: str, description: What kind of session it is.},
              age_seconds: {type: float, description: How long it is in this state.},
              transaction_seconds: {type: float, description: Since its transaction began.},
              blocks_direct: {type: int, description: Sessions right behind it.},
              blocks_total: {type: int, description: All sessions that wait for it.},
              still_blocks: {type: bool, description: Whether it does so at the end of the window.},
              longest_wait_seconds: {type: float, description: How long the first of them waits.},
              query: {type: str, description: Its last statement.},
              frees_the_others: &frees {type: str, description: 'The statement that ends the wait (printed, never run).'},
              schema_change: {type: dict, description: 'A schema change that waits for it, with others behind itself that would pass without it.', contains: {
                <<: *who, blocks_total: {type: int, description: All sessions that wait for the change.}, query: {type: str, description: Its statement.},
                frees_the_others: *frees}},
              waiters: {type: list, elements: dict, description: Who waits., contains: {
                <<: *who, blocked_by: {type: list, elements: int, description: The sessions right in front of it.},
                wait_seconds: {type: float, description: How long it waits.}, lock: {type: str, description: The kind of lock.},
                mode: {type: str, description: The lock's mode.},
                relation: {type: str, description: 'The table or index, null when it could not be named.'},
                relation_id: {type: int, description: 'Its number, null when the server has none.'},
                query: {type: str, description: Its statement.}}}}},
            blockers_total: {type: int, description: How many there are.},
            lock_wait_longest_seconds: {type: float, description: 'How long a client waited for a lock, the longest of the looks within the window.'},
            clients: {type: list, elements: dict, description: 'Every address, user and application.', contains: {
              address: {type: str, description: 'The address, null when hidden.'}, user: {type: str, description: The user.},
              application: {type: str, description: 'The application, null when it gives no name.'},
              database: {type: str, description: The databases.}, backend: {type: str, description: What kind of session it is.},
              sessions: {type: int, description: Sessions.}, session_share_ratio: {type: float, description: Share of all sessions.},
              active_seconds: {type: float, description: 'Time that its sessions worked in the window, from looks.'},
              time_share_ratio: {type: float, description: 'Share of the time that all worked, null when none did.'},
              longest_query_seconds: {type: float, description: 'Its longest query, null when hidden.'},
              kind: {type: str, description: 'V(reads), V(writes) or V(both), null when it was not seen at work.'}}},
            clients_total: {type: int, description: How many there are.},
            statements: {type: list, elements: dict, contains: {
              id: {type: str, description: Its digest.}, database: {type: str, description: Its database.},
              text: {type: str, description: The statement.}, kind: {type: str, description: 'V(read), V(write), V(schema) or V(other).'},
              head_of: {type: list, elements: str, description: The lists.},
              calls: {type: int, description: Calls; null when it did not run in the window.},
              calls_per_second: {type: float, description: Calls.}, milliseconds: {type: float, description: Time.},
              share_ratio: {type: float, description: Share of the time of all.}, mean_milliseconds: {type: float, description: Mean time.},
              lock_milliseconds: {type: float, description: Mean time for locks.}, rows_per_call: {type: float, description: Rows sent.},
              examined_per_call: {type: float, description: Rows examined.},
              examined_per_sent: {type: float, description: Rows examined for each row sent or changed.},
              no_index_ratio: {type: float, description: Calls without an index.},
              no_good_index_ratio: {type: float, description: Calls without a good index.},
              disk_tables_per_call: {type: float, description: Temporary tables on disk.}, errors: {type: int, description: Errors.},
              lifetime_calls: {type: int, description: Calls since the start.},
              lifetime_share_ratio: {type: float, description: Share of the time of all since the start.},
              lifetime_mean_milliseconds: {type: float, description: Mean time since the start.},
              lifetime_no_index_ratio: {type: float, description: Calls without an index since the start.},
              lifetime_examined_per_sent: {type: float, description: 'Rows examined for each sent or changed, since the start.'},
              lifetime_disk_tables_per_call: {type: float, description: Temporary tables on disk since the start.}},
              description: 'Digests at the head of some list, by time, calls, rows examined or mean.'},
            statements_total: {type: int, description: How many digests there are.},
            statements_calls_per_second: {type: float, description: Calls of all.},
            statements_busy_sessions: {type: float, description: Sessions busy on average.},
            statements_unnamed_ratio: {type: float, description: Share of the calls without a name because the table of digests is full.},
            statements_unnamed_time_ratio: {type: float, description: The same share of the time that statements took in the window.},
            lifetime_statements_unnamed_time_ratio: {type: float, description: The same since the start.},
            statements_sampled: {type: list, elements: dict, contains: {
              text: {type: str, description: The statement.}, kind: {type: str, description: 'V(read), V(write), V(schema) or V(other).'},
              database: {type: str, description: Its database.}, samples: {type: int, description: How often it was seen.},
              share_ratio: {type: float, description: Share of all that was seen.}},
              description: Statements seen running in looks at the process list during the window.},
            missing_indexes: {type: list, elements: dict, contains: {
              database: {type: str, description: Its database.}, table: {type: str, description: Its table.},
              columns: {type: list, elements: str, description: The column.}, place: {type: str, description: All of it in a few words.},
              kind: {type: str, description: C(column).}, refers_to: {type: str, description: What its name refers to.},
              rows_estimate: {type: int, description: Rows of the table.},
              rows_scanned_per_second: {type: float, description: 'Rows read there without an index, null when none.'},
              confirmed_by: {type: list, elements: str, description: What proves that the index is missed.},
              statement: {type: str, description: 'The statement that suffers most, null without one.'},
              statements: {type: list, elements: dict, description: Statements that suffer., contains: {
                text: {type: str, description: The statement.}, mean_milliseconds: {type: float, description: Mean time.},
                examined_per_sent: {type: float, description: Rows examined for each sent.},
                calls_per_second: {type: float, description: Calls.}, share_ratio: {type: float, description: Share of the time of all.},
                samples: {type: int, description: 'How often it was seen running, without performance_schema.'}}},
              statement_share_ratio: {type: float, description: 'Their share of the time of all, null without any.'},
              being_built: {type: str, description: 'Who adds the index right now, null when no session does.'},
              add_index: {type: str, description: The statement that adds the index.}},
              description: 'Columns that lead no index and are named like a foreign key, on tables of 10,000 rows or more.'},
            missing_indexes_total: {type: int, description: How many there are.},
            missing_indexes_suspected: {type: int, description: Those without a statement that suffers.},
            missing_indexes_hurting: {type: int, description: Those that are confirmed.},
            missing_indexes_hurting_rows: {type: int, description: Rows of their largest table.},
            missing_indexes_statement_share_ratio: {type: float, description: The largest share of time of one.},
            table_scans: {type: list, elements: dict, contains: {
              database: {type: str, description: Its database.}, table: {type: str, description: Its table.},
              rows: {type: int, description: Its rows.}, rows_scanned_per_second: {type: float, description: Rows read without an index.}},
              description: Tables by the rows that were read without an index in the window.},
            table_scans_total: {type: int, description: How many there are.},
            replication: {type: list, elements: dict, description: Sources that this server follows., contains: {
              name: {type: str, description: The channel.}, source: {type: str, description: The source's address.},
              receiving: {type: bool, description: Whether it receives.}, applying: {type: bool, description: Whether it applies.},
              state: {type: str, description: The server's own words.},
              delay_seconds: {type: int, description: 'The delay that was asked for, null without one.'},
              lag_seconds: {type: int, description: 'How far behind that, null while it stands still.'},
              error: {type: str, description: 'What went wrong, null when nothing did.'}}},
            replication_broken: {type: int, description: Channels that do not run.},
            replication_lag_seconds: {type: int, description: 'The farthest behind, null while none runs.'},
            replicas: {type: list, elements: dict, description: Replicas that are connected to this server., contains: {
              address: {type: str, description: Its address.}, user: {type: str, description: Its user.},
              seconds: {type: float, description: Since it connected.}}},
            replicas_total: {type: int, description: How many there are.},
            galera: {type: dict, description: This server as a node of a Galera cluster., contains: {
              member: {type: bool, description: 'Whether it is one; the rest is null when it is not.'},
              serves: {type: bool, description: 'Whether it takes statements: ready, and in the primary component.'},
              ready: {type: bool, description: C(wsrep_ready).}, connected: {type: bool, description: C(wsrep_connected).},
              cluster_status: {type: str, description: C(wsrep_cluster_status).},
              cluster_size: {type: int, description: Nodes that it sees.},
              state: {type: str, description: 'C(wsrep_local_state_comment): C(Synced) when all is well.'},
              flow_control_paused_ratio: {type: float, description: Share of the window in which replication was paused.},
              flow_control_sent: {type: int, description: Pauses that this node requested in the window.},
              receive_queue: {type: int, description: Write sets that wait to be applied.},
              certification_failures: {type: int, description: Transactions rolled back because another node was first.}}},
            group: {type: dict, description: This server as a member of Group Replication., contains: {
              member: {type: bool, description: 'Whether it is one; the rest is null when it is not.'},
              serves: {type: bool, description: 'Whether it is in its group, and reaches a majority of it.'},
              state: {type: str, description: 'C(MEMBER_STATE) of this member: C(ONLINE) when all is well.'},
              size: {type: int, description: Members that its group has.}, reachable: {type: int, description: Of these it reaches.}}},
            binary_log: {type: dict, description: 'Where the binary log stands, null without one.', contains: {
              file: {type: str, description: The file.}, position: {type: int, description: The position in it.}}},
            settings: {type: list, elements: dict, description: Settings that matter under load., contains: {
              name: {type: str, description: The setting.}, value: {type: raw, description: Its value.}}},
            settings_total: {type: int, description: How many there are.},
            settings_hash: {type: str, description: Equal on servers that are set up alike.},
            index_definitions: {type: list, elements: dict, contains: {
              database: {type: str, description: Its database.}, name: {type: str, description: Its name.},
              definition: {type: str, description: 'What it does, without the name.'}},
              description: 'Every index by what it does, which the filter P(warroom.launch.drift#filter) compares.'},
            index_definitions_total: {type: int, description: How many there are.},
            index_definitions_hash: {type: str, description: Covers them all.},
            undefined_names: {type: list, elements: dict, contains: {
              database: {type: str, description: The database.}, kind: {type: str, description: V(table) or V(column).},
              name: {type: str, description: The name.}, sessions: {type: int, description: Sessions of which a statement failed for it.},
              user: {type: str, description: The user of one.},
              application: {type: str, description: 'Its application, null when it gives no name.'},
              address: {type: str, description: Its address.}, query: {type: str, description: Its statement.}},
              description: 'Tables and columns that statements named just now and the server does not have. Null without the consumer
                events_statements_history of performance_schema, which MariaDB has off.'},
            undefined_names_total: {type: int, description: How many there are.},
            task_queue_tables: {type: list, elements: str, description: 'Tables of Django''s tasks (C(database: table)), null without the right
              C(PROCESS).'},
            task_queues: {description: 'Their queues with tasks that wait, null when they may not be read.', type: list, elements: dict, contains: {
              database: {type: str, description: Its database.}, table: {type: str, description: Its table.},
              name: {type: str, description: The queue.}, waiting: {type: int, description: 'Tasks that are due and not begun, at most 10,000 of a table.'},
              oldest_seconds: {type: float, description: 'How long the oldest of them has been due; null when Django writes local times (C(USE_TZ)).'}}},
            task_queue_waiting: {type: int, description: 'Tasks that wait in all of them, null when there are more than are counted, they may not
              be read, or the table has too many rows.'},
            task_queue_oldest_seconds: {type: float, description: 'The oldest of all, 0 without any; null likewise.'},
            plans: {type: list, elements: dict, description: For O(explain_pids)., contains: {
              pid: {type: int, description: The session.}, database: {type: str, description: Its database.},
              query: {type: str, description: Its statement.},
              full_scan: {type: bool, description: 'Whether a table is read as a whole, null without a plan.'},
              problem: {type: str, description: 'Why there is no plan, null when there is one.'},
              plan: {type: list, elements: dict, description: The steps., contains: {
                table: {type: str, description: The table.}, type: {type: str, description: How it is read.},
                possible_keys: {type: str, description: Indexes that could serve.}, key: {type: str, description: The index.},
                rows: {type: raw, description: Rows.}, filtered: {type: raw, description: Share that is left.}}}}}
          }
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
