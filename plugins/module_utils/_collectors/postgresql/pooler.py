# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PgBouncer's console (the database `pgbouncer`): pools, waiting clients, who is behind it. It knows SHOW and no transactions."""

from __future__ import annotations

import collections
import dataclasses
import re
import time
import typing as t

from ..._collect.sampling import delta, number, rate, ratio, top
from ..._text.redact import clean
from . import driver
from .connect import CONSOLE
from .fetch import reason
from .session import Session

Row = dict[str, t.Any]

_COUNTERS = ("total_query_count", "total_xact_count", "total_query_time", "total_wait_time", "total_received", "total_sent")


@dataclasses.dataclass
class Reading:
    """One reading of the console; a command that this version or this user lacks is None."""

    rows: dict[str, t.Optional[list[Row]]]
    moment: float


class Console:
    def __init__(self, session: Session) -> None:
        self._session = session
        self.unknown: dict[str, str] = {}

    def read(self, *commands: str) -> Reading:
        found: dict[str, t.Optional[list[Row]]] = {}
        for command in commands:
            try:
                found[command] = self._session.show("SHOW " + command)
            except driver.SqlError as error:
                found[command] = None
                advice = f"add the user to stats_users in pgbouncer.ini (SHOW {command})"
                self.unknown["pooler" if command == "POOLS" else "pooler." + command.lower()] = reason(error, advice)
        return Reading(found, time.monotonic())

    def first(self) -> Reading:
        return self.read("VERSION", "CONFIG", "POOLS", "LISTS", "CLIENTS", "STATS")

    def second(self) -> Reading:
        return self.read("POOLS", "LISTS", "CLIENTS", "STATS")


def facts(first: Reading, second: t.Optional[Reading], unknown: dict[str, str], rows: int) -> Row:
    latest = second or first
    config = {row.get("key"): row.get("value") for row in first.rows.get("CONFIG") or []}
    pools = [_pool(row) for row in latest.rows.get("POOLS") or [] if row.get("database") != CONSOLE]
    lists = {str(row.get("list")): number(row.get("items")) for row in latest.rows.get("LISTS") or []}
    clients = lists.get("used_clients")
    most = number(config.get("max_client_conn"))
    known = latest.rows.get("POOLS") is not None
    pooler = {
        "mode": config.get("pool_mode"),
        "clients": clients,
        "max_clients": most,
        "clients_ratio": ratio(clients, most),
        "clients_waiting": sum(pool["clients_waiting"] or 0 for pool in pools) if known else None,
        "longest_wait_seconds": max((pool["longest_wait_seconds"] for pool in pools), default=0.0) if known else None,
        "servers_active": sum(pool["servers_active"] or 0 for pool in pools) if known else None,
        "servers_idle": sum(pool["servers_idle"] or 0 for pool in pools) if known else None,
        "pool_size": number(config.get("default_pool_size")),
        "pools": sorted(pools, key=lambda pool: (-pool["longest_wait_seconds"], -(pool["clients_active"] or 0)))[:rows],
        "pools_total": len(pools),
        **_rates(first, second),
    }
    return {
        "kind": "pgbouncer",
        "version": _version(first),
        "connections_exhausted": False,
        "pooler": pooler if known else None,
        **_clients(latest.rows.get("CLIENTS"), rows),
        "unknown": unknown,
        "notes": ["this is PgBouncer: its numbers are of the pooler; give the server behind it as an instance of its own"],
    }


def _version(first: Reading) -> t.Optional[str]:
    text = " ".join(str(value) for row in first.rows.get("VERSION") or [] for value in row.values())
    found = re.search(r"\d+(?:\.\d+)+", text)
    return found.group() if found else None


def _pool(row: Row) -> Row:
    seconds = (number(row.get("maxwait")) or 0) + (number(row.get("maxwait_us")) or 0) / 1e6
    return {
        "database": row.get("database"),
        "user": row.get("user"),
        "mode": row.get("pool_mode"),
        "clients_active": number(row.get("cl_active")),
        "clients_waiting": number(row.get("cl_waiting")),
        "servers_active": number(row.get("sv_active")),
        "servers_idle": number(row.get("sv_idle")),
        "longest_wait_seconds": round(seconds, 3),
    }


def _rates(first: Reading, second: t.Optional[Reading]) -> Row:
    """Over the window, of all databases behind it. Times are in microseconds."""
    moved = dict.fromkeys(_COUNTERS)
    seconds = None
    if second is not None and first.rows.get("STATS") is not None and second.rows.get("STATS") is not None:
        seconds = second.moment - first.moment
        sums = [_sums(reading.rows["STATS"] or []) for reading in (first, second)]
        moved = {name: delta(sums[0].get(name), sums[1].get(name)) for name in _COUNTERS}
    queries = moved["total_query_count"]
    return {
        "queries_per_second": rate(queries, seconds),
        "transactions_per_second": rate(moved["total_xact_count"], seconds),
        "mean_query_milliseconds": _thousandth(ratio(moved["total_query_time"], queries)),
        "mean_wait_milliseconds": _thousandth(ratio(moved["total_wait_time"], moved["total_xact_count"])),
    }


def _sums(rows: t.Sequence[Row]) -> dict[str, t.Any]:
    return {
        name: sum(number(row[name]) or 0 for row in rows if row.get("database") != CONSOLE)
        for name in _COUNTERS
        if any(name in row for row in rows)
    }


def _thousandth(value: t.Optional[float]) -> t.Optional[float]:
    return None if value is None else round(value / 1000, 3)


def _clients(rows: t.Optional[list[Row]], most: int) -> Row:
    """Who is behind the pooler: the server sees only the pooler's own address."""
    if rows is None:
        return {"clients": None, "clients_total": None}
    counted: t.Counter[tuple[t.Any, ...]] = collections.Counter()
    bases: dict[tuple[t.Any, ...], set[str]] = collections.defaultdict(set)
    for row in rows:
        if row.get("database") != CONSOLE:
            address = "local" if row.get("addr") in (None, "", "unix") else str(row["addr"])
            key = (address, row.get("user"), clean(str(row.get("application_name") or ""), 80) or None)
            counted[key] += 1
            bases[key].add(str(row.get("database")))
    whole = sum(counted.values())
    found = [
        {
            "address": key[0],
            "user": key[1],
            "application": key[2],
            "database": ", ".join(sorted(bases[key])[:3]),
            "backend": "pooler client",
            "sessions": count,
            "session_share_ratio": ratio(count, whole),
            "active_seconds": None,
            "time_share_ratio": None,
            "longest_query_seconds": None,
            "kind": None,
        }
        for key, count in counted.items()
    ]
    return {"clients": top(found, "sessions", 3 * most), "clients_total": len(found)}
