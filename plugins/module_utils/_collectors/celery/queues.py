# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Queues from several readings of their lengths: growth, what comes and goes, and when they will be empty. Pure."""

from __future__ import annotations

import typing as t

from ..._collect.sampling import Number, number
from ..._text.redact import clean
from .broker import Reading

Row = dict[str, t.Any]


def rows(readings: t.Sequence[Reading], workers: t.Sequence[Row], complete: bool, on_redis: bool) -> list[Row]:
    """One row per queue of the last reading. `complete`: all workers answered, so who consumes what is known."""
    if not readings:
        return []
    return [_row(name, readings, workers, complete, on_redis) for name in readings[-1].lengths]


def _row(name: str, readings: t.Sequence[Reading], workers: t.Sequence[Row], complete: bool, on_redis: bool) -> Row:
    last = readings[-1].lengths[name]
    series = [(one.at, one.lengths[name].ready) for one in readings if name in one.lengths]
    known = [(at, ready) for at, ready in series if ready is not None]
    growth, always = _growth(known)
    takers = [row for row in workers if name in row["queues"]]
    consumers = last.consumers if not on_redis else (len(takers) if complete else None)
    row: Row = {
        "name": clean(name, 120),
        "ready": last.ready,
        "unacked": None,
        "consumers": consumers,
        "growth_per_second": growth,
        "grows_always": always,
        "consume_per_second": _consumed(name, takers),
        "problem": last.problem,
    }
    row["arrive_per_second"] = _arrived(row, takers)
    return _estimates(row)


def _growth(known: t.Sequence[tuple[float, int]]) -> tuple[t.Optional[float], t.Optional[bool]]:
    """Messages per second over all readings, and whether every reading was longer than the one before."""
    if len(known) < 2 or known[-1][0] <= known[0][0]:
        return None, None
    growth = round((known[-1][1] - known[0][1]) / (known[-1][0] - known[0][0]), 6)
    steps = [after - before for (_at, before), (_then, after) in zip(known, known[1:])]
    return growth, len(steps) > 1 and all(step > 0 for step in steps)


def _consumed(name: str, takers: t.Sequence[Row]) -> t.Optional[float]:
    """Known when the queue's workers take from no other queue: workers do not count by queue."""
    rates = [row["accepted_per_second"] for row in takers]
    if not takers or None in rates or any(row["queues"] != [name] for row in takers):
        return None
    return float(round(sum(rates), 6))


def _arrived(row: Row, takers: t.Sequence[Row]) -> t.Optional[float]:
    growth: t.Optional[float] = row["growth_per_second"]
    consumed: t.Optional[float] = row["consume_per_second"]
    if growth is None:
        return None
    if consumed is None:
        return growth if row["consumers"] == 0 and growth >= 0 else None
    held = [taker["held_growth_per_second"] for taker in takers]
    # what workers took and have not begun yet has arrived as well
    return max(0.0, round(growth + consumed + (0.0 if None in held else sum(held)), 6))


def _estimates(row: Row) -> Row:
    ready, growth, consumed = row["ready"], row["growth_per_second"], row["consume_per_second"]
    row["drains"] = None if ready is None or growth is None else ready == 0 or growth < 0
    row["drain_seconds"] = None
    if row["drains"]:
        row["drain_seconds"] = round(ready / -growth, 3) if ready else 0.0
    row["wait_seconds"] = 0.0 if ready == 0 else None
    if ready and consumed:
        row["wait_seconds"] = round(ready / consumed, 3)
    row.setdefault("oldest_seconds", None)
    return row


def with_management(found: list[Row], told: t.Mapping[str, Row], now: float) -> list[Row]:
    """What RabbitMQ's management API knows better, taken into the rows."""
    for row in found:
        more = told.get(row["name"])
        if more is None:
            continue
        row["unacked"] = more.get("unacked")
        for name in ("arrive_per_second", "consume_per_second"):
            if row[name] is None:  # its rates lag by its own interval, so ours are better where they are known
                row[name] = more.get(name)
        head = number(more.get("head_timestamp"))
        row["oldest_seconds"] = None if head is None else round(max(0.0, now - head), 3)
        _estimates(row)
    return found


def summary(found: t.Sequence[Row], readings: t.Sequence[Reading], accepted_per_second: t.Optional[float]) -> Row:
    """Sums and the queues that need somebody."""
    ready = [row["ready"] for row in found if row["ready"] is not None]
    growths = [row["growth_per_second"] for row in found if row["growth_per_second"] is not None]
    consumed = sum(row["ready"] or 0 for row in found if row["consumers"] != 0)
    unconsumed = [row for row in found if row["ready"] and row["consumers"] == 0]
    last = readings[-1] if readings else None
    return {
        "ready_total": sum(ready) if ready else None,
        "unacked": last.unacked if last else None,
        "unacked_oldest_seconds": last.unacked_oldest_seconds if last else None,
        "growth_per_second": round(sum(growths), 6) if growths else None,
        "ready_consumed": consumed if ready else None,
        "wait_seconds": _longest_wait(found, consumed, accepted_per_second),
        "unconsumed": [{"name": row["name"], "ready": row["ready"]} for row in unconsumed][:10],
        "unconsumed_total": None if any(row["consumers"] is None and row["ready"] for row in found) else len(unconsumed),
        "worst": _worst(found),
    }


def _longest_wait(found: t.Sequence[Row], consumed: int, accepted_per_second: t.Optional[float]) -> t.Optional[Number]:
    """How long a message waits in the slowest queue that somebody takes from."""
    waits: list[Number] = []
    for row in found:
        known = [value for value in (row["wait_seconds"], row["oldest_seconds"]) if value is not None]
        if known:
            waits.append(max(known))
        elif row["ready"] and row["consumers"] != 0:
            # its workers take from other queues as well: at the pace of all of them together
            if not accepted_per_second:
                return None
            waits.append(round(consumed / accepted_per_second, 3))
    return max(waits) if waits else None


def _worst(found: t.Sequence[Row]) -> t.Optional[Row]:
    """The queue most in trouble: one that grows in every reading, then one that does not drain, then the slowest to drain."""
    if not found:
        return None

    def trouble(row: Row) -> tuple[bool, bool, float, int]:
        return bool(row["grows_always"]), row["drains"] is False, row["growth_per_second"] or 0.0, row["ready"] or 0

    draining = [row for row in found if row["drain_seconds"]]
    worst = max(found, key=trouble)
    if not worst["grows_always"] and worst["drains"] is not False and draining:
        worst = max(draining, key=lambda row: row["drain_seconds"])
    names = ("name", "ready", "consumers", "growth_per_second", "grows_always", "drains", "drain_seconds")
    return {name: worst[name] for name in (*names, "arrive_per_second", "consume_per_second")}
