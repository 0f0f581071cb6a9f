# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fleets in trouble of any size, of different topologies: for what is to be asked of each."""

from __future__ import annotations

import copy
import functools
import typing as t

from ansible_collections.warroom.launch.plugins.plugin_utils._checks.services import GATHERED
from ansible_collections.warroom.launch.plugins.plugin_utils._judge.pipeline import Asked
from tests.support.check_cases import cases
from tests.support.facts import facts, instance

PORTS = {
    "varnish": 80, "nginx": 8080, "haproxy": 8081, "uwsgi": 8000, "wsgi": 8001, "memcached": 11211, "redis": 6379, "rabbitmq": 5672,
    "celery": 8002, "pgbouncer": 6432, "postgresql": 5432, "mysql": 3306,
}  # fmt: skip
BUSY = {"kind": "app", "busy_ratio": 0.97, "requests": 500, "workers": {"busy": 2, "active": 2, "total": 2}, "mean_response_seconds": 0.5}
FULL = {"connections": {"used": 97, "usable": 97, "active": 5}, "connections_ratio": 1.0}


def address(at: int) -> str:
    return f"10.{at >> 16}.{at >> 8 & 255}.{at & 255}"


def there(at: int, service: str) -> str:
    return f"{address(at)}:{PORTS[service]}"


def local(service: str) -> str:
    return f"127.0.0.1:{PORTS[service]}"


def talks(*addresses: str) -> dict[str, t.Any]:
    return {"talks_to": [{"address": each, "connections": 2} for each in addresses], "talks_to_total": len(addresses)}


def waits(*addresses: str) -> dict[str, t.Any]:
    share = {"samples": 30, "share_ratio": 0.8 / len(addresses), "work": "GET /", "round_trip_seconds": 0.03}
    rows = [{"address": each, **share} for each in addresses]
    return {"waits": {"samples": 40, "edges": rows, "edges_total": len(rows), "unknown_ratio": 0.0}}


def client(at: int) -> dict[str, t.Any]:
    return {"address": address(at), "user": "shop", "sessions": 3}


def host(at: int, **services: dict[str, t.Any]) -> Asked:
    """A host whose sockets were read; each service with its measures."""
    network = {"net_namespace": {"name": f"k{at}-1", "addresses": [address(at)]}}
    sockets = {service: {**network, "listens": [f"0.0.0.0:{PORTS[service]}"], **talks()} for service in services if service in PORTS}
    given = {service: [instance(f"{service}1", **{**sockets.get(service, {}), **measures})] for service, measures in services.items()}
    return Asked(f"h{at}", facts(**given), addresses=[address(at)])


def database_on_each_host(size: int) -> list[Asked]:
    """Each host is a site."""
    workers = {**BUSY, **talks(local("postgresql")), **waits(local("postgresql"))}
    return [host(at, varnish=talks(local("uwsgi")), uwsgi=workers, postgresql=FULL) for at in range(size)]


def nobody_knows_who_uses_which(size: int) -> list[Asked]:
    """A database on each host, and no socket or session that tells; every second application is at its limit."""
    rows = [{"text": "SELECT 1", "kind": "read"}]
    return [
        Asked(
            f"h{at}",
            facts(
                uwsgi=[instance("u", **{**BUSY, "busy_ratio": 0.97 * (at % 2)})],
                postgresql=[instance("p", statements=rows, clients=[], **(FULL if at % 4 else {}))],
            ),
        )
        for at in range(size)
    ]


def one_database(size: int) -> list[Asked]:
    workers = {**BUSY, **talks(there(0, "postgresql")), **waits(there(0, "postgresql"))}
    database = host(0, postgresql={**FULL, "clients": [client(at) for at in range(2, size)]})
    front = host(1, varnish=talks(*(there(at, "uwsgi") for at in range(2, size))))
    return [database, front, *(host(at, uwsgi=workers) for at in range(2, size))]


def every_client_of_every_cache(size: int) -> list[Asked]:
    caches = [there(at, "memcached") for at in range(4)]
    servers = [host(at, memcached={"operations_per_second": 50.0, "operations": 5000}) for at in range(4)]
    return [*servers, *(host(at, uwsgi={**BUSY, **talks(*caches), **waits(*caches)}) for at in range(4, size))]


def ring_of_caches(size: int) -> list[Asked]:
    """Each host is a client of the caches of the next two: one site, whose edges are a long chain."""
    return [
        host(
            at,
            uwsgi={**BUSY, **talks(*(there((at + step) % size, "memcached") for step in (1, 2)))},
            memcached={"evictions_per_second": 50.0},
        )
        for at in range(size)
    ]


def many_sites(size: int) -> list[Asked]:
    """Of four hosts each."""
    made = []
    for at in range(0, size, 4):
        database, cache, outside = there(at + 3, "postgresql"), there(at + 2, "memcached"), "203.0.113.9:443"
        made += [
            host(at, varnish=talks(there(at + 1, "uwsgi"))),
            host(at + 1, uwsgi={**BUSY, **talks(database, cache, outside), **waits(database)}),
            host(at + 2, memcached={}),
            host(at + 3, postgresql={**FULL, "clients": [client(at + 1)]}),
        ]
    return made


def all_databases_down(size: int) -> list[Asked]:
    """On each host, whose workers wait for something outside of the fleet."""
    gone = {"state": "down", "problem": "refused", "talks_to": None, "talks_to_total": None}
    outside = [f"198.51.{at >> 8}.{at & 255}:9999" for at in range(size)]
    return [host(at, uwsgi={**BUSY, **talks(outside[at]), **waits(outside[at])}, postgresql=gone) for at in range(size)]


@functools.cache
def failing(service: str) -> dict[str, t.Any]:
    """The measures of the cases in which the checks of the service fail, all in one instance."""
    found: dict[str, t.Any] = {}
    for case in cases():
        if case.state == "fail" and case.phase == "during" and case.compiled().service == service:
            found.update(case.facts)
    return found


def everything_fails(size: int) -> list[Asked]:
    """Each host has every service, and each of these fails its checks."""
    behind = {
        "nginx": "varnish", "haproxy": "varnish", "varnish": "uwsgi", "uwsgi": "pgbouncer", "wsgi": "mysql", "celery": "redis",
        "pgbouncer": "postgresql",
    }  # fmt: skip
    given = {
        service: {**failing(service), **(talks(*([local(behind[service])] if service in behind else [])) if service in PORTS else {})}
        for service in GATHERED
    }
    return [host(at, **copy.deepcopy(given)) for at in range(size)]


def everything_fails_unread(size: int) -> list[Asked]:
    """Likewise, and no socket could be read."""
    made = everything_fails(size)
    for measures in (each for asked in made for fact in asked.facts.values() for each in fact["instances"]):
        for name in ("talks_to", "talks_to_total", "net_namespace", "listens"):
            measures.pop(name, None)
    return made


SHAPES: dict[str, t.Callable[[int], list[Asked]]] = {
    shape.__name__: shape
    for shape in (
        database_on_each_host, nobody_knows_who_uses_which, one_database, every_client_of_every_cache, ring_of_caches, many_sites,
        all_databases_down, everything_fails, everything_fails_unread,
    )
}  # fmt: skip
