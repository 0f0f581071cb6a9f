# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real node of a Galera cluster, in its primary component and outside of any."""

from __future__ import annotations

import os
import typing as t

import pytest

from tests.support.mysql import MariaDB, read
from tests.support.server import free_port, wait_until

PROVIDER = "/usr/lib/galera/libgalera_smm.so"
pytestmark = pytest.mark.skipif(not os.path.exists(PROVIDER), reason="Galera is not installed: apt-get install galera-4")


@pytest.fixture(scope="module")
def node() -> t.Iterator[MariaDB]:
    port, transfer = free_port(), free_port()
    options = f"gmcast.listen_addr=tcp://127.0.0.1:{port};ist.recv_addr=127.0.0.1:{transfer};gcache.size=1M"
    cluster = ["--wsrep-on=ON", f"--wsrep-provider={PROVIDER}", "--wsrep-cluster-address=gcomm://", "--wsrep-node-address=127.0.0.1"]
    with MariaDB(*cluster, "--binlog-format=ROW", "--innodb-autoinc-lock-mode=2", f"--wsrep-provider-options={options}") as server:
        wait_until(lambda: ("wsrep_ready", "ON") in server.query("SHOW STATUS LIKE 'wsrep_ready'"), "the node is ready")
        server.shop()
        yield server


def test_d12_a_node_of_the_primary_component_serves(node: MariaDB) -> None:
    found = read(node, window=0.3)
    galera = found["galera"]
    assert (galera["member"], galera["serves"], galera["cluster_status"], galera["state"]) == (True, True, "Primary", "Synced")
    assert galera["cluster_size"] == 1 and galera["flow_control_paused_ratio"] == 0.0


def test_d12_a_node_outside_of_it_is_told_although_it_refuses_the_application(node: MariaDB) -> None:
    node.query("SET GLOBAL wsrep_provider_options = 'pc.weight=0'")
    node.query("SET GLOBAL wsrep_cluster_address = 'gcomm://127.0.0.1:1?pc.wait_prim=no'")
    wait_until(lambda: ("wsrep_ready", "OFF") in node.query("SHOW STATUS LIKE 'wsrep_ready'"), "the node is out of service")
    found = read(node, window=0.3)
    assert found["state"] == "up", found["problem"]
    galera = found["galera"]
    assert (galera["member"], galera["ready"], galera["serves"]) == (True, False, False)
    assert galera["cluster_status"] != "Primary" and found["connections"]["used"] >= 1
