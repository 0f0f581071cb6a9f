# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The same situation on other major versions: every question is answered by each of them."""

from __future__ import annotations

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collectors.postgresql import session
from ansible_collections.warroom.launch.plugins.module_utils._collectors.postgresql.driver import SqlError
from tests.support.postgresql import Postgres, gathered
from tests.support.postgresql_versions import VERSIONS, bin_of

pytestmark = [pytest.mark.versions, pytest.mark.timeout(600)]

SCHEMA = """
create extension pg_stat_statements;
create table parent (id int primary key);
create table child (id int primary key, parent_id int references parent, v text);
insert into parent select generate_series(1, 1000);
insert into child select g, g % 1000 + 1, repeat('x', 50) from generate_series(1, 20000) g;
"""


@pytest.fixture(scope="module", params=VERSIONS)
def server(request):
    with Postgres(bin_of(request.param)) as running:
        running.psql("create database shop; create role monitor login; grant pg_monitor to monitor")
        running.psql(SCHEMA, "shop")
        running.psql("analyze", "shop")
        running.major = int(request.param)
        yield running


@pytest.fixture
def refused(monkeypatch):
    """What the server answers to questions of ours that it does not understand."""
    answers, ask = [], session.Session.ask

    def asked(self, sql, essential=False):
        try:
            return ask(self, sql, essential)
        except SqlError as error:
            answers.append(f"{error}: {sql}")
            raise

    monkeypatch.setattr(session.Session, "ask", asked)
    return answers


def test_every_question_is_answered(server, refused):
    server.client("begin; update child set v = 'a' where id = 1;", "shop", application="leaky")
    server.until("exists (select from pg_stat_activity where state = 'idle in transaction')", "idle in transaction")
    server.client("update child set v = 'b' where id = 1;", "shop", application="waiter")
    server.until("exists (select from pg_stat_activity where wait_event_type = 'Lock')", "somebody waits")
    server.client("".join(f"select * from child where parent_id = {number};" for number in range(400)) * 20, "shop", application="web")
    found = gathered({**server.place, "login_db": "shop"}, window=2.0)
    server.psql("checkpoint")
    server.leave()
    assert found["state"] == "up", found["problem"]
    assert refused == []
    of_version = {name for name, why in found["unknown"].items() if "version" in why or "exists since" in why}
    assert of_version == ({"io"} if server.major < 16 else {"checkpoints.written_by_backends_ratio"} if server.major >= 17 else set())
    assert found["version_number"] // 10000 == server.major
    assert found["idle_in_transaction"][0]["application"] == "leaky" and found["blockers"][0]["blocks_total"] == 1
    assert found["blockers"][0]["waiters"][0]["relation"] in ("public.child", None)
    first = found["missing_indexes"][0]
    assert first["columns"] == ["parent_id"] and "the plan" in first["confirmed_by"], first
    top = found["statements"][0]
    assert top["text"] == "select * from child where parent_id = ?" and top["share_ratio"] > 0.5 and top["io_milliseconds"] is not None
    assert found["checkpoints"]["lifetime_requested"] is not None and found["wal_bytes_per_second"] is not None
    assert found["wal_full_page_images"] is not None and found["autovacuum"]["enabled"] is False
    assert (found["io"] is None) == (server.major < 16)


def test_the_role_that_may_only_look_sees_as_much(server):
    found = gathered({**server.place, "login_user": "monitor", "login_db": "shop"})
    assert found["state"] == "up" and found["connections"]["hidden"] == 0 and found["statements_hidden"] == 0
    reserved = 3 + (int(server.psql("show reserved_connections")) if server.major >= 16 else 0)
    assert found["connections"]["usable"] == 40 - reserved


def test_what_a_function_runs_is_no_time_of_its_own(server):
    """https://www.postgresql.org/docs/current/pgstatstatements.html: `toplevel`, with track = all"""
    server.psql("create function nap(s float8) returns void language plpgsql as 'begin perform pg_sleep(s); end'", "shop")
    call = "set pg_stat_statements.track = 'all'; select nap(0.8)"
    found = gathered({**server.place, "login_db": "shop"}, window=2.0, meanwhile=lambda: server.psql(call, "shop"))
    by_text = {row["text"]: row for row in found["statements"] if row["calls"]}
    around, within = by_text["select nap(?)"], by_text["SELECT pg_sleep(s)"]
    assert (around["calls"], around["nested_calls"], within["calls"], within["nested_calls"]) == (1, 0, 1, 1)
    assert around["share_ratio"] > 0.9 and within["share_ratio"] > 0.9 and found["statements_busy_sessions"] < 0.7
