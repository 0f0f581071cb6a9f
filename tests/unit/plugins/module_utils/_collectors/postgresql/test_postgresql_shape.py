# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two readings as facts: rates, resets, replicas, settings; and the checks over them."""

from __future__ import annotations

import json

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect.facts import Unknown
from ansible_collections.warroom.launch.plugins.module_utils._collectors.postgresql import (
    comparable,
    replication,
    server,
    shape,
    upkeep,
)
from ansible_collections.warroom.launch.plugins.module_utils._collectors.postgresql.fetch import About, Sample
from ansible_collections.warroom.launch.plugins.module_utils._sql.sessions import Manner
from tests.support.postgresql_rows import session
from tests.support.tools import measures_of


def about(**identity):
    names = {"max_connections": "100", "superuser_reserved_connections": "3", "autovacuum": "on", "autovacuum_max_workers": "3"}
    settings = {
        name: {"name": name, "setting": value, "unit": None, "source": "default", "pending_restart": False} for name, value in names.items()
    }
    settings["autovacuum_freeze_max_age"] = {"name": "autovacuum_freeze_max_age", "setting": "200000000", "source": "default"}
    return About({"user": "app", "database": "shop", "now": 1000.0, "started": 400.0, "in_recovery": False, **identity}, settings, {})


def database(**more):
    row = dict.fromkeys(
        ("xact_commit", "xact_rollback", "blks_hit", "blks_read", "temp_files", "temp_bytes", "deadlocks", "tup_returned"), 0
    )
    return {**row, "oid": 5, "name": "shop", "connectable": True, "template": False, "allowed": True, "xid_age": 100, "mxid_age": 1, **more}


NO_STATEMENTS = Unknown("pg_stat_statements is not loaded")


def test_lifetime_counters_with_an_unknown_part_are_unknown():
    rows = [database(deadlocks=3, blks_hit=90, blks_read=10), database(oid=6, deadlocks=None, blks_hit=None, blks_read=5)]
    found = measures_of(server.put_databases, Sample(databases=rows, databases_at=1.0), None, Manner())
    assert (found["lifetime_deadlocks"], found["lifetime_cache_hit_ratio"]) == (None, None)
    assert found["databases"][0]["lifetime_cache_hit_ratio"] == 0.9


def pair(first, second, seconds=2.0):
    return Sample(databases=[database(**first)], databases_at=10.0), Sample(databases=[database(**second)], databases_at=10.0 + seconds)


def test_rates_are_of_the_window():
    first, second = pair(
        {"xact_commit": 100, "blks_hit": 10}, {"xact_commit": 190, "xact_rollback": 10, "blks_hit": 910, "blks_read": 100, "deadlocks": 1}
    )
    found = measures_of(server.put_databases, first, second, Manner())
    assert (found["transactions_per_second"], found["rollback_ratio"]) == (50.0, 0.1)
    assert (found["cache_hit_ratio"], found["cache_blocks"], found["cache_reads_per_second"]) == (0.9, 1000, 50.0)
    assert (found["deadlocks"], found["deadlocks_per_minute"], found["notes"]) == (1, 30.0, [])


def test_a_reset_is_said_and_never_negative():
    first, second = pair({"xact_commit": 100, "blks_hit": 1000}, {"xact_commit": 5, "blks_hit": 10})
    found = measures_of(server.put_databases, first, second, Manner())
    assert found["transactions_per_second"] == 0.0 and "reset within the window" in found["notes"][0]


def test_without_a_second_sample_rates_are_unknown():
    first, _second = pair({"blks_hit": 90, "blks_read": 10}, {})
    found = measures_of(server.put_databases, first, None, Manner())
    assert found["transactions_per_second"] is None and found["cache_hit_ratio"] is None and found["lifetime_cache_hit_ratio"] == 0.9


def test_what_is_hidden_is_unknown_with_the_grant():
    hidden = {"pid": 9, "user": "other", "database": "shop", "hidden": True, "state": None, "backend_type": None, "now": 1000.0}
    sample = Sample(activity=[session(1), hidden], databases=[], server={}, many={})
    found = shape.facts(shape.Material(about(), sample, None, [], None), NO_STATEMENTS, {}, Manner()).done()
    assert found["long_queries_longest_seconds"] is None and found["waiting_on_lock"] is None
    assert 'GRANT pg_monitor TO "app"' in found["unknown"]["long_queries_longest_seconds"]
    assert found["connections"]["used"] == 2 and found["statements"] is None and found["unknown"]["statements_total"]


def test_one_sample_says_why_there_are_no_rates():
    sample = Sample(activity=[session(1)], databases=[], server={}, many={})
    found = shape.facts(shape.Material(about(), sample, None, [], None), NO_STATEMENTS, {}, Manner()).done()
    for name in ("deadlocks", "transactions", "cache_blocks", "transactions_per_second"):
        assert found[name] is None and "window 0" in found["unknown"][name]


def test_a_clock_that_was_moved_is_noted():
    sample = Sample(activity=[session(1, query_start=1180.0)], databases=[], server={}, many={})
    found = shape.facts(shape.Material(about(), sample, None, [], None), NO_STATEMENTS, {}, Manner()).done()
    assert any("clock" in note for note in found["notes"]) and found["long_queries"] == []


def samples(first=None, second=None, many=None, **more):
    return (
        Sample(activity=[], databases=[database(**more)], server=first or {}, many={}, server_at=1.0),
        Sample(activity=[], databases=[database(**more)], server=second or {}, many=many or {}, server_at=3.0),
    )


def test_checkpoints_of_old_and_new_servers():
    row = {"timed": 5, "requested": 5, "buffers": 100, "buffers_clean": 0, "buffers_alloc": 0, "maxwritten_clean": 0, "sync_time": 1.0}
    first, second = samples({"checkpoints": row}, {"checkpoints": {**row, "requested": 7, "buffers": 300}})
    found = measures_of(upkeep.put, about(), first, second, Manner())["checkpoints"]
    assert (found["requested"], found["buffers_per_second"], found["lifetime_requested_ratio"]) == (2, 100.0, round(7 / 12, 6))
    assert found["written_by_backends_ratio"] is None, "since 17 nobody counts them here"
    with_backends = [{**row, "buffers_backend": 0}, {**row, "buffers": 200, "buffers_backend": 100}]
    first, second = samples({"checkpoints": with_backends[0]}, {"checkpoints": with_backends[1]})
    assert measures_of(upkeep.put, about(), first, second, Manner())["checkpoints"]["written_by_backends_ratio"] == 0.5


@pytest.mark.parametrize("counters, expected", [({"op_bytes": 8192.0}, 4096.0 * 10), ({"read_bytes": 81920.0}, 81920.0 / 2)])
def test_io_in_bytes_before_and_since_18(counters, expected):
    first, second = samples()
    first.many["io"] = [
        {"name": "client backend", "reads": 0.0, **({"read_bytes": 0.0} if "read_bytes" in counters else {"op_bytes": 8192.0})}
    ]
    second.many["io"] = [{"name": "client backend", "reads": 10.0, **counters}]
    (row,) = measures_of(upkeep.put, about(), first, second, Manner())["io"]
    assert row["reads_per_second"] == 5.0 and row["read_bytes_per_second"] == expected


def test_wraparound_and_autovacuum():
    first, second = samples(xid_age=2**30)
    second.activity = [
        {"backend_type": "autovacuum worker", "query": "autovacuum: VACUUM t (to prevent wraparound)", "now": 9.0, "xact_start": 4.0}
    ]
    found = measures_of(upkeep.put, about(), first, second, Manner())
    assert found["wraparound_ratio"] == 0.5 and found["wraparound_database"] == "shop" and found["freeze_age_times"] > 5
    assert found["autovacuum"] == {"enabled": True, "workers": 1, "max_workers": 3, "longest_seconds": 5.0, "against_wraparound": 1}


def replica(**more):
    row = dict.fromkeys(("write_lag", "flush_lag", "replay_lag", "unsent_bytes", "reply_time"))
    return {
        **row,
        "pid": 1,
        "name": "r1",
        "user": "repl",
        "address": "10.0.0.3",
        "state": "streaming",
        "sync_state": "async",
        "now": 9.0,
        **more,
    }


def test_a_replica_that_stands_still_lags_by_the_window_at_least():
    first, second = samples()
    first.many["replicas"] = [replica(lag_bytes=10.0, replayed="0/1")]
    second.many["replicas"] = [replica(lag_bytes=90.0, replayed="0/1", replay_lag=0.001)]
    found = measures_of(replication.put, about(), first, second, Manner())
    assert found["replica_lag_longest_seconds"] == 2.0 and found["replicas"][0]["stalled"] is True
    second.many["replicas"] = [replica(lag_bytes=0.0, replayed="0/1")]
    assert measures_of(replication.put, about(), first, second, Manner())["replica_lag_longest_seconds"] == 0.0


def test_a_lag_that_nobody_measured_is_unknown():
    first, _second = samples()
    first.many["replicas"] = [replica(lag_bytes=90.0, replayed="0/1"), replica(pid=2, lag_bytes=7.0, replay_lag=40.0, replayed="0/1")]
    found = measures_of(replication.put, about(), first, None, Manner())
    assert found["replica_lag_longest_seconds"] is None and "has not measured it yet" in found["unknown"]["replica_lag_longest_seconds"]
    assert found["at_least"]["replica_lag_longest_seconds"] == 40.0


def test_d2_what_only_receives_wal_is_no_replica():
    """pg_receivewal and Barman have no replay position, by design: they were replicas that fall behind for ever."""
    first, second = samples()
    receiver = replica(name="barman_receive_wal", lag_bytes=None, replayed=None, replay_lag=1100.0)
    first.many["replicas"], second.many["replicas"] = [receiver], [receiver, replica(pid=2, lag_bytes=0.0, replayed="0/1")]
    found = measures_of(replication.put, about(), first, second, Manner())
    assert (found["replicas_total"], found["wal_receivers"], found["replica_lag_longest_seconds"]) == (1, 1, 0.0)
    second.many["replicas"] = [receiver]
    found = measures_of(replication.put, about(), first, second, Manner())
    assert (found["replicas_total"], found["replicas_not_streaming"], found["replica_lag_longest_seconds"]) == (0, 0, 0.0)
    # of a replica that is hidden from us the replay position is hidden too: that is no receiver
    second.many["replicas"] = [replica(state=None, lag_bytes=None, replayed=None)]
    found = measures_of(replication.put, about(), first, second, Manner())
    assert found["replicas_total"] == 1 and "GRANT pg_monitor" in found["unknown"]["replica_lag_longest_seconds"]


def test_settings_are_comparable_and_keep_secrets():
    of = about()
    of.settings.update(
        {
            "shared_buffers": {
                "name": "shared_buffers",
                "setting": "2048",
                "unit": "8kB",
                "source": "configuration file",
                "pending_restart": True,
            },
            "work_mem": {"name": "work_mem", "setting": "4096", "unit": "kB", "source": "default"},
            "port": {"name": "port", "setting": "5433", "source": "configuration file"},
            "myext.secret": {"name": "myext.secret", "setting": "pw='EXAMPLE' host=x", "source": "configuration file"},
        }
    )
    found = measures_of(comparable.put_settings, of)
    values = {row["name"]: row["value"] for row in found["settings"]}
    assert values["shared_buffers"] == 16 * 1024**2 and values["work_mem"] == 4 * 1024**2 and values["max_connections"] == 100
    assert "port" not in values and values["myext.secret"].startswith("#") and "EXAMPLE" not in json.dumps(found)
    assert found["settings_waiting_for_restart"] == ["shared_buffers"]
    of.settings["port"]["setting"] = "5444"
    assert measures_of(comparable.put_settings, of)["settings_hash"] == found["settings_hash"]
    of.settings["work_mem"]["setting"] = "8192"
    assert measures_of(comparable.put_settings, of)["settings_hash"] != found["settings_hash"]
