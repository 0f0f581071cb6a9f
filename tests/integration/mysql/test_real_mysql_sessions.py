# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sessions, locks and clients of real servers, each situation made for real; the server's own client is the second opinion."""

from __future__ import annotations

import json

from tests.support.mysql import MariaDB, read
from tests.support.server import wait_until


def test_connections_agree_with_the_servers_own_client(server: MariaDB) -> None:
    with server.session("SELECT 1"), server.session("SELECT 1"):
        found = read(server)
        said = server.run("mariadb", "-uroot", f"-S{server.socket}", "-Ne", "SHOW GLOBAL STATUS LIKE 'Max_used_connections'")
    assert found["state"] == "up", found["problem"]
    assert found["flavour"] == "mariadb"
    assert found["connections"]["used"] == 3  # two of the application and ourselves
    assert found["connections"]["max"] == 151
    assert found["connections"]["peak"] <= int(said.stdout.split()[1])
    assert found["by_user"] == [{"name": "app", "sessions": 2}]


def test_a_forgotten_transaction_is_found_with_whom_it_blocks(server: MariaDB) -> None:
    with server.session("BEGIN", "UPDATE customer SET name = 'EXAMPLEname' WHERE id = 1") as idle:
        wait_until(
            lambda: server.query(f"SELECT 1 FROM information_schema.processlist WHERE id = {idle.thread_id()} AND time >= 1"), "a second"
        )
        with server.busy("UPDATE customer SET name = 'EXAMPLEother' WHERE id = 1", program_name="shop"):
            wait_until(lambda: server.query("SELECT 1 FROM information_schema.innodb_lock_waits"), "it waits")
            found = read(server)
    assert [row["pid"] for row in found["idle_in_transaction"]] == [idle.thread_id()]
    assert found["idle_in_transaction"][0]["blocks_total"] == 1
    assert found["idle_in_transaction_longest_seconds"] >= 1
    assert found["idle_in_transaction_blocking"] == 1
    assert [(row["pid"], row["blocks_total"]) for row in found["blockers"]] == [(idle.thread_id(), 1)]
    assert found["blockers"][0]["frees_the_others"].startswith(f"KILL {idle.thread_id()};")
    assert found["blockers"][0]["waiters"][0]["lock"] == "row lock"
    assert found["blockers"][0]["waiters"][0]["relation"] == "shop.customer (PRIMARY)"
    assert "EXAMPLE" not in json.dumps(found)


def test_a_chain_of_three_ends_at_its_root(server: MariaDB) -> None:
    with server.session("BEGIN", "UPDATE orders SET note = 'a' WHERE id = 1") as root:
        with server.busy("BEGIN", "UPDATE orders SET note = 'b' WHERE id = 2", "UPDATE orders SET note = 'b' WHERE id = 1") as middle:
            with server.busy("UPDATE orders SET note = 'c' WHERE id = 2") as last:
                wait_until(lambda: len(server.query("SELECT 1 FROM information_schema.innodb_lock_waits")) == 2, "both wait")
                found = read(server, long_query_seconds=0.0)
    assert [(row["pid"], row["blocks_direct"], row["blocks_total"]) for row in found["blockers"]] == [(root.thread_id(), 1, 2)]
    waiters = {row["pid"]: row["blocked_by"] for row in found["blockers"][0]["waiters"]}
    assert waiters == {middle.thread_id(): [root.thread_id()], last.thread_id(): [middle.thread_id()]}
    assert {row["root_blocker"] for row in found["long_queries"]} == {root.thread_id()}
    assert {row["waits_for"] for row in found["long_queries"]} == {"lock"}


def test_a_metadata_lock_leads_to_the_open_transaction(server: MariaDB) -> None:
    with server.session("BEGIN", "SELECT * FROM customer LIMIT 1") as reader:
        with server.busy("ALTER TABLE customer ADD COLUMN later INT") as alter, server.busy("SELECT COUNT(*) FROM customer") as third:
            waiting = "SELECT 1 FROM information_schema.processlist WHERE state LIKE '%metadata lock%'"
            wait_until(lambda: len(server.query(waiting)) == 2, "both wait")
            found = read(server, long_query_seconds=0.0)
    assert [(row["pid"], row["blocks_total"]) for row in found["blockers"]] == [(reader.thread_id(), 2)]
    waiters = {row["pid"]: row for row in found["blockers"][0]["waiters"]}
    assert set(waiters) == {alter.thread_id(), third.thread_id()}
    assert {row["lock"] for row in waiters.values()} == {"metadata lock"}
    assert {row["wait_event"] for row in found["long_queries"]} == {"metadata lock"}
