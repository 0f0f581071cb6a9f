# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sessions of a real server, with psql as the second opinion."""

from __future__ import annotations

import json
import time

import pytest

from tests.support import ansible
from tests.support.documented import undocumented
from tests.support.postgresql import Postgres, gathered

WAITING = "(select count(*) from pg_stat_activity where wait_event_type = 'Lock') = {}"


@pytest.fixture(scope="module")
def server():
    with Postgres() as running:
        running.psql("create extension pg_stat_statements; create role app login; create role monitor login; grant pg_monitor to monitor")
        running.psql("create database shop")
        running.psql("create table t (id int primary key, v text); grant all on t to app", "shop")
        running.psql("insert into t select g, 'x' from generate_series(1, 1000) g", "shop")
        yield running


@pytest.fixture
def leaving(server):
    """Sessions that a test opened end with it."""
    yield server
    server.leave()


def instance(server, window=0.0, **options):
    found = gathered({**server.place, **options}, window)
    assert found["state"] == "up", found["problem"]
    return found


def test_connections_agree_with_psql(leaving):
    for number in range(5):
        leaving.client("select 1;", "shop", "app", f"web-{number % 2}")
    leaving.until("(select count(*) from pg_stat_activity where usename = 'app') = 5", "five sessions")
    found = instance(leaving, login_user="monitor")
    counted = int(
        leaving.psql("select count(*) from pg_stat_activity where backend_type = 'client backend' and application_name <> 'psql'")
    )
    assert found["connections"]["used"] == counted == 5
    assert found["connections"]["usable"] == 37 and found["connections_ratio"] == pytest.approx(5 / 37, abs=1e-5)
    assert {row["name"]: row["sessions"] for row in found["by_application"]} == {"web-0": 3, "web-1": 2}


def test_what_failed_is_read_from_the_servers_own_output(leaving):
    """Without the collector, as Debian starts it, and with a prefix that does not say whose session it was."""

    def fail():
        session = leaving.client('\\set ON_ERROR_STOP off\nselect "t"."gone" from "t";\nselect 1;', "shop", "app")
        leaving.until("exists (select from pg_stat_activity where state = 'idle' and query = 'select 1;')", "it failed, and asks on")
        leaving.leave(session)

    found = gathered({**leaving.place, "login_user": "monitor", "databases": ["all"]}, 0.5, meanwhile=fail)
    [row] = found["undefined_names"]
    assert (row["database"], row["name"], row["sessions"], row["user"]) == ("shop", "t.gone", 1, None)
    assert "log_line_prefix" in found["unknown"]["undefined_names[].user"]


def test_a_chain_of_three_and_the_idle_transaction_at_its_root(leaving):
    leaving.client("begin; update t set v = 'EXAMPLE' where id = 1;", "shop", "app", "leaky")
    leaving.until("exists (select from pg_stat_activity where state = 'idle in transaction')", "idle in transaction")
    leaving.client("begin; update t set v = 'b' where id = 2; update t set v = 'b' where id = 1;", "shop", "app", "second")
    leaving.until(WAITING.format(1), "one waits")
    leaving.client("begin; update t set v = 'c' where id = 3; update t set v = 'c' where id = 2;", "shop", "app", "third")
    leaving.until(WAITING.format(2), "two wait")
    leaving.client("update t set v = 'd' where id = 3;", "shop", "app", "fourth")
    leaving.until(WAITING.format(3), "three wait")
    found = instance(leaving, login_user="monitor", long_query_seconds=0)
    (root,) = found["blockers"]
    pid = int(leaving.psql("select pid from pg_stat_activity where application_name = 'leaky'"))
    assert (root["pid"], root["application"], root["blocks_direct"], root["blocks_total"]) == (pid, "leaky", 1, 3)
    assert root["frees_the_others"].startswith(f"SELECT pg_terminate_backend({pid})")
    assert found["waiting_on_lock"] == 3 and found["lock_wait_longest_seconds"] > 0
    (idle,) = found["idle_in_transaction"]
    assert (idle["pid"], idle["blocks_total"], idle["user"], idle["query"]) == (pid, 3, "app", "update t set v = ? where id = ?;")
    assert found["idle_in_transaction_blocking"] == 1
    assert undocumented("postgresql", found) == []
    fourth = next(row for row in found["long_queries"] if row["application"] == "fourth")
    assert fourth["waits_for"] == "lock" and fourth["root_blocker"] == pid
    assert "EXAMPLE" not in str(found)


def test_a_lock_that_was_held_within_the_window_is_told_with_its_holder(leaving):
    leaving.client("begin; lock table t in access exclusive mode; select pg_sleep(60);", "shop", "app", "migrate")
    leaving.until("exists (select from pg_locks where mode = 'AccessExclusiveLock' and granted)", "the lock")
    leaving.client("select count(*) from t;", "shop", "app", "shop-web")
    leaving.until(WAITING.format(1), "one waits")

    def release():
        time.sleep(1.5)
        leaving.psql("select pg_cancel_backend(pid) from pg_stat_activity where application_name = 'migrate'")
        leaving.until(WAITING.format(0), "nobody waits")

    found = gathered({**leaving.place, "login_user": "monitor"}, 2.0, meanwhile=release)
    assert [(row["application"], row["blocks_total"], row["still_blocks"]) for row in found["blockers"]] == [("migrate", 1, False)]
    assert found["blockers"][0]["waiters"][0]["lock"] == "relation" and found["lock_wait_longest_seconds"] > 0
    assert found["waiting_on_lock"] == 0 and undocumented("postgresql", found) == []


def test_an_aborted_transaction_that_is_idle(leaving):
    leaving.client("\\set ON_ERROR_STOP 0\nbegin; select 1/0;", "shop", "app", "broken")
    leaving.until("exists (select from pg_stat_activity where state = 'idle in transaction (aborted)')", "aborted")
    (row,) = instance(leaving)["idle_in_transaction"]
    assert row["state"] == "idle in transaction (aborted)" and row["application"] == "broken"


def test_a_long_query_on_cpu_and_its_client(leaving):
    leaving.client("select count(*) from generate_series(1, 200000000);", "shop", "app", "report")
    leaving.until("exists (select from pg_stat_activity where application_name = 'report' and state = 'active')", "it works")
    found = instance(leaving, long_query_seconds=0.0, window=2.0)
    row = next(row for row in found["long_queries"] if row["application"] == "report")
    assert row["waits_for"] in ("cpu", "io") and row["statement_kind"] == "read" and row["age_seconds"] >= 2
    client = found["clients"][0]
    assert (client["application"], client["user"], client["kind"]) == ("report", "app", "reads")
    assert client["time_share_ratio"] == 1.0 and client["active_seconds"] == pytest.approx(found["window"], rel=0.2)


def test_sessions_hidden_by_missing_privileges_are_unknown(leaving):
    leaving.client("begin;", "shop", "warroom", "hidden-one")
    leaving.until("exists (select from pg_stat_activity where state = 'idle in transaction')", "idle in transaction")
    found = instance(leaving, login_user="app")
    assert found["connections"]["hidden"] == 1
    assert found["idle_in_transaction_longest_seconds"] is None
    assert 'GRANT pg_monitor TO "app"' in found["unknown"]["idle_in_transaction_longest_seconds"]
    assert 'GRANT pg_monitor TO "app"' in found["unknown"]["statements_total"]


def test_the_module_says_the_same_through_ansible(leaving):
    leaving.client("begin; select 'EXAMPLE';", "shop", "app", "leaky")
    leaving.until("exists (select from pg_stat_activity where state = 'idle in transaction')", "idle in transaction")
    (found,) = ansible.facts("postgresql_stats", "launch_postgresql", {**leaving.place, "login_password": "EXAMPLEPW", "window": 0.5})
    assert found["idle_in_transaction"][0]["application"] == "leaky" and found["state"] == "up"
    done = ansible.run(
        "ansible", "localhost", "-m", "postgresql_stats", "-vvv", "-a", json.dumps({**leaving.place, "login_password": "EXAMPLEPW"})
    )
    assert "EXAMPLE" not in done.stdout + done.stderr and done.returncode == 0
