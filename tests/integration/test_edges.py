# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who talks to whom, of real servers of every tier in one gathering: each end names the other."""

from __future__ import annotations

import contextlib
import types
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect.options import instances_of
from ansible_collections.warroom.launch.plugins.module_utils._collect.run import gather
from ansible_collections.warroom.launch.plugins.module_utils._collectors.registry import collector
from ansible_collections.warroom.launch.plugins.module_utils._linux.processes import Processes
from ansible_collections.warroom.launch.plugins.plugin_utils._fleet.graph import Graph
from tests.support.celery import Worker
from tests.support.memcached import Memcached
from tests.support.mysql import MariaDB
from tests.support.postgresql import Postgres
from tests.support.redis import Redis
from tests.support.tools import RealCommands, tools_with
from tests.support.uwsgi import Uwsgi
from tests.support.varnish import Varnish

#: Each worker holds these connections, as a framework with persistent connections does.
CLIENTS = """
import socket
kept = []
for place in {places!r}:
    one = socket.socket(socket.AF_UNIX if isinstance(place, str) else socket.AF_INET)
    one.connect(place)
    kept.append(one)
"""
PROCESSES = 3


class Application(Uwsgi):
    def __init__(self, places: t.Sequence[t.Any]) -> None:
        super().__init__("lazy-apps = true", "import = clients", processes=PROCESSES)
        self.places = list(places)

    def prepare(self) -> None:
        super().prepare()
        (self.dir / "clients.py").write_text(CLIENTS.format(places=self.places))


@pytest.fixture(scope="module")
def gathered() -> t.Iterator[tuple[types.SimpleNamespace, dict[str, dict[str, t.Any]]]]:
    with contextlib.ExitStack() as stack:
        start = stack.enter_context
        memcached, postgresql, mysql, redis = start(Memcached()), start(Postgres()), start(MariaDB()), start(Redis())
        database = f"{postgresql.dir}/.s.PGSQL.{postgresql.port}"
        uwsgi = start(Application([("127.0.0.1", memcached.port), database, mysql.socket, ("127.0.0.1", redis.port)]))
        start(Worker(redis.url))
        varnish = start(Varnish(uwsgi))  # type: ignore[arg-type]
        varnish.get("/")
        servers = types.SimpleNamespace(memcached=memcached, database=database, mysql=mysql, redis=redis, uwsgi=uwsgi, varnish=varnish)
        wanted = {
            "memcached": {"address": memcached.address},
            "postgresql": postgresql.place,
            "mysql": {"login_unix_socket": mysql.socket, "login_user": "root"},
            "uwsgi": {"stats": uwsgi.stats},
            "celery": {"broker_url": redis.url},
            "varnish": {"instance": varnish.instance},
        }
        jobs = [(collector(service), instances_of(collector(service), [options], {})[0]) for service, options in wanted.items()]  # type: ignore[index]
        tools = tools_with(RealCommands())
        tools._processes = Processes.read()
        facts = gather(jobs, 0.0, tools)
        yield servers, {service: facts[collector(service).key]["instances"][0] for service in wanted}


def test_both_ends_join_to_one_site(gathered: t.Any) -> None:
    _servers, facts = gathered
    graph = Graph({"here": {"facts": {f"launch_{service}": {"instances": [instance]} for service, instance in facts.items()}}})
    found = {(edge.source[1], edge.target[1]) for edge in graph.edges}
    behind = {("uwsgi", service) for service in ("memcached", "postgresql", "mysql", "redis")}
    assert found == {("varnish", "uwsgi"), ("celery", "redis"), *behind} and len(set(graph.sites.values())) == 1


def told(facts: dict[str, t.Any], name: str) -> dict[str, int]:
    assert facts["state"] == "up", facts["problem"]
    return {row["address"]: row["connections"] for row in facts[name]}


def test_the_application_talks_to_what_its_workers_are_connected_to(gathered: t.Any) -> None:
    servers, facts = gathered
    places = (
        f"127.0.0.1:{servers.memcached.port}",
        f"unix:{servers.database}",
        f"unix:{servers.mysql.socket}",
        f"127.0.0.1:{servers.redis.port}",
    )
    assert told(facts["uwsgi"], "talks_to") == dict.fromkeys(places, PROCESSES)
    assert facts["uwsgi"]["talks_to_total"] == len(places)


def test_the_accelerator_talks_to_the_application(gathered: t.Any) -> None:
    servers, facts = gathered
    assert f"127.0.0.1:{servers.uwsgi.port}" in told(facts["varnish"], "talks_to"), "by its VCL: these connections do not stay open"
    assert f"127.0.0.1:{servers.varnish.port}" in facts["varnish"]["listens"]


def test_the_worker_talks_to_its_broker(gathered: t.Any) -> None:
    servers, facts = gathered
    assert set(told(facts["celery"], "talks_to")) == {f"127.0.0.1:{servers.redis.port}"}


@pytest.mark.parametrize("service", ["memcached", "postgresql", "mysql"])
def test_a_server_listens_where_its_clients_go(gathered: t.Any, service: str) -> None:
    servers, facts = gathered
    where = {
        "memcached": f"127.0.0.1:{servers.memcached.port}",
        "postgresql": f"unix:{servers.database}",
        "mysql": f"unix:{servers.mysql.socket}",
    }[service]
    assert where in facts[service]["listens"]
    come_from = "127.0.0.1" if service == "memcached" else "unix"
    assert told(facts[service], "clients_from") == {come_from: PROCESSES}, "our own connections have been closed, and are nobody's"


def test_all_are_in_one_network(gathered: t.Any) -> None:
    _servers, facts = gathered
    assert len({instance["net_namespace"]["name"] for instance in facts.values()}) == 1
