# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who sends the schedule. https://github.com/celery/celery/issues/2856, https://github.com/jumpserver/jumpserver/issues/4156,
https://github.com/celery/celery/issues/251: one celery beat on each host, and every mail goes out as often."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collectors.celery import beats, local
from ansible_collections.warroom.launch.plugins.module_utils._collectors.celery.broker_url import Broker
from ansible_collections.warroom.launch.plugins.module_utils._collectors.celery.shape import Gathered
from ansible_collections.warroom.launch.plugins.module_utils._collectors.celery.shape import facts as built
from ansible_collections.warroom.launch.plugins.module_utils._linux.processes import Process, Processes
from ansible_collections.warroom.launch.plugins.plugin_utils._checks.evaluate import judged
from ansible_collections.warroom.launch.plugins.plugin_utils._fleet.broker import brokers
from tests.support.check_cases import checks_of

USUAL = "celery.beat:PersistentScheduler"
ONE, TWO = "0200000A:18EB", "0300000A:18EB"
BEAT = ("python3", "/v/bin/celery", "-A", "shop", "beat")
WORKER = ("python3", "/v/bin/celery", "-A", "shop", "worker", "-B")


def rows(*commands: t.Sequence[str], scheduler: t.Optional[str] = USUAL, places: t.Sequence[t.Any] = (ONE,), monkeypatch: t.Any) -> t.Any:
    """What is seen of processes with these command lines, connected to these places in turn."""
    monkeypatch.setattr(local, "peers", lambda pid, port: places[pid % len(places)] and {places[pid % len(places)]})
    found = [Process(1000 + number, 1, words[0], 0, tuple(words)) for number, words in enumerate(commands)]
    return beats.rows(Processes(found, False), 6379, scheduler)


@pytest.mark.parametrize(
    ("commands", "more", "expected"),
    [
        ([BEAT], {}, [("shop", 1)]),
        ([BEAT, BEAT], {}, [("shop", 2)]),
        ([BEAT, WORKER], {}, [("shop", 2)]),
        ([("[celery beat] -A shop beat -l INFO",), WORKER], {}, [("shop", 2)]),
        ([BEAT, ("python3", "-m", "celery", "--app=blog", "beat")], {}, [("blog", 1), ("shop", 1)]),
        ([BEAT, BEAT], {"places": (ONE, TWO)}, [("shop", 1)]),  # two sites in containers, each with a broker of its own
        ([BEAT, BEAT], {"places": (None,)}, []),  # of another broker
        ([BEAT, (*BEAT, "-S", "redbeat.RedBeatScheduler")], {}, [("shop", 1)]),
        ([BEAT, BEAT], {"scheduler": "redbeat.schedulers:RedBeatScheduler"}, []),
        ([BEAT, BEAT], {"scheduler": None}, []),  # its configuration was not read: they may wait for each other
        ([(*BEAT, "--scheduler", "django_celery_beat.schedulers:DatabaseScheduler")] * 2, {"scheduler": None}, [("shop", 2)]),
        ([WORKER[:-1], ("uv", "run", *BEAT[1:]), ("vim", "beat.py")], {}, []),
    ],
)
def test_processes_that_send_a_schedule(commands: t.Any, more: t.Any, expected: t.Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [(row["name"], row["processes"]) for row in rows(*commands, **more, monkeypatch=monkeypatch)] == expected


def test_the_pool_of_a_worker_has_its_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "peers", lambda pid, port: {ONE})
    found = [Process(10, 1, "python3", 0, WORKER), Process(11, 10, "python3", 0, WORKER), Process(12, 10, "python3", 0, WORKER)]
    assert beats.rows(Processes(found, False), 6379, USUAL) == [{"name": "shop", "processes": 1}]


def of(*seen: tuple[str, str, int]) -> t.Any:
    """The broker of reports (host, application, processes)."""
    reports: dict[str, t.Any] = {}
    for host, app, count in seen:
        part = {"processes": 1, "beats": [{"name": app, "processes": count}] if count else []}
        report = {
            "name": "redis://q:6379/0",
            "state": "up",
            "window": 5.0,
            "broker": {"identity": "redis a/0"},
            "local": part,
            "unknown": {},
        }
        reports.setdefault(host, {"facts": {"launch_celery": {"schema": 1, "instances": []}}})["facts"]["launch_celery"][
            "instances"
        ].append(report)
    return brokers(reports)[0]


@pytest.mark.parametrize(
    ("seen", "total", "doubled", "status"),
    [
        ([("web1", "shop", 1)], 1, [], "ok"),
        ([("web1", "shop", 1), ("web2", "shop", 1)], 2, [{"name": "shop", "processes": 2, "hosts": ["web1", "web2"]}], "warn"),
        ([("web1", "shop", 1), ("web2", "blog", 1)], 2, [], "ok"),
        ([("web1", "shop", 1), ("web1", "shop", 1)], 1, [], "ok"),  # two projects of a host see the same process
        ([("web1", "shop", 0)], 0, [], "skipped"),
    ],
)
def test_one_on_each_host_is_one_too_many(seen: t.Any, total: int, doubled: t.Any, status: str) -> None:
    found = of(*seen)
    assert (found["beats"], found["beats_doubled"]) == (total, doubled)
    (check,) = [check for check in checks_of("celery_queue") if check.id == "celery_queue_beats"]
    assert judged(check, "fleet", found, "during")["status"] == status


def test_they_are_facts_of_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = rows(BEAT, BEAT, monkeypatch=monkeypatch)
    assert built(Gathered(Broker("redis://q:6379/0"), beats=seen), None, 10).done()["local"]["beats"] == [{"name": "shop", "processes": 2}]
