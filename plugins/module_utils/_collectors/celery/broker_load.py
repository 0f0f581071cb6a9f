# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What keeps the broker busy: commands of Redis in the window and its slow log, alarms of RabbitMQ. No arguments of commands."""

from __future__ import annotations

import re
import typing as t

from ..._collect.facts import Facts, Maybe, Unknown, row
from ..._collect.sampling import ONE_SAMPLE, number, ratio
from ..._texts.plain import text
from ..._texts.redact import clean
from ..redis.errors import STOPPED
from .api import Nodes
from .broker_url import Broker

#: Entries of the slow log that are read; each may hold 32 arguments of 128 bytes.
SLOW_ENTRIES = 16
#: Commands of which the rows are given, those that took most time first.
MOST_COMMANDS = 5
FLUSHES = ("flushall", "flushdb")
#: What a script runs is counted for the script and for each command in it.
_WORD = re.compile(r"[a-z][a-z0-9_.|-]{0,39}")
NO_ALARMS = "Redis has neither alarms nor nodes of a cluster of brokers"
NO_REFUSALS = "no message is refused by RabbitMQ: it holds publishers up (broker.alarms)"
FORBIDDEN = "this user may not use INFO on the broker"

Row = dict[str, t.Any]


class Slow(t.NamedTuple):
    """An entry of the slow log. `client`: its address, without the port."""

    number: int
    command: str
    milliseconds: float
    client: t.Optional[str]


class Load(t.NamedTuple):
    """A reading. `commands`: name → (calls, microseconds) since the start; `refused`: commands that found no memory. None: not read."""

    commands: t.Optional[dict[str, tuple[float, float]]] = None
    slow: t.Optional[list[Slow]] = None
    refused: t.Optional[float] = None


def ask(client: t.Any) -> tuple[dict[str, t.Any], Load]:
    """INFO and what keeps Redis busy, in one round trip; what the user may not read is empty or None."""
    asked = client.pipeline(transaction=False)
    asked.info()
    asked.info("commandstats")
    asked.slowlog_get(SLOW_ENTRIES)
    answers = [None if isinstance(answer, Exception) else answer for answer in asked.execute(raise_on_error=False)]
    server, commands, slow = answers
    told = {text(name): value for name, value in server.items()} if isinstance(server, dict) else {}
    return told, Load(_commands(commands), _slow(slow), _refused(told))


def _refused(told: t.Mapping[str, t.Any]) -> t.Optional[float]:
    """The line of an error exists once it was given; that errors are counted by kind is known by the line of all (Redis 6.2).

    A server that stopped counting them says so in a line of the same form.
    """
    if "total_error_replies" not in told or f"errorstat_{STOPPED}" in told:
        return None
    given = told.get("errorstat_OOM", {"count": 0})
    return number(given.get("count")) if isinstance(given, dict) else None


def _commands(told: t.Any) -> t.Optional[dict[str, tuple[float, float]]]:
    if not isinstance(told, dict):
        return None
    found = {}
    for name, counts in told.items():
        name = text(name).lower()[len("cmdstat_") :]
        calls, spent = (number(counts.get(part)) for part in ("calls", "usec")) if isinstance(counts, dict) else (None, None)
        if _WORD.fullmatch(name) and calls is not None and spent is not None:
            found[name] = (calls, spent)
    return found


def _slow(told: t.Any) -> t.Optional[list[Slow]]:
    if not isinstance(told, list):
        return None
    found = []
    for entry in told:
        place, spent = (number(entry.get(part)) for part in ("id", "duration")) if isinstance(entry, dict) else (None, None)
        if place is None or spent is None:
            continue
        words = text(entry.get("command") or "").split(None, 1)
        name = words[0].lower() if words and _WORD.fullmatch(words[0].lower()) else "a command"
        client = text(entry.get("client_address") or "").rpartition(":")[0]
        found.append(Slow(int(place), name, round(spent / 1000, 3), clean(client, 60) or None))
    return found


def put(built: Facts, broker: Broker, first: Load, second: t.Optional[Load], seconds: t.Optional[float], nodes: Maybe[Nodes]) -> None:
    """The measures of `broker` about its work: commands, slow_commands, slowest_milliseconds, flushes, refused, and its nodes."""
    on_redis = broker.family == "redis"
    for name in Nodes._fields:
        built.put(f"broker.{name}", Unknown(NO_ALARMS) if on_redis else nodes if isinstance(nodes, Unknown) else getattr(nodes, name))
    rows = _rows(first, second, seconds) if on_redis else Unknown("RabbitMQ does not count commands")
    slow = _new(first, second) if on_redis else Unknown("RabbitMQ has no slow log")
    if isinstance(rows, Unknown):
        for name in ("commands", "flushes"):
            built.put(f"broker.{name}", rows)
    else:
        built.put("broker.commands", [{name: each[name] for name in _SHOWN} for each in rows[:MOST_COMMANDS]])
        built.put("broker.flushes", int(sum(each["calls"] for each in rows if each["name"] in FLUSHES)))
    built.put("broker.slow_commands", slow if isinstance(slow, Unknown) else [_slow_row(each) for each in slow[:MOST_COMMANDS]])
    built.put("broker.slowest_milliseconds", _slowest(rows, slow))
    built.put("broker.refused", _refusals(first, second) if on_redis else Unknown(NO_REFUSALS))


def _refusals(first: Load, second: t.Optional[Load]) -> Maybe[int]:
    """Commands of the window that found no memory."""
    if second is None:
        return Unknown(ONE_SAMPLE)
    if first.refused is None or second.refused is None:
        return Unknown("the broker does not report errors by kind (Redis since 6.2), or this user may not use INFO on it")
    if second.refused < first.refused:
        return Unknown("its counters were reset within the window")
    return int(second.refused - first.refused)


_SHOWN = ("name", "calls", "mean_milliseconds", "share_ratio")


def _rows(first: Load, second: t.Optional[Load], seconds: t.Optional[float]) -> Maybe[list[Row]]:
    """The commands of the window, those that took most time first."""
    if second is None or not seconds:
        return Unknown(ONE_SAMPLE)
    if first.commands is None or second.commands is None:
        return Unknown(FORBIDDEN)
    found = []
    for name, (calls, spent) in second.commands.items():
        calls_before, spent_before = first.commands.get(name, (0.0, 0.0))
        if calls < calls_before or spent < spent_before:
            return Unknown("its counters were reset within the window")
        if calls > calls_before:
            mean = (spent - spent_before) / (calls - calls_before) / 1000
            share = min(1.0, ratio(spent - spent_before, 1e6 * seconds) or 0.0)
            found.append({"name": name, "calls": int(calls - calls_before), "mean_milliseconds": round(mean, 3), "share_ratio": share})
    return sorted(found, key=lambda each: -each["share_ratio"])


def _new(first: Load, second: t.Optional[Load]) -> Maybe[list[Slow]]:
    """The entries that the window added to the slow log, slowest first."""
    if second is None:
        return Unknown(ONE_SAMPLE)
    if first.slow is None or second.slow is None:
        return Unknown("this user may not read SLOWLOG on the broker")
    last = max((each.number for each in first.slow), default=-1)
    return sorted((each for each in second.slow if each.number > last), key=lambda each: -each.milliseconds)


def _slow_row(slow: Slow) -> Row:
    columns = {"name": slow.command, "milliseconds": slow.milliseconds, "client": slow.client}
    return row(columns, {"client": "this version does not say who sent it"})


def _slowest(rows: Maybe[list[Row]], slow: Maybe[list[Slow]]) -> Maybe[float]:
    """The longest that one command took, as far as the slow log goes; else the slowest kind's mean, which is less."""
    means: list[float] = [] if isinstance(rows, Unknown) else [each["mean_milliseconds"] for each in rows]
    known = [*means, *([] if isinstance(slow, Unknown) else [each.milliseconds for each in slow])]
    if known:
        return max(known)
    return rows if isinstance(rows, Unknown) else Unknown("no command ran in the window")
