# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Workers from their replies and heartbeats. Of a task its name, id, queue and age are read, never its arguments."""

from __future__ import annotations

import dataclasses
import typing as t

from ..._collect.sampling import Number, delta, number, rate, ratio, top
from ..._text.redact import clean
from .tally import Heart

#: Before Celery 4.2 `time_start` was a monotonic clock's value; no unix time of a running task is this small.
_UNIX_TIMES_BEGIN = 1_000_000_000

Replies = t.Mapping[str, t.Mapping[str, t.Any]]  # command → worker → reply


@dataclasses.dataclass
class Snapshot:
    """What the workers said at one moment."""

    at: float  # monotonic
    now: float  # seconds since 1970
    replies: Replies = dataclasses.field(default_factory=dict)

    def of(self, command: str, name: str) -> t.Any:
        return (self.replies.get(command) or {}).get(name)

    def rows(self, command: str, name: str) -> t.Optional[list[dict[str, t.Any]]]:
        """The tasks in a reply; None when there was none."""
        reply = self.of(command, name)
        if not isinstance(reply, list):
            return None
        tasks = []
        for row in reply:
            if isinstance(row, dict):
                tasks.append(row["request"] if isinstance(row.get("request"), dict) else row)
        return tasks

    def stats(self, name: str) -> dict[str, t.Any]:
        reply = self.of("stats", name)
        return reply if isinstance(reply, dict) and "error" not in reply else {}

    def accepted(self, name: str) -> t.Optional[Number]:
        """Tasks begun since the worker's start (`total` counts accepted ones, not finished ones)."""
        counts = self.stats(name).get("total")
        return sum(number(count) or 0 for count in counts.values()) if isinstance(counts, dict) else None

    def queues(self, name: str) -> list[str]:
        reply = self.of("active_queues", name)
        return [str(row["name"]) for row in reply if isinstance(row, dict) and row.get("name")] if isinstance(reply, list) else []

    def task_names(self) -> t.Iterator[tuple[str, str]]:
        """(id, name) of every task that a worker holds, for events that carry the id only."""
        for command in ("active", "reserved", "scheduled"):
            for name in self.replies.get(command) or {}:
                for row in self.rows(command, name) or ():
                    if row.get("id") and row.get("name"):
                        yield str(row["id"]), str(row["name"])


def rows(first: Snapshot, second: t.Optional[Snapshot], names: t.Iterable[str], hearts: t.Mapping[str, Heart]) -> list[dict[str, t.Any]]:
    """All workers: those that answered, then those of whom only heartbeats came."""
    answered = list(names)
    silent = sorted(name for name, heart in hearts.items() if heart.beats and name not in answered)
    return [_answered(name, first, second, hearts.get(name)) for name in answered] + [_heard(name, hearts[name]) for name in silent]


def _answered(name: str, first: Snapshot, second: t.Optional[Snapshot], heart: t.Optional[Heart]) -> dict[str, t.Any]:
    latest = second if second is not None and second.stats(name) else first
    stats = latest.stats(name)
    pool, usage = _part(stats, "pool"), _part(stats, "rusage")
    resident = number(usage.get("maxrss"))
    row: dict[str, t.Any] = {
        "name": clean(name, 120),
        "answers": True,
        "pool": _pool(pool.get("implementation")),
        "concurrency": number(pool.get("max-concurrency")),
        "prefetch": number(stats.get("prefetch_count")),
        "uptime_seconds": number(stats.get("uptime")),
        "memory_peak_bytes": None if resident is None else resident * 1024,
        "queues": [clean(queue, 120) for queue in first.queues(name) or latest.queues(name)],
        "drift_seconds": _drift(heart),
    }
    for command in ("active", "reserved", "scheduled"):
        tasks = latest.rows(command, name)
        row[command] = None if tasks is None else len(tasks)
    row["active_mean"] = _mean(first, second, name)
    row["accepted"] = _accepted(first, second, name)
    row["accepted_per_second"] = rate(row["accepted"], second.at - first.at) if second else None
    row["held_growth_per_second"] = _held_growth(first, second, name)
    return row


def _part(stats: dict[str, t.Any], name: str) -> dict[str, t.Any]:
    found = stats.get(name)
    return found if isinstance(found, dict) else {}


def _heard(name: str, heart: Heart) -> dict[str, t.Any]:
    seconds = (heart.last.get("at") or 0) - (heart.first.get("at") or 0)
    active = heart.last.get("active")
    names = ("pool", "concurrency", "prefetch", "uptime_seconds", "memory_peak_bytes", "reserved", "scheduled", "held_growth_per_second")
    unknown: dict[str, t.Any] = dict.fromkeys(names)
    accepted = rate(delta(heart.first.get("processed"), heart.last.get("processed")), seconds)
    known = {"active": active, "active_mean": active, "accepted_per_second": accepted, "drift_seconds": _drift(heart)}
    return {"name": clean(name, 120), "answers": False, "queues": [], "accepted": None, **unknown, **known}


def _pool(implementation: t.Any) -> t.Optional[str]:
    """`celery.concurrency.prefork:TaskPool` → prefork."""
    if not isinstance(implementation, str):
        return None
    name = clean(implementation.partition(":")[0].rpartition(".")[2], 40)
    return "threads" if name == "thread" else name


def _drift(heart: t.Optional[Heart]) -> t.Optional[float]:
    return None if heart is None or heart.drift is None else round(heart.drift, 3)


def _mean(first: Snapshot, second: t.Optional[Snapshot], name: str) -> t.Optional[float]:
    known = [len(tasks) for tasks in (one.rows("active", name) for one in (first, second) if one is not None) if tasks is not None]
    return sum(known) / len(known) if known else None


def _accepted(first: Snapshot, second: t.Optional[Snapshot], name: str) -> t.Optional[Number]:
    if second is None or first.stats(name).get("pid") != second.stats(name).get("pid"):
        return None
    return delta(first.accepted(name), second.accepted(name))


def _held_growth(first: Snapshot, second: t.Optional[Snapshot], name: str) -> t.Optional[float]:
    """How much more the worker holds without having begun it, per second."""
    if second is None:
        return None
    held = []
    for one in (first, second):
        waiting = [one.rows(command, name) for command in ("reserved", "scheduled")]
        held.append(None if None in waiting else sum(len(tasks or ()) for tasks in waiting))
    if held[0] is None or held[1] is None or second.at <= first.at:
        return None
    return round((held[1] - held[0]) / (second.at - first.at), 6)


def running(snapshot: Snapshot, drifts: t.Mapping[str, t.Optional[float]], keep: int) -> tuple[list[dict[str, t.Any]], int]:
    """The tasks that have run longest, and how many run."""
    found, total = [], 0
    for name in snapshot.replies.get("active") or {}:
        for task in snapshot.rows("active", name) or ():
            total += 1
            began = number(task.get("time_start"))
            delivery = task.get("delivery_info")
            queue = delivery.get("routing_key") if isinstance(delivery, dict) else None
            age = None
            if began is not None and began > _UNIX_TIMES_BEGIN:
                age = round(max(0.0, snapshot.now - began - (drifts.get(name) or 0.0)), 3)
            described = {"name": clean(str(task.get("name")), 120), "queue": None if queue is None else clean(str(queue), 120)}
            found.append({**described, "worker": clean(name, 120), "age_seconds": age})
    return top(found, "age_seconds", keep), total


def summary(workers: t.Sequence[t.Mapping[str, t.Any]]) -> dict[str, t.Any]:
    """Sums over the workers that answered; None where one of them did not tell."""
    answering = [row for row in workers if row["answers"]]

    def whole(name: str) -> t.Optional[Number]:
        values = [row[name] for row in answering]
        return sum(values) if values and None not in values else None

    concurrency, mean = whole("concurrency"), whole("active_mean")
    # heartbeats give the rates of workers that do not answer
    rates = [row["accepted_per_second"] for row in workers]
    full = [row for row in answering if row["concurrency"] and row["active"] is not None and row["active"] >= row["concurrency"]]
    free = [row for row in answering if row["concurrency"] and row["active"] is not None and row["active"] < row["concurrency"]]
    takes = {queue for row in free for queue in row["queues"]}
    return {
        "concurrency": concurrency,
        "active": whole("active"),
        "reserved": whole("reserved"),
        "scheduled": whole("scheduled"),
        "utilisation": min(1.0, ratio(mean, concurrency) or 0.0) if mean is not None and concurrency else None,
        "hoard_ratio": None if whole("reserved") is None or not concurrency else round((whole("reserved") or 0) / concurrency, 3),
        # tasks that wait at a full worker while another one that could take them is free
        "hoarded": sum(row["reserved"] or 0 for row in full if takes & set(row["queues"])) if answering else None,
        "accepted": whole("accepted"),
        "accepted_per_second": round(sum(rates), 6) if rates and None not in rates else None,
    }
