# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a thread's wait to the service waited for: the tables of sockets are made up here, the kernel's own are in the integration tests."""

from __future__ import annotations

import types

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect import wait_facts
from ansible_collections.warroom.launch.plugins.module_utils._collect.facts import Facts
from ansible_collections.warroom.launch.plugins.module_utils._collect.problem import Problem
from ansible_collections.warroom.launch.plugins.module_utils._linux import backlog, thread_wait, unanswered, unix_ends, waits
from ansible_collections.warroom.launch.plugins.module_utils._linux.busy import Busy
from ansible_collections.warroom.launch.plugins.module_utils._linux.thread_wait import Wait
from ansible_collections.warroom.launch.plugins.module_utils._linux.waits import Waits

LISTENING = [backlog.Backlog("tcp", "0.0.0.0", 8000, 1, 0, 100), backlog.Backlog("unix", "/run/app.sock", None, 2, 0, 100)]
CLIENT = unanswered.Connection(11, "10.0.0.1:8000", "10.0.0.9:50001", 0, 900, 100)
DATABASE = unanswered.Connection(12, "10.0.0.1:50002", "10.0.0.5:5432", 0, 40, 900)
ANSWERED = unanswered.Connection(13, "10.0.0.1:50003", "10.0.0.6:11211", 0, 900, 40)
UNREAD = unanswered.Connection(14, "10.0.0.1:50004", "10.0.0.7:6379", 5, 40, 900)
TICK = unanswered.Connection(15, "10.0.0.1:50005", "10.0.0.8:3306", 0, 40, 40)
EARLIER_TICK = unanswered.Connection(16, "10.0.0.1:50006", "203.0.113.9:443", 0, 90, 90)
NO_REPLY = unanswered.Connection(17, "10.0.0.1:50007", "10.0.0.7:11211", 0, 90, 900)
GREETS = unanswered.Connection(18, "10.0.0.1:50008", "203.0.113.7:25", 0, 40, 40, None, 0, 0)
OPENING = unanswered.Connection(20, "10.0.0.1:50010", "203.0.113.9:443", 0, 4_000_000, 4_000_000, opening=True)
NEVER_ANSWERED = unanswered.Connection(19, "10.0.0.1:50009", "203.0.113.8:443", 0, 40, 40, None, 0, 1)
TCP = {one.inode: one for one in (CLIENT, DATABASE, ANSWERED, UNREAD, TICK, EARLIER_TICK, NO_REPLY, GREETS, NEVER_ANSWERED, OPENING)}
UNIX = {21: unix_ends.End(False, "unix:/run/pg/.s.PGSQL.5432"), 22: unix_ends.End(True, None), 23: unix_ends.End(False, None)}
PG = "unix:/run/pg/.s.PGSQL.5432"


@pytest.fixture
def sees(monkeypatch):
    """`sees({pid: wait}, workers)` → [(kind, address)]: what comes of workers whose threads wait so."""

    def run(by_thread, *workers):
        monkeypatch.setattr(thread_wait, "hindrance", lambda _pid: None)
        monkeypatch.setattr(thread_wait, "look", lambda pid, thread=None: by_thread[thread or pid])
        monkeypatch.setattr(thread_wait, "threads", lambda _pid: sorted(by_thread))
        monkeypatch.setattr(backlog, "listening", lambda: LISTENING)
        monkeypatch.setattr(unanswered, "connections", lambda opened_here=False: TCP)
        monkeypatch.setattr(unix_ends, "connected", lambda: UNIX)
        monkeypatch.setattr(unanswered, "udp_peers", lambda: {31: "10.0.0.2:53", 32: "10.0.0.3:8125"})
        monkeypatch.setattr(waits, "pipe_inodes", lambda _pid: {88})
        looked = Waits()
        looked.look(workers)
        return sorted(((seen.kind, seen.address) for seen in looked.seen.elements()), key=str)

    return run


@pytest.mark.parametrize(
    "wait, expected",
    [
        (Wait("cpu"), [("cpu", None)]),
        (Wait("socket", (12,)), [("socket", "10.0.0.5:5432")]),
        (Wait("socket", (11,)), [("client", None)]),
        (Wait("socket", (21,)), [("socket", PG)]),
        (Wait("socket", (22,)), [("client", None)]),
        (Wait("socket", (23,)), [("unknown", None)]),
        (Wait("socket", (99,)), [("unknown", None)]),
        (Wait("socket", (1,)), []),  # accept: it has ended
        (Wait("pipe", (88,)), []),
        (Wait("pipe", (77,)), [("pipe", None)]),
        (Wait("watched", (1, 12)), []),
        (Wait("watched", (12, 13)), [("socket", "10.0.0.5:5432")]),
        (Wait("any", (1, 11, 12, 13)), [("socket", "10.0.0.5:5432")]),
        (Wait("any", (11, 13)), [("unknown", None)]),
        (Wait("any", (11, 13, 14)), [("unknown", None)]),
        (Wait("any", (11, 13, 15)), [("socket", "10.0.0.8:3306")]),
        (Wait("any", (15, 16)), [("socket", "10.0.0.8:3306")]),
        (Wait("any", (12, 17)), [("socket", "10.0.0.5:5432")]),
        (Wait("any", (15, 17)), [("socket", "10.0.0.8:3306")]),
        (Wait("any", (13, 17)), [("unknown", None)]),  # it was answered since
        (Wait("any", (12, 15)), [("socket", "10.0.0.5:5432")]),
        (Wait("any", (15, 18)), [("socket", "203.0.113.7:25")]),
        (Wait("any", (15, 19)), [("socket", "203.0.113.8:443")]),
        (Wait("any", (12, 19)), [("unknown", None)]),  # in one tick
        (Wait("any", (15, 20)), [("socket", "203.0.113.9:443")]),
        (Wait("socket", (20,)), [("socket", "203.0.113.9:443")]),
        (Wait("watched", (12, 17)), [("unknown", None)]),
        (Wait("any", (13, 21)), [("socket", PG)]),
        (Wait("any", (12, 21)), [("socket", "10.0.0.5:5432")]),
        (Wait("any", (15, 21)), [("unknown", None)]),
        (Wait("any", ()), [("unknown", None)]),
        (Wait("any", (12, 31)), [("socket", "10.0.0.2:53")]),
        (Wait("any", (12, 32)), [("socket", "10.0.0.5:5432")]),
        (Wait("socket", (31,)), [("socket", "10.0.0.2:53")]),
    ],
)
def test_a_worker_with_one_thread(wait, expected, sees):
    assert sees({7: wait}, Busy(7, 1, 1, "GET /", master=6)) == expected


def test_of_several_threads_the_free_ones_are_left_out_and_the_rest_is_unknown(sees):
    threads = {7: Wait("watched", (1,)), 71: Wait("lock"), 72: Wait("socket", (12,)), 73: Wait("lock")}
    assert sees(threads, Busy(7, 4, 2, "GET /")) == [("socket", "10.0.0.5:5432"), ("unknown", None)]
    assert sees(threads, Busy(7, 4, 1, "GET /")) == [("socket", "10.0.0.5:5432")]


DB, MAIL, API = ("socket", "10.0.0.5:5432"), ("socket", "203.0.113.7:25"), ("socket", "203.0.113.9:443")
NOBODY = ("unknown", None)


@pytest.mark.parametrize(
    "inodes, threads, expected",
    [
        ((12, 18, 20), 3, [DB, MAIL, API]),
        ((11, 12, 13, 15, 18), 2, [DB, MAIL]),  # those that were answered nobody waits for
        ((12, 18), 3, [DB, MAIL, NOBODY]),
        ((12, 17, 18), 2, [NOBODY, NOBODY]),  # of three that await an answer one is for nobody
        ((12, 18, 31), 3, [("socket", "10.0.0.2:53"), DB, MAIL]),
        ((12, 31), 1, [("socket", "10.0.0.2:53")]),
        ((15, 16), 2, [("socket", "10.0.0.8:3306"), API]),
        ((21,), 2, [("socket", PG)] * 2),
        ((15, 21), 2, [NOBODY, NOBODY]),
        ((13,), 2, [NOBODY, NOBODY]),
    ],
)
def test_threads_that_poll_have_a_connection_each(inodes, threads, expected, sees):
    waits_of = {7: Wait("watched", (1,)), **{70 + number: Wait("any", inodes) for number in range(threads)}}
    found = sees(waits_of, Busy(7, threads + 1, threads, "GET /"))
    assert sorted(found, key=str) == sorted(expected, key=str)


def test_a_kernel_that_does_not_tell_leaves_it_unknown(sees, monkeypatch):
    def refuses(**_how):
        raise Problem("no netlink here")

    sees({7: Wait("cpu")})
    for module, name in ((backlog, "listening"), (unanswered, "connections"), (unix_ends, "connected"), (unanswered, "udp_peers")):
        monkeypatch.setattr(module, name, refuses)
    monkeypatch.setattr(thread_wait, "look", lambda _pid, _thread=None: Wait("any", (12, 21)))
    looked = Waits()
    looked.look([Busy(7, 1, 1, "")])
    assert [(seen.kind, seen.address) for seen in looked.seen] == [("unknown", None)]


@pytest.fixture
def clocks(monkeypatch):
    """`clocks.spend`: processor seconds that a look at one worker takes; `clocks.now`: seconds since the window began."""
    clocks = types.SimpleNamespace(now=0.0, spent=0.0, spend=0.001, looked=[])

    def look(pid, _thread=None):
        clocks.spent += clocks.spend
        clocks.looked.append(pid)
        return Wait("cpu")

    monkeypatch.setattr(thread_wait, "hindrance", lambda _pid: None)
    monkeypatch.setattr(thread_wait, "look", look)
    monkeypatch.setattr(waits.time, "thread_time", lambda: clocks.spent)
    monkeypatch.setattr(waits.time, "monotonic", lambda: clocks.now)
    return clocks


def test_the_budget_is_spread_over_the_window_and_over_the_workers(clocks):
    """64 workers, 1 ms each: 36 ms are some 36 looks, from the window's beginning to its end, and at as many workers as can be."""
    looked = Waits()
    looked.begin(5.0)
    workers, seen = [Busy(pid, 1, 1, "") for pid in range(64)], []
    for turn in range(20):
        clocks.now = turn * 0.25
        before = len(clocks.looked)
        looked.look(workers)
        seen.append(len(clocks.looked) - before)
    assert 28 <= sum(seen) <= 40 and len(set(clocks.looked)) == sum(seen)
    assert sum(seen[10:]) >= sum(seen) / 4


def test_without_a_window_the_budget_ends_the_looks(clocks):
    looked = Waits()
    for _turn in range(100):
        looked.look([Busy(pid, 1, 1, "") for pid in range(64)])
    assert sum(looked.seen.values()) <= 50


def test_as_facts():
    looked = Waits()
    seen = waits.Seen
    looked.seen.update({seen("cpu", None, "GET /"): 2, seen("pipe", None, "GET /"): 1, seen("socket", "10.0.0.5:5432", "GET /a"): 4})
    looked.seen.update({seen("socket", "10.0.0.5:5432", "GET /b"): 1})
    looked.round_trips["10.0.0.5:5432"] = 2500
    facts = Facts()
    wait_facts.put(facts, looked, "nobody looked", 10)
    found = facts.done()["waits"]
    assert found["samples"] == 8 and found["cpu_ratio"] == 0.25 and found["other_ratio"] == 0.125 and found["unknown_ratio"] == 0
    assert (
        found["edges"] == [{"address": "10.0.0.5:5432", "samples": 5, "share_ratio": 0.625, "work": "GET /a", "round_trip_seconds": 0.0025}]
        and found["edges_total"] == 1
    )


def test_a_sockets_path_is_a_strangers_text():
    looked = Waits()
    looked.seen.update({waits.Seen("socket", "unix:/tmp/\x1b[31m\n; rm -rf" + "x" * 500, "GET /"): 5})
    facts = Facts()
    wait_facts.put(facts, looked, "nobody looked", 10)
    (row,) = facts.done()["waits"]["edges"]
    assert row["address"].isprintable() and len(row["address"]) <= 121


def test_without_the_right_all_is_unknown_and_says_so(monkeypatch):
    monkeypatch.setattr(thread_wait, "hindrance", lambda _pid: "run with become")
    looked = Waits()
    looked.look([Busy(7, 1, 1, "")])
    facts = Facts()
    wait_facts.put(facts, looked, "nobody looked", 10)
    made = facts.done()
    assert made["waits"]["samples"] is None and made["waits"]["cpu_ratio"] is None and made["waits"]["edges"] is None
    assert set(made["unknown"].values()) == {"run with become"}
