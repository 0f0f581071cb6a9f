# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Causes at the edge: its own limits, servers behind it that fail or are slow, and a balance that is none. What is deeper explains them."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collectors.nginx import error_log
from ansible_collections.warroom.launch.plugins.plugin_utils._diagnose import edge

from .made_facts import fact, instance, server
from .world import World

UPSTREAMS = [
    {"name": "10.0.0.7:8000", "group": "app", "attempts": 190, "share_ratio": 0.95, "failed": 0, "failed_ratio": 0.0,
     "errors": 0, "p95_seconds": 4.1},
    {"name": "10.0.0.8:8000", "group": "app", "attempts": 10, "share_ratio": 0.05, "failed": 9, "failed_ratio": 0.9,
     "errors": 0, "p95_seconds": 0.1},
]  # fmt: skip
SERVERS = [
    {"name": "app2", "backend": "app", "address": "10.0.0.8:8000", "state": "down", "check": "L4CON", "weight": 1, "requests": 10,
     "connection_errors": 6, "response_errors": 0, "retries": 2, "redispatches": 1, "response_seconds": None},
    {"name": "app1", "backend": "app", "address": "10.0.0.7:8000", "state": "up", "check": "L7OK", "weight": 1, "requests": 190,
     "connection_errors": 0, "response_errors": 0, "retries": 0, "redispatches": 0, "response_seconds": 4.1},
]  # fmt: skip


def world_with(service: str, **measures: t.Any) -> World:
    world = World()
    rows = {"upstreams": UPSTREAMS} if service == "nginx" else {"servers": SERVERS}
    world.facts["lb1"] = {
        "launch_server": server("lb1"),
        f"launch_{service}": fact(instance("0.0.0.0:443", listens=["0.0.0.0:443"], talks_to=[], talks_to_total=0, **rows, **measures)),
    }
    return world


def the_cause(world: World, name: str) -> dict[str, t.Any]:
    [cause] = world.diagnose()
    assert cause["cause"] == name and cause["hosts"] == ["lb1"], cause
    return cause


@pytest.mark.parametrize(
    "check, words",
    [
        ("nginx_limits_hit", "worker connections ran out"),
        ("nginx_dropped", "4 connections dropped"),
        ("nginx_limited", "its limits refused 40 requests"),
    ],
)
def test_nginx_at_its_limit(check: str, words: str) -> None:
    world = world_with("nginx")
    world.bad(check, "lb1", finding=words, advice="Raise worker_connections.")
    cause = the_cause(world, "edge_exhausted")
    assert cause["statement"] == f"nginx on lb1 is at a limit of its own: {words}."
    assert cause["tier"] == "nginx" and cause["first_fix"] == "Raise worker_connections."
    assert cause["evidence"] == ["The servers behind it take 4.1 s, and each of their requests holds a connection."]


PAGES = [{"pattern": "/account/", "requests": 30, "errors": 8, "mean_seconds": 0.1}, {"pattern": "/", "requests": 170, "errors": 0}]


def test_errors_of_the_application_by_the_log_of_nginx() -> None:
    """A site without uWSGI and Varnish: nobody else counts them. Below nginx's own limit, when its visitors suffer."""
    world = world_with("nginx", errors=8, unanswered_requests=0, pages=PAGES)
    world.bad("nginx_errors", "lb1", finding="8 responses of 500 and above (3.96 %)", status="warn", advice="Read its traceback.")
    assert world.causes() == []
    world.shared["launch_visitors"] = fact(instance("visitors", edges=["lb1"], of=["lb1/nginx/0.0.0.0:443"]))
    world.bad("visitors_errors", "fleet", instance="visitors", finding="8 of 202 requests (3.96 %) got a 5xx")
    [cause] = world.diagnose()
    assert cause["cause"] == "application_errors" and cause["first_fix"] == "Read its traceback."
    assert cause["evidence"] == ["/account/: 8 responses with status 5xx."]


def test_errors_that_nginx_answers_itself_are_not_the_applications() -> None:
    world = world_with("nginx", errors=8, unanswered_requests=6, pages=PAGES)
    world.bad("nginx_errors", "lb1", finding="8 responses of 500 and above in 202 requests (3.96 %)")
    assert world.causes() == []


def test_what_nginx_refuses_or_answers_itself_is_not_the_applications() -> None:
    """https://github.com/ipfs/kubo/issues/8382: an outage of 503s was searched for behind the edge, whose limit gave them"""
    world = world_with("nginx", errors=40, unanswered_requests=0, errors_of_servers=0, refused_requests=40, refused_ratio=0.1, pages=PAGES)
    world.bad("nginx_errors", "lb1", finding="40 responses of 500 and above in 400 requests (10 %)", advice="Its limits refuse visitors.")
    assert world.causes() == []
    world.bad("nginx_limited", "lb1", finding="its limits refused 40 requests in the window (10 % of all)", advice="See whom it hits.")
    assert the_cause(world, "edge_exhausted")["first_fix"] == "See whom it hits."
    world.of("lb1", "nginx")["errors_of_servers"] = 38
    assert "application_errors" in world.causes()


ERRING = [
    {**SERVERS[1], "errors": 9, "requests": 190, "response_errors": 2},
    {**SERVERS[1], "name": "app2", "address": "10.0.0.8:8000", "errors": 0, "requests": 180},
]  # fmt: skip


def by_haproxy(**measures: t.Any) -> World:
    """HAProxy before app1 and app2, both seen there; app1 gives errors."""
    world = world_with("haproxy", **{"errors": 10, "errors_of_servers": 9, **measures})
    haproxy = world.of("lb1", "haproxy")
    haproxy.update(servers=ERRING, talks_to=[{"address": f"10.0.0.{place}:8000", "connections": 3} for place in (7, 8)], talks_to_total=2)
    for place, host in enumerate(("app1", "app2")):
        world.of(host, "uwsgi").update(
            listens=[f"10.0.0.{7 + place}:8000"],
            talks_to=[],
            talks_to_total=0,
            net_namespace={"name": host, "addresses": [f"10.0.0.{7 + place}"]},
        )
    world.bad("haproxy_errors", "lb1", finding="10 answers of 500 and above in 370 requests (2.7 %)", advice="Read its traceback.")
    return world


def test_errors_of_the_application_by_the_counters_of_haproxy() -> None:
    """Where nobody logs them: the server that gives them is named, and one that gives none to compare it with."""
    [cause] = by_haproxy().diagnose()
    assert (cause["cause"], cause["hosts"], cause["first_fix"]) == ("application_errors", ["app1"], "Read its traceback.")
    assert cause["statement"].startswith("The application on app1 returns errors: 10 answers of 500")
    assert cause["evidence"] == [
        "app/app1 (10.0.0.7:8000): 9 responses of 500 and above in 190 requests, 2 more were without an answer.",
        "No error from app/app2 (10.0.0.8:8000): compare the release and its settings.",
    ]


def test_below_its_own_limit_the_visitors_decide() -> None:
    world = by_haproxy()
    world.findings[-1]["status"] = "warn"
    assert world.causes() == []
    world.shared["launch_visitors"] = fact(instance("visitors", edges=["lb1"], of=["lb1/haproxy/0.0.0.0:443"]))
    world.bad("visitors_errors", "fleet", instance="visitors", finding="10 of 370 requests (2.7 %) got a 5xx")
    assert world.causes() == ["application_errors"]


@pytest.mark.parametrize("given", [0, 4, None], ids=["none", "few", "not known"])
def test_errors_that_haproxy_gives_itself_are_not_the_applications(given: t.Optional[int]) -> None:
    assert by_haproxy(errors_of_servers=given).causes() == []


def test_a_server_that_fails_is_named_once() -> None:
    """503 of HAProxy for a server that is down, and what that server gave before: the server is the cause."""
    world = by_haproxy(errors_of_servers=3)
    world.of("lb1", "haproxy")["servers"] = SERVERS
    world.bad("haproxy_server_failing", "lb1", finding="app/app2 gave no connection")
    assert world.causes() == ["upstream_failing"]


def test_a_log_of_the_same_site_tells_more_than_counters() -> None:
    world = by_haproxy()
    world.facts["lb1"]["launch_nginx"] = fact(
        instance("0.0.0.0:80", listens=["0.0.0.0:80"], talks_to=[{"address": "10.0.0.7:8000", "connections": 3}], talks_to_total=1,
                 errors=8, unanswered_requests=0, pages=PAGES)
    )  # fmt: skip
    world.bad("nginx_errors", "lb1", finding="8 responses of 500 and above (3.96 %)", advice="Read its traceback.")
    [cause] = world.diagnose()
    assert cause["cause"] == "application_errors" and cause["evidence"] == ["/account/: 8 responses with status 5xx."]


def test_errors_of_a_proxy_behind_it_may_be_the_proxys() -> None:
    world = by_haproxy()
    world.of("lb1", "haproxy")["talks_to"] = [{"address": "10.0.0.9:6081", "connections": 3}]
    world.of("web1", "varnish").update(
        listens=["10.0.0.9:6081"], talks_to=[], talks_to_total=0, net_namespace={"name": "web1", "addresses": ["10.0.0.9"]}
    )
    assert world.causes() == []


def test_haproxy_at_its_limit() -> None:
    world = world_with("haproxy")
    world.bad("haproxy_connections", "lb1", finding="2,000 of 2,000 connections", advice="Raise maxconn.")
    assert the_cause(world, "edge_exhausted")["statement"].startswith("HAProxy on lb1 is at a limit of its own: 2,000 of 2,000")


def test_the_server_behind_nginx_that_fails_is_named_with_its_reason() -> None:
    world = world_with("nginx", upstream_complaints=[{"kind": "upstream_refused", "server": "10.0.0.8:8000", "lines": 9}])
    world.bad("nginx_upstream_failing", "lb1", finding="10.0.0.8:8000 did not answer 90 % of its requests")
    cause = the_cause(world, "upstream_failing")
    assert cause["statement"].startswith("Behind nginx on lb1 10.0.0.8:8000 does not answer")
    assert cause["evidence"] == [
        "10.0.0.8:8000 refuses connections (9 lines in the error log).",
        "10.0.0.8:8000: 9 of 10 attempts got no answer.",
    ]


def test_the_server_behind_haproxy_that_fails_is_named_with_its_check() -> None:
    world = world_with("haproxy")
    world.bad("haproxy_server_failing", "lb1", finding="app/app2 gave no connection")
    cause = the_cause(world, "upstream_failing")
    assert "app/app2 (10.0.0.8:8000) does not answer" in cause["statement"]
    assert cause["evidence"] == ["app/app2 (10.0.0.8:8000): down, its check says L4CON; 9 failed attempts in the window."]


@pytest.mark.parametrize("service, check", [("nginx", "nginx_response_time"), ("haproxy", "haproxy_response_time")])
def test_slow_servers_of_nobody_who_is_checked(service: str, check: str) -> None:
    world = world_with(service, pages=[{"pattern": "/cart", "requests": 9, "mean_seconds": 4.0}])
    world.bad(check, "lb1", finding="95 % took no longer than 4.2 s")
    cause = the_cause(world, "upstream_slow")
    assert "10.0.0.7:8000" in cause["statement"] and "takes 4.1 s" in cause["statement"]
    assert cause["evidence"] == ["/cart: 9 requests, 4 s each."]


def test_slow_visitors_are_no_slow_servers() -> None:
    world = world_with("nginx")
    world.of("lb1", "nginx")["upstreams"] = [{**row, "p95_seconds": 0.2} for row in UPSTREAMS]
    world.bad("nginx_response_time", "lb1", finding="95 % took no longer than 4.2 s")
    assert world.causes() == []


def test_what_is_deeper_explains_the_edge() -> None:
    world = world_with("nginx")
    world.bad("nginx_response_time", "lb1", finding="95 % took no longer than 4.2 s")
    world.bad("nginx_limits_hit", "lb1", finding="connections ran out")
    assert world.causes() == ["upstream_slow"]
    world.workers_exhausted()
    assert world.causes() == ["workers_exhausted"]


def unbalanced(world: World) -> None:
    """All of app1's workers are busy, because the edge sends nearly everything there."""
    nginx = world.of("lb1", "nginx")
    nginx.update(
        unbalanced={"group": "app", "server": "10.0.0.7:8000", "times_its_share": 1.9, "groups_of_several": 1},
        talks_to=[{"address": "10.0.0.7:8000", "connections": 9}, {"address": "10.0.0.8:8000", "connections": 0}],
        talks_to_total=2,
    )
    for place, host in enumerate(("app1", "app2")):
        world.of(host, "uwsgi").update(
            listens=[f"10.0.0.{7 + place}:8000"],
            talks_to=[],
            talks_to_total=0,
            net_namespace={"name": host, "addresses": [f"10.0.0.{7 + place}"]},
        )
    world.bad("nginx_balance", "lb1", finding="in the group app 10.0.0.7:8000 gets 1.9 times its share", advice="Add a zone.")


def test_an_unbalanced_balancer_is_named_with_two_servers() -> None:
    world = world_with("nginx")
    unbalanced(world)
    cause = the_cause(world, "edge_unbalanced")
    assert cause["statement"] == ("nginx on lb1 does not balance the group app: in the group app 10.0.0.7:8000 gets 1.9 times its share.")
    assert cause["evidence"] == ["10.0.0.7:8000: 190 requests, 95 %.", "10.0.0.8:8000: 10 requests, 5 %."]


def test_haproxy_unbalanced() -> None:
    world = world_with("haproxy", unbalanced={"backend": "app", "server": "app1", "times_its_share": 1.9, "backends_of_several": 1})
    world.bad("haproxy_balance", "lb1", finding="in the backend app app1 gets 1.9 times its share", advice="Use leastconn.")
    cause = the_cause(world, "edge_unbalanced")
    assert cause["evidence"][0] == "app/app1 (10.0.0.7:8000): 190 requests at weight 1."


def test_the_full_server_is_the_consequence_and_a_tier_that_is_full_is_not() -> None:
    world = world_with("nginx")
    unbalanced(world)
    world.workers_exhausted(hosts=("app1",))
    assert world.causes() == ["edge_unbalanced"]
    world = world_with("nginx")
    unbalanced(world)
    world.workers_exhausted()
    assert "workers_exhausted" in world.causes()


def test_each_complaint_about_an_upstream_server_has_words() -> None:
    assert set(edge._COMPLAINTS) == set(error_log._ABOUT_UPSTREAM)
