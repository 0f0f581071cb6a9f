# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a reading costs a server with 500 sessions and 10,000 statements, by the server's own account, in one run.

The measure is what anybody pays who looks at all: one plain read of pg_stat_statements with its texts. We read it three
times (twice its counters, once the texts of the chosen), and everything else beside it.
"""

from __future__ import annotations

import contextlib
import json
import typing as t

import psycopg
import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collectors.postgresql.session import MARK
from tests.support.postgresql import Postgres, gathered

pytestmark = [pytest.mark.bench, pytest.mark.timeout(600)]

SESSIONS = 500
STATEMENTS = 10_000
MOST_TIMES = 3.0
MOST_BYTES = 100_000


@pytest.fixture(scope="module")
def server() -> t.Iterator[Postgres]:
    settings = {"max_connections": SESSIONS + 50, "shared_buffers": "128MB", "pg_stat_statements.max": STATEMENTS + 2000}
    with Postgres(**settings) as running, contextlib.ExitStack() as stack:
        running.psql("create database shop")
        running.psql("create extension pg_stat_statements; create table t (id int primary key, a int)", "shop")
        place = {"host": "127.0.0.1", "port": running.port, "user": "warroom", "dbname": "shop"}
        with psycopg.connect(**place, autocommit=True) as writer:
            for number in range(STATEMENTS):
                columns = ("id" if number >> bit & 1 else "a" for bit in range(14))
                writer.execute(f"select {', '.join(columns)} from t where id = 1")
            for number in range(150):
                writer.execute(f"create table table_{number} (id int primary key, ref_id int, b int); create index on table_{number} (b)")
        for number in range(SESSIONS):
            client = stack.enter_context(psycopg.connect(**place, application_name=f"web-{number % 20}", autocommit=number >= 50))
            client.execute("select 1")
        yield running


def spent(server: Postgres, pattern: str) -> float:
    """Milliseconds that the server spent in statements of this kind."""
    text = server.psql(f"select coalesce(sum(total_exec_time), 0) from pg_stat_statements where query like '{pattern}'", "shop")
    return float(text)


def test_a_reading_is_light(server: Postgres, record_property: t.Callable[[str, t.Any], None]) -> None:
    begun = spent(server, "%plain-look%")
    for _number in range(3):
        server.psql("select /* plain-look */ * from pg_stat_statements", "shop")
    plain = (spent(server, "select /* plain-look%") - begun) / 3
    ours = []
    for _number in range(3):
        begun = spent(server, f"%{MARK}%")
        found = gathered({**server.place, "login_db": "shop"}, window=2.0, top=10)
        ours.append(spent(server, f"%{MARK}%") - begun)
        assert found["state"] == "up" and found["connections"]["used"] == SESSIONS and found["statements_total"] > STATEMENTS
    best = min(ours)
    record_property("server_milliseconds", best)
    print(f"\na reading costs the server {best:.0f} ms, {best / plain:.1f} times a plain look at pg_stat_statements ({plain:.0f} ms)")
    assert best / plain <= MOST_TIMES
    assert len(json.dumps(found)) < MOST_BYTES
