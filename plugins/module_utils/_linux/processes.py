# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The process table and the listening sockets, read from /proc: for finding services, not for measuring them.

Needs no library, so every module can find its service on any target. Reading is bounded and never fails: what
vanishes or may not be read is left out, and `filtered` says when the kernel hides other users' processes.
"""

from __future__ import annotations

import dataclasses
import os
import typing as t

from . import addresses, rooted

PROC = "/proc"


@dataclasses.dataclass(frozen=True)
class Process:
    """One process. `argv` stays on the host: it may hold secrets and never becomes a fact as it is."""

    pid: int
    ppid: int
    name: str
    uid: int
    argv: tuple[str, ...]
    state: str = ""  # the kernel's letter: R, S, D, T (stopped), Z; empty when it was not read

    def option(self, *flags: str) -> t.Optional[str]:
        """The last value of a command line option given as `-x VALUE`, `-xVALUE`, `--long VALUE` or `--long=VALUE`."""
        found = None
        for place, word in enumerate(self.argv):
            for flag in flags:
                if word == flag and place + 1 < len(self.argv):
                    found = self.argv[place + 1]
                elif flag.startswith("--") and word.startswith(flag + "="):
                    found = word[len(flag) + 1 :]
                elif not flag.startswith("--") and len(flag) == 2 and word.startswith(flag) and len(word) > 2:
                    found = word[2:]
        return found

    def link(self, name: str) -> t.Optional[str]:
        """Target of a link under /proc/<pid> (`cwd`, `exe`, `root`), or None when it may not be read."""
        try:
            return os.readlink(f"{PROC}/{self.pid}/{name}")
        except OSError:
            return None

    def elsewhere(self, kind: str) -> bool:
        """Whether it lives in another namespace of this kind (`net`, `mnt`) than we do; False when that may not be read."""
        try:
            return os.readlink(f"{PROC}/{self.pid}/ns/{kind}") != os.readlink(f"{PROC}/self/ns/{kind}")
        except OSError:
            return False

    def reach(self, path: str) -> str:
        """An absolute path that it names, as it can be opened from here."""
        return rooted.real(path, f"{PROC}/{self.pid}/root", self.pid) if self.elsewhere("mnt") else path


@dataclasses.dataclass(frozen=True)
class Listener:
    """A listening socket: a TCP address and port, or the path of a UNIX socket (`@name` when abstract)."""

    kind: str  # "tcp" | "unix"
    address: str
    port: t.Optional[int]
    inode: int

    @property
    def is_single(self) -> bool:
        """Whether it is bound to one address, and not to any."""
        return self.address not in ("0.0.0.0", "::")

    def is_at(self, place: str) -> bool:
        """Whether a client on this host that connects to `place` meets it."""
        if self.port is None:
            return os.path.normpath(place) == os.path.normpath(self.address)
        host, _colon, port = place.rpartition(":")
        return port == str(self.port) and (self.address in ("0.0.0.0", "::", host.strip("[]")) or host in ("", "localhost"))


class Processes:
    def __init__(self, rows: list[Process], filtered: bool) -> None:
        self.rows = rows
        self.filtered = filtered  # hidepid: absence of a process proves nothing
        self._listeners: t.Optional[dict[int, Listener]] = None
        self._addresses: t.Optional[set[str]] = None

    @classmethod
    def read(cls) -> Processes:
        rows = []
        try:
            entries = os.listdir(PROC)
        except OSError:  # a container or a jail without /proc
            entries = []
        for entry in entries:
            if entry.isdigit():
                found = _process(int(entry))
                if found is not None:
                    rows.append(found)
        rows.sort(key=lambda row: row.pid)
        return cls(rows, not any(row.pid == 1 for row in rows))

    def named(self, *names: str) -> list[Process]:
        """Processes by the kernel's name or by the base name of their program, oldest first. Ended ones only where none is left."""
        wanted = set(names)
        found = [row for row in self.rows if row.name in wanted or (row.argv and os.path.basename(row.argv[0]) in wanted)]
        return [row for row in found if row.state != "Z"] or found

    def children(self, pid: int) -> list[Process]:
        return [row for row in self.rows if row.ppid == pid]

    def listening(self, pid: int) -> list[Listener]:
        """Sockets on which the process listens; empty when its descriptors may not be read."""
        if self._listeners is None:
            self._listeners = _listeners()
        found = [self._listeners[inode] for inode in socket_inodes(pid) if inode in self._listeners]
        return sorted(set(found), key=lambda one: (one.kind, one.port or 0, one.address))

    def serving(self, place: str, *names: str) -> list[int]:
        """The process of this name that listens at `place` (`host:port`, a path); where that may not be read, the only one of its name."""
        if not place.startswith(("/", "@")) and not self._is_here(place.rpartition(":")[0].strip("[]")):
            return []
        named = self.named(*names)
        pids = {process.pid for process in named}
        roots = [process.pid for process in named if process.ppid not in pids]
        listening = {pid: self.listening(pid) for pid in roots}
        found = nearest(listening, place)
        return found or (roots if len(roots) == 1 and not listening[roots[0]] else [])

    def _is_here(self, host: str) -> bool:
        if host in ("", "localhost") or addresses.is_loopback(host):
            return True
        if self._addresses is None:
            self._addresses = addresses.own("self")
        return host in self._addresses


def nearest(listening: t.Mapping[int, t.Sequence[Listener]], place: str) -> list[int]:
    """The processes that a client of `place` meets: who is bound to its very address has its connections, not who is bound to any."""
    meets = {pid: [socket for socket in sockets if socket.is_at(place)] for pid, sockets in listening.items()}
    bound = [pid for pid, sockets in meets.items() if any(socket.is_single for socket in sockets)]
    return bound or [pid for pid, sockets in meets.items() if sockets]


def socket_inodes(pid: int) -> set[int]:
    """Inodes of the sockets the process has open; empty when its descriptors may not be read."""
    return _inodes(pid, "socket:[")


def pipe_inodes(pid: int) -> set[int]:
    """Inodes of the pipes the process has open; empty when its descriptors may not be read."""
    return _inodes(pid, "pipe:[")


def _inodes(pid: int, prefix: str) -> set[int]:
    found: set[int] = set()
    try:
        descriptors = os.listdir(f"{PROC}/{pid}/fd")
    except OSError:
        return found
    for descriptor in descriptors:
        try:
            target = os.readlink(f"{PROC}/{pid}/fd/{descriptor}")
        except OSError:
            continue
        if target.startswith(prefix):
            found.add(int(target[len(prefix) : -1]))
    return found


def children_now(pid: int) -> list[int]:
    """The process's children at this moment, by its first thread; empty when the kernel does not list them."""
    try:
        return [int(word) for word in _read(f"{PROC}/{pid}/task/{pid}/children").split()]
    except (OSError, ValueError):
        return []


def innermost(pid: int) -> t.Optional[int]:
    """The number that the process has in its own pid namespace, such as a container's."""
    try:
        lines = _read(f"{PROC}/{pid}/status").splitlines()
    except OSError:
        return None
    numbers = next((line.split()[-1] for line in lines if line.startswith(b"NSpid:") and line.split()[1:]), b"")
    return int(numbers) if numbers.isdigit() else None


def _read(path: str, limit: int = 65536) -> bytes:
    with open(path, "rb") as handle:
        return handle.read(limit)


def _process(pid: int) -> t.Optional[Process]:
    try:
        stat = _read(f"{PROC}/{pid}/stat")
        uid = os.stat(f"{PROC}/{pid}").st_uid
        name = stat[stat.index(b"(") + 1 : stat.rindex(b")")].decode("utf-8", "replace")
        state, parent = stat[stat.rindex(b")") + 2 :].split()[:2]
        ppid = int(parent)
    except (OSError, ValueError, IndexError):
        return None  # it vanished while we read
    try:
        words = _read(f"{PROC}/{pid}/cmdline").split(b"\0")
    except OSError:
        words = []
    while words and not words[-1]:
        words.pop()  # kernel threads have none; a title set by the process ends in several NULs
    return Process(pid, ppid, name, uid, tuple(word.decode("utf-8", "replace") for word in words), state.decode("ascii", "replace"))


def _listeners() -> dict[int, Listener]:
    found: dict[int, Listener] = {}
    for table in ("tcp", "tcp6"):
        for fields in _table(table, b" 0A "):
            if len(fields) > 9 and fields[3] == "0A":  # LISTEN
                address, _sep, port = fields[1].partition(":")
                found[int(fields[9])] = Listener("tcp", addresses.of_table(address), int(port, 16), int(fields[9]))
    for fields in _table("unix", b" 00010000 "):
        # Num RefCount Protocol Flags Type St Inode Path; flag 0x10000 (__SO_ACCEPTCON): it listens
        if len(fields) > 7 and fields[3] == "00010000" and fields[4] == "0001":
            found[int(fields[6])] = Listener("unix", fields[7], None, int(fields[6]))
    return found


def _table(name: str, mark: bytes) -> t.Iterator[list[str]]:
    """The rows that hold these bytes: of all connections that a busy server has, few listen."""
    try:
        content = _read(f"{PROC}/net/{name}", 8 * 1024 * 1024)
    except OSError:
        return
    for line in content.splitlines():
        if mark in line:
            yield line.decode("utf-8", "replace").split()
