# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""First aid at one of several databases, and at a pooler: which of them an act is about, and what its guards are given."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._respond.first_aid import proposals


def view(host: str, service: str, *known: str, **more: t.Any) -> dict[str, t.Any]:
    place = {"name": f"{host} shop", "host": host, "service": service, "database_instance": "shop", "state": "up"}
    return {**place, "clients": [{"user": "bi", "known": False}, *({"user": user, "known": True} for user in known)], **more}


def strange_client(*views: dict[str, t.Any], hit: t.Sequence[str] = ("db2/postgresql/shop",)) -> list[t.Any]:
    instances = {"instances": [{"name": "shop", "state": "up"}]}
    hosts = {host: {"reached": True, "facts": {"launch_postgresql": instances, "launch_mysql": instances}} for host in ("db1", "db2")}
    finding = {"check": "database_unknown_client", "host": "fleet", "service": "database_clients", "instance": "db2 shop", "status": "fail"}
    cause = {"cause": "unknown_client", "tier": "database", "hosts": ["db2"], "statement": "s", "rows": [{"user": "bi"}], "hit": list(hit)}
    return proposals(
        {"hosts": hosts, "findings": [finding], "diagnoses": [cause], "fleet": {"launch_database_clients": {"instances": list(views)}}}
    )[0]


def test_the_known_roles_are_those_of_this_very_database() -> None:
    """Primary and replica, and databases of two kinds on one host, may have one name."""
    others = view("db1", "postgresql", "web"), view("db2", "mysql", "mail")
    (found,) = strange_client(*others, view("db2", "postgresql", "shop"))
    assert (found.host, found.service, found.about) == ("db2", "postgresql", {"role": "bi", "connections": 2, "known": ["shop"]})
    assert strange_client(*others, view("db2", "postgresql", clients=None)) == [], "whom it knows is not known"
    assert strange_client(others[0]) == [], "nothing is known of its clients"


def small_pool(left: t.Optional[int] = 40, **facts: t.Any) -> dict[str, t.Any]:
    pools = [
        {"database": "shop", "user": "web", "clients_waiting": 3, "longest_wait_seconds": 1.5},
        {"database": "shop", "user": "jobs", "clients_waiting": 9, "longest_wait_seconds": 4.0},
    ]
    pooler = {"name": "6432", "state": "up", "pool_size": 5, "pools_total": 3, **facts}
    finding = {"check": "pgbouncer_waiting", "host": "db1", "service": "pgbouncer", "instance": "6432", "status": "fail"}
    cause = {
        "cause": "pool_too_small", "tier": "database", "hosts": ["db1"], "statement": "s", "rows": pools, "hit": ["db1/pgbouncer/6432"],
    }  # fmt: skip
    budget = {"left": left, "users": [{"name": "PgBouncer db1 (6432)", "sessions_planned": 15}]}
    other = {"left": 1, "users": [{"name": "PgBouncer db2 (6432)"}]}
    return {
        "hosts": {"db1": {"reached": True, "facts": {"launch_pgbouncer": {"instances": [pooler]}}}},
        "findings": [finding],
        "diagnoses": [cause],
        "fleet": {"launch_connection_budget": {"instances": [other, budget]}},
    }


@pytest.mark.parametrize(
    ("made", "size", "left"),
    [
        (small_pool(), 8, 31),
        (small_pool(left=2), 8, -7),
        (small_pool(left=None), 8, None),
        (small_pool(pool_size=100), 120, -20),
        (small_pool(pool_size=1), 2, 37),
        (small_pool(pools_total=None), 8, None),
    ],
    ids=["half as many again", "too many for the server", "no server is known", "at most twenty", "of one", "pools are not told"],
)
def test_a_pool_grows_within_what_the_server_behind_it_has_left(made: dict[str, t.Any], size: int, left: t.Optional[int]) -> None:
    (found,), _left = proposals(made)
    assert (found.act, found.service, found.instance) == ("raise_pool_size", "pgbouncer", "6432")
    assert found.about == {"database": "shop", "user": "jobs", "size": size} and found.readings == {"connections_left": left}


@pytest.mark.parametrize("size", [None, 0, True])
def test_a_pool_of_no_known_size_is_left_alone(size: t.Any) -> None:
    assert proposals(small_pool(pool_size=size))[0] == []
