# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What stands around a database: nodes and replicas that left it, a pooler that is too small for its clients."""

from __future__ import annotations

import typing as t

from .._checks.finding import Finding
from .._checks.units import numbered
from .._fleet.observed import Instance, Row
from . import replicas
from .cause import Cause, look, said, several
from .fleet_view import Fleet

#: A node of a cluster that refuses statements; a member of a replication group that only reads; a replica that only gets old.
NODE, MEMBER, REPLICA = "cluster node", "group member", "replica"
OUT = {"mysql_galera_serves": NODE, "mysql_group_serves": MEMBER, "mysql_replication_runs": REPLICA}
#: Of those that have others beside them: its part of the facts, and what it is called.
_TOGETHER = {NODE: ("galera", "cluster"), MEMBER: ("group", "group")}


def cluster_member_out(fleet: Fleet) -> t.Iterator[Cause]:
    for check, variant in OUT.items():
        for server, finding in fleet.each_bad("mysql", check):
            yield _member_out(fleet, server, finding, variant)
    yield from replicas.behind(fleet, REPLICA)


def _member_out(fleet: Fleet, server: Instance, finding: Finding, variant: str) -> Cause:
    part, called = _TOGETHER.get(variant, ("", ""))
    others = [each for each in fleet.instances("mysql") if part and each.part(part).get("serves") is True and each.key != server.key]
    wrong = [row for row in server.rows("replication") if row.get("error")]
    return Cause(
        hosts=[server.host],
        statement=f"MySQL {server} {_what(server, variant)}. {said(finding)}.",
        evidence=[
            *([f"Still in the {called}: {several([str(each) for each in others])}."] if others else []),
            *(f"{row.word('source')}: {row.word('error')}" for row in wrong[:3]),
        ],
        first_fix=str(finding.get("advice") or "Take it out of the load balancer, and let it rejoin."),
        avoid=(
            f"Do not restart those that still serve, nor bootstrap a second {called} while one has a majority: the data would diverge."
            if part
            else "Do not skip its errors blindly and do not write to it: its data would differ from the source's."
        ),
        look=look(finding),
        at=server,
        variant=variant,
    )


def _what(server: Instance, variant: str) -> str:
    if variant == NODE:
        return "is out of its Galera cluster and refuses every statement"
    if variant == REPLICA:
        return "no longer follows its source: its data gets old"
    if server.part("group").get("state") == "ONLINE":
        return "has lost the majority of its replication group: its writes wait, without an error"
    return "left its replication group: what it reads gets old"


def pool_too_small(fleet: Fleet) -> t.Iterator[Cause]:
    """Clients wait in a pooler all of whose server connections are busy. Whether the database could take more says the database."""
    for pooler, finding in fleet.each_bad("pgbouncer", "pgbouncer_waiting", "pgbouncer_mean_wait", least="warn"):
        # where the mean says it, the first of the queue may have come just now, or nobody may wait at this very moment
        pools = [row for row in pooler.rows("pools") if row.get("clients_waiting") or row.number("used_ratio") == 1]
        paused = pooler.facts.get("paused") or ()
        # without any server connection it is not small: it is paused, or does not reach the server
        full = [row for row in pools if _full(row) and row.get("database") not in paused]
        if not full:
            continue
        worst = max(full, key=lambda row: (row.amount("longest_wait_seconds"), row.amount("clients_waiting")))
        yield Cause(
            hosts=[pooler.host],
            statement=f"The pool {_name(worst)} of PgBouncer {pooler} is too small: {_state(worst)}.",
            evidence=[*_times(pooler), *(f"{_name(row)}: {_state(row)}." for row in full if row is not worst)],
            first_fix=_larger(pooler, worst),
            avoid="Do not raise max_client_conn or add workers: more clients would wait for the same connections.",
            look=look(finding),
            rows=full[:10],
            at=pooler,
        )


def _full(pool: Row) -> bool:
    """Whether it may not open one more. One that may, and whose clients wait, has a server that does not let it in."""
    may_open = pool.number("pool_size") is not None and pool.get("limited_by") is None
    return pool.number("servers_idle") == 0 and bool(pool.number("servers_active")) and not may_open


def _name(pool: Row) -> str:
    return f"{pool.word('database')} ({pool.word('user')})"


def _state(pool: Row) -> str:
    busy = numbered(pool.get("servers_active"), "server connection is/server connections are")
    full = f"its {busy} busy" if pool.get("servers_active") == 1 else f"all of its {busy} busy"
    if not pool.get("clients_waiting"):
        return full
    waiting = numbered(pool.get("clients_waiting"), "client waits/clients wait")
    return f"{waiting}, the longest for {pool.amount('longest_wait_seconds'):.1f} s, and {full}"


def _times(pooler: Instance) -> t.Iterator[str]:
    wait, query = pooler.number("mean_wait_milliseconds"), pooler.number("mean_query_milliseconds")
    if wait is not None and query is not None:
        yield f"A transaction waits {wait:.0f} ms for a connection, a query then takes {query:.0f} ms."


#: Limits of all pools of a database or user together, which a larger pool does not get past.
TOGETHER = ("max_db_connections", "max_user_connections")


def _larger(pooler: Instance, pool: Row) -> str:
    if pool.get("limited_by") in TOGETHER:
        whose = f"of {pool.word('database')}" if pool.get("limited_by") == TOGETHER[0] else f"of {pool.word('user')}"
        return (
            f"Raise {pool['limited_by']} {whose} in pgbouncer.ini and run RELOAD in its console: all of its pools are at it together, so "
            "that a larger pool would not help. The database must have that many connections free (max_connections, and CPU for them)."
        )
    size, busy = pooler.number("pool_size"), pool.amount("servers_active")
    now = f" (now {size:.0f})" if size is not None else ""
    more = int(max(2 * busy, (size or 0) + 1))
    held = "" if pooler.facts.get("mode") == "transaction" else (
        "Its clients keep a connection for their whole session: pool_mode = transaction lets them share, if the application uses no "
        "session state (SET, advisory locks, LISTEN). "
    )  # fmt: skip
    return (
        f"Raise default_pool_size{now} to about {more} in pgbouncer.ini and run RELOAD in its console: clients stay connected. "
        f"The database must have that many connections free (max_connections, and CPU for them). {held}"
    ).rstrip()
