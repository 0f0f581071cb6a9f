# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host that is far from the median of the hosts that run the same."""

from __future__ import annotations

import typing as t

from .._fleet.observed import Instance
from .cause import Cause
from .fleet_view import Fleet


def outlier(fleet: Fleet) -> t.Iterator[Cause]:
    for view, _finding in fleet.each_bad("siblings", "siblings_alike", least="warn"):
        for row in view.rows("outliers"):
            service, host, name = (str(row.get(key)) for key in ("service", "host", "name"))
            yield Cause(
                tier=service,
                hosts=[host],
                statement=(
                    f"{Instance(host, service, {'name': name})} differs from its {row.get('siblings')} siblings: {row.get('measure')} "
                    f"{row.amount('value'):.2f}, their median is {row.amount('median'):.2f}."
                ),
                evidence=[],
                first_fix="Compare its configuration and version with a sibling's; take it out of the load balancer if visitors suffer.",
                avoid="Do not change the whole tier for one host.",
                look=fleet.command(Instance(host, "server", {}), "htop"),
                rows=[row],
            )
