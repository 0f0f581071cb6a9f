# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hosts of a run and how each is reached: what makes a printed command complete and says where it runs."""

from __future__ import annotations

import dataclasses
import typing as t

from . import access
from .asked import Ask
from .command_line import UNKNOWN, CommandLine
from .quoting import Line, Untypable, words
from .way import Way

HERE = Way("localhost", connection="local")


@dataclasses.dataclass(frozen=True)
class Reach:
    """`ways`: connection settings by host; `run`: what makes an ad hoc command see and reach what the run did."""

    ways: t.Mapping[str, Way] = dataclasses.field(default_factory=dict)
    run: CommandLine = UNKNOWN

    def way(self, host: t.Optional[str]) -> Way:
        """None is the control node. A host without settings is reached as ssh's own configuration says."""
        return HERE if host is None else self.ways.get(host) or Way(host)

    def access(self, host: t.Optional[str], tool: str, instance: t.Mapping[str, t.Any]) -> access.Access:
        """How this tool reaches the instance on the host. Raises Untypable when the facts do not say."""
        return access.of(tool, instance, self.way(host))

    def ad_hoc(self, host: str, module: str, *more: str) -> Line:
        """An ad hoc command against the host, from the control node. Raises Untypable when an argument must not be printed."""
        # the run's own flags may say it already
        said = [argument for argument in more if not (argument == "--become" and "-b" in self.run.flags)]
        return Line(words("ansible", *self.run.ansible, host, "-m", module, *said))

    def again(self, become: bool = False) -> t.Optional[Line]:
        """What starts this run of a playbook again, also as root; None when it cannot be told."""
        try:
            return Line(words("ansible-playbook", *self.run.again(become))) if self.run.playbook else None
        except Untypable:
            return None

    def asking(self, asks: t.Iterable[Ask]) -> t.Optional[Line]:
        """What starts this run again and has it ask for options; None when it cannot be told."""
        return dataclasses.replace(self, run=self.run.asking(asks)).again()

    def playbook(self, name: str, hosts: str, *more: str) -> Line:
        """Another playbook of the collection against the hosts (a pattern), as this run reaches them. Raises Untypable."""
        return Line(words("ansible-playbook", *self.run.ansible, name, f"--limit={hosts}", *more))

    def inventory(self) -> Line:
        """What lists the hosts of the inventory."""
        return Line(words("ansible-inventory", *self.run.inventory, "--graph"))


#: Nothing is known of how hosts are reached.
NOWHERE = Reach()
