# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Recorded replies of every version as facts, through the whole sampler; and what a server may refuse or send instead."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect.options import _check
from ansible_collections.warroom.launch.plugins.module_utils._collect.run import gather
from ansible_collections.warroom.launch.plugins.module_utils._collectors.redis import fetch
from ansible_collections.warroom.launch.plugins.module_utils._collectors.redis.collector import COLLECTOR
from tests.support import redis_replies, replay
from tests.support.redis_replies import VERSIONS, changed, recorded

#: Those whose recording fills the database before anything is refused.
EVICTED = ("redis-7.0.15", "redis-8.0.2")


def read(tools: t.Any, address: str, window: float = 0.2, **options: t.Any) -> dict[str, t.Any]:
    tools.timeout = 2.0
    return gather([(COLLECTOR, _check(COLLECTOR, {"address": address, **options}))], window, tools)["launch_redis"]["instances"][0]


def facts(tools: t.Any, *samples: redis_replies.Replies, window: float = 0.2, **options: t.Any) -> dict[str, t.Any]:
    with redis_replies.server(*samples) as address:
        found = read(tools, address, window, **options)
    assert found["state"] == "up", found["problem"]
    return found


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_gives_the_main_measures(version: str, tools: t.Any) -> None:
    found = facts(tools, *recorded(version))
    product, _dash, number = version.partition("-")
    assert (found["product"], found["version"]) == (product, number)
    assert found["mode"] == "standalone" and found["role"] == "primary" and len(found["identity"]) == 40
    assert found["reads"] == 100 and 0 < found["hit_ratio"] < 1
    assert found["limit_bytes"] == 4 << 20 and 0.9 < found["fill_ratio"] <= 1 and found["policy"] == "noeviction"
    assert (found["evictions"] > 100) is (version in EVICTED)
    assert found["used_as"]["broker"] and found["tasks_evictable"] is False
    assert found["waiting_clients"] == 1 and found["connections_limit"] >= 100
    slow = {row["name"]: row for row in found["slow_commands"]}
    assert slow["EVAL"]["longest_milliseconds"] >= 120 and slow["EVAL"]["client"] == "127.0.0.1" and slow["EVAL"]["key"] == ""
    assert found["slow_longest_milliseconds"] == slow["EVAL"]["longest_milliseconds"]
    assert next(row for row in found["commands"] if row["name"] == "EVAL")["calls"] >= 1


@pytest.mark.parametrize("version", [version for version in VERSIONS if version != "redis-6.0.16"])
def test_writes_that_were_refused_are_counted(version: str, tools: t.Any) -> None:
    assert facts(tools, *recorded(version))["refused_writes"] > 10


def test_what_an_old_version_lacks_is_unknown(tools: t.Any) -> None:
    found = facts(tools, *recorded("redis-6.0.16"))
    assert found["refused_writes"] is None and "since 6.2" in found["unknown"]["refused_writes"]
    assert found["main_thread_busy_ratio"] is None and "redis 6.0.16 does not report" in found["unknown"]["main_thread_busy_ratio"]


def test_no_key_value_argument_or_script_leaves_the_host(tools: t.Any) -> None:
    first, second = recorded("redis-7.0.15")
    entry = [99, 1, 250_000, ["SET", "session:k3jf8s0d9fk2lm4n5b6v7c8x9z0qwert", "EXAMPLESECRET"], "10.0.0.7:5000", "shop"]
    odd = [98, 1, 240_000, ["AUTH", "monitor", "EXAMPLEPW"], "10.0.0.7:5000", ""]
    script = [97, 1, 230_000, ["EVAL", "return 'EXAMPLESCRIPT'", "0"], "/run/redis.sock:0", ""]
    config = [96, 1, 220_000, ["CONFIG", "SET", "requirepass", "EXAMPLEPW2"], "", ""]
    found = facts(tools, first, {**second, "SLOWLOG GET 32": [entry, odd, script, config, 7, ["x"], []], "RANDOMKEY": "EXAMPLEKEY:1:2"})
    rows = [(row["name"], row["key"], row["client"], row["client_name"]) for row in found["slow_commands"]]
    assert rows == [
        ("SET", "session:<token>", "10.0.0.7", "shop"), ("AUTH", "", "10.0.0.7", ""), ("EVAL", "", "unix", ""), ("CONFIG SET", "", "", ""),
    ]  # fmt: skip
    assert "EXAMPLE" not in json.dumps(found)


@pytest.mark.parametrize(
    "key, use",
    [
        ("_kombu.binding.celery", "broker"), ("shop_unacked_index", "broker"), ("celery\x06\x163", "broker"),
        ("rq:queue:default", "broker"),
        ("celery-task-meta-0f9c", "results"), (":1:django.contrib.sessions.cacheabc", "sessions"), ("asgi:group:chat", "channels"),
        (":1:views.page:7", "cache"), ("shop:2:menu", "cache"), ("something", None),
    ],
)  # fmt: skip
def test_uses_by_the_names_of_keys(key: str, use: t.Optional[str], tools: t.Any) -> None:
    first, second = recorded("redis-7.0.15")
    found = facts(tools, first, {**second, "RANDOMKEY": key, "CLIENT LIST": ""})
    assert found["databases"][0]["uses"] == ([use] if use else [])


def test_an_empty_server_is_used_for_nothing(tools: t.Any) -> None:
    first, _second = recorded("redis-7.0.15")
    empty = {**changed(first, db0=None), "CLIENT LIST": "", "INFO commandstats": ""}
    found = facts(tools, empty, empty)
    assert set(found["used_as"].values()) == {False} and found["databases"] == [] and found["tasks_evictable"] is False


def test_a_broker_that_evicts_any_key(tools: t.Any) -> None:
    first, second = recorded("redis-7.0.15")
    assert facts(tools, first, changed(second, maxmemory_policy="allkeys-lfu"))["tasks_evictable"] is True
    assert facts(tools, first, changed(second, maxmemory_policy="allkeys-lfu", maxmemory=0))["tasks_evictable"] is False


def test_without_rights_each_measure_names_the_line_that_gives_them(tools: t.Any) -> None:
    first, second = recorded("redis-7.0.15")
    refused = {"error": "NOPERM User monitor has no permissions to run the 'x' command"}
    few = {name: refused for name in second if name != "INFO"}
    found = facts(tools, {**few, "INFO": first["INFO"]}, {**few, "INFO": second["INFO"]}, login_user="monitor", login_password="EXAMPLEPW")
    assert found["hit_ratio"] is not None and found["evictions"] is not None
    for measure in ("slow_longest_milliseconds", "commands", "clients", "used_as.broker", "stalls"):
        assert "ACL SETUSER monitor +ping +info" in found["unknown"][measure], measure
    assert "EXAMPLEPW" not in json.dumps(found)


@pytest.mark.parametrize("change, word", [({"run_id": "f" * 40}, "restarted"), ({"total_commands_processed": 1}, "RESETSTAT")])
def test_no_rate_after_a_restart_or_a_reset(change: dict[str, t.Any], word: str, tools: t.Any) -> None:
    first, second = recorded("redis-7.0.15")
    found = facts(tools, first, changed(second, **change))
    for measure in ("hit_ratio", "evictions", "slow_longest_milliseconds", "commands", "refused_writes"):
        assert found[measure] is None and word in found["unknown"][measure], measure
    assert any(word in note for note in found["notes"])


def test_one_sample_gives_lifetime_values_only(tools: t.Any) -> None:
    _first, second = recorded("redis-7.0.15")
    found = facts(tools, second, window=0)
    assert found["hit_ratio"] is None and "one sample" in found["unknown"]["hit_ratio"]
    assert found["lifetime_hit_ratio"] and found["fill_ratio"] and found["used_as"]["broker"]


def test_a_slow_log_that_is_off_says_how_to_switch_it_on(tools: t.Any) -> None:
    first, second = recorded("redis-7.0.15")
    found = facts(tools, first, {**second, "CONFIG GET slowlog-log-slower-than": ["slowlog-log-slower-than", "-1"]})
    assert found["slow_longest_milliseconds"] is None
    assert "CONFIG SET slowlog-log-slower-than 10000" in found["unknown"]["slow_longest_milliseconds"]


def test_more_slow_commands_than_are_read_are_a_minimum(tools: t.Any) -> None:
    first, second = recorded("redis-7.0.15")
    many = [[number, 1, 50_000, ["KEYS", "*"], "10.0.0.7:1", ""] for number in range(900, 900 - fetch.SLOW_ENTRIES, -1)]
    found = facts(tools, {**first, "SLOWLOG GET 1": [[800, 1, 20_000, ["KEYS", "*"], "", ""]]}, {**second, "SLOWLOG GET 32": many})
    assert found["slow_commands_total"] == 100 and found["slow_longest_milliseconds"] is None
    assert found["at_least"]["slow_longest_milliseconds"] == 50.0


def test_many_clients_are_not_listed(tools: t.Any) -> None:
    first, second = recorded("redis-7.0.15")
    found = facts(tools, first, changed(second, connected_clients=5000))
    assert found["clients"] is None and "more than 500 clients" in found["unknown"]["clients"] and found["connections"] == 5000


def test_a_replica_and_its_primary(tools: t.Any) -> None:
    first, second = recorded("redis-7.0.15")
    replica = changed(second, role="slave", master_link_status="down", master_link_down_since_seconds=12, master_sync_in_progress=0)
    found = facts(tools, first, replica)
    assert found["role"] == "replica" and found["source"]["link_up"] is False and found["source"]["down_seconds"] == 12
    line = "ip=10.0.0.8,port=6379,state=online,offset=900,lag=1"
    found = facts(tools, first, changed(second, slave0=line, master_repl_offset=1000))
    assert found["replicas"] == [{"address": "10.0.0.8:6379", "state": "online", "lag_seconds": 1, "behind_bytes": 100}]


def test_a_server_that_cannot_save_takes_no_writes(tools: t.Any) -> None:
    first, second = recorded("redis-7.0.15")
    saving = {**second, "CONFIG GET save": ["save", "3600 1"]}
    failed = facts(tools, first, changed(saving, rdb_last_bgsave_status="err"))["persistence"]
    assert failed["failed"] is True and failed["refuses_writes"] is True
    not_saving = facts(tools, first, changed(second, rdb_last_bgsave_status="err"))["persistence"]
    assert not_saving["failed"] is True and not_saving["refuses_writes"] is False


def test_a_member_of_a_cluster(tools: t.Any) -> None:
    first, second = recorded("redis-7.0.15")
    state = "cluster_state:fail\r\ncluster_slots_ok:10922\r\ncluster_slots_fail:5462\r\ncluster_known_nodes:3\r\ncluster_size:3\r\n"
    found = facts(tools, first, {**changed(second, redis_mode="cluster", cluster_enabled=1), "CLUSTER INFO": state})
    assert found["mode"] == "cluster"
    assert found["cluster"] == {"ok": False, "size": 3, "nodes": 3, "slots_ok": 10922, "slots_failed": 5462, "slots_missing": 5462}


def test_a_sentinel_tells_what_it_watches_and_nothing_else(tools: t.Any) -> None:
    lines = "# Server\r\nredis_version:7.0.15\r\nredis_mode:sentinel\r\nrun_id:" + "a" * 40 + "\r\nuptime_in_seconds:70\r\n# Sentinel\r\n"
    lines += "master0:name=shop,status=sdown,address=10.0.0.5:6379,slaves=1,sentinels=3\r\n"
    found = facts(tools, {"INFO": lines})
    assert found["watched"] == [{"name": "shop", "address": "10.0.0.5:6379", "status": "sdown", "replicas": 1, "sentinels": 3}]
    assert found["watched_down"] == 1 and found["hit_ratio"] is None and found["uptime_seconds"] == 70
    assert "sentinel" in found["unknown"]["hit_ratio"]


@pytest.mark.parametrize(
    "reply, state, word",
    [
        (b"-BUSY Redis is busy running a script. EXAMPLE\r\n", "down", "SCRIPT KILL"),
        (b"-LOADING Redis is loading the dataset in memory\r\n", "down", "loads its data"),
        (b"-DENIED Redis is running in protected mode\r\n", "unreadable", "protected mode"),
        # https://github.com/django/djangosnippets.org/issues/224, https://github.com/celery/celery/issues/2811: up, and full
        (b"-ERR max number of clients reached\r\n", "down", "turns every further client away"),
        (b"-ERR max number of clients + cluster connections reached\r\n", "down", "turns every further client away"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "unreadable", "speaks HTTP"),
        (b"", "unreadable", "hangs up"),
    ],
)
def test_first_words_that_are_no_pong(reply: bytes, state: str, word: str, tools: t.Any) -> None:
    with replay.peer(replay.sends(reply, wait_for=b"PING")) as address:
        found = read(tools, address, 0)
    assert found["state"] == state and word in found["problem"] and "EXAMPLE" not in found["problem"]


@pytest.mark.parametrize(
    "reply, word",
    [
        (b"$99999999999\r\n", "longer than"), (b"*2\r\n*9\r\n", "is it being restarted"), (b"?\r\n", "does not keep to"),
        (b":x\r\n", "does not keep to"),
        (b"*1\r\n" * 20, "does not keep to"), (b"$3\r\nabcde", "does not keep to"), (b"-ERR EXAMPLE\r\n", "does not know INFO"),
        (b"$4\r\na:1 \r\n", "does not answer as Redis"), (b"-NOAUTH Authentication required.\r\n", "login_password"),
    ],
)  # fmt: skip
def test_strange_replies_cost_a_sentence(reply: bytes, word: str, tools: t.Any) -> None:
    def answer(conn: t.Any) -> None:
        conn.recv(4096)
        conn.sendall(b"+PONG\r\n")
        conn.recv(4096)
        conn.sendall(reply)

    with replay.peer(answer) as address:
        found = read(tools, address, 0)
    assert found["state"] == "unreadable" and word in found["problem"] and "EXAMPLE" not in found["problem"]


def test_a_wrong_password_is_about_the_login(tools: t.Any) -> None:
    first, _second = recorded("redis-7.0.15")
    with redis_replies.server({**first, "AUTH monitor EXAMPLEPW": {"error": "WRONGPASS invalid EXAMPLEPW"}}) as address:
        found = read(tools, address, 0, login_user="monitor", login_password="EXAMPLEPW")
    assert found["state"] == "unreadable" and "refuses the login" in found["problem"] and "EXAMPLE" not in json.dumps(found)
