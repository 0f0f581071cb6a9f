# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A primary and its replica, which lags on purpose."""

from __future__ import annotations

import subprocess

import pytest

from tests.support.postgresql import Postgres, Replica, gathered


@pytest.fixture(scope="module")
def primary():
    with Postgres(max_wal_senders=4, wal_level="replica") as running:
        running.psql("create table t (id int); select pg_create_physical_replication_slot('forgotten', true)")
        yield running


@pytest.fixture(scope="module")
def replica(primary):
    with Replica(primary) as running:
        primary.until("exists (select from pg_stat_replication where state = 'streaming')", "the replica streams")
        yield running


def test_a_replica_that_has_caught_up(primary, replica):
    primary.until("(select replay_lsn from pg_stat_replication) = pg_current_wal_lsn()", "it has caught up")
    found = gathered(primary.place)
    assert found["role"] == "primary" and found["replicas_total"] == 1 and found["connections"]["walsenders"] == 1
    assert found["replica_lag_longest_seconds"] < 5 and found["replicas"][0]["state"] == "streaming"
    assert found["connections"]["used"] == 0, "a walsender takes none of the clients' connections"
    own = gathered(replica.place)
    assert own["role"] == "replica" and own["replication"]["streaming"] is True and own["replication"]["lag_seconds"] < 5


def test_a_replica_that_lags(primary, replica):
    primary.psql("insert into t values (0)")
    primary.until("(select replay_lsn from pg_stat_replication) = pg_current_wal_lsn()", "a transaction was replayed")
    replica.psql("select pg_wal_replay_pause()")
    primary.psql("insert into t select generate_series(1, 1000)")
    flushed = primary.psql("select pg_current_wal_flush_lsn()")
    replica.until(
        f"pg_last_wal_receive_lsn() > pg_last_wal_replay_lsn() and pg_last_wal_receive_lsn() >= '{flushed}'::pg_lsn",
        "received and not replayed",
    )
    found = gathered(primary.place, window=1.5)
    (row,) = found["replicas"]
    assert row["lag_bytes"] > 0 and row["stalled"] is True and found["replica_lag_longest_seconds"] >= 1.4
    own = gathered(replica.place)["replication"]
    assert own["paused"] is True and own["behind_bytes"] > 0 and own["lag_seconds"] > 0
    replica.psql("select pg_wal_replay_resume()")


def test_a_slot_that_nobody_reads_keeps_the_log(primary):
    found = gathered(primary.place)
    forgotten = next(row for row in found["replication_slots"] if row["name"] == "forgotten")
    assert forgotten["active"] is False and forgotten["kept_bytes"] > 0 and found["replication_slots_inactive"] == 1


def test_d2_pg_receivewal_is_no_replica_that_falls_behind(primary, replica):
    """It takes the WAL and replays nothing, by design."""
    (primary.dir / "wal").mkdir(mode=0o777)
    place = ["-h", "127.0.0.1", "-p", str(primary.port), "-U", "warroom", "-D", str(primary.dir / "wal"), "--no-loop"]
    receiver = subprocess.Popen([primary.bin / "pg_receivewal", *place], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        primary.until("exists (select from pg_stat_replication where application_name = 'pg_receivewal')", "it receives")
        primary.psql("insert into t select generate_series(1, 1000)")
        primary.until("(select replay_lsn from pg_stat_replication where replay_lsn is not null) = pg_current_wal_lsn()", "replayed")
        found = gathered(primary.place, window=0.5)
    finally:
        receiver.kill()
        receiver.wait(10)
    assert (found["wal_receivers"], found["replicas_total"]) == (1, 1)
    assert found["replica_lag_longest_seconds"] < 5 and "receivewal" not in str(found["replicas"])
