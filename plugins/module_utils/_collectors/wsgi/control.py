# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Gunicorn (25.1 or later) tells over its control socket: its counters and the settings in force. Only `show` commands are sent."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import struct
import typing as t

from ..._collect import stream
from ..._collect.edges import BECOME
from ..._collect.facts import Maybe, Unknown
from ..._collect.problem import Problem
from ..._collect.sampling import count
from ..._linux import backlog, opened
from ..._linux.processes import Process

#: For connection and answers together; it answers in a millisecond, unless it is stopped.
SECONDS = 1.0
#: An answer has less than a kilobyte, beside the names of applications.
MOST_BYTES = 1 << 18
_LENGTH = struct.Struct(">I")
_PEER = struct.Struct("=iII")

OTHER = "only Gunicorn has a control socket"
NONE = "it has no control socket: Gunicorn opens one since 25.1, unless it is told not to (--no-control-socket)"
UNSEEN = f"its control socket may not be seen: {BECOME}"


class Control(t.NamedTuple):
    """`stats` and `config` as Gunicorn names them."""

    stats: t.Mapping[str, t.Any]
    config: t.Mapping[str, t.Any]

    def counter(self, name: str) -> Maybe[int]:
        value = count(self.stats.get(name))
        return Unknown(f"its control socket does not report {name}") if value is None else value


def read(master: Process, workers: t.Iterable[int]) -> Maybe[Control]:
    """`workers`: the processes that share the sockets on which it takes requests; the control socket is its own."""
    try:
        address = _address(master, workers)
        if isinstance(address, Unknown):
            return address
        with contextlib.closing(stream.connect(address, SECONDS)) as conn:
            _check_peer(conn, master.pid)
            return Control(_ask(conn, "show stats", 1), _ask(conn, "show config", 2))
    except Problem as problem:
        return Unknown(f"its control socket cannot be read: {problem}")


def _address(master: Process, workers: t.Iterable[int]) -> Maybe[str]:
    descriptors = opened.of(master.pid)
    if descriptors is None:
        return Unknown(UNSEEN)
    shared = {inode for pid in workers if pid != master.pid for each in [opened.of(pid)] if each is not None for inode in each.inodes}
    own = [row.address for row in backlog.listening("unix") if row.inode in descriptors.inodes - shared and row.address]
    # a server without workers still has the sockets for requests
    likely = sorted(own, key=lambda address: (not address.endswith(".ctl"), address))
    if not likely:
        return Unknown(NONE)
    return likely[0] if likely[0].startswith("@") else _path(master, likely[0])


def _path(master: Process, address: str) -> str:
    """As it is named here: the server may see other files, or have another directory."""
    return master.reach(os.path.join(master.link("cwd") or "/", address))


def _check_peer(conn: socket.socket, pid: int) -> None:
    """Another process may have put a socket of its own into the place of one that was closed."""
    peer = _PEER.unpack(conn.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size))[0]
    if peer != pid:
        raise Problem(f"another service listens in its place (process {peer})")


def _ask(conn: socket.socket, command: str, number: int) -> dict[str, t.Any]:
    payload = json.dumps({"id": number, "command": command}).encode()
    try:
        conn.sendall(_LENGTH.pack(len(payload)) + payload)
        received = stream.read_all(conn, SECONDS, MOST_BYTES, _complete)
    except TimeoutError:
        raise Problem(f"no answer within {SECONDS:g} s") from None
    except OSError:
        received = b""
    return parse(received)


def _complete(data: bytearray) -> bool:
    return len(data) >= _LENGTH.size and len(data) >= _LENGTH.size + _LENGTH.unpack_from(data)[0]


def parse(received: bytes) -> dict[str, t.Any]:
    """The data of one answer."""
    if not received:
        raise Problem("it hangs up without an answer")
    try:
        answer = json.loads(received[_LENGTH.size :])
    except (ValueError, RecursionError):
        answer = None
    data = answer.get("data") if isinstance(answer, dict) and answer.get("status") == "ok" else None
    if not isinstance(data, dict):
        raise Problem("what listens there does not speak as Gunicorn's control socket does")
    return data
