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
  - Reads the views of PostgreSQL 13 to 18 twice and computes rates and ratios over the window; values since the last reset are given as
    C(lifetime_) measures. Replaces reading pg_top, pg_activity and pg_stat_statements during a launch.
  - Names the session at the root of every lock wait, the clients that take the time, and the indexes that are missing, with the
    statement to run next. The module does not run it.
  - A server that refuses connections because none is left is a fact (RV(ignore:connections_exhausted)), not a failure.
  - PgBouncer is read by M(warroom.launch.pgbouncer_stats).
author:
  - warroom.launch authors (@warroom-launch)
extends_documentation_fragment:
  - warroom.launch.launch
  - warroom.launch.launch.sampling
  - warroom.launch.sql
  - warroom.launch.postgresql
requirements:
  - psycopg (3) on the target; psycopg2 is used where only that exists
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

- name: One server, two of its databases, and who may run long queries
  warroom.launch.postgresql_stats:
    instances:
      - name: shop
        login_unix_socket: /var/run/postgresql
        databases: [shop, reports]
        exempt:
          - {user: "^backup$"}

- name: The plan of what a session runs right now
  warroom.launch.postgresql_stats:
    explain_pids: [4711]
"""

RETURN = r"""
# yamllint disable rule:indentation
ansible_facts:
  description: The facts, under one key.
  returned: always
  type: dict
  contains:
    launch_postgresql:
      description: C(schema) and C(instances).
      type: dict
      contains:
        schema: {type: int, description: Version of the structure of these facts.}
        instances:
          description:
            - One per server.
            - What every instance has beside these measures is documented by M(warroom.launch.launch_facts).
            - A measure over the window is null with one sample (O(window) is 0). Why a measure is null is in RV(ignore:unknown).
            - Null is also what our role may not see of other sessions and what this version lacks.
          type: list
          elements: dict
          contains: {
            kind: {type: str, description: Always V(server).},
            version: {type: str, description: The server's own words.}, version_number: {type: int, description: For example V(150008).},
            role: {type: str, description: V(primary) or V(replica).},
            refuses_writes: {type: bool, description: 'Whether it is a primary whose transactions are read-only unless they say otherwise.'},
            uptime_seconds: {type: float, description: Since it started.},
            user: {type: str, description: Our user.}, database: {type: str, description: Our database.},
            connections_exhausted: {type: bool, description: The server is up and had no connection left for us.},
            connections_refused: {type: str, description: 'Its sentence, when it had none.'},
            processes: {type: list, elements: dict, contains: {
              user: {type: str, description: The user.}, database: {type: str, description: The database.}, address: {type: str, description: The address.},
              sessions: {type: int, description: Sessions.}, idle: {type: int, description: Those that are idle.}},
              description: 'Who holds the connections then, by the host''s process table; null when that is another host.'},
            processes_total: {type: int, description: How many there are.},
            connections: {type: dict, description: Client sessions; null when no connection was left., contains: {
              used: {type: int, description: Sessions.}, usable: {type: int, description: 'What clients may have, the maximum without both reserves.'},
              max: {type: int, description: The maximum.}, reserved: {type: int, description: All reserves.}, free: {type: int, description: What is left.},
              active: {type: int, description: 'At work, null when some are hidden.'}, idle: {type: int, description: Idle.},
              connecting: {type: int, description: Logging in.},
              idle_in_transaction: {type: int, description: Idle in a transaction.}, waiting_on_lock: {type: int, description: Waiting for a lock.},
              hidden: {type: int, description: 'Hidden for lack of privileges, or by a hosting service from everybody.'},
              walsenders: {type: int, description: 'Replicas, which have slots of their own.'}}},
            connections_ratio: {type: float, description: Used of the usable.},
            limits: {type: list, elements: dict, description: Roles and databases with a limit of their own., contains: {
              kind: {type: str, description: V(user) or V(database).}, name: {type: str, description: Its name.}, limit: {type: int, description: The limit.},
              used: {type: int, description: What is used.}, used_ratio: {type: float, description: The share.}}},
            limits_total: {type: int, description: How many there are.}, limits_ratio: {type: float, description: The fullest.},
            active: {type: int, description: 'Sessions at work, null when some are hidden.'},
            waiting_on_lock: {type: int, description: Sessions that wait for a lock.},
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
              waits_for: {type: str, description: 'V(cpu), V(lock), V(io), V(client), V(replica) and so on.'},
              wait_event: {type: str, description: The server's own word.},
              root_blocker: {type: int, description: 'The session that holds it up, null when none does.'},
              statement_kind: {type: str, description: 'V(read), V(write), V(schema) or V(other).'}, query: {type: str, description: The statement.}}},
            long_queries_total: {type: int, description: How many count.}, long_queries_exempt: {type: int, description: How many do not.},
            long_queries_longest_seconds: {type: float, description: The longest that counts.},
            long_queries_waits: {type: list, elements: dict, description: What they wait for., contains: *sessions},
            long_queries_on_lock: {type: int, description: Those that wait for a lock.},
            long_queries_on_io: {type: int, description: Those that wait for a disk.}, long_queries_on_cpu: {type: int, description: Those that compute.},
            internal_locks: {type: list, elements: dict, description: 'Locks of the server''s memory (LWLock) that clients wait for.', contains: *sessions},
            blockers: {type: list, elements: dict, description: 'The sessions at the root of lock waits, at the moment of the longest one.', contains: {
              <<: *who, state: {type: str, description: Its state.}, backend: {type: str, description: What kind of session it is.},
              age_seconds: {type: float, description: How long it is in this state.},
              transaction_seconds: {type: float, description: Since its transaction began.},
              blocks_direct: {type: int, description: Sessions right behind it.}, blocks_total: {type: int, description: All sessions that wait for it.},
              still_blocks: {type: bool, description: Whether it does so at the end of the window.},
              longest_wait_seconds: {type: float, description: How long the first of them waits.}, query: {type: str, description: Its last statement.},
              frees_the_others: &frees {type: str, description: 'The statement that ends the wait (printed, never run).'},
              schema_change: {type: dict, description: 'A schema change that waits for it, with others behind itself that would pass without it.', contains: {
                <<: *who, blocks_total: {type: int, description: All sessions that wait for the change.}, query: {type: str, description: Its statement.},
                frees_the_others: *frees}},
              waiters: {type: list, elements: dict, description: Who waits., contains: {
                <<: *who, blocked_by: {type: list, elements: int, description: The sessions right in front of it.},
                wait_seconds: {type: float, description: How long it waits.}, lock: {type: str, description: The kind of lock.},
                mode: {type: str, description: The lock's mode.}, relation: {type: str, description: 'The table or index, null when it could not be named.'},
                relation_id: {type: int, description: 'Its number, null when the server has none.'}, query: {type: str, description: Its statement.}}}}},
            blockers_total: {type: int, description: How many there are.},
            lock_wait_longest_seconds: {type: float, description: 'How long a client waited for a lock, the longest of the looks within the window.'},
            clients: {type: list, elements: dict, description: 'Every address, user and application.', contains: {
              address: {type: str, description: 'The address, null when hidden.'}, user: {type: str, description: The user.},
              application: {type: str, description: 'The application, null when it gives no name.'}, database: {type: str, description: The databases.},
              backend: {type: str, description: What kind of session it is.}, sessions: {type: int, description: Sessions.},
              session_share_ratio: {type: float, description: Share of all sessions.},
              active_seconds: {type: float, description: 'Time that its sessions worked in the window, from looks.'},
              time_share_ratio: {type: float, description: 'Share of the time that all worked, null when none did.'},
              longest_query_seconds: {type: float, description: 'Its longest query, null when hidden.'},
              kind: {type: str, description: 'V(reads), V(writes) or V(both), null when it was not seen at work.'}}},
            clients_total: {type: int, description: How many there are.},
            statements: {type: list, elements: dict, contains: {
              id: {type: str, description: 'Its id, as text.'}, database: {type: str, description: Its database.},
              text: {type: str, description: The statement.}, kind: {type: str, description: 'V(read), V(write), V(schema) or V(other).'},
              head_of: {type: list, elements: str, description: The lists.}, calls: {type: int, description: Calls; null when it did not run in the window.},
              nested_calls: {type: int, description: 'Of these those of functions, procedures and triggers, null where they are not told apart.'},
              calls_per_second: {type: float, description: Calls.}, milliseconds: {type: float, description: Time.},
              mean_milliseconds: {type: float, description: Mean time.}, share_ratio: {type: float, description: Share of the time of all.},
              rows_per_call: {type: float, description: Rows.}, blocks_read: {type: int, description: Blocks from outside the shared buffers.},
              blocks_per_call: {type: float, description: Blocks.}, temp_blocks: {type: int, description: Blocks of temporary files.},
              io_milliseconds: {type: float, description: 'Time reading, null without track_io_timing.'},
              lifetime_calls: {type: int, description: Calls since the reset.},
              lifetime_mean_milliseconds: {type: float, description: Mean time since the reset.},
              lifetime_share_ratio: {type: float, description: Share of all time since the reset.},
              lifetime_rows_per_call: {type: float, description: Rows since the reset.}},
              description: 'Those at the head of some list, by time, calls, mean or blocks read. Null without pg_stat_statements.'},
            statements_total: {type: int, description: 'How many there are, null when some are hidden that a grant would show.'},
            statements_hidden: {type: int, description: 'Those of other users that are hidden from us, or by a hosting service from everybody.'},
            statements_evicted: {type: int, description: 'Times that some were evicted since the reset, null before PostgreSQL 14.'},
            statements_since_seconds: {type: float, description: Since the reset.},
            statements_calls_per_second: {type: float,
              description: 'Calls of all that clients send, null where what functions run is not told apart.'},
            statements_busy_sessions: {type: float, description: 'Sessions busy on average, null as the calls are.'},
            cache_hit_ratio: {type: float, description: 'Blocks found in shared buffers, null when none was read.'},
            cache_blocks: {type: int, description: Blocks in the window.}, cache_reads_per_second: {type: float, description: Those that came from outside.},
            lifetime_cache_hit_ratio: {type: float, description: The same since the statistics began.},
            databases: {type: list, elements: dict, description: Databases., contains: {
              name: {type: str, description: Its name.}, backends: {type: int, description: Sessions.},
              connection_limit: {type: int, description: 'Its own limit, null without one.'},
              transactions_per_second: {type: float, description: Transactions.}, rollback_ratio: {type: float, description: Rolled back of these.},
              cache_hit_ratio: {type: float, description: Blocks found in shared buffers.}, rows_returned_per_second: {type: float, description: Rows read.},
              rows_written_per_second: {type: float, description: Rows written.}, temp_bytes_per_second: {type: float, description: Temporary files.},
              deadlocks: {type: int, description: Deadlocks in the window.},
              active_sessions: {type: float, description: 'Sessions at work on average, null before PostgreSQL 14.'},
              lifetime_transactions: {type: int, description: Transactions since the statistics began.},
              lifetime_cache_hit_ratio: {type: float, description: Its hits since then.},
              xid_age: {type: int, description: Age of its oldest transaction id.}}},
            databases_total: {type: int, description: How many there are.},
            databases_read: {type: list, elements: str, description: Those whose tables were looked at.},
            task_queue_tables: {type: list, elements: str, description: 'Tables of Django''s tasks (C(database: table)), null when not looked for.'},
            task_queues: {description: 'Their queues with tasks that wait, null when they may not be read.', type: list, elements: dict, contains: {
              database: {type: str, description: Its database.}, table: {type: str, description: Its table.},
              name: {type: str, description: The queue.}, waiting: {type: int, description: 'Tasks that are due and not begun, at most 10,000 of a table.'},
              oldest_seconds: {type: float, description: 'How long the oldest of them has been due, at the first sample.'}}},
            task_queue_waiting: {type: int, description: 'Tasks that wait in all of them, null when there are more than are counted, or they may not be read.'},
            task_queue_oldest_seconds: {type: float, description: 'The oldest of all, 0 without any; null likewise.'},
            transactions: {type: int, description: 'Of all databases, in the window.'},
            transactions_per_second: {type: float, description: The same per second.}, rollbacks: {type: int, description: Rolled back of these.},
            rollback_ratio: {type: float, description: The share.}, deadlocks: {type: int, description: Deadlocks in the window.},
            deadlocks_per_minute: {type: float, description: The same per minute.},
            lifetime_deadlocks: {type: int, description: The same since the statistics began.},
            vacuum_held_by: {type: list, elements: dict, description: 'What keeps vacuum from removing rows without a session of this server.', contains: {
              kind: {type: str, description: 'V(replica), by its statements, or V(slot).'}, name: {type: str, description: Its name.},
              transactions: {type: int, description: How many transactions ago it began to.}}},
            vacuum_held_by_total: {type: int, description: How many there are.},
            vacuum_held_transactions: {type: int, description: 'The most of them, 0 without any.'},
            recovery_conflicts: {type: int, description: Statements that the replay of a replica cancelled in the window.},
            temp_files: {type: int, description: Temporary files written in the window.}, temp_bytes_per_second: {type: float, description: Their size.},
            missing_indexes: {type: list, elements: dict, contains: {
              database: {type: str, description: Its database.}, schema: {type: str, description: Its schema.}, table: {type: str, description: Its table.},
              columns: {type: list, elements: str, description: The columns.}, kind: {type: str, description: V(foreign_key) or V(column).},
              constraint: {type: str, description: 'The foreign key, null without one.'},
              parent: {type: str, description: 'The table it refers to, null without one.'},
              parent_rows_changed: {type: int, description: Rows changed there.}, rows_estimate: {type: int, description: Rows of the table.},
              table_bytes: {type: int, description: Its size.}, sequential_scans: {type: int, description: Scans in the window.},
              rows_read_sequentially: {type: int, description: Rows they read.},
              lifetime_sequential_scans: {type: int, description: Scans since the statistics began.},
              confirmed_by: {type: list, elements: str, description: What proves that the index is missed.},
              statements: {type: list, elements: dict, description: Statements that suffer., contains: {
                id: {type: str, description: Its id.}, text: {type: str, description: The statement.}, calls: {type: int, description: Calls.},
                share_ratio: {type: float, description: Share of the time of all.}, mean_milliseconds: {type: float, description: Mean time.},
                plan: {type: str, description: 'What its plan does, with O(confirm_by_plan).'}}},
              statement_share_ratio: {type: float, description: 'Their share of the time of all, null when there is none.'},
              create_index: {type: str, description: The statement that makes the index.},
              being_built: {type: str, description: 'Who builds an index of the table right now, null when no session does.'},
              invalid_index: {type: str, description: 'An index that would serve and is invalid, null without one.'}},
              description: 'Foreign keys, and columns named like one, without an index, worst first. Null when no index could be read.'},
            missing_indexes_total: {type: int, description: How many there are.},
            missing_indexes_suspected: {type: int, description: 'Those that are columns only, without a statement that suffers.'},
            missing_indexes_hurting: {type: int, description: Those that are confirmed.},
            missing_indexes_hurting_rows: {type: int, description: Rows of their largest table.},
            missing_indexes_largest_rows: {type: int, description: Rows of the largest table with one that is certain.},
            missing_indexes_statement_share_ratio: {type: float, description: The largest share of time of one.},
            sequential_scan_suspects: {type: list, elements: dict, contains: &table {
              database: {type: str, description: Its database.}, schema: {type: str, description: Its schema.}, name: {type: str, description: Its name.},
              rows_estimate: {type: int, description: Rows.}, bytes: {type: int, description: Its size.}, sequential_scans: {type: int, description: Scans.},
              rows_read_sequentially: {type: int, description: Rows they read.},
              scanned_ratio: {type: float, description: Part of the table that a scan read; near 1 it is read as a whole.},
              index_scans: {type: int, description: Index scans.}, rows_fetched_by_index: {type: int, description: Rows they read.},
              rows_written: {type: int, description: Rows written.}, rows_written_per_second: {type: float, description: The same per second.},
              blocks_read: {type: int, description: Blocks from outside the shared buffers.},
              lifetime_sequential_scans: {type: int, description: Scans since the statistics began.},
              lifetime_index_scans: {type: int, description: Index scans since then.}},
              description: 'Tables of 1,000 rows or more that were read sequentially in the window.'},
            sequential_scan_suspects_total: {type: int, description: How many there are.},
            tables: {type: list, elements: dict, description: The busiest tables., contains: *table},
            tables_total: {type: int, description: How many there are.},
            indexes: {type: list, elements: dict, description: The busiest indexes., contains: {
              database: {type: str, description: Its database.}, table: {type: str, description: Its table.}, name: {type: str, description: Its name.},
              bytes: {type: int, description: Its size.}, valid: {type: bool, description: Whether it can be used.},
              scans: {type: int, description: Scans in the window.}, scans_per_second: {type: float, description: The same per second.},
              entries_read: {type: int, description: Entries read.}, rows_fetched: {type: int, description: Rows read.},
              lifetime_scans: {type: int, description: Scans since the statistics began.}}},
            indexes_total: {type: int, description: How many there are.},
            indexes_invalid: {type: list, elements: str, description: Indexes whose build failed or is not finished.},
            indexes_invalid_total: {type: int, description: How many there are.},
            tables_never_analyzed: {type: list, elements: dict, description: Tables without statistics., contains: &kept {
              database: {type: str, description: Its database.}, schema: {type: str, description: Its schema.}, name: {type: str, description: Its name.},
              rows_estimate: {type: int, description: Rows.}, bytes: {type: int, description: Its size.},
              analyzed: {type: bool, description: Whether it ever was analysed.},
              analyzed_seconds: {type: float, description: 'How long ago, null when it is not known.'},
              vacuumed_seconds: {type: float, description: 'Since it was vacuumed, null when it never was.'},
              modified_ratio: {type: float, description: Rows changed since it was analysed.}, dead_ratio: {type: float, description: Dead rows.}}},
            tables_never_analyzed_total: {type: int, description: How many there are.},
            tables_stale: {type: list, elements: dict, description: Tables that changed most since they were analysed., contains: *kept},
            tables_stale_ratio: {type: float, description: The most.},
            tables_dead: {type: list, elements: dict, description: Tables with most dead rows., contains: *kept},
            tables_dead_ratio: {type: float, description: The most.},
            undefined_names: {type: list, elements: dict, contains: {
              database: {type: str, description: The database.}, kind: {type: str, description: V(table) or V(column).},
              name: {type: str, description: The name.},
              sessions: {type: int, description: 'Sessions of which a statement names it, null when the log does not tell them apart.'},
              user: {type: str, description: 'The user of one, null when the log does not say it.'},
              application: {type: str, description: 'Its application, null when it gives no name.'},
              address: {type: str, description: 'Its address, null when the log does not say it.'}, query: {type: str, description: Its statement.}},
              description: 'Tables and columns that statements named just now and the database does not have: those that failed in the window by the
                log of a server on this host (stderr, csvlog or jsonlog), and the last statements of sessions. Null when sessions name none and
                the log cannot be read.'},
            undefined_names_total: {type: int, description: How many there are.},
            plans: {type: list, elements: dict, description: For O(explain_pids)., contains: {
              pid: {type: int, description: The session.}, database: {type: str, description: Its database.}, query: {type: str, description: Its statement.},
              problem: {type: str, description: 'Why there is no plan, null when there is one.'},
              plan: {type: list, elements: dict, description: 'The nodes, outermost first.', contains: {
                depth: {type: int, description: How deep it is.}, node: {type: str, description: What it does.},
                relation: {type: str, description: The table.}, index: {type: str, description: The index.}, rows_estimate: {type: float, description: Rows.},
                cost: {type: float, description: Cost.}, condition: {type: str, description: The condition.},
                filter: {type: str, description: The filter.}}}}},
            checkpoints: {type: dict, description: Checkpoints and the background writer; null when they cannot be read., contains: {
              timed: {type: int, description: 'Timed, in the window.'}, requested: {type: int, description: 'Requested, in the window.'},
              buffers_per_second: {type: float, description: Buffers written.},
              written_by_backends_ratio: {type: float, description: 'Share that backends had to write, null from PostgreSQL 17 on.'},
              background_writer_stopped: {type: int, description: Times it wrote too much at once.},
              sync_milliseconds: {type: float, description: Time to sync.}, lifetime_timed: {type: int, description: 'Timed, since the statistics began.'},
              lifetime_requested: {type: int, description: 'Requested, since then.'},
              lifetime_requested_ratio: {type: float, description: The share of the requested.},
              lifetime_per_hour: {type: float, description: Checkpoints per hour.}}},
            io: {type: list, elements: dict, description: 'By kind of backend, in the window; null before PostgreSQL 16.', contains: {
              name: {type: str, description: The kind.}, reads_per_second: {type: float, description: Reads.},
              read_bytes_per_second: {type: float, description: Read.},
              read_milliseconds: {type: float, description: 'Time of a read, null without track_io_timing.'},
              writes_per_second: {type: float, description: Writes.}, write_bytes_per_second: {type: float, description: Written.},
              write_milliseconds: {type: float, description: 'Time of a write, null without track_io_timing.'},
              evictions_per_second: {type: float, description: Evictions.}, fsyncs: {type: int, description: Fsyncs.}}},
            wal_bytes_per_second: {type: float, description: WAL written.},
            wal_full_page_images: {type: int, description: 'Full page images in the window, null before PostgreSQL 14.'},
            wal_buffers_full: {type: int, description: 'Times the WAL buffers were full, null before PostgreSQL 14.'},
            archiving: {type: dict, description: The archiver., contains: {
              enabled: {type: bool, description: 'Whether it is on; the rest is null when it is not.'},
              command_unset: {type: bool, description: Whether there is nothing to archive with (no archive_command and no archive_library).},
              failing: {type: bool, description: 'Whether that is so, or the last attempt failed.'}, failed: {type: int, description: Failures in the window.},
              lifetime_failed: {type: int, description: Failures since the statistics began.},
              last_archived_seconds: {type: float, description: Since the last success.},
              tells_waiting: {type: bool, description: 'Whether this version tells which WAL waits (12 and later).'},
              waiting: {type: int, description: Finished segments of WAL that wait to be archived; null on a standby and before PostgreSQL 12.},
              waiting_seconds: {type: float, description: 'How long the oldest of them waits, 0 when none does.'}}},
            autovacuum: {type: dict, description: Autovacuum., contains: {
              enabled: {type: bool, description: Whether it is on.}, workers: {type: int, description: Workers at work.},
              max_workers: {type: int, description: How many there may be.}, longest_seconds: {type: float, description: How long the longest runs.},
              against_wraparound: {type: int, description: Those against wraparound.}}},
            vacuums: {type: list, elements: dict, description: Vacuums that run., contains: {
              pid: {type: int, description: Its process.}, database: {type: str, description: Its database.}, phase: {type: str, description: Its phase.},
              done_ratio: {type: float, description: How much of the table it has read.}}},
            wraparound_ratio: {type: float, description: How much of the transaction ids the worst database has used.},
            wraparound_database: {type: str, description: That database.},
            freeze_age_times: {type: float, description: Its age against autovacuum_freeze_max_age.},
            replicas: {type: list, elements: dict, description: Replicas attached to this server., contains: {
              name: {type: str, description: Its name.}, user: {type: str, description: Its user.}, address: {type: str, description: Its address.},
              state: {type: str, description: 'Its state, null when hidden.'}, sync_state: {type: str, description: Whether it is synchronous.},
              lag_seconds: {type: float, description: 'How far it is behind, null when not measured.'}, lag_bytes: {type: int, description: The same in WAL.},
              stalled: {type: bool, description: Whether it replayed nothing in the window.}, unsent_bytes: {type: int, description: WAL not sent yet.},
              write_lag_seconds: {type: float, description: Until written.}, flush_lag_seconds: {type: float, description: Until flushed.}}},
            replicas_total: {type: int, description: How many there are.}, replicas_not_streaming: {type: int, description: Those that do not stream.},
            logical_consumers: {type: list, elements: dict, description: 'What takes changes by logical replication (Debezium, subscribers): no replicas.',
              contains: {
              name: {type: str, description: Its name.}, user: {type: str, description: Its user.}, address: {type: str, description: Its address.},
              lag_bytes: {type: int, description: WAL that it has not confirmed.}}},
            logical_consumers_total: {type: int, description: How many there are.},
            wal_receivers: {type: int, description: 'Connections of pg_receivewal and the like, which take WAL and replay nothing, by design.'},
            replica_lag_longest_seconds: {type: float, description: 'The farthest behind, null when none was measured.'},
            replication: {type: dict, description: Of a replica itself; null on a primary., contains: {
              receiver: {type: str, description: 'The receiver''s state, null when hidden.'}, streaming: {type: bool, description: Whether it streams.},
              paused: {type: bool, description: Whether replay is paused.},
              lag_seconds: {type: float, description: 'How far it is behind, null when it replayed nothing.'},
              behind_bytes: {type: int, description: WAL received and not replayed.}}},
            replication_slots: {type: list, elements: dict, description: Slots that keep WAL., contains: {
              name: {type: str, description: Its name.}, type: {type: str, description: Its type.}, database: {type: str, description: Its database.},
              active: {type: bool, description: Whether it is used.}, kept_bytes: {type: int, description: WAL it keeps.},
              wal_status: {type: str, description: Whether that is safe.}, safe_wal_size: {type: int, description: WAL until it is not.},
              copied: {type: bool, description: 'Whether it is a standby''s copy of a slot of its primary, not in use by design.'}}},
            replication_slots_total: {type: int, description: How many there are.},
            replication_slots_inactive: {type: int, description: 'Unused ones, without copies.'},
            replication_slots_kept_bytes: {type: int, description: 'The most that one keeps, without copies.'},
            prepared_transactions: {type: list, elements: dict, description: Transactions prepared for a two-phase commit., contains: {
              gid: {type: str, description: Its id.}, user: {type: str, description: Its user.}, database: {type: str, description: Its database.},
              age_seconds: {type: float, description: Its age.}}},
            settings: {type: list, elements: dict, description: What launches depend on and what was changed., contains: {
              name: {type: str, description: The setting.}, value: {type: raw, description: 'Its value, sizes in bytes.'}}},
            settings_total: {type: int, description: How many there are.}, settings_hash: {type: str, description: Equal on servers that are set up alike.},
            settings_waiting_for_restart: {type: list, elements: str, description: Those that wait for a restart.},
            index_definitions: {type: list, elements: dict, description: 'Indexes by what they do, to compare environments.', contains: {
              database: {type: str, description: Its database.}, name: {type: str, description: Its name.},
              definition: {type: str, description: 'What it does, without the name.'}}},
            index_definitions_total: {type: int, description: How many there are.}, index_definitions_hash: {type: str, description: Covers them all.}
          }
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
