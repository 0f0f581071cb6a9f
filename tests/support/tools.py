# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fetch layer's surroundings for tests: commands answered from memory, processes from a list."""

from __future__ import annotations

import os
import subprocess
import typing as t

from ansible_collections.warroom.launch.plugins.module_utils._collect.command import Ran
from ansible_collections.warroom.launch.plugins.module_utils._collect.facts import Facts
from ansible_collections.warroom.launch.plugins.module_utils._collect.host_tools import HostTools
from ansible_collections.warroom.launch.plugins.module_utils._collect.problem import Problem
from ansible_collections.warroom.launch.plugins.module_utils._linux.processes import Processes


class FakeCommands:
    """Answers by program name: bytes, a Ran, an exception, or a list of these for successive calls."""

    def __init__(self) -> None:
        self.answers: dict[str, t.Any] = {}
        self.asked: list[list[str]] = []

    def which(self, name: str) -> t.Optional[str]:
        return f"/usr/bin/{name}" if name in self.answers else None

    def run(self, argv: t.Sequence[str], seconds: float, **_options: t.Any) -> Ran:
        self.asked.append(list(argv))
        if argv[0] not in self.answers:
            raise Problem(f"{argv[0]} is not installed on this host, or not on PATH")
        answer = self.answers[argv[0]]
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        if callable(answer):
            answer = answer(list(argv))
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, Ran) else Ran(0, answer, b"")


class RealCommands:
    """The command runner's contract without AnsibleModule, for integration tests of fetch layers."""

    def which(self, name: str) -> t.Optional[str]:
        for folder in [*os.environ["PATH"].split(os.pathsep), "/usr/sbin", "/sbin"]:
            if os.access(os.path.join(folder, name), os.X_OK):
                return os.path.join(folder, name)
        return None

    def run(self, argv: t.Sequence[str], seconds: float, handed: t.Sequence[int] = (), on_start: t.Any = None) -> Ran:
        path = self.which(argv[0])
        if path is None:
            raise Problem(f"{argv[0]} is not installed on this host, or not on PATH")
        command = ["timeout", "-k", "1", str(seconds), path, *argv[1:]]
        env = {**os.environ, "LC_ALL": "C"}
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env, pass_fds=tuple(handed)) as process:
            if on_start:
                on_start(process)
            out, err = process.communicate()
        return Ran(process.returncode, out, err, process.returncode in (124, 137, -9))


def tools_with(commands: t.Any, **settings: t.Any) -> HostTools:
    """HostTools over these commands with an empty process table."""
    return HostTools(commands, _processes=Processes([], False), **settings)


def measures_of(put: t.Callable[..., t.Any], *arguments: t.Any) -> dict[str, t.Any]:
    """What a part of a collector's shape (`put(facts, …)`) puts into its facts."""
    facts = Facts()
    put(facts, *arguments)
    return facts.done()
