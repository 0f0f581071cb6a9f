# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a process has open that says whom it serves: its sockets, and which of them its event loop watches. One pass over descriptors."""

from __future__ import annotations

import dataclasses
import os
import typing as t

from .processes import PROC

_SOCKET, _EPOLL = "socket:[", "anon_inode:[eventpoll]"
#: Descriptors of a process, and lines about an epoll descriptor, that are looked at.
MOST = 20_000
#: Bytes of what the kernel tells about an epoll descriptor: some thousand watched descriptors.
MOST_BYTES = 1 << 20


@dataclasses.dataclass(frozen=True)
class Opened:
    """`sockets`: inode by descriptor; `epolls`: the epoll descriptors; `files`: the files that were looked for."""

    sockets: dict[int, int]
    epolls: tuple[int, ...]
    files: tuple[int, ...] = ()

    @property
    def inodes(self) -> set[int]:
        return set(self.sockets.values())


def of(pid: int, file: str = "") -> t.Optional[Opened]:
    """None when the process's descriptors may not be read, or it has gone. `file`: what the names of files in question hold."""
    folder = f"{PROC}/{pid}/fd"
    try:
        descriptors = os.listdir(folder)[:MOST]
    except OSError:
        return None
    sockets, epolls, files = {}, [], []
    for descriptor in descriptors:
        try:
            target = os.readlink(f"{folder}/{descriptor}")
        except OSError:
            continue
        if target.startswith(_SOCKET):
            sockets[int(descriptor)] = int(target[len(_SOCKET) : -1])
        elif target == _EPOLL:
            epolls.append(int(descriptor))
        elif file and file in target:
            files.append(int(descriptor))
    return Opened(sockets, tuple(epolls), tuple(files))


def watched(pid: int, epoll: int) -> set[int]:
    """The descriptors that an epoll descriptor watches."""
    try:
        with open(f"{PROC}/{pid}/fdinfo/{epoll}", encoding="ascii", errors="replace") as handle:
            lines = handle.read(MOST_BYTES).splitlines()
    except OSError:
        return set()
    found = set()
    for line in lines:
        words = line.split(None, 2)
        if len(words) > 1 and words[0] == "tfd:" and words[1].isdigit():
            found.add(int(words[1]))
    return found
