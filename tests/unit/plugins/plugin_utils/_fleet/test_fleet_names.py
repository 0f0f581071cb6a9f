# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Views of the fleet: each has a name of its own, whatever the servers of the fleet are called; what hides one is found by its name."""

from __future__ import annotations

import collections
import copy
import typing as t

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.warroom.launch.plugins.plugin_utils._checks.services import FLEET, TITLES, in_tiers, instances_in
from ansible_collections.warroom.launch.plugins.plugin_utils._fleet.fleet_instances import fleet_facts, told_apart
from ansible_collections.warroom.launch.plugins.plugin_utils._fleet.graph import Graph
from tests.support.facts import facts, instance
from tests.support.recorded_facts import fleets

NOTHING: dict[str, t.Any] = {"groups": {}, "addresses": {}}


def twice(made: dict[str, t.Any]) -> dict[str, list[t.Any]]:
    """The names that several views of one service have."""
    named = {service: collections.Counter(view["name"] for view in instances_in(made, service)) for service in FLEET}
    return {service: [name for name, count in names.items() if count > 1] for service, names in named.items() if set(names.values()) - {1}}


def test_recorded_fleets_in_which_everything_is_called_alike() -> None:
    for fleet in (fleet for fleet in fleets() if len(fleet) > 1):
        hosts = {name: {"facts": copy.deepcopy(told), "addresses": [name]} for name, told in fleet.items() if isinstance(told, dict)}
        for entry in hosts.values():
            for service in TITLES:
                for each in instances_in(entry["facts"], service):
                    each["name"] = "shop"
        assert twice(fleet_facts(hosts, NOTHING, Graph(hosts))) == {}, sorted(hosts)


def site(number: int) -> dict[str, t.Any]:
    """What a host has of one of its sites: all of it is called as in the others."""
    slots = {"usable": 90, "used": 1}
    broker = {"name": "redis://127.0.0.1:6379/0", "identity": None}
    return {
        **{service: instance("shop", clients=[], clients_total=0, connections=slots) for service in in_tiers("database")},
        "pgbouncer": instance("shop", clients=[], clients_total=0),
        "uwsgi": instance("shop", concurrency=4, kind="app", requests=1, requests_per_second=1.0),
        "celery": instance(f"shop{number}", broker=broker, workers=[]),
        "django": instance("shop", settings_module=f"site{number}.settings"),
        "memcached": instance("shop", kind="server", operations_per_second=9.0, pool="default"),
    }


def test_two_sites_of_one_name_on_the_same_hosts() -> None:
    hosts = {}
    for name in ("one", "two"):
        sites = [site(number) for number in range(2)]
        hosts[name] = {"facts": facts(**{service: [each[service] for each in sites] for service in sites[0]}), "addresses": [name]}
    made = fleet_facts(hosts, NOTHING, Graph(hosts))
    assert twice(made) == {}
    expected = {"database_clients": 12, "connection_budget": 8, "celery_queue": 4, "django_servers": 2}
    assert {service: len(instances_in(made, service)) for service in expected} == expected


@given(
    st.lists(
        st.fixed_dictionaries(
            {"name": st.sampled_from(["shop", "shop (2)", "shop (MySQL)", "shop on a"])},
            optional={"service": st.sampled_from(["mysql", "postgresql"]), "host": st.sampled_from(["a", "b"])},
        ),
        max_size=9,
    )
)
def test_any_names(views: list[dict[str, t.Any]]) -> None:
    found = told_apart(views)
    assert len({view["name"] for view in found}) == len(views)
    assert [{**view, "name": None} for view in found] == [{**view, "name": None} for view in views]
    if len({view["name"] for view in views}) == len(views):
        assert found == views
