# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Acts at real application servers: more workers, none without room, and the number of before again."""

from __future__ import annotations

import os
import signal
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._acts import add_workers
from ansible_collections.warroom.launch.plugins.module_utils._acts.add_wsgi_workers import signals_handled
from tests.support.acts import Planned, act_at, planned
from tests.support.server import Server, wait_until
from tests.support.uwsgi import Uwsgi
from tests.support.wsgi import Wsgi

#: What the fleet shows, and a limit that the machine of a test always keeps.
ROOM = {"connections_left": 4}
CALM = {"cpu_busy_ratio": 1.0}
CHEAPER = ("cheaper = 1", "cheaper-initial = 1", "cheaper-algo = manual", "master-fifo = {dir}/fifo")


def uwsgi(*options: str) -> Uwsgi:
    server = Uwsgi(processes=3)
    server.options = tuple(option.format(dir=server.dir) for option in options)
    return server


#: Name → the server, and how many workers it is started with.
SERVERS: dict[str, tuple[t.Callable[[], t.Any], int]] = {
    "gunicorn": (lambda: Wsgi("gunicorn gthread"), 2),
    "uvicorn": (lambda: Wsgi("uvicorn"), 2),
    "uwsgi": (lambda: uwsgi(*CHEAPER), 1),
}


@pytest.fixture(autouse=True)
def short_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test judges the machine's load."""
    monkeypatch.setattr(add_workers, "CPU_SECONDS", 0.05)


def plan(server: t.Any, add: int = 1, readings: t.Optional[dict[str, t.Any]] = None) -> Planned:
    service = "uwsgi" if isinstance(server, Uwsgi) else "wsgi"
    place = {"stats": server.stats} if service == "uwsgi" else {"bind": f"127.0.0.1:{server.port}"}
    made = planned(act_at("add_workers", service, place, {"add": add}, ROOM if readings is None else readings))
    return made._replace(limits={**made.limits, **CALM})


def workers(server: t.Any) -> int:
    return int(plan(server).identity["workers"])


@pytest.fixture(scope="module", params=SERVERS)
def server(request: pytest.FixtureRequest) -> t.Iterator[Server]:
    started, count = SERVERS[request.param]
    with started() as running:
        wait_until(lambda: workers(running) == count, "all its workers run")
        yield running


def test_a_server_gets_a_worker_and_gives_it_back(server: t.Any) -> None:
    made = plan(server)
    before = made.identity["workers"]
    done = made.run()
    assert workers(server) == before + 1 and server.get("/" if isinstance(server, Uwsgi) else 0.0)
    assert "another number of workers" in made.refusal() and workers(server) == before + 1
    assert f"to run {before} worker" in made.act.undo(done.state)
    wait_until(lambda: workers(server) == before, "it has the number of before")
    assert "left alone" in made.act.undo(done.state) and workers(server) == before


@pytest.mark.parametrize(("guard", "value"), [("free_for_growth", 1e12), ("cpu_busy_ratio", -1.0), ("connections_left", 5)])
def test_without_room_there_is_no_worker(server: t.Any, guard: str, value: float) -> None:
    made = plan(server)
    assert "a guard no longer holds" in made._replace(limits={**made.limits, guard: value}).refusal()
    assert workers(server) == made.identity["workers"]


def test_connections_that_were_not_counted_are_no_room(server: t.Any) -> None:
    made = plan(server, readings={})
    assert any("not known" in sentence for sentence in made.broken) and "not known" in made.refusal()


def test_another_server_than_the_plans_is_left_alone(server: t.Any) -> None:
    made = plan(server)
    assert "started again" in made._replace(identity={**made.identity, "started_at": made.identity["started_at"] - 60}).refusal()
    assert "started again" in made.act.undo({**made.identity, "pid": 1})


def test_code_that_changed_since_is_not_loaded(server: t.Any) -> None:
    made = plan(server)
    new = server.dir / "late.py"
    new.write_text("")
    os.utime(new, (2e9, 2e9))
    try:
        assert "its code has not changed" in made.refusal() and workers(server) == made.identity["workers"]
    finally:
        new.unlink()


def test_a_uwsgi_without_cheaper_takes_no_more_workers() -> None:
    with uwsgi("master-fifo = {dir}/fifo") as running:
        made = plan(running)
        assert any("leaves room for the new ones" in sentence for sentence in made.broken) and workers(running) == 3


def test_a_server_that_does_not_handle_the_signal_never_gets_it() -> None:
    with Wsgi("hypercorn") as running:
        made = plan(running)
        assert "add workers without a restart" in made.refusal()
        assert running.process is not None and running.process.poll() is None


def test_the_signals_that_a_process_handles() -> None:
    before = signal.signal(signal.SIGUSR2, lambda *_signal: None)  # a shell's background job ignores those of its terminal
    try:
        assert signal.SIGUSR2 in signals_handled(os.getpid()) and signal.SIGTTIN not in signals_handled(os.getpid())
    finally:
        signal.signal(signal.SIGUSR2, before)
    assert signals_handled(0) == set()
