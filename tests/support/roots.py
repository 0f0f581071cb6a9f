# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Programs of other Debian releases, each in a root folder of its own that is made once per machine and kept in the cache."""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import typing as t

from .fleet import mirror, sh

CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache"))


def cannot() -> t.Optional[str]:
    """Why no program of another release can be run here, or None."""
    if os.geteuid() != 0:
        return "needs root to run programs of another root folder"
    return None if shutil.which("debootstrap") else "debootstrap is not installed"


def root_of(service: str, suite: str, package: str) -> pathlib.Path:
    """The root folder with that release's package; made with the mirror that this machine itself uses."""
    root = CACHE / f"warroom-launch-{service}" / suite
    if not (root / ".made-with").exists():
        shutil.rmtree(root, ignore_errors=True)
        root.parent.mkdir(parents=True, exist_ok=True)
        sh("debootstrap", "--variant=minbase", suite, root, mirror())
        (root / "usr/sbin/policy-rc.d").write_text("#!/bin/sh\nexit 101\n")
        (root / "usr/sbin/policy-rc.d").chmod(0o755)
        shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
        with mounted(root):
            env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
            # the Release file of a mirror's sid may be out of date
            sh("chroot", root, "apt-get", "-o", "Acquire::Check-Valid-Until=false", "update", env=env)
            sh("chroot", root, "apt-get", "install", "-y", "--no-install-recommends", package, env=env)
        (root / ".made-with").write_text(package)
    return root


@contextlib.contextmanager
def mounted(root: pathlib.Path) -> t.Iterator[None]:
    """With /proc and /dev inside."""
    with contextlib.ExitStack() as stack:
        for what in (("-t", "proc", "proc", root / "proc"), ("--bind", "/dev", root / "dev")):
            sh("mount", *what)
            stack.callback(sh, "umount", "-l", what[-1])
        yield
