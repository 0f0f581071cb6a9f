# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Harmless queries: each in its own read-only transaction, with limits on time and locks.

One failing question costs only itself (case P-03). Settings that last as long as the transaction work through poolers in
transaction mode and never leak to the next client (case P-12).
"""

from __future__ import annotations

import contextlib
import time
import typing as t

from . import driver, typed_rows

STATEMENT_MS = 3000
LOCK_MS = 500
PLAN_MS = 500
PLAN_LOCK_MS = 100
#: Left in the text of every statement of ours, so that we do not report ourselves.
MARK = "/* warroom.launch */"
#: Our own transactions, whatever role, database and server have as their defaults: a hot standby refuses serializable ones (case N-01).
BEGIN = f"BEGIN {MARK} ISOLATION LEVEL READ COMMITTED, READ ONLY, NOT DEFERRABLE"
#: The clock of a default statement_timeout runs already when it is changed; without one there is none, and ours starts again.
_NO_CLOCK = f"SET LOCAL {MARK} statement_timeout = 0"
# one statement for all settings: few rows in the statistics that we are about to read
_SETTINGS = {
    "lock_timeout": str(LOCK_MS),
    "idle_in_transaction_session_timeout": "10000",
    # nothing that users created may stand in for what the catalogue means; plans of our own are small
    "search_path": "pg_catalog, pg_temp",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
}


class Budget:
    """How long one stage of a reading may take in all. A server that is about to fail does not get thirty queries."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end = 0.0
        self.renew()

    def renew(self) -> None:
        """A new stage begins."""
        self._end = time.monotonic() + self._seconds

    @property
    def left(self) -> float:
        return self._end - time.monotonic()

    def statement_ms(self) -> int:
        return min(STATEMENT_MS, max(100, int(self._seconds * 1000)))


class Session:
    def __init__(self, connection: driver.Connection, budget: Budget) -> None:
        self._connection = connection
        self._budget = budget

    def _begin(self, **settings: str) -> str:
        calls = (f"set_config('{name}', '{value}', true)" for name, value in settings.items())
        return f"{BEGIN}; {_NO_CLOCK}; SELECT {MARK} {', '.join(calls)}; "

    def ask(self, sql: str, essential: bool = False) -> list[driver.Row]:
        """The rows. What is not essential is left out once the stage has taken too long."""
        if self._budget.left <= 0 and not essential:
            raise driver.SqlError("left out: the server answers too slowly to be asked for this as well")
        begin = self._begin(statement_timeout=str(self._budget.statement_ms()), **_SETTINGS)
        try:
            return typed_rows.typed(self._connection.run(begin + _marked(sql)))
        except typed_rows.Strange as strange:
            raise driver.SqlError(str(strange)) from None
        finally:
            # a commit of nothing: roll-backs would count in the statistics as failures of the application
            with contextlib.suppress(driver.SqlError):
                self._connection.run(f"COMMIT {MARK}")

    def explain(self, prepared: t.Optional[str], sql: str, role: t.Optional[str] = None) -> list[driver.Row]:
        """A plan, with a short timeout and as `role`. `prepared`: a statement that `sql` executes by the name launch_plan."""
        settings = {"statement_timeout": str(PLAN_MS), "lock_timeout": str(PLAN_LOCK_MS), "plan_cache_mode": "force_generic_plan"}
        drop = " DEALLOCATE launch_plan;" if prepared is not None else ""
        try:
            self._connection.run(self._begin(**settings))
            if role is not None:
                self._connection.run(f"SET LOCAL ROLE {quoted(role)}")
            if prepared is not None:
                self._connection.run_one(f"PREPARE launch_plan AS {prepared}")
            return self._connection.run_one(sql)
        finally:
            # in one message each: a pooler gives the connection away as soon as the transaction is over
            for end in (f"{drop} COMMIT {MARK}", f"ROLLBACK;{drop}"):
                with contextlib.suppress(driver.SqlError):
                    self._connection.run(end.strip())
                    break

    def one(self, sql: str) -> driver.Row:
        """The first row, or an empty one."""
        rows = self.ask(sql, essential=True)
        return rows[0] if rows else {}

    @property
    def lost(self) -> bool:
        return self._connection.lost

    def close(self) -> None:
        self._connection.close()


def _marked(sql: str) -> str:
    head, select, rest = sql.partition("SELECT ")
    return head + select + MARK + " " + rest if select else sql


def quoted(name: str) -> str:
    """An identifier, always in quotes."""
    return '"' + name.replace('"', '""') + '"'


def quoted_if_needed(name: str, reserved: t.Collection[str] = ()) -> str:
    """An identifier as PostgreSQL's quote_ident shows it: in quotes only where they are needed."""
    plain_name = name.isascii() and name[:1].isalpha() | (name[:1] == "_") and name == name.lower() and name.replace("_", "a").isalnum()
    return name if plain_name and name not in reserved else quoted(name)


def numbers(values: t.Iterable[t.Any]) -> str:
    """A list of integers for an IN: our own oids and pids, never text from outside."""
    return ", ".join(str(int(value)) for value in values) or "NULL"
