# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real node of a Galera cluster, in its primary component and outside of any."""

from __future__ import annotations

import typing as t

import pytest

from tests.support.mysql import GaleraNode, galera_node, read, without_galera

pytestmark = pytest.mark.skipif(without_galera() is not None, reason=str(without_galera()))


@pytest.fixture(scope="module")
def node() -> t.Iterator[GaleraNode]:
    with galera_node() as server:
        server.shop()
        yield server


def test_d12_a_node_of_the_primary_component_serves(node: GaleraNode) -> None:
    found = read(node, window=0.3)
    galera = found["galera"]
    assert (galera["member"], galera["serves"], galera["cluster_status"], galera["state"]) == (True, True, "Primary", "Synced")
    assert galera["cluster_size"] == 1 and galera["flow_control_paused_ratio"] == 0.0


def test_d12_a_node_outside_of_it_is_told_although_it_refuses_the_application(node: GaleraNode) -> None:
    node.leave()
    found = read(node, window=0.3)
    assert found["state"] == "up", found["problem"]
    galera = found["galera"]
    assert (galera["member"], galera["ready"], galera["serves"]) == (True, False, False)
    assert galera["cluster_status"] != "Primary" and found["connections"]["used"] >= 1
