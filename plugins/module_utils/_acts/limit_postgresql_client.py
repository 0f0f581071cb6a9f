# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Limit how many connections an unknown client of PostgreSQL may have, and end none of those that it has."""

from __future__ import annotations

import typing as t

from .._collectors.postgresql.session import quoted
from .._texts.counted import counted
from . import postgresql
from .act import Act, Done, Looked, Refused
from .guard import Guard, broken, judged

#: How long a statement of a limited client may run from its next connection on.
STATEMENT_SECONDS = 5
SETTING = "statement_timeout"

GUARDS = (
    Guard("is_there", "the role exists", "=", True),
    Guard("is_known", "the role is no known client (launch_check_known_clients)", "=", False),
    Guard("is_superuser", "the role is no superuser", "=", False),
    Guard("is_replication", "the role does not replicate", "=", False),
    Guard("is_owner", "the role owns no table of the database", "=", False),
    Guard("is_ours", "it is not our own role", "=", False),
    Guard("has_own_timeout", "the role has no statement_timeout of its own yet", "=", False),
    Guard("may_alter", "our user may alter the role (CREATEROLE, from PostgreSQL 16 on with ADMIN of the role)", "=", True),
)


class LimitPostgresqlClient(Act):
    guards = GUARDS
    survives_restart = True
    ends = True

    def __init__(self, target: t.Any) -> None:
        super().__init__(target)
        self._role = target.word("role")
        self._limit = target.number("connections")

    def holds_timer(self) -> t.Optional[str]:
        return None if postgresql.is_here(self.target) else postgresql.NOT_HERE

    def look(self) -> Looked:
        with postgresql.session(self.target) as acting:
            row = self._read(acting)
        before = {"connections": row["connection_limit"], "role_id": row["role_id"]}
        most = counted(self._limit, "connection", "connections")
        cost = f"{self._role} gets at most {most}, and its new ones {STATEMENT_SECONDS} s a statement; running ones go on"
        return Looked(
            before, row, self._statements(self._limit, True), cost, " ".join(self._statements(int(row["connection_limit"]), False))
        )

    def state_before(self, looked: Looked) -> dict[str, t.Any]:
        return dict(looked.identity)

    def run(self, identity: t.Mapping[str, t.Any], limits: t.Mapping[str, t.Any]) -> Done:
        with postgresql.session(self.target) as acting:
            row = self._read(acting)
            if row["role_id"] != identity.get("role_id") or row["connection_limit"] != identity.get("connections"):
                raise Refused("the role is another one, or has another limit, than when the plan was made")
            why = broken(judged(GUARDS, row, limits))
            if why:
                raise Refused(f"a guard no longer holds: {'; '.join(why)}")
            # both or none
            acting.rows("BEGIN; " + " ".join(self._statements(self._limit, True)) + " COMMIT")
        return Done(
            f"role {self._role} is limited to {counted(self._limit, 'connection', 'connections')} and {STATEMENT_SECONDS} s a statement",
            dict(identity),
        )

    def undo(self, state: t.Mapping[str, t.Any]) -> str:
        before = state.get("connections")
        if isinstance(before, bool) or not isinstance(before, int):
            raise Refused("the limit that was before is not known")
        with postgresql.session(self.target) as acting:
            row = self._read(acting)
            if row["role_id"] != state.get("role_id") or row["connection_limit"] != self._limit:
                return f"role {self._role} has another limit by now, which was left alone"
            acting.rows("BEGIN; " + " ".join(self._statements(before, False)) + " COMMIT")
        return f"role {self._role} has the limit of before ({before})"

    def _statements(self, connections: int, limited: bool) -> list[str]:
        name = quoted(self._role)
        timeout = f"SET {SETTING} = '{STATEMENT_SECONDS}s'" if limited else f"RESET {SETTING}"
        return [f"ALTER ROLE {name} CONNECTION LIMIT {int(connections)};", f"ALTER ROLE {name} {timeout};"]

    def _read(self, acting: postgresql.Acting) -> dict[str, t.Any]:
        role = postgresql.literal(self._role)
        row = acting.row(f"""SELECT {postgresql.MARK} true AS is_there, r.oid::bigint AS role_id, r.rolconnlimit AS connection_limit,
  r.rolsuper AS is_superuser, r.rolreplication AS is_replication, r.rolname = current_user OR r.rolname = session_user AS is_ours,
  EXISTS (SELECT FROM pg_class c WHERE c.relowner = r.oid AND c.relkind IN ('r', 'p')) AS is_owner,
  EXISTS (SELECT FROM pg_db_role_setting s, unnest(s.setconfig) AS u(v)
          WHERE s.setrole = r.oid AND u.v LIKE '{SETTING}=%') AS has_own_timeout,
  (SELECT me.rolsuper OR (me.rolcreaterole AND (current_setting('server_version_num')::int < 160000 OR EXISTS (
     SELECT FROM pg_auth_members m WHERE m.roleid = r.oid AND m.member = me.oid AND m.admin_option)))
   FROM pg_roles me WHERE me.rolname = current_user) AS may_alter
FROM pg_roles r WHERE r.rolname = {role}""")
        if not row:
            raise Refused(f"there is no role {self._role} any more")
        known = self.target.about.get("known")
        return {**row, "is_known": self._role in known if isinstance(known, list) else None}
