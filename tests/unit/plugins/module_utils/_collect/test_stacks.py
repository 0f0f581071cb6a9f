# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stacks of workers: frames and nothing else, bounded for the whole run, and every failure a sentence."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect import stacks
from ansible_collections.warroom.launch.plugins.module_utils._collect.command import Ran
from ansible_collections.warroom.launch.plugins.module_utils._collect.facts import Unknown, known
from ansible_collections.warroom.launch.plugins.module_utils._collect.host_tools import HostTools
from ansible_collections.warroom.launch.plugins.module_utils._linux.busy import Busy

ROOT = "/srv/shop"
#: What py-spy 0.4.3 tells of a worker of the practice application, shortened.
DUMP = [
    {"pid": 7, "thread_name": "beat", "frames": [{"name": "wait", "filename": "/usr/lib/python3.11/threading.py", "line": 3}]},
    {
        "pid": 7,
        "thread_name": "MainThread",
        "frames": [
            {
                "name": "sleep",
                "filename": "/opt/venv/lib/python3.11/site-packages/django/utils/clock.py",
                "line": 12,
                "locals": [{"name": "password", "repr": "'EXAMPLE'"}],
            },
            {"name": "account", "filename": "/srv/shop/shop/views.py", "line": 60, "locals": None},
            {"name": "helper", "filename": "/home/EXAMPLE/lib/helper.py", "line": 0},
            {"name": "<module>", "filename": "<string>", "line": 1},
        ],
    },
]


class Sampler:
    """In place of the host's commands."""

    def __init__(self, *answers: Ran, installed: bool = True) -> None:
        self.answers, self.installed = list(answers), installed
        self.asked: list[list[str]] = []

    def which(self, _name: str) -> t.Optional[str]:
        return "/usr/bin/py-spy" if self.installed else None

    def run(self, argv: t.Sequence[str], _seconds: float) -> Ran:
        self.asked.append(list(argv))
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def ran(out: t.Any = None, rc: int = 0, err: bytes = b"", late: bool = False) -> Ran:
    return Ran(rc, out if isinstance(out, bytes) else json.dumps(out).encode(), err, late)


def workers(count: int = 1) -> list[Busy]:
    return [Busy(10**8 + number, 1, 1, "GET /account/") for number in range(count)]


@pytest.fixture(autouse=True)
def as_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stacks.os, "geteuid", lambda: 0)


def test_frames_are_relative_and_hold_no_value() -> None:
    sampler = Sampler(ran(DUMP))
    (row,) = known(stacks.read(HostTools(sampler), workers(), ROOT)) or []  # type: ignore[arg-type]
    assert (row["pid"], row["work"]) == (10**8, "GET /account/")
    assert [(frame["function"], frame["file"], frame["own"]) for frame in row["frames"]] == [
        ("sleep", "django/utils/clock.py", False),
        ("account", "shop/views.py", True),
        ("helper", "lib/helper.py", True),
        ("<module>", "<string>", False),
    ]
    assert "EXAMPLE" not in str(row) and ROOT not in str(row) and isinstance(row["frames"][2]["line"], Unknown)
    assert "--nonblocking" in sampler.asked[0] and not any("locals" in word or word == "-l" for word in sampler.asked[0])


def test_no_more_than_five_processes_of_all_instances_of_a_run() -> None:
    sampler = Sampler(ran(DUMP))
    tools = HostTools(sampler)  # type: ignore[arg-type]
    first, second = stacks.read(tools, workers(3), ROOT), stacks.read(tools, workers(3), ROOT)
    assert len(known(first) or []) == 3 and len(known(second) or []) == 2 and len(sampler.asked) == 5
    assert stacks.read(tools, workers(1), ROOT) == Unknown(stacks.NO_TIME)


def test_no_more_than_a_second_of_a_run() -> None:
    tools = HostTools(Sampler(ran(DUMP)))  # type: ignore[arg-type]
    tools.stacks.seconds = 0.0
    assert stacks.read(tools, workers(), ROOT) == Unknown(stacks.NO_TIME)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (ran(b"no json"), "could not be read"),
        (ran({"an": "object"}), "could not be read"),
        (ran([]), "no Python frame"),
        (ran([{"frames": "none"}, 5]), "no Python frame"),
        (ran(b"", 1, b"Error: Failed to find python version\x1b[0m from target process\n"), "py-spy: Error: Failed to find python version"),
        (ran(b"", 1), "failed without a word"),
        (ran(b"", 124, late=True), "in time"),
    ],
)
def test_what_gives_no_stack_costs_a_sentence(answer: Ran, says: str) -> None:
    found = stacks.read(HostTools(Sampler(answer)), workers(), ROOT)  # type: ignore[arg-type]
    assert isinstance(found, Unknown) and says in found.reason and "\x1b" not in found.reason


def test_one_that_fails_leaves_the_others() -> None:
    found = stacks.read(HostTools(Sampler(ran(b"", 1), ran(DUMP))), workers(2), ROOT)  # type: ignore[arg-type]
    assert [row["pid"] for row in known(found) or []] == [10**8 + 1]


@pytest.mark.parametrize("name", ["postgres", "mariadbd", "memcached", "redis-server"])
def test_a_pid_that_is_a_database_or_a_cache_by_now_is_left_alone(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stacks, "_name", lambda _pid: name)
    sampler = Sampler(ran(DUMP))
    found = stacks.read(HostTools(sampler), workers(), ROOT)  # type: ignore[arg-type]
    assert isinstance(found, Unknown) and "no worker any more" in found.reason and sampler.asked == []


def test_what_stands_in_the_way_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    missing = HostTools(Sampler(installed=False))  # type: ignore[arg-type]
    assert stacks.read(missing, workers(), ROOT) == Unknown(stacks.NOT_INSTALLED)
    assert stacks.read(HostTools(Sampler(ran(DUMP))), [], ROOT) == Unknown(stacks.NONE_BUSY)  # type: ignore[arg-type]
    monkeypatch.setattr(stacks.os, "geteuid", lambda: 1000)
    assert stacks.read(missing, workers(), ROOT) == Unknown(stacks.NO_ROOT)
