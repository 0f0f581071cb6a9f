# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A replica of PostgreSQL is a cause while the application reads from it, and only then."""

from __future__ import annotations

import typing as t

import pytest

from .several import Site, at, talks
from .world import World, fact, instance

PAUSED = {"receiver": "streaming", "streaming": True, "paused": True, "lag_seconds": 95.0, "behind_bytes": 3 << 20}
CUT_OFF = {"receiver": "not running", "streaming": False, "paused": False, "lag_seconds": 12.0, "behind_bytes": None}


def _read_by(address: str, replication: dict[str, t.Any], status: str = "fail") -> World:
    world = World()
    client = {"address": address, "user": "shop", "application": "site", "sessions": 6, "backend": "client backend"}
    replica = instance("5432", role="replica", clients=[client], statements=[], replication=replication)
    world.facts["db2"] = {"launch_postgresql": fact(replica)}
    told = {"finding": "Lag behind its primary: 95 s", "advice": "Take it out of the read pool.", "look": "psql"}
    world.bad("postgresql_replica_own_lag", "db2", status=status, **told)
    return world


@pytest.mark.parametrize(("replication", "status"), [(PAUSED, "fail"), (CUT_OFF, "fail"), (CUT_OFF, "warn")])
def test_a_replica_that_the_application_reads_from_is_named(replication: dict[str, t.Any], status: str) -> None:
    [cause] = _read_by("app1", replication, status).diagnose()
    assert (cause["cause"], cause["hosts"]) == ("cluster_member_out", ["db2"])
    assert cause["statement"] == "Clients on app1 read old data from the PostgreSQL replica db2 (5432): Lag behind its primary: 95 s."
    why = "Its replay is paused." if replication["paused"] else "It receives nothing from its primary: its receiver is not running."
    assert why in cause["evidence"] and "shop (site) from app1: 6 sessions." in cause["evidence"]
    assert cause["first_fix"] == "Take it out of the read pool." and cause["look"] == "psql"


@pytest.mark.parametrize(
    ("address", "replication", "status"),
    [("10.9.9.9", PAUSED, "fail"), ("local", CUT_OFF, "fail"), ("app1", PAUSED, "warn")],
    ids=["only a backup reads from it", "only its own host does", "a few seconds behind, and it streams"],
)
def test_a_replica_that_hurts_nobody_is_no_cause(address: str, replication: dict[str, t.Any], status: str) -> None:
    assert _read_by(address, replication, status).causes() == []


def test_sockets_name_the_applications_that_read() -> None:
    site = Site()
    site.connect()
    replica = instance("5432", role="replica", clients=[], statements=[], replication=PAUSED, listens=["0.0.0.0:5432"], **talks())
    site.facts["db2"] = {"launch_postgresql": fact({**replica, "net_namespace": {"name": "k131-1", "addresses": [at(1, 31)]}})}
    site.bad("postgresql_replica_own_lag", "db2", finding="Lag behind its primary: 95 s")
    assert site.causes() == []
    workers = site.of("app1", "uwsgi")
    workers["talks_to"].append({"address": f"{at(1, 31)}:5432", "connections": 4})
    workers["talks_to_total"] += 1
    [cause] = site.diagnose()
    assert cause["statement"].startswith("app1 (127.0.0.1:1717) read old data from the PostgreSQL replica db2")
