# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether anyone feels a cause: the visitors of its site by their own checks, or the tasks of a queue."""

from __future__ import annotations

import typing as t

from .._fleet.nodes import Key
from .._fleet.observed import Instance
from .cause import Cause
from .cause_kind import SUFFERED
from .extent import keys_of
from .fleet_view import Fleet

#: Checks that say that visitors are well. Whether a page got slow is known by what they are used to: without a baseline nobody knows.
WELL = ("visitors_response_time", "visitors_slower", "visitors_errors", "visitors_new_client_errors")
#: Checks of which a warning is enough to say that they are not.
SUFFER = (*WELL, "visitors_client_errors", "visitors_connections_wait", "visitors_probes", "visitors_probes_time")
#: Connections that wait for a thread or a worker; every one of them is a visitor's, or holds one up.
QUEUES = ("thread_queue", "listen_queue", "sessions_dropped")
#: Instances of either side that are compared.
MOST = 20


def felt(group: t.Sequence[Cause], fleet: Fleet) -> t.Optional[bool]:
    """Whether visitors or tasks feel a cause and its consequences: False when its visitors are known to be well, else None."""
    if any(cause.cause in SUFFERED for cause in group):
        return True
    sites = [site for site in fleet.instances("visitors") if any(_may_be_visitors_of(site, cause, fleet) for cause in group)]
    if any(fleet.shown(site, *SUFFER, least="warn") or any(site.number(queue) for queue in QUEUES) for site in sites):
        return True
    return False if sites and all(_are_well(site, fleet) for site in sites) else None


def _are_well(site: Instance, fleet: Fleet) -> bool:
    queues = ["listen_queue", *(["thread_queue"] if site.facts.get("accelerators") else [])]
    return all(fleet.status(site, check) == "ok" for check in WELL) and all(site.number(queue) == 0 for queue in queues)


def _may_be_visitors_of(site: Instance, cause: Cause, fleet: Fleet) -> bool:
    """Unless it is known that they have nothing to do with each other."""
    listed = site.facts.get("of")
    theirs = (
        [t.cast(Key, tuple(str(text).split("/", 2))) for text in listed if str(text).count("/") >= 2] if isinstance(listed, list) else []
    )
    own = keys_of(cause, fleet)
    return not own or not theirs or any(fleet.graph.apart(one, other) is not True for one in own[:MOST] for other in theirs[:MOST])
