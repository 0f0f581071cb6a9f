# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hosts of a run and how each is reached: what makes a printed command complete and says where it runs."""

from __future__ import annotations

import dataclasses
import typing as t

from . import access
from .quoting import Line, words
from .way import Way

HERE = Way("localhost", connection="local")


@dataclasses.dataclass(frozen=True)
class Reach:
    """`ways`: connection settings by host; `ansible`: arguments that make an ad hoc command see the run's own inventory."""

    ways: t.Mapping[str, Way] = dataclasses.field(default_factory=dict)
    ansible: tuple[str, ...] = ()

    def way(self, host: t.Optional[str]) -> Way:
        """None is the control node. A host without settings is reached as ssh's own configuration says."""
        return HERE if host is None else self.ways.get(host) or Way(host)

    def access(self, host: t.Optional[str], tool: str, instance: t.Mapping[str, t.Any]) -> access.Access:
        """How this tool reaches the instance on the host. Raises Untypable when the facts do not say."""
        return access.of(tool, instance, self.way(host))

    def ad_hoc(self, host: str, module: str, *more: str) -> Line:
        """An ad hoc command against the host, from the control node."""
        return Line(words("ansible", *self.ansible, host, "-m", module, *more))


#: Nothing is known of how hosts are reached.
NOWHERE = Reach()
