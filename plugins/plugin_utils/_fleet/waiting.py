# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the busy workers of an instance wait for, as their host saw it: the addresses made into instances of the fleet, or left outside."""

from __future__ import annotations

import typing as t

from .graph import Graph
from .nodes import Key
from .observed import Instance

#: Looks at busy workers below which a share says nothing.
ENOUGH = 5
#: Up to this part of the looks may be unknown before nothing is concluded from the rest.
MOST_UNKNOWN = 0.5


class Outside(t.NamedTuple):
    """An address where no instance of the check listens: its share of the looks, and the page or task that waits for it most."""

    address: str
    share: float
    work: str


class Waits(t.NamedTuple):
    """Shares of the looks, from 0 to 1."""

    samples: int
    on: dict[Key, float]
    outside: list[Outside]
    #: `cpu`, `disk`, `lock`, `sleep`, `client`, `other`, `unknown`.
    kinds: dict[str, float]
    graph: Graph
    tier: str

    def share_of(self, key: Key) -> t.Optional[float]:
        """The part that waits for this instance, directly or through a proxy. None when what is unknown may be such as well."""
        direct = sum(share for target, share in self.on.items() if key == target or key in self.graph.behind(target))
        hidden = sum(row.share for row in self.outside if self.graph.may_hide(row.address, key[1], self.tier))
        return None if self.kinds["unknown"] + hidden > MOST_UNKNOWN else direct


KINDS = ("cpu", "disk", "lock", "sleep", "client", "other", "unknown")


def waits_of(instance: Instance, graph: Graph) -> t.Optional[Waits]:
    """None when nobody could look, or too seldom."""
    samples = instance.number("waits.samples")
    if samples is None or samples < ENOUGH:
        return None
    on: dict[Key, float] = {}
    outside: list[Outside] = []
    listed = instance.part("waits").get("edges")
    for row in Instance(instance.host, instance.service, {"rows": listed}).rows("rows"):
        targets = graph.ends_at(instance.key, row.word("address"))
        if targets:
            on[targets[0]] = on.get(targets[0], 0.0) + row.amount("share_ratio")
        else:
            outside.append(Outside(row.word("address"), row.amount("share_ratio"), row.word("work")))
    kinds = {kind: instance.number(f"waits.{kind}_ratio") or 0.0 for kind in KINDS}
    node = graph.nodes.get(instance.key)
    return Waits(int(samples), on, outside, kinds, graph, "" if node is None else node.tier)
