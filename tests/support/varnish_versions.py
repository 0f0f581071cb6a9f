# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Varnish of other Debian releases, each in a root folder of its own that is made once per machine and kept in the cache."""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import typing as t

from .fleet import mirror, sh
from .tools import RealCommands
from .varnish import Backend, Varnish

CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "warroom-launch-varnish"

#: Debian release → (package, user of the daemon). sid has no varnish any more, but its successor.
SUITES = {"bullseye": ("varnish", "nobody"), "trixie": ("varnish", "nobody"), "sid": ("vinyl-cache", "nobody")}


def cannot() -> t.Optional[str]:
    """Why no other version can be run here, or None."""
    if os.geteuid() != 0:
        return "needs root to run programs of another root folder"
    return None if shutil.which("debootstrap") else "debootstrap is not installed"


def root_of(suite: str) -> pathlib.Path:
    """The root folder with that release's Varnish; made with the mirror that this machine itself uses."""
    root, package = CACHE / suite, SUITES[suite][0]
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


class OtherVarnish(Varnish):
    """A Varnish of another release. Its tools run inside its root folder, as the ones of a host of that release would."""

    unprivileged = False

    def __init__(self, suite: str, backend: Backend, *arguments: str) -> None:
        self.root = root_of(suite)
        self.account = SUITES[suite][1]
        self.suite = suite
        super().__init__(backend, *arguments)
        self.inside = f"/tmp/{self.dir.name}"
        self.outside = pathlib.Path(f"{self.root}{self.inside}")
        self.instance = f"{self.inside}/vd"

    def chroot(self, *argv: str) -> list[str]:
        return ["chroot", f"--userspec={self.account}", str(self.root), *argv]

    def prepare(self) -> None:
        self.run("chroot", self.root, "install", "-d", "-o", self.account, self.inside)
        (self.outside / "test.vcl").write_text(self.vcl)

    def argv(self) -> list[str]:
        own = super().argv()
        return self.chroot(*[word.replace(str(self.dir), self.inside) for word in own])

    def tool(self, name: str, *words: str) -> str:
        wait = "1" if name == "varnishadm" else "0"
        return self.run(*self.chroot(name, "-n", self.instance, "-t", wait, *words)).stdout.decode("utf-8", "replace")

    def commands(self) -> RealCommands:
        """A command runner for our modules that runs the tools of this release."""
        return _Inside(self)

    def stop(self, *args: t.Any) -> None:
        super().stop(*args)
        shutil.rmtree(self.outside, ignore_errors=True)


class _Inside(RealCommands):
    def __init__(self, varnish: OtherVarnish) -> None:
        self._varnish = varnish

    def which(self, name: str) -> t.Optional[str]:
        if name == "chroot":
            return super().which(name)
        places = [f"{self._varnish.root}{folder}/{name}" for folder in ("/usr/bin", "/usr/sbin")]
        return next((place for place in places if os.path.lexists(place)), None)

    def run(self, argv: t.Sequence[str], seconds: float, **options: t.Any) -> t.Any:
        return super().run(self._varnish.chroot(*argv), seconds, **options)
