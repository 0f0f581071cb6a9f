# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the busy workers of a service wait for, over several looks: CPU, disk, a lock, sleep, or another service by its address.

A wait that no address can be given to is unknown, and counts as such: nothing is shared out by guessing.
"""

from __future__ import annotations

import collections
import time
import typing as t

from .._collect.problem import Problem
from . import backlog, thread_wait, unanswered, unix_ends
from .processes import pipe_inodes
from .thread_wait import ANY, PIPE, SOCKET, UNKNOWN, WATCHED

#: Processor time that all looks of a sampler may take together, in seconds.
BUDGET = 0.04
#: The answer is still being written to, or the request read from, who asked.
CLIENT = "client"
#: The port at the end of a name server's address.
NAME_SERVER = ":53"
#: Waits for who is to ask next: the worker is free after all.
IDLE = "idle"


class Busy(t.NamedTuple):
    """A worker with requests in it: how many of its threads may have one, how many have, and what it works on (a page, a task).

    `master`: the process that hands it work over a pipe, so that one who reads from that is free.
    """

    pid: int
    threads: int
    requests: int
    label: str
    master: t.Optional[int] = None


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
        self._left = budget

    def look(self, workers: t.Iterable[Busy]) -> None:
        """Look once at each of these workers, as long as the budget lasts."""
        if self._left <= 0:
            return
        begun = time.thread_time()
        network = _Network()
        for worker in workers:
            self.hindrance = self.hindrance or thread_wait.hindrance(worker.pid)
            if self.hindrance or time.thread_time() - begun > self._left:
                break
            found = [Seen(kind, address, worker.label) for kind, address in _requests(worker, network)]
            self.seen.update(found)
            self._measure({seen.address for seen in found if seen.address}, network)
        self._left -= time.thread_time() - begun

    def _measure(self, addresses: t.Collection[str], network: _Network) -> None:
        for connection in network.tcp.values() if addresses else ():
            if connection.peer in addresses and connection.round_trip_us is not None:
                self.round_trips[connection.peer] = min(connection.round_trip_us, self.round_trips.get(connection.peer, 2**32))


def _requests(worker: Busy, network: _Network) -> list[tuple[str, t.Optional[str]]]:
    """What each request of the worker waits for. Of several threads those that are free are left out."""
    if worker.threads <= 1:
        wait = thread_wait.look(worker.pid)
        free = wait.kind == PIPE and worker.master is not None and wait.inodes[0] in network.pipes(worker.master)
        kind, address = (IDLE, None) if free else network.settled(wait)
        return [] if kind == IDLE else [(kind, address)]  # it has ended since its service was asked
    waits = [network.settled(thread_wait.look(worker.pid, thread)) for thread in thread_wait.threads(worker.pid)]
    # a free thread waits on the listening socket or for its turn to, which is a lock like that of the interpreter
    certain = [wait for wait in waits if wait[0] not in (IDLE, thread_wait.LOCK, UNKNOWN)][: worker.requests]
    return certain + [(UNKNOWN, None)] * (worker.requests - len(certain))


class _Network:
    """The sockets of this host at the time of a look, read when first needed."""

    def __init__(self) -> None:
        self._tcp: t.Optional[dict[int, unanswered.Connection]] = None
        self._unix: t.Optional[dict[int, unix_ends.End]] = None
        self._udp: t.Optional[dict[int, str]] = None
        self._listening: t.Optional[tuple[set[int], set[int]]] = None
        self._pipes: dict[int, set[int]] = {}

    def pipes(self, pid: int) -> set[int]:
        """Inodes of the pipes that the process has open."""
        if pid not in self._pipes:
            self._pipes[pid] = pipe_inodes(pid)
        return self._pipes[pid]

    @property
    def tcp(self) -> dict[int, unanswered.Connection]:
        if self._tcp is None:
            self._tcp = _or_nothing(unanswered.connections)
        return self._tcp

    @property
    def unix(self) -> dict[int, unix_ends.End]:
        if self._unix is None:
            self._unix = _or_nothing(unix_ends.connected)
        return self._unix

    @property
    def udp(self) -> dict[int, str]:
        if self._udp is None:
            self._udp = _or_nothing(unanswered.udp_peers)
        return self._udp

    @property
    def listening(self) -> tuple[set[int], set[int]]:
        """Inodes and TCP ports of listening sockets."""
        if self._listening is None:
            try:
                rows = backlog.listening()
            except Problem:
                rows = []
            self._listening = {row.inode for row in rows}, {row.port for row in rows if row.port is not None}
        return self._listening

    def settled(self, wait: thread_wait.Wait) -> tuple[str, t.Optional[str]]:
        if wait.kind == SOCKET:
            return self._one(wait.inodes[0])
        if wait.kind == WATCHED and self.listening[0] & set(wait.inodes):
            return IDLE, None
        return self._many(wait.inodes) if wait.kind in (WATCHED, ANY) else (wait.kind, None)

    def _one(self, inode: int) -> tuple[str, t.Optional[str]]:
        if inode in self.listening[0]:
            return IDLE, None
        if inode in self.tcp:
            connection = self.tcp[inode]
            return (CLIENT, None) if connection.local_port in self.listening[1] else (SOCKET, connection.peer)
        if inode in self.unix:
            end = self.unix[inode]
            return (CLIENT, None) if end.accepted else (SOCKET, end.peer) if end.peer else (UNKNOWN, None)
        # of none: in another network namespace, or closed meanwhile
        return (SOCKET, self.udp[inode]) if inode in self.udp else (UNKNOWN, None)

    def _many(self, inodes: t.Sequence[int]) -> tuple[str, t.Optional[str]]:
        """The one that awaits an answer. Without such: of those whose moments fall into one tick the latest, or the only one."""
        names = {self.udp[inode] for inode in inodes if inode not in self.tcp and inode not in self.unix and inode in self.udp}
        names = {peer for peer in names if peer.endswith(NAME_SERVER)}
        if names:  # such a socket is only open while a name is asked for
            return SOCKET, min(names)
        tcp = [self.tcp[inode] for inode in inodes if inode in self.tcp and self.tcp[inode].local_port not in self.listening[1]]
        awaiting = {connection.peer for connection in tcp if connection.awaits}
        unix = {end.peer for end in (self.unix.get(inode) for inode in inodes) if end is not None and end.peer and not end.accepted}
        undecided = [connection for connection in tcp if connection.awaits is None]
        if not awaiting and undecided:
            awaiting = (
                {min(undecided, key=lambda connection: connection.sent_ago or 0).peer} if not unix else {c.peer for c in undecided} | unix
            )
        elif not awaiting:
            awaiting = unix
        return (SOCKET, awaiting.pop()) if len(awaiting) == 1 else (UNKNOWN, None)


V = t.TypeVar("V")


def _or_nothing(read: t.Callable[[], dict[int, V]]) -> dict[int, V]:
    try:
        return read()
    except Problem:
        return {}
