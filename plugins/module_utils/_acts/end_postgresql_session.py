# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""End the session of PostgreSQL that holds up others. The guards and the end are one statement."""

from __future__ import annotations

import time
import typing as t

from . import postgresql
from .act import Act, Done, Looked, Refused
from .guard import Guard, broken, judged

#: How long a cancelled session may take to give up its locks before it is ended.
CANCEL_SECONDS = 3.0

GUARDS = (
    Guard("is_client", "it is a client's session", "=", True),
    Guard("is_superuser", "its user is no superuser", "=", False),
    Guard("is_replication", "its user does not replicate", "=", False),
    Guard("is_ours", "it is not one of our own sessions", "=", False),
    Guard("blocks", "it blocks other sessions", ">=", 1),
    Guard("waits_for", "it waits for no other session", "<=", 0),
    Guard("may_signal", "our user may end it (GRANT pg_signal_backend)", "=", True),
)

#: Each guard as an expression over the session `a` and its role `r`.
EXPRESSIONS = {
    "is_client": "a.backend_type = 'client backend'",
    "is_superuser": "r.rolsuper",
    "is_replication": "r.rolreplication",
    "is_ours": "a.pid = pg_backend_pid() OR a.application_name = 'warroom.launch'",
    "blocks": "SELECT count(*) FROM pg_stat_activity w WHERE w.wait_event_type = 'Lock' AND a.pid = ANY (pg_blocking_pids(w.pid))",
    "waits_for": "cardinality(pg_blocking_pids(a.pid))",
    "may_signal": "pg_has_role(a.usesysid, 'MEMBER') OR pg_has_role('pg_signal_backend', 'MEMBER')",
}
_FROM = "FROM pg_stat_activity a LEFT JOIN pg_roles r ON r.oid = a.usesysid"
#: Who the session is: a pid comes back, its start and that of its transaction do not.
_IDENTITY = {
    "backend_start": "to_char(a.backend_start, 'YYYY-MM-DD\"T\"HH24:MI:SS.USOF')",
    "xact_start": "to_char(a.xact_start, 'YYYY-MM-DD\"T\"HH24:MI:SS.USOF')",
}
_IDLE = ("idle in transaction", "idle in transaction (aborted)")


class EndPostgresqlSession(Act):
    guards = GUARDS
    has_undo = False

    def look(self) -> Looked:
        pid = self.target.number("pid")
        with postgresql.session(self.target) as acting:
            row = _read(acting, pid)
        identity = {"pid": pid, **{name: row[name] for name in _IDENTITY}}
        values = {guard.name: row[guard.name] for guard in GUARDS}
        steps = ["pg_terminate_backend"] if row["state"] in _IDLE else ["pg_cancel_backend", "pg_terminate_backend"]
        commands = [statement(step, identity, {}) for step in steps]
        if len(commands) == 2:
            commands[1] = f"-- only if its transaction is still open {CANCEL_SECONDS:.0f} s later:\n{commands[1]}"
        who = f"{row['application'] or 'a session'} ({row['username']})"
        return Looked(identity, values, commands, f"the open transaction of {who} is rolled back: what it did in it is lost")

    def run(self, identity: t.Mapping[str, t.Any], limits: t.Mapping[str, t.Any]) -> Done:
        pid = identity.get("pid")
        if pid != self.target.number("pid"):
            raise Refused("the plan's session is another one")
        with postgresql.session(self.target) as acting:
            row = _read(acting, pid)
            if row["state"] not in _IDLE:
                self._signal(acting, "pg_cancel_backend", identity, limits)
                if _gone(acting, identity, CANCEL_SECONDS):
                    return Done(f"session {pid} was cancelled, and its transaction is over")
            self._signal(acting, "pg_terminate_backend", identity, limits)
            if not _gone(acting, identity, CANCEL_SECONDS):
                raise Refused(f"session {pid} was told to end and has not ended yet")
        return Done(f"session {pid} was ended")

    def _signal(self, acting: postgresql.Acting, function: str, identity: t.Mapping[str, t.Any], limits: t.Mapping[str, t.Any]) -> None:
        """Act and guard as one statement; when it finds nothing, read once more to say why."""
        if acting.row(statement(function, identity, limits)).get("done"):
            return
        row = _read(acting, identity["pid"])
        changed = [name for name in _IDENTITY if row[name] != identity.get(name)]
        if changed:
            raise Refused(f"session {identity['pid']} is another one by now, or in another transaction: its {changed[0]} differs")
        why = broken(judged(GUARDS, row, limits)) or ["the server did not do it"]
        raise Refused(f"a guard no longer holds: {'; '.join(why)}")


def statement(function: str, identity: t.Mapping[str, t.Any], limits: t.Mapping[str, t.Any]) -> str:
    """The one statement that ends the session, if it still is what the plan says."""
    conditions = [f"a.pid = {int(identity['pid'])}"]
    conditions += [f"{expression} IS NOT DISTINCT FROM {postgresql.literal(identity.get(name))}" for name, expression in _IDENTITY.items()]
    conditions += [guard.sql(EXPRESSIONS[guard.name], limits.get(guard.name, guard.limit)) for guard in GUARDS]
    return f"SELECT {function}(a.pid) AS done {_FROM}\nWHERE " + "\n  AND ".join(conditions)


def _read(acting: postgresql.Acting, pid: t.Any) -> dict[str, t.Any]:
    columns = {**_IDENTITY, **{name: f"({expression})" for name, expression in EXPRESSIONS.items()}}
    columns.update(state="a.state", application="a.application_name", username="a.usename::text")
    listed = ", ".join(f"{expression} AS {name}" for name, expression in columns.items())
    row = acting.row(f"SELECT {postgresql.MARK} {listed} {_FROM} WHERE a.pid = {int(pid)}")
    if not row:
        raise Refused(f"session {pid} is gone")
    if row["backend_start"] is None:
        raise Refused("this session is hidden from our user: GRANT pg_monitor to it")
    return row


def _gone(acting: postgresql.Acting, identity: t.Mapping[str, t.Any], seconds: float) -> bool:
    """Whether this very transaction is over within that time. A transaction that failed holds no locks and has no start."""
    start = _IDENTITY["xact_start"]
    there = (
        f"SELECT count(*) AS open FROM pg_stat_activity a WHERE a.pid = {int(identity['pid'])} AND a.xact_start IS NOT NULL AND {start} = "
    )
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not acting.row(there + postgresql.literal(identity.get("xact_start"))).get("open"):
            return True
        time.sleep(0.1)
    return False
