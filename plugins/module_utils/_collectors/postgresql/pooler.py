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

from ..._collect.derived import Window, largest, per, share, total
from ..._collect.facts import Facts, Maybe, Unknown, known, measured, row
from ..._collect.sampling import number, top
from ..._texts.redact import clean
from . import driver
from .connect import CONSOLE
from .fetch import reason
from .session import Session

Row = dict[str, t.Any]

_COUNTERS = ("total_query_count", "total_xact_count", "total_query_time", "total_wait_time", "total_received", "total_sent")


@dataclasses.dataclass
class Reading:
    """One reading of the console; a command that this version or this user lacks is Unknown."""

    rows: dict[str, Maybe[list[Row]]]
    moment: float

    def of(self, command: str) -> Maybe[list[Row]]:
        return self.rows.get(command, Unknown(f"it was not asked (SHOW {command})"))


class Console:
    def __init__(self, session: Session) -> None:
        self._session = session
        self.unread: dict[str, str] = {}  # command → why it could not be read

    def read(self, *commands: str) -> Reading:
        rows: dict[str, Maybe[list[Row]]] = {}
        for command in commands:
            try:
                rows[command] = self._session.show("SHOW " + command)
            except driver.SqlError as error:
                refused = Unknown(reason(error, f"add the user to stats_users in pgbouncer.ini (SHOW {command})"))
                rows[command], self.unread[command] = refused, refused.reason
        return Reading(rows, time.monotonic())

    def first(self) -> Reading:
        return self.read("VERSION", "CONFIG", "POOLS", "LISTS", "CLIENTS", "STATS", "DATABASES")

    def second(self) -> Reading:
        return self.read("POOLS", "LISTS", "CLIENTS", "STATS", "DATABASES")


def facts(first: Reading, second: t.Optional[Reading], unread: t.Mapping[str, str], rows: int) -> Facts:
    latest = second or first
    built = Facts()
    built.put("kind", "pgbouncer")
    built.put("version", _version(first), "PgBouncer does not tell its version")
    built.put("connections_exhausted", False)
    pools = latest.of("POOLS")
    if isinstance(pools, Unknown):
        built.put("pooler", pools)
    else:
        _put_pooler(built, first, second, [_pool(told) for told in pools if told.get("database") != CONSOLE], rows)
        built.unknown.update({f"pooler.{command.lower()}": why for command, why in unread.items()})
    _put_clients(built, latest.of("CLIENTS"), rows)
    built.note("this is PgBouncer: its numbers are of the pooler; give the server behind it as an instance of its own")
    return built


def _put_pooler(built: Facts, first: Reading, second: t.Optional[Reading], pools: list[Row], rows: int) -> None:
    latest = second or first
    config = {told.get("key"): told.get("value") for told in known(first.of("CONFIG")) or []}
    no_config = known_or(first.of("CONFIG"), "PgBouncer has no such setting")
    lists = {str(told.get("list")): number(told.get("items")) for told in known(latest.of("LISTS")) or []}
    clients = measured(lists.get("used_clients"), known_or(latest.of("LISTS"), "PgBouncer does not tell it"))
    most = measured(number(config.get("max_client_conn")), no_config)
    built.put("pooler.mode", config.get("pool_mode"), no_config)
    built.put("pooler.clients", t.cast(t.Any, clients))
    built.put("pooler.max_clients", t.cast(t.Any, most))
    built.put("pooler.clients_ratio", share(clients, most, "the limit is 0", slack=0.5))
    built.put("pooler.clients_waiting", t.cast(t.Any, total(pool["clients_waiting"] for pool in pools)))
    waits = [pool["longest_wait_seconds"] for pool in pools]
    built.put("pooler.longest_wait_seconds", largest([0.0, *waits], ""))
    for name in ("servers_active", "servers_idle"):
        built.put(f"pooler.{name}", t.cast(t.Any, total(pool[name] for pool in pools)))
    built.put("pooler.pool_size", number(config.get("default_pool_size")), no_config)
    built.put("pooler.paused", _paused(latest.of("DATABASES")))
    order = sorted(pools, key=lambda pool: (-(known(pool["longest_wait_seconds"]) or 0), -(known(pool["clients_active"]) or 0)))
    built.rows("pooler.pools", order, rows)
    for name, value in _rates(first, second).items():
        built.put(f"pooler.{name}", value)


def _paused(databases: Maybe[list[Row]]) -> Maybe[list[str]]:
    """Databases that were paused or disabled: their clients wait, or are refused, until RESUME or ENABLE."""
    if isinstance(databases, Unknown):
        return databases
    if databases and not any("paused" in told for told in databases):
        return Unknown("this version of PgBouncer does not tell it (before 1.8)")
    return sorted(clean(str(told.get("name")), 80) for told in databases if number(told.get("paused")) or number(told.get("disabled")))


def known_or(told: Maybe[t.Any], otherwise: str) -> str:
    """Why a result is missing: the query's own reason, or this one."""
    return told.reason if isinstance(told, Unknown) else otherwise


def _version(first: Reading) -> t.Optional[str]:
    text = " ".join(str(value) for told in known(first.of("VERSION")) or [] for value in told.values())
    found = re.search(r"\d+(?:\.\d+)+", text)
    return found.group() if found else None


def _pool(told: Row) -> Row:
    untold = "this version of PgBouncer does not tell it"
    whole, part = number(told.get("maxwait")), number(told.get("maxwait_us"))
    counts = {
        name: measured(number(told.get(column)), untold)
        for name, column in (
            ("clients_active", "cl_active"),
            ("clients_waiting", "cl_waiting"),
            ("servers_active", "sv_active"),
            ("servers_idle", "sv_idle"),
        )
    }
    named = {"database": told.get("database"), "user": told.get("user"), "mode": told.get("pool_mode")}
    seconds = None if whole is None else round(whole + (part or 0) / 1e6, 3)
    return row({**named, **counts, "longest_wait_seconds": seconds}, {**dict.fromkeys(named, untold), "longest_wait_seconds": untold})


def _rates(first: Reading, second: t.Optional[Reading]) -> dict[str, Maybe[float]]:
    """Over the window, of all databases behind it. Times are in microseconds."""
    stats = [reading.of("STATS") for reading in (first, *([] if second is None else [second]))]
    unread = next((told for told in stats if isinstance(told, Unknown)), None)
    seconds = None if second is None else second.moment - first.moment
    sums = [_sums(known(told) or []) for told in stats]

    def lacking(name: str) -> str:
        return f"this version of PgBouncer does not count it ({name})" if unread is None else unread.reason

    window = Window(sums[0], sums[1] if second is not None else None, seconds, lacking)
    queries, transactions = window.moved("total_query_count"), window.moved("total_xact_count")
    return {
        "queries_per_second": window.rate("total_query_count"),
        "transactions_per_second": window.rate("total_xact_count"),
        "mean_query_milliseconds": _thousandth(per(window.moved("total_query_time"), queries, "no query ran in the window")),
        "mean_wait_milliseconds": _thousandth(per(window.moved("total_wait_time"), transactions, "no transaction ran in the window")),
    }


def _sums(rows: t.Sequence[Row]) -> dict[str, t.Any]:
    return {
        name: sum(number(told[name]) or 0 for told in rows if told.get("database") != CONSOLE)
        for name in _COUNTERS
        if any(name in told for told in rows)
    }


def _thousandth(value: Maybe[float]) -> Maybe[float]:
    return value if isinstance(value, Unknown) else round(value / 1000, 3)


_NOT_TOLD = "a pooler does not tell what its clients do"


def _put_clients(built: Facts, rows: Maybe[list[Row]], most: int) -> None:
    """Who is behind the pooler: the server sees only the pooler's own address."""
    if isinstance(rows, Unknown):
        built.rows("clients", rows, most)
        return
    counted: t.Counter[tuple[t.Any, ...]] = collections.Counter()
    bases: dict[tuple[t.Any, ...], set[str]] = collections.defaultdict(set)
    for told in rows:
        if told.get("database") != CONSOLE:
            address = "local" if told.get("addr") in (None, "", "unix") else str(told["addr"])
            key = (address, told.get("user"), clean(str(told.get("application_name") or ""), 80) or None)
            counted[key] += 1
            bases[key].add(str(told.get("database")))
    whole = sum(counted.values())
    unseen = dict.fromkeys(("active_seconds", "time_share_ratio", "longest_query_seconds", "kind"))
    clients = [
        row(
            {
                "address": key[0],
                "user": key[1],
                "application": key[2],
                "database": ", ".join(sorted(bases[key])[:3]),
                "backend": "pooler client",
                "sessions": count,
                "session_share_ratio": share(count, whole, "nobody is connected"),
                **unseen,
            },
            {"user": _NOT_TOLD, "application": "this client gives itself no name", **dict.fromkeys(unseen, _NOT_TOLD)},
        )
        for key, count in counted.items()
    ]
    built.rows("clients", top(clients, "sessions", len(clients)), 3 * most)
