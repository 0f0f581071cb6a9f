# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fetch: one pass over the shared log through varnishncsa, as it comes and within bounds.

varnishncsa escapes every control character of a value, so a separator that is one cannot be forged by a client.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import time
import typing as t

from ..._collect.host_tools import HostTools
from ..._collect.problem import Problem
from ..._texts.redact import clean
from ..varnish import fetch

#: Between groups of fields, and between the fields of a group.
GROUP, FIELD = "\x1e", "\t"

# X is the dialect: Varnish, or Vinyl from 9.0. What many lines have in common comes first, as one piece.
_HEAD = ("%{X:side}x", "%{X:handling}x", "%s", "%m", "%{VSL:Begin[3]}x", "%{VSL:Storage[2]}x", "%{Host}i", "%{User-Agent}i")
# Before 7.7 `handling` does not tell hit-for-miss and hit-for-pass: the records themselves do, in every version.
_MARK = "%{VSL:HitMiss[1]}x%{VSL:HitPass[1]}x%{VSL:Hit[2]}x"
_DETAIL = (
    "%{VSL:TTL[1]}x", "%{VSL:TTL[2]}x", "%{VSL:BereqHeader:Cookie[1]}x", "%{VSL:BereqHeader:Authorization[1]}x",
    "%{VSL:BerespHeader:Set-Cookie[1]}x", "%{VSL:BerespHeader:Cache-Control}x", "%{VSL:BerespHeader:Vary}x",
)  # fmt: skip
_GROUPS = (FIELD.join(_HEAD), _MARK, "%U%q", "%b", "%D", "%{X:time_firstbyte}x", "%{VSL:Timestamp:Start[1]}x", FIELD.join(_DETAIL))
DIALECTS = ("Varnish", "Vinyl")

_PIPE_BYTES = 1024 * 1024
_LONGEST_LINE = 256 * 1024
_F_SETPIPE_SZ = 1031  # fcntl has the name since Python 3.10

Feed = t.Callable[[list[bytes]], None]


def line_format(dialect: str) -> str:
    """The format that varnishncsa prints for each transaction; `tally` reads it."""
    return GROUP.join(_GROUPS).replace("%{X:", "%{" + dialect + ":")


class Stream:
    """Reads a process's output to its end and feeds it on as lines; given to the command runner as `on_start`.

    A reader of another version prints nothing and never ends: it is stopped when nothing came in time.
    """

    def __init__(self, feed: Feed, patience: float, seconds: float) -> None:
        self._feed = feed
        self._patience = patience
        self._seconds = seconds
        self._rest = b""
        self._skipping = False
        self.bytes = 0  # of output
        self.lines = 0  # whole ones
        self.silent = False  # stopped because nothing came
        self.late = False  # stopped because it took too long
        self.missed = False  # varnishd overwrote records before they were read
        self.cut = 0  # lines too long to be one

    def __call__(self, process: t.Any) -> None:
        out = process.stdout.fileno()
        with contextlib.suppress(OSError):  # refused: the writer then waits for us a little more often
            fcntl.fcntl(out, _F_SETPIPE_SZ, _PIPE_BYTES)
        deadline = time.monotonic() + self._seconds
        while True:
            left = deadline - time.monotonic()
            if not self.any:
                left = min(left, self._patience)
            ready = select.select([out], [], [], max(0.0, left))[0] if left > 0 else []
            if not ready:
                self.silent, self.late = not self.any, self.any
                process.terminate()
                return
            data = os.read(out, _PIPE_BYTES)
            if not data:
                return
            self.take(data)
            if len(data) < _PIPE_BYTES // 8:
                time.sleep(0.004)  # let the pipe fill: waking up for every 4 KB costs more than reading them

    @property
    def any(self) -> bool:
        """Whether there was any output."""
        return self.bytes > 0

    def take(self, data: bytes) -> None:
        self.bytes += len(data)
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()
        if self._skipping and lines:
            del lines[0]
            self._skipping = False
        if len(self._rest) > _LONGEST_LINE:
            self.cut += not self._skipping
            self._rest, self._skipping = b"", True
        if lines:
            self.lines += len(lines)
            self._feed(lines)


def only_since(moment: float) -> list[str]:
    """Options by which varnishncsa leaves out what ended before (seconds since 1970): far cheaper than to print it and skip it.

    The end decides: an error that took a minute is an error of now. Field 2 of every Timestamp is when it was written.
    """
    return ["-q", f"Timestamp[2] >= {moment:.6f}"] if moment > 0 else []


def read(
    tools: HostTools, instance: t.Optional[str], feed: Feed, patience: float, seconds: float, more: t.Sequence[str] = (), form: str = ""
) -> Stream:
    """What is in the log from its oldest record to its newest. Raises a Problem when nothing can be read of it."""
    ncsa = fetch.program(tools, "varnishncsa")
    said = ""
    for dialect in DIALECTS:
        stream = Stream(feed, patience, seconds)
        command = [ncsa, *fetch.place(instance), "-t", "0", "-d", "-b", "-c", *more, "-F", form or line_format(dialect)]
        ran = tools.commands.run(command, seconds + 1, on_start=stream)
        if ran.out and not stream.late:  # what a tool that was ended still printed may be megabytes
            stream.take(ran.out)
        said = clean(ran.err, 200)
        if ran.rc == 0 or stream.any or "extension" not in said:
            break
    if stream.silent or (ran.late and not stream.any):
        raise Problem(
            f"varnishncsa gave nothing within {patience:g} s ({said or 'no message'}): it is probably of another version than the running "
            "varnishd; use the tools of that version on this host"
        )
    if ran.rc != 0 and not stream.any:
        raise fetch.no_access(tools, instance, ran)
    if stream.any and not stream.lines:
        raise Problem(
            f"varnishncsa printed {stream.bytes} bytes without one whole line: is {ncsa} Varnish's own tool, of the version of varnishd?"
        )
    stream.late = stream.late or ran.late
    stream.missed = "overrun" in said.lower()
    return stream
