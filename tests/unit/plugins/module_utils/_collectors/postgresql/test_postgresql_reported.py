# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Failures that people reported of other monitors of PostgreSQL, as rows of its views, and what the facts must say."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect.facts import Unknown
from ansible_collections.warroom.launch.plugins.module_utils._collectors.postgresql import (
    queries,
    replication,
    server,
    server_queries,
    shape,
    upkeep,
)
from ansible_collections.warroom.launch.plugins.module_utils._collectors.postgresql.fetch import About, Sample
from ansible_collections.warroom.launch.plugins.module_utils._sql import locks, sessions
from ansible_collections.warroom.launch.plugins.module_utils._sql.sessions import Activity, Manner
from tests.support.postgresql_rows import session
from tests.support.tools import measures_of


def about(settings: t.Mapping[str, str], **identity: t.Any) -> About:
    return About(
        {"user": "mon", "now": 1000.0, "started": 0.0, **identity}, {name: {"setting": value} for name, value in settings.items()}, {}
    )


def replay(
    now: float, caught_up: t.Optional[bool], replayed: t.Optional[float], receiver: t.Optional[str] = "streaming"
) -> dict[str, t.Any]:
    return {
        "caught_up": caught_up,
        "replayed": replayed,
        "behind_bytes": 0.0 if caught_up else 200.0,
        "paused": False,
        "receiver": receiver,
        "now": now,
    }


def own_lag(first: dict[str, t.Any], second: t.Optional[dict[str, t.Any]]) -> t.Any:
    samples = [None if told is None else Sample(server={"replay": told}, many={"replicas": [], "slots": []}) for told in (first, second)]
    who = about({}, in_recovery=True, reads_stats=True)
    return measures_of(replication.put, who, samples[0], samples[1], Manner())["replication"]["lag_seconds"]


@pytest.mark.parametrize(
    ("first", "second", "lag"),
    [
        # a primary that was idle for two hours: a few bytes have just come
        (replay(1000.0, True, -6200.0), replay(1005.0, False, -6200.0), 5.0),
        (replay(1000.0, False, 400.0), replay(1005.0, False, 400.0), 605.0),
        (replay(1000.0, True, 990.0), replay(1005.0, False, 1004.0), 1.0),
        (replay(1000.0, False, -6200.0), replay(1005.0, True, -6200.0), 0.0),
        (replay(1000.0, True, 400.0), None, 0.0),
        # nothing comes any more: what was received is replayed, and says nothing
        (replay(1000.0, True, 400.0, None), replay(1005.0, True, 400.0, None), 605.0),
    ],
)
def test_a_replica_that_had_replayed_all_is_behind_by_the_window_at_most(first: t.Any, second: t.Any, lag: float) -> None:
    """https://github.com/prometheus-community/postgres_exporter/issues/385, https://github.com/prometheus-community/postgres_exporter/pull/977"""
    assert own_lag(first, second) == lag


@pytest.mark.parametrize(
    ("settings", "identity", "failing"),
    [
        ({"archive_mode": "on", "archive_command": "", "archive_library": ""}, {}, True),
        ({"archive_mode": "on", "archive_command": ""}, {}, True),  # before 15
        ({"archive_mode": "on", "archive_command": "", "archive_library": "basic_archive"}, {}, False),
        ({"archive_mode": "on", "archive_command": "cp %p /a/%f", "archive_library": ""}, {}, False),
        ({"archive_mode": "on", "archive_command": ""}, {"in_recovery": True}, False),
    ],
)
def test_archiving_without_a_command_never_fails_and_keeps_all_wal(settings: t.Any, identity: t.Any, failing: bool) -> None:
    """https://www.postgresql.org/docs/current/runtime-config-wal.html#GUC-ARCHIVE-COMMAND; on a standby: check_pgactivity#200"""
    row = {"last_failed_time": None, "last_archived_time": None, "failed_count": 0, "archived_count": 0, "now": 1000.0}
    sample = Sample(server={"archiver": row})
    told = upkeep._archiving(about(settings, **identity), sample, None, None)
    assert (told["failing"], told["command_unset"]) == (failing, failing)


def test_commits_that_wait_for_a_synchronous_replica() -> None:
    """https://www.postgresql.org/docs/current/warm-standby.html#SYNCHRONOUS-REPLICATION-HA: every write hangs"""
    waiting = session(7, state="active", query="COMMIT", wait_event_type="IPC", wait_event="SyncRep", query_start=960.0)
    found = measures_of(sessions.put_long_queries, Activity([waiting], Manner()), {})
    assert [row["waits_for"] for row in found["long_queries"]] == ["replica"]
    assert found["long_queries_waits"] == [{"name": "replica", "sessions": 1}]


def test_a_delay_that_was_asked_for_is_no_lag_of_a_replica() -> None:
    """https://www.postgresql.org/docs/current/runtime-config-replication.html#GUC-RECOVERY-MIN-APPLY-DELAY"""
    sample = Sample(server={"replay": replay(10_000.0, False, 6390.0)}, many={"replicas": [], "slots": []})
    who = about({"recovery_min_apply_delay": "3600000"}, in_recovery=True, reads_stats=True)
    assert measures_of(replication.put, who, sample, None, Manner())["replication"]["lag_seconds"] == 10.0


@pytest.mark.parametrize(
    ("setting", "source", "replica", "refuses"),
    [
        ("on", "configuration file", False, True),
        ("on", "database", False, True),
        ("on", "user", False, False),  # our own role's
        ("on", "configuration file", True, False),
        ("off", "default", False, False),
    ],
)
def test_a_primary_whose_transactions_are_read_only(setting: str, source: str, replica: bool, refuses: bool) -> None:
    """A hosting service's answer to a full disk: https://aiven.io/docs/products/postgresql/howto/prevent-full-disk"""
    who = about({}, in_recovery=replica)
    who.settings["default_transaction_read_only"] = {"setting": setting, "source": source}
    assert measures_of(server.put_identity, who)["refuses_writes"] is refuses


ARCHIVES = {"archive_mode": "on", "archive_command": "wal-g wal-push %p", "archive_library": ""}


@pytest.mark.parametrize(
    ("waiting", "expected"),
    [
        ({"total": 0, "since": None, "now": 1000.0}, (0, 0.0)),  # idle since months: nothing is due
        ({"total": 170, "since": -230000.0, "now": 1000.0}, (170, 231000.0)),
        ({"total": 1, "since": None, "now": 1000.0}, (1, None)),
        (None, (None, None)),
    ],
)
def test_an_archive_command_that_hangs_fails_nothing(waiting: t.Any, expected: t.Any) -> None:
    """https://github.com/wal-g/wal-g/issues/358; quiet servers: https://github.com/rwlove/home-ops/pull/13320"""
    row = {"last_failed_time": None, "last_archived_time": -9e6, "failed_count": 0, "archived_count": 3, "now": 1000.0}
    many = {"archive_waiting": Unknown("permission denied") if waiting is None else [waiting]}
    told = measures_of(
        lambda facts: facts.put("archiving", upkeep._archiving(about(ARCHIVES), Sample(server={"archiver": row}, many=many), None, None))
    )
    found = told["archiving"]
    assert (found["failing"], found["failed"]) == (False, None)
    assert (found["waiting"], found["waiting_seconds"]) == expected


@pytest.mark.parametrize(
    ("archived", "failed", "failing"),
    [(None, 900.0, True), (950.0, 900.0, False), (900.0, 950.0, True), (900.0, None, False)],
)
def test_archiving_fails_by_its_last_attempt(archived: t.Any, failed: t.Any, failing: bool) -> None:
    """https://github.com/OPMDG/check_pgactivity/issues/236: one that never worked; https://github.com/pgbackrest/pgbackrest/issues/2714"""
    row = {"last_failed_time": failed, "last_archived_time": archived, "failed_count": 1, "archived_count": 3, "now": 1000.0}
    assert upkeep._archiving(about(ARCHIVES), Sample(server={"archiver": row}), None, None)["failing"] is failing


@pytest.mark.parametrize(
    ("mode", "standby", "failing", "waiting"),
    [("on", False, True, 3), ("on", True, False, None), ("always", True, True, 3), ("always", False, True, 3)],
)
def test_what_failed_before_a_switchover_fails_no_more(mode: str, standby: bool, failing: bool, waiting: t.Optional[int]) -> None:
    """https://github.com/cloudnative-pg/cloudnative-pg/issues/9101: the statistics of the former primary stay as they were"""
    row = {"last_failed_time": 950.0, "last_archived_time": 900.0, "failed_count": 7, "archived_count": 3, "now": 90_000.0}
    sample = Sample(server={"archiver": row}, many={"archive_waiting": [{"total": 3, "since": 900.0, "now": 90_000.0}]})
    who = about({**ARCHIVES, "archive_mode": mode}, in_recovery=standby)
    found = measures_of(lambda facts: facts.put("archiving", upkeep._archiving(who, sample, None, None)))["archiving"]
    assert (found["failing"], found["waiting"]) == (failing, waiting)


def test_a_reader_of_aurora_has_no_receiver_by_design() -> None:
    """https://github.com/DataDog/integrations-core/issues/6399, https://github.com/ankane/pghero/issues/168: refused (0A000)"""
    refused = Unknown("Function pg_last_xlog_receive_location() is currently not supported for Aurora")
    sample = Sample(server={"replay": refused}, many={"replicas": [], "slots": []})
    who = about({}, in_recovery=True, reads_stats=True)
    told = measures_of(replication.put, who, sample, None, Manner())
    assert told["replication"] is None and "not supported for Aurora" in told["unknown"]["replication"]


def test_what_is_asked_of_slots_may_be_asked_of_a_standby() -> None:
    """https://github.com/prometheus-community/postgres_exporter/issues/547, https://github.com/prometheus-community/postgres_exporter/pull/899"""
    asked = server_queries.slots({}) + server_queries.wal({}) + server_queries.REPLICAS
    assert asked.count("pg_current_wal_lsn()") == asked.count("pg_is_in_recovery()") > 0


def sender(pid: int, name: str, **more: t.Any) -> dict[str, t.Any]:
    """A row of pg_stat_replication, of a replica that follows."""
    times = dict.fromkeys(("write_lag", "flush_lag", "replay_lag", "reply_time"))
    who = {"pid": pid, "name": name, "user": "repl", "address": "10.0.0.3", "state": "streaming", "sync_state": "async", "now": 9.0}
    return {**times, **who, "lag_bytes": 0.0, "unsent_bytes": 0.0, "replayed": "0/1", "logical": False, **more}


def sent(*rows: dict[str, t.Any]) -> dict[str, t.Any]:
    sample = Sample(many={"replicas": list(rows), "slots": []})
    return measures_of(replication.put, about({}, in_recovery=False, reads_stats=True), sample, None, Manner())


def test_a_consumer_of_changes_is_no_replica() -> None:
    """https://github.com/lesovsky/pgscv/issues/15: Debezium confirms late by design, serves no reads, and nobody fails over to it"""
    debezium = sender(1, "PostgreSQL JDBC Driver", logical=True, replay_lag=71.9, lag_bytes=671000.0)
    found = sent(debezium)
    assert (found["replicas_total"], found["replica_lag_longest_seconds"], found["wal_receivers"]) == (0, 0.0, 0)
    assert found["logical_consumers_total"] == 1 and found["logical_consumers"][0]["lag_bytes"] == 671000
    found = sent(debezium, sender(2, "db2"))
    assert [row["name"] for row in found["replicas"]] == ["db2"] and found["replica_lag_longest_seconds"] == 0.0


def test_a_base_backup_keeps_no_wal_for_long() -> None:
    """https://www.postgresql.org/docs/current/app-pgbasebackup.html: it and the WAL that it takes along end with it"""
    found = sent(sender(1, "pg_basebackup", state="backup", replayed=None), sender(2, "pg_basebackup", replayed=None))
    assert (found["replicas_total"], found["wal_receivers"], found["replicas_not_streaming"]) == (0, 0, 0)
    assert sent(sender(1, "barman_receive_wal", replayed=None))["wal_receivers"] == 1


@pytest.mark.parametrize(
    ("in_recovery", "slot", "copied", "inactive", "kept"),
    [
        (True, {"type": "logical", "synced": True}, True, 0, 0),  # 17 and later
        (True, {"type": "logical", "synced": False}, False, 1, 5e9),  # a consumer of the standby's own that is gone
        (True, {"type": "logical"}, True, 0, 0),
        (True, {"type": "physical"}, False, 1, 5e9),
        (True, {"type": "logical", "synced": False, "active": True}, False, 0, 5e9),
        (False, {"type": "logical", "synced": False}, False, 1, 5e9),
        (False, {"type": "logical"}, False, 1, 5e9),
    ],
)
def test_the_copy_of_a_slot_on_a_standby_is_not_in_use_by_design(
    in_recovery: bool, slot: dict[str, t.Any], copied: bool, inactive: int, kept: float
) -> None:
    """https://github.com/EnterpriseDB/pg_failover_slots/issues/25: to drop it would break the next failover"""
    told = {"name": "cdc", "database": "shop", "active": False, "kept_bytes": 5e9, "wal_status": "reserved", "safe_wal_size": None, **slot}
    sample = Sample(server={"replay": Unknown("not asked")}, many={"replicas": [], "slots": [told]})
    found = measures_of(replication.put, about({}, in_recovery=in_recovery, reads_stats=True), sample, None, Manner())
    assert [row["copied"] for row in found["replication_slots"]] == [copied]
    assert (found["replication_slots_inactive"], found["replication_slots_kept_bytes"]) == (inactive, kept)


def test_a_slot_or_replica_ahead_of_the_end_that_was_read_keeps_nothing() -> None:
    """https://github.com/OPMDG/check_pgactivity/issues/241: -1 files, of a standby that restores from its archive"""
    slot = {"name": "s", "type": "physical", "database": None, "active": True, "kept_bytes": -16777216.0, "wal_status": "reserved"}
    replicas = [sender(1, "db2", lag_bytes=-80.0, unsent_bytes=-80.0), sender(2, "db3", lag_bytes=None, unsent_bytes=None)]
    sample = Sample(server={"replay": Unknown("not asked")}, many={"replicas": replicas, "slots": [slot]})
    found = measures_of(replication.put, about({}, in_recovery=True, reads_stats=True), sample, None, Manner())
    assert found["replication_slots_kept_bytes"] == 0 and found["replication_slots"][0]["kept_bytes"] == 0
    assert [(row["lag_bytes"], row["unsent_bytes"]) for row in found["replicas"]] == [(0.0, 0.0), (None, None)]


def sessions_of(who: About, *rows: dict[str, t.Any]) -> dict[str, t.Any]:
    material = shape.Material(who, Sample(activity=list(rows)), None, [], None)
    return measures_of(shape._put_sessions, material, Manner())


HIDDEN = {"hidden": True, "backend_type": None, "state": None, "query": "<insufficient privilege>", "address": None, "xact_start": None}
SLOTS = {"max_connections": "100", "superuser_reserved_connections": "3"}


@pytest.mark.parametrize(("may_read_all", "known"), [(True, True), (False, False)])
def test_what_a_hosting_service_hides_from_everybody_hides_nothing_of_ours(may_read_all: bool, known: bool) -> None:
    """https://github.com/prometheus-community/postgres_exporter/pull/370, https://github.com/ankane/pghero/issues/333: no GRANT shows
    what rdsadmin and cloudsqladmin do"""
    service = session(1, user="rdsadmin", database="rdsadmin", **HIDDEN)
    found = sessions_of(about(SLOTS, reads_stats=may_read_all), service, session(2))
    assert (found["active"], found["oldest_transaction_seconds"], found["long_queries_total"]) == ((1, 20.0, 1) if known else (None,) * 3)
    assert (found["connections"]["used"], found["connections"]["hidden"], found["connections"]["free"]) == (2, 1, 95)
    assert sorted(row["user"] for row in found["clients"]) == (["app"] if known else ["app", "rdsadmin"])


@pytest.mark.parametrize(
    ("settings", "usable"),
    [
        (SLOTS, 97),
        ({**SLOTS, "reserved_connections": "10"}, 87),
        ({**SLOTS, "reserved_connections": "0", "rds.rds_superuser_reserved_connections": "2"}, 95),
        ({**SLOTS, "reserved_connections": "odd"}, None),
        ({"max_connections": "100"}, None),
    ],
)
def test_connections_that_a_hosting_service_keeps_for_itself(settings: dict[str, str], usable: t.Optional[int]) -> None:
    """https://repost.aws/knowledge-center/rds-postgresql-error-connection-slots: 100 - 3 - 2 = 95"""
    assert sessions_of(about(settings, reads_stats=True), session(2))["connections"]["usable"] == usable


def test_a_database_left_over_by_a_drop_that_was_interrupted() -> None:
    """https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/appendix.postgresql.commondbatasks.autovacuumbehavior.html"""
    shop = {"name": "shop", "xid_age": 150_000_000, "mxid_age": 7, "connection_limit": -1, "invalid": False}
    gone = {"name": "old", "xid_age": 2_000_000_000, "mxid_age": 7, "connection_limit": -2, "invalid": True}
    who = about({"autovacuum_freeze_max_age": "200000000"})
    found = measures_of(upkeep._put_wraparound, who, Sample(databases=[shop, gone]))
    assert (found["wraparound_database"], found["freeze_age_times"]) == ("shop", 0.75)
    assert any("old is invalid" in note for note in found["notes"])
    assert "datconnlimit <> -2 AS connectable" in queries.databases({})


READ = {"query": "SELECT 1 FROM user_profiles", "wait_event_type": "Lock", "wait_event": "relation", "query_start": 970.0}


@pytest.mark.parametrize(
    ("waits", "text", "found"),
    [
        ({}, "-- Raise the cap\nALTER TABLE user_profiles ADD CHECK (x < 200)", 7),
        ({2: {"mode": "AccessExclusiveLock"}}, "LOCK TABLE user_profiles", 7),
        ({2: {"mode": "ShareLock"}}, "UPDATE user_profiles SET x = 1", None),
    ],
)
def test_the_schema_change_in_a_queue_of_locks(waits: t.Any, text: str, found: t.Optional[int]) -> None:
    """https://github.com/strelov1/freehire/pull/1284: behind the dump the migration, behind the migration the visitors"""
    dump = session(1, application="pg_dump", query="COPY public.jobs TO STDOUT", query_start=100.0, xact_start=100.0)
    change = session(2, application="migrate", **{**READ, "query": text})
    rows = [dump, change, *(session(pid, **READ) for pid in range(3, 10))]
    blocked = {2: [1], **{pid: [2] for pid in range(3, 10)}}
    told = measures_of(locks.put, Activity(rows, Manner()), locks.Trees(blocked), waits)
    (blocker,) = told["blockers"]
    assert (blocker["pid"], blocker["blocks_total"]) == (1, 8)
    assert (blocker["schema_change"] or {}).get("blocks_total") == found
    assert found is None or blocker["schema_change"]["frees_the_others"] == "SELECT pg_cancel_backend(2)"
    assert found is not None or told["unknown"]["blockers[].schema_change"] == locks.NO_CHANGE


@pytest.mark.parametrize(
    ("settings", "later", "why"),
    [
        ({"pg_stat_statements.track": "none"}, 40, "pg_stat_statements.track is none"),
        ({"pg_stat_statements.track": "top", "compute_query_id": "off"}, 40, "compute_query_id is off"),
        ({"pg_stat_statements.track": "none"}, 47, None),  # of our own user only
        ({"pg_stat_statements.track": "top", "compute_query_id": "auto"}, 40, None),
    ],
)
def test_statements_that_nobody_counts_any_more_do_not_stand_still(settings: t.Any, later: int, why: t.Optional[str]) -> None:
    """https://www.postgresql.org/docs/current/pgstatstatements.html: it is loaded, and what it counted once stands there for ever"""
    counted = [Sample(statements=[{"dbid": 5, "queryid": "-1", "calls": calls, "total_exec_time": 9.0}]) for calls in (40, later)]
    found = shape.statements_of(about(settings), *counted)
    assert (found.reason.partition(",")[0] if isinstance(found, Unknown) else None) == why
    assert not isinstance(found, Unknown) or "ALTER SYSTEM SET" in found.reason
    alone = shape.statements_of(about(settings), counted[0], None)
    assert isinstance(alone, Unknown) is (settings != {"pg_stat_statements.track": "top", "compute_query_id": "auto"})


def test_statements_that_the_replay_of_a_replica_cancels() -> None:
    """https://github.com/onaio/onadata/issues/906, https://github.com/GSA/data.gov/issues/2716: canceling statement due to conflict"""
    rows = {"name": "shop", "oid": 5, "connectable": True, "template": False, "xact_commit": 9, "xact_rollback": 0}
    samples = [Sample(databases=[{**rows, "conflicts": count}], databases_at=at) for count, at in ((7, 1.0), (10, 6.0))]
    assert measures_of(server.put_databases, *samples, Manner())["recovery_conflicts"] == 3


def test_locks_of_the_servers_own_memory_are_counted() -> None:
    """https://github.com/odoo/odoo/pull/71395, https://github.com/reorg/pg_repack/issues/457: everything is slow, and nobody blocks"""
    waits = {"wait_event_type": "LWLock", "wait_event": "SubtransSLRU"}
    rows = [session(pid, **waits) for pid in range(1, 5)]
    rows += [session(9, wait_event_type="LWLock", wait_event="WALWrite"), session(10, backend_type="walwriter", **waits), session(11)]
    found = sessions_of(about(SLOTS, reads_stats=True), *rows, session(12, state="idle", **waits))
    assert found["internal_locks"] == [{"name": "SubtransSLRU", "sessions": 4}, {"name": "WALWrite", "sessions": 1}]
    hidden = sessions_of(about(SLOTS), *rows, session(13, **{**HIDDEN, "backend_type": "client backend"}))
    assert hidden["internal_locks"] is None and "hidden" in hidden["unknown"]["internal_locks"]


def test_who_sends_wal_runs_no_long_query() -> None:
    """https://github.com/paradedb/charts/pull/195, https://github.com/OPMDG/check_pgactivity/pull/372: active for as long as it follows"""
    sender = session(5, backend_type="walsender", query="START_REPLICATION SLOT a", query_start=-9e5, xact_start=None)
    found = sessions_of(about(SLOTS, reads_stats=True), sender, session(2, query_start=999.5))
    assert (found["long_queries_total"], found["active"]) == (0, 1)


def test_a_transaction_is_idle_since_its_last_statement() -> None:
    """https://github.com/OPMDG/check_pgactivity/issues/306: open for an hour, and at work until a second ago"""
    busy = session(3, state="idle in transaction", xact_start=-2600.0, query_start=998.0, state_change=999.0)
    found = sessions_of(about(SLOTS, reads_stats=True), busy)
    assert (found["idle_in_transaction_longest_seconds"], found["oldest_transaction_seconds"]) == (1.0, 3600.0)


@pytest.mark.parametrize(
    ("replica", "slot", "held"),
    [
        (None, None, []),
        (7, None, [("replica", "db2", 7)]),  # hot_standby_feedback
        (7, 4_000_000, [("slot", "old", 4_000_000), ("replica", "db2", 7)]),
    ],
)
def test_who_keeps_rows_from_vacuum_without_a_session(replica: t.Optional[int], slot: t.Optional[int], held: t.Any) -> None:
    """https://github.com/OPMDG/check_pgactivity/issues/201, https://github.com/cybertec-postgresql/pgwatch2/issues/111"""
    slots = [{"name": "old", "type": "physical", "database": None, "active": False, "kept_bytes": None, "xid_age": slot}]
    sample = Sample(many={"replicas": [sender(1, "db2", xid_age=replica)], "slots": slots})
    found = measures_of(replication.put, about({}, in_recovery=False, reads_stats=True), sample, None, Manner())
    assert [(row["kind"], row["name"], row["transactions"]) for row in found["vacuum_held_by"]] == held
    assert found["vacuum_held_transactions"] == max((age for _kind, _name, age in held), default=0)
