# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real replicas and a real Galera node that leave their cluster: named with what they are and why; in step, nobody is."""

from __future__ import annotations

import contextlib
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._checks.catalogue import Catalogue, load
from ansible_collections.warroom.launch.plugins.plugin_utils._judge.pipeline import Asked, judge
from tests.support.cached_site import SERVICES, TABLES, Site
from tests.support.memcached import Memcached
from tests.support.mysql import MariaDB, galera_node, read, rows_of, without_galera
from tests.support.postgresql import Postgres, Replica
from tests.support.server import wait_until

CATALOGUE = Catalogue(load())


def causes(*hosts: Asked) -> dict[str, dict[str, t.Any]]:
    return {cause["cause"]: dict(cause) for cause in judge(list(hosts), CATALOGUE)["diagnoses"]}


def of_mysql(server: MariaDB) -> dict[str, dict[str, t.Any]]:
    facts = read(server, window=0.3, login_unix_socket=server.socket, login_user="root")
    return causes(Asked("db2", {"launch_mysql": {"schema": 1, "instances": [facts]}}, services=["mysql"], known_clients=["*"]))


def write(server: MariaDB, sql: str) -> None:
    with contextlib.closing(server.connect(autocommit=True)) as connection:
        rows_of(connection, sql)


def test_a_replica_that_met_what_it_cannot_apply() -> None:
    options = ["--log-bin=bin", "--binlog-format=ROW", "--sync-binlog=0"]
    with MariaDB("--server-id=1", *options) as primary, MariaDB("--server-id=2", *options) as replica:
        primary.query("CREATE USER repl@'%' IDENTIFIED BY 'EXAMPLErepl'")
        primary.query("GRANT REPLICATION SLAVE ON *.* TO repl@'%'")
        (log,) = primary.query("SHOW MASTER STATUS")
        place = f"MASTER_HOST='127.0.0.1', MASTER_PORT={primary.port}, MASTER_LOG_FILE='{log[0]}', MASTER_LOG_POS={log[1]}"
        replica.query(f"CHANGE MASTER TO {place}, MASTER_USER='repl', MASTER_PASSWORD='EXAMPLErepl'")
        replica.query("START SLAVE")
        primary.query("CREATE DATABASE shop")
        primary.query("CREATE TABLE shop.orders (id INT PRIMARY KEY)")
        wait_until(lambda: replica.query("SELECT 1 FROM information_schema.tables WHERE table_name = 'orders'"), "the table there")
        assert of_mysql(replica) == {}
        # written to by mistake: what the source writes then is there already
        write(replica, "INSERT INTO shop.orders VALUES (7)")
        write(primary, "INSERT INTO shop.orders VALUES (7)")
        wait_until(lambda: of_mysql(replica), "it stops")
        [cause] = of_mysql(replica).values()
        assert cause["cause"] == "cluster_member_out" and cause["hosts"] == ["db2"]
        assert f"MySQL db2 (127.0.0.1:{replica.port})" in cause["statement"] or replica.socket in cause["statement"]
        assert "no longer follows its source" in cause["statement"]
        assert f"127.0.0.1:{primary.port}: error 1062" in str(cause["evidence"])
        # what is advised: its cause mended, then started
        write(replica, "DELETE FROM shop.orders WHERE id = 7")
        replica.query("START SLAVE")
        wait_until(lambda: replica.query("SELECT 1 FROM shop.orders WHERE id = 7"), "it follows again")
        assert of_mysql(replica) == {}


def test_a_replica_that_lost_its_primary_and_that_the_application_reads_from() -> None:
    with Postgres(max_wal_senders=4, wal_level="replica") as primary:
        primary.psql(TABLES)
        with Replica(primary) as replica, Memcached() as cache, Site(replica, cache, processes=2) as site:
            primary.psql("insert into shop_day values (32)")
            replica.until("pg_last_xact_replay_timestamp() is not null", "it follows")

            def found() -> dict[str, dict[str, t.Any]]:
                with site.visited("/orders", 2):
                    facts = site.facts(0.5)
                limits = {"postgresql_replica_own_lag": {"warn": "> 0.5"}}
                return causes(Asked("app1", facts, services=SERVICES, known_clients=["*"], thresholds=limits))

            assert "cluster_member_out" not in found()
            primary.stop()
            wait_until(lambda: replica.psql("select count(*) from pg_stat_wal_receiver where status = 'streaming'") == "0", "it is alone")
            cause = found()["cluster_member_out"]
            assert f"read old data from the PostgreSQL replica app1 (127.0.0.1:{replica.port})" in cause["statement"]
            assert f"app1 ({site.stats})" in cause["statement"], "who reads from it"
            assert any("It receives nothing from its primary" in line["text"] for line in cause["evidence"])


@pytest.mark.skipif(without_galera() is not None, reason=str(without_galera()))
def test_a_galera_node_outside_of_its_primary_component() -> None:
    with galera_node() as node:
        assert of_mysql(node) == {}
        node.leave()
        [cause] = of_mysql(node).values()
        assert cause["cause"] == "cluster_member_out" and "is out of its Galera cluster" in cause["statement"]
        node.rejoin()
        assert of_mysql(node) == {}
