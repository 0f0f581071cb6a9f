# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Application servers that count and time no requests: what is in front of them does. A query per row shows both."""

from __future__ import annotations

import typing as t

import pytest

from .made_facts import fact, instance
from .several import Site, at, talks
from .test_other_application_servers import as_gunicorn

#: 40 requests per second at four servers, as the disaster has them, in a window of 5 s.
ATTEMPTS = 50
APPS = [f"{at(1, 20 + number)}:8000" for number in range(1, 5)]


def _nginx(*groups: str) -> dict[str, t.Any]:
    rows = [{"name": place, "group": groups[number % len(groups)], "attempts": ATTEMPTS, "errors": 0} for number, place in enumerate(APPS)]
    return {"launch_nginx": fact(_edge("nginx", upstreams=rows))}


def _haproxy(*backends: str, errors: t.Optional[int] = 0) -> dict[str, t.Any]:
    rows = [
        {"address": place, "backend": backends[number % len(backends)], "requests": ATTEMPTS, "errors": errors}
        for number, place in enumerate(APPS)
    ]
    return {"launch_haproxy": fact(_edge("haproxy", servers=rows))}


def _varnish(rate: t.Optional[float]) -> dict[str, t.Any]:
    return {"launch_varnish": fact(_edge("varnish", backend_requests_per_second=rate))}


def _edge(name: str, **measures: t.Any) -> dict[str, t.Any]:
    network = {"net_namespace": {"name": "k110-1", "addresses": [at(1, 10)]}}
    return instance(name, window=5.0, listens=["0.0.0.0:80"], **network, **talks(*APPS), **measures)


def _site(front: dict[str, t.Any], busy: bool = True) -> Site:
    site = Site()
    site.queries_per_row()
    site.connect()
    site.facts["web1"] = {"launch_server": site.facts["web1"]["launch_server"], **front}
    for number in range(1, 5):
        facts = site.facts[f"app{number}"]
        facts["launch_wsgi"] = fact(*[as_gunicorn(each) for each in facts.pop("launch_uwsgi")["instances"]])
    site.findings = [{**finding, "check": finding["check"].replace("uwsgi_", "wsgi_")} for finding in site.findings] if busy else []
    for finding in site.findings:
        finding["instance"] = "127.0.0.1:8000"
    return site


@pytest.mark.parametrize(
    "front", [_nginx("app"), _nginx("app", "api"), _haproxy("app"), _varnish(40.0)], ids=["nginx", "two groups", "haproxy", "varnish"]
)
def test_requests_are_counted_in_front(front: dict[str, t.Any]) -> None:
    [cause] = _site(front).diagnose()
    assert cause["cause"] == "query_per_row" and "one quick statement 100 times per request" in cause["statement"]


@pytest.mark.parametrize(
    "front",
    [{}, _varnish(None), _varnish(4000.0), _haproxy("app", errors=None)],
    ids=["nobody counts", "unknown", "one call per request", "connections and not requests"],
)
def test_what_is_not_counted_blames_no_page(front: dict[str, t.Any]) -> None:
    assert "query_per_row" not in _site(front).causes()


def test_a_server_that_the_edge_does_not_count_blames_no_page() -> None:
    front = _nginx("app")
    front["launch_nginx"]["instances"][0]["upstreams"].pop()
    assert "query_per_row" not in _site(front).causes()


@pytest.mark.parametrize(
    ("front", "service", "named"),
    [
        (_nginx("app"), "nginx", True),
        (_haproxy("app"), "haproxy", True),
        (_nginx("app", "api"), "nginx", False),  # the other group may be the slow one
        (_haproxy("app", "api"), "haproxy", False),
    ],
)
def test_an_edge_says_that_they_are_late(front: dict[str, t.Any], service: str, named: bool) -> None:
    site = _site(front, busy=False)
    assert site.causes() == []
    site.bad(f"{service}_response_time", "web1", status="warn")
    assert ("query_per_row" in site.causes()) is named
