# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every file of the report, from one report."""

from __future__ import annotations

import contextlib
import pathlib
import typing as t

from .._judge.report import HostEntry, Report
from . import atomic_files, host_files
from .alerts import alerts_json
from .condensed import condensed
from .junit import junit_xml
from .otlp import launch_otlp
from .page import index_html
from .prom import launch_prom


class Edition(t.NamedTuple):
    """A report, and what of it goes into files for programs."""

    report: Report
    written: Report


Renderer = t.Callable[[Edition], t.Iterable[str]]

FILES: dict[str, Renderer] = {
    "index.html": lambda edition: [index_html(edition.report)],
    "launch.json": lambda edition: atomic_files.launch_json(edition.written),
    "junit.xml": lambda edition: junit_xml(edition.written),
    "launch.prom": lambda edition: launch_prom(edition.written, edition.report["findings"]),
    "alerts.json": lambda edition: [alerts_json(edition.report)],
    "launch.otlp.json": lambda edition: [launch_otlp(edition.written)],
}
#: Those that are written unless others are named.
STANDARD = ("index.html", "launch.json", "junit.xml", "launch.prom")


def edition(report: Report, facts: str, files: t.Mapping[str, str]) -> Edition:
    """What is written: with the facts of all hosts every finding, too. `files`: where the facts of a host are."""
    short = report if facts == "all" else condensed(report)
    known = sum(1 for host in report["hosts"].values() if host["facts"])
    hosts = {name: t.cast(HostEntry, {**host, "facts": _place(files.get(name))}) for name, host in report["hosts"].items()}
    told: t.Any = {"facts": facts, "hosts": len(files), "left_out": known - len(files)}
    return Edition(report, {**short, "hosts": hosts, "written": told})


def _place(file: t.Optional[str]) -> t.Optional[dict[str, str]]:
    return None if file is None else {"file": file}


def publish(
    report: Report, directory: t.Union[str, pathlib.Path], names: t.Collection[str] = STANDARD, facts: t.Optional[str] = None
) -> tuple[list[str], list[str]]:
    """Write the report's files (those named) into the directory; return their paths, and the problems with any of them.

    `facts`: whose facts are written beside launch.json (`host_files.KEPT`); by default as it was when the report was written before.

    A directory that cannot be written raises OSError, and keeps no file of an earlier run. A file that cannot be rendered is left out;
    the verdict stands.
    """
    folder = pathlib.Path(directory).expanduser().absolute()
    paths: list[str] = []
    problems: list[str] = []
    facts = facts or report.get("written", {}).get("facts") or "trouble"
    try:
        # the facts come first: launch.json never names a file that is not there
        made = edition(report, facts, _host_files(report, folder, facts if "launch.json" in names else "none", problems))
        for name, render in FILES.items():
            path = folder / name
            if name in names and _is_written(path, render, made, problems):
                paths.append(str(path))
    except OSError:
        _forget(folder, paths)
        raise
    return paths, problems


def _is_written(path: pathlib.Path, render: Renderer, made: Edition, problems: list[str]) -> bool:
    try:
        atomic_files.write(path, render(made))
    except OSError:
        raise
    except Exception as error:  # pylint: disable=broad-exception-caught # facts of an unforeseen form
        problems.append(f"{path.name} could not be made ({type(error).__name__}: {error}); please report this")
        path.unlink(missing_ok=True)
        return False
    return True


def _host_files(report: Report, folder: pathlib.Path, facts: str, problems: list[str]) -> dict[str, str]:
    """The facts of hosts, each in its file; what is in their way costs them, and not the report."""
    try:
        return host_files.write(report, folder, facts)
    except (NotADirectoryError, FileExistsError) as error:
        problems.append(f"the facts of hosts could not be written: {error}")
    except (ValueError, TypeError, RecursionError) as error:
        problems.append(f"the facts of hosts could not be made ({type(error).__name__}: {error}); please report this")
    return {}


def _forget(folder: pathlib.Path, written: t.Collection[str]) -> None:
    """Delete the files of an earlier run: without a new verdict, yesterday's go would be mistaken for it."""
    for name in FILES:
        if str(folder / name) not in written:
            with contextlib.suppress(OSError):
                (folder / name).unlink()
    with contextlib.suppress(OSError):
        host_files.forget(folder)
