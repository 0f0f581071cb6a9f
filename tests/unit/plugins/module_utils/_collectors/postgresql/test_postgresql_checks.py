# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The checks of PostgreSQL over facts that its collector really made; the limits have their cases in tests/checks."""

from __future__ import annotations

import copy
import json

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collectors.postgresql import connections, shape
from ansible_collections.warroom.launch.plugins.plugin_utils._checks.evaluate import evaluate
from tests.support.check_cases import catalogue


@pytest.fixture
def calm(fixture_file):
    return json.loads(fixture_file("postgresql/15/calm-facts.json"))


def judge(facts, phase="during"):
    found = evaluate("db1", {"launch_postgresql": {"instances": [facts]}}, catalogue().checks(), phase)
    for one in found:
        words = f"{one['finding']} {one['advice'] or ''}"
        if one["status"] in ("warn", "fail", "ok"):
            assert "None" not in words and "{" not in words and "unknown" not in words, one
            assert one["advice"] or one["status"] == "ok"
    return {one["check"].replace("postgresql_", "", 1): one for one in found}


def status(facts, check, phase="during"):
    return judge(facts, phase)[check]["status"]


@pytest.mark.parametrize("phase", ["during", "before"])
def test_a_calm_server_is_ok(calm, phase):
    # before the launch it is asked for its safety nets, which a server alone lacks
    nets = {"failover": "warn", "wal_kept": "unknown"} if phase == "before" else {}
    assert {name: one["status"] for name, one in judge(calm, phase).items() if one["status"] not in ("ok", "skipped")} == nets


def test_no_connection_left_is_the_finding_and_the_rest_is_quiet():
    found = judge({"name": "db1", "state": "up", **connections.exhausted("db1 is up and refuses connections: sorry", None).done()})
    assert found["connections_left"]["status"] == "fail" and "sorry" in found["connections_left"]["finding"]
    assert {one["status"] for name, one in found.items() if name not in ("connections_left", "answers")} == {"skipped"}


def test_what_is_hidden_is_unknown_and_never_ok(calm):
    hidden = copy.deepcopy(calm)
    why = '3 of 9 sessions are hidden from app: GRANT pg_monitor TO "app"'
    for name in shape._OF_SESSIONS:
        hidden[name], hidden["unknown"][name] = None, why
    found = judge(hidden)
    for check in ("idle_in_transaction", "lock_waits", "long_queries", "many_long_queries", "idle_transaction_blocks"):
        assert found[check]["status"] == "unknown" and "GRANT pg_monitor" in found[check]["finding"], check


def test_a_replica_is_judged_by_itself(calm):
    own = {"receiver": "streaming", "streaming": True, "paused": False, "lag_seconds": 0.0, "behind_bytes": 0}
    assert status({**calm, "role": "replica", "replication": own}, "replica_own_lag") == "ok"
    found = judge({**calm, "role": "replica", "replication": {**own, "streaming": False, "receiver": "not running", "lag_seconds": 40.0}})
    assert found["replica_own_lag"]["status"] == "fail" and "take it out of the read pool" in found["replica_own_lag"]["advice"]
