# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the time of a request goes that the application has to answer: queues, and what its worker does or waits for.

A queue's wait is its length by its rate (Little's law). The worker's time is its mean response time, shared out as looks at busy
workers were. A part that nobody measured is there with its reason, and without seconds.
"""

from __future__ import annotations

import typing as t

from .._checks.units import shown
from .graph import Graph
from .nodes import Key
from .observed import Instance, known_sum
from .waiting import waits_of

#: A part below this share is not named in the sentence.
LEAST_SHARE = 0.01
#: Waits that are not on another instance, by the name they have here.
_KINDS = {"cpu": "CPU", "disk": "disk", "lock": "lock", "sleep": "sleep", "client": "client", "other": "other", "unknown": "unknown"}


class RequestTime(t.NamedTuple):
    mean: t.Optional[float]
    rows: t.Optional[list[dict[str, t.Any]]]
    sentence: t.Optional[str]
    why: t.Optional[str]


class _Part(t.NamedTuple):
    part: str
    at: t.Optional[str]
    seconds: t.Optional[float]
    reason: t.Optional[str] = None


def request_time(
    logs: t.Sequence[Instance], accelerators: t.Sequence[Instance], applications: t.Sequence[Instance], graph: t.Optional[Graph]
) -> RequestTime:
    busy = [(each, count, mean) for each in applications if (count := each.number("requests")) and (mean := _mean(each)) is not None]
    ended = sum(count for _each, count, _mean in busy)
    if not ended:
        return RequestTime(None, None, None, "no request of the application ended within the window, or its time is not known")
    worker = sum(count * mean for _each, count, mean in busy) / ended
    parts = [*_accelerator_queue(accelerators), _worker_queue(applications)]
    parts += _between(logs, worker, known_sum(part.seconds for part in parts if part.part == "worker queue") or 0.0)
    parts += _worker(busy, ended, graph)
    whole = sum(part.seconds or 0.0 for part in parts)
    rows = [
        {
            "part": part.part,
            "at": part.at,
            "seconds": None if part.seconds is None else round(part.seconds, 6),
            "share_ratio": round(part.seconds / whole, 4) if part.seconds is not None and whole else None,
            "reason": part.reason,
        }
        for part in parts
    ]
    return RequestTime(round(whole, 6), rows, _sentence(parts, whole), None)


def _mean(workers: Instance) -> t.Optional[float]:
    return workers.number("mean_response_seconds")


def _accelerator_queue(accelerators: t.Sequence[Instance]) -> t.Iterator[_Part]:
    if not accelerators:
        return
    lengths = [each.number("threads.queue_length") for each in accelerators]
    rates = [each.number("sessions.accepted_per_second") for each in accelerators]
    if None in lengths:
        yield _Part("accelerator queue", None, None, "its queue was not read")
        return
    length, rate = known_sum(lengths) or 0.0, known_sum(rates)
    if not length:
        yield _Part("accelerator queue", None, 0.0)
    elif rate:
        yield _Part("accelerator queue", None, length / rate)
    else:
        yield _Part("accelerator queue", None, None, "connections wait, and none was accepted within the window")


def _worker_queue(applications: t.Sequence[Instance]) -> _Part:
    lengths = [each.number("listen_queue") for each in applications]
    rate = known_sum(each.number("requests_per_second") for each in applications)
    if None in lengths or not lengths:
        return _Part("worker queue", None, None, "a listen queue was not read")
    length = known_sum(lengths) or 0.0
    if not length:
        return _Part("worker queue", None, 0.0)
    return _Part("worker queue", None, length / rate) if rate else _Part("worker queue", None, None, "requests wait, and none ended")


def _between(logs: t.Sequence[Instance], worker: float, queue: float) -> t.Iterator[_Part]:
    """What the accelerator waits for beyond the worker: the connection, the network, a web server in between."""
    if not logs:
        return
    requests = known_sum(log.number("backend.requests") for log in logs)
    seconds = known_sum(log.number("backend.seconds") for log in logs)
    if not requests or seconds is None:
        yield _Part("fetch", None, None, "no backend request in the log")
    else:
        yield _Part("fetch", None, max(0.0, seconds / requests - worker - queue))


def _worker(busy: t.Sequence[tuple[Instance, float, float]], ended: float, graph: t.Optional[Graph]) -> t.Iterator[_Part]:
    spent: dict[tuple[str, t.Optional[str]], float] = {}
    unseen = 0.0
    for workers, count, mean in busy:
        seconds = count * mean / ended
        waits = waits_of(workers, graph) if graph is not None else None
        if waits is None:
            unseen += seconds
            continue
        shares: dict[tuple[str, t.Optional[str]], float] = {("worker: " + _KINDS[kind], None): part for kind, part in waits.kinds.items()}
        for key, part in waits.on.items():
            shares[_place(key, waits.graph)] = shares.get(_place(key, waits.graph), 0.0) + part
        for row in waits.outside:
            shares[("worker: outside", row.address)] = shares.get(("worker: outside", row.address), 0.0) + row.share
        for place, part in shares.items():
            spent[place] = spent.get(place, 0.0) + part * seconds
    for place, seconds in sorted(spent.items(), key=lambda entry: -entry[1]):
        if seconds:
            yield _Part(*place, seconds, "no look could tell" if place[0] == "worker: unknown" else None)
    if unseen:
        yield _Part("worker: unknown", None, unseen, "too few looks at busy workers")


def _place(key: Key, graph: Graph) -> tuple[str, str]:
    host, service, _name = key
    node = graph.nodes.get(key)
    return (f"worker: {service if node is None else node.tier}", f"{service} {host}")


def _sentence(parts: t.Sequence[_Part], whole: float) -> str:
    """`of 1.8 s: 12 ms worker queue, 1.7 s database postgresql db1; not measured: accelerator queue`"""
    merged: dict[str, float] = {}
    for part in parts:
        if part.seconds is not None and part.seconds >= LEAST_SHARE * whole and whole:
            merged[_label(part)] = merged.get(_label(part), 0.0) + part.seconds
    unknown = [part.part for part in parts if part.seconds is None]
    told = ", ".join(f"{_duration(seconds)} {label}" for label, seconds in merged.items())
    return f"of {_duration(whole)}: {told or 'nothing worth a name'}" + (f"; not measured: {', '.join(unknown)}" if unknown else "")


def _duration(seconds: float) -> str:
    return shown(seconds, "seconds")


def _label(part: _Part) -> str:
    name = part.part.removeprefix("worker: ") if part.part != "worker: unknown" else "worker (unknown)"
    return f"{name} {part.at}" if part.at else name
