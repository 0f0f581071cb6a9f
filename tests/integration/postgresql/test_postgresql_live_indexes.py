# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Missing indexes of a real database: what is found, what is not, and that the printed statements work."""

from __future__ import annotations

import pytest

from tests.support.postgresql import Postgres, gathered

SCHEMA = """
create table parent (id int primary key, other int, unique (id, other));
create table customer (id int primary key);
create table "Order Line" (id int primary key, "parentId" int references parent, v text);
create table child (id int primary key, parent_id int references parent, customer_id int, stripe_id text, v text);
create table covered (id int primary key, parent_id int references parent, other int,
  foreign key (parent_id, other) references parent (id, other));
create index on covered (other, parent_id);
create index on covered (parent_id);
create table partly (id int primary key, parent_id int references parent, second_id int references parent, third_id int references parent);
create index partly_some on partly (parent_id) where id > 10;
create index partly_all on partly (second_id) where second_id is not null;
create index partly_included on partly (id) include (third_id);
create table part (id int, parent_id int references parent, at int) partition by range (at);
create table part_a partition of part for values from (0) to (10);
create table part_b partition of part for values from (10) to (20) partition by range (at);
create table part_b1 partition of part_b for values from (10) to (20);
insert into parent select g, g from generate_series(1, 1000) g;
insert into child select g, g % 1000 + 1, g % 50, 'x', repeat('x', 50) from generate_series(1, 20000) g;
insert into "Order Line" select g, g % 1000 + 1, 'x' from generate_series(1, 5000) g;
insert into covered select g, g % 1000 + 1, g % 1000 + 1 from generate_series(1, 5000) g;
insert into partly select g, g % 1000 + 1, g % 1000 + 1, g % 1000 + 1 from generate_series(1, 5000) g;
insert into part select g, g % 1000 + 1, g % 20 from generate_series(1, 5000) g;
"""


@pytest.fixture(scope="module")
def server():
    with Postgres() as running:
        running.psql("create database shop")
        running.psql("create extension pg_stat_statements;" + SCHEMA, "shop")
        running.psql("analyze", "shop")
        yield running


def instance(server, window=0.0, **options):
    found = gathered({**server.place, "login_db": "shop", **options}, window)
    assert found["state"] == "up", found["problem"]
    return found


def test_what_lacks_an_index_and_what_does_not(server):
    rows = instance(server)["missing_indexes"]
    keys = {(row["table"], tuple(row["columns"])) for row in rows if row["kind"] == "foreign_key"}
    assert keys == {
        ("Order Line", ("parentId",)),
        ("child", ("parent_id",)),
        ("partly", ("parent_id",)),
        ("partly", ("third_id",)),
        ("part", ("parent_id",)),
    }
    # no constraint, an integer, named after a table of 10,000 rows or more: the half-applied migration
    assert [(row["table"], row["columns"]) for row in rows if row["kind"] == "column"] == [("child", ["customer_id"])]


def test_traffic_on_the_column_confirms_it(server):
    load = "".join(f"select * from child where parent_id = {number};" for number in range(400))
    client = server.client(load * 20, "shop", application="shop-web")
    try:
        row = instance(server, window=2)["missing_indexes"][0]
    finally:
        server.leave(client)
    assert (row["table"], row["columns"]) == ("child", ["parent_id"])
    assert row["confirmed_by"] == ["statements that filter on it", "sequential scans in the window", "the plan"]
    assert row["statement_share_ratio"] > 0.5 and row["statements"][0]["text"] == "select * from child where parent_id = ?"
    assert (
        row["sequential_scans"] > 0 and row["create_index"] == "CREATE INDEX CONCURRENTLY child_parent_id_idx ON public.child (parent_id);"
    )


def test_a_suffering_column_without_a_constraint(server):
    client = server.client("".join("select count(*) from child where customer_id = 7;" for _number in range(3000)), "shop")
    try:
        row = instance(server, window=2)["missing_indexes"][0]
    finally:
        server.leave(client)
    assert (row["kind"], row["columns"]) == ("column", ["customer_id"]) and "the plan" in row["confirmed_by"]


def test_a_locked_table_holds_nobody_up(server):
    server.psql("select pg_stat_statements_reset(); select * from child where parent_id = 5", "shop")
    server.client("begin; lock table child;", "shop", application="migration")
    server.until(
        "exists (select from pg_stat_activity where application_name = 'migration' and state = 'idle in transaction')", "it holds the lock"
    )
    server.client("select * from child where id = 1;", "shop", application="visitor")
    server.until("exists (select from pg_stat_activity where wait_event_type = 'Lock')", "somebody waits")
    try:
        found = gathered({**server.place, "databases": ["shop"]})
    finally:
        server.leave()
    row = next(row for row in found["missing_indexes"] if row["statements"])
    assert "lock timeout" in row["statements"][0]["plan"] and row["confirmed_by"] == ["statements that filter on it"]
    assert found["blockers"][0]["application"] == "migration" and found["blockers"][0]["waiters"][0]["relation"] == "public.child"
    assert found["connections"]["used"] == 2 and found["duration_ms"] < 5000


def test_an_index_left_behind_by_a_failed_build_is_named(server):
    build = server.run(server.bin / "psql", "-h", "127.0.0.1", "-p", server.port, "-U", "warroom", "-d", "shop", "-c",
                       "create unique index concurrently child_broken on child (parent_id)", check=False)  # fmt: skip
    assert build.returncode != 0
    found = instance(server)
    row = next(row for row in found["missing_indexes"] if row["columns"] == ["parent_id"] and row["table"] == "child")
    assert row["invalid_index"] == "public.child_broken" and found["indexes_invalid"] == ["child_broken"]
    server.psql("drop index child_broken", "shop")


def test_every_printed_statement_works_and_ends_the_finding(server):
    for row in instance(server)["missing_indexes"]:
        for line in row["create_index"].splitlines():
            server.psql(line, "shop")
    found = instance(server)
    assert found["missing_indexes"] == [] and found["missing_indexes_total"] == 0 and found["indexes_invalid_total"] == 0
    assert server.psql("select indisvalid from pg_index where indexrelid = 'part_parent_id_idx'::regclass", "shop") == "t"


def test_the_plan_of_a_running_query(server):
    client = server.client("select count(*), pg_sleep(60) from child where v = 'EXAMPLE';", "shop", application="report")
    try:
        server.until("exists (select from pg_stat_activity where application_name = 'report' and state = 'active')", "it runs")
        pid = int(server.psql("select pid from pg_stat_activity where application_name = 'report'"))
        (plan, absent) = instance(server, explain_pids=[pid, 1])["plans"]
    finally:
        server.leave(client)
    assert plan["problem"] is None and "EXAMPLE" not in str(plan)
    assert any(node["node"] == "Seq Scan" and node["relation"] == "child" for node in plan["plan"])
    assert absent["problem"] == "no query of this pid is running or visible"


def test_tables_and_indexes_move_with_their_use(server):
    client = server.client("".join("select v from child where id = 5; select count(*) from parent;" for _number in range(30000)), "shop")
    try:
        found = instance(server, window=2)
    finally:
        server.leave(client)
    assert found["tables_total"] == 10
    (suspect,) = found["sequential_scan_suspects"]
    assert suspect["name"] == "parent" and suspect["sequential_scans"] > 0 and suspect["scanned_ratio"] > 0.9
    assert next(row for row in found["indexes"] if row["name"] == "child_pkey")["scans"] > 0
