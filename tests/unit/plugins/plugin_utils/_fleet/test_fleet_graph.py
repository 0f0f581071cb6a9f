# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Both ends of every connection become an edge; what cannot be joined for certain is outside, or unknown, and joins nothing."""

from __future__ import annotations

import copy
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._fleet.accelerator_bypass import traffic
from ansible_collections.warroom.launch.plugins.plugin_utils._fleet.graph import Graph
from ansible_collections.warroom.launch.plugins.plugin_utils._fleet.memcached_pool import pools
from ansible_collections.warroom.launch.plugins.plugin_utils._fleet.siblings import alike

Facts = dict[str, t.Any]


def service(
    name: str,
    listens: t.Sequence[str] = (),
    talks_to: t.Optional[t.Sequence[str]] = (),
    network: t.Optional[str] = "",
    addresses: t.Sequence[str] = (),
    **measures: t.Any,
) -> Facts:
    """An instance; `network` "" is that of its host, None is unknown."""
    rows = None if talks_to is None else [{"address": address, "connections": 2} for address in talks_to]
    return {
        "name": name,
        "state": "up",
        "listens": list(listens),
        "talks_to": rows,
        "talks_to_total": None if rows is None else len(rows),
        "net_namespace": None if network is None else {"name": network, "addresses": list(addresses)},
        "unknown": {"talks_to": "not root", "talks_to_total": "not root"} if rows is None else {},
        **measures,
    }


def fleet(**hosts: tuple[str, dict[str, list[Facts]]]) -> dict[str, t.Any]:
    """Host → (its address, service → instances)."""
    found = {}
    for place, (host, (address, services)) in enumerate(hosts.items()):
        for instances in services.values():
            for each in instances:
                if each["net_namespace"] == {"name": "", "addresses": []}:
                    each["net_namespace"] = {"name": f"k{place}-1", "addresses": [address]}
        facts = {f"launch_{name}": {"schema": 1, "instances": instances} for name, instances in services.items()}
        found[host] = {"facts": facts, "addresses": [host, address]}
    return found


def edges(graph: Graph) -> set[tuple[str, str]]:
    return {("/".join(edge.source), "/".join(edge.target)) for edge in graph.edges}


APP = "app1/uwsgi/u"


@pytest.mark.parametrize(
    ("listens", "talks"),
    [
        ("0.0.0.0:5432", "10.0.0.2:5432"),
        ("[::]:5432", "10.0.0.2:5432"),
        ("10.0.0.2:5432", "10.0.0.2:5432"),
        ("0.0.0.0:5432", "db1:5432"),
    ],
)
def test_an_address_of_another_host(listens: str, talks: str) -> None:
    graph = Graph(
        fleet(
            app1=("10.0.0.1", {"uwsgi": [service("u", ["0.0.0.0:5432"], [talks])]}),
            db1=("10.0.0.2", {"postgresql": [service("p", [listens])]}),
        )
    )
    assert edges(graph) == {(APP, "db1/postgresql/p")} and not graph.outside and not graph.unknown
    assert graph.depends(("app1", "uwsgi", "u"), ("db1", "postgresql", "p")) is True
    assert graph.as_dict()["edges"] == [{"source": APP, "target": "db1/postgresql/p", "address": talks, "connections": 2}]


@pytest.mark.parametrize("address", ["127.0.0.1:6379", "[::1]:6379", "unix:/run/p.sock", "unix:@p"])
def test_what_is_on_a_host_is_that_hosts_own(address: str) -> None:
    listens = [address] if address.startswith("unix:") else [address.replace("127.0.0.1", "0.0.0.0").replace("[::1]", "[::]")]
    both = {"uwsgi": [service("u", [], [address])], "postgresql": [service("p", listens)]}
    graph = Graph(fleet(app1=("10.0.0.1", copy.deepcopy(both)), app2=("10.0.0.2", copy.deepcopy(both))))
    assert edges(graph) == {("app1/uwsgi/u", "app1/postgresql/p"), ("app2/uwsgi/u", "app2/postgresql/p")}
    assert graph.apart(("app1", "uwsgi", "u"), ("app2", "postgresql", "p")) is True
    assert len(set(graph.sites.values())) == 2


def test_hosts_of_the_inventory_that_are_one_machine_share_its_loopback() -> None:
    same = {"network": "k9-1", "addresses": ["10.0.0.1"]}
    graph = Graph(
        fleet(
            app1=("10.0.0.1", {"uwsgi": [service("u", [], ["127.0.0.1:5432"], **same)]}),
            db1=("10.0.0.1", {"postgresql": [service("p", ["127.0.0.1:5432"], **same)]}),
        )
    )
    assert edges(graph) == {(APP, "db1/postgresql/p")}


def test_containers_of_two_hosts_with_one_private_address() -> None:
    def stack(kernel: str) -> dict[str, list[Facts]]:
        return {
            "uwsgi": [service("u", [], ["172.17.0.3:5432"], network=f"{kernel}-7", addresses=["172.17.0.2"])],
            "postgresql": [service("p", ["0.0.0.0:5432"], network=f"{kernel}-8", addresses=["172.17.0.3"])],
        }

    graph = Graph(fleet(app1=("10.0.0.1", stack("ka")), app2=("10.0.0.2", stack("kb"))))
    assert edges(graph) == {("app1/uwsgi/u", "app1/postgresql/p"), ("app2/uwsgi/u", "app2/postgresql/p")}


def test_an_address_of_several_machines_is_no_edge() -> None:
    """Such as a virtual address, or what every private network has: then nothing is known, and nothing is apart."""
    doubled = {"network": "", "addresses": []}
    graph = Graph(
        fleet(
            app1=("10.0.0.1", {"uwsgi": [service("u", [], ["10.0.2.15:5432"])]}),
            db1=("10.0.2.15", {"postgresql": [service("p", ["0.0.0.0:5432"], **doubled)]}),
            db2=("10.0.2.15", {"postgresql": [service("p", ["0.0.0.0:5432"], **doubled)]}),
        )
    )
    assert not graph.edges and "10.0.2.15 is an address of several: db1, db2" in graph.unknown[("app1", "uwsgi", "u")]
    assert graph.apart(("app1", "uwsgi", "u"), ("db1", "postgresql", "p")) is None


def test_a_server_read_from_hosts_where_it_does_not_run() -> None:
    remote = service("10.0.0.9:11211", ["10.0.0.9:11211"], None, network=None)
    application = {"uwsgi": [service("u", [], ["10.0.0.9:11211"])], "memcached": [dict(remote)]}
    graph = Graph(fleet(app1=("10.0.0.1", application)))
    assert edges(graph) == {(APP, "app1/memcached/10.0.0.9:11211")}


def test_outside_of_the_fleet_joins_nothing() -> None:
    def site(number: int) -> dict[str, list[Facts]]:
        return {"uwsgi": [service("u", [], ["203.0.113.9:443", "10.0.0.3:9200", f"127.0.0.1:{number}"])]}

    hosts = fleet(app1=("10.0.0.1", site(7001)), app2=("10.0.0.2", site(7002)), logs=("10.0.0.3", {}))
    graph = Graph(hosts)
    outside = graph.as_dict()["outside"]
    assert not graph.sites and not graph.edges
    assert {"address": "203.0.113.9:443", "host": None, "connections": 4, "sources": ["app1/uwsgi/u", "app2/uwsgi/u"]} in outside
    assert [row["host"] for row in outside if row["address"] == "10.0.0.3:9200"] == ["logs"]
    assert [row["host"] for row in outside if row["address"] == "127.0.0.1:7001"] == ["app1"]


@pytest.mark.parametrize(
    ("address", "hides"),
    [("10.9.9.9:6033", True), ("10.9.9.9:5432", True), ("10.9.9.9:6379", False), ("203.0.113.9:443", False), ("127.0.0.1:6432", True)],
)
def test_what_may_lead_to_a_database(address: str, hides: bool) -> None:
    """A proxy, another name of it: not a port of another protocol."""
    graph = Graph(
        fleet(
            app1=("10.0.0.1", {"uwsgi": [service("u", [], [address, "127.0.0.1:11211"])], "memcached": [service("m", ["0.0.0.0:11211"])]}),
            app2=("10.0.0.2", {"uwsgi": [service("u", [], ["10.0.0.3:5432"])]}),
            db1=("10.0.0.3", {"postgresql": [service("p", ["0.0.0.0:5432"])]}),
        )
    )
    assert graph.depends(("app1", "uwsgi", "u"), ("db1", "postgresql", "p")) is (None if hides else False)
    assert graph.apart(("app1", "uwsgi", "u"), ("db1", "postgresql", "p")) is (None if hides else True)


def test_what_is_connected_to_nothing_may_need_anything() -> None:
    """An application without visitors has no connections."""
    graph = Graph(
        fleet(
            app1=("10.0.0.1", {"uwsgi": [service("u", ["0.0.0.0:8000"])]}),
            app2=("10.0.0.2", {"uwsgi": [service("u", [], ["10.0.0.3:5432"])]}),
            db1=("10.0.0.3", {"postgresql": [service("p", ["0.0.0.0:5432"])]}),
        )
    )
    assert graph.apart(("app1", "uwsgi", "u"), ("db1", "postgresql", "p")) is None
    assert graph.grouped([("app1", "uwsgi", "u"), ("app2", "uwsgi", "u")]) is None


def test_a_pooler_between() -> None:
    pooler = service("pgbouncer 6432", ["0.0.0.0:6432"], ["10.0.0.3:5432"], kind="pgbouncer")
    hosts = fleet(
        app1=("10.0.0.1", {"uwsgi": [service("u", [], ["127.0.0.1:6432"])], "pgbouncer": [pooler]}),
        db1=("10.0.0.3", {"postgresql": [service("p", ["0.0.0.0:5432"])]}),
    )
    graph = Graph(hosts)
    assert graph.depends(("app1", "uwsgi", "u"), ("db1", "postgresql", "p")) is True
    pooler.update(talks_to=None, talks_to_total=None)
    assert Graph(hosts).depends(("app1", "uwsgi", "u"), ("db1", "postgresql", "p")) is None


def test_what_may_not_be_read_is_unknown_with_its_reason() -> None:
    database = {"postgresql": [service("p", ["0.0.0.0:5432"])]}
    hidden = Graph(fleet(app1=("10.0.0.1", {"uwsgi": [service("u", [], None)]}), db1=("10.0.0.2", database)))
    assert hidden.as_dict()["unknown"] == [{"node": APP, "reason": "not root"}]
    assert hidden.depends(("app1", "uwsgi", "u"), ("db1", "postgresql", "p")) is None
    cut = service("u", [], ["10.0.0.9:443"])
    cut["talks_to_total"] = 40
    graph = Graph(fleet(app1=("10.0.0.1", {"uwsgi": [cut]}), db1=("10.0.0.2", database)))
    assert "only 1 of the 40 addresses" in graph.unknown[("app1", "uwsgi", "u")]
    assert graph.grouped([("app1", "uwsgi", "u"), ("db1", "postgresql", "p")]) is None


def test_who_needs_a_server_that_is_down() -> None:
    """Nothing is connected to it: not those that have another one, where somebody has none."""

    def hosts(second: list[str]) -> dict[str, t.Any]:
        down = {**service("10.0.0.9:5432", [], None, network=None), "state": "down"}
        return fleet(
            app1=("10.0.0.1", {"uwsgi": [service("u", [], ["10.0.0.3:5432"])]}),
            app2=("10.0.0.2", {"uwsgi": [service("u", [], second)]}),
            db1=("10.0.0.3", {"postgresql": [service("p", ["0.0.0.0:5432"])]}),
            db2=("10.0.0.9", {"postgresql": [down]}),
        )

    lost = ("db2", "postgresql", "10.0.0.9:5432")
    graph = Graph(hosts([]))
    assert [graph.depends((host, "uwsgi", "u"), lost) for host in ("app1", "app2")] == [False, None]
    graph = Graph(hosts(["10.0.0.3:5432"]))
    assert [graph.depends((host, "uwsgi", "u"), lost) for host in ("app1", "app2")] == [None, None]


def test_a_broker_that_no_collector_reads_joins_its_application_and_workers() -> None:
    broker = {"transport": "redis", "host": "10.0.0.3", "port": 6379}
    hosts = fleet(
        app1=("10.0.0.1", {"uwsgi": [service("u", [], ["10.0.0.3:6379"])]}),
        work1=("10.0.0.2", {"celery": [service("c", [], ["10.0.0.3:6379"], broker=broker)]}),
        queue1=("10.0.0.3", {}),
    )
    graph = Graph(hosts)
    assert edges(graph) == {(APP, "queue1/redis/10.0.0.3:6379"), ("work1/celery/c", "queue1/redis/10.0.0.3:6379")}
    assert len(set(graph.sites.values())) == 1
    # one outside of the inventory may be everybody's
    del hosts["queue1"]
    assert not Graph(hosts).edges


def test_brokers_on_the_loopback_of_two_hosts_are_two() -> None:
    def stack() -> dict[str, list[Facts]]:
        broker = {"transport": "redis", "host": "127.0.0.1", "port": 6379, "name": "redis://127.0.0.1:6379/0"}
        return {"uwsgi": [service("u", [], ["127.0.0.1:6379"])], "celery": [service("c", [], ["127.0.0.1:6379"], broker=broker)]}

    graph = Graph(fleet(app1=("10.0.0.1", stack()), app2=("10.0.0.2", stack())))
    assert {target for _source, target in edges(graph)} == {"app1/redis/127.0.0.1:6379", "app2/redis/127.0.0.1:6379"}
    assert len(set(graph.sites.values())) == 2


STRANGE: list[t.Any] = [None, 5, "x", [], {}, [5], [{"address": 5, "connections": "x"}], {"name": 5, "addresses": 5}, [None], -1]


@pytest.mark.parametrize("name", ["listens", "talks_to", "talks_to_total", "net_namespace", "broker", "access", "unknown", "kind"])
@pytest.mark.parametrize("value", STRANGE, ids=repr)
def test_strange_facts_cost_edges_only(name: str, value: t.Any) -> None:
    hosts = fleet(
        app1=("10.0.0.1", {"uwsgi": [service("u", [], ["10.0.0.2:5432"])], "celery": [service("c", [], ["10.0.0.2:5432"])]}),
        db1=("10.0.0.2", {"postgresql": [service("p", ["0.0.0.0:5432"])]}),
    )
    for kind in ("uwsgi", "celery"):
        hosts["app1"]["facts"][f"launch_{kind}"]["instances"][0][name] = value
    graph = Graph(hosts)
    graph.as_dict()
    assert graph.grouped(graph.nodes) is None or graph.nodes


def two_sites(**measures: t.Any) -> dict[str, t.Any]:
    """web → app → memcached, twice."""

    def application(number: int, cache: t.Sequence[str]) -> dict[str, list[Facts]]:
        rate = {"requests_per_second": 100.0 if number == 1 else 40.0}
        return {"uwsgi": [service("u", ["0.0.0.0:8000"], cache, **rate)]}

    def cache(rate: float) -> dict[str, list[Facts]]:
        at_work = {"operations_per_second": rate, "operations": rate * 5, "window": 5.0, "address": "127.0.0.1:11211", "kind": "server"}
        return {"memcached": [service("127.0.0.1:11211", ["0.0.0.0:11211"], **at_work, **measures)]}

    accelerator = service("v", ["0.0.0.0:80"], ["10.0.0.2:8000"], backend_requests_per_second=100.0)
    return fleet(
        web1=("10.0.0.1", {"varnish": [accelerator]}),
        app1=("10.0.0.2", application(1, ["10.0.0.4:11211", "10.0.0.5:11211"])),
        app2=("10.0.0.3", application(2, ["10.0.0.6:11211"])),
        cache1=("10.0.0.4", cache(900.0)),
        cache2=("10.0.0.5", cache(880.0)),
        cache3=("10.0.0.6", cache(5.0)),
    )


def test_a_pool_is_what_one_sites_applications_talk_to() -> None:
    hosts = two_sites()
    (whole,) = pools(hosts)
    assert whole["idle_names"] == "cache3 127.0.0.1:11211", "without edges all caches of the inventory are one pool"
    first, second = pools(hosts, Graph(hosts))
    assert (first["name"], first["servers_total"], first["idle"], first["cause"]) == ("default of app1", 2, [], None)
    assert (second["name"], second["servers_total"]) == ("default of app2", 1)


def test_a_server_of_one_site_that_gets_nothing_is_still_of_its_pool() -> None:
    hosts = two_sites()
    hosts["app1"]["facts"]["launch_uwsgi"]["instances"][0]["talks_to"][1]["address"] = "10.0.0.4:11212"
    del hosts["app2"]
    del hosts["cache3"]
    hosts["cache2"]["facts"]["launch_memcached"]["instances"][0].update(operations_per_second=0.0, operations=0)
    (pool,) = pools(hosts, Graph(hosts))
    assert pool["name"] == "default" and pool["idle"] == ["cache2 127.0.0.1:11211"]


def test_a_site_without_an_accelerator_does_not_bypass_another_ones() -> None:
    hosts = two_sites()
    assert [view["around_per_second"] for view in traffic(hosts)] == [40.0]
    assert [(view["name"], view["around_per_second"], view["accelerators"]) for view in traffic(hosts, Graph(hosts))] == [
        ("uwsgi", 0.0, ["web1"])
    ]


def test_only_hosts_of_one_site_are_siblings() -> None:
    hosts: dict[str, t.Any] = {}
    for number in range(8):
        address, cache = f"10.0.0.{number}", f"10.0.1.{number // 4}:11211"
        seconds = {"mean_response_seconds": 0.1 if number < 4 else 1.5}
        hosts.update(
            fleet(
                **{
                    f"app{number}": (
                        address,
                        {"uwsgi": [service("u", [], [cache], network=f"k{number}-1", addresses=[address], **seconds)]},
                    )
                }
            )
        )
    for number in range(2):
        address = f"10.0.1.{number}"
        caches = [service("m", ["0.0.0.0:11211"], network=f"c{number}-1", addresses=[address])]
        hosts.update(fleet(**{f"cache{number}": (address, {"memcached": caches})}))
    hosts["app0"]["facts"]["launch_uwsgi"]["instances"][0]["mean_response_seconds"] = 1.5
    (view,) = alike(hosts, Graph(hosts))
    assert [(row["host"], row["siblings"]) for row in view["outliers"]] == [("app0", 3)]
