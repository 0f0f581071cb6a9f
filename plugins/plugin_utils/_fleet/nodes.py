# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The instances of the fleet as nodes: where each listens, whom it talks to, and how much of that is known."""

from __future__ import annotations

import dataclasses
import typing as t

from ...module_utils._collectors.registry import MACHINES
from .._checks.services import FLEET_HOST, GATHERED, TIERS, instances_in
from .observed import Data, Hosts, Instance

#: Host, service, name.
Key = tuple[str, str, str]

#: Services that are nodes: those of a tier, each once (the traffic through Varnish is Varnish's).
SERVICES = tuple(row.name for row in GATHERED.values() if row.tier != MACHINES and row.under is None)
#: Tiers whose instances wait for others. Others only answer, proxies among them excepted.
TALKERS = ("edge", "accelerator", "application", "queue")
#: What in `kind` makes an instance a proxy, and services that are nothing else: behind them may be anything.
PROXIES, PROXY_SERVICES = ("proxy",), ("pgbouncer",)
UNIX = "unix:"
ANY = ("0.0.0.0", "::")


class Place(t.NamedTuple):
    """An address in parts: IP address or name, and port; a UNIX socket has no port."""

    host: str
    port: t.Optional[str]

    @classmethod
    def of(cls, address: str) -> Place:
        if address.startswith(UNIX):
            return cls(address[len(UNIX) :], None)
        if address.startswith(("/", "@")):
            return cls(address, None)
        host, _colon, port = address.rpartition(":")
        return cls(host.strip("[]"), port)

    @property
    def is_name(self) -> bool:
        return self.port is not None and ":" not in self.host and not self.host.replace(".", "").isdigit()

    @property
    def is_loopback(self) -> bool:
        return self.host.startswith("127.") or self.host in ("::1", "localhost")


@dataclasses.dataclass(frozen=True)
class Talk:
    """An address that an instance talks to; `connections` is None where they could not be counted."""

    address: str
    connections: t.Optional[int]


@dataclasses.dataclass(eq=False)
class Node:
    """One instance. Each is itself only: nodes are compared often."""

    key: Key
    tier: str
    listens: list[Place]
    talks: list[Talk]
    #: None when everything that it talks to is known, else why not.
    why_unknown: t.Optional[str]
    network: t.Optional[str]
    addresses: frozenset[str]
    is_talker: bool

    @property
    def host(self) -> str:
        return self.key[0]

    @property
    def service(self) -> str:
        return self.key[1]

    def is_near(self, other: Node) -> bool:
        """Whether both have one loopback interface."""
        if self.network is None or other.network is None:
            return self.host == other.host
        return self.network == other.network

    def listens_at(self, place: Place, exactly: bool = False) -> bool:
        if place.port is None:
            return place in self.listens
        same_port = [own for own in self.listens if own.port == place.port]
        return any(own.host == place.host or (not exactly and own.host in (*ANY, "localhost")) for own in same_port)


def nodes(hosts: Hosts) -> dict[Key, Node]:
    """Every instance of a tier, whatever its state. A host's entry is its facts, or a record that has them under `facts`."""
    found: dict[Key, Node] = {}
    for host, entry in hosts.items():
        facts = entry.get("facts", entry) if isinstance(entry, dict) else {}
        if host == FLEET_HOST or not isinstance(facts, dict):
            continue
        for service in SERVICES:
            for instance in instances_in(facts, service):
                node = _node(Instance(host, service, instance), addresses_of(entry))
                found[node.key] = node
    return found


def addresses_of(entry: t.Any) -> frozenset[str]:
    """What the host is called by others."""
    return frozenset(_texts(entry.get("addresses"))) if isinstance(entry, dict) else frozenset()


def _texts(value: t.Any) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _node(instance: Instance, host_addresses: frozenset[str]) -> Node:
    network = instance.part("net_namespace")
    name, own = network.get("name"), frozenset(_texts(network.get("addresses")))
    places = [Place.of(address) for address in _texts(instance.facts.get("listens"))]
    tier = TIERS[instance.service]
    rows = instance.rows("talks_to")
    count = instance.number
    talks = [Talk(row.word("address"), None if row.number("connections") is None else int(row.amount("connections"))) for row in rows]
    total = count("talks_to_total")
    return Node(
        key=instance.key,
        tier=tier,
        listens=places or _told(instance),
        talks=talks,
        why_unknown=None if total is not None and total <= len(rows) else _why(instance.facts, total, len(rows)),
        network=name if isinstance(name, str) else None,
        addresses=own if isinstance(name, str) else host_addresses,
        is_talker=tier in TALKERS or instance.facts.get("kind") in PROXIES or instance.service in PROXY_SERVICES,
    )


def _why(facts: Data, total: t.Optional[float], listed: int) -> str:
    if total is not None:
        return f"only {listed} of the {int(total)} addresses that it talks to are listed"
    unknown = facts.get("unknown")
    said = (unknown.get("talks_to_total") or unknown.get("talks_to")) if isinstance(unknown, dict) else None
    state = facts.get("state")
    return str(said) if said else f"it is {state}" if state != "up" else "whom it talks to was not read"


def _told(instance: Instance) -> list[Place]:
    """Where it listens by the options that reach it, when its facts do not say."""
    access = instance.part("access")
    places = [instance.facts.get("address"), instance.name]
    places += [f"{access.get('login_host') or '127.0.0.1'}:{access['login_port']}"] if access.get("login_port") else []
    texts = [place for place in places if isinstance(place, str) and (place.startswith(("/", "@")) or place.rpartition(":")[2].isdigit())]
    return list(dict.fromkeys(map(Place.of, texts)))
