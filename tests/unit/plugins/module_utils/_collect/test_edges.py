# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Edges as facts: what is known, what is not and why, and how much of it."""

from __future__ import annotations

import collections
import os
import pathlib
import socket
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect import edges
from ansible_collections.warroom.launch.plugins.module_utils._collect.base import Presence, Sampler
from ansible_collections.warroom.launch.plugins.module_utils._collect.command import Commands
from ansible_collections.warroom.launch.plugins.module_utils._collect.facts import UNEXPLAINED, Facts
from ansible_collections.warroom.launch.plugins.module_utils._collect.host_tools import HostTools
from ansible_collections.warroom.launch.plugins.module_utils._linux import connections
from ansible_collections.warroom.launch.plugins.module_utils._linux.connections import Edges
from ansible_collections.warroom.launch.plugins.module_utils._linux.processes import Processes

NAMES = ("listens", "talks_to", "talks_to_total", "clients_from", "clients_from_total", "net_namespace")


class Here(Sampler):
    def __init__(self, presence: t.Optional[Presence]) -> None:
        self._presence = presence

    def presence(self) -> t.Optional[Presence]:
        if self._presence is None:
            raise AttributeError("never read")
        return self._presence


def put(presence: t.Optional[Presence], found: t.Optional[Edges] = None) -> dict[str, t.Any]:
    facts = Facts()
    if found is None:
        edges.put([(facts, Here(presence))], HostTools(Commands(None)))
    else:
        edges._put(facts, presence or Presence(), found)
    done = facts.done()
    assert set(NAMES) <= set(done) and UNEXPLAINED not in str(done)
    return done


def test_a_service_is_known_by_its_own_sockets() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        place = f"127.0.0.1:{listener.getsockname()[1]}"
        facts = put(Presence([os.getpid()], ["127.0.0.1:1"]))
    assert place in facts["listens"] and "127.0.0.1:1" not in facts["listens"]
    assert facts["net_namespace"]["name"] and facts["talks_to_total"] is not None


def test_what_is_not_a_service_of_its_own_has_no_edges() -> None:
    facts = Facts()
    edges.put([(facts, Sampler({}, HostTools(Commands(None))))], HostTools(Commands(None)))
    assert facts.done() == {"unknown": {}, "notes": []}


@pytest.mark.parametrize(
    ("presence", "found", "reason"),
    [
        (Presence([], ["/run/a.sock"]), Edges(), edges.ELSEWHERE),
        (None, Edges(), edges.ELSEWHERE),
        (Presence([7], [":80"]), Edges(processes=2, hidden=2), "use become|become: true"),
        (Presence([7]), Edges(processes=1), edges.GONE),
    ],
)
def test_nothing_of_it_may_be_read(presence: t.Optional[Presence], found: Edges, reason: str) -> None:
    facts = put(presence, found)
    assert all(facts[name] is None for name in NAMES[1:])
    assert all(any(words in facts["unknown"][name] for words in reason.split("|")) for name in NAMES[1:])
    given = presence.listens if presence else []
    assert facts["listens"] == ({"/run/a.sock": ["unix:/run/a.sock"], ":80": ["0.0.0.0:80"]}[given[0]] if given else None)


def test_a_part_is_not_the_whole() -> None:
    talks = collections.Counter({"10.0.0.5:5432": 8, "unix:/run/a\x1b.sock": 1})
    facts = put(Presence([7]), Edges({"0.0.0.0:80"}, talks, collections.Counter(), "k-1", ["10.0.0.1"], processes=3, read=2, hidden=1))
    assert facts["talks_to"] == [{"address": "10.0.0.5:5432", "connections": 8}, {"address": "unix:/run/a .sock", "connections": 1}]
    assert facts["talks_to_total"] is None and "1 of its 3 processes" in facts["unknown"]["talks_to_total"]
    assert facts["net_namespace"] == {"name": "k-1", "addresses": ["10.0.0.1"]} and facts["listens"] == ["0.0.0.0:80"]


def test_of_many_the_most_used_are_kept() -> None:
    talks = collections.Counter({f"10.0.0.5:{port}": port for port in range(1, 101)})
    facts = put(Presence([7]), Edges(set(), talks, collections.Counter(), "k-1", [], processes=1, read=1))
    assert len(facts["talks_to"]) == edges.KEEP and facts["talks_to_total"] == 100
    assert facts["talks_to"][0] == {"address": "10.0.0.5:100", "connections": 100} and facts["listens"] == []


def test_a_strange_proc_costs_the_edges_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "look", lambda _groups: 1 / 0)
    facts = put(Presence([os.getpid()], ["localhost:11211", "[::1]:80", "@abstract"]))
    assert facts["talks_to"] is None and "could not make sense of the sockets" in facts["unknown"]["talks_to"]
    assert facts["listens"] == ["127.0.0.1:11211", "[::1]:80", "unix:@abstract"]


@pytest.fixture
def own_name() -> t.Iterator[str]:
    """A name that no other process has: the parent of this one may be a Python as well, and then serves in its place."""
    name = pathlib.Path("/proc/self/comm")
    before = name.read_text()
    name.write_text("wr-listener")
    yield "wr-listener"
    name.write_text(before)


def test_who_serves_an_address(own_name: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port, table = listener.getsockname()[1], Processes.read()
        assert os.getpid() in table.serving(f"127.0.0.1:{port}", own_name) and os.getpid() in table.serving(f"localhost:{port}", own_name)
        # what listens on every address here listens on no other host's
        assert table.serving(f"203.0.113.9:{port}", own_name) == [] and table.serving(f"127.0.0.1:{port}", "no such program") == []


def test_a_configuration_that_cannot_be_read_leaves_open_whom_it_talks_to() -> None:
    talks = collections.Counter({"10.0.0.5:8000": 2})
    presence = Presence([7], (), (), "the backends of its VCL are not known: no access")
    facts = put(presence, Edges({"0.0.0.0:80"}, talks, collections.Counter({"10.0.0.9": 1}), "k-1", [], processes=1, read=1))
    assert facts["talks_to_total"] is None and "backends of its VCL" in facts["unknown"]["talks_to_total"]
    assert facts["clients_from_total"] == 1 and len(facts["talks_to"]) == 1


def test_what_a_configuration_names_counts_without_a_connection() -> None:
    presence = Presence([7], (), ["10.0.0.5:8000", "app2:8000", "cache:11211", "/run/app.sock"])
    talks = collections.Counter({"10.0.0.6:8000": 2})
    facts = put(presence, Edges(set(), talks, collections.Counter(), "k-1", [], processes=1, read=1))
    # app2 may be the name of what it is connected to
    assert [(row["address"], row["connections"]) for row in facts["talks_to"]] == [
        ("10.0.0.6:8000", 2), ("10.0.0.5:8000", 0), ("cache:11211", 0), ("unix:/run/app.sock", 0),
    ]  # fmt: skip
    hidden = put(presence, Edges(processes=1, hidden=1))
    assert [row["connections"] for row in hidden["talks_to"]] == [None] * 4 and hidden["talks_to_total"] is None
    assert "become" in hidden["unknown"]["talks_to[].connections"]


@pytest.mark.parametrize(
    ("written", "kernel"),
    [
        ("/run/app.sock", "unix:/run/app.sock"),
        ("unix:/run/app.sock", "unix:/run/app.sock"),
        ("unix:///run/app.sock", "unix:/run/app.sock"),  # as uWSGI's own documentation has it for nginx
        ("unix@/run/app.sock", "unix:/run/app.sock"),
        ("abns@app", "unix:@app"),
        ("@app", "unix:@app"),
        ("ipv4@10.0.0.7:80", "10.0.0.7:80"),
        ("ipv6@[2001:db8::1]:80", "[2001:db8::1]:80"),
        ("localhost:80", "127.0.0.1:80"),
        ("[::1]:80", "[::1]:80"),
        ("app1:8000", "app1:8000"),
    ],
)
def test_one_place_however_a_configuration_writes_it(written: str, kernel: str) -> None:
    """https://github.com/unbit/uwsgi/issues/1647, https://github.com/puma/puma/issues/462: three slashes, and the path has one"""
    assert edges._address(written) == kernel
    connected = Edges(read=True, processes=1)
    connected.talks_to[kernel] = 3
    assert edges._not_connected(Presence([1], (), [written]), connected) == []
