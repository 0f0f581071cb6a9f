# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shape: settings and indexes in a form that two environments can be compared by."""

from __future__ import annotations

import hashlib
import re
import typing as t

from ..._collect.facts import Facts, Unknown
from .fetch import About
from .indexes import Schema

Row = dict[str, t.Any]

#: Beyond this the hash still tells that there is a difference.
MAX_DEFINITIONS = 150

#: Settings that differ by right between machines, or that say where something lies.
_LOCAL = re.compile(
    r"(_file|_directory|_directories|_command|_conninfo|_passphrase.*|_name|_names)$"
    r"|^(port|listen_addresses|cluster_name|data_checksums|data_directory.*|server_version.*|in_hot_standby|shared_memory_size.*|krb_.*)$"
    r"|^(external_pid_file|log_file_mode|segment_size|wal_segment_size|transaction_.*|application_name|client_encoding|search_path)$"
    r"|^(statement_timeout|lock_timeout|jit|max_parallel_workers_per_gather|is_superuser|session_authorization|role|primary_slot_name)$"
    r"|^(recovery_.*|promote_.*)$"
)
#: What launch people compare first; always in the facts.
_FIRST = (
    "max_connections", "superuser_reserved_connections", "reserved_connections", "shared_buffers", "effective_cache_size", "work_mem",
    "maintenance_work_mem", "random_page_cost", "effective_io_concurrency", "max_wal_size", "checkpoint_timeout", "wal_level",
    "synchronous_commit", "fsync", "autovacuum", "idle_in_transaction_session_timeout", "shared_preload_libraries", "track_io_timing",
    "log_min_duration_statement", "max_worker_processes", "max_parallel_workers", "default_statistics_target", "huge_pages",
    "pg_stat_statements.max", "pg_stat_statements.track", "track_activity_query_size",
)  # fmt: skip
_SIZES = {"B": 1, "kB": 1024, "8kB": 8192, "16MB": 16 * 1024**2, "MB": 1024**2, "GB": 1024**3}


def put_settings(facts: Facts, about: About) -> None:
    """The settings a launch depends on in plain units, and a hash over all that should be equal between environments."""
    if about.unread is not None:
        for name in ("settings", "settings_total", "settings_hash", "settings_waiting_for_restart"):
            facts.put(name, about.unread)
        return
    changed = {
        name
        for name, row in about.settings.items()
        if row.get("source") not in ("default", "session", "client", "override", None) and not _LOCAL.search(name)
    }
    names = [name for name in _FIRST if name in about.settings] + sorted(changed - set(_FIRST))
    rows = [{"name": name, "value": _value(about.settings[name])} for name in names]
    facts.put("settings", rows[:80])
    facts.put("settings_total", len(rows))
    facts.put("settings_hash", _hash(f"{row['name']}={row['value']}" for row in rows))
    facts.put("settings_waiting_for_restart", sorted(name for name, row in about.settings.items() if row.get("pending_restart")))


def _value(row: Row) -> t.Any:
    """A size in bytes, a number, or the text. Texts may hold secrets of extensions: only harmless words leave the host."""
    setting, unit = row.get("setting"), row.get("unit")
    if setting is None:
        return Unknown("this setting has no value")
    if unit in _SIZES and setting.lstrip("-").isdigit():
        return int(setting) * _SIZES[unit] if int(setting) >= 0 else int(setting)
    if setting.lstrip("-").replace(".", "", 1).isdigit():
        return f"{setting} {unit}" if unit else float(setting) if "." in setting else int(setting)
    return setting if re.fullmatch(r"[\w ,.$/+:%-]{0,100}", setting) else "#" + _hash([setting])


def put_indexes(facts: Facts, schemas: t.Sequence[Schema], nothing: str) -> None:
    """Every index by what it does: `public.child USING btree (parent_id)`. Partitions follow their parents and are left out."""
    unread = [schema.unread for schema in schemas if schema.unread is not None]
    if unread or not schemas:
        for name in ("index_definitions", "index_definitions_total", "index_definitions_hash"):
            facts.put(name, unread[0] if unread else Unknown(nothing))
        return
    rows: list[Row] = []
    for schema in schemas:
        for row in schema.indexes:
            definition = normalised(schema, row) if row["valid"] and not row["partition"] else None
            if definition is not None:
                rows.append({"database": schema.database, "name": row["name"], "definition": definition})
    rows.sort(key=lambda row: (row["database"], row["definition"], row["name"]))
    facts.rows("index_definitions", rows, MAX_DEFINITIONS)
    facts.put("index_definitions_hash", _hash(f"{row['database']} {row['definition']}" for row in rows))


def normalised(schema: Schema, row: Row) -> t.Optional[str]:
    """The definition without the index's own name, which differs between environments that Django migrated twice.

    None when the names of its columns are not known (a table beyond the largest).
    """
    unique = "UNIQUE " if row["is_unique"] else ""
    if row["definition"] is not None:
        _head, _using, rest = row["definition"].partition(" USING ")
        rest = " ".join(rest.split())
    else:
        known = schema.columns.get(row["table_id"], {})
        names = [known.get(int(number), {}).get("quoted") for number in str(row["columns"]).split()]
        if None in names:
            return None
        rest = f"{row['method']} ({', '.join(map(str, names))})"
    return f"{unique}{row['schema']}.{row['table']} USING {rest}"


def _hash(lines: t.Iterable[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode("utf-8", "replace")).hexdigest()[:16]
