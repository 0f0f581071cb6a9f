# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""End the session of MySQL or MariaDB that holds up others.

KILL takes no condition, so the guards are read in the same session right before it. What comes between can only be that the session ends:
a number is never given to a second session while the server runs.
"""

from __future__ import annotations

import time
import typing as t

from .._collect.facts import Unknown, known
from .._collectors.mysql import activity, connect, waits
from .._collectors.mysql.fetch import Reader
from .._collectors.mysql.session import Refused as Denied
from .._collectors.mysql.session import Session
from .._sql.locks import Trees
from .._sql.sessions import IN_TRANSACTION
from .._texts.redact import clean
from . import mysql
from .act import Act, Done, Looked, Refused
from .guard import Guard, broken, judged

#: How long a session may take to end.
END_SECONDS = 5.0
#: Starts of one transaction that differ by less are the same: the server's clock has whole seconds.
SLACK = 2.0

GUARDS = (
    Guard("is_client", "it is a client's session", "=", True),
    Guard("is_admin", "its user is no administrator, as far as mysql.user can be read", "=", False),
    Guard("is_ours", "it is not one of our own sessions", "=", False),
    Guard("blocks", "it blocks other sessions", ">=", 1),
    Guard("waits_for", "it waits for no other session", "<=", 0),
    Guard("is_told", "the server itself reports whom it blocks", "=", True),
    Guard("has_transaction", "it has an open transaction", "=", True),
)


class EndMysqlSession(Act):
    guards = GUARDS
    has_undo = False

    def look(self) -> Looked:
        pid = self.target.number("pid")
        with mysql.session(self.target) as session:
            identity, values, row = self._read(session, pid)
        who = f"{row['application'] or 'a session'} ({row['user']})"
        return Looked(
            identity, values, self._commands(row, pid), f"the open transaction of {who} is rolled back: what it did in it is lost"
        )

    @staticmethod
    def _commands(row: t.Mapping[str, t.Any], pid: int) -> list[str]:
        if row["state"] in IN_TRANSACTION:
            return [f"KILL {pid}"]
        return [f"KILL QUERY {pid}", f"-- only if its transaction is still open {END_SECONDS:.0f} s later:\nKILL {pid}"]

    def run(self, identity: t.Mapping[str, t.Any], limits: t.Mapping[str, t.Any]) -> Done:
        pid = self.target.number("pid")
        with mysql.session(self.target) as session:
            row = self._check(session, identity, limits)
            if row["state"] not in IN_TRANSACTION:
                self._kill(session, f"KILL QUERY {pid}")
                if self._over(session, identity):
                    return Done(f"the statement of session {pid} was cancelled, and its transaction is over")
                self._check(session, identity, limits)
            self._kill(session, f"KILL {pid}")
            if not self._over(session, identity):
                raise Refused(f"session {pid} was told to end and is still rolling back")
        return Done(f"session {pid} was ended")

    def _check(self, session: Session, identity: t.Mapping[str, t.Any], limits: t.Mapping[str, t.Any]) -> t.Mapping[str, t.Any]:
        pid = self.target.number("pid")
        present, values, row = self._read(session, pid)
        if not _same(present, identity):
            raise Refused(f"session {pid} is in another transaction by now")
        why = broken(judged(GUARDS, values, limits))
        if why:
            raise Refused(f"a guard no longer holds: {'; '.join(why)}")
        return row

    @staticmethod
    def _kill(session: Session, command: str) -> None:
        try:
            session.rows(command)
        except Denied as denied:
            right = " (GRANT CONNECTION ADMIN, or SUPER, ON *.* to our user)" if denied.why == "denied" or denied.code == 1095 else ""
            raise Refused(f"the server refused {command}: {clean(denied.said, 200)}{right}") from None

    def _over(self, session: Session, identity: t.Mapping[str, t.Any]) -> bool:
        end = time.monotonic() + END_SECONDS
        while time.monotonic() < end:
            start = _transaction_start(session, int(identity["pid"]))
            if start is None or not _same({**identity, "transaction_start": start}, identity):
                return True
            time.sleep(0.1)
        return False

    # -- reading -----------------------------------------------------------------------------------------------

    def _read(self, session: Session, pid: int) -> tuple[dict[str, t.Any], dict[str, t.Any], dict[str, t.Any]]:
        """(identity, values of the guards, the session)"""
        reader = Reader.of(session)
        rows, transactions = reader.sessions(), reader.transactions()
        if isinstance(rows, Unknown) or isinstance(transactions, Unknown):
            raise Refused(f"sessions cannot be read: {rows.reason if isinstance(rows, Unknown) else t.cast(Unknown, transactions).reason}")
        programs = known(reader.programs()) or {}
        opened = activity.transactions(transactions)
        sessions = activity.sessions(rows, opened, programs, reader.identity.pid)
        row = next((entry for entry in sessions if entry["pid"] == pid), None)
        if row is None:
            raise Refused(f"session {pid} is gone" if pid != reader.identity.pid else "this is our own session")
        found = waits.waits(sessions, opened, known(reader.row_waits()) or [], reader.metadata_locks())
        behind = Trees(found.blocked_by).waiting_for().get(pid, set())
        values = {
            "is_client": row["backend_type"] == "client backend",
            "is_admin": mysql.is_admin(session, str(row["user"])),
            "is_ours": row["application"] == connect.APPLICATION,
            "blocks": len(behind),
            "waits_for": len(found.blocked_by.get(pid, ())),
            "is_told": bool(behind - found.guessed),
            "has_transaction": pid in opened,
        }
        identity = {"pid": pid, "user": row["user"], "transaction_start": _transaction_start(session, pid)}
        return identity, values, row


def _transaction_start(session: Session, pid: int) -> t.Optional[float]:
    """In seconds since 1970, by the server."""
    row = session.one(
        f"SELECT UNIX_TIMESTAMP(trx_started) AS start FROM information_schema.innodb_trx WHERE trx_mysql_thread_id = {int(pid)}"
    )
    return None if row.get("start") is None else float(str(row["start"]))


def _same(present: t.Mapping[str, t.Any], planned: t.Mapping[str, t.Any]) -> bool:
    starts = present.get("transaction_start"), planned.get("transaction_start")
    same_start = starts[0] is not None and starts[1] is not None and abs(starts[0] - starts[1]) < SLACK
    return same_start and present.get("pid") == planned.get("pid") and present.get("user") == planned.get("user")
