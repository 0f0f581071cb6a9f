# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every file of the report, from one report."""

from __future__ import annotations

import pathlib
import typing as t

from . import files
from .junit import junit_xml
from .prom import launch_prom

Renderer = t.Callable[[t.Mapping[str, t.Any]], str]

FILES: dict[str, Renderer] = {
    "launch.json": files.launch_json,
    "junit.xml": junit_xml,
    "launch.prom": launch_prom,
}


def publish(report: t.Mapping[str, t.Any], directory: t.Union[str, pathlib.Path]) -> list[str]:
    """Write the report's files into the directory; gives their paths."""
    folder = pathlib.Path(directory).expanduser().absolute()
    paths = []
    for name, render in FILES.items():
        path = folder / name
        files.write(path, render(report))
        paths.append(str(path))
    return paths
