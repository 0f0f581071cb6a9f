# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who is connected to whom: the sockets of processes, from their descriptors and the tables of their own network namespaces.

One look for all processes that are of interest: each table is read once. Bounded; what may not be read is counted, never guessed.
"""

from __future__ import annotations

import collections
import dataclasses
import os
import sys
import typing as t

from .._collect.problem import Problem
from . import addresses, sock_diag
from .processes import PROC, children_now

#: Processes of one instance, and descriptors of all instances, that are looked at.
MOST_PROCESSES, MOST_DESCRIPTORS = 500, 50_000
#: Bytes of a table of sockets: some fifty thousand of them.
MOST_BYTES = 8 * 1024 * 1024
MOST_ADDRESSES = 50

_ESTABLISHED, _CONNECTING, _LISTENING = "01", "02", "0A"
_WANTED = (_ESTABLISHED, _CONNECTING, _LISTENING)
_ANY = ("0.0.0.0", "::")
#: Connections that every service has under systemd (its log, its bus): they say nothing about the site.
_PLUMBING = ("/run/systemd/", "/run/dbus/", "/var/run/dbus/")
UNIX = "unix:"


@dataclasses.dataclass
class Edges:
    """The sockets of one instance. Addresses are `ip:port`, `[ip]:port`, `unix:/path` or `unix:@name`."""

    listens: set[str] = dataclasses.field(default_factory=set)
    #: Address → connections that the instance opened, or is opening.
    talks_to: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    #: IP address, or "unix" → connections that were opened to it.
    clients: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    #: The network namespace, unique among machines, and the addresses that it has; None when it may not be read.
    network: t.Optional[str] = None
    addresses: list[str] = dataclasses.field(default_factory=list)
    #: Processes that were found, and those of them that could be read.
    processes: int = 0
    read: int = 0
    #: Processes whose descriptors may not be read.
    hidden: int = 0
    #: Why connections may be missing, beside hidden processes.
    partial: t.Optional[str] = None


@dataclasses.dataclass
class _Table:
    """The sockets of one network namespace: by inode (address here, address there, state), and what listens in it."""

    tcp: dict[int, tuple[str, str, str]] = dataclasses.field(default_factory=dict)
    listening: set[str] = dataclasses.field(default_factory=set)
    #: Inode → name, and inode → inode of the peer, of connected UNIX sockets; None for the peers of another namespace.
    names: dict[int, str] = dataclasses.field(default_factory=dict)
    peers: t.Optional[dict[int, int]] = None
    unix_listening: dict[int, str] = dataclasses.field(default_factory=dict)
    partial: t.Optional[str] = None
    network: str = ""
    addresses: list[str] = dataclasses.field(default_factory=list)

    def accepts(self, address: str) -> bool:
        """Whether a connection with this address at our end was opened by the other."""
        port = address.rpartition(":")[2]
        return address in self.listening or any(addresses.with_port(host, port) in self.listening for host in _ANY)


def look(groups: t.Sequence[t.Sequence[int]]) -> list[Edges]:
    """The sockets of each group of processes and of their descendants; a descendant that has a group of its own is left to it."""
    roots = {pid for group in groups for pid in group}
    found, owned = [], []
    left = MOST_DESCRIPTORS
    for group in groups:
        edges = Edges()
        inodes: dict[str, set[int]] = {}  # by a process of the namespace that they are in
        spaces: dict[str, int] = {}
        for pid in _tree(group, roots, edges):
            sockets, looked_at = _sockets(pid, left)
            space = _link(f"{PROC}/{pid}/ns/net")
            left -= looked_at
            if sockets is None or space is None:
                edges.hidden += os.path.exists(f"{PROC}/{pid}")
                continue
            edges.read += 1
            spaces.setdefault(space, pid)
            inodes.setdefault(space, set()).update(sockets)
        if left <= 0:
            edges.partial = "its processes have more open files than are looked at"
        found.append(edges)
        owned.append((inodes, spaces))
    tables = _tables(owned)
    for edges, (inodes, _spaces) in zip(found, owned):
        _fill(edges, inodes, tables)
    return found


def _tree(group: t.Iterable[int], roots: set[int], edges: Edges) -> t.Iterator[int]:
    waiting = list(group)
    while waiting:
        pid = waiting.pop(0)
        if edges.processes >= MOST_PROCESSES:
            edges.partial = f"it has more than {MOST_PROCESSES} processes"
            return
        edges.processes += 1
        yield pid
        waiting += [child for child in children_now(pid) if child not in roots]


def _link(path: str) -> t.Optional[str]:
    try:
        return os.readlink(path)
    except OSError:
        return None


def _sockets(pid: int, most: int) -> tuple[t.Optional[set[int]], int]:
    """Inodes of the sockets of the process, None when its descriptors may not be read; and how many descriptors were looked at."""
    folder = f"{PROC}/{pid}/fd"
    try:
        descriptors = os.listdir(folder)[: max(0, most)]
    except OSError:
        return None, 0
    found = set()
    for descriptor in descriptors:
        target = _link(f"{folder}/{descriptor}")
        if target is not None and target.startswith("socket:["):
            found.add(int(target[8:-1]))
    return found, len(descriptors)


def _tables(owned: t.Sequence[tuple[dict[str, set[int]], dict[str, int]]]) -> dict[str, _Table]:
    """A table for each namespace in which there is any process."""
    wanted: dict[str, set[int]] = {}
    through: dict[str, int] = {}
    for inodes, spaces in owned:
        through.update(spaces)
        for space, of_process in inodes.items():
            wanted.setdefault(space, set()).update(of_process)
    ours = _link(f"{PROC}/self/ns/net")
    # which kernel: namespaces are numbered within one
    boot = next(iter(_lines(f"{PROC}/sys/kernel/random/boot_id")), "")[:8]
    tables = {}
    for space, inodes_of_space in wanted.items():
        table = tables[space] = _Table(network=f"{boot}-{space[5:-1]}")
        table.addresses = sorted(addresses.own(through[space]))[:MOST_ADDRESSES]
        for name in ("tcp", "tcp6"):
            _read_tcp(table, f"{PROC}/{through[space]}/net/{name}", inodes_of_space)
        if space == ours:
            _ask_unix(table)
        else:
            _read_unix(table, f"{PROC}/{through[space]}/net/unix")
    return tables


def _lines(path: str, table: t.Optional[_Table] = None) -> list[str]:
    try:
        with open(path, "rb") as handle:
            content = handle.read(MOST_BYTES)
    except OSError:
        return []
    if table is not None and len(content) >= MOST_BYTES:
        table.partial = "its machine has more sockets than are looked at"
    return content.decode("utf-8", "replace").splitlines()


def _read_tcp(table: _Table, path: str, inodes: set[int]) -> None:
    for line in _lines(path, table)[1:]:
        # sl local_address rem_address st tx_queue:rx_queue tr:tm->when retrnsmt uid timeout inode
        state = line[line.find(":") + 1 :].split(None, 3)[2:3]
        if not state or state[0] not in _WANTED:
            continue  # most of a busy machine's are over and only wait for their end
        fields = line.split(None, 10)
        if len(fields) < 10 or not fields[9].isdigit():
            continue
        here = _place(fields[1])
        if state[0] == _LISTENING:
            table.listening.add(here)
        if int(fields[9]) in inodes:
            table.tcp[int(fields[9])] = (here, _place(fields[2]), state[0])


def _place(field: str) -> str:
    address, _colon, port = field.partition(":")
    return addresses.with_port(addresses.of_table(address), int(port, 16))


_STREAMS = (1, 5)  # SOCK_STREAM, SOCK_SEQPACKET
_UNIX_LISTENS = 10
_ORDER = sys.byteorder


def _ask_unix(table: _Table) -> None:
    """Names and peers of the UNIX sockets of our own namespace."""
    try:
        rows = sock_diag.unix_sockets(sock_diag.ALL, sock_diag.SHOW_NAME | sock_diag.SHOW_PEER, "who is connected to UNIX sockets")
    except Problem as problem:
        table.partial = str(problem)
        return
    table.peers = {}
    for body in rows:
        if len(body) < 16 or body[1] not in _STREAMS:
            continue
        inode = int.from_bytes(body[4:8], _ORDER)
        for kind, value in sock_diag.attributes(body):
            if kind == sock_diag.NAME:
                names = table.unix_listening if body[2] == _UNIX_LISTENS else table.names
                names[inode] = sock_diag.name_of(value)
            elif kind == sock_diag.PEER:
                table.peers[inode] = int.from_bytes(value[:4], _ORDER)


def _read_unix(table: _Table, path: str) -> None:
    """Of another namespace the kernel tells names, and not who is connected to whom."""
    for line in _lines(path, table)[1:]:
        # Num RefCount Protocol Flags Type St Inode Path; flag 0x10000 (__SO_ACCEPTCON): it listens
        fields = line.split(None, 7)
        if len(fields) > 7 and fields[4] == "0001" and fields[6].isdigit():
            names = table.unix_listening if fields[3] == "00010000" else table.names
            names[int(fields[6])] = fields[7]


def _fill(edges: Edges, inodes: dict[str, set[int]], tables: dict[str, _Table]) -> None:
    for space, own in inodes.items():
        table = tables[space]
        edges.partial = edges.partial or table.partial
        for inode in own & set(table.tcp):
            _add_tcp(edges, table, *table.tcp[inode])
        edges.listens.update(UNIX + table.unix_listening[inode] for inode in own & set(table.unix_listening))
        _add_unix(edges, table, own)
    if len(inodes) == 1:
        (space,) = inodes
        edges.network, edges.addresses = tables[space].network, tables[space].addresses
    for address in edges.listens & set(edges.talks_to):
        del edges.talks_to[address]  # its own processes talk to each other


def _add_tcp(edges: Edges, table: _Table, here: str, there: str, state: str) -> None:
    if state == _LISTENING:
        edges.listens.add(here)
    elif state == _ESTABLISHED and table.accepts(here):
        edges.clients[there.rpartition(":")[0].strip("[]")] += 1
    else:
        edges.talks_to[there] += 1


def _add_unix(edges: Edges, table: _Table, own: set[int]) -> None:
    listening = set(table.unix_listening.values())
    for inode in own & set(table.names):
        if table.names[inode] in listening:
            edges.clients["unix"] += 1
    if table.peers is None:
        edges.partial = edges.partial or "it is in a network namespace of its own, from where the peers of UNIX sockets cannot be asked"
        return
    for inode in own & set(table.peers):
        name = table.names.get(table.peers[inode], "")
        if name and table.names.get(inode) not in listening and not name.startswith(_PLUMBING):
            edges.talks_to[UNIX + name] += 1
