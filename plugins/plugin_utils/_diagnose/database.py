# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Causes inside a database: sessions that hold locks, a missing index, an unknown client, plain overload."""

from __future__ import annotations

import typing as t

from .._checks.units import numbered
from .._fleet.database_clients import named
from .._fleet.observed import Instance, Row, rows_in
from . import internal_locks, task_load
from .application import SATURATED
from .cause import Cause, percent, several
from .extent import users_among
from .fleet_view import Fleet
from .waits import busy_workers, sessions_at_work

#: The tools that show who does what in it, the best first.
_SESSIONS = "psql {login} -c 'SELECT pid, usename, state, wait_event_type, xact_start, query FROM pg_stat_activity ORDER BY xact_start'"
TOOLS = {
    "postgresql": ("pg_activity {login}", _SESSIONS),
    "mysql": ("innotop {login} -m Q", "mysqladmin {login} processlist"),
    "pgbouncer": ("psql {login} -c 'SHOW CLIENTS'",),
}
LABEL = {"postgresql": "PostgreSQL", "mysql": "MySQL", "pgbouncer": "PgBouncer"}

#: What else gives a database's clients room.
_POOLER = "Put a pooler in front, and raise max_connections only if memory allows it."
MORE_ROOM = {
    "postgresql": _POOLER,
    "mysql": _POOLER,
    "pgbouncer": "Raise max_client_conn and RELOAD on its console; only a higher limit of open files of its process needs a restart.",
}

#: A confirmed missing index is a cause when its statements are at least this part of the database's working time.
NOTABLE_SHARE = 0.2
#: A wait behind a lock shorter than this is everyday life.
LOCK_SECONDS = 1.0
#: A database that takes at least this part of a busy CPU is what fills it.
CPU_SHARE = 0.5
#: Busy workers of which at least this part is in the database wait for it, and a statement with this share of its time is what it does.
IN_IT, ONE_STATEMENT = 0.5, 0.5


def idle_in_transaction(fleet: Fleet) -> t.Iterator[Cause]:
    for database in fleet.databases():
        rows = database.rows("idle_in_transaction")
        blocking = [row for row in rows if row.get("blocks_total")]
        finding = fleet.bad(database, f"{database.service}_idle_in_transaction", f"{database.service}_idle_transaction_blocks")
        # one that is between two statements while another waits for a moment is everyday life, and no finding
        if not rows or finding is None:
            continue
        worst = max(blocking or rows, key=lambda row: (row.amount("blocks_total"), row.amount("age_seconds")))
        blocked = sum(row.amount("blocks_total") for row in blocking)
        behind = f"; {blocked} other sessions wait for its locks" if blocked else ""
        yield Cause(
            hosts=[database.host],
            statement=(
                f"{named(worst)} left a transaction open on {LABEL[database.service]} {database} and has been idle in it for "
                f"{_seconds(worst.number('age_seconds'))}{behind}."
            ),
            evidence=[
                *(_idle_session(row) for row in (blocking or rows)[:5]),
                *(_waits_in_between(change) for change in map(_schema_change, database.rows("blockers")) if change is not None),
            ],
            first_fix=(
                f"{_end_session(database, worst)}Then find the code that leaves transactions open (a view that raises or calls another "
                "service between two statements) and set an idle-in-transaction timeout for that user."
            ),
            avoid="Do not raise max_connections or add application servers: they would only wait for the same locks.",
            look=fleet.command(database, *TOOLS[database.service]),
            rows=(blocking or rows)[:10],
            at=database,
        )


def _idle_session(row: Row) -> str:
    blocks = f", blocks {row['blocks_total']}" if row.get("blocks_total") else ""
    idle = f"idle in its transaction for {_seconds(row.number('age_seconds'))}"
    return f"Session {row.get('pid') or row.get('id')} of {named(row)}: {idle}{blocks}."


def _end_session(database: Instance, row: Row) -> str:
    number = row.get("pid") or row.get("id")
    if not isinstance(number, int):  # anything else in the statement would be a stranger's words
        return "End that session (its open transaction is rolled back). "
    command = f"SELECT pg_terminate_backend({number})" if database.service == "postgresql" else f"KILL {number}"
    return f"End that session (its open transaction is rolled back):\n{command}\n"


def lock_chain(fleet: Fleet) -> t.Iterator[Cause]:
    for database in fleet.databases():
        working = [row for row in database.rows("blockers") if "idle in transaction" not in str(row.get("state") or "")]
        roots = [row for row in working if row.amount("longest_wait_seconds") >= LOCK_SECONDS]
        if not roots or fleet.bad(database, f"{database.service}_lock_waits", least="warn") is None:
            continue
        worst = max(roots, key=lambda row: (row.amount("blocks_total"), row.amount("longest_wait_seconds")))
        change = _schema_change(worst)
        whose = f"{_blocks(worst)} {numbered(worst.get('blocks_total'), 'other/others')} {_meanwhile(worst)}: {_blocker(worst)}"
        behind = "" if change is None else f" {_waits_in_between(change)}"
        yield Cause(
            hosts=[database.host],
            statement=(
                f"A session on {LABEL[database.service]} {database} {whose}.{behind} "
                f"The longest {'' if _is_over(worst) else 'has '}waited {_seconds(worst.number('longest_wait_seconds'))} for its lock."
            ),
            evidence=[_blocking_session(row) for row in roots[:5]],
            first_fix=_free(worst) if change is None or _is_over(worst) else _stop_the_change(database.service, worst, change),
            avoid=AVOID_THE_VACUUM if _is_vacuum(worst) else "Do not cancel the waiting sessions: new ones take their place at once.",
            look=fleet.command(database, *TOOLS[database.service]),
            rows=roots[:10],
            at=database,
        )


#: The server ends a vacuum of its own that is in the way, unless it must not be put off any longer.
AVOID_THE_VACUUM = "Do not cancel the vacuum: it prevents wraparound, and begins again at once with the same lock."


def _is_vacuum(row: Row) -> bool:
    return row.get("backend") == "autovacuum worker"


def _blocker(row: Row) -> str:
    """Who blocks, also where it is no client."""
    if _is_vacuum(row):
        return "autovacuum, to prevent wraparound"
    return "a prepared transaction, which has no session" if row.get("pid") == 0 else named(row)


def _schema_change(row: Row) -> t.Optional[Row]:
    """The schema change that waits for this session and keeps others waiting that would pass without it."""
    change = row.get("schema_change")
    return Row(change) if isinstance(change, dict) else None


def _waits_in_between(change: Row) -> str:
    others = numbered(change.get("blocks_total"), "other waits/others wait")
    return f"A schema change waits for it, and {others} behind that: {named(change)}, {change.get('query') or 'its statement is hidden'}."


#: What keeps a schema change from making others wait for long.
_PATIENCE = {"postgresql": "SET lock_timeout = '2s'", "mysql": "SET SESSION lock_wait_timeout = 2"}


def _stop_the_change(service: str, row: Row, change: Row) -> str:
    """Those behind it pass as soon as it is gone; what it waits for goes on."""
    cancel = f":\n{change['frees_the_others']}\n" if change.get("frees_the_others") else ". "
    again = f"Then run it again, after {_PATIENCE[service]}, when {_blocker(row)} is done."
    return f"Cancel the schema change, so that those behind it go on{cancel}{again}"


def _is_over(row: Row) -> bool:
    """Whether it blocked others within the window and does no more: the next time is likely to come."""
    return row.get("still_blocks") is False


def _blocks(row: Row) -> str:
    return "blocked" if _is_over(row) else "blocks"


def _meanwhile(row: Row) -> str:
    if row.get("state") == "idle":
        return "by tables that it locked and is idle with"
    return "while it worked (it no longer does)" if _is_over(row) else "while it works"


def _free(row: Row) -> str:
    """End what blocks, as long as it does; then what keeps it from doing so again."""
    split = "split that work into shorter transactions"
    if _is_over(row):
        return f"Keep {_blocker(row)} from doing it again while visitors wait: {split}, or run it at a quiet hour."
    cancel = f":\n{row['frees_the_others']}\n" if row.get("frees_the_others") else ". "
    if _is_vacuum(row):
        return "Cancel what waits for it and keeps others waiting (a schema change, LOCK TABLE), and let the vacuum end."
    return f"Decide whether the work of {_blocker(row)} may be lost; if so, cancel it{cancel}Then {split}."


def _blocking_session(row: Row) -> str:
    statement = row.get("query") or "its statement is hidden"
    return f"Session {row.get('pid') or row.get('id')} of {_blocker(row)} {_blocks(row)} {row.get('blocks_total')}: {statement}"


def missing_index(fleet: Fleet) -> t.Iterator[Cause]:
    for database in fleet.databases():
        rows = [row for row in database.rows("missing_indexes") if row.get("confirmed_by")]
        slow = [row for row in rows if row.amount("statement_share_ratio") >= NOTABLE_SHARE]
        finding = fleet.bad(database, f"{database.service}_missing_index")
        chosen = slow or (rows if finding else [])
        # on a small table reading all of it is the best plan, and no finding
        if not chosen or fleet.bad(database, f"{database.service}_missing_index", least="warn") is None:
            continue
        worst = chosen[0]
        share = worst.number("statement_share_ratio")
        cost = "" if share is None else f" The affected statements take {percent(share)} of its working time."
        yield Cause(
            hosts=[database.host],
            statement=(
                f"{LABEL[database.service]} {database} scans a whole table again and again because an index is missing: "
                f"{worst.get('table')} ({_words(worst.get('columns'))}).{cost}"
            ),
            evidence=[_scanned_table(row) for row in chosen[:5]],
            first_fix=_create_index(worst),
            avoid="Do not add application servers: each further request scans the same table once more.",
            look=fleet.command(database, *TOOLS[database.service]),
            rows=chosen[:10],
            at=database,
        )


def _create_index(row: Row) -> str:
    if row.get("being_built"):
        return "The index is being built: wait for it."
    return f"Create it (writes continue meanwhile):\n{row.get('create_index') or row.get('add_index')}"


def _scanned_table(row: Row) -> str:
    estimate = row.number("rows_estimate")
    size = "" if estimate is None else f", about {int(estimate):,} rows"
    return f"{row.word('table')}{size}: {row.get('statement') or _words(row.get('confirmed_by'))}"


def _words(value: t.Any) -> str:
    """A text, or the texts of a list."""
    return ", ".join(str(part) for part in value) if isinstance(value, list) else str(value)


def unknown_client(fleet: Fleet) -> t.Iterator[Cause]:
    for view, _finding in fleet.each_bad("database_clients", "database_unknown_client"):
        facts = view.facts
        rows = sorted(view.rows("unknown_clients"), key=lambda row: -row.amount("active_seconds"))
        if not rows:
            continue  # a limit of the site's own that holds without any
        service = str(facts.get("service"))
        database = _database_of(fleet, view)
        replica = "to a replica" if facts.get("replicas_total") else "to a replica (there is none yet: create one)"
        yield Cause(
            hosts=[str(facts.get("host"))],
            statement=(
                f"An unknown client works on {LABEL.get(service, service)} {database or view.name}: {named(rows[0])} takes "
                f"{percent(view.number('unknown_time_share_ratio'))} of its working time; its longest query has run for "
                f"{_seconds(view.number('unknown_longest_query_seconds'))}."
            ),
            evidence=[_client(row) for row in rows[:5]],
            first_fix=(
                f"Find who runs {named(rows[0])} and stop it for the launch, or send its reads {replica}. "
                "If it belongs here, name it in launch_check_known_clients."
            ),
            avoid="Do not tune the application's own queries first: they are slow because of it.",
            look=fleet.command(database, *TOOLS[database.service]) if database else None,
            rows=rows[:10],
            at=database or view,
        )


def _client(row: Row) -> str:
    return f"{named(row)}: {row.get('sessions')} sessions, {percent(row.number('time_share_ratio'))} of the working time."


def _database_of(fleet: Fleet, view: Instance) -> t.Optional[Instance]:
    key = tuple(str(view.facts.get(name)) for name in ("host", "service", "database_instance"))
    return next((database for database in fleet.on_host(key[0], key[1]) if database.key == key), None)


def overload(fleet: Fleet) -> t.Iterator[Cause]:
    """A database works at its limit, or all the workers wait for one statement of it."""
    for database in fleet.databases():
        name = f"{LABEL[database.service]} {database}"
        waits = internal_locks.crowd(database)
        signs = [*_overload_signs(fleet, database), *([] if waits is None else [waits.sign])]
        statement = f"{name} is at its limit: {'; '.join(signs)}." if signs else _awaited(fleet, database, name)
        if statement is None:
            continue
        statements, task = database.rows("statements"), task_load.loading_task(database, fleet)
        yield Cause(
            hosts=[database.host],
            statement=statement,
            evidence=[
                *([task_load.told(task)] if task is not None else []),
                *(
                    f"{percent(row.number('share_ratio'))} of its time: {row.get('text')} ({row.amount('mean_milliseconds'):.1f} ms each)"
                    for row in statements[:3]
                ),
            ],
            first_fix=(waits.first_fix if waits is not None else "")
            + _slow_down(task)
            + f"Start with the statement that takes the largest share of {name}{_largest(statements)}: index it, "
            "cache its result, or disable its page.",
            avoid="Do not add application servers or workers: they send it more of the same work.",
            look=fleet.command(database, *TOOLS[database.service]),
            rows=[*statements[:10], *([task] if task is not None else [])],
            at=database,
        )


def _slow_down(task: t.Optional[Row]) -> str:
    """Of a task that loads the database: fewer of its runs mend it at once, and lose nothing."""
    return "" if task is None else f"Let the workers begin the task {task.word('task')} less often (celery control rate_limit). "


def _overload_signs(fleet: Fleet, database: Instance) -> t.Iterator[str]:
    """What says so. Where something suffers, an accepted finding about its machine hides nothing that the facts prove."""
    host, machine = database.host, fleet.machine(database.host)
    bad = fleet.machine_shown if fleet.suffers() else fleet.machine_bad
    share = fleet.share_of_cpu(host, database.service)
    if bad(host, "server_cpu_busy", "server_load") and share is not None and share >= CPU_SHARE:
        yield f"it takes {percent(share)} of the busy CPU of {host} ({percent(machine.number('cpu_busy_ratio'))} busy)"
    if bad(host, "server_iowait", "server_iowait_database"):
        yield f"{host} waits for its disks ({percent(machine.number('iowait_ratio'))} of the time)"
    if fleet.bad(database, f"{database.service}_many_long_queries"):
        yield f"{int(database.number('long_queries_total') or len(rows_in(database.facts.get('long_queries'))))} long queries run at once"


def _awaited(fleet: Fleet, database: Instance, name: str) -> t.Optional[str]:
    """Saturated workers that are mostly in this database, whose time is mostly one statement's: whatever its machine looks like."""
    # what the database itself says comes first: to ask who uses each database is a walk over all applications
    share = max((row.amount("share_ratio") for row in database.rows("statements")), default=0.0)
    at_work = sessions_at_work(database, fleet) if share >= ONE_STATEMENT else None
    if at_work is None:
        return None
    busy = busy_workers(database, fleet)
    saturated = users_among(fleet.troubled_workers(*SATURATED), database, fleet)
    if not saturated or not busy or at_work < IN_IT * busy:
        return None
    return f"The busy workers wait for {name}: {at_work:.0f} sessions at work for {busy:.0f} workers, {percent(share)} of it one statement."


def _largest(statements: t.Sequence[Row]) -> str:
    text = statements[0].word("text") if statements else ""
    return f" ({text[:80]}{'…' if len(text) > 80 else ''})" if text else ""


def _holders(clients: t.Sequence[Row]) -> str:
    names = [f"{row.word('user')} from {row.word('address')}" for row in clients[:2] if row.word("user")]
    return f" ({several(names)})" if names else ""


def connection_budget(fleet: Fleet) -> t.Iterator[Cause]:
    """The database has no connection left (not: may run out of them, which is a finding)."""
    for database in fleet.databases():
        if fleet.bad(database, f"{database.service}_connections", f"{database.service}_connections_left") is None:
            continue
        clients = sorted(database.rows("clients"), key=lambda row: -row.amount("sessions"))
        used, usable = _connections(database)
        # a server that refuses every client refuses this check as well: then the numbers are not known
        taken = f"{int(used or 0)} of {int(usable)} are in use" if usable else "it refuses new ones"
        yield Cause(
            hosts=[database.host],
            statement=f"{database} is running out of connections: {taken}.",
            evidence=[f"{row.get('user')} from {row.get('address')}: {row.get('sessions')} sessions." for row in clients[:5]],
            first_fix=(
                f"Take sessions of {database} from the clients that hold most of them{_holders(clients)}: fewer processes and threads, no "
                f"persistent connections. {MORE_ROOM[database.service]}"
            ),
            avoid="Do not add workers or application servers: each opens connections of its own.",
            look=fleet.command(database, *TOOLS[database.service]),
            rows=clients[:10],
            at=database,
        )


def _connections(database: Instance) -> tuple[t.Optional[float], t.Optional[float]]:
    """Those in use, and those that clients may have."""
    if database.service == "pgbouncer":
        return database.number("client_connections"), database.number("max_client_connections")
    return database.number("connections.used"), database.number("connections.usable") or database.number("connections.max")


def _seconds(value: t.Optional[float]) -> str:
    return "an unknown time" if value is None else f"{value:.0f} s" if value >= 10 else f"{value:.1f} s"
