# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Servers of one project: each kind of difference is found and no other, no secret is shown, and what is unknown differs from nothing."""

from __future__ import annotations

import copy
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._fleet.fleet_instances import fleet_facts, fleet_findings
from tests.support.check_cases import checks_of

CHECKS = checks_of("django_servers")
PROJECT: dict[str, t.Any] = {
    "name": "shop",
    "state": "up",
    "settings_module": "shop.settings",
    "version": "5.1.2",
    "python": "3.11.2",
    "release": "1.4.2",
    "debug": False,
    "security": {"hsts_seconds": 3600, "session_cookie_secure": True},
    "secret_key": {"insecure": False, "digest": "0a1b2c3d", "fallbacks": 0},
    "caches": [{"name": "default", "backend": "a.B", "key_prefix": False, "timeout_seconds": 300}],
    "databases": [{"name": "default", "vendor": "postgresql", "max_age_seconds": 60, "health_checks": True}],
    "packages": ["Django==5.1.2", "requests==2.32.0"],
    "packages_total": 2,
    "variables": [{"name": "DATABASE_URL", "digest": "deadbeef"}],
    "variables_total": 1,
}
KINDS = ("key", "release", "settings", "packages", "environment")


def compared(*changes: dict[str, t.Any]) -> tuple[dict[str, t.Any], dict[str, str]]:
    """The facts and the states of its checks of servers, each the project with these changes (dotted paths)."""
    hosts = {}
    for number, change in enumerate(changes, 1):
        facts = copy.deepcopy(PROJECT)
        for path, value in change.items():
            *outer, last = path.split(".")
            place = facts
            for part in outer:
                place = place[part]
            place[last] = value
        hosts[f"web{number}"] = {"reached": True, "facts": {"launch_django": {"schema": 1, "instances": [facts]}}}
    made = fleet_facts(hosts, {"groups": {}, "addresses": {}})
    states = {found["check"].removeprefix("django_servers_"): found["status"] for found in fleet_findings(made, CHECKS, "before", {})}
    return (made.get("launch_django_servers") or {"instances": [{}]})["instances"][0], states


def test_servers_that_are_alike() -> None:
    facts, states = compared({}, {}, {})
    assert facts["servers_total"] == 3 and facts["differences"] == [] and {states[kind] for kind in KINDS} == {"ok"}


@pytest.mark.parametrize(
    ("kind", "status", "change", "words"),
    [
        ("key", "fail", {"secret_key.digest": "ffffffff"}, "one value on web1, web2; another on web3"),
        ("release", "fail", {"release": "1.4.1"}, "1.4.2 on web1, web2; 1.4.1 on web3"),
        ("settings", "warn", {"debug": True}, "False on web1, web2; True on web3"),
        ("settings", "warn", {"security.hsts_seconds": 0}, "3600 on web1, web2; 0 on web3"),
        ("settings", "warn", {"databases": [{"name": "default", "max_age_seconds": 0}]}, "60 on web1, web2; 0 on web3"),
        ("packages", "warn", {"packages": ["Django==5.1.2", "requests==2.31.0"]}, "2.32.0 on web1, web2; 2.31.0 on web3"),
        ("packages", "warn", {"packages": ["Django==5.1.2"], "packages_total": 1}, "2.32.0 on web1, web2; absent on web3"),
        ("environment", "warn", {"variables": [{"name": "DATABASE_URL", "digest": "1"}]}, "one value on web1, web2; another on web3"),
        ("environment", "warn", {"variables": [], "variables_total": 0}, "one value on web1, web2; absent on web3"),
    ],
)
def test_each_difference_is_in_its_check_alone(kind: str, status: str, change: dict[str, t.Any], words: str) -> None:
    facts, states = compared({}, {}, change)
    assert {name: state for name, state in states.items() if name in KINDS} == {name: status if name == kind else "ok" for name in KINDS}
    assert [row["sides"] for row in facts["differences"]] == [words]
    assert "0a1b2c3d" not in str(facts) and "deadbeef" not in str(facts)


def test_what_one_server_does_not_tell_differs_from_nothing() -> None:
    gone = {"release": None, "security.hsts_seconds": None, "packages": None, "variables": None, "secret_key.digest": None}
    facts, states = compared({}, {}, gone)
    assert facts["differences"] == [] and {states[kind] for kind in KINDS} == {"ok"}
    _facts, states = compared({}, gone)
    assert {kind: states[kind] for kind in KINDS} == dict.fromkeys(KINDS, "unknown") | {"settings": "ok"}


def test_a_list_that_was_cut_is_not_compared() -> None:
    _facts, states = compared({}, {"packages": ["Django==5.1.2"], "packages_total": 500})
    assert states["packages"] == "unknown"


@pytest.mark.parametrize("change", [{"name": "blog"}, {"settings_module": "blog.settings"}, {"state": "unreadable"}])
def test_other_projects_are_not_compared(change: dict[str, t.Any]) -> None:
    facts, _states = compared({}, change)
    assert facts == {}
