# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is added to a file while a window passes: a log's new lines, and no byte before them."""

from __future__ import annotations

import dataclasses
import os
import stat

#: Why a file is not read.
DENIED = "this user may not read it"
NO_FILE = "it is no plain file"


@dataclasses.dataclass(frozen=True)
class Mark:
    """The end of a file as it was. `inode`: 0 when there was none."""

    path: str
    inode: int = 0
    size: int = 0
    why: str = ""


@dataclasses.dataclass(frozen=True)
class Added:
    """Whole lines, at most so many bytes of the newest; `bytes`: how much was added in all. `why`: the reason when it could not be read."""

    lines: tuple[str, ...] = ()
    bytes: int = 0
    read: int = 0
    why: str = ""


def mark(path: str) -> Mark:
    """Where the file ends now."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return Mark(path)
    except (OSError, ValueError) as error:
        return Mark(path, why=_reason(error))
    if not stat.S_ISREG(found.st_mode):
        return Mark(path, why=NO_FILE)
    return Mark(path, found.st_ino, found.st_size, "" if os.access(path, os.R_OK) else DENIED)


def added(since: Mark, limit: int) -> Added:
    """What came since the mark. A file that was rotated is read from its beginning, its predecessor's last lines are lost."""
    if since.why:
        return Added(why=since.why)
    try:
        # no waiting for a writer, should the name be a pipe by now
        descriptor = os.open(since.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return Added() if not since.inode else Added(why="it was removed within the window")
    except (OSError, ValueError) as error:
        return Added(why=_reason(error))
    try:
        return _read(descriptor, since, limit)
    except OSError as error:
        return Added(why=_reason(error))
    finally:
        os.close(descriptor)


def _read(descriptor: int, since: Mark, limit: int) -> Added:
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        return Added(why=NO_FILE)
    same = found.st_ino == since.inode and found.st_size >= since.size
    begin = since.size if same else 0
    start = max(begin, found.st_size - limit)
    data = os.pread(descriptor, min(limit, found.st_size - start), start)
    whole, newline, _rest = data.rpartition(b"\n")
    if start > begin:
        whole = whole.partition(b"\n")[2]
    lines = tuple(whole.decode("utf-8", "replace").split("\n")) if newline and whole else ()
    return Added(lines, found.st_size - begin, len(data))


def _reason(error: Exception) -> str:
    return DENIED if isinstance(error, PermissionError) else f"it cannot be read ({getattr(error, 'strerror', None) or 'a bad name'})"
