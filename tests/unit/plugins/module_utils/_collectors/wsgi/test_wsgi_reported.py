# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How people tell application servers to run, and what must be read from that: a class that is only assumed makes busy workers idle."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect.facts import Unknown
from ansible_collections.warroom.launch.plugins.module_utils._collect.host_tools import HostTools
from ansible_collections.warroom.launch.plugins.module_utils._collectors.wsgi import discover, settings
from ansible_collections.warroom.launch.plugins.module_utils._collectors.wsgi.settings import LOOP, ONE, THREADS
from ansible_collections.warroom.launch.plugins.module_utils._linux.processes import Process, Processes
from tests.support.tools import RealCommands


def of(server: str, *words: str, environment: t.Optional[dict[str, str]] = None, file: t.Any = None) -> settings.Settings:
    return settings.of(server, ("/usr/bin/python3", f"/usr/bin/{server}", *words, "shop:app"), environment or {}, file)


@pytest.mark.parametrize(
    ("file", "model", "workers"),
    [
        ('import os\nworker_class = os.environ.get("WSGI_WORKER_CLASS", "sync")\nworkers = 3\n', None, 3),
        ("import os\nif os.cpu_count() > 4:\n    threads = 4\nworkers = 3\n", None, 3),
        ("from .base import *\n", None, None),
        ("from .base import threads\nworkers = 3\n", None, 3),
        ("from .base import *\nthreads = 4\nworker_class = 'gthread'\nworkers = 3\n", THREADS, 3),
        ("workers, threads = 3, 1\n", None, None),
        ("workers = 1\nworkers += 2\n", ONE, None),
        ("def on_starting(server):\n    threads = 9\nworkers = 3\n", ONE, 3),
        ("import multiprocessing\nworker_class = 'gevent'\nworkers = multiprocessing.cpu_count()\n", LOOP, None),
        (None, ONE, 1),
        (Unknown("its configuration file may not be read"), None, None),
    ],
)
def test_a_class_that_is_computed_is_not_the_usual_one(file: t.Any, model: t.Optional[str], workers: t.Optional[int]) -> None:
    """https://github.com/google/timesketch/pull/3874, https://github.com/tiangolo/uvicorn-gunicorn-docker/issues/43"""
    found = of("gunicorn", file=file)
    assert (found.model, found.workers) == (model, workers)
    assert found.unread is not None or None not in (model, workers)
    assert of("gunicorn", "-k", "gthread", "--threads", "2", "-w", "5", file=file).model == THREADS


def test_what_the_command_line_does_not_say_may_stand_in_an_environment_that_is_hidden() -> None:
    found = settings.of("gunicorn", ("python3", "gunicorn", "-w", "4", "shop:app"), None, None)
    assert (found.model, found.workers, found.unread) == (None, 4, settings.NO_ENVIRONMENT)
    assert settings.of("uvicorn", ("python3", "uvicorn", "shop:app"), None, None).workers is None
    assert settings.of("daphne", ("python3", "daphne", "shop:app"), None, None).model == LOOP


@pytest.mark.parametrize(
    ("server", "words", "environment", "expected"),
    [
        ("gunicorn", (), {"GUNICORN_CMD_ARGS": "--workers '3' --bind \"unix:/run/a b.sock\" --threads=4"}, (3, 4)),
        ("gunicorn", (), {"GUNICORN_CMD_ARGS": "--workers '3"}, (1, None)),
        ("uvicorn", (), {"UVICORN_WORKERS": "4", "WEB_CONCURRENCY": "9"}, (4, None)),
        ("uvicorn", ("--workers", "2"), {"UVICORN_WORKERS": "4"}, (2, None)),
        ("uvicorn", (), {"WEB_CONCURRENCY": "9"}, (9, None)),
        ("granian", (), {"GRANIAN_INTERFACE": "wsgi", "GRANIAN_BLOCKING_THREADS": "2", "GRANIAN_WORKERS": "3"}, (3, 2)),
        ("granian", ("--interface", "wsgi"), {"GRANIAN_BACKPRESSURE": "16"}, (1, 8)),
        ("granian", ("--interface", "wsgi", "--workers", "2", "--backlog", "128"), {}, (2, 32)),
    ],
)
def test_settings_in_the_environment(server: str, words: tuple[str, ...], environment: dict[str, str], expected: tuple[t.Any, ...]) -> None:
    """https://github.com/benoitc/gunicorn/issues/2527, https://github.com/Kludex/uvicorn/pull/1279,
    https://github.com/emmett-framework/granian/issues/789, https://github.com/mitodl/ol-infrastructure/pull/5083"""
    found = of(server, *words, environment=environment)
    assert (found.workers, found.threads) == expected


@pytest.mark.parametrize("option", [("-c", "hypercorn.toml"), ("--config=python:shop.conf",)])
def test_hypercorn_has_a_file_of_its_own(option: tuple[str, ...]) -> None:
    """https://github.com/superdesk/superdesk/pull/4096"""
    found = of("hypercorn", *option)
    assert (found.model, found.workers, found.unread) == (None, None, settings.OWN_FILE)
    assert of("hypercorn", *option, "-w", "2", "-k", "uvloop").model == LOOP


FASTAPI = ("/srv/venv/bin/python3", "/srv/venv/bin/fastapi")


@pytest.mark.parametrize(
    ("argv", "server", "workers", "reloads"),
    [
        ((*FASTAPI, "run", "app/main.py", "--workers", "4"), "uvicorn", 4, False),
        ((*FASTAPI, "run"), "uvicorn", 1, False),
        ((*FASTAPI, "run", "--reload"), "uvicorn", 1, True),
        ((*FASTAPI, "dev", "app/main.py"), "uvicorn", 1, True),
        ((*FASTAPI, "dev", "--no-reload"), "uvicorn", 1, False),
        (("/usr/bin/python3", "-m", "fastapi", "dev"), "uvicorn", 1, True),
        ((*FASTAPI, "deploy"), None, None, False),
        ((*FASTAPI, "--version"), None, None, False),
    ],
)
def test_fastapis_own_command_is_uvicorn(argv: tuple[str, ...], server: t.Optional[str], workers: t.Optional[int], reloads: bool) -> None:
    """https://github.com/fastapi/fastapi/issues/5782; its options are its own, and uvicorn's variables are not read for them"""
    assert discover.server_of(Process(7, 1, "fastapi", 1000, argv, "S")) == server
    if server is not None:
        found = settings.of(server, argv, {"UVICORN_WORKERS": "9"}, None)
        assert (found.workers, found.model, settings.reloads(argv)) == (workers, LOOP, reloads)


GUNICORN = ("/usr/bin/python3", "/usr/bin/gunicorn", "-w", "2", "shop.wsgi")


@pytest.mark.parametrize(
    ("old", "new", "worker"), [(GUNICORN,) * 3, (("gunicorn: master [shop]",), ("gunicorn: master [shop]",), ("gunicorn: worker [shop]",))]
)
def test_the_second_main_process_of_an_upgrade_is_no_worker_and_no_instance(
    old: tuple[str, ...], new: tuple[str, ...], worker: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """https://github.com/benoitc/gunicorn/issues/1670: after USR2 the new one is a child of the old one, under the same command line"""
    tree = {10: (1, old), 11: (10, worker), 12: (10, worker), 20: (10, new), 21: (20, worker), 22: (20, worker)}
    monkeypatch.setattr(discover, "children_now", lambda pid: [child for child, (above, _argv) in tree.items() if above == pid])
    monkeypatch.setattr(discover, "_words", lambda pid, _name: list(tree[pid][1]))
    monkeypatch.setattr(discover.usage, "was_executed", lambda pid: pid in (10, 20))
    rows = [Process(pid, above, "gunicorn", 33, argv, "S") for pid, (above, argv) in tree.items()]
    (master,) = discover.masters(HostTools(RealCommands(), _processes=Processes(rows, False)))
    assert (master.pid, discover.upgraded(master)) == (10, [20])
    assert discover.workers_of(master, of("gunicorn", "-w", "2")) == [11, 12, 21, 22]
