# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Traffic around the accelerator where requests are not counted: by who is connected to the application."""

from __future__ import annotations

import copy
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._checks import catalogue
from ansible_collections.warroom.launch.plugins.plugin_utils._fleet.fleet_instances import fleet_facts, fleet_findings
from ansible_collections.warroom.launch.plugins.plugin_utils._fleet.graph import Graph

CHECKS = catalogue.Catalogue([entry for entry in catalogue.load() if entry["service"] == "accelerator_bypass"]).checks()
CHECK = "accelerator_bypass_clients"
Facts = dict[str, t.Any]
VARNISH, NGINX, OTHER = "10.0.0.1", "10.0.0.2", "198.51.100.7"


def instance(name: str, listens: list[str], talks: dict[str, int], clients: t.Optional[dict[str, int]] = None, **more: t.Any) -> Facts:
    def rows(counted: dict[str, int]) -> list[Facts]:
        return [{"address": address, "connections": count} for address, count in counted.items()]

    return {
        "name": name,
        "state": "up",
        "address": listens[0],
        "port": int(listens[0].rpartition(":")[2]),
        "listens": listens,
        "talks_to": rows(talks),
        "talks_to_total": len(talks),
        "clients_from": None if clients is None else rows(clients),
        "clients_from_total": None if clients is None else len(clients),
        "unknown": {},
        **more,
    }


def fleet(clients: t.Optional[dict[str, int]], app: str = "10.0.0.3", **talks: dict[str, int]) -> dict[str, t.Any]:
    """Varnish on web1, Gunicorn on app1, and nginx on web2; each talks to whom it is told."""
    varnish = instance("default", ["0.0.0.0:80"], talks.get("varnish", {f"{app}:8000": 4}), {}, backend_requests_per_second=20.0)
    nginx = instance("nginx", ["0.0.0.0:81"], talks.get("nginx", {}), {})
    gunicorn = instance("shop", ["0.0.0.0:8000"], {}, clients)
    places = {"web1": (VARNISH, {"varnish": varnish}), "web2": (NGINX, {"nginx": nginx}), "app1": (app, {"wsgi": gunicorn})}
    found: dict[str, t.Any] = {}
    for host, (address, services) in places.items():
        facts = {f"launch_{service}": {"schema": 1, "instances": [each]} for service, each in services.items()}
        for each in services.values():
            each["net_namespace"] = {"name": f"k-{address}", "addresses": [address]}
        entry = found.setdefault(host, {"reached": True, "facts": {}, "addresses": [host, address]})
        entry["facts"].update(facts)
    return found


def judged(hosts: dict[str, t.Any]) -> Facts:
    facts = fleet_facts(hosts, {"groups": {}, "addresses": {}}, Graph(hosts))
    return next((dict(each) for each in fleet_findings(facts, CHECKS, "during", {}) if each["check"] == CHECK), {"status": None})


@pytest.mark.parametrize(
    ("clients", "status"),
    [
        ({VARNISH: 40}, "ok"),
        ({VARNISH: 40, OTHER: 5}, "ok"),
        ({OTHER: 5}, "ok"),  # health checks
        ({VARNISH: 12, OTHER: 8}, "warn"),
        ({VARNISH: 4, OTHER: 30}, "fail"),
        ({}, "ok"),
        ({"unix": 30, "127.0.0.1": 3}, "ok"),  # somebody on its own host that nobody knows
    ],
)
def test_the_share_of_clients_that_are_no_accelerator(clients: dict[str, int], status: str) -> None:
    assert judged(fleet(clients))["status"] == status


def test_who_they_are_is_said_and_on_which_host() -> None:
    found = judged(fleet({VARNISH: 4, NGINX: 9, OTHER: 20}, nginx={"10.0.0.3:8000": 9}))
    assert found["evidence"] == [
        {"address": OTHER, "host": None, "connections": 20},
        {"address": NGINX, "host": "web2", "connections": 9},
    ]
    assert "29 of the 33 connections" in found["finding"] and "sport = :8000" in found["look"]


def test_a_proxy_between_the_accelerator_and_the_application_is_the_way() -> None:
    chain = {"varnish": {f"{NGINX}:81": 30}, "nginx": {"10.0.0.3:8000": 30}}
    assert judged(fleet({NGINX: 30}, **chain))["status"] == "ok"
    assert judged(fleet({NGINX: 30}, nginx={"10.0.0.3:8000": 30}))["status"] == "fail", "nothing leads from Varnish to it"


def test_another_program_on_the_accelerators_host_is_told_by_its_own_connections() -> None:
    hosts = fleet({VARNISH: 30}, nginx={"10.0.0.3:8000": 26})
    moved = hosts.pop("web2")["facts"]["launch_nginx"]
    moved["instances"][0]["net_namespace"] = {"name": f"k-{VARNISH}", "addresses": [VARNISH]}
    hosts["web1"]["facts"]["launch_nginx"] = moved
    found = judged(hosts)
    assert found["status"] == "fail" and found["evidence"][0]["address"] == "web1/nginx/nginx"


def test_what_was_not_read_is_unknown_and_nothing_is_alleged() -> None:
    assert judged(fleet(None))["status"] == "unknown"
    hosts = fleet({VARNISH: 4, OTHER: 30})
    hosts["web3"] = {"reached": False, "facts": {}}
    found = judged(hosts)
    assert found["status"] == "unknown" and "not counted everywhere: web3" in found["reason"]
    quiet = copy.deepcopy(hosts)
    quiet["app1"]["facts"]["launch_wsgi"]["instances"][0]["clients_from"] = [{"address": VARNISH, "connections": 40}]
    assert judged(quiet)["status"] == "ok", "nothing is left that another accelerator could have sent"


def test_without_an_accelerator_there_is_nothing_to_judge() -> None:
    hosts = fleet({OTHER: 30})
    del hosts["web1"]
    assert judged(hosts)["status"] is None
