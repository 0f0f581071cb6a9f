# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tables with names that were chosen to hurt, on real servers: each printed statement and command addresses that table."""

from __future__ import annotations

import os
import pathlib
import subprocess
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._checks.command import Command
from ansible_collections.warroom.launch.plugins.plugin_utils._reach.hosts import Reach
from ansible_collections.warroom.launch.plugins.plugin_utils._reach.quoting import mysql as mysql_name
from ansible_collections.warroom.launch.plugins.plugin_utils._reach.quoting import sql as sql_name
from ansible_collections.warroom.launch.plugins.plugin_utils._reach.way import Way
from tests.support.mysql import MariaDB, load, read
from tests.support.postgresql import Postgres, gathered

HERE = Reach({"db1": Way("db1", connection="local")})
NAMES = [
    "Order", "Order'; touch $PWN; '", 'x"; drop table parent; --', "$(touch $PWN)", "`touch $PWN`", "two words", "back\\slash", "a.b",
    "st*r?", "per%cent", "sélect", "line\nbreak", ":name", "\\! touch $PWN", "-c",
]  # fmt: skip


def run(line: str, folder: pathlib.Path) -> str:
    """What the line prints when a shell is given it, as a person would paste it."""
    marker = folder / "PWNED"
    environment = {**os.environ, "PWN": str(marker), "PAGER": "cat", "PSQL_PAGER": "cat"}
    done = subprocess.run(["sh", "-c", line], env=environment, capture_output=True, text=True, timeout=30, check=False)
    assert not marker.exists(), f"the name was run: {line}"
    assert done.returncode == 0, (line, done.stdout, done.stderr)
    return done.stdout


@pytest.fixture(scope="module")
def postgres() -> t.Iterator[Postgres]:
    with Postgres() as server:
        server.psql("create database shop; create extension pg_stat_statements")
        server.psql("create table parent (id int primary key); insert into parent select generate_series(1, 100)", "shop")
        for name in NAMES:
            table = sql_name(name)
            server.psql(f"create table {table} (id int primary key, parent_id int references parent)", "shop")
            server.psql(f"insert into {table} select g, g % 100 + 1 from generate_series(1, 2000) g", "shop")
        server.psql("analyze", "shop")
        yield server


def test_postgresql(postgres: Postgres, tmp_path: pathlib.Path) -> None:
    facts = gathered({**postgres.place, "login_db": "shop"}, top=100)
    rows = {row["table"]: row for row in facts["missing_indexes"]}
    # a newline in a name is not shown: what cannot be shown as it is must not be taken for another table
    assert set(rows) >= set(NAMES) - {"line\nbreak"}
    look = Command("psql {login} -c '\\d+ {missing_indexes[0].schema:sql}.{missing_indexes[0].table:sql}'")
    for name in set(NAMES) & set(rows):
        line = look.render("db1", {**facts, "missing_indexes": [rows[name]]}, HERE)
        assert f'Table "public.{name}"' in run(line, tmp_path)
    for row in rows.values():
        postgres.psql(row["create_index"], "shop")
    left = gathered({**postgres.place, "login_db": "shop"}, top=100)["missing_indexes"]
    assert left == [], "each statement made its index on its own table"
    assert postgres.psql("select count(*) from parent", "shop") == "100"


@pytest.fixture(scope="module")
def mariadb() -> t.Iterator[MariaDB]:
    with MariaDB(performance_schema=True) as server:
        server.shop()
        yield server


TYPABLE = [name for name in NAMES if name not in ("line\nbreak", "two words ")]


@pytest.mark.parametrize("name", TYPABLE, ids=range(len(TYPABLE)))
def test_mariadb(name: str, mariadb: MariaDB) -> None:
    table = f"shop.{mysql_name(name)}"
    mariadb.query(f"CREATE TABLE {table} (PRIMARY KEY (id)) AS SELECT * FROM shop.orders")
    mariadb.query(f"ANALYZE TABLE {table}")
    try:
        with load(mariadb, f"SELECT * FROM {table} WHERE customer_id = 7"):
            found = read(mariadb, window=1.5)
        (row,) = [row for row in found["missing_indexes"] if row["table"] == name]
        mariadb.query(row["add_index"].rstrip(";"))
        assert [
            index
            for index in mariadb.query(f"SHOW INDEX FROM {table}")
            if "customer_id" in index and index[3] == 1 and index[2] != "by_status"
        ]
    finally:
        mariadb.query(f"DROP TABLE {table}")
