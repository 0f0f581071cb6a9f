# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the busy workers of a service wait for, over several looks: CPU, disk, a lock, sleep, or another service by its address.

A wait that no address can be given to is unknown, and counts as such: nothing is shared out by guessing.
"""

from __future__ import annotations

import collections
import functools
import time
import typing as t

from .._collect.problem import Problem
from . import backlog, thread_wait, unanswered, unix_ends
from .busy import Busy
from .processes import pipe_inodes
from .thread_wait import ANY, PIPE, SOCKET, UNKNOWN, WATCHED

#: Processor time that all looks of a sampler may take together, in seconds, and the part of it that one look may. Few looks at many workers
#: say more than many at few: most of a look's time goes into the kernel's tables.
BUDGET, ONE_LOOK = 0.036, 0.2
#: Workers that are looked at in a look in any case.
LEAST = 4
#: The answer is still being written to, or the request read from, who asked.
CLIENT = "client"
#: The port at the end of a name server's address.
NAME_SERVER = ":53"
#: Waits for who is to ask next: the worker is free after all.
IDLE = "idle"


class Seen(t.NamedTuple):
    """Of one request at one look: a kind of `thread_wait`, CLIENT, or SOCKET with the address that it waits for."""

    kind: str
    address: t.Optional[str]
    label: str


class Waits:
    """The looks of one instance's sampler."""

    def __init__(self, budget: float = BUDGET) -> None:
        self.seen: collections.Counter[Seen] = collections.Counter()
        #: Address → microseconds to it and back at the least.
        self.round_trips: dict[str, int] = {}
        self.hindrance: t.Optional[str] = None
        self._budget = budget
        self._spent = 0.0
        self._begins, self._ends = 0.0, 0.0
        self._first = 0
        self._network: t.Optional[_Network] = None

    def begin(self, window: float) -> None:
        """The looks are to be spread over so many seconds from now on."""
        self._begins = time.monotonic()
        self._ends = self._begins + window

    def look(self, workers: t.Sequence[Busy]) -> None:
        """Look once at as many of these workers as the budget allows by now, beginning with those that were left out the last time."""
        left = self._allowed() - self._spent
        if left < ONE_LOOK * self._budget:
            return
        begun = time.thread_time()
        network = self._network = _Network(self.round_trips, self._network)
        for place in range(len(workers)):
            if place >= LEAST and time.thread_time() - begun > ONE_LOOK * self._budget:
                self._first += place
                break
            worker = workers[(self._first + place) % len(workers)]
            if not self.seen:
                self.hindrance = thread_wait.hindrance(worker.pid)
            if self.hindrance:
                break
            self.seen.update(Seen(kind, address, worker.label) for kind, address in _requests(worker, network))
        self._spent += time.thread_time() - begun

    def _allowed(self) -> float:
        """What may have been spent by now: so that a window's end is seen as well as its beginning."""
        if self._ends <= self._begins:
            return self._budget
        part = (time.monotonic() - self._begins) / (self._ends - self._begins)
        return self._budget * min(1.0, ONE_LOOK + part)


def _requests(worker: Busy, network: _Network) -> list[tuple[str, t.Optional[str]]]:
    """What each request of the worker waits for. Of several threads those that are free are left out."""
    if worker.threads <= 1:
        wait = thread_wait.look(worker.pid)
        free = wait.kind == PIPE and worker.master is not None and wait.inodes[0] in network.pipes(worker.master)
        kind, address = (IDLE, None) if free else network.settled(wait, alone=True)
        return [] if kind == IDLE else [(kind, address)]  # it has ended since its service was asked
    looks = [thread_wait.look(worker.pid, thread) for thread in thread_wait.threads(worker.pid)]
    polling = [look for look in looks if look.kind == ANY]  # for some of the process's sockets, each for another one
    waits = [network.settled(look) for look in looks if look.kind != ANY]
    waits += network.polled({inode for look in polling for inode in look.inodes}, len(polling)) if polling else []
    # a free thread waits on the listening socket or for its turn to, which is a lock like that of the interpreter
    certain = [wait for wait in waits if wait[0] not in (IDLE, thread_wait.LOCK, UNKNOWN)][: worker.requests]
    return certain + [(UNKNOWN, None)] * (worker.requests - len(certain))


class _Network:
    """The sockets of this host at the time of a look, each table read when first needed."""

    def __init__(self, round_trips: dict[str, int], earlier: t.Optional[_Network] = None) -> None:
        self._round_trips = round_trips
        if earlier is not None:
            self.listening = earlier.listening  # what listens stays
        self._pipes: dict[int, set[int]] = {}

    @functools.cached_property
    def opened(self) -> unanswered.Connections:
        return _or(lambda: unanswered.connections(opened_here=True), unanswered.Connections({}))

    @functools.cached_property
    def tcp(self) -> unanswered.Connections:
        return _or(unanswered.connections, unanswered.Connections({}))

    @functools.cached_property
    def unix(self) -> dict[int, unix_ends.End]:
        return _or(unix_ends.connected, {})

    @functools.cached_property
    def udp(self) -> dict[int, str]:
        return _or(unanswered.udp_peers, {})

    @functools.cached_property
    def listening(self) -> tuple[set[int], set[int]]:
        """Inodes and TCP ports of listening sockets."""
        try:
            rows = backlog.listening()
        except Problem:
            rows = []
        return {row.inode for row in rows}, {row.port for row in rows if row.port is not None}

    def pipes(self, pid: int) -> set[int]:
        """Inodes of the pipes that the process has open."""
        if pid not in self._pipes:
            self._pipes[pid] = pipe_inodes(pid)
        return self._pipes[pid]

    def settled(self, wait: thread_wait.Wait, alone: bool = False) -> tuple[str, t.Optional[str]]:
        """What it waits for; `alone`: the process has no other thread that uses its sockets."""
        if wait.kind == SOCKET:
            return self._one(wait.inodes[0])
        if wait.kind == WATCHED and self.listening[0] & set(wait.inodes):
            return IDLE, None
        if wait.kind == ANY and alone:
            return self._last_used(wait.inodes)
        return self.polled(wait.inodes, 1)[0] if wait.kind in (WATCHED, ANY) else (wait.kind, None)

    def _one(self, inode: int) -> tuple[str, t.Optional[str]]:
        if inode in self.listening[0]:
            return IDLE, None
        connection = self.opened.get(inode) or self.tcp.get(inode)
        if connection is not None:
            return (CLIENT, None) if connection.local_port in self.listening[1] else (SOCKET, self._peer(connection))
        if inode in self.unix:
            end = self.unix[inode]
            return (CLIENT, None) if end.accepted else (SOCKET, end.peer) if end.peer else (UNKNOWN, None)
        # of none: in another network namespace, or closed meanwhile
        return (SOCKET, self.udp[inode]) if inode in self.udp else (UNKNOWN, None)

    def polled(self, inodes: t.Collection[int], threads: int) -> list[tuple[str, t.Optional[str]]]:
        """What so many threads wait for, that poll some of these sockets: as many connections as await an answer have a thread each.

        Without such: the latest of those whose moments fall into one tick, or the only one.
        """
        names = self._name_servers(inodes)[:threads]
        left = threads - len(names)
        tcp = self._ours(inodes)
        peers = [self._peer(connection) for connection in tcp if connection.awaits]
        if not peers:
            unix = self._unix_peers(inodes)
            undecided = [connection for connection in tcp if connection.awaits is None]
            latest = sorted(undecided, key=lambda connection: connection.sent_ago or 0)
            several = unix | set(map(self._peer, undecided))
            peers = list(map(self._peer, latest[:left])) if not unix else list(several) * (left if len(several) == 1 else left + 1)
        if len(peers) > left and len(set(peers)) > 1:
            peers = []  # some of them nobody waits for
        found: list[tuple[str, t.Optional[str]]] = [(SOCKET, peer) for peer in (*names, *peers[:left])]
        return found + [(UNKNOWN, None)] * (threads - len(found))

    def _last_used(self, inodes: t.Sequence[int]) -> tuple[str, t.Optional[str]]:
        """Of one thread that does one thing after the other: the connection that it used last.

        One that it asked earlier and that owes an answer will never give it (memcached's noreply, a log).
        """
        tcp = [connection for connection in self._ours(inodes) if not connection.unread]
        if not tcp or self._name_servers(inodes) or self._unix_peers(inodes) or any(each.quiet_for is None for each in tcp):
            return self.polled(inodes, 1)[0]

        def order(connection: unanswered.Connection) -> tuple[int, bool, bool]:
            greets = connection.never_answered and connection.sent == 0
            return connection.quiet_for or 0, not greets, not connection.awaits

        last = min(map(order, tcp))
        peers = {self._peer(connection) for connection in tcp if order(connection) == last and connection.awaits is not False}
        return (SOCKET, peers.pop()) if len(peers) == 1 else (UNKNOWN, None)

    def _ours(self, inodes: t.Iterable[int]) -> list[unanswered.Connection]:
        """The TCP connections that were opened here."""
        found = [connection for connection in map(self.opened.get, inodes) if connection is not None]
        return [connection for connection in found if connection.local_port not in self.listening[1]]

    def _unix_peers(self, inodes: t.Iterable[int]) -> set[str]:
        return {end.peer for end in map(self.unix.get, inodes) if end is not None and end.peer and not end.accepted}

    def _name_servers(self, inodes: t.Collection[int]) -> list[str]:
        """Such a socket is only open while a name is asked for."""
        return sorted(peer for peer in (self.udp.get(inode, "") for inode in inodes) if peer.endswith(NAME_SERVER))

    def _peer(self, connection: unanswered.Connection) -> str:
        """The other end's address; how far it is is kept."""
        if connection.round_trip_us is not None:
            known = self._round_trips.get(connection.peer, connection.round_trip_us)
            self._round_trips[connection.peer] = min(known, connection.round_trip_us)
        return connection.peer


V = t.TypeVar("V")


def _or(read: t.Callable[[], V], nothing: V) -> V:
    """What the kernel tells, or nothing when it does not."""
    try:
        return read()
    except Problem:
        return nothing
