# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shape: what the sampler read of one nginx, as facts (documented in the module's RETURN). Pure."""

from __future__ import annotations

import re
import typing as t

from ..._collect.derived import Window, largest, rate, share
from ..._collect.edges import BECOME
from ..._collect.facts import Facts, Maybe, Unknown, measured
from ..._collect.sampling import ONE_SAMPLE, RESTARTED, Number
from ..._linux.backlog import Backlog
from ..._linux.served import address_of
from ..._texts.redact import clean
from . import traffic
from .logs import NO_LOG
from .samples import History, Worker
from .status import Status

#: Counters and gauges are not read in one instant.
SLACK = 0.25
_PRODUCT = re.compile(r"(nginx|angie|openresty|tengine)/([0-9][\w.+-]{0,40})", re.IGNORECASE)


def facts(history: History) -> Facts:
    """The measures of one instance."""
    found = Facts()
    window = _window(history)
    _identity(found, history)
    _connections(found, history, window)
    _workers(found, history)
    _queue(found, history.listeners)
    _configured(found, history)
    traffic.put(found, history, window)
    for sentence in [*history.notes, *history.access.notes, *history.errors.notes]:
        found.note(sentence)
    if window.broken:
        found.note(window.broken[0].upper() + window.broken[1:])
    return found


def _window(history: History) -> Window:
    """The counters of the status page, without what our own question added."""
    first, second = history.first, history.second
    latest = second if isinstance(second, Status) else first

    def lacking(name: str) -> str:
        return latest.reason if isinstance(latest, Unknown) else f"the status page does not report {name}"

    if isinstance(first, Unknown) or second is None or isinstance(second, Unknown):
        counts: dict[str, int] = {} if isinstance(latest, Unknown) else latest.counts
        return Window(counts, None if second is None else counts, history.window, lacking, _why_not_compared(first, second))
    own = {name: first.counts[name] + 1 for name in ("accepts", "handled", "requests") if name in first.counts}
    fell = any(second.counts.get(name, 0) < first.counts[name] for name in own)
    ours = dict(first.counts)
    if not fell:
        ours.update({name: min(value, second.counts[name]) for name, value in own.items()})
    return Window(ours, second.counts, history.window, lacking, RESTARTED if fell else None)


def _why_not_compared(first: Maybe[Status], second: t.Optional[Maybe[Status]]) -> t.Optional[str]:
    if second is None:
        return None
    unknown = second if isinstance(second, Unknown) else first
    return unknown.reason if isinstance(unknown, Unknown) else None


def _identity(found: Facts, history: History) -> None:
    latest = history.second if isinstance(history.second, Status) else history.first
    said = history.version or ("" if isinstance(latest, Unknown) else latest.server)
    version = _PRODUCT.match(said)
    why = "neither the program nor its answers tell the version (server_tokens off)"
    found.put("product", version[1].lower() if version else None, why)
    found.put("version", clean(version[2], 40) if version else None, why)
    numbers = [int(part) for part in re.findall(r"\d{1,6}", version[2])[:4]] if version else None
    found.put("version_numbers", numbers, why)
    no_process = history.workers.reason if isinstance(history.workers, Unknown) else "its process ended"
    found.put("pid", history.pid, no_process)
    found.put("uptime_seconds", None if history.uptime is None else int(history.uptime), no_process)
    found.put("workers_started", history.workers_born, ONE_SAMPLE if history.window is None else no_process)
    found.put("status_seconds", latest if isinstance(latest, Unknown) else latest.seconds)


def _connections(found: Facts, history: History, window: Window) -> None:
    for name in ("connections", "reading", "writing"):
        found.put(name, window.now(name))
    found.put("kept_alive", window.now("waiting"))
    accepted, handled, requests = (window.moved(name) for name in ("accepts", "handled", "requests"))
    dropped: Maybe[Number] = _less(accepted, handled)
    found.put("accepted", accepted)
    found.put("accepted_per_second", rate(accepted, window.seconds))
    found.put("dropped", dropped)
    found.put("dropped_ratio", share(dropped, accepted, "no connection was accepted in the window"))
    found.put("lifetime_dropped", _less(window.now("accepts"), window.now("handled")))
    if isinstance(requests, Unknown) and history.access.why is None and history.access.part == 1.0:
        requests = history.tally.lines + history.tally.strange
    found.put("requests", requests)
    found.put("requests_per_second", rate(requests, history.window))


def _less(whole: Maybe[Number], part: Maybe[Number]) -> Maybe[Number]:
    if isinstance(whole, Unknown):
        return whole
    return part if isinstance(part, Unknown) else max(0, whole - part)


def _workers(found: Facts, history: History) -> None:
    """A worker's own limit is what counts: each takes as many connections, those to upstream servers and its listeners included."""
    workers, settings = history.workers, history.settings
    each = settings if isinstance(settings, Unknown) else settings.worker_connections
    found.put("worker_connections", each)
    found.put("workers", workers if isinstance(workers, Unknown) else len(workers))
    found.put("workers_leaving", workers if isinstance(workers, Unknown) else history.workers_leaving)
    many: Maybe[Number] = workers if isinstance(workers, Unknown) else len(workers)
    limit = each if isinstance(each, Unknown) else many if isinstance(many, Unknown) else int(each * many)
    found.put("connections_limit", limit)
    used = _most(workers, lambda worker: worker.sockets, "the sockets of its workers may not be read")
    found.put("worker_connections_most", used)
    ratio = share(used, each, "its limit is 0", SLACK)
    if isinstance(ratio, Unknown):
        # at least the visitors' side is known
        visitors = share(found.value("connections"), limit, "its limit is 0", SLACK)
        if isinstance(visitors, Unknown):
            found.put("connections_ratio", ratio)
        else:
            found.bound("connections_ratio", visitors, ratio.reason)
    else:
        found.put("connections_ratio", ratio)
    _descriptors(found, workers)


def _descriptors(found: Facts, workers: Maybe[tuple[Worker, ...]]) -> None:
    why = "the open files of its workers may not be read"
    limit = _most(workers, lambda worker: worker.descriptor_limit, "the limit of its workers is not told, or there is none")
    opened = _most(workers, lambda worker: worker.descriptors, why)
    found.put("descriptors_limit", limit)
    found.put("descriptors_most", opened)
    found.put("descriptors_ratio", share(opened, limit, "its limit is 0"))


def _most(workers: Maybe[tuple[Worker, ...]], read: t.Callable[[Worker], t.Optional[int]], why: str) -> Maybe[int]:
    if isinstance(workers, Unknown):
        return workers
    return largest([measured(read(worker), f"{why}: {BECOME}") for worker in workers], "there is no worker")


def _queue(found: Facts, listeners: Maybe[tuple[Backlog, ...]]) -> None:
    if isinstance(listeners, Unknown):
        for name in ("address", "port", "listen_queue", "listen_queue_limit", "listen_queue_ratio"):
            found.put(name, listeners)
        return
    none = "it listens on no socket"
    ordered = sorted(listeners, key=lambda each: (each.kind != "tcp", each.port or 0, ":" in each.address))
    found.put("address", address_of(ordered[0]) if ordered else None, none)
    found.put("port", next((each.port for each in ordered if each.port), None), "it listens on no TCP socket")
    fullest = max(listeners, key=lambda each: (each.waiting / (each.limit or 1), each.limit), default=None)
    found.put("listen_queue", sum(each.waiting for each in listeners) if listeners else None, none)
    found.put("listen_queue_limit", fullest.limit if fullest else None, none)
    # one may wait beyond the limit
    found.put("listen_queue_ratio", share(fullest.waiting, fullest.limit, "its queue takes nobody", 1.0) if fullest else Unknown(none))


def _configured(found: Facts, history: History) -> None:
    settings = history.settings
    why = settings.reason if isinstance(settings, Unknown) else NO_LOG
    for name, log in (("access_log", history.access), ("error_log", history.errors)):
        found.put(name, clean(log.paths[0], 200) if log.paths else None, why)
    found.put("status_url", history.status_url)
    if isinstance(settings, Unknown):
        for name in ("encrypts", "limits_requests", "log_lacks", "log_format"):
            found.put(name, settings)
        found.rows("upstream_groups", settings, history.top)
        found.put("unbalanced", settings)
        found.rows("caches", settings, history.top)
        return
    found.put("encrypts", settings.encrypts)
    found.put("log_lacks", settings.log_lacks if settings.logs else Unknown(NO_LOG))
    found.put("log_format", clean(settings.logs[0].format, 400) if settings.logs else None, NO_LOG)
    found.put("limits_requests", settings.limits_requests)
    caches = [{"name": clean(zone.name, 60), "max_bytes": measured(zone.max_bytes, "it has no max_size")} for zone in settings.caches]
    found.rows("caches", caches, history.top)
    found.rows("upstream_groups", traffic.groups(history, settings), history.top)
    traffic.put_balance(found, history, settings)
