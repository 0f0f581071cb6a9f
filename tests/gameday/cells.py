# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Recorded cells of the game day: `<kind>/<severity>-<seed>/{report/, load.json, truth.json}`, in folders or packed by kind.

`report/` holds a launch.json per window (any name), with all facts, and `hosts.json`: the settings by which the hosts are judged, which a
report does not repeat (services, thresholds, extra_checks, accept, known_clients, addresses, groups). Only the facts and the time are read
of a report.
"""

from __future__ import annotations

import dataclasses
import io
import json
import pathlib
import tarfile
import typing as t

SEVERITIES = ("faint", "visible", "severe")
#: Where the recorded cells are, one solid archive per kind.
CELLS = pathlib.Path(__file__).parent / "cells"

#: What visitors or tasks must feel of a fault, against the same minute without it.
SLOWER, SLOWER_BY_MILLISECONDS, ERRORS, WAIT_SECONDS = 2.0, 50.0, 0.01, 30.0


class CellError(Exception):
    """A cell that cannot be read; the sentence names it."""


@dataclasses.dataclass(frozen=True)
class Truth:
    """One injected fault. `objects`: words that must all occur where the cause is stated; `findings`: checks that find it while faint."""

    cause: str
    tier: str
    objects: tuple[str, ...] = ()
    path: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    effects: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Cell:
    """What was recorded; `windows` in the order of time."""

    kind: str
    severity: str
    seed: str
    truths: tuple[Truth, ...]
    windows: tuple[dict[str, t.Any], ...]
    hosts: dict[str, dict[str, t.Any]]
    load: dict[str, t.Any]
    #: Seconds since the epoch at which the fault began; None when that is not known.
    injected_at: t.Optional[float] = None

    @property
    def name(self) -> str:
        return f"{self.kind}/{self.severity}-{self.seed}"

    @property
    def role(self) -> str:
        """no-op, pair, fault, or latent: a fault that nobody feels."""
        if not self.truths:
            return "no-op"
        if felt(self.load) is False:
            return "latent"
        return "pair" if len(self.truths) > 1 else "fault"

    @property
    def faint(self) -> bool:
        return self.role == "latent" or (self.role == "fault" and self.severity == "faint")


def felt(load: t.Mapping[str, t.Any]) -> t.Optional[bool]:
    """Whether visitors or tasks feel it, by what the load generator saw before and during; None when that was not recorded."""
    before, during = load.get("before"), load.get("during")
    if not before or not during:
        return None
    wait = during.get("queue_wait_seconds")
    if wait is not None and wait >= WAIT_SECONDS:
        return True
    if any(_worse(before["pages"].get(name), pages) for name, pages in during["pages"].items()):
        return True
    return _worse(before.get("tasks"), during.get("tasks") or {"errors_ratio": 0.0})


def _worse(before: t.Optional[t.Mapping[str, t.Any]], during: t.Mapping[str, t.Any]) -> bool:
    if not before:
        return False
    if during["errors_ratio"] >= max(ERRORS, 2 * before["errors_ratio"]):
        return True
    was, now = before.get("p95_milliseconds"), during.get("p95_milliseconds")
    return was is not None and now is not None and now >= SLOWER * was and now >= was + SLOWER_BY_MILLISECONDS


def cells(place: pathlib.Path) -> list[Cell]:
    """Every cell in the folder, in subfolders or packed, by name."""
    if not place.is_dir():
        raise CellError(f"{place} is no folder")
    found: dict[str, dict[str, bytes]] = {}
    for archive in sorted(place.rglob("*.tar.xz")):
        found.update(unpacked(archive))
    for truth in sorted(place.rglob("truth.json")):
        found[str(truth.parent.relative_to(place))] = _files(truth.parent)
    if not found:
        raise CellError(f"{place} holds no cell: a cell is a folder with report/ and truth.json")
    return [_cell(name, files, place) for name, files in sorted(found.items())]


def cell_in(folder: pathlib.Path, name: str) -> Cell:
    """The cell that this folder holds."""
    return _cell(name, _files(folder), folder)


def _files(folder: pathlib.Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.json")}


def unpacked(archive: pathlib.Path) -> dict[str, dict[str, bytes]]:
    """The cells of an archive: the files of each by their path in it."""
    found: dict[str, dict[str, bytes]] = {}
    try:
        with tarfile.open(archive) as packed:
            for member in packed:
                name, _slash, rest = member.name.partition("/report/")
                if not rest:
                    name, _slash, rest = member.name.rpartition("/")
                else:
                    rest = f"report/{rest}"
                content = packed.extractfile(member)
                if content is not None:
                    found.setdefault(name, {})[rest] = content.read()
    except (tarfile.TarError, OSError, EOFError) as error:
        raise CellError(f"{archive.name} cannot be unpacked: {error}") from error
    return found


def pack(folder: pathlib.Path, archive: pathlib.Path) -> None:
    """All cells of one kind (`folder` is the kind's) in one solid archive; the same cells give the same bytes. A cell whose recorder was
    ended has no truth yet, and is left out."""
    part = archive.with_suffix(".part")
    whole = [path.parent for path in folder.rglob("truth.json")]
    with tarfile.open(part, "w:xz", preset=9) as packed:
        for path in sorted(path for cell in whole for path in cell.rglob("*.json")):
            info = tarfile.TarInfo(str(path.relative_to(folder.parent)))
            content = path.read_bytes()
            info.size = len(content)
            packed.addfile(info, io.BytesIO(content))
    part.replace(archive)


def _cell(name: str, files: t.Mapping[str, bytes], place: pathlib.Path) -> Cell:
    try:
        given = _object(files, "truth.json")
        reports = {path: _object(files, path) for path in sorted(files) if path.startswith("report/")}
        hosts = reports.pop("report/hosts.json", {})
        windows = [_whole(report, reports) for report in reports.values() if isinstance(report.get("hosts"), dict)]
        load = _object(files, "load.json") if "load.json" in files else {}
        truths = given.get("causes", [given])
        kind, severity, seed = _named(name if name != "." else place.name, given)
        if not windows:
            raise ValueError("report/ holds no launch.json")
        return Cell(
            kind, severity, seed, tuple(_truth(truth) for truth in truths), tuple(sorted(windows, key=lambda one: one["started_at"])),
            hosts, load, given.get("injected_at"),
        )  # fmt: skip
    except (ValueError, KeyError, TypeError) as error:
        said = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise CellError(f"the cell {name} cannot be read: {said}") from error


def _object(files: t.Mapping[str, bytes], path: str) -> dict[str, t.Any]:
    try:
        content = json.loads(files[path])
    except ValueError as error:
        raise ValueError(f"{path} is no JSON ({error})") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path} is no mapping")
    return content


def _whole(report: dict[str, t.Any], files: t.Mapping[str, dict[str, t.Any]]) -> dict[str, t.Any]:
    """The report with the facts of hosts that are in files of their own."""
    for name, host in report["hosts"].items():
        facts = host.get("facts")
        if isinstance(facts, dict) and isinstance(facts.get("file"), str):
            host["facts"] = files[f"report/{facts['file']}"]
        elif not isinstance(facts, dict):
            raise ValueError(f"the facts of {name} are not in the report (launch_check_report_facts: all writes them)")
    return report


def _named(name: str, truth: t.Mapping[str, t.Any]) -> tuple[str, str, str]:
    """Kind, severity and seed by the folder's name; an incident of one's own may be called anything."""
    kind, _slash, rest = name.rpartition("/")
    severity, _dash, seed = rest.partition("-")
    if kind and severity in (*SEVERITIES, "none"):
        return kind, severity, seed
    return name, str(truth.get("severity", "visible")), str(truth.get("seed", "1"))


def _truth(given: t.Mapping[str, t.Any]) -> Truth:
    named = given.get("object") or ()
    objects = (named,) if isinstance(named, str) else tuple(map(str, named))
    lists = (tuple(map(str, given.get(key) or ())) for key in ("path", "findings", "effects"))
    return Truth(str(given["cause"]), str(given["tier"]), objects, *lists)
