# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether anyone feels a cause: the visitors of its site by their own checks, or the tasks of a queue."""

from __future__ import annotations

import functools
import typing as t

from .._fleet.nodes import Key
from .._fleet.observed import Instance
from .cause import Cause
from .cause_kind import SUFFERED
from .extent import Extent, extent, keys_of
from .fleet_view import Fleet
from .nearby import Nearby

#: Checks that say that visitors are well. Whether a page got slow is known by what they are used to: without a baseline nobody knows.
WELL = ("visitors_response_time", "visitors_slower", "visitors_errors", "visitors_new_client_errors")
#: Checks of which a warning is enough to say that they are not.
SUFFER = (*WELL, "visitors_client_errors", "visitors_connections_wait", "visitors_probes", "visitors_probes_time")
#: Connections that wait for a thread or a worker; every one of them is a visitor's, or holds one up.
QUEUES = ("thread_queue", "listen_queue", "sessions_dropped")
#: Instances of either side that are compared.
MOST = 20


class Visitors:
    """The visitors of each site."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet

    def feel(self, group: t.Sequence[Cause]) -> t.Optional[bool]:
        """Whether visitors or tasks feel a cause and its consequences: False when its visitors are known to be well, else None."""
        if any(cause.cause in SUFFERED for cause in group):
            return True
        fleet = self._fleet
        # all, unless it is known that they have nothing to do with it
        sites = [site for cause in group for site in self._by_place.of(_extent(keys_of(cause, fleet), fleet))]
        if any(fleet.shown(site, *SUFFER, least="warn") or any(site.number(queue) for queue in QUEUES) for site in sites):
            return True
        return False if sites and all(_are_well(site, fleet) for site in sites) else None

    @functools.cached_property
    def _by_place(self) -> Nearby[Instance]:
        found: Nearby[Instance] = Nearby(self._fleet)
        for site in self._fleet.instances("visitors"):
            found.add(_extent(_keys(site), self._fleet), site)
        return found


def _extent(keys: t.Sequence[Key], fleet: Fleet) -> Extent:
    return extent(keys[:MOST], (), fleet)


def _are_well(site: Instance, fleet: Fleet) -> bool:
    queues = ["listen_queue", *(["thread_queue"] if site.facts.get("accelerators") else [])]
    return all(fleet.status(site, check) == "ok" for check in WELL) and all(site.number(queue) == 0 for queue in queues)


def _keys(site: Instance) -> list[Key]:
    listed = site.facts.get("of")
    parts = [str(text).split("/", 2) for text in listed] if isinstance(listed, list) else []
    return [(part[0], part[1], part[2]) for part in parts if len(part) == 3]
