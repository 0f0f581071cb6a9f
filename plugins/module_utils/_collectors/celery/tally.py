# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the event stream of the window says: outcomes by task and exception, heartbeats, clocks. Pure and bounded."""

from __future__ import annotations

import collections
import dataclasses
import re
import typing as t

from ..._collect.derived import age
from ..._collect.facts import known
from ..._collect.sampling import amount, count, number, percentile, ratio
from ..._texts.redact import clean

#: Bounds: ids whose name is remembered, task names, runtimes kept of each task, exceptions told of each task.
IDS, NAMES, RUNTIMES, EXCEPTIONS = 20_000, 500, 1000, 5
UNNAMED = "(received before the window)"

# `ValueError('…')` → ValueError; what follows may hold anybody's data.
_EXCEPTION = re.compile(r"^[A-Za-z_][\w.]*")


@dataclasses.dataclass
class Outcome:
    """One task by its name."""

    received: int = 0
    started: int = 0
    succeeded: int = 0
    failed: int = 0
    retried: int = 0
    rejected: int = 0
    revoked: int = 0
    expired: int = 0  # of the revoked, those that waited longer than they may
    runtimes: list[float] = dataclasses.field(default_factory=list)
    exceptions: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)

    def row(self, name: str) -> dict[str, t.Any]:
        return {
            "name": name,
            "succeeded": self.succeeded,
            "failed": self.failed,
            "retried": self.retried,
            "rejected": self.rejected,
            "revoked": self.revoked,
            "expired": self.expired,
            "failure_ratio": ratio(self.failed, self.failed + self.succeeded),
            "runtime_seconds": {"median": percentile(self.runtimes, 0.5), "p95": percentile(self.runtimes, 0.95)},
            "exceptions": [{"name": kind, "count": count} for kind, count in self.exceptions.most_common(EXCEPTIONS)],
        }


@dataclasses.dataclass
class Heart:
    """A worker by its events; `drift` is how far its clock is behind ours (the least seen, so without the way here)."""

    first: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    last: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    drift: t.Optional[float] = None
    beats: int = 0


class Tally:
    """Takes events one by one; keeps counts, never the events."""

    def __init__(self) -> None:
        self.tasks: dict[str, Outcome] = {}
        self.hearts: dict[str, Heart] = {}
        self.task_events = 0
        self.counting = True  # off before the window: then names are learnt only
        self.waits: list[float] = []  # from sent to started, where the senders send events too
        self._names: collections.OrderedDict[str, str] = collections.OrderedDict()
        self._sent: collections.OrderedDict[str, float] = collections.OrderedDict()

    def learn(self, task_id: str, name: str) -> None:
        """The name of a task that was received before the window."""
        self._names[task_id] = clean(name, 120)
        if len(self._names) > IDS:
            self._names.popitem(last=False)

    def take(self, event: t.Any, received_at: float) -> None:
        """One event as it came (`received_at`: our clock); nonsense is passed over."""
        kind = event.get("type") if isinstance(event, dict) else None
        if not isinstance(kind, str):
            return
        if kind != "task-sent":  # sent by clients, that are no workers
            self._heart(event, kind, received_at)
        if kind.startswith("task-"):
            self._task(event, kind[5:])

    def _heart(self, event: dict[str, t.Any], kind: str, received_at: float) -> None:
        name = clean(str(event.get("hostname") or ""), 120)
        if not name or (name not in self.hearts and len(self.hearts) >= IDS):
            return
        heart = self.hearts.setdefault(name, Heart())
        sent_at = number(event.get("timestamp"))
        if sent_at is not None:
            # the timestamp is seconds since 1970 in UTC; `utcoffset` is about the worker's local time only (case C-12)
            drift = received_at - sent_at
            heart.drift = drift if heart.drift is None else min(heart.drift, drift, key=abs)
        if kind == "worker-heartbeat":
            heart.beats += 1
            known = {field: count(event.get(field)) for field in ("processed", "active")}
            heart.first = heart.first or {**known, "at": received_at}
            heart.last = {**known, "at": received_at}

    def _task(self, event: dict[str, t.Any], kind: str) -> None:
        task_id = str(event.get("uuid") or "")[:64]
        if event.get("name"):
            self.learn(task_id, str(event["name"]))
        if not self.counting:
            return
        self.task_events += 1
        if kind == "sent":
            self._remember_sent(task_id, number(event.get("timestamp")))
            return
        name = self._names.get(task_id, UNNAMED)
        outcome = self.tasks.get(name)
        if outcome is None:
            if len(self.tasks) >= NAMES:
                return
            outcome = self.tasks[name] = Outcome()
        if kind in ("received", "started", "succeeded", "failed", "retried", "rejected", "revoked"):
            setattr(outcome, kind, getattr(outcome, kind) + 1)
        self._details(outcome, event, kind, task_id)

    def _details(self, outcome: Outcome, event: dict[str, t.Any], kind: str, task_id: str) -> None:
        if kind == "started" and task_id in self._sent:
            began, sent = number(event.get("timestamp")), self._sent.pop(task_id)
            waited = known(age(began, sent, "", "the clocks of sender and worker disagree"))
            if waited is not None:
                self.waits.append(waited)
        elif kind == "succeeded":
            runtime = amount(event.get("runtime"))
            if runtime is not None and len(outcome.runtimes) < RUNTIMES:
                outcome.runtimes.append(round(float(runtime), 6))
        elif kind == "revoked":
            outcome.expired += event.get("expired") is True
        elif kind in ("failed", "retried"):
            match = _EXCEPTION.match(str(event.get("exception") or ""))
            exception = match.group(0)[:80] if match else "unknown"
            if exception in outcome.exceptions or len(outcome.exceptions) < NAMES:
                outcome.exceptions[exception] += 1

    def _remember_sent(self, task_id: str, at: t.Optional[float]) -> None:
        if at is not None and len(self.waits) < IDS:
            self._sent[task_id] = float(at)
            if len(self._sent) > IDS:
                self._sent.popitem(last=False)
