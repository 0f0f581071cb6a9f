# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an act is: it looks, it acts when its guards hold, it takes back what it did."""

from __future__ import annotations

import dataclasses
import typing as t

from .._collect.host_tools import HostTools
from .._collect.problem import Problem
from .guard import Guard


class Refused(Problem):
    """The act was not done. The text is one sentence that says why."""


@dataclasses.dataclass(frozen=True)
class Target:
    """Where the act is to be done: the options of one instance, and what of it the act is about."""

    options: dict[str, t.Any]
    tools: HostTools
    about: dict[str, t.Any]
    #: What the fleet shows at this moment, and no host alone can see.
    readings: dict[str, t.Any] = dataclasses.field(default_factory=dict)

    @property
    def timeout(self) -> float:
        return self.tools.timeout

    def number(self, name: str) -> int:
        """A whole number of `about`; nothing else may get into a statement as a number."""
        value = self.about.get(name)
        if isinstance(value, bool) or not isinstance(value, int):
            raise Refused(f"the plan has no number for {name}")
        return value

    def word(self, name: str) -> str:
        value = self.about.get(name)
        if not isinstance(value, str) or not value:
            raise Refused(f"the plan has no text for {name}")
        return value


@dataclasses.dataclass
class Looked:
    """What a look at the target gave. `commands`: exactly what would run; `undo`: what would take it back, None when nothing can."""

    identity: dict[str, t.Any]
    values: dict[str, t.Any]
    commands: list[str]
    cost: str
    undo: t.Optional[str] = None


@dataclasses.dataclass
class Done:
    """What was done, in a sentence, and what `undo` needs to take it back."""

    says: str
    state: dict[str, t.Any] = dataclasses.field(default_factory=dict)


class Act:
    """One kind of act. A subclass reads in `look`, changes in `run` and takes back in `undo`, each in a session of its own.

    `look` changes nothing. `run` reads the guards again in the session in which it acts, and raises Refused when one is broken or
    the target is another than the plan's. `undo` may come at any moment, also when `run` never came to act: it then does nothing.
    """

    #: Guards that must hold.
    guards: t.ClassVar[tuple[Guard, ...]] = ()
    #: Whether a timer takes it back until its effect is verified. An act that cannot be taken back has none.
    has_undo: t.ClassVar[bool] = True
    #: Whether it ends after some minutes even when its effect was verified.
    ends: t.ClassVar[bool] = False

    #: Whether what it did is there after a restart of the machine, which ends the timer. Most acts change a running process only.
    survives_restart: t.ClassVar[bool] = False

    #: Whether it may take minutes: it is looked at meanwhile, says how far it is where it can, and its timer counts from the last look.
    takes_long: t.ClassVar[bool] = False

    def __init__(self, target: Target) -> None:
        self.target = target

    def look(self) -> Looked:
        raise NotImplementedError

    def state_before(self, looked: Looked) -> dict[str, t.Any]:
        """What `undo` needs, known before anything is changed: the timer is armed with it."""
        return {}

    def run(self, identity: t.Mapping[str, t.Any], limits: t.Mapping[str, t.Any]) -> Done:
        raise NotImplementedError

    def undo(self, state: t.Mapping[str, t.Any]) -> str:
        raise NotImplementedError

    def progress(self) -> t.Optional[str]:
        """How far the act is that another process is doing, in a sentence; None when it cannot be told."""
        return None

    def holds_timer(self) -> t.Optional[str]:
        """Why this host cannot hold the timer that takes the act back; None when it can."""
        return None
