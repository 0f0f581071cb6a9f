# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The failures that people reported (cases M-*), on peers that answer as theirs did."""

from __future__ import annotations

import json
import sys
import time
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect import stream
from ansible_collections.warroom.launch.plugins.module_utils._collect.options import _check
from ansible_collections.warroom.launch.plugins.module_utils._collect.problem import Problem
from ansible_collections.warroom.launch.plugins.module_utils._collect.run import gather
from ansible_collections.warroom.launch.plugins.module_utils._collectors.memcached import parse
from ansible_collections.warroom.launch.plugins.module_utils._collectors.memcached.collector import COLLECTOR
from tests.support import replay

GET = b"get warroom.launch.probe"
USUAL = {b"version": b"VERSION 1.6.21\r\n", GET: b"END\r\n"}


def read(tools: t.Any, address: str, window: float = 0, **options: t.Any) -> dict[str, t.Any]:
    tools.timeout = 1.0
    return gather([(COLLECTOR, _check(COLLECTOR, {"address": address, **options}))], window, tools)["launch_memcached"]["instances"][0]


def server(stats: bytes, **others: bytes) -> replay.Answer:
    return replay.answers({**USUAL, b"stats": stats, **{b"stats " + name.encode(): answer for name, answer in others.items()}})


def test_m01_versions_are_the_whole_rest_of_the_line(case: t.Any, tools: t.Any) -> None:
    blocks = [block + b"END\r\n" for block in case("M-01.txt").split(b"END\r\n")[:3]]
    seen = []
    for block in blocks:
        with replay.peer(server(block)) as address:
            facts = read(tools, address)
        assert facts["state"] == "up", facts["problem"]
        assert facts["connections"] == 10 and facts["bytes"] == 1048576
        seen.append((facts["version"], facts["version_numbers"]))
    assert seen == [("1.4.14 (Ubuntu)", [1, 4, 14]), ("1.6.21_3", [1, 6, 21]), ("UNKNOWN", None)]


def test_m02_a_refused_sub_command_costs_only_itself(case: t.Any, tools: t.Any) -> None:
    block = case("M-01.txt").split(b"END\r\n")[0] + b"END\r\n"
    with replay.peer(
        server(block, settings=case("M-02.txt"), items=b"CLIENT_ERROR no\r\n", slabs=b"SERVER_ERROR out of memory\r\n")
    ) as address:
        facts = read(tools, address)
    assert facts["state"] == "up" and facts["lifetime_gets"] == 1000 - 25
    assert facts["duration_ms"] < 1000, "it waited for an END that never comes"
    assert facts["wasted_ratio"] is None and "SERVER_ERROR" in facts["unknown"]["wasted_ratio"]
    assert any(note.startswith("stats settings: ") and "ERROR" in note for note in facts["notes"])


@pytest.mark.parametrize("window", [0, 0.05])
def test_m03_no_gets_yet(case: t.Any, tools: t.Any, window: float) -> None:
    with replay.peer(server(case("M-03.txt"))) as address:
        facts = read(tools, address, window)
    assert facts["hit_ratio"] is None and facts["lifetime_hit_ratio"] is None
    assert facts["unknown"]["hit_ratio"] == facts["unknown"]["lifetime_hit_ratio"] == "no gets yet"


@pytest.mark.parametrize("answer", [b"END\r\n", b"SERVER_ERROR busy\r\n"])
def test_without_the_client_library_gets_are_timed_by_the_protocol(case: t.Any, tools: t.Any, monkeypatch: t.Any, answer: bytes) -> None:
    monkeypatch.setitem(sys.modules, "pymemcache.client.base", None)
    block = case("M-01.txt").split(b"END\r\n")[0] + b"END\r\n"
    with replay.peer(replay.answers({**USUAL, b"stats": block, GET: answer})) as address:
        facts = read(tools, address, 0.05)
    assert facts["state"] == "up" and facts["lifetime_gets"] == 975 + (0 if answer.startswith(b"END") else 25)
    latency = facts["latency_milliseconds"]
    assert (latency["samples"], latency["median"] is None) == ((50, False) if answer.startswith(b"END") else (0, True))
    assert answer.startswith(b"END") or "a get failed after 0 of 25" in facts["unknown"]["latency_milliseconds.median"]


def test_m05_a_server_that_wants_a_login(case: t.Any, tools: t.Any) -> None:
    with replay.peer(replay.answers(dict.fromkeys([b"stats", b"version"], case("M-05.txt")))) as address:
        facts = read(tools, address)
        assert facts["state"] == "unreadable" and "authentication required" in facts["problem"]
        tools.secrets.add("EXAMPLEPW")
        facts = read(tools, address, username="monitor", password="EXAMPLEPW")
    assert "authentication failed" in facts["problem"] and "EXAMPLEPW" not in json.dumps(facts)


def test_m05_a_silent_server_is_given_up_in_time(tools: t.Any) -> None:
    with replay.peer(replay.silent) as address:
        facts = read(tools, address)
    assert facts["state"] == "unreadable" and "no answer" in facts["problem"] and "SASL or TLS" in facts["problem"]
    assert facts["duration_ms"] < 3000


@pytest.mark.parametrize("data", [b"", b"\x15\x03\x03\x00\x02\x02\x46"])
def test_m06_a_tls_port_spoken_to_in_clear(tools: t.Any, data: bytes) -> None:
    with replay.peer(replay.sends(data, wait_for=b"stats")) as address:
        facts = read(tools, address)
    assert facts["state"] == "unreadable"
    assert "closed without an answer" in facts["problem"] and "TLS" in facts["problem"]
    assert "\x15" not in facts["problem"] and "\ufffd" not in facts["problem"]


def test_m08_the_statistics_port_of_twemproxy(case: t.Any, tools: t.Any) -> None:
    with replay.peer(replay.sends(case("M-08.json"))) as address:
        facts = read(tools, address)
    assert facts["state"] == "unreadable" and "not a memcached server (JSON seen)" in facts["problem"]


def test_m08_twemproxy_hangs_up_on_stats_and_serves_data(tools: t.Any) -> None:
    def twemproxy(conn: t.Any) -> None:
        pending = b""
        while True:
            pending += conn.recv(4096)
            line, end, pending = pending.partition(b"\r\n")
            if not end or not line.startswith(b"get "):
                return
            conn.sendall(b"END\r\n")

    with replay.peer(twemproxy) as address:
        facts = read(tools, address, 0.05)
    assert facts["state"] == "up" and facts["kind"] == "proxy" and facts["proxy"]["product"] == "twemproxy"
    assert facts["latency_milliseconds"]["samples"] == 50
    assert facts["hit_ratio"] is None and "servers behind it" in facts["unknown"]["hit_ratio"]


@pytest.mark.parametrize(
    "lines, product",
    [
        (b"STAT version mcrouter 38.5\r\nSTAT num_servers 3\r\nSTAT num_servers_up 2\r\n", "mcrouter"),
        (b"STAT version 1.6.23\r\nSTAT proxy_conn_requests 7\r\nSTAT proxy_conn_errors 1\r\n", "memcached"),
    ],
)
def test_proxies_are_not_taken_for_servers(tools: t.Any, lines: bytes, product: str) -> None:
    with replay.peer(server(lines + b"STAT commandargs --password EXAMPLEPW\r\nEND\r\n")) as address:
        facts = read(tools, address)
    assert facts["kind"] == "proxy" and facts["proxy"]["product"] == product
    assert facts["proxy"]["servers_down"] == (1 if product == "mcrouter" else None)
    assert "EXAMPLEPW" not in json.dumps(facts)


def test_counts_are_never_negative(tools: t.Any) -> None:
    with replay.peer(server(b"STAT pid 5\r\nSTAT curr_connections -3\r\nSTAT bytes nan\r\nSTAT limit_maxbytes inf\r\nEND\r\n")) as address:
        facts = read(tools, address)
    assert (facts["connections"], facts["bytes"], facts["limit_bytes"]) == (None, None, None)
    assert facts["unknown"]["connections"] == "implausible: curr_connections is -3"


def test_a_gauge_that_wrapped_is_said_to_be_one(tools: t.Any) -> None:
    with replay.peer(server(b"STAT pid 5\r\nSTAT curr_connections 18446744073709551615\r\nEND\r\n")) as address:
        facts = read(tools, address)
    assert facts["connections"] is None and "wrapped" in facts["unknown"]["connections"]


@pytest.mark.parametrize("window", [0, 0.05])
def test_m13_rejected_equals_total(case: t.Any, tools: t.Any, window: float) -> None:
    with replay.peer(server(case("M-13.txt"))) as address:
        facts = read(tools, address, window)
    assert facts["rejected"] is None and facts["lifetime_rejected"] is None
    assert facts["unknown"]["rejected"].startswith("implausible: this version counts each of its 20500 connections as rejected")


def test_m13_a_server_that_refuses_because_it_is_full_is_believed(case: t.Any, tools: t.Any) -> None:
    full = case("M-13.txt").replace(b"curr_connections 10\r\n", b"curr_connections 1024\r\n")
    with replay.peer(server(full)) as address:
        facts = read(tools, address)
    assert facts["lifetime_rejected"] == 20500


def test_m10_address_forms(case: t.Any) -> None:
    forms = json.loads(case("M-10.json"))
    for text in forms["must_accept"]:
        address = stream.parse_address(text, 11211)
        assert address == "/run/memcached/memcached.sock" or address[1] == 11211, text
    for text in forms["ambiguous_must_not_guess_silently"]:
        with pytest.raises(Problem, match=r"write IPv6 in brackets: \["):
            stream.parse_address(text, 11211)


@pytest.mark.parametrize("address, word", [("::1:11211", "brackets"), ("cache1:http", "port"), ("/nowhere/m.sock", "no socket")])
def test_wrong_addresses_are_data(tools: t.Any, address: str, word: str) -> None:
    facts = read(tools, address)
    assert facts["state"] in ("down", "unreadable") and word in facts["problem"]


def test_m12_few_gets_and_a_reset_in_the_past(case: t.Any, tools: t.Any) -> None:
    answer = case("M-12.txt").replace(b"get_misses 1\r", b"get_misses 26\r")  # the 25 gets of our own probe are misses too
    with replay.peer(server(answer)) as address:
        facts = read(tools, address)
    assert facts["lifetime_hit_ratio"] == pytest.approx(0.667, abs=0.001) and facts["lifetime_gets"] == 3
    assert any("counters were reset" in note for note in facts["notes"])


def test_answers_in_pieces(case: t.Any, tools: t.Any) -> None:
    block = case("M-01.txt").split(b"END\r\n")[0] + b"END\r\n"

    def dribble(conn: t.Any) -> None:
        pending = b""
        while True:
            pending += conn.recv(4096)
            line, end, pending = pending.partition(b"\r\n")
            if not end:
                return
            answer = {**USUAL, b"stats": block}.get(line, b"ERROR\r\n")
            for start in range(0, len(answer), 64):
                conn.sendall(answer[start : start + 64])
                time.sleep(0.001)

    with replay.peer(dribble) as address:
        facts = read(tools, address, 0.05)
    assert facts["state"] == "up" and facts["lifetime_gets"] == 975 and facts["latency_milliseconds"]["samples"] == 50


@pytest.mark.parametrize(
    "data, word",
    [(b"HTTP/1.1 400 Bad Request\r\n\r\n", "HTTP"), (b"-ERR unknown command 'stats'\r\n", "Redis"), (b"\x81\x10\x00\x00", "binary")],
)
def test_other_servers_are_named(tools: t.Any, data: bytes, word: str) -> None:
    with replay.peer(replay.sends(data, wait_for=b"stats")) as address:
        facts = read(tools, address)
    assert facts["state"] == "unreadable" and word in facts["problem"]


def test_an_endless_answer_is_cut(tools: t.Any) -> None:
    with replay.peer(replay.sends(b"STAT x y\r\n" * 400_000, wait_for=b"stats")) as address:
        facts = read(tools, address)
    assert facts["state"] == "unreadable" and "MiB" in facts["problem"]


def test_a_cut_answer_is_no_answer(case: t.Any) -> None:
    whole = case("M-03.txt")
    assert parse.complete(whole)
    assert not any(parse.complete(whole[:length]) for length in range(len(whole)))


def test_a_server_that_is_full_says_so_and_closes(tools: t.Any) -> None:
    """https://github.com/pinterest/pymemcache/issues/550: its clients take it for a command that is not known"""
    with replay.peer(replay.sends(b"ERROR Too many open connections\r\n")) as address:
        found = read(tools, address)
    assert found["state"] == "down" and "turns every further client away" in found["problem"] and "TLS" not in found["problem"]
