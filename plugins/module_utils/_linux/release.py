# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which code lies in an application's folder, from a few small files of it; and whether its configuration files are as they were."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import re
import stat
import typing as t

from .._texts import moments
from . import safe_files

#: Files of a release tool that hold the version of the code.
VERSION_FILES = ("REVISION", "RELEASE", "VERSION")
_COMMIT = re.compile(r"^[0-9a-f]{40,64}$")
_VERSION = re.compile(r"^[\w.+/-]{1,60}$")
_REF = re.compile(r"^ref: (refs/[\w./-]{1,200})$")
#: Files that change while an application serves, or that are no code.
_CODE = (".py", ".toml", ".cfg", ".lock", ".txt")
#: Entries of a folder that are looked at, configuration files, and bytes of a file that is read.
MOST_ENTRIES = 500
MOST_FILES = 40
LONGEST = 1 << 20

CONFIGURATION = (".ini", ".cfg", ".conf", ".cnf", ".vcl", ".yml", ".yaml", ".toml", ".json", ".xml")


@dataclasses.dataclass(frozen=True)
class Release:
    """What tells one release from the next, and since when the folder holds it (seconds since the epoch)."""

    name: str
    at: float


def of_folder(folder: str) -> t.Optional[Release]:
    """The commit checked out, what a release tool wrote, or the newest file at the top; None when none may be read."""
    return _commit(folder) or _named(folder) or _newest(folder)


def _commit(folder: str) -> t.Optional[Release]:
    """The commit of the repository whose top the folder is, or the folder above."""
    for top in (folder, os.path.dirname(folder)):
        git = os.path.join(top, ".git")
        head = (safe_files.regular(os.path.join(git, "HEAD"), LONGEST) or "").strip()
        ref = _REF.match(head)
        if ref is None:
            name, files = head, ["HEAD"]
        elif ".." in ref[1]:
            continue
        else:
            name = (safe_files.regular(os.path.join(git, ref[1]), LONGEST) or "").strip()
            files = [ref[1], "HEAD"]
            if not name:
                name, files = _packed(git, ref[1]), ["packed-refs", "HEAD"]
        if _COMMIT.match(name):
            return Release(name[:12], max(_modified(os.path.join(git, file)) for file in files))
    return None


def _packed(git: str, ref: str) -> str:
    rows = (line.split(" ") for line in (safe_files.regular(os.path.join(git, "packed-refs"), LONGEST) or "").splitlines())
    return next((row[0] for row in rows if row[1:] == [ref]), "")


def _named(folder: str) -> t.Optional[Release]:
    """What a release tool left in the folder; one that keeps a folder for each release names it."""
    for file in VERSION_FILES:
        path = os.path.join(folder, file)
        name = (safe_files.regular(path, 4096) or "").strip()
        if _VERSION.match(name):
            return Release(name[:12] if _COMMIT.match(name) else name, _modified(path))
    real = os.path.realpath(folder)
    above, name = os.path.split(real)
    return Release(name, _modified(real)) if os.path.basename(above) == "releases" and _VERSION.match(name) else None


def _newest(folder: str) -> t.Optional[Release]:
    """The newest source file at the top of the folder: its time stands for the release."""
    newest = 0.0
    try:
        with os.scandir(folder) as entries:
            for number, entry in enumerate(entries):
                if number >= MOST_ENTRIES:
                    break
                if entry.name.endswith(_CODE) and entry.is_file(follow_symlinks=False):
                    newest = max(newest, entry.stat(follow_symlinks=False).st_mtime)
    except OSError:
        return None
    return Release(f"of files from {moments.written(newest)}", newest) if newest else None


def _modified(path: str) -> float:
    try:
        return os.stat(path).st_mtime
    except OSError:
        return 0.0


@dataclasses.dataclass(frozen=True)
class Configuration:
    """`digest` differs when a file differs. It is of paths, sizes and times only, so no content can be guessed from it."""

    digest: str
    at: float


def configuration(paths: t.Iterable[str]) -> t.Optional[Configuration]:
    """The state of these files; None when none can be seen."""
    rows = []
    for path in sorted(set(paths))[:MOST_FILES]:
        try:
            found = os.stat(path)
        except (OSError, ValueError):
            continue
        if stat.S_ISREG(found.st_mode):
            rows.append((path, found.st_size, found.st_mtime_ns))
    if not rows:
        return None
    return Configuration(hashlib.sha256(repr(rows).encode()).hexdigest()[:12], max(row[2] for row in rows) / 1e9)


def named_files(argv: t.Sequence[str], folder: str) -> list[str]:
    """Configuration files that a command line names, as a word or as the value of an option."""
    words = [word.partition("=")[2] if word.startswith("-") and "=" in word else word for word in argv[1:]]
    return [os.path.join(folder, word) for word in words if word.endswith(CONFIGURATION) and "\0" not in word and "://" not in word]
