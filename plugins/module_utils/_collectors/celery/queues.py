# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Queues from several readings of their lengths: growth, what comes and goes, and when they will be empty. Pure."""

from __future__ import annotations

import typing as t

from ..._collect.derived import age, put_total, total
from ..._collect.facts import Facts, Maybe, Unknown, known, row
from ..._collect.sampling import ONE_SAMPLE, Number, number
from ..._texts.redact import clean
from .broker import AHEAD, NO_SUCH_QUEUE, Reading
from .queue_types import NO_BACKLOG
from .queue_types import UNTOLD as NO_TYPE

Row = dict[str, t.Any]


def rows(
    readings: t.Sequence[Reading], workers: t.Sequence[Row], complete: bool, on_redis: bool, kinds: t.Optional[t.Mapping[str, str]] = None
) -> list[Row]:
    """One row per queue of the last reading. `complete`: all workers answered, so who consumes what is known. `kinds`: RabbitMQ's types."""
    if not readings:
        return []
    named = kinds or {}
    return [{**_row(name, readings, workers, complete, on_redis), "type": named.get(name)} for name in readings[-1].lengths]


def _row(name: str, readings: t.Sequence[Reading], workers: t.Sequence[Row], complete: bool, on_redis: bool) -> Row:
    last = readings[-1].lengths[name]
    series = [(one.at, one.lengths[name].ready) for one in readings if name in one.lengths]
    growth, always = _growth([(at, ready) for at, ready in series if ready is not None])
    takers = [worker for worker in workers if name in (worker["queues"] or ())]
    told = all(worker["queues"] is not None for worker in workers)
    consumers = (len(takers) if complete and told else None) if on_redis else _consumers(last.consumers, takers)
    queue: Row = {
        "name": clean(name, 120),
        "ready": last.ready,
        "unacked": None,
        "consumers": consumers,
        "growth_per_second": growth,
        "grows_always": always,
        "consume_per_second": _consumed(name, takers) if told else None,
        "problem": last.problem,
    }
    queue["arrive_per_second"] = _arrived(queue, takers)
    return _estimates(queue)


def _consumers(told: t.Optional[int], takers: t.Sequence[Row]) -> t.Optional[int]:
    """RabbitMQ may tell of a quorum queue how many messages workers hold (rabbitmq-server#16185): workers know better."""
    return None if told is None else max(told, len(takers))


def stalled(queues: t.Sequence[Row], readings: t.Sequence[Reading], workers: t.Sequence[Row], limited: t.Collection[str] = ()) -> list[Row]:
    """Queues with messages at every look, whose workers have a free slot, hold nothing for later and began nothing in the window.

    They are connected, answer, and do not consume (celery#8030). A countdown shows in what they have scheduled. What they hold because
    of a rate limit shows nowhere: a worker that limits any task (`limited`) may do so now.
    """
    found = []
    for queue in queues:
        takers = [worker for worker in workers if queue["name"] in (worker["queues"] or ())]
        waits = [one.lengths[queue["name"]].ready for one in readings if queue["name"] in one.lengths]
        may_limit = any(worker["name"] in limited for worker in takers)
        if takers and not may_limit and len(waits) >= 3 and all(waits) and all(map(_does_nothing, takers)):
            found.append({"name": queue["name"], "ready": queue["ready"], "workers": len(takers)})
    return found


def _does_nothing(worker: Row) -> bool:
    slots, active = worker["concurrency"], worker["active_mean"]
    return bool(worker["accepted"] == 0 and worker["reserved"] == 0 and slots and active is not None and active < slots)


def put_stalled(facts: Facts, rows: Maybe[list[Row]]) -> None:
    """`stalled` as measures, or why it is not known."""
    facts.put("stalled", rows if isinstance(rows, Unknown) else rows[:10])
    facts.put("stalled_total", rows if isinstance(rows, Unknown) else len(rows))


def _growth(lengths: t.Sequence[tuple[float, int]]) -> tuple[t.Optional[float], t.Optional[bool]]:
    """Messages per second over all readings, and whether every reading was longer than the one before."""
    if len(lengths) < 2 or lengths[-1][0] <= lengths[0][0]:
        return None, None
    growth = round((lengths[-1][1] - lengths[0][1]) / (lengths[-1][0] - lengths[0][0]), 6)
    steps = [after - before for (_at, before), (_then, after) in zip(lengths, lengths[1:])]
    return growth, len(steps) > 1 and all(step > 0 for step in steps)


def _consumed(name: str, takers: t.Sequence[Row]) -> t.Optional[float]:
    """Known when the queue's workers take from no other queue: workers do not count by queue."""
    rates = [worker["accepted_per_second"] for worker in takers]
    if not takers or None in rates or any(worker["queues"] != [name] for worker in takers):
        return None
    return float(round(sum(rates), 6))


def _arrived(queue: Row, takers: t.Sequence[Row]) -> t.Optional[float]:
    growth: t.Optional[float] = queue["growth_per_second"]
    consumed: t.Optional[float] = queue["consume_per_second"]
    if growth is None:
        return None
    if consumed is None:
        return growth if queue["consumers"] == 0 and growth >= 0 else None
    held = [taker["held_growth_per_second"] for taker in takers]
    # what workers took and have not begun yet has arrived as well
    return max(0.0, round(growth + consumed + (0.0 if None in held else sum(held)), 6))


def _estimates(queue: Row) -> Row:
    ready, growth, consumed = queue["ready"], queue["growth_per_second"], queue["consume_per_second"]
    queue["drains"] = None if ready is None or growth is None else ready == 0 or growth < 0
    queue["drain_seconds"] = None
    if queue["drains"]:
        queue["drain_seconds"] = round(ready / -growth, 3) if ready else 0.0
    queue["wait_seconds"] = 0.0 if ready == 0 else None
    if ready and consumed:
        queue["wait_seconds"] = round(ready / consumed, 3)
    queue.setdefault("oldest_seconds", None)
    return queue


def with_management(queues: list[Row], told: t.Mapping[str, Row], now: float) -> list[Row]:
    """What RabbitMQ's management API knows better, taken into the rows."""
    for queue in queues:
        more = told.get(queue["name"])
        if more is None:
            continue
        queue["unacked"] = more.get("unacked")
        if queue["consumers"] is not None and more.get("consumers") is not None:
            queue["consumers"] = more["consumers"]
        for name in ("arrive_per_second", "consume_per_second"):
            if queue[name] is None:  # its rates lag by its own interval, so ours are better where they are known
                queue[name] = more.get(name)
        head = number(more.get("head_timestamp"))
        queue["oldest_seconds"] = known(age(now, head, "", AHEAD))
        _estimates(queue)
    return queues


class Context(t.NamedTuple):
    """Why columns of a queue are unknown, where that is the same for all queues."""

    windowed: bool
    consumers: str  # why it is not known who takes from them
    unacked: str
    oldest: str
    kind: str = NO_TYPE


def shown(queue: Row, context: Context) -> Row:
    """A queue's row as a fact: a reason in place of each null."""
    unread = queue["problem"] or "it could not be read"
    new = "it came into being within the window" if context.windowed else ONE_SAMPLE
    several = "workers that take from several queues do not count by queue" if context.windowed else ONE_SAMPLE
    why = {
        "ready": unread,
        "unacked": context.unacked,
        "consumers": context.consumers,
        **dict.fromkeys(("growth_per_second", "grows_always", "drains"), unread if queue["ready"] is None else new),
        **dict.fromkeys(("consume_per_second", "arrive_per_second"), context.consumers if queue["consumers"] is None else several),
        "drain_seconds": "it does not drain" if queue["drains"] is False else new,
        "wait_seconds": several,
        "oldest_seconds": context.oldest,
        "problem": "it could be read",
        "type": context.kind,
    }
    return row(queue, why)


def put_summary(
    facts: Facts, queues: t.Sequence[Row], readings: t.Sequence[Reading], accepted_per_second: Maybe[float], context: Context
) -> None:
    """Sums, and the queues that need attention."""
    there = [queue for queue in queues if queue["problem"] not in (NO_SUCH_QUEUE, NO_BACKLOG)]
    if not there and all(queue["problem"] == NO_BACKLOG for queue in queues):
        nothing = Unknown("there are streams only, which have no backlog" if queues else "no queue could be read")
        for name in ("ready_total", "ready_consumed", "growth_per_second", "worst", "wait_seconds", "unconsumed", "unconsumed_total"):
            facts.put(name, nothing)
        return
    put_total(facts, "ready_total", [0, *(_part(queue, "ready", context) for queue in there)])
    consumed = total([0, *(_part(queue, "ready", context) for queue in there if queue["consumers"] != 0)])
    facts.put("ready_consumed", consumed)
    facts.put("growth_per_second", _rounded(total([0, *(_part(queue, "growth_per_second", context) for queue in there)])))
    facts.put("wait_seconds", _longest_wait(there, 0 if isinstance(consumed, Unknown) else int(consumed), accepted_per_second, context))
    unconsumed = [queue for queue in there if queue["ready"] and queue["consumers"] == 0]
    facts.put("unconsumed", [{"name": queue["name"], "ready": queue["ready"]} for queue in unconsumed][:10])
    unsure = [Unknown(context.consumers) for queue in there if queue["consumers"] is None and queue["ready"]]
    unsure += [Unknown(queue["problem"]) for queue in there if queue["problem"] and not queue["consumers"]]
    put_total(facts, "unconsumed_total", [0, *(1 for _queue in unconsumed), *unsure])
    facts.put("worst", _worst(queues, context))


def _part(queue: Row, name: str, context: Context) -> Maybe[t.Any]:
    return t.cast(Maybe[t.Any], shown(queue, context)[name])


def _rounded(value: Maybe[Number]) -> Maybe[Number]:
    return value if isinstance(value, Unknown) else round(value, 6)


def _longest_wait(queues: t.Sequence[Row], consumed: int, accepted_per_second: Maybe[float], context: Context) -> Maybe[Number]:
    """How long a message waits in the slowest queue that is consumed."""
    nothing_began = Unknown(
        "no task was begun in the window, so how long a message waits cannot be told" if context.windowed else ONE_SAMPLE
    )
    waits: list[Number] = []
    for queue in queues:
        told = [value for value in (queue["wait_seconds"], queue["oldest_seconds"]) if value is not None]
        if told:
            waits.append(max(told))
        elif queue["ready"] and queue["consumers"] != 0:
            # its workers take from other queues as well: at the pace of all of them together
            if isinstance(accepted_per_second, Unknown) or not accepted_per_second:
                return nothing_began
            waits.append(round(consumed / accepted_per_second, 3))
    return max(waits) if waits else nothing_began


def _worst(queues: t.Sequence[Row], context: Context) -> Row:
    """The queue most in trouble: one that grows in every reading, then one that does not drain, then the slowest to drain."""

    def trouble(queue: Row) -> tuple[bool, bool, float, int]:
        return bool(queue["grows_always"]), queue["drains"] is False, queue["growth_per_second"] or 0.0, queue["ready"] or 0

    draining = [queue for queue in queues if queue["drain_seconds"]]
    worst = max(queues, key=trouble)
    if not worst["grows_always"] and worst["drains"] is not False and draining:
        worst = max(draining, key=lambda queue: queue["drain_seconds"])
    return shown(worst, context)
