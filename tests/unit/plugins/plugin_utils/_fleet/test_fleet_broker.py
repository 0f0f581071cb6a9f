# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each broker once, however many hosts reported it."""

from __future__ import annotations

import typing as t

from ansible_collections.warroom.launch.plugins.plugin_utils._fleet.broker import brokers
from ansible_collections.warroom.launch.plugins.plugin_utils._fleet.fleet_instances import told_apart


def report(identity: str = "redis abc/0", **facts: t.Any) -> dict[str, t.Any]:
    usual = {
        "name": "shop",
        "state": "up",
        "window": 5.0,
        "broker": {"identity": identity, "name": "redis://queue1:6379/0"},
        "workers_replied": 2,
        "finished": 10,
        "queues": [{"name": "celery", "ready": 1, "consumers": 2}],
        "queues_total": 1,
        "unconsumed": [],
        "unconsumed_total": 0,
        "worst": {"name": "celery", "grows_always": False},
        "local": {"processes": 1},
        "unknown": {"local.answering_ratio": "x", "unacked": "y"},
    }
    return {"facts": {"launch_celery": {"schema": 1, "instances": [{**usual, **facts}]}}}


def test_one_instance_per_broker_by_its_own_name() -> None:
    found = brokers(
        {"web1": report(), "web2": report(), "web3": report(broker={"identity": "redis def/0", "name": "redis://queue2:6379/0"})}
    )
    assert [one["hosts"] for one in found] == [["web1", "web2"], ["web3"]]
    assert found[0]["name"] == "redis://queue1:6379/0" and found[0]["state"] == "up"
    assert "local" not in found[0] and set(found[0]["unknown"]) == {"unacked", "addable.workers"}, "what is a host's own is judged there"


def test_the_report_that_knows_most_wins() -> None:
    found = brokers(
        {"web1": report(workers_replied=None), "web2": report(workers_replied=3), "web3": report(window=None, workers_replied=9)}
    )
    assert found[0]["workers_replied"] == 3


def test_queues_that_only_another_host_knows_are_added() -> None:
    mail = {"name": "mail", "ready": 40, "consumers": 0, "grows_always": True, "growth_per_second": 3.0}
    typo = {"name": "typo", "ready": None, "problem": "no such queue"}
    found = brokers({"web1": report(), "web2": report(workers_replied=1, queues=[mail, typo])})[0]
    assert [row["name"] for row in found["queues"]] == ["celery", "mail"] and found["queues_total"] == 2
    assert found["unconsumed"] == [{"name": "mail", "ready": 40}] and found["unconsumed_total"] == 1 and found["worst"] == mail


def server(cores: float, memory: int) -> dict[str, t.Any]:
    return {"schema": 1, "instances": [{"name": "host", "state": "up", "headroom": {"cpu_cores": cores, "ram_bytes": memory}}]}


def test_room_for_more_workers_is_that_of_the_hosts_that_run_them() -> None:
    size = 100_000_000
    hosts = {name: report(workers=[{"name": "w", "memory_peak_bytes": size}]) for name in ("web1", "web2", "web3")}
    hosts["web3"]["facts"]["launch_celery"]["instances"][0]["local"] = {"processes": 0}
    for name, (cores, memory) in {"web1": (3.9, 10 * size), "web2": (8.0, 2 * size), "web3": (64.0, 64 * size)}.items():
        hosts[name]["facts"]["launch_server"] = server(cores, memory)
    found = brokers(hosts)[0]["addable"]
    assert found["workers"] == 3 + 2 and found["limit"] == "memory"
    assert [(row["name"], row["workers"], row["limit"]) for row in found["hosts"]] == [("web1", 3, "CPU"), ("web2", 2, "memory")]


def test_room_is_unknown_when_no_host_was_measured() -> None:
    found = brokers({"web1": report()})[0]
    assert found["addable"]["workers"] is None and found["unknown"]["addable.workers"]


def test_the_down_are_left_to_their_host_and_nonsense_is_passed_over() -> None:
    assert brokers({"a": report(state="down"), "b": {"facts": {"launch_celery": {"instances": [5]}}}, "c": None, "d": {}}) == []
    assert brokers({"a": {"launch_celery": {"instances": [{"name": "x", "state": "up"}]}}})[0]["name"] == "x"


def test_i8_two_brokers_of_one_address_keep_their_findings_apart() -> None:
    """The loopback of two hosts: both were called the same, and one's findings overwrote the other's."""
    local = {"name": "redis://127.0.0.1:6379/0"}
    hosts = {host: report(broker={**local, "identity": f"redis {host}/0"}) for host in ("web1", "web2")}
    named = [broker["name"] for broker in told_apart(brokers(hosts))]
    assert named == ["redis://127.0.0.1:6379/0 on web1", "redis://127.0.0.1:6379/0 on web2"]
    alone = {"web1": hosts["web1"]}
    assert [broker["name"] for broker in brokers(alone)] == ["redis://127.0.0.1:6379/0"]
