# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Varnish of other Debian releases."""

from __future__ import annotations

import os
import pathlib
import shutil
import typing as t

from . import roots
from .tools import RealCommands
from .varnish import Backend, Varnish

#: Debian release → (package, user of the daemon). sid has no varnish any more, but its successor.
SUITES = {"bullseye": ("varnish", "nobody"), "trixie": ("varnish", "nobody"), "sid": ("vinyl-cache", "nobody")}

cannot = roots.cannot


class OtherVarnish(Varnish):
    """A Varnish of another release. Its tools run inside its root folder, as the ones of a host of that release would."""

    unprivileged = False

    def __init__(self, suite: str, backend: Backend, *arguments: str) -> None:
        self.root = roots.root_of("varnish", suite, SUITES[suite][0])
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
