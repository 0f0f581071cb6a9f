# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Django projects, as their own settings and checks tell; imported on request only."""

from __future__ import annotations

import os
import typing as t

from ..._collect import foreign_code
from ..._collect.base import Collector, Sampler
from ..._collect.facts import Facts, Unknown
from ..._collect.host_tools import HostTools
from ..._collect.problem import Problem
from ..._linux import release
from ..._linux.processes import Process
from ..._texts.redact import clean
from . import read_only, read_project
from .shape import shape

#: Programs that serve a project or run its tasks; their environment is the project's.
_SERVERS = ("uwsgi", "gunicorn", "celery", "uvicorn", "daphne", "granian", "hypercorn", "python", "python3")

OPTIONS: dict[str, t.Any] = {
    "chdir": {"type": "path"},
    "virtualenv": {"type": "path"},
    "settings": {"type": "str"},
    "environment": {"type": "dict", "no_log": True},
    "hosts": {"type": "list", "elements": "str"},
}


class DjangoSampler(Sampler):
    """One project, imported once: there is nothing to measure over a window."""

    def __init__(self, options: dict[str, t.Any], tools: HostTools) -> None:
        super().__init__(options, tools)
        self.folder = options.get("chdir")
        self.sections: dict[str, t.Any] = {}
        self.process: t.Optional[Process] = None

    @property
    def name(self) -> str:
        folder = os.path.basename(os.path.normpath(self.folder)) if self.folder else ""
        return str(self.options.get("name") or self.options.get("settings") or folder or "django")

    def first(self) -> None:
        if not self.folder:
            raise Problem("give chdir, the folder of the project's manage.py (with virtualenv, and settings where manage.py names others)")
        self.process = self._server()
        seconds = 4 * self.tools.timeout
        found = foreign_code.answers(
            self.tools,
            read_project.__name__,
            before=[read_only.__name__],
            folder=self.folder,
            virtualenv=self.options.get("virtualenv"),
            pid=self.process.pid if self.process else None,
            environment={str(name): str(value) for name, value in (self.options.get("environment") or {}).items()},
            arguments={"settings": self.options.get("settings"), "hosts": self.options.get("hosts") or []},
            seconds=seconds - 1,
        )
        self.sections = found["sections"]
        if "settings" not in self.sections:
            raise Problem(self._why(found["late"] is True, seconds - 1))

    def _why(self, late: bool, seconds: float) -> str:
        """Why no setting of the project is known."""
        if late:
            return f"importing the project took more than {seconds:g} s and was ended: does its settings module wait for something?"
        error = self.sections.get("error")
        if not isinstance(error, dict):
            return "the project ended the interpreter that imported it, or needed more memory than 2 GiB"
        kind = clean(str(error.get("type")), 60)
        if kind == "LookupError" and "module" not in self.sections:
            return "which settings? Give settings (as DJANGO_SETTINGS_MODULE), for manage.py in chdir names none"
        if kind == "FileNotFoundError" and "module" not in self.sections:
            return "the folder chdir does not exist, or its owner may not enter it"
        missing = f": no module {clean(str(error['missing']), 60)}" if error.get("missing") else ""
        return f"the project cannot be imported ({kind}{missing}): see chdir, virtualenv, settings, and (for variables) environment"

    def _server(self) -> t.Optional[Process]:
        """A process of this user or ours that runs in the project's folder: it has the environment that the project is run with."""
        folder = os.path.realpath(str(self.folder))
        own = os.geteuid()
        for process in self.tools.named(*_SERVERS):
            if own in (0, process.uid) and process.link("cwd") == folder and not process.elsewhere("mnt"):
                return process
        return None

    def watch(self, seconds: float) -> None:
        """Nothing changes within a window."""

    def second(self) -> None:
        """What was read once holds."""

    def facts(self, window: t.Optional[float]) -> Facts:
        facts = shape(self.sections, self.tools.top)
        found = release.of_folder(str(self.folder))
        facts.put("release", clean(found.name, 80) if found else Unknown("the folder of its code may not be read, or tells no release"))
        if self.process is None and not self.options.get("environment"):
            facts.note("No running process of the project was seen: it was imported with our own environment.")
        return facts

    def presence(self) -> None:
        """The servers that run the project are services of their own."""


def discover(_tools: HostTools) -> list[dict[str, t.Any]]:
    """None: importing a project may do anything, so it is done where the user names one."""
    return []


COLLECTOR = Collector(
    service="django",
    options=OPTIONS,
    sampler=DjangoSampler,
    discover=discover,
    places=("chdir",),
    access=("chdir", "virtualenv", "settings"),
)
