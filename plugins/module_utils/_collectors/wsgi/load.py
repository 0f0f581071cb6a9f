# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One look in numbers: which workers have a request, and which requests wait, in the kernel's queue or inside of a worker. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from ..._collect.derived import any_of, count_of, total
from ..._collect.edges import BECOME
from ..._collect.facts import Maybe, Unknown
from ..._linux.served import Served
from .settings import LOOP, ONE, THREADS, Settings

if t.TYPE_CHECKING:
    from .samples import Look, Worker

HIDDEN = f"which worker has which connection may not be read: {BECOME}"
UNIX_LOOP = "over a UNIX socket the kernel does not say which of the connections hold a request: let it listen on TCP to know"
UNIX_AGE = "over a UNIX socket the kernel does not say when a request came: let it listen on TCP to know"
NO_CEILING = "an event loop takes any number of requests at once"
NO_CLASS = "how many requests a worker of this class takes at once is not known"
NO_REQUEST = "no request is in flight"


@dataclasses.dataclass(frozen=True)
class Share:
    """What one worker has: requests in its threads, requests that it accepted and does not work on, connections of unknown state."""

    running: Maybe[int]
    waiting: Maybe[int]
    undecided: int = 0
    ages: tuple[float, ...] = ()

    @property
    def busy(self) -> Maybe[bool]:
        """Whether at least one request is in it."""
        return any_of(part if isinstance(part, Unknown) else part > 0 for part in (self.running, self.waiting))


@dataclasses.dataclass(frozen=True)
class Load:
    """`slots`: requests that all workers can work on at once."""

    #: Those that run; those that are stopped are not among the busy.
    workers: int
    busy: Maybe[int]
    running: Maybe[int]
    inside: Maybe[int]
    queue: Maybe[int]
    slots: Maybe[int]
    oldest: Maybe[float]
    connections: Maybe[int]
    undecided: int = 0
    per_worker: tuple[tuple[int, Share], ...] = ()
    stopped: frozenset[int] = frozenset()

    @property
    def waiting(self) -> Maybe[int]:
        return t.cast("Maybe[int]", total([self.queue, self.inside]))

    @property
    def in_flight(self) -> Maybe[int]:
        return t.cast("Maybe[int]", total([self.running, self.inside]))

    @property
    def all_busy(self) -> Maybe[bool]:
        """Whether nothing is free for the next request."""
        if isinstance(self.slots, Unknown):
            return self.slots
        return self.running if isinstance(self.running, Unknown) else 0 < self.slots <= self.running


def of(look: Look, settings: Settings) -> Load:
    stopped = frozenset(worker.pid for worker in look.workers if worker.stopped)
    able = len(look.workers) - len(stopped)
    slots = _slots(settings, able)
    if look.hindrance is not None:
        why = Unknown(look.hindrance)
        return Load(able, why, why, why, why, slots, why, why, stopped=stopped)
    shares = [(worker.pid, _share(worker, settings)) for worker in look.workers]
    if not all(worker.read for worker in look.workers):
        shares = _unread(look, settings)
    shares = [(pid, _held(share) if pid in stopped else share) for pid, share in shares]
    parts = [share for _pid, share in shares]
    return Load(
        able,
        count_of(share.busy for pid, share in shares if pid not in stopped),
        t.cast("Maybe[int]", total(share.running for share in parts)),
        t.cast("Maybe[int]", total(share.waiting for share in parts)),
        sum(listener.waiting for listener in look.listeners),
        slots,
        _oldest(look, parts),
        _connections(look),
        sum(share.undecided for share in parts),
        tuple(shares),
        stopped,
    )


def _slots(settings: Settings, workers: int) -> Maybe[int]:
    if settings.model == ONE:
        return workers
    if settings.model == LOOP:
        return Unknown(NO_CEILING)
    if settings.model == THREADS and settings.threads:
        return workers * settings.threads
    return Unknown(f"the number of threads is not known: {settings.unread}" if settings.unread else NO_CLASS)


def _share(worker: Worker, settings: Settings) -> Share:
    if settings.model == ONE:
        # it reads one connection to its end before it accepts the next
        return _dated(worker.connections, len(worker.connections), 0)
    if settings.model == THREADS and settings.server == "gunicorn":
        held = [each for each in worker.connections if each.inode not in worker.parked]
        unseen = sum(1 for each in worker.connections if each.inode in worker.parked and each.unread)
        return _threaded(held, len(held), settings.threads or max(1, worker.threads - 1), unseen)
    if any(each.age is None for each in worker.connections):
        return Share(Unknown(UNIX_LOOP), Unknown(UNIX_LOOP))
    asked = [each for each in worker.connections if each.request]
    undecided = sum(each.request is None for each in worker.connections)
    if settings.model == THREADS:
        return dataclasses.replace(_threaded(asked, len(asked), settings.threads or 1, 0), undecided=undecided)
    unread = sum(1 for each in asked if each.unread)
    if settings.model == LOOP or len(asked) < 2:
        return dataclasses.replace(_dated(asked, len(asked) - unread, unread), undecided=undecided)
    return Share(len(asked), Unknown(NO_CLASS), undecided, _ages(asked))


def _held(share: Share) -> Share:
    """By a worker that is stopped: nothing of it is worked on."""
    return dataclasses.replace(share, running=0, waiting=t.cast("Maybe[int]", total([share.running, share.waiting])))


def _threaded(held: t.Sequence[Served], count: int, threads: int, unseen: int) -> Share:
    running = min(count, threads)
    return _dated(held, running, count - running + unseen)


def _dated(held: t.Sequence[Served], running: int, waiting: int) -> Share:
    return Share(running, waiting, 0, _ages(held))


def _ages(held: t.Iterable[Served]) -> tuple[float, ...]:
    return tuple(each.age for each in held if each.age is not None)


def _unread(look: Look, settings: Settings) -> list[tuple[int, Share]]:
    """Without the right to see who has which connection: all of them, where that decides it."""
    rows = look.accepted
    pids = [worker.pid for worker in look.workers]
    hidden = Share(Unknown(HIDDEN), Unknown(HIDDEN))
    if rows is None:
        return [(pid, hidden) for pid in pids]
    if settings.model == ONE and not any(worker.stopped for worker in look.workers):
        # each holds one at most
        busy = min(len(rows), len(pids))
        ages = _ages(rows)
        return [(pid, Share(int(place < busy), 0, 0, ages if place == 0 else ())) for place, pid in enumerate(pids)]
    asked = [row for row in rows if row.request]
    if not asked:
        return [(pid, Share(0, 0)) for pid in pids]
    return [(pid, dataclasses.replace(hidden, ages=_ages(asked) if place == 0 else ())) for place, pid in enumerate(pids)]


def _oldest(look: Look, shares: t.Sequence[Share]) -> Maybe[float]:
    """The age of the longest request, whether a worker has it or not. A connection that waits may not have asked yet."""
    ages = [age for share in shares for age in share.ages] + list(_ages(each for each in look.queued if each.request))
    if ages:
        return max(ages)
    undated = any(share.busy is not False for share in shares) or any(each.waiting for each in look.listeners if each.kind == "unix")
    return Unknown(UNIX_AGE if undated and any(each.kind == "unix" for each in look.listeners) else NO_REQUEST)


def _connections(look: Look) -> Maybe[int]:
    if look.accepted is not None:
        return len(look.accepted)
    return sum(len(worker.connections) for worker in look.workers) if all(worker.read for worker in look.workers) else Unknown(HIDDEN)
