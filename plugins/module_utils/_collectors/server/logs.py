# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which large logs nobody rotates. Only names, sizes and the configuration of logrotate are read, never what a log holds."""

from __future__ import annotations

import contextlib
import dataclasses
import fnmatch
import os
import re
import time
import typing as t

from ..._collect.facts import Facts, Maybe, Unknown
from .process_table import Row

#: A log below this size is no danger to a disk on a launch's day.
LARGE_BYTES = 100 << 20
#: Entries of folders, descriptors of a process, and files of configuration that are looked at.
MOST_ENTRIES, MOST_DESCRIPTORS, MOST_FILES = 10_000, 256, 200
_DEPTH = 4
#: A copy that was made longer ago than a monthly rotation tells that rotation has stopped.
_FRESH_SECONDS = 35 * 86400.0
_CONFIGURATION_BYTES = 1 << 18
ROOT = "/var/log"
_LOG = re.compile(r"(?:\A|[._-])log(?:\Z|[._-])|(?:access|error|slow)[._-]?log", re.IGNORECASE)
#: Parts of a database, of a store and of the journal, which have limits of their own.
_OWN_LIMIT = re.compile(r"aria_log|binlog|\.journal~?\Z|\A(?:lastlog|wtmp|btmp)")
_DATED = re.compile(r"\d{4}-?[01]\d-?[0-3]\d")
_COPY = re.compile(r"[.-]\d")
_PATTERN = re.compile(r'"(/[^"\n]{1,300})"|(/[^\s"{}]{1,300})')


@dataclasses.dataclass(frozen=True)
class Log:
    path: str
    size: int
    by: str  # what rotates it, empty for nothing


def read(rows: t.Iterable[Row], root: str = "", now: t.Optional[float] = None) -> Maybe[list[Log]]:
    """The large logs below /var/log, and those that the processes of these services have open elsewhere."""
    now = time.time() if now is None else now
    sizes: dict[str, int] = {}
    if not _walk(root, ROOT, _DEPTH, sizes, [MOST_ENTRIES]):
        return Unknown(f"{ROOT} may not be read: run with become")
    for row in rows:
        for path in _opened(root, row.pid):
            _measure(root, path, sizes)
    large = {path: size for path, size in sizes.items() if size >= LARGE_BYTES}
    patterns = _patterns(root) if large else []
    return [Log(path, size, _by(root, path, patterns, now)) for path, size in sorted(large.items(), key=lambda each: -each[1])]


def put(facts: Facts, logs: Maybe[list[Log]], top: int) -> None:
    if isinstance(logs, Unknown):
        facts.rows("logs", logs, top)
        facts.put("logs_unrotated_total", logs)
        return
    rows: list[dict[str, t.Any]] = [{"name": log.path, "size_bytes": log.size, "rotated": bool(log.by), "by": log.by} for log in logs]
    facts.rows("logs", sorted(rows, key=lambda row: row["rotated"] is True), top)
    facts.put("logs_unrotated_total", sum(not log.by for log in logs))


def _walk(root: str, folder: str, depth: int, sizes: dict[str, int], left: list[int]) -> bool:
    """Whether the folder could be read; one below it that is not ours is left out."""
    try:
        with os.scandir(root + folder) as entries:
            for entry in entries:
                left[0] -= 1
                if left[0] < 0:
                    break
                path = f"{folder}/{entry.name}"
                if entry.is_dir(follow_symlinks=False):
                    if depth > 1:
                        _walk(root, path, depth - 1, sizes, left)
                elif entry.is_file(follow_symlinks=False):
                    _measure(root, path, sizes)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def _opened(root: str, pid: int) -> t.Iterator[str]:
    """What a process has open that is named as a log."""
    folder = f"{root}/proc/{pid}/fd"
    try:
        descriptors = os.listdir(folder)[:MOST_DESCRIPTORS]
    except OSError:
        return
    for descriptor in descriptors:
        try:
            path = os.readlink(f"{folder}/{descriptor}")
        except OSError:
            continue
        if path.startswith("/") and not path.startswith(("/dev/", "/proc/", "/sys/")):
            yield path


def _measure(root: str, path: str, sizes: dict[str, int]) -> None:
    """Keep the size of a log by what it takes on the disk: a sparse file takes less than it says."""
    name = os.path.basename(path)
    if path in sizes or _OWN_LIMIT.search(name) or not (_LOG.search(name) or path.startswith(ROOT)):
        return
    try:
        sizes[path] = os.stat(root + path, follow_symlinks=False).st_blocks * 512
    except OSError:
        return


def _by(root: str, path: str, patterns: t.Sequence[str], now: float) -> str:
    """What rotates the log, by what stands beside it or by logrotate's configuration."""
    folder, name = os.path.split(path)
    if _DATED.search(name):
        return "its name"
    if any(fnmatch.fnmatchcase(path, pattern) and path.count("/") == pattern.count("/") for pattern in patterns):
        return "logrotate"
    return "its copies" if _has_copy(root + folder, name, now) else ""


def _has_copy(folder: str, name: str, now: float) -> bool:
    try:
        names = [each for each in os.listdir(folder)[:MOST_ENTRIES] if each.startswith(name) and _COPY.match(each, len(name))]
        return any(now - os.stat(f"{folder}/{each}").st_mtime < _FRESH_SECONDS for each in names)
    except OSError:
        return False


def _patterns(root: str) -> list[str]:
    """The paths that logrotate is configured for, as patterns; none where it is not installed."""
    if not any(os.path.exists(f"{root}{folder}/logrotate") for folder in ("/usr/sbin", "/sbin", "/usr/bin")):
        return []
    files = [f"{root}/etc/logrotate.conf"]
    with contextlib.suppress(OSError):
        files += [f"{root}/etc/logrotate.d/{name}" for name in sorted(os.listdir(f"{root}/etc/logrotate.d"))[:MOST_FILES]]
    return [pattern for path in files for pattern in patterns_in(_text(path))]


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as handle:
            return handle.read(_CONFIGURATION_BYTES)
    except OSError:
        return ""


def patterns_in(text: str) -> list[str]:
    """The paths before each block. What stands inside of a block (scripts, olddir) is no path of a log."""
    found: list[str] = []
    depth = 0
    for line in text.splitlines():
        line = line.partition("#")[0] if line.lstrip().startswith("#") else line
        before, brace, _inside = line.partition("{")
        if depth == 0 and (before.lstrip().startswith(("/", '"/'))):
            found += [quoted or plain for quoted, plain in _PATTERN.findall(before)]
        depth += bool(brace)
        if line.strip() == "}" or (brace and line.rstrip().endswith("}")):
            depth = max(0, depth - 1)
    return found
