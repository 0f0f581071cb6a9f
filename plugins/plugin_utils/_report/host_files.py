# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The facts of hosts in files of their own beside launch.json: `hosts/<name>.json`."""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import re
import stat
import typing as t

from .._judge.report import Report
from . import atomic_files
from .model import groups

FOLDER = "hosts"
#: Whose facts are written: of hosts in trouble, of all, of none.
KEPT = ("trouble", "all", "none")
#: Hosts in trouble whose facts are written: a fault that strikes a thousand hosts looks the same on the first hundred.
MOST = 100
#: Of each kind of trouble, before any kind gets more.
EACH = 5
#: A file of facts is never larger; a foreign one may be.
MOST_BYTES = 32 * 1024 * 1024

_SAFE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_OURS = re.compile(rf"{FOLDER}/({_SAFE.pattern}(?:-[0-9a-f]{{12}})?)\.json")
#: How a file of ours begins; only such files are deleted.
_BEGIN = b'{"launch_'


def file_name(host: str) -> str:
    """The name in the folder: of one host only, and never one that leads elsewhere."""
    if _SAFE.fullmatch(host) and host == host.lower():
        return f"{host}.json"
    digest = hashlib.sha256(host.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    return f"{_UNSAFE.sub('_', host).strip('._-')[:60] or 'host'}-{digest}.json"


def chosen(report: Report, kept: str) -> list[str]:
    """The hosts whose facts are written, in the order of the report."""
    known = {name for name, host in report["hosts"].items() if host["facts"]}
    if kept == "all":
        return [name for name in report["hosts"] if name in known]
    wanted = dict.fromkeys(name for name in _in_trouble(report) if name in known) if kept == "trouble" else {}
    return list(wanted)[:MOST]


def _in_trouble(report: Report) -> t.Iterator[str]:
    """The hosts of causes, then some of each kind of trouble, then the others."""
    kinds = [[str(name) for name in cause.get("hosts") or []] for cause in report["diagnoses"]]
    kinds += [list(dict.fromkeys(finding["host"] for finding in group)) for group in groups(report["findings"])]
    for hosts in kinds:
        yield from hosts[:EACH]
    for hosts in kinds:
        yield from hosts[EACH:]


def write(report: Report, folder: pathlib.Path, kept: str) -> dict[str, str]:
    """Write the facts of the hosts that are chosen, delete older ones; gives host → path beside launch.json. Raises OSError."""
    names = {host: file_name(host) for host in chosen(report, kept)}
    place = folder / FOLDER
    if names:
        atomic_files.make_folder(folder)
        place.mkdir(mode=0o700, exist_ok=True)
    if os.path.lexists(place) and not stat.S_ISDIR(os.lstat(place).st_mode):
        if not names:
            return {}
        raise NotADirectoryError(f"{place} is a link or a file; the facts of hosts belong into a folder of that name")
    forget(folder, set(names.values()))
    for host, name in names.items():
        atomic_files.write(place / name, [json.dumps(report["hosts"][host]["facts"], ensure_ascii=False, allow_nan=False), "\n"])
    return {host: f"{FOLDER}/{name}" for host, name in names.items()}


def forget(folder: pathlib.Path, but: t.Collection[str] = ()) -> None:
    """Delete the facts of an earlier run, and nothing else that may lie in a folder of that name."""
    place = folder / FOLDER
    if place.is_symlink() or not place.is_dir():
        return
    with os.scandir(place) as entries:
        old = [entry.name for entry in entries if entry.name not in but and _OURS.fullmatch(f"{FOLDER}/{entry.name}")]
    for name in old:
        if (_read(place / name, len(_BEGIN)) or b"") == _BEGIN:
            (place / name).unlink(missing_ok=True)


def beside(report: dict[str, t.Any], folder: pathlib.Path) -> dict[str, t.Any]:
    """The report, as it was read from launch.json, with the facts that lie beside it; none where there are none."""
    for host in (report.get("hosts") or {}).values():
        facts = host.get("facts")
        if isinstance(facts, dict) and isinstance(facts.get("file"), str):
            host["facts"] = _facts(folder, facts["file"])
        elif facts is None:
            host["facts"] = {}
    return report


def _facts(folder: pathlib.Path, name: str) -> dict[str, t.Any]:
    if not _OURS.fullmatch(name) or (folder / FOLDER).is_symlink():
        return {}
    content = _read(folder / name, MOST_BYTES)
    try:
        facts = json.loads(content or b"{}")
    except (ValueError, RecursionError):
        return {}
    return facts if isinstance(facts, dict) else {}


def _read(path: pathlib.Path, most: int) -> t.Optional[bytes]:
    """The beginning of a regular file; None for anything else, and for a link."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return None
    with os.fdopen(handle, "rb") as stream:
        return stream.read(most) if stat.S_ISREG(os.fstat(handle).st_mode) else None
