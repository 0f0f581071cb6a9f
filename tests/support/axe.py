# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""axe-core, the accessibility rules that the browsers' own tools use; from npm, once, into the checkout's .tools."""

from __future__ import annotations

import pathlib
import shutil
import subprocess

from .server import ROOT

VERSION = "4.14.1"


class NoAxe(Exception):
    """It is not here and cannot be had; the text says why."""


def axe_core() -> pathlib.Path:
    """The path of the script."""
    folder = ROOT / ".tools" / f"axe-core-{VERSION}"
    script = folder / "node_modules" / "axe-core" / "axe.min.js"
    if script.exists():
        return script
    npm = shutil.which("npm")
    if npm is None:
        raise NoAxe("no npm on this machine (Debian package npm)")
    folder.mkdir(parents=True, exist_ok=True)
    command = [npm, "install", "--prefix", folder, "--no-audit", "--no-fund", "--ignore-scripts", f"axe-core@{VERSION}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, cwd=folder)
    except subprocess.TimeoutExpired:
        raise NoAxe("npm did not get axe-core within two minutes") from None
    if done.returncode or not script.exists():
        raise NoAxe(f"npm cannot get axe-core: {done.stderr[-300:]}")
    return script
