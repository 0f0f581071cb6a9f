# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a reading costs MariaDB with 500 sessions and 10,000 statements, by the server's own account, in one run.

The measure is what anybody pays who looks at all: one plain read of the statement digests with their texts.
"""

from __future__ import annotations

import contextlib
import json
import typing as t

import pytest

from tests.support.mysql import MariaDB, read, rows_of

pytestmark = [pytest.mark.bench, pytest.mark.timeout(600)]

SESSIONS = 500
STATEMENTS = 10_000
MOST_TIMES = 3.0
MOST_BYTES = 100_000
DIGESTS = "performance_schema.events_statements_summary_by_digest"


@pytest.fixture(scope="module")
def server() -> t.Iterator[MariaDB]:
    large = [f"--max-connections={SESSIONS + 50}", f"--performance-schema-digests-size={STATEMENTS + 2000}"]
    with MariaDB(*large, performance_schema=True) as running, contextlib.ExitStack() as stack:
        running.shop()
        clients = [stack.enter_context(running.session("SELECT 1", program_name=f"web-{one % 20}")) for one in range(SESSIONS)]
        for one in range(STATEMENTS):
            rows_of(clients[one % SESSIONS], f"SELECT d AS a{one} FROM digit WHERE d = 1")
        yield running


def spent(server: MariaDB, schema: str) -> float:
    """Milliseconds that the server spent in statements of clients with this current database."""
    return float(server.query(f"SELECT COALESCE(SUM(sum_timer_wait), 0) / 1e9 FROM {DIGESTS} WHERE schema_name = '{schema}'")[0][0])


def test_a_reading_is_light(server: MariaDB, record_property: t.Callable[[str, t.Any], None]) -> None:
    looks = []
    with contextlib.closing(server.connect(database="performance_schema")) as onlooker:
        for _number in range(3):
            begun = spent(server, "performance_schema")
            rows_of(onlooker, f"SELECT * FROM {DIGESTS}")
            looks.append(spent(server, "performance_schema") - begun)
    ours = []
    for _number in range(3):
        begun = spent(server, "information_schema")
        found = read(server, window=2.0)
        ours.append(spent(server, "information_schema") - begun)
        assert found["state"] == "up" and found["connections"]["used"] >= SESSIONS and found["statements_total"] > STATEMENTS
    best, plain = min(ours), min(looks)
    record_property("server_milliseconds", best)
    print(f"\na reading costs the server {best:.0f} ms, {best / plain:.1f} times a plain look at the digests ({plain:.0f} ms)")
    assert best / plain <= MOST_TIMES
    assert len(json.dumps(found)) < MOST_BYTES
