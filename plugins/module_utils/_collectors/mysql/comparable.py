# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shape: what of a server's settings and indexes can be compared with another environment's."""

from __future__ import annotations

import hashlib
import re
import typing as t

from ..._collect.facts import Facts, Maybe, Unknown
from ..._collect.sampling import number
from .indexes import Dictionary

Row = dict[str, t.Any]

#: Settings that change how a server behaves under load. Names, paths, ids and secrets differ by nature and are left out.
SETTINGS = re.findall(
    r"\w+",
    """
    autocommit back_log binlog_format binlog_row_image character_set_server collation_server connect_timeout default_storage_engine
    eq_range_index_dive_limit expire_logs_days explicit_defaults_for_timestamp foreign_key_checks group_concat_max_len
    innodb_adaptive_hash_index innodb_autoinc_lock_mode innodb_buffer_pool_instances innodb_buffer_pool_size innodb_deadlock_detect
    innodb_doublewrite innodb_file_per_table innodb_flush_log_at_trx_commit innodb_flush_method innodb_flush_neighbors
    innodb_io_capacity innodb_io_capacity_max innodb_lock_wait_timeout innodb_log_buffer_size innodb_log_file_size
    innodb_log_files_in_group innodb_open_files innodb_print_all_deadlocks innodb_purge_threads innodb_read_io_threads
    innodb_redo_log_capacity innodb_rollback_on_timeout innodb_stats_persistent innodb_thread_concurrency innodb_write_io_threads
    interactive_timeout join_buffer_size key_buffer_size lock_wait_timeout log_bin log_queries_not_using_indexes long_query_time
    lower_case_table_names max_allowed_packet max_connect_errors max_connections max_execution_time max_heap_table_size
    max_statement_time max_user_connections net_read_timeout net_write_timeout open_files_limit optimizer_search_depth optimizer_switch
    optimizer_use_condition_selectivity performance_schema query_cache_size query_cache_type read_buffer_size read_only
    read_rnd_buffer_size skip_name_resolve slow_query_log sort_buffer_size sql_mode sync_binlog table_definition_cache table_open_cache
    table_open_cache_instances thread_cache_size thread_handling thread_stack time_zone tmp_table_size transaction_isolation
    tx_isolation use_stat_tables wait_timeout
    """,
)

#: More than this would make the facts of one host too large; the hash still covers all.
MAX_DEFINITIONS = 200


def _hash(lines: t.Iterable[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode("utf-8", "replace")).hexdigest()[:16]


def put_settings(facts: Facts, variables: t.Mapping[str, str]) -> None:
    rows: list[Row] = [{"name": name, "value": _plain(variables[name])} for name in SETTINGS if name in variables]
    facts.rows("settings", rows, len(rows))
    facts.put("settings_hash", _hash(f"{row['name']}={row['value']}" for row in rows))


def put_indexes(facts: Facts, dictionary: Maybe[Dictionary]) -> None:
    rows = dictionary if isinstance(dictionary, Unknown) else dictionary.definitions()
    facts.rows("index_definitions", rows, MAX_DEFINITIONS)
    described = rows if isinstance(rows, Unknown) else _hash(f"{row['database']} {row['definition']}" for row in rows)
    facts.put("index_definitions_hash", described)


def _plain(value: str) -> t.Any:
    """A number, or the text; switches come as a,b,c in any order."""
    if "," in value:
        return ",".join(sorted(value.split(",")))
    return value if number(value) is None else number(value)
