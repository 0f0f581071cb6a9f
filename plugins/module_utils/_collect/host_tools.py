# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a sampler may use of the host: commands, the process table, its secrets. One per module run."""

from __future__ import annotations

import dataclasses
import os
import typing as t

from .._linux.processes import Process, Processes
from .._texts import redact
from . import silence
from .command import Commands
from .problem import Problem
from .stacks import Allowance

#: The option that holds the pid of a process whose address is a guess.
GUESSED = "_guessed"


@dataclasses.dataclass
class HostTools:
    """Handed to every sampler. `timeout`: seconds that one answer may take; `top`: rows of a list to keep."""

    commands: Commands
    timeout: float = 5.0
    top: int = 10
    secrets: set[str] = dataclasses.field(default_factory=set)
    stacks: Allowance = dataclasses.field(default_factory=Allowance)
    _processes: t.Optional[Processes] = None

    @property
    def processes(self) -> Processes:
        """The process table as it was at its first use in this run."""
        if self._processes is None:
            self._processes = Processes.read()
        return self._processes

    def named(self, *names: str) -> list[Process]:
        return self.processes.named(*names)

    def guessed(self, process: Process) -> dict[str, int]:
        """Options of an instance whose address is a guess: the process is another user's, who may hide where it listens."""
        hidden = os.geteuid() not in (0, process.uid) and not self.processes.listening(process.pid)
        return {GUESSED: process.pid} if hidden else {}

    def hide(self, value: str) -> str:
        """`value` without any secret that was given to the module, as one clean line."""
        return redact.clean(redact.hide(value, self.secrets), 400)

    def sentence(self, problem: Problem) -> str:
        """What to say of a source beside the instance's own: with what is known better of a peer that did not answer."""
        return self.hide(str(silence.explained(problem, self.timeout)))
