# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How far an act is that takes minutes: a process beside it looks now and then, over a connection of its own."""

from __future__ import annotations

import contextlib
import os
import select
import typing as t

SECONDS = 5.0

Look = t.Callable[[], t.Optional[str]]


@contextlib.contextmanager
def shown(look: Look, tell: t.Callable[[list[str]], None]) -> t.Iterator[None]:
    """While the block runs, print what `look` says whenever that changed. It ends with the block, also when that is killed."""
    theirs, ours = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ours)
        _watch(theirs, look, tell)
    os.close(theirs)
    try:
        yield
    finally:
        os.close(ours)
        os.waitpid(child, 0)


def _watch(ends: int, look: Look, tell: t.Callable[[list[str]], None]) -> t.NoReturn:
    last = None
    try:
        while not select.select([ends], [], [], SECONDS)[0]:
            line = look()
            if line and line != last:
                last = line
                tell([line])
    finally:
        os._exit(0)
