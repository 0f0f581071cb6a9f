# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Causes inside a database: sessions that hold locks, a missing index, a stranger, plain overload."""

from __future__ import annotations

import typing as t

from .._checks.services import in_tiers
from .._fleet.database_clients import named
from .cause import Cause, percent
from .fleet_view import Fleet, Seen

SERVICES = in_tiers("database")
LABEL = {"postgresql": "PostgreSQL", "mysql": "MySQL"}

#: A confirmed missing index is a cause when its statements are at least this part of the database's working time.
NOTABLE_SHARE = 0.2
#: A wait behind a lock shorter than this is everyday life.
LOCK_SECONDS = 1.0


def databases(fleet: Fleet) -> t.Iterator[Seen]:
    for service in SERVICES:
        yield from fleet.seen(service)


def idle_in_transaction(fleet: Fleet) -> t.Iterator[Cause]:
    for one in databases(fleet):
        rows = one.rows("idle_in_transaction")
        blocking = [row for row in rows if row.get("blocks_total")]
        finding = fleet.bad(one, f"{one.service}_idle_in_transaction", f"{one.service}_idle_transaction_blocks")
        # one that is between two statements while another waits for a moment is everyday life, and no finding
        if not rows or finding is None:
            continue
        worst = max(blocking or rows, key=lambda row: (row.get("blocks_total") or 0, row.get("age_seconds") or 0))
        blocked = sum(row.get("blocks_total") or 0 for row in blocking)
        behind = f" and {blocked} other sessions wait behind it" if blocked else ""
        yield Cause(
            cause="idle_in_transaction",
            tier="database",
            hosts=[one.host],
            statement=(
                f"{named(worst)} left a transaction open on {LABEL[one.service]} {one} and has been idle in it for "
                f"{_seconds(worst.get('age_seconds'))}{behind}."
            ),
            evidence=[_session(row) for row in (blocking or rows)[:5]],
            first_fix=(
                f"{_end_it(one, worst)} Then find the code that leaves transactions open (a view that raises or calls out between two "
                "statements) and set an idle-in-transaction timeout for that user."
            ),
            avoid="Do not raise max_connections and do not add application servers: they would only wait in the same line.",
            look=_look(one),
            rows=(blocking or rows)[:10],
            at=one,
        )


def _session(row: t.Mapping[str, t.Any]) -> str:
    blocks = f", blocks {row['blocks_total']}" if row.get("blocks_total") else ""
    idle = f"idle in its transaction for {_seconds(row.get('age_seconds'))}"
    return f"Session {row.get('pid') or row.get('id')} of {named(row)}: {idle}{blocks}."


def _end_it(one: Seen, row: t.Mapping[str, t.Any]) -> str:
    number = row.get("pid") or row.get("id")
    command = f"SELECT pg_terminate_backend({number})" if one.service == "postgresql" else f"KILL {number}"
    return f"End that session: {command} (its open transaction is rolled back)."


def lock_chain(fleet: Fleet) -> t.Iterator[Cause]:
    for one in databases(fleet):
        working = [row for row in one.rows("blockers") if "idle" not in str(row.get("state") or "")]
        roots = [row for row in working if (row.get("longest_wait_seconds") or 0) >= LOCK_SECONDS]
        if not roots or fleet.bad(one, f"{one.service}_lock_waits", least="warn") is None:
            continue
        worst = max(roots, key=lambda row: (row.get("blocks_total") or 0, row.get("longest_wait_seconds") or 0))
        cancel = worst.get("frees_the_others")
        yield Cause(
            cause="lock_chain",
            tier="database",
            hosts=[one.host],
            statement=(
                f"One session on {LABEL[one.service]} {one} holds up {worst.get('blocks_total')} others: {named(worst)} "
                f"works while they wait for its lock, the longest for {_seconds(worst.get('longest_wait_seconds'))}."
            ),
            evidence=[_root(row) for row in roots[:5]],
            first_fix=(
                f"Decide whether its work may be lost; if so, cancel it{f': {cancel}' if cancel else ''}. "
                "Then make that work shorter or smaller."
            ),
            avoid="Do not cancel the waiting sessions: new ones take their place at once.",
            look=_look(one),
            rows=roots[:10],
            at=one,
        )


def _root(row: t.Mapping[str, t.Any]) -> str:
    statement = row.get("query") or "its statement is hidden"
    return f"Session {row.get('pid') or row.get('id')} of {named(row)} blocks {row.get('blocks_total')}: {statement}"


def missing_index(fleet: Fleet) -> t.Iterator[Cause]:
    for one in databases(fleet):
        rows = [row for row in one.rows("missing_indexes") if row.get("confirmed_by")]
        suffering = [row for row in rows if (row.get("statement_share_ratio") or 0) >= NOTABLE_SHARE]
        finding = fleet.bad(one, f"{one.service}_missing_index")
        chosen = suffering or (rows if finding else [])
        # on a small table reading all of it is the best plan, and no finding
        if not chosen or fleet.bad(one, f"{one.service}_missing_index", least="warn") is None:
            continue
        first = chosen[0]
        line = first.get("create_index") or first.get("add_index")
        columns = first.get("columns")
        where = f"{first.get('table')} ({', '.join(columns) if isinstance(columns, list) else columns})"
        yield Cause(
            cause="missing_index",
            tier="database",
            hosts=[one.host],
            statement=(
                f"{LABEL[one.service]} {one} reads the whole table again and again, because an index is missing: {where}. "
                f"The statements that suffer take {percent(first.get('statement_share_ratio'))} of its working time."
            ),
            evidence=[*_index_evidence(chosen)],
            first_fix="It is being built: wait for it." if first.get("being_built") else f"Create it, writes go on meanwhile: {line}",
            avoid="Do not add application servers: every further request reads the same table once more.",
            look=_look(one),
            rows=chosen[:10],
            at=one,
        )


def _index_evidence(rows: list[dict[str, t.Any]]) -> t.Iterator[str]:
    for row in rows[:5]:
        size = f", about {int(row['rows_estimate']):,} rows" if row.get("rows_estimate") else ""
        yield f"{row.get('table')}{size}: {row.get('statement') or row.get('confirmed_by')}"


def unknown_client(fleet: Fleet) -> t.Iterator[Cause]:
    for view in fleet.seen("database_clients"):
        if fleet.bad(view, "database_unknown_client") is None:
            continue
        facts = view.facts
        rows = sorted(facts["unknown_clients"], key=lambda row: -(row.get("active_seconds") or 0))
        share = facts["unknown_time_share_ratio"]
        replica = "to a replica" if facts["replicas_total"] else "to a replica (none is attached: make one)"
        yield Cause(
            cause="unknown_client",
            tier="database",
            hosts=[facts["host"]],
            statement=(
                f"A client that nobody knows works on {LABEL[facts['service']]} {facts['name']}: {named(rows[0])} takes {percent(share)} "
                f"of its working time, its longest query has run {_seconds(facts['unknown_longest_query_seconds'])}."
            ),
            evidence=[_stranger(row) for row in rows[:5]],
            first_fix=(
                f"Find its owner and stop it for the launch, or send its reads {replica}. "
                "If it belongs here, name it in launch_check_known_clients."
            ),
            avoid="Do not tune the application's own queries first: they are slow because of it.",
            look="pg_activity" if facts["service"] == "postgresql" else "mytop",
            rows=rows[:10],
            at=_database_of(fleet, view),
        )


def _stranger(row: t.Mapping[str, t.Any]) -> str:
    return f"{named(row)}: {row.get('sessions')} sessions, {percent(row.get('time_share_ratio'))} of the working time."


def _database_of(fleet: Fleet, view: Seen) -> Seen:
    facts = view.facts
    same = (one for one in fleet.seen(facts["service"]) if (one.host, one.name) == (facts["host"], facts["database_instance"]))
    return next(same, view)


def overload(fleet: Fleet) -> t.Iterator[Cause]:
    """A database works at its limit, whatever the reason."""
    for one in databases(fleet):
        why = [*_overload_signs(fleet, one)]
        if not why:
            continue
        statements = one.rows("statements")
        yield Cause(
            cause="database_overload",
            tier="database",
            hosts=[one.host],
            statement=f"{LABEL[one.service]} {one} is at its limit: {'; '.join(why)}.",
            evidence=[
                f"{percent(row.get('share_ratio'))} of its time: {row.get('text')} ({row.get('mean_milliseconds') or 0:.1f} ms each)"
                for row in statements[:3]
            ],
            first_fix="Take the statement with the largest share: index it, cache its answer, or switch off the page that sends it.",
            avoid="Do not add application servers or workers: they bring it more of the same work.",
            look=_look(one),
            rows=statements[:10],
            at=one,
        )


def _overload_signs(fleet: Fleet, one: Seen) -> t.Iterator[str]:
    machine = fleet.machine(one.host)
    share = fleet.share_of_cpu(one.host, one.service)
    if fleet.machine_bad(one.host, "server_cpu_busy", "server_load") and share is not None and share >= 0.5:
        yield f"it takes {percent(share)} of the busy CPU of {one.host} ({percent(machine.number('cpu_busy_ratio'))} busy)"
    if fleet.machine_bad(one.host, "server_iowait", "server_iowait_database"):
        yield f"{one.host} waits for its disks ({percent(machine.number('iowait_ratio'))} of the time)"
    if fleet.bad(one, f"{one.service}_many_long_queries"):
        yield f"{int(one.number('long_queries_total') or len(one.rows('long_queries')))} long queries run at once"


def _look(one: Seen) -> str:
    return "pg_activity" if one.service == "postgresql" else "innotop"


def _seconds(value: t.Any) -> str:
    return "an unknown time" if not isinstance(value, (int, float)) else f"{value:.0f} s" if value >= 10 else f"{value:.1f} s"
