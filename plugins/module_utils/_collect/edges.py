# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where each instance listens and whom it talks to, put into its facts: in one look over all of them, when the window has passed."""

from __future__ import annotations

import re
import typing as t

from .._linux import addresses, connections
from .._linux.connections import Edges
from .._texts.redact import clean
from .base import Presence, Sampler
from .facts import Facts, Maybe, Unknown
from .host_tools import HostTools
from .problem import fault

#: Rows of a list. More than the usual ten: an edge that is left out is one that nobody knows of.
KEEP = 25

BECOME = "read it as root (become: true), or as the user that it runs as"
ELSEWHERE = "its processes are not among those that can be seen on this host (another host, a container): run the check where they run"
GONE = "its processes ended while they were looked at: ask again"


def put(jobs: t.Sequence[tuple[Facts, Sampler]], tools: HostTools) -> None:
    """Fill in `listens`, `talks_to`, `clients_from` and `net_namespace` of every instance that is a service of its own."""
    here = [(facts, presence) for facts, sampler in jobs if (presence := _presence(sampler)) is not None]
    try:
        looked = connections.look([presence.pids for _facts, presence in here])
    except Exception as error:  # pylint: disable=broad-exception-caught # a strange /proc costs the edges, not the facts
        looked = [Edges(partial=f"could not make sense of the sockets: {fault(error)}") for _each in here]
    for (facts, presence), edges in zip(here, looked):
        _put(facts, presence, edges)


def _presence(sampler: Sampler) -> t.Optional[Presence]:
    try:
        return sampler.presence()
    except Exception:  # pylint: disable=broad-exception-caught # it was never read far enough to know
        return Presence()


def _put(facts: Facts, presence: Presence, edges: Edges) -> None:
    why = _why_unread(presence, edges)
    partial = why or _why_partial(edges)
    talks_partial = partial or presence.partial
    listens = sorted(edges.listens) if why is None else sorted({_address(place) for place in presence.listens})
    facts.put("listens", Unknown(partial) if partial and not listens else [clean(place, 120) for place in listens[:KEEP]])
    talks = dict.fromkeys(_not_connected(presence, edges), Unknown(why) if why else 0)
    _rows(facts, "talks_to", {**dict(edges.talks_to.most_common()), **talks}, why if not talks else None, talks_partial)
    _rows(facts, "clients_from", dict(edges.clients.most_common()), why, partial)
    facts.put("net_namespace", {"name": edges.network, "addresses": edges.addresses} if edges.network else Unknown(why or _SEVERAL))


_SEVERAL = "its processes are in several network namespaces"


def _rows(facts: Facts, name: str, counted: t.Mapping[str, Maybe[int]], why: t.Optional[str], partial: t.Optional[str]) -> None:
    rows = [{"address": clean(address, 120), "connections": count} for address, count in list(counted.items())[:KEEP]]
    facts.put(name, Unknown(why) if why else rows)
    facts.put(f"{name}_total", Unknown(partial) if partial else len(counted))


def _not_connected(presence: Presence, edges: Edges) -> list[str]:
    """Whom it talks to by its configuration and has no connection to. A name may be that of any address with its port."""
    ports = {address.rpartition(":")[2] for address in edges.talks_to}
    named = [_address(place) for place in presence.talks_to]
    return [place for place in named if place not in edges.talks_to and (_is_numeric(place) or place.rpartition(":")[2] not in ports)]


def _is_numeric(place: str) -> bool:
    return place.startswith((connections.UNIX, "[")) or place.rpartition(":")[0].replace(".", "").isdigit()


def _why_unread(presence: Presence, edges: Edges) -> t.Optional[str]:
    """Why nothing of its sockets is known; None when something is."""
    if not presence.pids:
        return edges.partial or ELSEWHERE
    if edges.read:
        return None
    if edges.hidden:
        return f"the open files of its processes may not be read: {BECOME}"
    return edges.partial or GONE


def _why_partial(edges: Edges) -> t.Optional[str]:
    if edges.hidden:
        return f"the open files of {edges.hidden} of its {edges.processes} processes may not be read: {BECOME}"
    return edges.partial


#: A UNIX socket: its path, or its name where it is abstract. HAProxy says the family of another address before it.
_FORM = re.compile(r"(?:unix[:@])?/+(?P<path>.*)|(?:unix:|abns)?@(?P<name>.*)", re.DOTALL)
_FAMILY = re.compile(r"ipv[46]@")


def _address(place: str) -> str:
    """A place as options and configurations write it, in the form of the kernel's: `unix:///x`, `unix@/x` and `/x` are one socket."""
    found = _FORM.match(place)
    if found is not None:
        return connections.UNIX + (f"@{found['name']}" if found["name"] else "/" + found["path"])
    place = _FAMILY.sub("", place)
    host, colon, port = place.rpartition(":")
    host = host.strip("[]")
    return addresses.with_port({"": "0.0.0.0", "localhost": "127.0.0.1"}.get(host, host), port) if colon else place
