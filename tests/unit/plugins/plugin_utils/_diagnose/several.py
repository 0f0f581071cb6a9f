# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Several sites in one inventory: synthetic fleets with their sockets, each with a disaster of its own, put side by side."""

from __future__ import annotations

import copy
import json
import typing as t

from .world import World, fact, instance


def talks(*addresses: str, total: t.Optional[int] = None) -> dict[str, t.Any]:
    rows = [{"address": address, "connections": 4} for address in addresses]
    return {"talks_to": rows, "talks_to_total": len(rows) if total is None else total}


def at(number: int, place: int) -> str:
    return f"10.{number}.0.{place}"


class Site(World):
    """A world of its own addresses, all of whose sockets could be read: Varnish → uWSGI → PostgreSQL, memcached and a Redis."""

    def __init__(self, number: int = 1) -> None:
        super().__init__()
        self.number = number
        self.places = {"web1": 10, "db1": 30, "cache1": 40, **{f"app{each}": 20 + each for each in range(1, 5)}}
        self.facts["app1"]["launch_celery"] = fact(instance("shop", broker={"name": "redis://q1", "transport": "redis", "port": 6379}))
        self.facts["app1"]["launch_memcached"] = fact(instance("127.0.0.1:11211", address="127.0.0.1:11211", evicting=[]))
        self.facts["cache1"] = {"launch_redis": fact(instance("10.0.0.5:6379"))}

    def connect(self) -> None:
        """Add the sockets: after the disaster, which may bring instances of its own."""
        for view in self.shared.get("launch_celery_queue", {}).get("instances", []):
            view["broker"] = {**view.get("broker", {}), "name": "redis://q1", "transport": "redis", "port": 6379}
        broker = f"{at(self.number, 40)}:6379"
        database, cache = f"{at(self.number, 30)}:5432", f"{at(self.number, 21)}:11211"
        down = self.of("db1", "postgresql")["state"] == "down"
        node = f"{at(self.number, 30)}:3306" if "launch_mysql" in self.facts["db1"] else None
        pooler = f"{at(self.number, 30)}:6432" if "launch_pgbouncer" in self.facts["db1"] else None
        used = [place for place in (None if down else database, node, pooler, cache, broker) if place]
        for host, place in self.places.items():
            network = {"net_namespace": {"name": f"k{self.number}{place}-1", "addresses": [at(self.number, place)]}}
            for service in ("varnish", "uwsgi", "celery", "memcached", "redis", "pgbouncer", "postgresql", "mysql"):
                for each in self.facts[host].get(f"launch_{service}", {}).get("instances", []):
                    each.update(network)
                    each.update(self.sockets(service, used, broker))
                    if each.get("state") == "down":
                        each.update(dict.fromkeys(("talks_to", "talks_to_total", "net_namespace", "listens")))

    def sockets(self, service: str, used: list[str], broker: str) -> dict[str, t.Any]:
        applications = [f"{at(self.number, 20 + each)}:8000" for each in range(1, 5)]
        return {
            "varnish": {"listens": ["0.0.0.0:80"], **talks(*applications)},
            "uwsgi": {"listens": ["0.0.0.0:8000", "127.0.0.1:1717"], **talks(*used, "203.0.113.9:443")},
            "celery": {"listens": [], **talks(*[place for place in used if not place.endswith(":11211")])},
            "memcached": {"listens": ["0.0.0.0:11211"], **talks()},
            "redis": {"listens": ["0.0.0.0:6379"], **talks()},
            "mysql": {"listens": ["0.0.0.0:3306"], **talks()},
            "pgbouncer": {"listens": ["0.0.0.0:6432"], **talks(*[place for place in used if place.endswith(":5432")])},
            "postgresql": {"listens": ["0.0.0.0:5432", "unix:/run/postgresql/.s.PGSQL.5432"], **talks()},
        }[service]


def renamed(site: Site, prefix: str) -> Site:
    """The same site with other names: of its hosts, and of what exists once."""
    result = Site(site.number)
    names = {host: prefix + host for host in site.places}
    shared = {f"launch_{service}": names_of for service, names_of in _views(prefix).items()}

    def other(value: t.Any) -> t.Any:
        if isinstance(value, dict):
            return {key: other(item) for key, item in value.items()}
        if isinstance(value, list):
            return [other(item) for item in value]
        return names.get(value, value) if isinstance(value, str) else value

    result.facts = {names[host]: other(facts) for host, facts in copy.deepcopy(site.facts).items()}
    result.shared = other(copy.deepcopy(site.shared))
    renames: dict[str, str] = {}
    for key, view in result.shared.items():
        for each in view["instances"]:
            renames[each["name"]] = shared.get(key, each["name"]) if key != "launch_siblings" else each["name"]
            each["name"] = renames[each["name"]]
    result.findings = [other(finding) for finding in site.findings]
    for finding in result.findings:
        if finding["host"] == "fleet":
            finding["instance"] = renames.get(finding["instance"], finding["instance"])
    result.places = {names[host]: place for host, place in site.places.items()}
    return result


def _views(prefix: str) -> dict[str, str]:
    return {
        "celery_queue": f"redis://q1 on {prefix}app1",
        "memcached_pool": f"default of {prefix}app1",
        "accelerator_bypass": f"uwsgi of {prefix}app1",
        "database_clients": f"{prefix}db1 5432",
    }


def together(*sites: Site) -> World:
    """One inventory with all of them."""
    world = World()
    world.facts = {host: facts for site in sites for host, facts in site.facts.items()}
    world.findings = [finding for site in sites for finding in site.findings]
    world.shared = {}
    for site in sites:
        for key, view in site.shared.items():
            world.shared.setdefault(key, {"schema": 1, "instances": []})["instances"] += view["instances"]
    return world


def troubled(disaster: str, number: int, prefix: str) -> Site:
    site = Site(number)
    if disaster:
        getattr(site, disaster)()
    site.connect()
    return renamed(site, prefix)


def words(cause: dict[str, t.Any]) -> str:
    return json.dumps({key: value for key, value in cause.items() if key != "hosts"})
