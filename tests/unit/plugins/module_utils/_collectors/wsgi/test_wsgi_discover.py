# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which processes are servers and which take the requests, and how they were told to run."""

from __future__ import annotations

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect.host_tools import HostTools
from ansible_collections.warroom.launch.plugins.module_utils._collectors.wsgi import discover, settings
from ansible_collections.warroom.launch.plugins.module_utils._linux.processes import Process, Processes
from tests.support.tools import RealCommands

GUNICORN = ("/usr/bin/python3", "/usr/bin/gunicorn", "-w", "4", "shop.wsgi")


def of(server: str, *words: str, environment: dict[str, str] | None = None, file: str | None = None) -> settings.Settings:
    return settings.of(server, ("/usr/bin/python3", f"/usr/bin/{server}", *words), environment or {}, file)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), ("sync", settings.ONE, 1, None)),
        (("-w4",), ("sync", settings.ONE, 4, None)),
        (("--workers=4", "--threads", "2"), ("gthread", settings.THREADS, 4, 2)),
        (("-k", "gthread"), ("gthread", settings.THREADS, 1, 1)),
        (("-k", "gunicorn.workers.sync.SyncWorker", "--threads=3"), ("gthread", settings.THREADS, 1, 3)),
        (("-k", "gevent", "--threads=3"), ("gevent", settings.LOOP, 1, None)),
        (("-k", "uvicorn.workers.UvicornWorker"), ("uvicorn", settings.LOOP, 1, None)),
        (("-k", "uvicorn_worker.UvicornH11Worker"), ("uvicorn", settings.LOOP, 1, None)),
        (("-k", "asgi"), ("asgi", settings.LOOP, 1, None)),
        (("-k", "shop.workers.OwnClass"), ("OwnClass", None, 1, None)),
    ],
)
def test_gunicorn(words: tuple[str, ...], expected: tuple[object, ...]) -> None:
    found = of("gunicorn", *words, "shop.wsgi")
    assert (found.worker_class, found.model, found.workers, found.threads) == expected


def test_the_command_line_wins_over_the_environment_and_that_over_the_file() -> None:
    file = 'workers = 2\nthreads = 8\ntimeout: int = 90\nbind = "0.0.0.0:80"\n'
    found = of("gunicorn", "-w", "6", environment={"GUNICORN_CMD_ARGS": "--threads=3 -w 5", "WEB_CONCURRENCY": "9"}, file=file)
    assert (found.workers, found.threads, found.timeout, found.unread) == (6, 3, 90, None)
    assert of("gunicorn", environment={"WEB_CONCURRENCY": "9"}).workers == 9


@pytest.mark.parametrize("file", ["import os\nthreads = 2 * os.cpu_count()\n", "threads = (\n", "threads = 4\nthreads = f()\n"])
def test_a_file_that_computes_leaves_it_unknown(file: str) -> None:
    found = of("gunicorn", "-k", "gthread", file=file)
    assert found.threads is None and found.unread == settings.COMPUTED
    assert of("gunicorn", "-k", "gthread", "-w", "1", "-t", "9", "--threads", "4", file="threads = f()\n").unread is None


@pytest.mark.parametrize(
    ("server", "words", "expected"),
    [
        ("uvicorn", ("--workers", "3", "a:b"), ("asgi", settings.LOOP, 3, None)),
        ("granian", ("--interface", "wsgi", "--workers", "2", "--blocking-threads", "8"), ("wsgi", settings.THREADS, 2, 8)),
        ("granian", ("--interface", "wsgi"), ("wsgi", settings.THREADS, 1, 512)),
        ("granian", ("--interface", "asgi"), ("asgi", settings.LOOP, 1, None)),
        ("hypercorn", ("-w", "2", "-k", "uvloop"), ("asgi", settings.LOOP, 2, None)),
        ("daphne", ("-p", "8001"), ("asgi", settings.LOOP, 1, None)),
    ],
)
def test_the_others(server: str, words: tuple[str, ...], expected: tuple[object, ...]) -> None:
    found = of(server, *words)
    assert (found.worker_class, found.model, found.workers, found.threads) == expected


def test_a_title_hides_the_command_line() -> None:
    found = settings.of("gunicorn", ("gunicorn: master [shop]",), {}, None)
    assert found.model is None and found.unread == settings.HIDDEN


def masters(*rows: tuple[int, int, str, tuple[str, ...]]) -> list[int]:
    processes = Processes([Process(pid, ppid, name, 33, argv, "S") for pid, ppid, name, argv in rows], False)
    return [process.pid for process in discover.masters(HostTools(RealCommands(), _processes=processes))]


def test_each_server_is_found_once() -> None:
    uvicorn = ("/usr/bin/python3", "-m", "uvicorn", "--workers", "2", "a:b")
    spawned = ("/usr/bin/python3", "-c", "from multiprocessing.spawn import spawn_main; spawn_main(7)", "--multiprocessing-fork")
    assert masters(
        (10, 1, "gunicorn", GUNICORN),
        (11, 10, "gunicorn", GUNICORN),
        (20, 1, "python3", uvicorn),
        (21, 20, "python3", spawned),
        (30, 1, "gunicorn: maste", ("gunicorn: master [shop]",)),
        (31, 30, "gunicorn: worke", ("gunicorn: worker [shop]",)),
        (40, 1, "granian", ("/usr/bin/python3", "/usr/bin/granian", "a:b")),
        (50, 1, "vi", ("vi", "gunicorn.conf.py")),
    ) == [10, 20, 30, 40]


@pytest.mark.parametrize(
    "argv",
    [
        ("bash", "/srv/checks/gunicorn"), ("/bin/sh", "/usr/local/bin/gunicorn"), ("vim", "gunicorn"), ("tail", "-f", "gunicorn"),
        ("sudo", "gunicorn", "app:app"), ("timeout", "gunicorn", "9"), ("supervisorctl", "uvicorn"),
    ],
)  # fmt: skip
def test_what_only_has_the_name_of_a_server_among_its_words_is_none(argv: tuple[str, ...]) -> None:
    assert discover.server_of(Process(100_000_000, 1, argv[0].rpartition("/")[2], 1000, argv)) is None


@pytest.mark.parametrize(
    ("words", "workers"),
    [((), [5]), (("--workers", "4"), []), (("--workers", "1"), [5]), (("--reload",), [])],
)
def test_one_that_supervises_is_no_worker_when_all_of_them_died(
    words: tuple[str, ...], workers: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """encode/uvicorn#517, #1115: its socket stays open, and nobody answers."""
    monkeypatch.setattr(discover, "children_now", lambda pid: [])
    master = Process(5, 1, "uvicorn", 33, ("/usr/bin/python3", "/usr/bin/uvicorn", "shop:app", *words))
    assert discover.workers_of(master, of("uvicorn", *words, "shop:app")) == workers
