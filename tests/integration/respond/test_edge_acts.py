# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server behind a real HAProxy is drained while the others have room, and takes part again."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._acts import drain_haproxy_server
from tests.support.acts import Planned, act_at, planned
from tests.support.haproxy import Haproxy
from tests.support.upstreams import answering


@pytest.fixture(autouse=True)
def short_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drain_haproxy_server, "PAUSE", 0.01)


@pytest.fixture(scope="module")
def backend() -> t.Iterator[int]:
    with answering() as port:
        yield port


@pytest.fixture(scope="module")
def edge(backend: int) -> t.Iterator[Haproxy]:
    with Haproxy([f"good {backend} maxconn 20", f"bad {backend} maxconn 20", f"spare {backend} backup"]) as running:
        yield running


def plan(edge: Haproxy, server: str = "bad", readings: t.Optional[dict[str, t.Any]] = None) -> Planned:
    return planned(act_at("drain_server", "haproxy", {"socket": edge.socket}, {"backend": "app", "server": server}, readings))


def status(edge: Haproxy, server: str) -> str:
    rows = (line.split(",") for line in edge.ask("show stat").splitlines())
    return next(row[17] for row in rows if row[:2] == ["app", server])


def test_a_server_is_drained_and_takes_part_again(edge: Haproxy) -> None:
    made = plan(edge)
    assert made.broken == []
    done = made.run()
    assert status(edge, "bad") == "DRAIN" and [edge.get() for _turn in range(4)] == [200] * 4
    # the last that takes part is never drained
    assert any("other active servers" in sentence for sentence in plan(edge, "good").broken)
    assert "takes requests" in made.refusal()
    assert "takes part again" in made.act.undo(done.state) and status(edge, "bad") == "no check"
    assert "left alone" in made.act.undo(done.state)


@pytest.mark.parametrize(("guard", "value"), [("busy_of_rest", -1.0), ("others", 2), ("queue", -1)])
def test_without_room_none_is_drained(edge: Haproxy, guard: str, value: float) -> None:
    made = plan(edge)
    assert "a guard no longer holds" in made._replace(limits={**made.limits, guard: value}).refusal()
    assert status(edge, "bad") == "no check"


def test_maintenance_of_a_person_is_left_alone(edge: Haproxy) -> None:
    made = plan(edge)
    done = made.run()
    edge.ask("set server app/bad state maint")
    try:
        assert "left alone" in made.act.undo(done.state) and status(edge, "bad") == "MAINT"
        assert "takes requests" in made.refusal()
    finally:
        edge.ask("set server app/bad state ready")


def test_another_haproxy_than_the_plans_is_left_alone(edge: Haproxy) -> None:
    made = plan(edge)
    assert "started again" in made._replace(identity={**made.identity, "pid": 1}).refusal()
    assert "started again" in made.act.undo({**made.identity, "address": "192.0.2.1:80"})
    assert status(edge, "bad") == "no check"


def test_where_no_server_has_a_limit_the_fleet_says_how_busy_they_are(backend: int) -> None:
    with Haproxy([f"good {backend}", f"bad {backend}"]) as edge:
        assert any("not known" in sentence for sentence in plan(edge).broken)
        assert any("room for its share" in sentence for sentence in plan(edge, readings={"busy_of_rest": 0.9}).broken)
        assert plan(edge, readings={"busy_of_rest": 0.4}).broken == []


def test_without_the_level_it_says_which(backend: int) -> None:
    edge = Haproxy([f"good {backend} maxconn 20", f"bad {backend} maxconn 20"])
    edge.level = "operator"
    with edge:
        made = plan(edge)
        assert any("level admin" in sentence for sentence in made.broken) and "level admin" in made.refusal()
        assert status(edge, "bad") == "no check"


@pytest.mark.parametrize("name", ["bad; shutdown sessions", "bad\n", "bad server", ""])
def test_a_name_that_is_a_command_is_refused(edge: Haproxy, name: str) -> None:
    with pytest.raises(drain_haproxy_server.Refused):
        plan(edge, name)
