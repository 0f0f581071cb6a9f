# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a look at the kernel becomes: busy workers, waiting requests, ages; and what stays unknown, with its reason."""

from __future__ import annotations

import collections
import dataclasses
import os
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect.worker_host import HostCapacity, Usage
from ansible_collections.warroom.launch.plugins.module_utils._collectors.wsgi import fetch, load, shape
from ansible_collections.warroom.launch.plugins.module_utils._collectors.wsgi import settings as wsgi_settings
from ansible_collections.warroom.launch.plugins.module_utils._collectors.wsgi.samples import History, Look, Worker
from ansible_collections.warroom.launch.plugins.module_utils._collectors.wsgi.settings import LOOP, ONE, THREADS, Settings
from ansible_collections.warroom.launch.plugins.module_utils._linux.backlog import Backlog
from ansible_collections.warroom.launch.plugins.module_utils._linux.opened import Opened
from ansible_collections.warroom.launch.plugins.module_utils._linux.processes import Process
from ansible_collections.warroom.launch.plugins.module_utils._linux.served import Served
from ansible_collections.warroom.launch.plugins.module_utils._linux.usage import Memory
from ansible_collections.warroom.launch.plugins.module_utils._linux.waits import Seen, Waits

SYNC = Settings("gunicorn", ONE, "sync", workers=4, timeout=30, max_requests=1000)
GTHREAD = Settings("gunicorn", THREADS, "gthread", workers=4, threads=4)
UVICORN = Settings("uvicorn", LOOP, "asgi", workers=2)
TCP = Backlog("tcp", "127.0.0.1", 8000, 1, 0, 2048)
UNIX = Backlog("unix", "/run/gunicorn.sock", None, 2, 0, 2048)


def asked(inode: int, age: float = 1.0, unread: int = 0) -> Served:
    return Served(inode, True, unread, age)


def idle(inode: int) -> Served:
    return Served(inode, False, 0, 60.0)


def worker(pid: int, *connections: Served, parked: t.Iterable[int] = (), threads: int = 1) -> Worker:
    return Worker(pid, connections, frozenset(parked), True, True, threads)


def look(*workers: Worker, queued: t.Sequence[Served] = (), listener: Backlog = TCP, hidden: bool = False) -> Look:
    accepted = tuple(each for one in workers for each in one.connections)
    shown = tuple(Worker(one.pid, stopped=one.stopped) for one in workers) if hidden else workers
    return Look(shown, (dataclasses.replace(listener, waiting=len(queued)),), tuple(queued), accepted if listener.kind == "tcp" else None)


def facts(settings: Settings, *looks: Look, **more: t.Any) -> dict[str, t.Any]:
    """The measures of several looks, in a window when there are two or more."""
    window = 5.0 if len(looks) > 1 else None
    history = History(settings, looks[-1], tuple(load.of(each, settings) for each in looks), window, 100, **more)
    result = shape.facts(history).done()
    assert all(reason for reason in result["unknown"].values()) and "nothing says why" not in str(result["unknown"])
    return result


def counted(found: dict[str, t.Any]) -> tuple[t.Any, t.Any, t.Any]:
    return found["workers"]["busy"], found["requests_waiting"], found["oldest_request_seconds"]


def test_a_sync_worker_is_busy_with_one_and_the_others_wait_in_the_queue() -> None:
    taken = [worker(pid, asked(pid, 3.0)) for pid in (1, 2, 3, 4)]
    found = facts(SYNC, *[look(*taken, queued=[asked(0, age) for age in (7.0, 2.0, 1.0)])] * 3)
    assert counted(found) == (4, 3, 7.0)
    assert (found["listen_queue"], found["requests_waiting_inside"], found["busy_ratio"]) == (3, 0, 1.0)
    assert found["saturated"] and len(found["saturated_why"]) == 2 and found["requests_waiting_samples"] == 3
    assert found["listen_queue_ratio"] == round(3 / 2048, 6) and found["concurrency"] == 4


def test_a_client_that_says_nothing_holds_a_sync_worker() -> None:
    assert counted(facts(SYNC, look(worker(1, idle(9)), worker(2))))[:2] == (1, 0)


def test_a_threaded_worker_has_more_than_its_threads_work_on() -> None:
    crowded = worker(1, *[asked(inode) for inode in range(10, 25)])
    found = facts(GTHREAD, look(crowded, worker(2, asked(30)), worker(3), worker(4)))
    assert counted(found)[:2] == (2, 11) and found["requests_running"] == 5
    assert [row["requests_waiting"] for row in found["worker_list"] if row["pid"] == 1] == [11]


def test_connections_kept_alive_are_no_requests() -> None:
    kept = worker(1, idle(10), idle(11), asked(12), parked=(10, 11))
    found = facts(GTHREAD, look(kept, worker(2, idle(13), parked=(13,))))
    assert counted(found)[:2] == (1, 0) and found["connections"] == 4


def test_threads_that_no_setting_tells_are_those_that_were_begun() -> None:
    hidden = dataclasses.replace(GTHREAD, threads=None, unread="its configuration file computes it")
    found = facts(hidden, look(worker(1, *[asked(inode) for inode in range(6)], threads=5)))
    assert found["requests_waiting_inside"] == 2, "four threads beside the main one"
    assert found["concurrency"] is None and "computes it" in found["unknown"]["concurrency"]


def test_an_event_loop_has_no_ceiling_and_what_it_has_not_read_waits() -> None:
    found = facts(UVICORN, *[look(worker(1, asked(5, 9.0), asked(6, 2.0, unread=80), idle(7)), worker(2, idle(8)))] * 3)
    assert counted(found) == (1, 1, 9.0) and found["event_loop"] is True
    assert found["busy_ratio"] is None and "any number" in found["unknown"]["busy_ratio"]
    assert found["saturated_why"] == ["requests waited in every sample"]


def test_an_event_loop_that_keeps_up_is_not_saturated() -> None:
    assert facts(UVICORN, *[look(worker(1, asked(5)), worker(2, asked(6)))] * 3)["saturated"] is False


def test_a_tie_counts_as_idle_and_is_said() -> None:
    found = facts(UVICORN, look(worker(1, Served(5, None, 0, 3.0))))
    assert counted(found)[:2] == (0, 0) and "within one tick" in found["notes"][0]


@pytest.mark.parametrize("settings", [UVICORN, dataclasses.replace(GTHREAD, server="granian")])
def test_over_a_unix_socket_the_kernel_tells_no_requests(settings: Settings) -> None:
    found = facts(settings, look(worker(1, Served(5)), listener=UNIX))
    assert counted(found) == (None, None, None) and "UNIX socket" in found["unknown"]["workers.busy"]
    assert "UNIX socket" in found["unknown"]["oldest_request_seconds"] and found["listen_queue"] == 0 and found["port"] is None


@pytest.mark.parametrize("settings", [SYNC, GTHREAD])
def test_over_a_unix_socket_gunicorn_shows_who_works(settings: Settings) -> None:
    found = facts(settings, look(worker(1, Served(5)), worker(2), listener=UNIX))
    assert counted(found)[:2] == (1, 0) and "UNIX socket" in found["unknown"]["oldest_request_seconds"]


def test_without_the_right_to_see_connections_sync_workers_are_known_all_the_same() -> None:
    found = facts(SYNC, look(worker(1, asked(5, 4.0)), worker(2, asked(6)), worker(3), queued=[asked(0)], hidden=True))
    assert counted(found) == (2, 1, 4.0)


def test_without_that_right_threads_are_unknown_and_the_oldest_request_is_not() -> None:
    found = facts(GTHREAD, look(worker(1, asked(5, 4.0)), worker(2), queued=[asked(0)], hidden=True))
    assert counted(found) == (None, None, 4.0) and found["listen_queue"] == 1
    assert "become" in found["unknown"]["requests_waiting"]
    assert counted(facts(GTHREAD, look(worker(1, idle(5)), worker(2), hidden=True)))[:2] == (0, 0), "nobody asks anything"


def test_without_that_right_over_a_unix_socket_nothing_is_known() -> None:
    found = facts(SYNC, look(worker(1), listener=UNIX, hidden=True))
    assert found["workers"]["busy"] is None and found["connections"] is None


def test_a_container_costs_one_sentence() -> None:
    found = facts(SYNC, *[Look((Worker(1),), hindrance="it runs in a network namespace of its own")] * 3)
    assert counted(found) == (None, None, None) and found["saturated"] is None and found["address"] is None
    assert "network namespace" in found["unknown"]["listen_queue"]


def test_a_class_of_its_own() -> None:
    own = Settings("gunicorn", None, "OwnWorker")
    found = facts(own, look(worker(1, asked(5), asked(6))))
    assert found["workers"]["busy"] == 1 and found["requests_waiting"] is None and found["event_loop"] is None
    hidden = facts(Settings("gunicorn", unread="its title hides its command line"), look(worker(1)))
    assert "hides" in hidden["unknown"]["worker_class"]


def test_what_the_host_has_left_for_more_workers() -> None:
    crowded = look(worker(1, *[asked(inode) for inode in range(10, 20)], threads=5))
    usages = tuple(
        Usage({1: seconds}, {(1, 1): seconds}, (10.0 * seconds, 20.0 * seconds), {"ListenOverflows": 7 + int(seconds)})
        for seconds in (1.0, 2.0)
    )
    waits = Waits()
    waits.begin(5.0)
    waits.seen = collections.Counter({Seen("socket", "192.0.2.9:5432", ""): 3, Seen("cpu", None, ""): 1})
    found = facts(
        dataclasses.replace(GTHREAD, workers=1, timeout=30, max_requests=5), crowded, crowded, crowded,
        usages=usages, memory={1: Memory(100 << 20, 80 << 20, 60 << 20)}, capacity=HostCapacity(4, 4, 16 << 30, 8 << 30),
        ages={1: 12.5}, somaxconn=4096, waits=waits, born=2, grown=1,
    )  # fmt: skip
    assert (found["memory_kind"], found["memory_bytes_per_worker_median"], found["memory_bytes"]) == ("uss", 60 << 20, 80 << 20)
    assert found["cpu_cores"] == 0.2 and found["machine_cpu_free_cores"] == 2.0 and found["cpu_per_busy_ratio"] == 0.05
    assert found["addable"]["wanted"] == 3, "10 requests want 15 threads to keep a third free, that is 3 more workers of 4"
    assert found["addable"]["processes"] == 1 + found["addable"]["advised"] and found["addable"]["limit"] in ("CPU", "RAM")
    assert (found["respawns"], found["youngest_worker_seconds"], found["listen_overflows"]) == (1, 12.5, 1)
    assert found["waits"]["edges"][0]["address"] == "192.0.2.9:5432" and found["waits"]["cpu_ratio"] == 0.25


def test_one_sample_has_no_window() -> None:
    found = facts(SYNC, look(worker(1)), somaxconn=128)
    assert found["respawns"] is None and found["saturated"] is None and found["cpu_cores"] is None
    assert found["configured"] == {"processes": 4, "threads": None, "timeout_seconds": 30, "max_requests": 1000, "statsd": None}


def test_sockets_of_one_place_share_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """Granian 2.8, Gunicorn's --reuse-port: each worker has a socket of its own at one address; what waits was counted once for each."""
    listeners = [Backlog("tcp", "127.0.0.1", 8000, inode, waiting, 1024) for inode, waiting in ((1, 3), (2, 1))]
    alone = Backlog("tcp", "127.0.0.1", 8001, 3, 0, 1024)
    rows = {8000: [Served(0, True, 68, 1.0)] * 4 + [asked(11)], 8001: [Served(0, True, 68, 2.0)] * 2}
    monkeypatch.setattr(fetch.backlog, "listening", lambda: [*listeners, alone])
    monkeypatch.setattr(fetch.served, "connections", lambda listener, _others: rows[listener.port])
    monkeypatch.setattr(fetch.opened, "of", lambda *_words: Opened({3: 1, 4: 2, 5: 3, 6: 11}, ()))
    found = fetch.Reader(Process(os.getpid(), 1, "granian", 0, ("granian",)), GRANIAN).look([os.getpid()])
    assert [each.waiting for each in found.listeners] == [3, 1, 2] and len(found.queued) == 6
    assert found.accepted is not None and len(found.accepted) == 1


GRANIAN = Settings("granian", LOOP, "asgi", workers=2, connections=2)


@pytest.mark.parametrize(
    ("settings", "held", "most", "ratio"),
    [
        (GRANIAN, (2, 1), 2, 1.0),
        (GRANIAN, (0, 0), 0, 0.0),
        (dataclasses.replace(GRANIAN, connections=None, unread="hidden"), (2, 1), 2, None),
        (UVICORN, (2, 1), 2, None),
    ],
)
def test_granian_takes_so_many_connections(settings: Settings, held: tuple[int, int], most: int, ratio: t.Optional[float]) -> None:
    """netbox-community/netbox-docker#1738: pages wait for half a minute behind connections that are kept alive."""
    workers = [worker(pid, *(idle(10 * pid + each) for each in range(count))) for pid, count in enumerate(held, 1)]
    found = facts(settings, look(*workers))
    assert (found["worker_connections_most"], found["connections_ratio"]) == (most, ratio)


@pytest.mark.parametrize(
    ("words", "environment", "connections"),
    [
        (("--backpressure", "4"), {}, 4),
        (("--workers", "4"), {}, 256),
        (("--workers", "4", "--backlog", "2"), {}, 1),
        ((), {"GRANIAN_BACKPRESSURE": "16", "GRANIAN_WORKERS": "4"}, 16),
        ((), None, None),
        (("--backpressure", "4"), None, 4),
    ],
)
def test_the_backpressure_of_granian(words: tuple[str, ...], environment: t.Optional[dict[str, str]], connections: t.Optional[int]) -> None:
    argv = ("/usr/bin/python3", "/usr/bin/granian", "--interface", "asgi", *words, "a:b")
    assert wsgi_settings.of("granian", argv, environment, None).connections == connections


def stopped(one: Worker) -> Worker:
    return dataclasses.replace(one, stopped=True)


def test_a_stopped_worker_is_not_free_and_what_it_holds_waits() -> None:
    """https://github.com/benfred/py-spy/issues/390: a profiler left the program suspended"""
    looks = [look(worker(1, asked(5)), stopped(worker(2, asked(6))), stopped(worker(3)))] * 3
    found = facts(SYNC, *looks)
    assert found["workers"]["stopped_pids"] == [2, 3] and {key: found["workers"][key] for key in ("total", "active", "busy", "idle")} == {
        "total": 3, "active": 1, "busy": 1, "idle": 0,
    }  # fmt: skip
    assert (found["concurrency"], found["busy_ratio"], found["requests_waiting_inside"], found["in_flight_total"]) == (1, 1.0, 1, 2)
    assert facts(UVICORN, *looks)["requests_waiting_inside"] == 1
    assert facts(GTHREAD, *looks)["concurrency"] == 4


def test_a_moments_stop_is_a_profilers() -> None:
    """https://github.com/benfred/py-spy/pull/65: it stops the process for each of its looks"""
    found = facts(SYNC, look(worker(1), worker(2)), look(stopped(worker(1)), worker(2)), look(worker(1), worker(2)))
    assert (found["workers"]["stopped"], found["workers"]["active"], found["busy_ratio"]) == (0, 2, 0.0)


def test_who_holds_what_is_not_guessed_when_workers_are_stopped() -> None:
    found = facts(SYNC, look(worker(1, asked(5)), stopped(worker(2)), hidden=True))
    assert found["workers"]["busy"] is None and "become" in found["unknown"]["workers.busy"]


def test_an_upgrade_is_one_instance_with_two_main_processes() -> None:
    """https://github.com/benoitc/gunicorn/issues/1670; the setting is that of the new one"""
    found = facts(SYNC, look(*map(worker, range(1, 9))), masters=(100, 200), newest=4)
    assert (found["masters"], found["masters_pids"], found["workers"]["total"]) == (2, [100, 200], 8)
    assert facts(SYNC, look(worker(1)))["masters_pids"] == [100]


@pytest.mark.parametrize(
    ("looks", "wanted", "missing"),
    [
        (((1, 2, 3),) * 3, 4, 1),  # https://github.com/emmett-framework/granian/issues/148: killed, and not replaced
        (((1, 2, 3), (1, 2, 3, 4)), 4, 0),  # replaced within the window
        (((1, 2, 3, 4, 5, 6),), 4, 0),
        (((1, 2),), None, None),
    ],
)
def test_workers_that_were_not_replaced(looks: t.Sequence[t.Sequence[int]], wanted: t.Optional[int], missing: t.Optional[int]) -> None:
    settings = dataclasses.replace(SYNC, workers=wanted, unread=None if wanted else "its configuration file computes it")
    found = facts(settings, *[look(*map(worker, pids)) for pids in looks])
    assert found["workers"]["missing"] == missing
    assert missing is not None or "computes it" in found["unknown"]["workers.missing"]
