# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real application servers of every kind: busy workers and waiting requests are what the application itself counts."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import time
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect.host_tools import HostTools
from ansible_collections.warroom.launch.plugins.module_utils._collect.problem import Down
from ansible_collections.warroom.launch.plugins.module_utils._collectors.wsgi.collector import COLLECTOR
from ansible_collections.warroom.launch.plugins.module_utils._linux.processes import children_now
from tests.soak import counting_table
from tests.support import ansible
from tests.support.server import wait_until
from tests.support.tools import RealCommands
from tests.support.wsgi import Wsgi

#: `make soak` takes 200 samples of each kind.
SAMPLES = 20


@pytest.mark.parametrize("name", counting_table.cases())
def test_it_agrees_with_the_application(name: str) -> None:
    found = counting_table.row(name, 1, SAMPLES)
    assert found.passed, found.said


def asked(server: Wsgi, count: int, seconds: float = 8.0) -> list[http.client.HTTPConnection]:
    """So many requests that have no answer yet."""
    conns = [http.client.HTTPConnection("127.0.0.1", server.port, timeout=30) for _each in range(count)]
    for conn in conns:
        conn.request("GET", f"/{seconds}")
    return conns


def facts(server: Wsgi, seconds: float = 0.6, meanwhile: t.Callable[[], t.Any] = lambda: None) -> dict[str, t.Any]:
    tools = HostTools(RealCommands())
    (options,) = [each for each in COLLECTOR.discover(tools) if each["name"] == server.name]
    sampler = COLLECTOR.sampler(options, tools)
    sampler.first()
    meanwhile()
    sampler.watch(seconds)
    sampler.second()
    found = sampler.facts(seconds).done()
    assert all(found["unknown"].values())
    return found


@pytest.mark.parametrize("kind", ["gunicorn sync", "gunicorn gthread", "uvicorn"])
def test_workers_that_are_stopped_are_down_and_not_free(kind: str) -> None:
    """Requests wait on their sockets, and the kernel tells of no busy worker."""
    with Wsgi(kind) as server:
        pids = [server.process.pid, *children_now(server.process.pid)]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            with pytest.raises(Down, match="kill -CONT"):
                facts(server)
            (asked_for,) = ansible.facts("wsgi_stats", "launch_wsgi", {"bind": f"127.0.0.1:{server.port}", "window": 0.5})
            assert asked_for["state"] == "down" and "stopped" in asked_for["problem"]
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)
        assert facts(server)["workers"]["busy"] == 0


@pytest.mark.parametrize("kind", ["gunicorn sync", "granian wsgi"])
def test_one_worker_that_is_stopped_is_not_free(kind: str) -> None:
    with Wsgi(kind) as server:
        before = facts(server)["workers"]
        stopped = next(pid for pid in children_now(server.process.pid) if pid in [row["pid"] for row in facts(server)["worker_list"]])
        os.kill(stopped, signal.SIGSTOP)
        try:
            found = facts(server)
        finally:
            os.kill(stopped, signal.SIGCONT)
        assert found["workers"]["stopped_pids"] == [stopped] and before["stopped"] == 0
        assert found["workers"]["active"] == before["active"] - 1 == before["total"] - 1


def test_an_upgrade_of_gunicorn_is_one_instance_with_two_main_processes() -> None:
    with Wsgi("gunicorn sync") as server:
        os.kill(server.process.pid, signal.SIGUSR2)
        found = wait_until(lambda: _with_workers(facts(server), 6), "the new main process has its workers")
        old, new = found["masters_pids"]
        assert old == server.process.pid and new not in [row["pid"] for row in found["worker_list"]] and found["masters"] == 2
        os.kill(new, signal.SIGTERM)
        assert wait_until(lambda: _with_workers(facts(server), 3), "the new one has gone")["masters"] == 1


def _with_workers(found: dict[str, t.Any], count: int) -> t.Optional[dict[str, t.Any]]:
    return found if found["workers"]["total"] == count else None


@pytest.fixture(scope="module")
def sync() -> t.Iterator[Wsgi]:
    with Wsgi("gunicorn sync") as server:
        yield server


def test_the_facts_of_a_full_gunicorn(sync: Wsgi) -> None:
    conns = asked(sync, 5)
    wait_until(lambda: sync.counted() == (3, 3), "all three workers have a request")
    found = facts(sync)
    assert (found["workers"]["busy"], found["requests_waiting"], found["listen_queue"]) == (3, 2, 2)
    assert found["saturated"] and 0 < found["oldest_request_seconds"] < 30
    assert found["server"] == "gunicorn" and found["worker_class"] == "sync" and found["configured"]["processes"] == 3
    assert found["memory_bytes"] > 0 and found["addable"]["workers"] is not None and len(found["worker_list"]) == 3
    assert found["waits"]["sleep_ratio"] == 1.0, "the application sleeps"
    for conn in conns:
        conn.close()


def test_a_unix_socket_has_no_ages() -> None:
    words = ("gunicorn", "-b", "127.0.0.1:{port}", "-b", "unix:{dir}/app.sock", "-w", "1", "app:wsgi")
    with Wsgi("gunicorn sync", *words) as server:
        found = facts(server)
        assert {each["kind"] for each in found["sockets"]} == {"tcp", "unix"} and found["workers"]["busy"] == 0


class OnUnix(Wsgi):
    """Gunicorn on a UNIX socket alone, with a configuration file that computes what it sets."""

    def __init__(self, *words: str) -> None:
        super().__init__("", "gunicorn", "-b", "unix:{dir}/app.sock", "-c", "{dir}/conf.py", *words, "app:wsgi")

    @property
    def name(self) -> str:
        return f"{self.dir}/app.sock"

    def prepare(self) -> None:
        super().prepare()
        (self.dir / "conf.py").write_text("workers = 1 + 1\ntimeout = max(2, 1)\n")

    def ready(self) -> bool:
        sockets = {"app.sock", "other.sock" if "--control-socket" in self.words else "app.sock"}
        return all((self.dir / each).exists() for each in sockets)

    def ask(self, seconds: float) -> socket.socket:
        conn = socket.socket(socket.AF_UNIX)
        conn.connect(self.name)
        conn.sendall(f"GET /{seconds} HTTP/1.0\r\n\r\n".encode())
        return conn

    def reload(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGHUP)


@pytest.fixture(scope="module")
def on_unix() -> t.Iterator[OnUnix]:
    with OnUnix("--control-socket", "{dir}/other.sock") as server:
        yield server


def test_gunicorn_tells_its_settings_and_its_reloads(on_unix: OnUnix) -> None:
    found = facts(on_unix, 1.5, on_unix.reload)
    assert (found["workers"]["target"], found["configured"]["processes"], found["configured"]["timeout_seconds"]) == (2, 2, 2)
    assert (found["reloads"], found["respawns"], found["timeouts"]) == (1, 2, 0)
    assert found["lifetime_spawned"] >= 4 and found["lifetime_reloads"] == 1


def test_the_age_of_a_request_on_a_unix_socket_and_the_time_out_that_ends_it(on_unix: OnUnix) -> None:
    with on_unix.ask(20.0):
        begun = time.monotonic()
        wait_until(lambda: on_unix.counted() == (1, 1), "a worker has the request")
        found = facts(on_unix, 0.4)
        assert found["workers"]["busy"] == 1 and 0 < found["oldest_request_seconds"] <= time.monotonic() - begun
        found = facts(on_unix, 4.0)
    assert found["timeouts"] == 1 and found["lifetime_killed"] >= 1


def test_without_a_control_socket_it_says_so() -> None:
    with OnUnix("--no-control-socket", "-w", "1") as server:
        found = facts(server)
    assert found["lifetime_reloads"] is None and "no control socket" in found["unknown"]["lifetime_reloads"]
    assert os.path.basename(found["address"]) == "app.sock" and found["workers"]["total"] == 1


def test_granian_at_its_backpressure() -> None:
    """Each worker listens on a socket of its own at one address: what waits counts once."""
    words = ("granian", "--port", "{port}", "--workers", "2", "--backpressure", "2", "--interface", "asgi", "app:asgi")
    with Wsgi("granian", *words) as server:
        conns = asked(server, 24)
        time.sleep(0.5)
        found = facts(server)
        for conn in conns:
            conn.close()
    assert found["requests_running"] == 4 and found["listen_queue"] == found["requests_waiting"] == 20
    assert (found["worker_connections"], found["worker_connections_most"], found["connections_ratio"]) == (2, 2, 1.0)
