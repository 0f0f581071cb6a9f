# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults of a real PostgreSQL that are named with their object: code before its migration, statistics that made a plan slow."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._checks.catalogue import Catalogue, load
from ansible_collections.warroom.launch.plugins.plugin_utils._judge.pipeline import Asked, judge
from tests.support.postgresql import Postgres, bin_dir, gathered

CATALOGUE = Catalogue(load())
EXCEPTIONS = {"kind": "app", "requests": 50, "exceptions": 30, "exception_ratio": 0.6, "samples": 5, "workers": {"active": 2, "busy": 1}}

IDLE = "exists (select from pg_stat_activity where state = 'idle' and query ~ '{}' and pid <> pg_backend_pid())"


@pytest.fixture(scope="module")
def server() -> t.Iterator[Postgres]:
    with Postgres(logging_collector="on", log_directory="'log'", log_filename="'postgresql.log'") as running:
        running.psql(
            "create role monitor login; grant pg_monitor to monitor; "
            "create extension pg_stat_statements; create table shop_order (id int primary key, customer int, status text, note text); "
            "insert into shop_order select n, n % 5000, 'done', repeat('x', 100) from generate_series(1, 80000) n; "
            "create index on shop_order (status); create index on shop_order (customer); analyze shop_order"
        )
        yield running


def causes(facts: dict[str, t.Any], **workers: t.Any) -> dict[str, dict[str, t.Any]]:
    application = {"name": "shop", "state": "up", **EXCEPTIONS, **workers}
    instances = {"launch_postgresql": [facts], "launch_uwsgi": [application]}
    host = Asked("db1", {key: {"schema": 1, "instances": value} for key, value in instances.items()}, services=["postgresql", "uwsgi"])
    return {cause["cause"]: dict(cause) for cause in judge([host], CATALOGUE)["diagnoses"]}


def test_a_column_that_no_migration_made_is_named(server: Postgres) -> None:
    session = server.client('\\set ON_ERROR_STOP off\nselect "shop_order"."id", "shop_order"."currency" from "shop_order" where id = 1;')
    server.until(
        "exists (select from pg_stat_activity where state = 'idle' and query ~ 'currency' and pid <> pg_backend_pid())", "it failed"
    )
    facts = gathered(server.place, window=0.5)
    server.leave(session)
    [row] = facts["undefined_names"]
    assert (row["kind"], row["name"], row["sessions"], row["application"]) == ("column", "shop_order.currency", 1, "shop-web")
    cause = causes(facts)["missing_migration"]
    assert "it has no column shop_order.currency" in cause["statement"]
    assert any("Its consequence: The application" in line["text"] for line in cause["evidence"])
    assert "missing_migration" not in causes(facts, exceptions=0, exception_ratio=0.0)


FAILS = 'select "shop_order"."id", "shop_order"."currency" from "shop_order" where "shop_order"."note" = \'{}\';'


@pytest.mark.parametrize("log", ["stderr", "csvlog", *(["jsonlog"] if int(bin_dir().parent.name) >= 15 else [])])
def test_a_statement_that_only_the_log_still_has_is_named(server: Postgres, log: str) -> None:
    """As Django leaves its sessions: after a failure it asks SELECT 1, which takes the statement's place in pg_stat_activity."""
    server.psql(f"alter system set log_destination = '{log}'")
    server.psql("select pg_reload_conf()")
    server.until(f"current_setting('log_destination') = '{log}' and pg_current_logfile('{log}') is not null", "its log is written")

    def fail() -> None:
        session = server.client("\\set ON_ERROR_STOP off\n" + FAILS.format("secret-of-a-visitor") + "\nselect 1;")
        server.until(IDLE.format("^select 1;$"), "it failed, and asks on")
        server.leave(session)

    monitor = {**server.place, "login_user": "monitor"}
    facts = gathered(monitor, window=0.5, meanwhile=fail)
    [row] = facts["undefined_names"]
    assert (row["database"], row["kind"], row["name"], row["sessions"]) == ("postgres", "column", "shop_order.currency", 1)
    assert row["query"].startswith('select "shop_order"."id"') and "secret-of-a-visitor" not in str(facts)
    assert row["application"] == (None if log == "stderr" else "shop-web")
    assert "missing_migration" in causes(facts)
    assert gathered(monitor, window=0.2)["undefined_names"] == []


def test_statements_that_work_name_nothing(server: Postgres) -> None:
    session = server.client('select "shop_order"."id" from "shop_order" join (select 1 as "n") "other" on "other"."n" = "shop_order"."id";')
    server.until(IDLE.format("other"), "it is done")
    assert gathered(server.place, window=0.5)["undefined_names"] == []
    server.leave(session)


def test_stale_statistics_that_changed_a_plan_are_named(server: Postgres) -> None:
    """A status that no row had has all rows now: the planner still takes its index for the customer's orders."""
    query = "select count(note) from shop_order where status = 'open' and customer = 7"
    server.psql(f"{query};\n" * 1000)
    server.psql("update shop_order set status = 'open'")
    session = server.client(f"{query} \\watch 0.01")
    try:
        facts = gathered(server.place, window=2.0)
    finally:
        server.leave(session)
    cause = causes(facts)["stale_statistics"]
    assert "the statistics of public.shop_order are stale" in cause["statement"]
    assert 'ANALYZE "public"."shop_order";' in cause["first_fix"]
    server.psql("analyze shop_order")
    healed = server.client(f"{query} \\watch 0.01")
    facts = gathered(server.place, window=1.0)
    server.leave(healed)
    assert "stale_statistics" not in causes(facts)
