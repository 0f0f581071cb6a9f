# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fetch: the window's lines of the logs that the configuration names."""

from __future__ import annotations

import os
import typing as t

from ..._collect.edges import BECOME
from ..._linux import rooted, tail
from .access_log import Tally
from .discover import Place
from .error_log import Messages
from .samples import LogRead
from .settings import DEFAULT_ERROR_LOG, DEFAULT_LOG, Log, Settings

#: Bytes that are read of each kind of log: the newest of the window.
MOST_ACCESS, MOST_ERRORS = 2 << 20, 1 << 20
NO_LOG = "its configuration keeps no access log in a file (access_log off, or syslog): access_log /var/log/nginx/access.log launch"

OUTPUT = " (as the output of a container or of a service): add an access_log or error_log beside it that is one"


class Logs:
    """Marks the ends of all logs when it is made."""

    def __init__(self, settings: Settings, place: Place, defaults: tuple[str, str]) -> None:
        access, errors = defaults
        self._place = place
        self._access = [
            (log, *self._mark(access or log.path if log.path == DEFAULT_LOG else log.path))
            for log in settings.logs
            if "$" not in log.path and log.format
        ]
        self._errors = [self._mark(errors or path if path == DEFAULT_ERROR_LOG else path) for path in settings.error_logs]
        self._varied = any("$" in log.path for log in settings.logs)

    @property
    def access_paths(self) -> tuple[str, ...]:
        return tuple(path for _log, path, _mark in self._access)

    @property
    def error_paths(self) -> tuple[str, ...]:
        return tuple(path for path, _mark in self._errors)

    def _mark(self, path: str) -> tuple[str, tail.Mark]:
        """How the log is called, and where it ends: its name may be a link, to the server's output above all."""
        whole = os.path.join(self._place.prefix, path)
        return self._place.root + whole, tail.mark(rooted.real(whole, self._place.root, self._place.pid))

    def access(self, tally: Tally, own_paths: t.Collection[str]) -> LogRead:
        """Count the requests of the window."""
        if not self._access:
            return LogRead(
                "the path of its access log holds variables: give one file (access_log /var/log/nginx/access.log launch)"
                if self._varied
                else NO_LOG
            )
        found = LogRead()
        added = [(log, tail.added(mark, MOST_ACCESS // len(self._access))) for log, _path, mark in self._access]
        _judge(found, [(log.path, each) for log, each in added])
        for log, each in added:
            if not each.why:
                tally.count(each.lines, log.format, own_paths)
        found.notes += _notes([log for log, each in added if not each.why])
        return found

    def errors(self, messages: Messages) -> LogRead:
        """Count what the error logs say of the window."""
        if not self._errors:
            return LogRead("its configuration keeps no error log in a file: error_log /var/log/nginx/error.log")
        found = LogRead()
        added = [(path, tail.added(mark, MOST_ERRORS // len(self._errors))) for path, mark in self._errors]
        _judge(found, added)
        for _path, each in added:
            messages.count(each.lines)
        return found


def _judge(found: LogRead, added: t.Sequence[tuple[str, tail.Added]]) -> None:
    """What could not be read: all of it is a reason, a part of it makes sums too small, so that is one as well."""
    failed = [f"{path}: {each.why}" for path, each in added if each.why]
    if failed:
        denied, stream = (any(why in reason for reason in failed) for why in (tail.DENIED, tail.NO_FILE))
        found.why = f"the log {failed[0]}" + (f": {BECOME}" if denied else OUTPUT if stream else "")
    whole = sum(each.bytes for _path, each in added)
    found.part = round(sum(each.read for _path, each in added) / whole, 6) if whole else 1.0


def _notes(logs: t.Sequence[Log]) -> t.Iterator[str]:
    if any(log.buffered for log in logs):
        yield "its access log is buffered (buffer=, gzip): lines of the window may come later"
    if any(log.conditional for log in logs):
        yield "its access log leaves requests out (if=): shares are of those that it holds"
