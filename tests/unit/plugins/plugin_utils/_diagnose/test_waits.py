# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What busy workers were seen waiting for decides: between sites, between a database and what is outside, near and far."""

from __future__ import annotations

import pytest

from .several import Site, at
from .world import waits

DATABASE = f"{at(1, 30)}:5432"
OUTSIDE = "203.0.113.9:443"


@pytest.fixture
def saturated():
    """`saturated(waits…)`: the causes of a site whose workers are all busy and were seen waiting so."""

    def build(seen, *disasters):
        site = Site()
        site.workers_exhausted()
        for disaster in disasters:
            getattr(site, disaster)()
        for number in range(1, 5):
            site.of(f"app{number}", "uwsgi")["waits"] = seen
        site.connect()
        return site.diagnose()

    return build


def names(found):
    return [cause["cause"] for cause in found]


def test_a_service_outside_is_named_by_address_and_page_and_explains_the_workers(saturated):
    (cause,) = saturated(waits((OUTSIDE, 0.9, 0.03)))
    assert cause["cause"] == "outside_slow" and cause["hosts"] == ["app1", "app2", "app3", "app4"]
    assert OUTSIDE in cause["statement"] and "GET /pay/" in cause["statement"] and "90 %" in cause["statement"]
    assert "Do not add workers" in cause["avoid"] and any("All workers of" in line for line in cause["evidence"])


def test_a_name_server_is_not_a_service_of_others(saturated):
    (cause,) = saturated(waits(("10.1.0.2:53", 0.8, None)))
    assert cause["cause"] == "names_slow" and "10.1.0.2:53" in cause["statement"]


def test_what_fewer_than_half_wait_for_is_no_cause_but_is_told(saturated):
    (cause,) = saturated(waits((OUTSIDE, 0.4, 0.03), sleep=0.5))
    assert cause["cause"] == "workers_exhausted"
    assert any("50 % slept, 40 % waited for 203.0.113.9:443" in line for line in cause["evidence"])


def test_too_few_looks_say_nothing(saturated):
    assert names(saturated(waits((OUTSIDE, 1.0, 0.03), samples=4))) == ["workers_exhausted"]


def test_a_missing_index_is_no_reason_for_workers_that_wait_elsewhere(saturated):
    """With each of the two kinds of waiting the same database, the same index: the workers decide."""
    assert names(saturated(waits((DATABASE, 0.9, 0.0002)), "missing_index")) == ["missing_index"]
    assert names(saturated(waits((OUTSIDE, 0.9, 0.03)), "missing_index")) == ["missing_index", "outside_slow"]


def test_a_proxy_outside_may_be_the_database(saturated):
    """Nobody checks what listens at port 6432: the rules about sessions decide as before."""
    assert names(saturated(waits(("10.1.0.9:6432", 0.9, 0.0002)), "missing_index"))[0] == "missing_index"


@pytest.mark.parametrize(
    "seconds, active, expected",
    [
        (0.0002, 1, "workers_exhausted"),
        (0.008, 1, "network_slow"),
        (0.008, 30, "workers_exhausted"),
        (0.045, 30, "network_slow"),
    ],
)
def test_a_database_far_away(seconds, active, expected, saturated, monkeypatch):
    monkeypatch.setattr(Site, "calm", lambda self: self.of("db1", "postgresql").update(active=active), raising=False)
    found = saturated(waits((DATABASE, 0.9, seconds)), "calm")
    assert names(found) == [expected]
    if expected == "network_slow":
        assert f"{1000 * seconds:.1f} ms" in found[0]["statement"] and "db1" in found[0]["statement"]


def test_nobody_in_trouble_is_told_nothing():
    site = Site()
    for number in range(1, 5):
        site.of(f"app{number}", "uwsgi")["waits"] = waits((OUTSIDE, 1.0, 0.03))
    site.connect()
    assert site.causes() == []


PROXY = "10.1.0.9:6432"


@pytest.fixture
def behind_a_proxy():
    """`behind_a_proxy(seconds, share, at_work)`: a calm site whose first application reaches its database through what nobody checks."""

    def build(seconds, share=0.9, at_work=0.0, direct=False):
        site = Site()
        site.connect()
        app = site.of("app1", "uwsgi")
        app.update(waits=waits((PROXY, share, 0.0001)), mean_response_seconds=seconds)
        app["workers"]["busy"] = 6
        if not direct:
            app["talks_to"] = [row for row in app["talks_to"] if row["address"] != DATABASE]
        app["talks_to"].append({"address": PROXY, "connections": 8})
        clients = [{"application": "shop uwsgi", "active_seconds": 10.0 * at_work}]
        site.of("db1", "postgresql").update(active=at_work, window=10.0, clients=clients)
        return site.diagnose()

    return build


def test_a_slow_way_to_a_database_at_rest_is_named_before_anything_is_saturated(behind_a_proxy):
    (cause,) = behind_a_proxy(0.3)
    assert cause["cause"] == "outside_slow" and cause["hosts"] == ["app1"]
    assert f"wait for {PROXY}" in cause["statement"] and "270 ms of each request" in cause["statement"]
    assert "db1" in cause["statement"] and PROXY in cause["first_fix"]


@pytest.mark.parametrize(
    "case", [{"seconds": 0.05}, {"seconds": 0.3, "share": 0.4}, {"seconds": 0.3, "at_work": 5.0}, {"seconds": 0.3, "direct": True}]
)
def test_a_proxy_that_is_quick_or_whose_database_works_is_no_cause(case, behind_a_proxy):
    assert behind_a_proxy(**case) == []


def test_stacks_that_were_asked_for_say_where_the_code_is():
    frames = [
        {"function": "recv", "file": "urllib3/connection.py", "line": 9, "own": False},
        {"function": "pay", "file": "shop/views.py", "line": 60, "own": True},
    ]
    stack = {"work": "GET /pay/", "frames": frames}
    site = Site()
    site.workers_exhausted()
    site.of("app1", "uwsgi")["stacks"] = [{"pid": 7, **stack}, {"pid": 8, **stack}, {"pid": 9, "work": None, "frames": []}]
    for number in range(1, 5):
        site.of(f"app{number}", "uwsgi")["waits"] = waits((OUTSIDE, 0.9, 0.03))
    site.connect()
    (cause,) = site.diagnose()
    said = "2 workers are in GET /pay/ at recv (urllib3/connection.py:9), called by pay (shop/views.py:60)."
    assert any(line.endswith(said) and line.startswith("app1 ") for line in cause["evidence"])
