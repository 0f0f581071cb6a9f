# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Give the pools of a PgBouncer more server connections, within what its database has left. In memory only: its file is left alone."""

from __future__ import annotations

import contextlib
import time
import typing as t

from .._collect.problem import Problem
from .._collect.sampling import count
from .._collectors.pgbouncer.collector import PgbouncerSampler
from .._collectors.postgresql import connect, driver
from .._texts.redact import clean
from . import postgresql
from .act import Act, Done, Looked, Refused, Target
from .guard import Guard, broken, judged

SETTING = "default_pool_size"
RIGHT = "add the user to admin_users in pgbouncer.ini"
#: Looks at the pool, and the pause between them: its clients wait for moments.
LOOKS, PAUSE = 5, 0.2

GUARDS = (
    Guard("clients_waiting", "clients wait for a connection of the pool", ">=", 1),
    Guard("is_default", f"the pool has the size of {SETTING}, and its database none of its own", "=", True),
    Guard("is_alone", "no other PgBouncer process shares its port (so_reuseport)", "=", True),
    Guard("is_larger", "the new size is larger", "=", True),
    Guard("database_limit_left", "max_db_connections of its database leaves room for the new connections", ">=", 0),
    Guard("connections_left", "the server behind it has a free connection for each new one of all pools", ">=", 0),
)


class RaisePoolSize(Act):
    guards = GUARDS

    def __init__(self, target: Target) -> None:
        super().__init__(target)
        self._database, self._user = target.word("database"), target.word("user")
        self._size = target.number("size")
        self._sampler = PgbouncerSampler(target.options, target.tools)

    def holds_timer(self) -> t.Optional[str]:
        return None if postgresql.is_here(self.target) else postgresql.NOT_HERE

    def look(self) -> Looked:
        with self._console() as console:
            row = self._read(console)
        old = row[SETTING]
        cost = "a process of the database for each new connection; pgbouncer.ini keeps the size of before, so RELOAD or a restart ends it"
        return Looked({SETTING: old}, row, [self._statement(self._size)], cost, self._statement(old))

    def state_before(self, looked: Looked) -> dict[str, t.Any]:
        return dict(looked.identity)

    def run(self, identity: t.Mapping[str, t.Any], limits: t.Mapping[str, t.Any]) -> Done:
        with self._console() as console:
            row = self._read(console)
            if row[SETTING] != identity.get(SETTING):
                raise Refused(f"{SETTING} is another one than when the plan was made")
            why = broken(judged(GUARDS, row, limits))
            if why:
                raise Refused(f"a guard no longer holds: {'; '.join(why)}")
            self._set(console, self._size)
        return Done(f"{SETTING} was raised from {row[SETTING]} to {self._size}", dict(identity))

    def undo(self, state: t.Mapping[str, t.Any]) -> str:
        before = count(state.get(SETTING))
        if not before:
            raise Refused("the size that was before is not known")
        with self._console() as console:
            if self._size_now(console) != self._size:
                return "PgBouncer was started again or loaded its file, or has another size by now, which was left alone"
            self._set(console, before)
        return f"{SETTING} is {before} again; connections beyond it end as they become idle"

    # -- the console -------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _console(self) -> t.Iterator[driver.Connection]:
        try:
            console = connect.connection(self._sampler.options, self.target.timeout)
        except Problem as problem:
            raise Refused(str(problem)) from None
        try:
            yield console
        except driver.SqlError as error:
            raise Refused(f"PgBouncer refused ({clean(str(error), 200)}): {RIGHT}") from None
        finally:
            console.close()

    @staticmethod
    def _statement(size: int) -> str:
        return f"SET {SETTING} = '{int(size)}'"

    def _set(self, console: driver.Connection, size: int) -> None:
        console.run(self._statement(size))
        if self._size_now(console) != size:
            raise Refused(f"PgBouncer did not take it: {RIGHT}")

    def _size_now(self, console: driver.Connection) -> t.Optional[int]:
        return count(self._config(console).get(SETTING))

    @staticmethod
    def _config(console: driver.Connection) -> dict[str, t.Any]:
        return {str(row.get("key")): row.get("value") for row in console.run("SHOW CONFIG")}

    def _read(self, console: driver.Connection) -> dict[str, t.Any]:
        config = self._config(console)
        old = count(config.get(SETTING))
        database = next((row for row in console.run("SHOW DATABASES") if row.get("name") == self._database), None)
        if old is None or database is None:
            raise Refused(f"PgBouncer has no database {self._database} any more, or does not report {SETTING}")
        waiting = 0
        for turn in range(LOOKS):
            time.sleep(PAUSE if turn else 0)
            pools = [row for row in console.run("SHOW POOLS") if (row.get("database"), row.get("user")) == (self._database, self._user)]
            waiting = max(waiting, *(count(row.get("cl_waiting")) or 0 for row in pools), 0)
        # 0: no limit
        most, now = count(database.get("max_connections")), count(database.get("current_connections"))
        added = self._size - old
        return {
            SETTING: old,
            "clients_waiting": waiting,
            "is_default": count(database.get("pool_size")) == old,
            "is_alone": self._sampler.is_alone() or str(config.get("so_reuseport")) != "1",
            "is_larger": added > 0,
            "database_limit_left": 0 if most == 0 else None if most is None or now is None else most - now - added,
            "connections_left": self.target.readings.get("connections_left"),
        }
