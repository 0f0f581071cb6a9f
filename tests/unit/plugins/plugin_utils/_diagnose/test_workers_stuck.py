# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Workers that are free while requests wait. https://github.com/unbit/uwsgi/issues/2460, https://github.com/unbit/uwsgi/issues/2444,
https://github.com/unbit/uwsgi/issues/1369: nothing is busy, so neither more workers nor more CPU help."""

from __future__ import annotations

import typing as t

import pytest

from .world import World


def world(**measures: t.Any) -> World:
    made = World()
    made.workers_stuck()
    made.of("app1", "uwsgi").update(measures)
    return made


def test_free_workers_and_a_full_queue_are_no_want_of_workers() -> None:
    (cause,) = world().diagnose()
    assert (cause["cause"], cause["tier"], cause["hosts"]) == ("workers_stuck", "uwsgi", ["app1"])
    assert "100 requests wait" in cause["statement"] and "none of its 8 workers was busy in 20 samples" in cause["statement"]
    assert "reload" in cause["first_fix"] and "more workers" not in cause["first_fix"] and "Do not add workers" in cause["avoid"]


@pytest.mark.parametrize(
    "measures",
    [
        {"busy_ratio_peak": 0.125},
        {"busy_ratio_peak": None},
        {"requests": 3},
        {"listen_queue_samples": 19},
        {"samples": 4, "listen_queue_samples": 4},
        {"workers": {"busy": 0, "idle": 0, "active": 0}},
    ],
    ids=str,
)
def test_one_that_takes_some_is_not_stuck(measures: dict[str, t.Any]) -> None:
    assert "workers_stuck" not in world(**measures).causes()


def test_workers_that_end_as_soon_as_they_start_are_not_stuck() -> None:
    """https://github.com/benoitc/gunicorn/issues/1663, https://github.com/benoitc/gunicorn/issues/2504,
    https://github.com/benoitc/gunicorn/issues/2215: the main process is well, and starts a worker again and again"""
    (cause,) = world(respawns=4).diagnose()
    assert cause["cause"] == "workers_stuck" and "4 came in the place of others" in cause["statement"]
    assert "end as soon as they start" in cause["first_fix"] and "reload" not in cause["first_fix"]


def test_connections_that_are_kept_alive_hold_every_place_of_granian() -> None:
    """netbox-community/netbox-docker#1738: pages wait for half a minute, and no worker works"""
    (cause,) = world(connections_ratio=1.0).diagnose()
    assert cause["cause"] == "workers_stuck" and "--backpressure" in cause["first_fix"] and "reload" not in cause["first_fix"]


@pytest.mark.parametrize(
    ("pids", "line"),
    [(None, ""), ([71, 72], "(on app1: kill -CONT 71 72)"), ([71, "72; reboot", True], "(on app1: kill -CONT 71)"), ("$(reboot)", "")],
)
def test_workers_that_are_stopped_are_continued_and_no_others_are_added(pids: t.Any, line: str) -> None:
    """https://github.com/benfred/py-spy/issues/390: a profiler left them suspended, and the one that is left is full"""
    made = World()
    made.workers_halted()
    made.of("app1", "uwsgi")["workers"]["stopped_pids"] = pids
    (cause,) = made.diagnose()
    assert (
        cause["cause"] == "workers_stopped" and "2 of 3 workers stopped" in cause["statement"] and "100 requests wait" in cause["statement"]
    )
    assert line in cause["first_fix"] and "root" in cause["first_fix"] and "reboot" not in str(cause)
    assert ("kill" in cause["first_fix"]) is bool(line)


@pytest.mark.parametrize(
    "measures", [{"listen_queue": 0, "listen_queue_samples": 0}, {"workers": {"active": 3, "stopped": 0, "total": 3}}], ids=str
)
def test_stopped_workers_that_nobody_waits_for_are_no_cause(measures: dict[str, t.Any]) -> None:
    made = World()
    made.workers_halted()
    made.of("app1", "uwsgi").update(measures)
    assert "workers_stopped" not in made.causes()
