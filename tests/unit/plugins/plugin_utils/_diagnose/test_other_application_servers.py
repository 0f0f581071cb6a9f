# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The causes of the application tier without any uWSGI: every disaster of the synthetic fleet, told by Gunicorn's workers instead."""

from __future__ import annotations

import typing as t

import pytest

from .made_facts import fact, instance, server, waits
from .world import World

#: What uWSGI tells and no other application server does.
_ONLY_UWSGI = ("utilisation", "mean_response_seconds", "requests_per_second", "in_flight")


class GunicornWorld(World):
    """The same fleet; only when it is diagnosed do its application servers turn out to be Gunicorn."""

    def diagnose(self) -> list[dict[str, t.Any]]:
        for facts in self.facts.values():
            found = facts.pop("launch_uwsgi", None)
            if found is not None:
                facts["launch_wsgi"] = fact(*[as_gunicorn(each) for each in found["instances"]])
                for row in facts["launch_server"]["instances"][0].get("services", []):
                    row["name"] = "gunicorn" if row["name"] == "uwsgi" else row["name"]
        for finding in self.findings:
            finding["check"] = finding["check"].replace("uwsgi_", "wsgi_")
        return super().diagnose()


def as_gunicorn(uwsgi: dict[str, t.Any]) -> dict[str, t.Any]:
    rest = {key: value for key, value in uwsgi.items() if key not in _ONLY_UWSGI}
    return {**rest, "kind": "app", "server": "gunicorn", "name": "127.0.0.1:8000", "port": 8000}


def told(world: World) -> dict[str, t.Any]:
    (diagnosis,) = world.diagnose()
    return diagnosis


@pytest.fixture
def world() -> GunicornWorld:
    made = GunicornWorld()
    for facts in made.facts.values():
        for each in facts.get("launch_uwsgi", {}).get("instances", []):
            each["name"] = "127.0.0.1:8000"
    return made


def test_a_fleet_that_is_well_has_no_cause(world: GunicornWorld) -> None:
    assert world.causes() == []


def test_workers_that_wait_are_too_few_and_how_many_to_add_is_said(world: GunicornWorld) -> None:
    world.workers_exhausted()
    for number in range(1, 5):
        world.of(f"app{number}", "uwsgi").update(requests_waiting=23, requests_waiting_inside=11, listen_queue=12)
    found = told(world)
    assert (found["cause"], found["tier"], found["hosts"]) == ("workers_exhausted", "wsgi", ["app1", "app2", "app3", "app4"])
    assert "23 requests wait (12 in the listen queue, 11 inside of the workers)" in found["statement"]
    assert "Add 4 workers on each of them (workers = 12)" in found["first_fix"]
    assert "ss -tn state established" in found["look"] and "uwsgitop" not in str(found)


def test_a_host_that_is_full_needs_more_servers(world: GunicornWorld) -> None:
    world.workers_exhausted()
    for number in range(1, 5):
        world.of(f"app{number}", "uwsgi")["addable"] = {"workers": 0, "limit": "RAM"}
    assert "Add servers: 6 instead of 4" in told(world)["first_fix"]


def test_workers_that_compute_fill_the_machine(world: GunicornWorld) -> None:
    world.cpu_full()
    found = told(world)
    assert (found["cause"], found["tier"]) == ("application_overload", "wsgi") and "6 servers of this size" in found["first_fix"]


def test_workers_whose_processes_have_no_name_of_their_own_are_counted_by_their_own_account(world: GunicornWorld) -> None:
    """Those that uvicorn spawns run as python."""
    world.cpu_full()
    for number in range(1, 5):
        world.facts[f"app{number}"]["launch_server"] = server(f"app{number}", busy=0.98, load=2.4, python=3.6)
        world.of(f"app{number}", "uwsgi")["cpu_cores"] = 3.5
    assert told(world)["cause"] == "application_overload"


def test_what_the_workers_wait_for_is_the_cause(world: GunicornWorld) -> None:
    world.outside_slow()
    found = told(world)
    assert found["cause"] == "outside_slow" and "203.0.113.9:443" in found["statement"]


@pytest.mark.parametrize("disaster", ["missing_index", "idle_in_transaction", "names_slow"])
def test_the_deeper_cause_explains_busy_workers(world: GunicornWorld, disaster: str) -> None:
    getattr(world, disaster)()
    uwsgi = World()
    getattr(uwsgi, disaster)()
    assert world.causes() == uwsgi.causes() != []


def test_both_kinds_of_server_in_one_fleet_are_one_tier() -> None:
    """app1 has moved to Gunicorn, its siblings have not yet."""
    mixed = World()
    mixed.workers_exhausted()
    moved = mixed.facts["app1"].pop("launch_uwsgi")["instances"][0]
    mixed.facts["app1"]["launch_wsgi"] = fact({**as_gunicorn(moved), "name": "127.0.0.1:1717"})
    for finding in mixed.findings:
        if finding["host"] == "app1":
            finding["check"] = "wsgi_saturated"
    found = told(mixed)
    assert found["cause"] == "workers_exhausted" and found["hosts"] == ["app1", "app2", "app3", "app4"]


def test_the_waits_of_gunicorn_are_said(world: GunicornWorld) -> None:
    world.workers_exhausted()
    for number in range(1, 5):
        world.of(f"app{number}", "uwsgi")["waits"] = waits(("203.0.113.9:443", 0.3, None))
    assert any("looks at busy workers" in line for line in told(world)["evidence"])


#: Every page waits two seconds for a worker; the report takes three more.
LOGGED = [
    {"pattern": "/report/", "requests": 7, "errors": 0, "mean_seconds": 5.4},
    {"pattern": "/product/<id>/", "requests": 12, "errors": 0, "mean_seconds": 2.5},
    {"pattern": "/", "requests": 3, "errors": 0, "mean_seconds": 2.1},
]


@pytest.mark.parametrize(
    ("pages", "groups", "said"),
    [
        (LOGGED, ("app", "app"), ": by the log of the edge, /report/ takes most of the time."),
        (LOGGED, ("app", "api"), "the CPU has room"),  # which of the two applications has that page is not known
        (LOGGED[1:], ("app", "app"), "the CPU has room"),
        (LOGGED[:1], ("app", "app"), "the CPU has room"),
        ([{**row, "mean_seconds": None} for row in LOGGED], ("app", "app"), "the CPU has room"),
    ],
)
def test_the_log_of_the_edge_tells_the_page(
    world: GunicornWorld, pages: list[dict[str, t.Any]], groups: tuple[str, str], said: str
) -> None:
    world.workers_exhausted(hosts=["app1"])
    rows = [{"name": f"{host}:8000", "group": group} for host, group in zip(("app1", "app2"), groups)]
    for host in ("app1", "app2"):
        world.of(host, "uwsgi").update(listens=[f"{host}:8000"], talks_to=[], talks_to_total=0)
    edge = instance("shop", listens=["0.0.0.0:443"], talks_to=[], talks_to_total=0, upstreams=rows, pages=pages)
    world.facts["lb1"] = {"launch_server": server("lb1"), "launch_nginx": fact(edge)}
    statement = told(world)["statement"]
    assert said in statement and ("/report/" in statement) == (": by" in said)
