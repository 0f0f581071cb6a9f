# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Give one server of HAProxy no new requests while the others have room for its share, and let it take part again.

What runs there goes on, and visitors whose session is bound to the server keep it. The change is in memory only: a reload ends it.
"""

from __future__ import annotations

import re
import time
import typing as t

from .._collect import stream
from .._collect.problem import Problem
from .._collect.sampling import count
from .._collectors.haproxy import fetch, parse
from .._texts.redact import clean
from .act import Act, Done, Looked, Refused, Target
from .guard import Guard, broken, judged

#: What a name may be made of: it becomes a word of a command.
_NAME = re.compile(r"[A-Za-z0-9._:-]{1,120}")
#: Looks at the sessions, and the pause between them: the busiest counts.
LOOKS, PAUSE = 5, 0.2
MOST_BUSY = 0.7
_UP, _DRAIN = ("UP", "OPEN", "no check"), ("DRAIN", "NOLB")

GUARDS = (
    Guard("may_change", "the stats socket may change servers (level admin)", "=", True),
    Guard("is_taking_part", "the server takes requests", "=", True),
    Guard("others", "its backend has other active servers that are no backups", ">=", 1),
    Guard("busy_of_rest", "the others have room for its share of the sessions", "<=", MOST_BUSY),
    Guard("queue", "no request is queued for the others", "<=", 0),
)


class DrainHaproxyServer(Act):
    guards = GUARDS
    ends = True

    def __init__(self, target: Target) -> None:
        super().__init__(target)
        self._backend, self._server = target.word("backend"), target.word("server")
        if not _NAME.fullmatch(self._backend) or not _NAME.fullmatch(self._server):
            raise Refused("the name of the server cannot be part of a command")

    def look(self) -> Looked:
        identity, values = self._read()
        cost = "its share of the requests goes to the other servers of the backend; what runs there goes on"
        return Looked(identity, values, [self._command("drain")], cost, self._command("ready"))

    def state_before(self, looked: Looked) -> dict[str, t.Any]:
        return dict(looked.identity)

    def run(self, identity: t.Mapping[str, t.Any], limits: t.Mapping[str, t.Any]) -> Done:
        present, values = self._read()
        if present != dict(identity):
            raise Refused("HAProxy was started again, or the server has another address, since the plan was made")
        why = broken(judged(GUARDS, values, limits))
        if why:
            raise Refused(f"a guard no longer holds: {'; '.join(why)}")
        self._tell("drain")
        return Done(f"server {self._backend}/{self._server} gets no new requests", dict(identity))

    def undo(self, state: t.Mapping[str, t.Any]) -> str:
        rows = self._rows()
        if self._identity(rows) != dict(state):
            return "HAProxy was started again, with the servers of its own settings, or the server has another address"
        status = self._row(rows).get("status", "")
        if not status.startswith(_DRAIN):
            return f"server {self._backend}/{self._server} is {clean(status, 40)} by now, which was left alone"
        self._tell("ready")
        return f"server {self._backend}/{self._server} takes part again"

    # -- the stats socket --------------------------------------------------------------------------------------

    def _command(self, state: str) -> str:
        return f"set server {self._backend}/{self._server} state {state}"

    def _tell(self, state: str) -> None:
        said = self._ask(self._command(state))
        if said.strip():
            raise Refused(f"HAProxy refused it: {clean(said, 200)}")

    def _address(self) -> stream.Address:
        place = self.target.options.get("socket")
        if not place:
            raise Refused(
                f"a server is drained over the stats socket, which is not known: {fetch.RIGHTS.replace('level user', 'level admin')}"
            )
        return stream.parse_address(str(place))

    def _ask(self, command: str) -> str:
        try:
            return fetch.exchange(self._address(), f"{command}\n".encode(), self.target.timeout).decode("utf-8", "replace")
        except Problem as problem:
            raise Refused(str(problem)) from None

    def _reading(self) -> fetch.Reading:
        try:
            return fetch.from_socket(self._address(), self.target.timeout)
        except Problem as problem:
            raise Refused(str(problem)) from None

    def _rows(self) -> fetch.Reading:
        reading = self._reading()
        self._row(reading)
        return reading

    def _row(self, reading: fetch.Reading) -> parse.Row:
        for row in self._servers(reading):
            if row.get("svname") == self._server:
                return row
        raise Refused(f"there is no server {self._backend}/{self._server} any more")

    def _servers(self, reading: fetch.Reading) -> list[parse.Row]:
        return [row for row in reading.rows if row.get("type") == parse.SERVER and row.get("pxname") == self._backend]

    def _identity(self, reading: fetch.Reading) -> dict[str, t.Any]:
        return {"pid": count(reading.info.get("Pid")), "address": self._row(reading).get("addr") or None}

    def _read(self) -> tuple[dict[str, t.Any], dict[str, t.Any]]:
        """(identity, values of the guards)"""
        readings = [self._rows()]
        for _turn in range(LOOKS - 1):
            time.sleep(PAUSE)
            readings.append(self._rows())
        last = readings[-1]
        rest = [row for row in self._servers(last) if row.get("svname") != self._server and _takes_part(row) and row.get("act") != "0"]
        busy = [self._busy(reading, {row["svname"] for row in rest}) for reading in readings]
        queues = [count(row.get("qcur")) for row in rest]
        values = {
            "may_change": "admin" in self._ask("show cli level"),
            "is_taking_part": _takes_part(self._row(last)),
            "others": len(rest),
            "busy_of_rest": max((value for value in busy if value is not None), default=self.target.readings.get("busy_of_rest")),
            "queue": None if None in queues else sum(value or 0 for value in queues),
        }
        return self._identity(last), values

    def _busy(self, reading: fetch.Reading, rest: t.Collection[str]) -> t.Optional[float]:
        """Sessions of all servers by what the others take (maxconn); None where one of them has no limit."""
        servers = self._servers(reading)
        limits = [count(row.get("slim")) for row in servers if row.get("svname") in rest]
        sessions = [count(row.get("scur")) for row in servers]
        if not limits or None in sessions or not all(limits):
            return None
        return round(sum(value or 0 for value in sessions) / sum(value or 0 for value in limits), 3)


def _takes_part(row: parse.Row) -> bool:
    return row.get("status", "").startswith(_UP) and row.get("weight", "1") != "0"
