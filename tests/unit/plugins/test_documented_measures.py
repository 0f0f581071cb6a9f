# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The way back: every measure that a module documents came in facts that some test shaped. (That nothing else came, each test says.)"""

from __future__ import annotations

import pathlib

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._checks.measures import EXTENDS, measures
from ansible_collections.warroom.launch.plugins.plugin_utils._checks.services import GATHERED, TITLES
from tests.support.documented import Recorder, documented, shared, undocumented

HERE = pathlib.Path(__file__).parent
#: What `run` gives to every instance, and `Facts` where there is any.
EDGES = {"listens", "talks_to", "talks_to_total", "clients_from", "clients_from_total", "net_namespace"}
PROVENANCE = {"started_at", "release", "release_at", "configuration_digest", "configuration_at"}
COMMON = (
    {"name", "state", "problem", "window", "collected_at", "duration_ms", "access", "at_least", "unknown", "notes"} | EDGES | PROVENANCE
)

#: service → measures that no test without a server shapes, and why.
ONLY_LIVE: dict[str, dict[str, str]] = {
    "haproxy": {"socket": "asked over a real one: tests/integration/haproxy"},
    "pgbouncer": {"owner": "told by a real socket's peer: tests/integration/pgbouncer"},
    **dict.fromkeys(
        ("uwsgi", "wsgi"), dict.fromkeys(("stacks", "stacks_total"), "told by py-spy: tests/integration/uwsgi/test_real_uwsgi_stacks.py")
    ),
    "mysql": {
        "plans": "EXPLAIN of a running query: tests/integration/mysql/test_real_mysql_sessions.py",
        "undefined_names": "statements of other sessions: tests/integration/mysql/test_real_mysql_statements.py",
        "replicas": "binary log dumps of real replicas: tests/integration/mysql/test_real_mysql_servers.py",
    },
    "postgresql": {
        **dict.fromkeys(("plans", "vacuums", "prepared_transactions"), "what a session is at: tests/integration/postgresql"),
        "undefined_names": "statements of other sessions: tests/integration/postgresql/test_postgresql_live_causes.py",
        "undefined_names_total": "as undefined_names",
        **dict.fromkeys(("archiving", "statements_evicted", "statements_hidden", "statements_since_seconds"), "views of a real server"),
        **dict.fromkeys(("replication", "replication_slots"), "tests/integration/postgresql/test_postgresql_live_replica.py"),
        **dict.fromkeys(("indexes", "databases_read", "limits"), "the catalogue of a real database: tests/integration/postgresql"),
    },
}


@pytest.mark.looks_back
@pytest.mark.parametrize("service", TITLES)
def test_every_documented_measure_came_in_some_facts(service: str, shaped: Recorder) -> None:
    folder = HERE / (f"module_utils/_collectors/{service}" if service in GATHERED else "plugin_utils/_fleet")
    left_out = [path.name for path in sorted(folder.glob("test_*.py")) if str(path) not in shaped.files]
    if left_out:
        pytest.skip(f"needs all tests of {folder.name}, and these did not run: {', '.join(left_out[:3])}")
    wanted = {path for path in documented(measures(service)) if path.partition(".")[0].removesuffix("[]") not in COMMON}
    if service in EXTENDS:
        wanted -= set(documented(measures(EXTENDS[service][0])))
    came = shared(measures(service), shaped.seen.get(service, set()))
    live = ONLY_LIVE.get(service, {})
    assert set(live) <= wanted
    never = sorted(path for path in wanted - came if path.partition(".")[0].removesuffix("[]") not in live)
    assert not never, f"documented, and never given: {', '.join(never)}"


def test_what_is_not_documented_is_found() -> None:
    assert undocumented("uwsgi", {"busy_ratio": 0.5, "workers": {"busy": 1}, "in_flight": [{"count": 1}]}) == []
    assert undocumented("uwsgi", {"busy_ratio": "much", "workers": {"bsy": 1}, "in_flight": [{"count": True}], "new": None}) == [
        "busy_ratio is str, documented as float",
        "workers.bsy is not documented",
        "in_flight[].count is bool, documented as int",
        "new is not documented",
    ]
