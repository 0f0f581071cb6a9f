# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two readings of one HAProxy, row by row: each frontend, backend and server with its counters over the window."""

from __future__ import annotations

import dataclasses
import typing as t

from ..._collect.derived import Window
from ..._collect.facts import Maybe, Unknown
from ..._collect.sampling import RESTARTED, count
from ..._linux.backlog import Backlog
from ..._texts.redact import clean
from . import parse
from .fetch import Reading

NOT_READ = "it was not read"
#: What to do is the same whether one socket is for all of them or each has its own.
SEVERAL = (
    "it runs as several processes (nbproc), each with its own statistics, and another one answered: give each a stats socket of its own "
    "(stats socket … process 1), or use nbthread"
)
Key = tuple[str, str, str]
#: The averages of times are of about so many requests: each request moves them by one part of it.
AVERAGED = 512
#: Requests in the window from which their own mean can be told from such an average.
FEWEST = 20
#: A column of the versions that count in each group of threads by itself, and average over all of them: since 3.3.
PER_GROUP = "reqbin"
STICKY = (
    "with several groups of threads the averages of HAProxy 3.3 and later keep old requests for long: see its log (%Tw, %Tr), or set "
    "thread-groups 1"
)


@dataclasses.dataclass
class History:
    """One instance over one window; `window` is None with one reading."""

    first: Reading
    second: t.Optional[Reading] = None
    window: t.Optional[float] = None
    pid: t.Optional[int] = None
    encrypts: Maybe[bool] = dataclasses.field(default_factory=lambda: Unknown(NOT_READ))
    listeners: Maybe[tuple[Backlog, ...]] = dataclasses.field(default_factory=lambda: Unknown(NOT_READ))
    top: int = 10
    templates: tuple[str, ...] = ()

    @property
    def latest(self) -> Reading:
        return self.first if self.second is None else self.second

    @property
    def processes(self) -> t.Optional[int]:
        """Processes that serve, each with statistics of its own (nbproc)."""
        return count(self.latest.info.get("Nbproc"))

    @property
    def one_group(self) -> bool:
        """Whether all its threads are known to be one group: told since 3.4."""
        return 1 in (count(self.latest.info.get(name)) for name in ("NbThreadGroups", "Nbthread"))

    @property
    def broken(self) -> t.Optional[str]:
        """Why the readings cannot be compared."""
        if self.second is None:
            return None
        if _who(self.first) != _who(self.second):
            return SEVERAL
        before, after = (count(reading.info.get("Uptime_sec")) for reading in (self.first, self.second))
        pids = {reading.info.get("Pid") for reading in (self.first, self.second)}
        if len(pids) > 1 or (before is not None and after is not None and after < before):
            return RESTARTED
        return None


def _who(reading: Reading) -> tuple[t.Optional[str], set[str]]:
    """The numbers of the processes that answered: with nbproc (before 2.5) any of them may, each for itself."""
    return reading.info.get("Process_num"), {row["pid"] for row in reading.rows if row.get("pid")}


@dataclasses.dataclass
class Line:
    """A frontend, a backend or a server."""

    proxy: str
    name: str
    kind: str
    window: Window
    one_group: bool = True

    @property
    def status(self) -> str:
        return str(self.window.latest.get("status", ""))

    def word(self, name: str) -> str:
        return clean(str(self.window.latest.get(name, "")), 80)

    def mean_seconds(self, name: str, requests: Maybe[t.Union[int, float]]) -> Maybe[float]:
        """The mean of the window's own requests, from what they moved the running average by.

        The average is in whole milliseconds, so of few requests it tells too little.
        """
        if isinstance(requests, Unknown):
            return requests
        if PER_GROUP in self.window.latest and not self.one_group:
            return Unknown(STICKY)
        if requests < FEWEST:
            return Unknown(f"fewer than {FEWEST} requests in the window moved the average of its times")
        first = self.window.first
        earlier, new = count(first.get("req_tot", first.get("lbtot"))), count(self.window.latest.get(name))
        # before its first request there was no average
        old = count(first.get(name)) if earlier else 0
        if earlier is None or new is None or old is None:
            return Unknown(self.window.lacking(name))
        stays = _stays(earlier, int(requests))
        return round(max(0.0, (new - old * stays) / (1 - stays)) / 1000, 4)


def _stays(earlier: int, requests: int) -> float:
    """The share of the earlier average in the later one. While there are few, it is the mean of all since the start."""
    stays = 1.0
    if earlier < AVERAGED:
        reached = min(earlier + requests, AVERAGED)
        stays, requests = earlier / reached, earlier + requests - reached
    return float(stays * (1 - 1 / AVERAGED) ** requests)


def lines(history: History) -> list[Line]:
    before = {_key(row): row for row in history.first.rows}
    broken = history.broken

    def lacking(name: str) -> str:
        return f"this version of HAProxy does not report {name}"

    found = []
    for row in history.latest.rows:
        key = _key(row)
        if history.second is None:
            window = Window(row, None, None, lacking)
        else:
            new = None if key in before else "it was added within the window"
            window = Window(before.get(key, row), row, history.window, lacking, broken or new)
        found.append(Line(key[0], key[1], key[2], window, history.one_group))
    return found


def _key(row: parse.Row) -> Key:
    # of a row without its name the number tells it apart
    return clean(row.get("pxname", ""), 80), clean(row.get("svname") or row.get("sid", ""), 80), row.get("type", "")


def process_window(history: History) -> Window:
    """The counters of `show info`."""
    why = "the stats page tells nothing of the process: let the check read the stats socket (option socket)"

    def lacking(name: str) -> str:
        return f"this version of HAProxy does not report {name}" if history.latest.info else why

    second = None if history.second is None else history.second.info
    return Window(history.first.info, second, history.window, lacking, history.broken)
