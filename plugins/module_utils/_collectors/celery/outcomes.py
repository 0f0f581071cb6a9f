# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shape: what became of the tasks of the window, by the workers' events or by Flower."""

from __future__ import annotations

import typing as t

from ..._collect.derived import share
from ..._collect.facts import Facts, Maybe, Unknown, row
from ..._collect.sampling import ONE_SAMPLE, percentile
from .tally import Tally

Row = dict[str, t.Any]

EVENTS_OFF = "task events are off: start the workers with -E (or set worker_send_task_events), then failures can be counted"
EVENTS_UNSEEN = "task events are off (heartbeats only), or no task ran in the window: start the workers with -E"
#: A task that finished less often than this in the window is not called broken.
_SEEN_OFTEN = 3
_OUTCOMES = (
    *("succeeded", "failed", "retried", "rejected", "expired", "failure_ratio", "sent_back_ratio", "expired_ratio", "finished"),
    *("tasks", "tasks_total", "worst_task", "runtime_seconds"),
)
_UNTOLD = "Flower does not say which tasks expired"
_FROM_FLOWER = "Flower does not say how long tasks run"


class Heard(t.NamedTuple):
    """What was heard of the window, and whether events are known to be on although no task ran."""

    tally: t.Optional[Tally]
    flower: t.Optional[dict[str, dict[str, int]]]
    events_on: bool
    problem: t.Optional[str]  # why the event stream could not be listened to


def put(facts: Facts, heard: Heard, accepted_per_second: t.Optional[float], keep: int) -> None:
    tally = heard.tally
    rows = [outcome.row(name) for name, outcome in tally.tasks.items()] if tally else []
    source = None
    if tally and (tally.task_events or (heard.events_on and not heard.flower)):
        source = "events"
    elif heard.flower:
        rows, source = [_flower_row(name, counts) for name, counts in heard.flower.items()], "flower"
    if source is None:
        _put_unheard(facts, heard, accepted_per_second)
        return
    facts.put("events_enabled", True)
    facts.put("tasks_source", source)
    _put_sums(facts, rows, tally, source, keep)


def _put_unheard(facts: Facts, heard: Heard, accepted_per_second: t.Optional[float]) -> None:
    if heard.problem is not None or heard.tally is None:
        why, enabled = Unknown(heard.problem or ONE_SAMPLE), None
    else:
        why, enabled = (Unknown(EVENTS_OFF), False) if accepted_per_second else (Unknown(EVENTS_UNSEEN), None)
    facts.put("events_enabled", enabled, why.reason)
    for name in (*_OUTCOMES, "queue_wait_seconds", "tasks_source"):
        facts.put(name, why)


def _put_sums(facts: Facts, rows: list[Row], tally: t.Optional[Tally], source: str, keep: int) -> None:
    succeeded, failed = sum(task["succeeded"] for task in rows), sum(task["failed"] for task in rows)
    facts.put("succeeded", succeeded)
    facts.put("failed", failed)
    facts.put("finished", succeeded + failed)
    retried, rejected = (sum(task[name] for task in rows) for name in ("retried", "rejected"))
    expired: Maybe[int] = Unknown(_UNTOLD) if source == "flower" else sum(task["expired"] for task in rows)
    nothing, finished = "no task ended in the window", succeeded + failed
    facts.put("retried", retried)
    facts.put("rejected", rejected)
    facts.put("expired", expired)
    facts.put("sent_back_ratio", share(retried + rejected, retried + rejected + finished, nothing))
    facts.put("expired_ratio", share(expired, expired if isinstance(expired, Unknown) else expired + finished, nothing))
    facts.put("failure_ratio", share(failed, succeeded + failed, "no task finished in the window"))
    ordered = sorted(rows, key=lambda task: (-task["failed"], -task["retried"], -task["succeeded"], task["name"]))
    facts.rows("tasks", [_shown(task, source) for task in ordered], keep)
    facts.put("worst_task", _worst_task(rows))
    runtimes = [value for outcome in tally.tasks.values() for value in outcome.runtimes] if tally else []
    facts.put("runtime_seconds", _spread(runtimes, "no task succeeded in the window") if source == "events" else Unknown(_FROM_FLOWER))
    waits = tally.waits if tally else []
    unsent = "no task-sent events: set task_send_sent_event in the application that sends the tasks"
    facts.put("queue_wait_seconds", _spread(waits, unsent) if waits else Unknown(unsent))


def _spread(values: t.Sequence[float], nothing: str) -> dict[str, Maybe[float]]:
    named = {"median": percentile(values, 0.5), "p95": percentile(values, 0.95)}
    return t.cast("dict[str, Maybe[float]]", row(named, dict.fromkeys(named, nothing)))


def _shown(task: Row, source: str) -> Row:
    runs = dict.fromkeys(("median", "p95"), _FROM_FLOWER if source == "flower" else "it did not succeed in the window")
    return row(
        {**task, "runtime_seconds": row(task["runtime_seconds"], runs)},
        {"failure_ratio": "it did not finish in the window", "expired": _UNTOLD},
    )


def _worst_task(rows: list[Row]) -> Row:
    """The task with the largest share of failures: a rare one that always fails is lost in the sum."""
    often = [task for task in rows if task["failed"] + task["succeeded"] >= _SEEN_OFTEN]
    worst = max(often, key=lambda task: (task["failure_ratio"], task["failed"]), default=None)
    nothing = f"no task finished {_SEEN_OFTEN} times in the window"
    if worst is None:
        return {"failed": 0, "finished": 0, **dict.fromkeys(("name", "failure_ratio", "exception"), Unknown(nothing))}
    told = {name: worst[name] for name in ("name", "failed", "failure_ratio")}
    exception = worst["exceptions"][0]["name"] if worst["exceptions"] else None
    return row({**told, "finished": worst["failed"] + worst["succeeded"], "exception": exception}, {"exception": "no exception was told"})


def _flower_row(name: str, counts: dict[str, int]) -> Row:
    told: Row = {kind: counts.get(kind, 0) for kind in ("succeeded", "failed", "retried", "rejected", "revoked")}
    finished = told["failed"] + told["succeeded"]
    told["expired"] = None
    told["failure_ratio"] = round(told["failed"] / finished, 6) if finished else None
    return {"name": name, **told, "runtime_seconds": {"median": None, "p95": None}, "exceptions": []}
