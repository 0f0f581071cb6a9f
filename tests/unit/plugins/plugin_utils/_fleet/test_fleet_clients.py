# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who is known to a database: an odd entry makes nobody known who was not meant."""

from __future__ import annotations

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._checks.services import tiers_of
from ansible_collections.warroom.launch.plugins.plugin_utils._fleet.database_clients import databases
from ansible_collections.warroom.launch.plugins.plugin_utils._fleet.fleet_instances import told_apart
from ansible_collections.warroom.launch.plugins.plugin_utils._judge.pipeline import Asked, judge
from tests.support.check_cases import catalogue
from tests.support.facts import facts, instance

STRANGER = {"user": "bi", "application": None, "address": "10.9.9.9", "database": "shop", "time_share_ratio": 0.9}
APPLICATION = {"user": "app_web", "application": "shop", "address": "10.0.0.2", "database": "shop", "time_share_ratio": 0.1}


def unknown(known: object) -> list[object]:
    server = instance("primary", clients=[STRANGER, APPLICATION], clients_total=2)
    hosts = {"db": {"facts": facts(postgresql=[server]), "tiers": ["database"], "addresses": ["db"], "known_clients": known}}
    return [row["user"] for row in databases(hosts)[0]["unknown_clients"]]


@pytest.mark.parametrize("known", ["app_*", ["app_*"], {"user": "app_*"}, [{"user": "app_*", "database": "sh?p"}], ["app_*", "", {}, None]])
def test_the_application_is_known_and_the_stranger_is_not(known: object) -> None:
    assert unknown(known) == ["bi"]


def test_what_a_stranger_runs_unseen_is_unknown() -> None:
    rows = [{**STRANGER, "longest_query_seconds": None}, {**APPLICATION, "longest_query_seconds": 3.0}]
    hosts = {"db": {"facts": facts(postgresql=[instance("p", clients=rows)]), "tiers": [], "addresses": ["db"]}}
    found = databases(hosts)[0]
    assert found["unknown_clients_total"] == 2 and found["unknown_longest_query_seconds"] is None


@pytest.mark.parametrize("known", [None, [], "", 5, [{}], [None], [{"usr": "*"}]])
def test_nobody_is_known_by_an_entry_that_says_nothing(known: object) -> None:
    assert unknown(known) == ["bi", "app_web"]


def test_a_client_keeps_what_its_server_says_of_it() -> None:
    row = {**STRANGER, "backend": "client backend", "sessions": 3, "session_share_ratio": 0.5, "active_seconds": 4.5, "kind": "reads"}
    [found] = databases({"db": {"facts": facts(mysql=[instance("p", clients=[row, APPLICATION])]), "tiers": [], "addresses": []}})
    assert found["clients"][0] == {**row, "known": False} == found["unknown_clients"][0]
    assert (found["unknown_session_share_ratio"], found["unknown_active_seconds"]) == (0.5, 4.5)


@pytest.mark.parametrize("beside", ["uwsgi", "wsgi", "celery"])
@pytest.mark.parametrize("address", [None, "127.0.0.1", "::1"])
def test_a_session_from_the_host_itself_is_the_application_s_where_one_runs(beside: str, address: str | None) -> None:
    server = {"postgresql": [instance("p", clients=[{**APPLICATION, "address": address}], clients_total=1)]}

    def unknown_on(**services: list[dict[str, object]]) -> object:
        facts_of_host = facts(**server, **services)
        return databases({"db": {"facts": facts_of_host, "tiers": tiers_of(facts_of_host), "addresses": ["db"]}})[0][
            "unknown_clients_total"
        ]

    assert unknown_on(**{beside: [instance("shop")]}) == 0
    assert unknown_on(varnish=[instance("front")], memcached=[instance("m")]) == 1


POOL = {"database": "shop", "user": "app_web", "clients_waiting": 0}


@pytest.mark.parametrize(
    ("pooler", "unknown_users"),
    [
        ({"pools": [POOL], "pools_total": 1}, ["bi"]),
        ({"pools": [POOL, {**POOL, "user": "bi"}], "pools_total": 2}, []),
        ({"pools": [POOL], "pools_total": 30}, []),
        ({"state": "unreadable", "pools": None}, []),
        ({"state": "down", "pools": None}, ["bi", "app_web"]),
        (None, ["bi", "app_web"]),
    ],
    ids=["it has a pool of it", "of both", "not all pools are shown", "it is not read", "it is down", "there is none"],
)
def test_a_session_of_a_pooler_beside_the_database_is_no_unknown_client_s(
    pooler: dict[str, object] | None, unknown_users: list[str]
) -> None:
    """An application behind it would be an unknown client else, and its role limited to two connections."""
    clients = [{**row, "address": "127.0.0.1"} for row in (STRANGER, APPLICATION)]
    found = facts(postgresql=[instance("p", clients=clients)], **({} if pooler is None else {"pgbouncer": [instance("6432", **pooler)]}))
    views = databases({"db": {"facts": found, "tiers": tiers_of(found), "addresses": ["db"]}})
    assert [row["user"] for view in views if view["service"] == "postgresql" for row in view["unknown_clients"]] == unknown_users


def test_servers_of_one_name_on_one_host_keep_their_own_findings() -> None:
    """A site is called `shop` by its database, its pooler and its old catalogue; the cause is looked up by host and name."""
    at_work = {**STRANGER, "active_seconds": 9.0, "longest_query_seconds": 4.0, "sessions": 3}
    of_host = facts(
        postgresql=[instance("shop", clients=[at_work], clients_total=1)],
        pgbouncer=[instance("shop", clients=[], clients_total=0)],
        mysql=[instance("shop", clients=[], clients_total=0)],
    )
    hosts = {"db": {"facts": of_host, "tiers": tiers_of(of_host), "addresses": ["db"]}}
    named = sorted(view["name"] for view in told_apart(databases(hosts)))
    assert named == ["db shop (MySQL)", "db shop (PgBouncer)", "db shop (PostgreSQL)"]
    report = judge([Asked("db", of_host, None, addresses=["db"])], catalogue(), "during")
    assert [cause["cause"] for cause in report["diagnoses"]] == ["unknown_client"]


@pytest.mark.parametrize(
    ("user", "unknown"), [("rdsadmin", 0), ("rdsrepladmin", 0), ("azure_superuser", 0), ("mysql.session", 0), ("admin", 1)]
)
def test_who_looks_after_a_hosted_server_is_no_stranger(user: str, unknown: int) -> None:
    """https://github.com/awsdocs/amazon-rds-user-guide/issues/172: it works on the server's own socket, and no host of ours is there"""
    client = {"user": user, "application": None, "address": "local", "database": "mysql", "time_share_ratio": 1.0, "active_seconds": 2.0}
    found = facts(mysql=[instance("m", clients=[client], clients_total=1)])
    [view] = databases({"db": {"facts": found, "tiers": tiers_of(found), "addresses": ["db"], "known_clients": ["shop_*"]}})
    assert view["unknown_clients_total"] == unknown
