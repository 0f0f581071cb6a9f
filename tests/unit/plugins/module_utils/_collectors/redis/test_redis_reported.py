# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Failures that people reported of Redis and of its other monitors, as replies of a server, and what the facts must say."""

from __future__ import annotations

import typing as t

import pytest

from tests.support.redis_replies import Replies, changed, recorded, told

FIRST, SECOND = (changed(replies, errorstat_ERR=None, errorstat_OOM=None) for replies in recorded("redis-7.0.15"))


def facts(first: Replies, second: Replies) -> dict[str, t.Any]:
    return dict(told(first, second))


def errors(first: str, second: str) -> dict[str, t.Any]:
    return facts({**FIRST, "INFO errorstats": f"# Errorstats\r\n{first}"}, {**SECOND, "INFO errorstats": f"# Errorstats\r\n{second}"})


@pytest.mark.parametrize(
    ("first", "second", "rows", "count", "full"),
    [
        ("", "errorstat_READONLY:count=40\r\n", [("READONLY", 40)], 40, 0),
        ("errorstat_READONLY:count=40\r\n", "errorstat_READONLY:count=40\r\n", [], 0, 0),  # that was the last failover
        ("", "errorstat_NOREPLICAS:count=3\r\nerrorstat_LOADING:count=9\r\n", [("LOADING", 9), ("NOREPLICAS", 3)], 12, 0),
        # what a client must turn to another server for, or did wrong itself, is no refusal
        ("", "errorstat_MOVED:count=90\r\nerrorstat_NOSCRIPT:count=2\r\nerrorstat_ERR:count=7\r\nerrorstat_NOPERM:count=5\r\n", [], 0, 0),
        ("", "errorstat_OOM:count=4\r\nerrorstat_NOAUTH:count=1\r\n", [("NOAUTH", 1)], 1, 4),
        ("errorstat_READONLY:count=40\r\n", "errorstat_READONLY:count=2\r\n", None, None, None),
    ],
)
def test_commands_refused_for_the_state_of_the_server(first: str, second: str, rows: t.Any, count: t.Any, full: t.Any) -> None:
    """https://github.com/celery/celery/issues/7946, https://github.com/jazzband/django-redis/issues/616: healthy, and every write fails"""
    found = errors(first, second)
    refused = found["refused_commands"]
    assert (refused if refused is None else [(row["name"], row["refused"]) for row in refused]) == rows
    assert (found["refused_commands_count"], found["refused_writes"]) == (count, full)
    assert count is not None or "RESETSTAT" in found["unknown"]["refused_commands_count"]


@pytest.mark.parametrize(
    ("policy", "maxmemory", "keys", "refuses"),
    [
        ("volatile-lru", 1000, "keys=500,expires=0,avg_ttl=0", True),
        ("volatile-ttl", 1000, "keys=500,expires=2,avg_ttl=9", True),
        ("volatile-lru", 1000, "keys=500,expires=400,avg_ttl=9", False),
        ("volatile-lru", 0, "keys=500,expires=0,avg_ttl=0", False),
        ("volatile-lru", 1000, "keys=500", None),
        ("noeviction", 1000, "keys=500,expires=400,avg_ttl=9", True),
        ("allkeys-lru", 1000, "keys=500,expires=0,avg_ttl=0", False),
    ],
)
def test_nothing_to_evict_is_as_noeviction(policy: str, maxmemory: int, keys: str, refuses: t.Optional[bool]) -> None:
    """https://github.com/sidekiq/sidekiq/issues/5562, https://github.com/taskforcesh/bullmq/issues/1046: volatile-lru of ElastiCache"""
    found = facts(FIRST, changed(SECOND, maxmemory_policy=policy, maxmemory=maxmemory, db0=keys))
    assert found["refuses_when_full"] is refuses


@pytest.mark.parametrize(
    ("state", "ok", "missing"),
    [
        # PFAIL: "those hash slots still work correctly", https://redis.io/docs/latest/commands/cluster-info/
        ("cluster_state:ok\r\ncluster_slots_ok:10922\r\ncluster_slots_pfail:5462\r\ncluster_slots_fail:0\r\n", True, 0),
        ("cluster_state:ok\r\ncluster_slots_ok:5461\r\ncluster_slots_pfail:5461\r\ncluster_slots_fail:5462\r\n", True, 5462),
        ("cluster_state:ok\r\ncluster_slots_assigned:16384\r\ncluster_slots_ok:10922\r\ncluster_slots_fail:5462\r\n", True, 5462),
        ("cluster_state:ok\r\ncluster_slots_assigned:10923\r\ncluster_slots_ok:10923\r\ncluster_slots_fail:0\r\n", True, 5461),
        ("cluster_state:ok\r\ncluster_slots_assigned:16384\r\ncluster_slots_ok:16384\r\ncluster_slots_fail:0\r\n", True, 0),
        ("cluster_state:fail\r\ncluster_slots_assigned:0\r\ncluster_slots_ok:0\r\n", False, 16384),
        ("cluster_state:ok\r\n", True, None),
    ],
)
def test_a_cluster_that_calls_itself_ok_without_all_of_its_slots(state: str, ok: bool, missing: t.Optional[int]) -> None:
    """https://github.com/valkey-io/valkey/pull/3676, https://github.com/redis/redis/issues/10477: cluster-require-full-coverage no"""
    found = facts(FIRST, {**changed(SECOND, redis_mode="cluster", cluster_enabled=1), "CLUSTER INFO": state})
    assert (found["cluster"]["ok"], found["cluster"]["slots_missing"]) == (ok, missing)


def test_a_managed_service_without_config_tells_what_it_can_and_why_not_the_rest() -> None:
    """https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/RestrictedCommands.html: CONFIG is not there"""
    managed = {name: reply for name, reply in SECOND.items() if not name.startswith("CONFIG")}
    found = facts(FIRST, {**managed, "SLOWLOG GET 32": []})
    for measure in ("persistence.snapshots", "slow_log_milliseconds", "slow_longest_milliseconds", "slow_time_ratio", "stalls"):
        assert "console" in found["unknown"][measure], (measure, found["unknown"].get(measure))
    assert found["slow_longest_milliseconds"] is None and "may be off" in found["unknown"]["slow_longest_milliseconds"]
    assert found["policy"] == "noeviction" and found["connections_limit"] and found["persistence"]["refuses_writes"] is False
    # a slow log that holds something is on
    assert facts(FIRST, managed)["slow_longest_milliseconds"] is not None


@pytest.mark.parametrize(("maxmemory", "used", "fill"), [(1, 800_000, 1.0), (1_000_000, 800_000, 0.8), (0, 800_000, None)])
def test_a_limit_below_what_is_in_use_is_full(maxmemory: int, used: int, fill: t.Optional[float]) -> None:
    """https://github.com/redis/redis/issues/429: 1 byte in place of 1 GB; no limit: https://github.com/samber/awesome-prometheus-alerts/pull/410"""
    found = facts(FIRST, changed(SECOND, maxmemory=maxmemory, used_memory=used, mem_not_counted_for_evict=0))
    assert found["fill_ratio"] == fill


@pytest.mark.parametrize(
    ("down", "heard", "seconds", "silent", "why"),
    [
        (1_600_947_692, -1, None, None, "has not reached"),  # before 6.2.3 the time of day
        (-1, -1, None, None, "has not reached"),
        (40, -1, 40, None, "is not connected"),
        (40, 18_446_744_073, 40, None, "implausible"),
        (40, 30, 40, 30, None),
    ],
)
def test_a_replica_that_never_met_its_primary(down: int, heard: int, seconds: t.Any, silent: t.Any, why: t.Optional[str]) -> None:
    """https://github.com/redis/redis/issues/7840, https://github.com/redis/redis/pull/8785: down for 50 years;
    https://github.com/dragonflydb/dragonfly/issues/4884: silent for 584 years"""
    state = {"role": "slave", "master_link_status": "down", "master_sync_in_progress": 0, "uptime_in_seconds": 900}
    told = {**state, "master_link_down_since_seconds": down, "master_last_io_seconds_ago": heard}
    found = facts(changed(FIRST, **told), changed(SECOND, **told))
    assert (found["source"]["down_seconds"], found["source"]["silent_seconds"]) == (seconds, silent)
    assert why is None or why in found["unknown"]["source.down_seconds" if seconds is None else "source.silent_seconds"]


@pytest.mark.parametrize(
    ("row", "address", "lag"),
    [
        ("ip=fd00::7,port=6379,state=online,offset=100,lag=1", "[fd00::7]:6379", 1),
        ("ip=db2.example,port=6379,state=online,offset=100,lag=1", "db2.example:6379", 1),
        ("ip=10.0.0.7,port=6379,state=stable_sync,lag=0", "10.0.0.7:6379", 0),
        ("ip=10.0.0.7,port=6379,state=wait_bgsave,offset=0,lag=0,type=replica", "10.0.0.7:6379", None),
        ("ip=10.0.0.7,port=6379,state=send_bulk,offset=0,lag=0", "10.0.0.7:6379", None),
    ],
)
def test_a_replica_that_copies_does_not_follow_yet(row: str, address: str, lag: t.Optional[int]) -> None:
    """https://github.com/redis/redis/issues/2786: its lag is told as 0 all the while"""
    found = facts(FIRST, changed(SECOND, role="master", connected_slaves=1, slave0=row, master_repl_offset=5000))
    assert [(one["address"], one["lag_seconds"]) for one in found["replicas"]] == [(address, lag)]
    assert lag is not None or "copies" in found["unknown"]["replicas[].lag_seconds"]


@pytest.mark.parametrize(
    ("first", "second", "count"),
    [
        ("errorstat_1:count=1\r\nerrorstat_OOM:count=7\r\n", "errorstat_ERRORSTATS_DISABLED:count=1\r\n", None),
        ("errorstat_ERRORSTATS_DISABLED:count=1\r\n", "errorstat_ERRORSTATS_DISABLED:count=1\r\n", None),
        ("errorstat_OOM:count=7\r\n", "errorstat_ERR:count=1\r\n", None),  # reset within the window
        ("", "errorstat_ERRORSTATS_OVERFLOW:count=9\r\nerrorstat_OOM:count=7\r\n", 7),  # Valkey goes on
        ('errorstat_{"code"_:count=4\r\n', 'errorstat_{"code"_:count=8\r\n', 0),
    ],
)
def test_errors_that_are_counted_no_more(first: str, second: str, count: t.Optional[int]) -> None:
    """https://github.com/redis/redis/pull/13141, https://github.com/valkey-io/valkey/pull/500, https://github.com/redis/redis/issues/11976"""
    found = errors(first, second)
    assert found["refused_writes"] == count and (count is not None or found["refused_commands_count"] is None)
    assert count is not None or "CONFIG RESETSTAT" in found["unknown"]["refused_writes"]


def test_the_time_of_commands_of_modules_counts() -> None:
    """https://github.com/RediSearch/RediSearch/issues/3116: they keep the case that they were registered with"""
    lines = "cmdstat_get:calls={0},usec={0},usec_per_call=1.00\r\ncmdstat_FT.DROP:calls={1},usec={2},usec_per_call=9.00\r\n"
    first, second = ({**one, "INFO commandstats": "# Commandstats\r\n" + lines.format(*told)} for one, told in
                     ((FIRST, (1, 1, 50)), (SECOND, (11, 3, 2_000_050))))  # fmt: skip
    found = facts(first, second)
    assert [(row["name"], row["calls"]) for row in found["commands"]] == [("FT.DROP", 2), ("GET", 10)]
    assert found["command_seconds"] == pytest.approx(2.00001)


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("10.0.0.5:6379", "10.0.0.5:6379"),
        ("fd00::5:6379", "[fd00::5]:6379"),
        ("[fd00::5]:6379", "[fd00::5]:6379"),
        ("db1.example:6379",) * 2,
    ],
)
def test_what_a_sentinel_watches_over_ipv6(address: str, shown: str) -> None:
    watched = changed(SECOND, redis_mode="sentinel", master0=f"name=shop,status=ok,address={address},slaves=1,sentinels=3")
    assert [row["address"] for row in facts(changed(FIRST, redis_mode="sentinel"), watched)["watched"]] == [shown]


@pytest.mark.parametrize(
    ("lines", "down", "why"),
    [
        ({"sentinel_tilt": 0, "sentinel_tilt_since_seconds": -1}, 1, None),
        ({}, 1, None),
        ({"sentinel_tilt": 1, "sentinel_tilt_since_seconds": 12}, None, "TILT"),
        ({"master0": None, "sentinel_masters": 0}, None, "watches no primary"),
        ({"master0": "name=shop,address=10.0.0.5:6379,slaves=1,sentinels=3"}, None, "does not say"),
    ],
)
def test_a_sentinel_that_only_looks_on(lines: dict[str, t.Any], down: t.Optional[int], why: t.Optional[str]) -> None:
    """https://github.com/bitnami/charts/issues/9689: in and out of TILT all night; https://github.com/redis/redis/pull/9000"""
    watched = {"redis_mode": "sentinel", "master0": "name=shop,status=odown,address=10.0.0.5:6379,slaves=1,sentinels=3", **lines}
    found = facts(changed(FIRST, redis_mode="sentinel"), changed(SECOND, **watched))
    assert found["watched_down"] == down
    assert why is None or why in found["unknown"]["watched_down"]


@pytest.mark.parametrize("more", ["avg_ttl=0,subexpiry=7", "keys_with_volatile_items=7,avg_ttl=0", "cached_keys=7,avg_ttl=0", "avg_ttl=0"])
def test_columns_of_the_keyspace_are_read_by_name(more: str) -> None:
    """https://github.com/oliver006/redis_exporter/pull/1168: by their place Redis 8.8 and Valkey 9 told others"""
    found = facts(FIRST, changed(SECOND, db0=f"keys=500,expires=100,{more}"))
    assert [(row["key_count"], row["expiring_ratio"]) for row in found["databases"] if row["name"] == "db0"] == [(500, 0.2)]


UP = "master_host:10.0.0.{0}\r\nmaster_port:6379\r\nmaster_link_status:up\r\nmaster_last_io_seconds_ago:0\r\nmaster_sync_in_progress:0\r\n"
DOWN = UP.replace(":up", ":down").replace("ago:0", "ago:-1") + "master_link_down_since_seconds:{1}\r\n"


@pytest.mark.parametrize(
    ("primaries", "link", "seconds"),
    [
        ([UP.format(2), DOWN.format(3, 85), UP.format(4)], False, 85),
        ([DOWN.format(2, 85), UP.format(3)], False, 85),
        ([DOWN.format(2, 85), DOWN.format(3, 600)], False, 600),
        ([UP.format(2), UP.format(3)], True, None),
    ],
)
def test_one_of_several_primaries_of_a_keydb(primaries: list[str], link: bool, seconds: t.Optional[int]) -> None:
    """https://github.com/oliver006/redis_exporter/issues/371: only one of them was told; its role: Snapchat/KeyDB#838"""
    listed = "".join(f"Master {place}: \r\n{lines}slave_repl_offset:1\r\n" for place, lines in enumerate(primaries))
    second = changed(SECOND, role=None, uptime_in_seconds=9000)
    second["INFO"] += f"\r\n# Replication\r\nrole:active-replica\r\n{listed}slave_priority:100\r\nslave_read_only:0"
    found = facts(changed(FIRST, uptime_in_seconds=8995), second)
    assert (found["role"], found["source"]["link_up"], found["source"]["down_seconds"]) == ("replica", link, seconds)


@pytest.mark.parametrize(
    ("lines", "policy", "refuses"),
    [
        ({"maxmemory_policy": "eviction", "cache_mode": "cache"}, "eviction", False),
        ({"maxmemory_policy": "noeviction", "cache_mode": "store"}, "noeviction", True),
        ({"maxmemory_policy": None, "cache_mode": "cache"}, "eviction", False),  # before 1.10
        ({"maxmemory_policy": None, "cache_mode": "store"}, "noeviction", True),
    ],
)
def test_the_cache_mode_of_dragonfly_is_a_policy(lines: dict[str, t.Any], policy: str, refuses: bool) -> None:
    """https://github.com/dragonflydb/dragonfly/issues/1936, https://github.com/dragonflydb/dragonfly/pull/1802"""
    second = {name: reply for name, reply in SECOND.items() if name != "CONFIG GET maxmemory-policy"}
    found = facts(FIRST, changed(second, maxmemory=1_599_999_180, used_memory=763_690_576, **lines))
    assert (found["policy"], found["refuses_when_full"]) == (policy, refuses)
    broker = {**changed(second, maxmemory=1_599_999_180, **lines), "RANDOMKEY": "_kombu.binding.celery"}
    assert facts(FIRST, broker)["tasks_evictable"] is (policy == "eviction")


#: As its INFO has it, src/server/server_family.cc of dragonflydb/dragonfly.
DRAGONFLY = {
    **{"dragonfly_version": "df-v1.34.1", "redis_version": "7.4.0", "thread_count": 32, "maxclients": None, "max_clients": 64000},
    **{"rejected_connections": -1, "used_cpu_user": 100, "used_cpu_sys": 0, "total_error_replies": None},
}


def dragonfly(first: t.Optional[t.Mapping[str, t.Any]] = None, **second: t.Any) -> dict[str, t.Any]:
    lacking = {name: reply for name, reply in SECOND.items() if name not in ("CONFIG GET maxclients", "INFO errorstats")}
    return facts(changed(FIRST, **DRAGONFLY, **(first or {})), changed(lacking, **{**DRAGONFLY, **second}))


def test_a_replica_of_dragonfly_has_lost_its_primary() -> None:
    """It calls itself `replica`: src/server/server_family.cc, https://github.com/dragonflydb/dragonfly/issues/3215"""
    state = {"master_link_status": "down", "master_last_io_seconds_ago": 40, "master_sync_in_progress": 0, "uptime_in_seconds": 900}
    found = dragonfly(role="replica", **state)
    assert (found["role"], found["source"]["link_up"], found["source"]["silent_seconds"]) == ("replica", False, 40)
    found = dragonfly(role="observer", **state)
    assert found["source"]["link_up"] is None and "role" in found["unknown"]["source.link_up"]


def test_figures_of_dragonfly_in_units_of_its_own() -> None:
    """https://github.com/dragonflydb/dragonfly/issues/2912; all its threads run commands, and lag= is a number of writes"""
    found = dragonfly(used_cpu_user=225, connected_slaves=1, slave0="ip=10.0.0.7,port=6379,state=online,lag=50000")
    assert (found["product"], found["version"], found["connections_limit"]) == ("dragonfly", "1.34.1", 64000)
    assert (found["cpu_cores"], found["main_thread_busy_ratio"]) == (25.0, None)
    assert "32 threads" in found["unknown"]["main_thread_busy_ratio"]
    assert found["replicas"][0]["lag_seconds"] is None and "counts writes" in found["unknown"]["replicas[].lag_seconds"]
    assert found["unknown"]["rejected"] == "dragonfly 1.34.1 does not report rejected_connections (it says -1, and does not count it)"
    assert dragonfly(used_cpu_user=400)["cpu_cores"] is None


@pytest.mark.parametrize(("failed", "saved", "is_failing"), [(0, 176_100, False), (1_761_003_600, 176_100, True), (None, 5, None)])
def test_a_dragonfly_that_cannot_save_takes_writes(failed: t.Optional[int], saved: int, is_failing: t.Optional[bool]) -> None:
    """src/server/server_family.cc of dragonflydb/dragonfly: last_failed_save, oom_rejections"""
    lines = dict.fromkeys(("rdb_last_bgsave_status", "aof_last_bgrewrite_status", "aof_last_write_status", "aof_enabled"))
    found = dragonfly({"oom_rejections": 3}, **lines, last_failed_save=failed, last_success_save=saved, oom_rejections=10)
    assert (found["persistence"]["failed"], found["persistence"]["refuses_writes"]) == (is_failing, False)
    assert found["refused_writes"] == 7


def test_a_serverless_cache_that_tells_hardly_anything() -> None:
    """https://github.com/oliver006/redis_exporter/issues/1056, https://github.com/oliver006/redis_exporter/issues/1054"""
    told = ("redis_version", "redis_mode", "cluster_enabled", "keyspace_hits", "keyspace_misses", "evicted_keys", "db0", "role")
    samples = []
    for sample in (FIRST, SECOND):
        lines = [line for line in sample["INFO"].split("\r\n") if line.partition(":")[0] in told]
        samples.append({"INFO": "\r\n".join(lines), "INFO commandstats": "", "INFO errorstats": ""})
    found = facts(*samples)
    for measure in ("connections", "bytes", "uptime_seconds", "rejected", "refused_writes", "persistence.failed", "stalls"):
        assert found["unknown"].get(measure), measure
    assert found["clients"] is None and "does not report how many clients" in found["unknown"]["clients"]
    assert found["misses"] is not None and found["evictions"] is not None
