# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fetch: the statements that failed within the window, from the log of a server that runs on this host.

The server is here when the process that serves us is a child of a server in our process table: an address proves nothing, it may be
forwarded. Read are the bytes that are added to the log between the two samples, and only to a file of the server's own.
"""

from __future__ import annotations

import dataclasses
import os
import typing as t

from ..._collect.edges import BECOME
from ..._collect.facts import Maybe, Unknown, known
from ..._collect.host_tools import HostTools
from ..._linux import safe_files, tail
from ..._linux.processes import PROC, Process, children_now, innermost
from . import log_entries
from .discover import postmasters
from .fetch import About, Reader
from .log_prefix import LinePrefix

#: The newest bytes of the window that are read.
MOST_BYTES = 256 << 10
#: Where the collector notes the files that it writes, one line for each format.
NOTE, MOST_NOTE = "current_logfiles", 4096
#: Sessions of a server in a container that are looked at for ours.
MOST_CHILDREN = 1000

NOT_HERE = (
    "failed statements stand in the server's log, which is not on this host: check the server's host as well "
    "(a managed service shows it in its console)"
)
HIDDEN = f"failed statements stand in the server's log, and the processes that tell where it is may not be read: {BECOME}"
NO_FILE = "failed statements go to no file (a pipe, syslog, the journal): ALTER SYSTEM SET logging_collector = on, then restart the server"
LEFT_OUT = "the server's log leaves failed statements out: ALTER SYSTEM SET {} = error"
FLOOD = "of {} bytes that the server's log got in the window, only the newest {} were read"
UNNAMED = f"where the server's log is may not be read: {BECOME}"
FOREIGN = "the server's log is no file of the server's own user"

#: Whose file a server's log may be beside its own user's: what starts it may have opened its output as root.
OTHERS = (0,)
#: The formats that say most come first.
_FORMATS = ("jsonlog", "csvlog", "stderr")
#: Levels above "error", at which the log leaves errors out.
_ABOVE_ERROR = ("log", "fatal", "panic")


@dataclasses.dataclass(frozen=True)
class Statements:
    """What failed. `why`: why there may have been more; None when the log was read as a whole."""

    failed: tuple[log_entries.Failed, ...] = ()
    why: t.Optional[str] = None


class ServerLog:
    """Marks the end of the log when it is made."""

    def __init__(self, reader: Reader, about: About, tools: HostTools) -> None:
        self._reader = reader
        self._about = about
        self._format = _format(about)
        self._process = _postmaster(tools, about.identity.get("backend"))
        self._mark: Maybe[tail.Mark] = _marked(self._path())

    def read(self) -> Statements:
        """The statements that were added since."""
        path = self._path()
        if isinstance(self._mark, Unknown) or isinstance(path, Unknown) or isinstance(self._format, Unknown):
            return Statements(why=next(each.reason for each in (self._mark, path, self._format) if isinstance(each, Unknown)))
        # the collector goes on in another file when its time has come
        added = [tail.added(mark, MOST_BYTES) for mark in (self._mark, *([tail.Mark(path)] if path != self._mark.path else []))]
        failed = tuple(entry for each in added for entry in self._parsed(each.lines))
        return Statements(failed, next(filter(None, map(_why, added)), None))

    def _parsed(self, lines: t.Sequence[str]) -> t.Iterator[log_entries.Failed]:
        if self._format == "jsonlog":
            return log_entries.of_json(lines)
        if self._format == "csvlog":
            return log_entries.of_csv(lines)
        return log_entries.of_text(lines, LinePrefix(self._about.setting("log_line_prefix") or ""))

    def _path(self) -> Maybe[str]:
        """Where the log is now. Without the collector it is what the server writes its messages to, when that is a file."""
        if isinstance(self._process, Unknown):
            return self._process
        if isinstance(self._format, Unknown):
            return self._format
        if self._about.setting("logging_collector") != "on":
            return _owned(f"{PROC}/{self._process.pid}/fd/2", self._process)
        return self._collected(self._process, self._format)

    def _collected(self, process: Process, log_format: str) -> Maybe[str]:
        """Where the collector writes, as it notes it in the data directory, the server's working directory; or as the server says."""
        folder = f"{PROC}/{process.pid}/cwd"
        name = _noted(folder, log_format)
        if name:
            return _owned(process.reach(name) if os.path.isabs(name) else os.path.join(folder, name), process)
        name = self._named(log_format)
        path = os.path.join(self._about.setting("data_directory") or "", name)
        return _owned(process.reach(path), process) if name and os.path.isabs(path) else Unknown(UNNAMED)

    def _named(self, log_format: str) -> str:
        """What the server tells a superuser, and from PostgreSQL 16 on pg_monitor."""
        rows = known(self._reader.ask(f"SELECT pg_current_logfile('{log_format}') AS path")) or [{}]
        return str(rows[0].get("path") or "")


def _noted(folder: str, log_format: str) -> str:
    """The line of this format in the collector's own note."""
    lines = (safe_files.regular(f"{folder}/{NOTE}", MOST_NOTE) or "").splitlines()
    return next((name for written, _blank, name in (line.partition(" ") for line in lines) if written == log_format), "")


def _format(about: About) -> Maybe[str]:
    """The format to read, or why no file holds what failed."""
    for name in ("log_min_messages", "log_min_error_statement"):
        if about.setting(name) in _ABOVE_ERROR:
            return Unknown(LEFT_OUT.format(name))
    written = [word.strip().strip('"').lower() for word in (about.setting("log_destination") or "stderr").split(",")]
    if about.setting("logging_collector") != "on":
        # without the collector, what is meant for its files goes to stderr
        return "stderr" if any(name in written for name in _FORMATS) else Unknown(NO_FILE)
    return next((name for name in _FORMATS if name in written), Unknown(NO_FILE))


def _postmaster(tools: HostTools, backend: t.Any) -> Maybe[Process]:
    """The server whose child serves us."""
    if isinstance(backend, int):
        for process in postmasters(tools):
            children: t.Sequence[t.Optional[int]] = children_now(process.pid)
            if process.elsewhere("pid"):
                children = [innermost(pid) for pid in children[-MOST_CHILDREN:] if pid is not None]
            if backend in children:
                return process
    return Unknown(HIDDEN if tools.processes.filtered else NOT_HERE)


def _owned(path: str, process: Process) -> Maybe[str]:
    """The path, when what is there may be the server's: another one's file is none of its logs, whatever it says."""
    try:
        owner = os.stat(path).st_uid
    except FileNotFoundError:
        return Unknown(f"the server's log may not be read where the server says that it is (a container has its own folders): {BECOME}")
    except (OSError, ValueError):
        return Unknown(f"the server's log cannot be read: {BECOME}")
    return path if owner in (process.uid, *OTHERS) else Unknown(FOREIGN)


def _marked(path: Maybe[str]) -> Maybe[tail.Mark]:
    return path if isinstance(path, Unknown) else tail.mark(path)


def _why(added: tail.Added) -> t.Optional[str]:
    """Why an addition was not read as a whole."""
    if added.why == tail.NO_FILE:
        return NO_FILE
    if added.why:
        return f"the server's log: {added.why}" + (f": {BECOME}" if added.why == tail.DENIED else "")
    return FLOOD.format(added.bytes, added.read) if added.read < added.bytes else None
