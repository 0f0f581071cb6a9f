# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A login in an option that has no place for one: it is in no fact of any service, and nothing is connected to."""

from __future__ import annotations

import json
import socket
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect.options import _check
from ansible_collections.warroom.launch.plugins.module_utils._collect.run import gather
from ansible_collections.warroom.launch.plugins.module_utils._collectors import registry

PLACES = {"memcached": "address", "uwsgi": "stats", "postgresql": "login_host", "mysql": "login_host", "celery": "broker_url"}
LOGINS = ("user:EXAMPLEPW@h:1", "redis//:EXAMPLEPW@h/0", "tcp://u:EXAMPLEPW@h:1/x@y", "postgresql://u:EXAMPLEPW@h:1/db")


@pytest.mark.parametrize("service", PLACES)
@pytest.mark.parametrize("value", LOGINS)
def test_a_login_where_none_belongs(tools: t.Any, service: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[t.Any] = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda *where, **_more: asked.append(where) or [])
    monkeypatch.setattr(socket.socket, "connect", lambda _socket, where: asked.append(where))
    collector = registry.collector(service)
    facts = gather([(collector, _check(collector, {PLACES[service]: value}))], 0, tools)
    instance = facts[f"launch_{service}"]["instances"][0]
    assert instance["state"] in ("unreadable", "down") and instance["problem"]
    assert "EXAMPLE" not in json.dumps(facts), instance
    assert asked == []
