# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shape: two readings of PgBouncer's console as facts (documented in the module's RETURN). Pure."""

from __future__ import annotations

import collections
import re
import typing as t

from ..._collect.derived import Window, largest, per, share, total
from ..._collect.facts import Facts, Maybe, Unknown, known, measured, row
from ..._collect.sampling import Number, count, top
from ..._texts.redact import clean
from ..postgresql.connect import CONSOLE
from .fetch import Reading, Row

#: Counters of SHOW STATS (since 1.8), in microseconds where they are times.
COUNTERS = ("total_query_count", "total_xact_count", "total_query_time", "total_xact_time", "total_wait_time")
#: Measure → columns of SHOW POOLS that add up to it, of those that this version has.
POOL_COUNTS = {
    "clients_active": ("cl_active",),
    "clients_waiting": ("cl_waiting",),
    "servers_active": ("sv_active",),
    "servers_idle": ("sv_idle",),
    "servers": ("sv_active", "sv_active_cancel", "sv_being_canceled", "sv_idle", "sv_used", "sv_tested", "sv_login"),
}
UNTOLD = "this version of PgBouncer does not report it"
NO_SETTING = "PgBouncer has no such setting"


#: Of each of the processes that share a port.
_OF_ONE_PROCESS = (
    "clients_active", "clients_waiting", "longest_wait_seconds", "fullest_pool_ratio", "servers_active", "servers_idle", "servers",
    "servers_possible", "client_connections", "client_connections_ratio", "queries_per_second", "transactions_per_second",
)  # fmt: skip
SHARED = "several processes share its port (so_reuseport), of which one by chance answers: give each a unix_socket_dir, and name these"


def facts(first: Reading, second: t.Optional[Reading], rows: int, alone: bool = True) -> Facts:
    """`alone`: whether no other process can have answered in its place."""
    latest = second or first
    built = Facts()
    built.put("kind", CONSOLE)
    built.put("version", _version(first.of("VERSION")))
    config = Config(first.of("CONFIG"))
    built.put("mode", config.text("pool_mode"))
    built.put("pool_size", config.count("default_pool_size"))
    _put_clients_limit(built, latest, config)
    databases = _databases(latest.of("DATABASES"), config)
    _put_pools(built, latest.of("POOLS"), databases, Users(latest.of("USERS"), config), rows)
    _put_databases(built, databases, latest.of("DATABASES"), rows)
    built.update(_rates(first, second))
    _put_prepared(built, config)
    _put_clients(built, latest.of("CLIENTS"), rows)
    if not alone and config.text("so_reuseport") == "1":
        for name in _OF_ONE_PROCESS:
            value = built.get(name)
            if value is not None:
                built.bound(name, value, SHARED)
    return built


class Config:
    """SHOW CONFIG."""

    def __init__(self, rows: Maybe[list[Row]]) -> None:
        self._why = rows.reason if isinstance(rows, Unknown) else NO_SETTING
        self._values = {str(told.get("key")): told.get("value") for told in known(rows) or []}

    def text(self, name: str) -> Maybe[str]:
        value = self._values.get(name)
        return measured(None if value is None else clean(str(value), 80), self._why)

    def count(self, name: str) -> Maybe[Number]:
        return measured(count(self._values.get(name)), self._why)


def _version(rows: Maybe[list[Row]]) -> Maybe[str]:
    if isinstance(rows, Unknown):
        return rows
    found = re.search(r"\d+(?:\.\d+)+", " ".join(str(value) for told in rows for value in told.values()))
    return measured(found.group() if found else None, "PgBouncer does not report its version")


def _put_clients_limit(built: Facts, latest: Reading, config: Config) -> None:
    lists = latest.of("LISTS")
    counts = {str(told.get("list")): count(told.get("items")) for told in known(lists) or []}
    clients = measured(counts.get("used_clients"), lists.reason if isinstance(lists, Unknown) else UNTOLD)
    most = config.count("max_client_conn")
    built.put("client_connections", clients)
    built.put("max_client_connections", most)
    # clients of its console count as well, and are let in beyond the limit
    built.put("client_connections_ratio", share(clients, most, "the limit is 0", slack=0.5))


# -- pools: one per database and user -----------------------------------------------------------------------------


class Limits(t.NamedTuple):
    """What one database may open: connections of one of its pools, its reserve included, and of all of them (0: no limit); how many it
    has open."""

    pool: Maybe[Number]
    reserve: Maybe[Number]
    database: Maybe[Number]
    opened: Maybe[Number]


class Users:
    """SHOW USERS: what a user may open in each of its pools (1.24), and in all of them. Who may not read it goes by the settings."""

    def __init__(self, told: Maybe[list[Row]], config: Config) -> None:
        self._rows = {str(row.get("name")): row for row in known(told) or []}
        self._most = config.count("max_user_connections")

    def pool_size(self, user: t.Any, usual: Maybe[Number]) -> Maybe[Number]:
        """Its own size counts in place of the database's."""
        size = self._own_size(user)
        return usual if not size else size + (known(self.reserve(user, usual)) or 0)

    def reserve(self, user: t.Any, usual: Maybe[Number]) -> Maybe[Number]:
        """What its pools open beyond their size for clients that waited for `reserve_pool_timeout`."""
        return usual if not self._own_size(user) else count(self._rows[str(user)].get("reserve_pool_size")) or 0

    def _own_size(self, user: t.Any) -> t.Optional[Number]:
        return count(self._rows.get(str(user), {}).get("pool_size"))

    def most(self, user: t.Any) -> t.Optional[Number]:
        """Of all of its pools; None without a limit."""
        told = count(self._rows.get(str(user), {}).get("max_user_connections"))
        return (told if told is not None else known(self._most)) or None


def _databases(told: Maybe[list[Row]], config: Config) -> Maybe[dict[str, Limits]]:
    if isinstance(told, Unknown):
        return told
    default, reserve = config.count("default_pool_size"), config.count("reserve_pool_size")
    most = config.count("max_db_connections")
    limits = {}
    for each in told:
        size, extra = _own(each, default, "pool_size"), _own(each, reserve, "reserve_pool_size", "reserve_pool")
        opened = measured(count(each.get("current_connections")), UNTOLD)
        limits[str(each.get("name"))] = Limits(total((size, extra)), extra, _own(each, most, "max_connections"), opened)
    return limits


def _own(told: Row, usual: Maybe[Number], *columns: str) -> Maybe[Number]:
    """What the database has of its own, by the first of the columns that there is; else what is usual."""
    value = next((told[column] for column in columns if told.get(column) is not None), None)
    return usual if value is None else measured(count(value), UNTOLD)


def _put_pools(built: Facts, told: Maybe[list[Row]], databases: Maybe[dict[str, Limits]], users: Users, rows: int) -> None:
    if isinstance(told, Unknown):
        built.update(dict.fromkeys(("clients_active", "clients_waiting", "longest_wait_seconds", "fullest_pool_ratio"), told))
        built.update(dict.fromkeys(("servers_active", "servers_idle", "servers", "servers_possible"), told))
        built.rows("pools", told, rows)
        return
    pools = [_pool(each, databases, users) for each in told if each.get("database") != CONSOLE]
    of_users: dict[str, list[Maybe[Number]]] = collections.defaultdict(list)
    for pool in pools:
        of_users[str(known(pool["user"]))].append(pool["servers"])
    pools = [{**pool, "limited_by": _limited_by(pool, databases, users, total(of_users[str(known(pool["user"]))]))} for pool in pools]
    for name in POOL_COUNTS:
        built.put(name, total(pool[name] for pool in pools))
    built.put("longest_wait_seconds", largest([0.0, *(pool["longest_wait_seconds"] for pool in pools)], ""))
    built.put("fullest_pool_ratio", largest([0.0, *(pool["used_ratio"] for pool in pools)], ""))
    built.put("servers_possible", _possible(pools, databases))
    order = sorted(pools, key=lambda pool: (-(known(pool["longest_wait_seconds"]) or 0), -(known(pool["clients_active"]) or 0)))
    built.rows("pools", order, rows)


MORE = "it may open more connections"


def _limited_by(pool: Row, databases: Maybe[dict[str, Limits]], users: Users, opened: Maybe[Number]) -> Maybe[str]:
    """The setting that keeps it from opening another connection: the widest one, that raising the others would not get past."""
    if isinstance(databases, Unknown):
        return databases
    limits, most = databases.get(str(known(pool["database"]))), users.most(known(pool["user"]))
    of_database = None if limits is None else known(limits.database)
    if limits is not None and of_database and (known(limits.opened) or 0) >= of_database:
        return "max_db_connections"
    if most is not None and (known(opened) or 0) >= most:
        return "max_user_connections"
    size, servers = known(pool["pool_size"]), known(pool["servers"]) or 0
    if size is None or limits is None:
        return Unknown(MORE)
    held_back = known(users.reserve(pool["user"], limits.reserve)) or 0
    return "pool_size" if servers >= size else "reserve_pool_timeout" if held_back and servers >= size - held_back else Unknown(MORE)


def _pool(told: Row, databases: Maybe[dict[str, Limits]], users: Users) -> Row:
    waits = [count(told[column]) for column in ("maxwait", "maxwait_us") if column in told]
    counts = {name: _sum(told, columns) for name, columns in POOL_COUNTS.items()}
    named = {name: _named(told.get(column)) for name, column in (("database", "database"), ("user", "user"), ("mode", "pool_mode"))}
    limits = None if isinstance(databases, Unknown) else databases.get(str(told.get("database")))
    size: Maybe[Number] = databases if isinstance(databases, Unknown) else Unknown("SHOW DATABASES does not list it")
    size = size if limits is None else users.pool_size(told.get("user"), limits.pool)
    busy = total(_sum(told, (column,)) for column in ("sv_active", "sv_login"))
    whole, part = (*waits, 0, 0)[:2]  # before 1.8 in whole seconds only
    seconds = None if not waits or whole is None or part is None else round(whole + part / 1e6, 3)
    values = {
        **named,
        **counts,
        "pool_size": size,
        # of the reserve pool it may open more after a change of its settings, until the old ones are closed
        "used_ratio": share(busy, size, "its size is 0", slack=1.0),
        "longest_wait_seconds": seconds,
    }
    return row(values, {**dict.fromkeys(named, UNTOLD), "longest_wait_seconds": UNTOLD})


def _sum(told: Row, columns: t.Sequence[str]) -> Maybe[Number]:
    there = [count(told[column]) for column in columns if column in told]
    return measured(None if not there or None in there else sum(value or 0 for value in there), UNTOLD)


def _named(value: t.Any) -> t.Optional[str]:
    return None if value is None else clean(str(value), 80)


def _possible(pools: t.Sequence[Row], databases: Maybe[dict[str, Limits]]) -> Maybe[Number]:
    """The most server connections that the pools in use can open together."""
    if isinstance(databases, Unknown):
        return databases
    by_database: dict[str, list[Maybe[Number]]] = collections.defaultdict(list)
    for pool in pools:
        by_database[str(known(pool["database"]))].append(pool["pool_size"])
    most: list[Maybe[Number]] = []
    for name, sizes in by_database.items():
        whole = total(sizes)
        limit = known(databases[name].database) if name in databases else None
        most.append(min(whole, limit) if limit and not isinstance(whole, Unknown) else whole)
    return total(most)


# -- databases ----------------------------------------------------------------------------------------------------


def _put_databases(built: Facts, limits: Maybe[dict[str, Limits]], told: Maybe[list[Row]], rows: int) -> None:
    built.put("paused", _paused(told))
    if isinstance(told, Unknown):
        built.rows("databases", told, rows)
        return
    if isinstance(limits, Unknown):
        built.rows("databases", limits, rows)
        return
    busiest = sorted(told, key=lambda each: -(count(each.get("current_connections")) or 0))
    built.rows("databases", [_database(each, limits) for each in busiest if each.get("name") != CONSOLE], rows)


def _database(told: Row, limits: dict[str, Limits]) -> Row:
    most = limits[str(told.get("name"))].database
    host = _named(told.get("host"))
    return row(
        {
            "name": _named(told.get("name")),
            "host": "local" if host in (None, "") else host,
            "port": count(told.get("port")),
            "pool_size": limits[str(told.get("name"))].pool,
            "max_servers": Unknown("it has no limit of its own (max_db_connections)") if most == 0 else most,
            "servers": measured(count(told.get("current_connections")), UNTOLD),
        },
        dict.fromkeys(("name", "port"), UNTOLD),
    )


def _paused(databases: Maybe[list[Row]]) -> Maybe[list[str]]:
    """Databases that were paused or disabled: their clients wait, or are refused, until RESUME or ENABLE."""
    if isinstance(databases, Unknown):
        return databases
    if databases and not any("paused" in told for told in databases):
        return Unknown("this version of PgBouncer does not report it (before 1.8)")
    marks = [(told, [count(told[column]) for column in ("paused", "disabled") if column in told]) for told in databases]
    paused = sorted(clean(str(told.get("name")), 80) for told, values in marks if any(values))
    unread = any(not values or None in values for _told, values in marks)
    return Unknown("SHOW DATABASES does not say of each database whether it is paused") if unread and not paused else paused


def _put_prepared(built: Facts, config: Config) -> None:
    """Whether clients may prepare statements by the protocol: their server connection stays the same, or PgBouncer (1.21) follows them."""
    mode, most = config.text("pool_mode"), config.count("max_prepared_statements")
    built.put("max_prepared_statements", Unknown(f"{NO_SETTING} (before 1.21)") if most == Unknown(NO_SETTING) else most)
    if isinstance(mode, Unknown):
        built.put("prepared_statements", mode)
    else:
        built.put("prepared_statements", mode == "session" or (mode == "transaction" and bool(known(most))))


# -- over the window ----------------------------------------------------------------------------------------------


def _rates(first: Reading, second: t.Optional[Reading]) -> dict[str, Maybe[float]]:
    """Of all databases behind it."""
    stats = [reading.of("STATS") for reading in (first, *([] if second is None else [second]))]
    unread = next((told for told in stats if isinstance(told, Unknown)), None)
    seconds = None if second is None else second.moment - first.moment
    sums = [_sums(known(told) or []) for told in stats]

    def lacking(name: str) -> str:
        return f"this version of PgBouncer does not count it ({name})" if unread is None else unread.reason

    window = Window(sums[0], sums[1] if second is not None else None, seconds, lacking)
    queries, transactions = window.moved("total_query_count"), window.moved("total_xact_count")
    no_transaction = "no transaction ran in the window"
    return {
        "queries_per_second": window.rate("total_query_count"),
        "transactions_per_second": window.rate("total_xact_count"),
        "mean_query_milliseconds": _thousandth(per(window.moved("total_query_time"), queries, "no query ran in the window")),
        "mean_transaction_milliseconds": _thousandth(per(window.moved("total_xact_time"), transactions, no_transaction)),
        "mean_wait_milliseconds": _thousandth(per(window.moved("total_wait_time"), transactions, no_transaction)),
    }


def _sums(rows: t.Sequence[Row]) -> dict[str, t.Any]:
    """The counters of all databases; of none of them where one's is not told."""
    databases = [told for told in rows if told.get("database") != CONSOLE]
    sums = {name: total(measured(count(told.get(name)), UNTOLD) for told in databases) for name in COUNTERS if databases}
    return {name: value for name, value in sums.items() if not isinstance(value, Unknown)}


def _thousandth(value: Maybe[float]) -> Maybe[float]:
    return value if isinstance(value, Unknown) else round(value / 1000, 3)


# -- clients ------------------------------------------------------------------------------------------------------

_NOT_TOLD = "a pooler does not say what its clients do"


def _put_clients(built: Facts, rows: Maybe[list[Row]], most: int) -> None:
    """Who is behind the pooler: the server sees only the pooler's own address."""
    if isinstance(rows, Unknown):
        built.rows("clients", rows, most)
        return
    counted: t.Counter[tuple[t.Any, ...]] = collections.Counter()
    bases: dict[tuple[t.Any, ...], set[str]] = collections.defaultdict(set)
    for told in rows:
        if told.get("database") != CONSOLE:
            address = "local" if told.get("addr") in (None, "", "unix") else clean(str(told["addr"]), 80)
            key = (address, _named(told.get("user")), clean(str(told.get("application_name") or ""), 80) or None)
            counted[key] += 1
            bases[key].add(clean(str(told.get("database")), 80))
    whole = sum(counted.values())
    unseen = dict.fromkeys(("active_seconds", "time_share_ratio", "longest_query_seconds"))
    clients = [
        row(
            {
                "address": key[0],
                "user": key[1],
                "application": key[2],
                "database": ", ".join(sorted(bases[key])[:3]),
                "backend": "pooler client",
                "sessions": sessions,
                "session_share_ratio": share(sessions, whole, "nobody is connected"),
                **unseen,
            },
            {"user": _NOT_TOLD, "application": "this client gives itself no name", **dict.fromkeys(unseen, _NOT_TOLD)},
        )
        for key, sessions in counted.items()
    ]
    built.rows("clients", top(clients, "sessions", len(clients)), 3 * most)
