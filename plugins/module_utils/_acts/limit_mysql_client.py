# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Limit how many connections an unknown client of MySQL or MariaDB may have, and end none of those that it has."""

from __future__ import annotations

import typing as t

from .._collect.sampling import count, number
from .._collectors.mysql.session import Session, literal
from .._texts.counted import counted
from . import mysql
from .act import Act, Done, Looked, Refused, Target
from .guard import Guard, broken, judged

#: How long a statement of a limited client may run from its next connection on (MariaDB only).
STATEMENT_SECONDS = 5
RIGHT = "GRANT CREATE USER ON *.* TO our user"

GUARDS = (
    Guard("accounts", "its accounts exist", ">=", 1),
    Guard("is_known", "the user is no known client (launch_check_known_clients)", "=", False),
    Guard("is_admin", "the user is no administrator", "=", False),
    Guard("is_replication", "the user does not replicate", "=", False),
    Guard("is_ours", "it is not our own user", "=", False),
    Guard("has_own_limit", "its accounts have no limit of their own yet", "=", False),
    Guard("may_alter", f"our user may change accounts ({RIGHT})", "=", True),
)


class LimitMysqlClient(Act):
    guards = GUARDS
    survives_restart = True
    ends = True

    def __init__(self, target: Target) -> None:
        super().__init__(target)
        self._user, self._limit = target.word("role"), target.number("connections")

    def holds_timer(self) -> t.Optional[str]:
        return None if mysql.is_here(self.target) else mysql.NOT_HERE

    def look(self) -> Looked:
        with mysql.session(self.target) as session:
            row = self._read(session)
        identity = {"hosts": row["hosts"], "limits": row["limits"], "is_mariadb": row["is_mariadb"]}
        more = f", and its new ones {STATEMENT_SECONDS} s a statement" if row["is_mariadb"] else ""
        cost = f"each account of {self._user} gets at most {self._most}{more}; running ones go on"
        return Looked(identity, row, [f"{self._statement(identity, True)};"], cost, f"{self._statement(identity, False)};")

    @property
    def _most(self) -> str:
        return counted(self._limit, "connection", "connections")

    def state_before(self, looked: Looked) -> dict[str, t.Any]:
        return dict(looked.identity)

    def run(self, identity: t.Mapping[str, t.Any], limits: t.Mapping[str, t.Any]) -> Done:
        with mysql.session(self.target) as session:
            row = self._read(session)
            if any(row[name] != identity.get(name) for name in ("hosts", "limits", "is_mariadb")):
                raise Refused("the accounts of the user, or their limits, are others than when the plan was made")
            why = broken(judged(GUARDS, row, limits))
            if why:
                raise Refused(f"a guard no longer holds: {'; '.join(why)}")
            mysql.may_write(session, self.target.timeout)
            mysql.change(session, self._statement(row, True), RIGHT)
        return Done(f"{self._user} is limited to {self._most}", dict(identity))

    def undo(self, state: t.Mapping[str, t.Any]) -> str:
        hosts = state.get("hosts")
        if not isinstance(hosts, list) or not hosts:
            raise Refused("the accounts that were limited are not known")
        with mysql.session(self.target) as session:
            row = self._read(session)
            if row["hosts"] != hosts or any(limit[0] != self._limit for limit in row["limits"]):
                return f"the accounts of {self._user} have another limit by now, which was left alone"
            mysql.may_write(session, self.target.timeout)
            mysql.change(session, self._statement(row, False), RIGHT)
        return f"the accounts of {self._user} have no limit again, as before"

    def _statement(self, row: t.Mapping[str, t.Any], limited: bool) -> str:
        accounts = ", ".join(f"{literal(self._user)}@{_text(host)}" for host in row["hosts"])
        time = f" MAX_STATEMENT_TIME {STATEMENT_SECONDS if limited else 0}" if row["is_mariadb"] else ""
        return f"ALTER USER {accounts} WITH MAX_USER_CONNECTIONS {self._limit if limited else 0}{time}"

    def _read(self, session: Session) -> dict[str, t.Any]:
        if literal(self._user) != f"'{self._user}'":
            raise Refused("the name of the user cannot be part of a statement")
        is_mariadb = "mariadb" in str(session.one("SELECT VERSION() AS version").get("version")).lower()
        seconds = "max_statement_time" if is_mariadb else "0"
        rows = session.rows(
            f"SELECT host, max_user_connections AS connections, {seconds} AS seconds FROM mysql.user "
            f"WHERE user = {literal(self._user)} ORDER BY host"
        )
        limits = [[count(row.get("connections")) or 0, number(row.get("seconds")) or 0] for row in rows]
        held, ours = mysql.privileges(session, self._user), str(session.one("SELECT CURRENT_USER() AS login").get("login"))
        own, known = mysql.privileges(session, ours.rpartition("@")[0]), self.target.about.get("known")
        return {
            "accounts": len(rows),
            "hosts": [str(row.get("host")) for row in rows],
            "limits": limits,
            "is_mariadb": is_mariadb,
            "is_known": self._user in known if isinstance(known, list) else None,
            "is_admin": mysql.is_admin(session, self._user),
            "is_replication": None if held is None else bool(held & {"REPLICATION SLAVE", "REPLICATION REPLICA"}),
            "is_ours": ours.rpartition("@")[0] == self._user,
            "has_own_limit": any(any(limit) for limit in limits),
            "may_alter": "CREATE USER" in (own or ()),
        }


def _text(host: str) -> str:
    """A host as it stands in the grant tables."""
    return "'" + host.replace("\\", "\\\\").replace("'", "''") + "'"
