# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Workers from their replies and heartbeats. Of a task its name, id, queue and age are read, never its arguments."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ..._collect.derived import put_largest, put_total, total
from ..._collect.facts import Facts, Maybe, Unknown, row
from ..._collect.sampling import ONE_SAMPLE, Number, amount, count, delta, number, rate, top
from ..._texts.redact import clean
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
        for task in reply:
            if isinstance(task, dict):
                tasks.append(task["request"] if isinstance(task.get("request"), dict) else task)
        return tasks

    def stats(self, name: str) -> dict[str, t.Any]:
        reply = self.of("stats", name)
        return reply if isinstance(reply, dict) and "error" not in reply else {}

    def accepted(self, name: str) -> t.Optional[Number]:
        """Tasks begun since the worker's start (`total` counts accepted ones, not finished ones)."""
        told = self.stats(name).get("total")
        counts = [count(each) for each in told.values()] if isinstance(told, dict) else [None]
        return None if None in counts else sum(each or 0 for each in counts)

    def queues(self, name: str) -> list[str]:
        """The queues that the worker names."""
        reply = self.of("active_queues", name)
        return [queue["name"] for queue in reply if _is_named(queue)] if isinstance(reply, list) else []

    def queue_types(self, name: str) -> dict[str, str]:
        """The types of the queues that the worker declares, where it declares any."""
        reply = self.of("active_queues", name)
        found = {}
        for queue in filter(_is_named, reply if isinstance(reply, list) else []):
            arguments = queue.get("queue_arguments")
            kind = arguments.get("x-queue-type") if isinstance(arguments, dict) else None
            if isinstance(kind, str):
                found[queue["name"]] = kind
        return found

    def tells_queues(self, name: str) -> bool:
        """Whether it names every queue that it consumes."""
        reply = self.of("active_queues", name)
        return isinstance(reply, list) and all(map(_is_named, reply))

    def tasks_by_process(self) -> dict[int, str]:
        """The task that each process of a pool runs, by its process id."""
        tasks = (task for name in self.replies.get("active") or {} for task in self.rows("active", name) or ())
        return {int(task["worker_pid"]): clean(str(task.get("name")), 120) for task in tasks if isinstance(task.get("worker_pid"), int)}

    def task_names(self) -> t.Iterator[tuple[str, str]]:
        """(id, name) of every task that a worker holds, for events that carry the id only."""
        for command in ("active", "reserved", "scheduled"):
            for name in self.replies.get(command) or {}:
                for task in self.rows(command, name) or ():
                    if task.get("id") and task.get("name"):
                        yield str(task["id"]), str(task["name"])


def _is_named(queue: t.Any) -> bool:
    return isinstance(queue, dict) and isinstance(queue.get("name"), str) and bool(queue["name"])


#: Why a column of a worker is unknown: of one that answered, and of one of whom only heartbeats came.
UNTOLD = "the worker did not tell it"
ONLY_HEARD = "only heartbeats came from it, it does not answer"
_NO_EVENT = "no event came from it in the window"
_NONE_HERE = "no worker of this broker is seen on the host that was asked"
_RESTARTED = "it was restarted in the window, or did not tell"


def rows(
    first: Snapshot, second: t.Optional[Snapshot], names: t.Iterable[str], hearts: t.Mapping[str, Heart], here: t.Collection[int] = ()
) -> list[dict[str, t.Any]]:
    """All workers: those that answered, then those of whom only heartbeats came. `here`: the processes of workers on the host asked."""
    answered = list(names)
    silent = sorted(name for name, heart in hearts.items() if heart.beats and name not in answered)
    return [_answered(name, first, second, hearts.get(name), here) for name in answered] + [_heard(name, hearts[name]) for name in silent]


def _answered(
    name: str, first: Snapshot, second: t.Optional[Snapshot], heart: t.Optional[Heart], here: t.Collection[int]
) -> dict[str, t.Any]:
    latest = second if second is not None and second.stats(name) else first
    stats = latest.stats(name)
    pool, usage = _part(stats, "pool"), _part(stats, "rusage")
    resident = count(usage.get("maxrss"))
    worker: dict[str, t.Any] = {
        "name": clean(name, 120),
        "answers": True,
        "here": count(stats.get("pid")) in here if here else None,
        "pool": _pool(pool.get("implementation")),
        "concurrency": count(pool.get("max-concurrency")),
        "prefetch": count(stats.get("prefetch_count")),
        "uptime_seconds": amount(stats.get("uptime")),
        "memory_peak_bytes": None if resident is None else resident * 1024,
        "queues": [clean(queue, 120) for queue in first.queues(name)] if first.tells_queues(name) else None,
        "drift_seconds": _drift(heart),
    }
    for command in ("active", "reserved", "scheduled"):
        tasks = latest.rows(command, name)
        worker[command] = None if tasks is None else len(tasks)
    worker["active_mean"] = _mean(first, second, name)
    worker["accepted"] = _accepted(first, second, name)
    worker["accepted_per_second"] = rate(worker["accepted"], second.at - first.at) if second else None
    worker["held_growth_per_second"] = _held_growth(first, second, name)
    return worker


#: A worker names a task with its limit as `shop.mail [rate_limit=10/m]`.
_LIMIT = re.compile(r"[\[ ]rate_limit=(?!0\]|None\])[^\] ]+\]$")


def limits_a_task(registered: t.Any) -> bool:
    return isinstance(registered, list) and any(_LIMIT.search(str(line)) for line in registered)


def _part(stats: dict[str, t.Any], name: str) -> dict[str, t.Any]:
    found = stats.get(name)
    return found if isinstance(found, dict) else {}


def _heard(name: str, heart: Heart) -> dict[str, t.Any]:
    seconds = (heart.last.get("at") or 0) - (heart.first.get("at") or 0)
    active = heart.last.get("active")
    names = (
        "here",
        "pool",
        "concurrency",
        "prefetch",
        "uptime_seconds",
        "memory_peak_bytes",
        "reserved",
        "scheduled",
        "held_growth_per_second",
    )
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


def shown(worker: t.Mapping[str, t.Any], windowed: bool) -> dict[str, t.Any]:
    """A worker's row as a fact: a reason in place of each null."""
    untold = UNTOLD if worker["answers"] else ONLY_HEARD
    over_window = (_RESTARTED if worker["answers"] else ONLY_HEARD) if windowed else ONE_SAMPLE
    rates = dict.fromkeys(("accepted", "accepted_per_second", "held_growth_per_second"), over_window)
    here = _NONE_HERE if worker["answers"] else ONLY_HEARD
    return row(worker, {**dict.fromkeys(worker, untold), **rates, "here": here, "drift_seconds": _NO_EVENT})


NOBODY = Unknown("no worker answered")
_BEFORE_4_2 = "its worker does not say when it began (Celery before 4.2)"
_NOT_BEGUN = "it has not begun"


class Running(t.NamedTuple):
    """The tasks that run: how many, the oldest ones, the age of each, and workers whose clock is ahead of ours."""

    total: int
    longest: list[dict[str, t.Any]]
    ages: list[Maybe[float]]
    ahead: list[str]


def running(snapshot: Snapshot, drifts: t.Mapping[str, t.Optional[float]], keep: int) -> Running:
    tasks, ages, ahead = [], [], set()
    for name in snapshot.replies.get("active") or {}:
        for task in snapshot.rows("active", name) or ():
            age = _age(task, snapshot.now, drifts.get(name))
            if not isinstance(age, Unknown) and age < 0:
                ahead.add(clean(name, 80))
                age = 0.0
            if age != Unknown(_NOT_BEGUN):
                ages.append(age)
            delivery = task.get("delivery_info")
            queue = delivery.get("routing_key") if isinstance(delivery, dict) else None
            described = {"name": clean(str(task.get("name")), 120), "queue": None if queue is None else clean(str(queue), 120)}
            tasks.append(row({**described, "worker": clean(name, 120), "age_seconds": age}, {"queue": "the worker does not report it"}))
    return Running(len(tasks), top(tasks, "age_seconds", keep), ages, sorted(ahead))


def _age(task: t.Mapping[str, t.Any], now: float, drift: t.Optional[float]) -> Maybe[float]:
    """How long the task runs; negative when its worker's clock is ahead of ours."""
    began = number(task.get("time_start"))
    if began is None:
        return Unknown(_NOT_BEGUN)
    if began <= _UNIX_TIMES_BEGIN:
        return Unknown(_BEFORE_4_2)
    return round(now - began - (drift or 0.0), 3)


def put_running(facts: Facts, tasks: Running, nobody: t.Optional[Unknown]) -> None:
    """`nobody`: why nothing is known, when no worker answered."""
    facts.put("running", tasks.longest)
    if nobody is not None:
        facts.put("running_total", nobody)
        facts.put("oldest_active_seconds", nobody)
        return
    facts.put("running_total", tasks.total)
    put_largest(facts, "oldest_active_seconds", [0.0, *tasks.ages], "")
    if tasks.ahead:
        facts.note(f"The clock of {', '.join(tasks.ahead[:5])} is ahead of ours: tasks there began in the future, their age is told as 0.")


def put_summary(
    facts: Facts, workers: t.Sequence[t.Mapping[str, t.Any]], nobody: t.Optional[Unknown], windowed: bool, twins: t.Optional[Unknown]
) -> None:
    """Sums over the workers that answered. `twins`: why sums are too small, when several workers have one name."""
    answering = [worker for worker in workers if worker["answers"]]

    def parts(name: str) -> list[Maybe[Number]]:
        if not answering:
            return [NOBODY if nobody is None else nobody]
        values = [Unknown(UNTOLD) if worker[name] is None else worker[name] for worker in answering]
        return [*values, *([] if twins is None else [twins])]

    for name in ("concurrency", "active", "reserved", "scheduled"):
        put_total(facts, name, parts(name))
    concurrency, mean, reserved = (total(parts(name)) for name in ("concurrency", "active_mean", "reserved"))
    facts.put("utilisation", _share(mean, concurrency, most=1.0))
    facts.put("hoard_ratio", _share(reserved, concurrency, digits=3))
    facts.put("hoarded", _hoarded(answering) if answering else parts("reserved")[0])
    accepted: Maybe[Number] = Unknown(ONE_SAMPLE)
    if windowed:
        restarted = any(worker["accepted"] is None for worker in answering)
        accepted = Unknown(_RESTARTED) if restarted else total(parts("accepted"))
    facts.put("accepted", accepted)
    facts.put("accepted_per_second", accepted_per_second(workers, windowed, nobody, twins))


def accepted_per_second(
    workers: t.Sequence[t.Mapping[str, t.Any]], windowed: bool, nobody: t.Optional[Unknown], twins: t.Optional[Unknown]
) -> Maybe[float]:
    """Of all workers: heartbeats give the rates of those that do not answer."""
    if not windowed:
        return Unknown(ONE_SAMPLE)
    if not workers:
        return NOBODY if nobody is None else nobody
    rates = [worker["accepted_per_second"] for worker in workers]
    if None in rates:
        return Unknown(_RESTARTED)
    return float(round(sum(rates), 6)) if twins is None else twins


def _share(part: Maybe[Number], whole: Maybe[Number], most: t.Optional[float] = None, digits: int = 6) -> Maybe[float]:
    if isinstance(part, Unknown) or isinstance(whole, Unknown):
        return part if isinstance(part, Unknown) else t.cast(Unknown, whole)
    if not whole:
        return Unknown("the workers have no room for any task (concurrency 0)")
    share = round(part / whole, digits)
    return share if most is None else min(most, share)


def _hoarded(answering: t.Sequence[t.Mapping[str, t.Any]]) -> int:
    """Tasks that wait at a full worker while another one that could take them is free."""
    told = [worker for worker in answering if worker["concurrency"] and worker["active"] is not None]
    full = [worker for worker in told if worker["active"] >= worker["concurrency"]]
    free = [worker for worker in told if worker["active"] < worker["concurrency"]]
    takes = {queue for worker in free for queue in worker["queues"] or ()}
    return sum(worker["reserved"] or 0 for worker in full if takes & set(worker["queues"] or ()))
