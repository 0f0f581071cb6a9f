# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What visitors get by the edge's numbers, where there is no log of an accelerator."""

from __future__ import annotations

import typing as t

from ansible_collections.warroom.launch.plugins.plugin_utils._fleet.graph import Graph
from ansible_collections.warroom.launch.plugins.plugin_utils._fleet.visitors import visitors
from tests.support.documented import undocumented

TIMES = {"count": 200, "p50_seconds": 0.02, "p95_seconds": 0.4, "max_seconds": 1.2, "buckets": []}
NGINX = {
    "requests": 205, "requests_per_second": 41.0, "logged_requests": 200, "response_times": TIMES, "errors": 4, "client_errors": 12,
    "statuses": [{"name": "200", "requests": 184}, {"name": "404", "requests": 8}, {"name": "400", "requests": 4},
                 {"name": "502", "requests": 4}],
    "access_log": "/var/log/nginx/access.log", "address": "10.0.0.1:443",
}  # fmt: skip
HAPROXY = {
    "requests": 400, "requests_per_second": 80.0, "errors": 8, "client_errors": 2,
    "backends": [{"name": "app", "requests": 300, "response_seconds": 0.2}, {"name": "api", "requests": 100, "response_seconds": 1.0}],
}  # fmt: skip


def fact(name: str, **measures: t.Any) -> dict[str, t.Any]:
    return {"schema": 1, "instances": [{"name": name, "state": "up", "talks_to": [], "talks_to_total": 0, "unknown": {}, **measures}]}


def seen(hosts: dict[str, t.Any], by_graph: bool = True) -> list[dict[str, t.Any]]:
    entries = {host: {"facts": facts, "addresses": [host]} for host, facts in hosts.items()}
    found = visitors(entries, Graph(entries) if by_graph else None)
    for site in found:
        unexplained = [key for key, value in site.items() if value is None and key not in {*site["unknown"], "problem"}]
        assert undocumented("visitors", site) == [] and unexplained == []
    return found


def test_nginx_knows_times_and_errors() -> None:
    [site] = seen({"lb1": {"launch_nginx": fact("0.0.0.0:443", **NGINX)}})
    assert (site["source"], site["requests"], site["logged_requests"], site["timed_requests"]) == ("edge", 205, 200, 205)
    assert (site["response_seconds"], site["response_p50_seconds"], site["error_ratio"]) == (0.4, 0.02, 0.02)
    assert (site["client_error_ratio"], site["refused_ratio"], site["bad_request_ratio"]) == (0.06, 0.02, 0.02)
    assert [row["status"] for row in site["client_errors"]] == ["404", "400"]
    assert (site["host"], site["access_log"], site["edges"]) == ("lb1", "/var/log/nginx/access.log", ["lb1"])


def test_haproxy_knows_errors_and_the_mean() -> None:
    [site] = seen({"lb1": {"launch_haproxy": fact("0.0.0.0:443", **HAPROXY)}})
    assert (site["source"], site["response_seconds"], site["error_ratio"]) == ("edge", 0.4, 0.02)
    assert site["response_p95_seconds"] is None and "mean times only" in site["unknown"]["response_p95_seconds"]
    assert site["refused_ratio"] is None


def test_a_request_that_passes_two_edges_counts_once() -> None:
    behind = {**NGINX, "listens": ["10.0.0.2:80"], "net_namespace": {"name": "lb2", "addresses": ["10.0.0.2"]}}
    front = {**NGINX, "talks_to": [{"address": "10.0.0.2:80", "connections": 4}], "talks_to_total": 1}
    [site] = seen({"lb1": {"launch_nginx": fact("0.0.0.0:443", **front)}, "10.0.0.2": {"launch_nginx": fact("10.0.0.2:80", **behind)}})
    assert site["logged_requests"] == 200 and site["host"] == "lb1" and site["edges"] == ["10.0.0.2", "lb1"]


def test_a_log_of_an_accelerator_tells_more() -> None:
    log = {"requests": 90, "requests_per_second": 18.0, "response_times": {"all": TIMES}, "error_requests": 0, "refused_requests": 0,
           "statuses": [], "refused": []}  # fmt: skip
    hosts = {
        "lb1": {"launch_nginx": fact("0.0.0.0:443", **NGINX)},
        "web1": {"launch_varnish": fact("varnish"), "launch_varnish_traffic": fact("varnish", **log)},
    }
    [site] = seen(hosts, by_graph=False)
    assert site["source"] == "accelerator" and site["logged_requests"] == 90


def test_a_log_without_times_is_unknown_with_its_reason() -> None:
    lacking = {**NGINX, "response_times": None, "unknown": {"response_p95_seconds": "the format of its log does not hold $request_time"}}
    [site] = seen({"lb1": {"launch_nginx": fact("0.0.0.0:443", **lacking)}})
    assert site["response_seconds"] is None and "$request_time" in site["unknown"]["response_seconds"] and site["error_ratio"] == 0.02


def test_an_edge_that_counts_nothing_leaves_it_to_the_application() -> None:
    silent = {"requests": 5, "logged_requests": None, "errors": None}
    workers = {"requests": 50, "requests_per_second": 10.0, "mean_response_seconds": 0.1}
    [site] = seen(
        {"lb1": {"launch_nginx": fact("0.0.0.0:443", **silent), "launch_uwsgi": fact("127.0.0.1:1717", **workers)}}, by_graph=False
    )
    assert site["source"] == "application" and site["response_seconds"] == 0.1
