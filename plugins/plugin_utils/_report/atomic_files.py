# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files of the report, each written whole or not at all."""

from __future__ import annotations

import errno
import json
import os
import pathlib
import stat
import tempfile
import typing as t

from .._judge.report import Report

Pathish = t.Union[str, "os.PathLike[str]"]


#: What is written says who uses the site and what hurts it: its owner alone reads it, unless a person gave the file another mode.
PRIVATE = 0o600


def write(path: pathlib.Path, parts: t.Iterable[str]) -> None:
    """Replace the file in one step: a reader sees the old file or the new one, never a part. A link is replaced, never followed."""
    make_folder(path.parent)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="replace") as stream:
            os.fchmod(stream.fileno(), _mode_of(path))
            stream.writelines([parts] if isinstance(parts, str) else parts)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def _mode_of(path: pathlib.Path) -> int:
    """The mode that our file there has by now: a person who lets others read it says so once, by chmod."""
    try:
        status = os.stat(path, follow_symlinks=False)
    except OSError:
        return PRIVATE
    ours = stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid()
    return stat.S_IMODE(status.st_mode) & 0o666 | PRIVATE if ours else PRIVATE


def make_folder(folder: Pathish) -> None:
    """The folder with its parents; those that were not there are their owner's alone."""
    missing = [path for path in (pathlib.Path(folder), *pathlib.Path(folder).parents) if not path.exists()]
    for path in reversed(missing):
        path.mkdir(mode=0o700, exist_ok=True)


def claim(path: Pathish) -> None:
    """Make the file, or see that it is a regular file and no link to one. Raises OSError."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, PRIVATE)
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "this is no regular file", os.fspath(path))
    finally:
        os.close(handle)


def launch_json(report: Report) -> t.Iterator[str]:
    """The report as strict JSON: small parts readable, one line per host, finding and diagnosis; in pieces, as large fleets need it."""
    before = "{\n"
    for key, value in report.items():
        yield f"{before} {_compact(key)}: "
        before = ",\n"
        if isinstance(value, list) and value:
            yield from _lines("[", (_compact(entry) for entry in value), "]")
        elif key == "hosts" and isinstance(value, dict) and value:
            yield from _lines("{", (f"{_compact(name)}: {_compact(entry)}" for name, entry in value.items()), "}")
        else:
            yield _compact(value)
    yield "\n}\n"


def _lines(begin: str, entries: t.Iterable[str], end: str) -> t.Iterator[str]:
    yield begin
    before = "\n"
    for entry in entries:
        yield f"{before}  {entry}"
        before = ",\n"
    yield f"\n {end}"


def _compact(value: t.Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
