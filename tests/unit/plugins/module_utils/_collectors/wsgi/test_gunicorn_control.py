# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Gunicorn tells of itself: counters and settings over its control socket, and the heartbeats of its workers."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import socket
import threading
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect.facts import Maybe, Unknown
from ansible_collections.warroom.launch.plugins.module_utils._collect.problem import Problem
from ansible_collections.warroom.launch.plugins.module_utils._collectors.wsgi import control, heartbeat, settings
from ansible_collections.warroom.launch.plugins.module_utils._linux.processes import Process
from tests.support import wsgi_replies
from tests.support.wsgi_replies import CONFIG, HIDDEN, STATS

SYNC = settings.Settings("gunicorn", settings.ONE, "sync", timeout=3)


def framed(answer: t.Any) -> bytes:
    return wsgi_replies.framed(answer if isinstance(answer, bytes) else json.dumps(answer).encode())


def ok(data: t.Any) -> bytes:
    return framed({"id": 1, "status": "ok", "data": data})


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (CONFIG["worker_class"], ("gthread", settings.THREADS, 3)),
        ("gthread", ("gthread", settings.THREADS, 3)),
        ("<class 'gunicorn.workers.sync.SyncWorker'>", ("gthread", settings.THREADS, 3)),
        ("<class 'gunicorn.workers.ggevent.GeventWorker'>", ("gevent", settings.LOOP, None)),
        ("<class 'shop.workers.OwnWorker'>", ("OwnWorker", None, 3)),
        (None, ("gthread", settings.THREADS, 3)),
    ],
)
def test_the_settings_in_force_are_known_where_a_title_hides_the_command_line(given: t.Any, expected: tuple[object, ...]) -> None:
    found = settings.in_force({**CONFIG, "worker_class": given}, HIDDEN)
    assert (found.worker_class, found.model, found.threads) == expected
    assert (found.workers, found.timeout, found.ends_after, found.unread, found.statsd) == (2, 9, 9, None, "127.0.0.1:8125")


HOSTILE: t.Sequence[t.Any] = (None, True, -1, 10**30, float("nan"), float("inf"), "", "x", [], {"a": 1}, "\x1b[2J")


@pytest.mark.parametrize("value", HOSTILE, ids=repr)
@pytest.mark.parametrize("name", ["workers", "threads", "timeout"])
def test_what_it_does_not_tell_is_no_default(name: str, value: t.Any) -> None:
    """A thread for a worker that has three would make it three times as busy."""
    found = settings.in_force({**CONFIG, name: value}, HIDDEN)
    assert getattr(found, name) is None and found.unread == settings.NOT_TOLD
    assert found.ends_after == (None if name == "timeout" else 9)
    known = settings.Settings("gunicorn", settings.THREADS, "gthread", workers=5, threads=7, timeout=11)
    assert getattr(settings.in_force({**CONFIG, name: value}, known), name) == getattr(known, name)


def test_a_class_that_it_does_not_tell_is_not_taken_for_sync() -> None:
    untold = {**CONFIG, "worker_class": None, "threads": 1}
    found = settings.in_force(untold, HIDDEN)
    assert (found.unread, found.worker_class, found.model) == (settings.NOT_TOLD, None, None)
    computed = settings.of("gunicorn", ["gunicorn", "shop.wsgi"], {}, "worker_class = pick()")
    assert (computed.unread, computed.worker_class, computed.model) == (settings.COMPUTED, None, None)
    loop = settings.Settings("gunicorn", settings.LOOP, "uvicorn", workers=2)
    assert settings.in_force(untold, loop).model == settings.LOOP


def test_an_answer() -> None:
    assert control.parse(ok(STATS)) == STATS
    told = control.Control(STATS, CONFIG)
    assert told.counter("workers_spawned") == 3
    for wrong in (-1, "many", None, True, 1.5):
        assert isinstance(control.Control({"reloads": wrong}, {}).counter("reloads"), Unknown)


@pytest.mark.parametrize(
    "received",
    [
        b"",
        b"\0\0",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        framed(b"["),
        framed(b"[" * 50_000),
        framed(b"\xff\xfe"),
        framed([]),
        framed({"status": "error", "error": "Unknown command: show"}),
        ok(None),
        ok([1]),
    ],
)
def test_an_answer_that_is_none_costs_a_sentence(received: bytes) -> None:
    with pytest.raises(Problem, match="hangs up|does not speak as Gunicorn"):
        control.parse(received)


def server(place: pathlib.Path, answers: t.Sequence[bytes]) -> socket.socket:
    """Takes one client, and answers each of its questions."""
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(place))
    listening.listen(1)

    def serve() -> None:
        with contextlib.suppress(OSError), listening.accept()[0] as conn:
            for answer in answers:
                conn.recv(1000)
                conn.sendall(answer)
            while conn.recv(1000):
                pass

    threading.Thread(target=serve, daemon=True).start()
    return listening


def read(own: int) -> Maybe[control.Control]:
    return control.read(Process(own, 1, "gunicorn", os.getuid(), ("gunicorn",), "S"), [])


def test_the_socket_that_the_main_process_has_alone_is_asked(tmp_path: pathlib.Path) -> None:
    with server(tmp_path / "gunicorn.ctl", [ok(STATS), ok(CONFIG)]):
        assert read(os.getpid()) == control.Control(STATS, CONFIG)


def test_who_does_not_answer_costs_a_sentence(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "SECONDS", 0.05)
    with server(tmp_path / "gunicorn.ctl", []):
        found = read(os.getpid())
    assert found == Unknown("its control socket cannot be read: no answer within 0.05 s")


def test_a_socket_in_its_place_that_another_process_listens_on_is_not_asked(tmp_path: pathlib.Path) -> None:
    with server(tmp_path / "gunicorn.ctl", []) as listening, socket.socket(socket.AF_UNIX) as conn:
        conn.connect(listening.getsockname())
        with pytest.raises(Problem, match=rf"listens in its place \(process {os.getpid()}\)"):
            control._check_peer(conn, 1)


def test_without_the_right_to_see_it_or_without_one_it_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control.backlog, "listening", lambda _kind: [])
    assert read(os.getpid()) == Unknown(control.NONE)
    assert read(2**22 + 1) == Unknown(control.UNSEEN), "there is no such process"


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ([(0.0, {7: 0.1, 8: 2.9}), (0.25, {7: 0.3})], 1),
        ([(0.0, {7: 0.1, 8: 1.0}), (0.25, {7: 0.3})], 0),  # replaced after its number of requests
        ([(0.0, {7: 0.1, 8: 1.9}), (9.0, {7: 0.3})], 0),  # looked at too seldom to say: only a second counts
        ([(0.0, {7: 3.5}), (0.25, {7: 3.8})], 0),  # about to be
        ([(0.0, {7: 3.5}), (0.25, {7: 3.8}), (0.5, {9: 0.0})], 1),
    ],
)
def test_workers_that_went_when_they_had_been_silent_for_too_long(seen: list[heartbeat.Silence], expected: int) -> None:
    assert heartbeat.timeouts(seen, SYNC) == expected


def test_timeouts_that_cannot_be_known_say_why() -> None:
    seen = [(0.0, {7: 50.0}), (0.2, {8: 0.0})]
    assert heartbeat.timeouts(seen, settings.Settings("uvicorn", settings.LOOP)) == Unknown(heartbeat.NONE)
    assert heartbeat.timeouts([(0.0, {}), (0.2, {})], SYNC) == Unknown(heartbeat.UNREAD)
    assert heartbeat.timeouts(seen, settings.Settings("gunicorn", settings.ONE, timeout=0)) == 0
    assert heartbeat.timeouts(seen, settings.Settings("gunicorn", settings.ONE)) == 1, "30 s is the default"
    hidden = heartbeat.timeouts(seen, HIDDEN)
    assert isinstance(hidden, Unknown) and "setproctitle" in hidden.reason


def test_a_heartbeat_is_a_date_by_the_monotonic_clock(tmp_path: pathlib.Path) -> None:
    with open(tmp_path / "wgunicorn-x", "wb") as file:
        os.utime(file.fileno(), (1.0, 1.0))
        age = heartbeat.silent(os.getpid(), [file.fileno()])
        assert age is not None and age > 0
        os.utime(file.fileno())  # by the wall clock, as old versions do
        assert heartbeat.silent(os.getpid(), [file.fileno()]) is None
    assert heartbeat.silent(os.getpid(), [2**20]) is None
