# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every file of the report, from one report."""

from __future__ import annotations

import contextlib
import pathlib
import typing as t

from .._judge.report import Report
from . import atomic_files
from .junit import junit_xml
from .page import index_html
from .prom import launch_prom

Renderer = t.Callable[[Report], str]

FILES: dict[str, Renderer] = {
    "index.html": index_html,
    "launch.json": atomic_files.launch_json,
    "junit.xml": junit_xml,
    "launch.prom": launch_prom,
}


def publish(report: Report, directory: t.Union[str, pathlib.Path], names: t.Collection[str] = tuple(FILES)) -> tuple[list[str], list[str]]:
    """Write the report's files (those named) into the directory; return their paths, and the problems with any of them.

    A directory that cannot be written raises OSError, and keeps no file of an earlier run. A file that cannot be rendered is left out;
    the verdict stands.
    """
    folder = pathlib.Path(directory).expanduser().absolute()
    paths: list[str] = []
    problems: list[str] = []
    for name, render in FILES.items():
        if name not in names:
            continue
        path = folder / name
        try:
            text = render(report)
        except Exception as error:  # pylint: disable=broad-exception-caught # facts of an unforeseen form
            problems.append(f"{name} could not be made ({type(error).__name__}: {error}); please report this")
            path.unlink(missing_ok=True)
            continue
        try:
            atomic_files.write(path, text)
        except OSError:
            _forget(folder, paths)
            raise
        paths.append(str(path))
    return paths, problems


def _forget(folder: pathlib.Path, written: t.Collection[str]) -> None:
    """Delete the files of an earlier run: without a new verdict, yesterday's go would be mistaken for it."""
    for name in FILES:
        if str(folder / name) not in written:
            with contextlib.suppress(OSError):
                (folder / name).unlink()
