# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Failures that people reported of other tools (the case bank's C and N cases, by replies and queues made from their inputs)."""

from __future__ import annotations

import json
import socket
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect.facts import Unknown
from ansible_collections.warroom.launch.plugins.module_utils._collect.options import _check
from ansible_collections.warroom.launch.plugins.module_utils._collect.run import gather
from ansible_collections.warroom.launch.plugins.module_utils._collectors.celery import refusal, workers
from ansible_collections.warroom.launch.plugins.module_utils._collectors.celery.broker import DELAYED, Length, Reading, is_delayed
from ansible_collections.warroom.launch.plugins.module_utils._collectors.celery.broker_url import Broker
from ansible_collections.warroom.launch.plugins.module_utils._collectors.celery.collector import COLLECTOR
from ansible_collections.warroom.launch.plugins.module_utils._collectors.celery.remote import Remote
from ansible_collections.warroom.launch.plugins.module_utils._collectors.celery.shape import Gathered, facts
from ansible_collections.warroom.launch.plugins.module_utils._collectors.celery.workers import Snapshot
from tests.support import replay
from tests.support.tools import RealCommands, measures_of, tools_with

NOW = 1768471200.0  # case C-11


def active(tasks: t.Any, now: float = NOW) -> workers.Running:
    return workers.running(Snapshot(0.0, now, {"active": tasks}), {}, 10)


def test_c11_a_time_that_is_no_wall_clocks_is_unknown(case: t.Callable[[str], bytes]) -> None:
    tasks = active(json.loads(case("C-11.json")))
    ages = {task["name"]: task["age_seconds"] for task in tasks.longest}
    assert isinstance(ages["shop.tasks.mail"], Unknown) and "Celery before 4.2" in ages["shop.tasks.mail"].reason
    assert ages["shop.tasks.old"] == Unknown("it has not begun") and ages["shop.tasks.skew"] == 0.0
    found = measures_of(workers.put_running, tasks, None)
    assert found["oldest_active_seconds"] is None and "Celery before 4.2" in found["unknown"]["oldest_active_seconds"]
    assert found["running_total"] == 3 and any("ahead of ours" in note for note in found["notes"])


def test_c11_what_is_known_of_the_ages_still_decides_a_limit(case: t.Callable[[str], bytes]) -> None:
    tasks = json.loads(case("C-11.json"))
    tasks["celery@web1"][2]["time_start"] = NOW - 4000
    found = measures_of(workers.put_running, active(tasks), None)
    assert found["oldest_active_seconds"] is None and found["at_least"]["oldest_active_seconds"] == 4000.0
    del tasks["celery@web1"][0]
    assert measures_of(workers.put_running, active(tasks), None)["oldest_active_seconds"] == 4000.0, "what has not begun has no age"


class Mailbox:
    def __init__(self, *replies: dict[str, t.Any]) -> None:
        self.replies = list(replies)

    def multi_call(self, *_command: t.Any, **_more: t.Any) -> list[dict[str, t.Any]]:
        return self.replies

    call = multi_call


def asked(*replies: dict[str, t.Any]) -> Remote:
    remote = Remote.__new__(Remote)
    remote.mailbox, remote.twins = Mailbox(*replies), {}
    return remote


def gathered(remote: Remote, **changes: t.Any) -> dict[str, t.Any]:
    got = Gathered(Broker("redis://h/0"), names=remote.ping(1, 1.0)[0], twins=remote.twins)
    stats = {"pool": {"max-concurrency": 4}, "total": {"shop.add": 5}, "pid": 1}
    replies = {"stats": dict.fromkeys(got.names, stats), "active": dict.fromkeys(got.names, []), "reserved": dict.fromkeys(got.names, [])}
    replies["active_queues"] = dict.fromkeys(got.names, [{"name": "q"}])
    got.first, got.second = Snapshot(0.0, NOW, replies), Snapshot(5.0, NOW + 5, replies)
    got.readings = [Reading(0.0, {"q": Length(3)}, unacked=0), Reading(5.0, {"q": Length(3)}, unacked=0)]
    for name, value in changes.items():
        setattr(got, name, value)
    return facts(got, 5.0, 10).done()


def test_c16_names_are_kept_as_they_are(case: t.Callable[[str], bytes]) -> None:
    names = json.loads(case("C-16.json"))
    found = gathered(asked(*({name: reply} for name, reply in names.items())))
    assert {worker["name"] for worker in found["workers"]} == set(names) and found["workers_total"] == 5
    assert (found["workers_twins"], found["workers_twins_total"], found["concurrency"]) == ([], 0, 20)


def test_c16_twins_are_counted_and_are_a_fault_of_their_own() -> None:
    found = gathered(asked({"w@h": {"ok": "pong"}}, {"w@h": {"ok": "pong"}}, {"other@h": {"ok": "pong"}}))
    assert (found["workers_total"], found["workers_replied"]) == (3, 3)
    assert found["workers_twins"] == [{"name": "w@h", "workers": 2}] and found["workers_twins_total"] == 1
    for name in ("concurrency", "active", "reserved", "utilisation", "accepted", "accepted_per_second"):
        assert found[name] is None and "give each worker its own name" in found["unknown"][name]
    assert found["at_least"]["concurrency"] == 8
    assert found["queues"][0]["consumers"] is None, "who consumes is counted by name too"
    assert any("2 workers are called w@h" in note for note in found["notes"])


def test_n12_tasks_that_wait_for_their_time_are_no_backlog(case: t.Callable[[str], bytes]) -> None:
    document = json.loads(case("N-12-delayed-delivery.json"))
    assert all(is_delayed(name) for name in document["queues_after_3_s"] if name.startswith("celery_delayed_"))
    assert not is_delayed("celery_delayed_mail") and not is_delayed("shop") and len(DELAYED) == 28
    found = gathered(
        asked({"w@h": {"ok": "pong"}}), delayed=25, readings=[Reading(0.0, {"shop": Length(0)}), Reading(5.0, {"shop": Length(0)})]
    )
    expected = document["must_say"]
    assert found["ready_total"] == expected["ready_total"] and found["unconsumed_total"] == expected["unconsumed_total"]
    assert found["delayed_total"] == expected["scheduled_or_delayed"]


def test_i8_two_brokers_at_the_loopback_of_two_hosts_are_two(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    seen = set()
    for host in ("web1", "web2"):
        monkeypatch.setattr(os, "uname", lambda host=host: type("Uname", (), {"nodename": host})())
        for url in ("redis://127.0.0.1/0", "redis://localhost/0", "redis+socket:///run/redis.sock"):
            seen.add(facts(Gathered(Broker(url)), None, 10).get("broker.identity"))
        seen.add(facts(Gathered(Broker("redis://10.0.0.5/0")), None, 10).get("broker.identity"))
    assert len(seen) == 7, "an address of the network is one broker, whoever names it"
    same = facts(Gathered(Broker("redis://127.0.0.1/0"), {"run_id": "abc"}), None, 10).get("broker.identity")
    assert same == "redis abc/0", "its own identity is better than any address"


class NoPermissionError(Exception):
    """As the client library of Redis names it."""


class OutOfMemoryError(Exception):
    """As the client library of Redis names it."""


class ResponseError(Exception):
    """As the client library of Redis names it."""


def wrapped(error: Exception) -> Exception:
    try:
        try:
            raise error
        except Exception as inner:
            raise OSError("the library's own words") from inner
    except OSError as outer:
        return outer


@pytest.mark.parametrize(
    "error, kind",
    [
        (NoPermissionError("this user has no permissions to access one of the channels"), refusal.DENIED),
        (wrapped(NoPermissionError("x")), refusal.DENIED),
        (ResponseError("NOPERM this user has no permissions"), refusal.DENIED),
        (OutOfMemoryError("command not allowed when used memory > 'maxmemory'."), refusal.FULL),
        (ResponseError("OOM command not allowed"), refusal.FULL),
        (ResponseError("NOAUTH Authentication required."), refusal.LOGIN),
        (ResponseError("ERR unknown command"), None),
        (ValueError("oracle"), None),
    ],
)
def test_refusals_are_told_by_their_kind_and_never_by_words(error: Exception, kind: t.Optional[str]) -> None:
    assert refusal.kind_of(error) == kind


def test_n13_a_user_without_channels_gets_the_acl_line_and_no_worker_hangs() -> None:
    broker = Broker("redis://mon:EXAMPLEmon@127.0.0.1/0")
    said = refusal.reading(NoPermissionError("x"), broker, "remote control")
    assert said.startswith("this user may not use remote control: ACL SETUSER mon (&* ") and "EXAMPLE" not in said
    found = gathered(asked(), problems={"workers": said}, local=[(77, True)])
    assert found["workers_replied"] is None and found["unknown"]["workers_replied"] == said
    assert found["unknown"]["local.answering_ratio"] == said, "the live worker does not hang"
    assert found["ready_total"] == 3, "lengths of queues are known all the same"


def test_a_full_broker_is_no_missing_permission() -> None:
    said = refusal.reading(OutOfMemoryError("x"), Broker("redis://h/0"), "remote control")
    assert "the broker is full" in said and "may not" not in said and "ACL" not in said


@pytest.mark.parametrize("user, shown", [("mon", "mon"), ("", "default"), ("a b; FLUSHALL", "USER")])
def test_a_name_that_was_chosen_to_hurt_is_not_printed(user: str, shown: str) -> None:
    import urllib.parse

    assert refusal.allow(Broker(f"redis://{urllib.parse.quote(user)}:x@h/0")).startswith(f"ACL SETUSER {shown} (")


def problem(url: str, seconds: float = 1.0) -> tuple[str, str]:
    tools = tools_with(RealCommands(), timeout=seconds)
    (found,) = gather([(COLLECTOR, _check(COLLECTOR, {"broker_url": url}))], 0, tools)["launch_celery"]["instances"]
    return found["state"], found["problem"]


RANDOM = bytes(range(256)) * 40  # with "acl" and "noauth" in no order


@pytest.mark.parametrize("scheme", ["redis", "amqp"])
@pytest.mark.parametrize("answer", [RANDOM, b"oracle noauth\r\n" * 9, b"SSH-2.0-OpenSSH\r\n", b"\xff" * 20_000_000])
def test_a_port_that_is_no_broker_is_neither_a_refused_login_nor_read(scheme: str, answer: bytes) -> None:
    with replay.peer(replay.sends(answer, wait_for=b"PING" if scheme == "redis" else b"AMQP")) as address:
        state, said = problem(f"{scheme}://u:EXAMPLEPW@{address}/0")
    assert state == "unreadable" and "does not speak as a broker does" in said, said
    assert "login" not in said and "EXAMPLEPW" not in said


@pytest.mark.parametrize("url", ["redis://mq.example/0", "amqp://mq.example//", "rediss://mq.example/0?ssl_cert_reqs=required"])
def test_a_name_that_does_not_resolve_is_about_us(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_args: t.Any, **_more: t.Any) -> t.NoReturn:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    state, said = problem(url)
    assert state == "unreadable" and "does not resolve" in said


def test_an_error_inside_the_library_does_not_ask_for_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    import kombu

    def stumbles(_self: t.Any, *_args: t.Any, **_more: t.Any) -> t.NoReturn:
        raise AttributeError("'NoneType' object has no attribute 'decode'")

    monkeypatch.setattr(kombu.Connection, "connect", stumbles)
    with replay.peer(replay.sends(b"+PONG\r\n", wait_for=b"PING")) as address:
        state, said = problem(f"redis://{address}/0")
    assert state == "unreadable" and "AttributeError in" in said and "install" not in said and "python3-redis" not in said
