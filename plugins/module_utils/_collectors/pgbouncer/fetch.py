# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PgBouncer's console (its database `pgbouncer`), which knows SHOW and no transactions."""

from __future__ import annotations

import dataclasses
import time
import typing as t

from ..._collect.facts import Maybe, Unknown
from ..postgresql import driver
from ..postgresql.fetch import reason

Row = dict[str, t.Any]

#: Commands that are asked in both samples, and those whose answer does not change in a window.
BOTH = ("POOLS", "LISTS", "CLIENTS", "STATS", "DATABASES", "USERS")
ONCE = ("VERSION", "CONFIG")


@dataclasses.dataclass
class Reading:
    """One reading of the console; a command that this version or this user lacks is Unknown."""

    rows: dict[str, Maybe[list[Row]]]
    moment: float

    def of(self, command: str) -> Maybe[list[Row]]:
        return self.rows.get(command, Unknown(f"it was not asked (SHOW {command})"))


class Console:
    def __init__(self, connection: driver.Connection) -> None:
        self._connection = connection

    def read(self, *commands: str) -> Reading:
        rows: dict[str, Maybe[list[Row]]] = {}
        for command in commands:
            try:
                rows[command] = self._connection.run("SHOW " + command)
            except driver.SqlError as error:
                rows[command] = Unknown(reason(error, f"add the user to stats_users in pgbouncer.ini (SHOW {command})"))
        return Reading(rows, time.monotonic())

    def first(self) -> Reading:
        return self.read(*ONCE, *BOTH)

    def second(self) -> Reading:
        return self.read(*BOTH)

    @property
    def lost(self) -> bool:
        return self._connection.lost

    def close(self) -> None:
        self._connection.close()
