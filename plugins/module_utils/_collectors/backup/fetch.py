# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files of backups: names, times and sizes. Nothing is opened."""

from __future__ import annotations

import glob
import itertools
import os
import stat
import time
import typing as t

from ..._collect.derived import age
from ..._collect.facts import Maybe
from ..._collect.problem import Down, Problem

#: Entries that are looked at, of a pattern and within a folder that is a backup.
MOST = 10_000
FUTURE = "its time lies in the future: compare the clocks of this machine and of where it was written (date), and touch it"


class Copy(t.NamedTuple):
    """One backup: a file, or a folder with all that is in it."""

    path: str
    modified: float
    #: None when a part of a folder may not be seen, or it holds too many files.
    size: t.Optional[int]


def copies(patterns: t.Sequence[str]) -> list[Copy]:
    """What the patterns match, the newest first. Raises Down when nothing does, and Problem when that cannot be told."""
    found: dict[str, Copy] = {}
    for pattern in patterns:
        if not os.path.isabs(pattern):
            raise Problem(f"give files as absolute paths or patterns, not {pattern}")
        paths = list(itertools.islice(glob.iglob(pattern), MOST + 1))
        if len(paths) > MOST:
            raise Problem(f"more than {MOST} files match {pattern}: give a pattern of the newest only")
        if not paths:
            _must_be_visible(pattern)
        for path in paths:
            read = _read(path)
            if read is not None:
                found[os.path.realpath(path)] = read
    if not found:
        raise Down(f"no file matches {' or '.join(patterns)}: no backup is there")
    return sorted(found.values(), key=lambda copy: copy.modified, reverse=True)


def _must_be_visible(pattern: str) -> None:
    """A pattern finds nothing in a folder that may not be read."""
    folder = os.path.dirname(pattern)
    while glob.has_magic(folder):
        folder = os.path.dirname(folder)
    try:
        os.scandir(folder or "/").close()
    except FileNotFoundError:
        return
    except PermissionError:
        raise Problem(f"the folder {folder} may not be read by this user: use become") from None
    except OSError as error:
        raise Problem(f"the folder {folder} cannot be read ({error.strerror})") from None


def _read(path: str) -> t.Optional[Copy]:
    try:
        seen = os.stat(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Problem(f"{path} cannot be read ({error.strerror}): use become") from None
    if stat.S_ISDIR(seen.st_mode):
        return Copy(path, seen.st_mtime, _size_within(path))
    return Copy(path, seen.st_mtime, seen.st_size)


def _size_within(folder: str) -> t.Optional[int]:
    size = entries = 0
    denied: list[OSError] = []
    for place, _folders, names in os.walk(folder, onerror=denied.append):
        for name in names:
            entries += 1
            if entries > MOST or denied:
                return None
            try:
                size += os.lstat(os.path.join(place, name)).st_size
            except OSError:
                return None
    return None if denied else size


def age_of_marker(path: str) -> t.Optional[Maybe[float]]:
    """Seconds since the file was touched; None when there is none. Raises Problem when it may not be seen."""
    try:
        return age(time.time(), os.stat(path).st_mtime, "", FUTURE)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Problem(f"{path} may not be read ({error.strerror}): use become") from None


def free_bytes(path: str) -> t.Optional[int]:
    """What is free for others than root on the filesystem of a path."""
    try:
        read = os.statvfs(path)
    except OSError:
        return None
    return read.f_bavail * read.f_frsize
