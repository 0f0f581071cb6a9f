# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sessions, locks and clients of real servers, each situation made for real; the server's own client is the second opinion."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import threading
import time
import typing as t

from ansible_collections.warroom.launch.plugins.module_utils._collectors.mysql import fetch
from tests.support.documented import undocumented
from tests.support.mysql import Database, MariaDB, read, rows_of
from tests.support.server import wait_until


def waiting_on_rows(server: Database, count: int = 1) -> None:
    # not from innodb_trx: MariaDB renews that only after nobody has read it for a tenth of a second
    status = "SHOW GLOBAL STATUS LIKE 'Innodb_row_lock_current_waits'"
    wait_until(lambda: int(server.query(status)[0][1]) == count, f"{count} sessions wait on a row")


def waiting_on_metadata(server: Database, count: int) -> None:
    state = "SELECT 1 FROM information_schema.processlist WHERE state LIKE '%metadata lock%'"
    wait_until(lambda: len(server.query(state)) == count, f"{count} sessions wait on a metadata lock")


def test_connections_agree_with_the_servers_own_client(server: Database) -> None:
    with server.session("SELECT 1"), server.session("SELECT 1"):
        found = read(server)
        said = server.run("mariadb", "-uroot", f"-S{server.socket}", "-Ne", "SHOW GLOBAL STATUS LIKE 'Max_used_connections'")
    assert found["state"] == "up", found["problem"]
    assert found["connections"]["used"] == 3  # two of the application and ourselves
    assert found["connections"]["max"] == 151
    assert found["connections"]["peak"] <= int(said.stdout.split()[1])
    assert found["by_user"] == [{"name": "app", "sessions": 2}]


def test_a_forgotten_transaction_is_found_with_whom_it_blocks(server: Database) -> None:
    with server.session("BEGIN", "UPDATE customer SET name = 'EXAMPLEname' WHERE id = 1") as idle:
        idle_for = f"SELECT 1 FROM information_schema.processlist WHERE id = {idle.thread_id()} AND time >= 1"
        wait_until(lambda: server.query(idle_for), "a second")
        with server.busy("UPDATE customer SET name = 'EXAMPLEother' WHERE id = 1", program_name="shop"):
            waiting_on_rows(server)
            found = read(server)
    assert [row["pid"] for row in found["idle_in_transaction"]] == [idle.thread_id()]
    assert found["idle_in_transaction"][0]["blocks_total"] == 1
    assert found["idle_in_transaction_longest_seconds"] >= 1
    assert found["idle_in_transaction_blocking"] == 1
    assert [(row["pid"], row["blocks_total"]) for row in found["blockers"]] == [(idle.thread_id(), 1)]
    assert found["blockers"][0]["frees_the_others"].startswith(f"KILL {idle.thread_id()};")
    assert found["blockers"][0]["waiters"][0]["lock"] == "row lock"
    assert found["blockers"][0]["waiters"][0]["relation"] == "shop.customer (PRIMARY)"
    assert undocumented("mysql", found) == []
    assert "EXAMPLE" not in json.dumps(found)


def test_a_transaction_that_was_prepared_and_left_is_told(server: Database) -> None:
    prepared = ("XA START 'left'", "UPDATE customer SET name = 'EXAMPLEname' WHERE id = 2", "XA END 'left'", "XA PREPARE 'left'")
    with server.session(*prepared, autocommit=True):
        pass
    try:
        wait_until(lambda: server.query("SELECT 1 FROM information_schema.innodb_trx WHERE trx_mysql_thread_id = 0"), "its session is gone")
        with server.busy("UPDATE customer SET name = 'EXAMPLEother' WHERE id = 2", program_name="shop"):
            waiting_on_rows(server)
            [blocker] = read(server)["blockers"]
    finally:
        with contextlib.closing(server.connect(autocommit=True)) as connection:
            connection.cursor().execute("XA ROLLBACK 'left'")
    assert (blocker["pid"], blocker["blocks_total"], blocker["user"]) == (0, 1, None)
    assert blocker["frees_the_others"].startswith("XA RECOVER;")


def test_a_chain_of_three_ends_at_its_root(server: Database) -> None:
    first, second = "BEGIN", "UPDATE orders SET note = 'b' WHERE id = 2"
    with (
        server.session("BEGIN", "UPDATE orders SET note = 'a' WHERE id = 1") as root,
        server.busy(first, second, "UPDATE orders SET note = 'b' WHERE id = 1") as middle,
        server.busy("UPDATE orders SET note = 'c' WHERE id = 2") as last,
    ):
        waiting_on_rows(server, 2)
        found = read(server, long_query_seconds=0.0)
    assert [(row["pid"], row["blocks_direct"], row["blocks_total"]) for row in found["blockers"]] == [(root.thread_id(), 1, 2)]
    waiters = {row["pid"]: row["blocked_by"] for row in found["blockers"][0]["waiters"]}
    assert waiters == {middle.thread_id(): [root.thread_id()], last.thread_id(): [middle.thread_id()]}
    assert {row["root_blocker"] for row in found["long_queries"]} == {root.thread_id()}
    assert {row["waits_for"] for row in found["long_queries"]} == {"lock"}


def test_the_root_that_works_is_freed_by_killing_its_query(server: Database) -> None:
    with (
        server.busy("BEGIN", "UPDATE orders SET note = 'a' WHERE id = 1", "SELECT SLEEP(60)") as root,
        server.busy("UPDATE orders SET note = 'c' WHERE id = 1"),
    ):
        waiting_on_rows(server)
        found = read(server)
    assert [(row["pid"], row["frees_the_others"]) for row in found["blockers"]] == [(root.thread_id(), f"KILL QUERY {root.thread_id()};")]


def test_a_metadata_lock_leads_to_the_open_transaction(server: Database) -> None:
    with contextlib.ExitStack() as stack:
        reader = stack.enter_context(server.session("BEGIN", "SELECT * FROM customer LIMIT 1"))
        alter = stack.enter_context(server.busy("ALTER TABLE customer ADD COLUMN later INT"))
        waiting_on_metadata(server, 1)
        third = stack.enter_context(server.busy("SELECT COUNT(*) FROM customer"))
        waiting_on_metadata(server, 2)
        found = read(server, long_query_seconds=0.0)
    assert [(row["pid"], row["blocks_total"]) for row in found["blockers"]] == [(reader.thread_id(), 2)]
    waiters = {row["pid"]: row for row in found["blockers"][0]["waiters"]}
    assert set(waiters) == {alter.thread_id(), third.thread_id()}
    assert {row["lock"] for row in waiters.values()} == {"metadata lock"}
    assert {row["wait_event"] for row in found["long_queries"]} == {"metadata lock"}


def test_who_locked_tables_by_name_is_told_also_when_it_is_over(instrumented: Database, named_by_lock_tables: Database) -> None:
    for server in (instrumented, named_by_lock_tables):
        with server.session("LOCK TABLES customer WRITE") as holder, server.busy("SELECT COUNT(*) FROM customer", program_name="shop"):
            waiting_on_metadata(server, 1)

            def release(holder: t.Any = holder) -> None:
                time.sleep(1.5)
                rows_of(holder, "UNLOCK TABLES")

            found = read(server, window=2.0, meanwhile=release)
        assert [(row["pid"], row["blocks_total"], row["still_blocks"]) for row in found["blockers"]] == [(holder.thread_id(), 1, False)]
        assert found["blockers"][0]["frees_the_others"].startswith(f"KILL {holder.thread_id()};")
        assert found["lock_wait_longest_seconds"] > 0 and undocumented("mysql", found) == []


def test_who_locked_tables_before_and_gave_them_back_is_told_again(named_by_lock_tables: Database) -> None:
    lock, give_back = "LOCK TABLES customer WRITE", "UNLOCK TABLES"
    with named_by_lock_tables.session(lock, give_back), named_by_lock_tables.session(lock, give_back, lock) as holder:
        assert named_by_lock_tables.query(fetch._TABLE_LOCKERS) == [(holder.thread_id(),)]


def test_a_stranger_with_long_reads_stands_out(server: Database) -> None:
    with (
        server.session("SELECT 1", program_name="shop"),
        server.session("SELECT 1", program_name="shop"),
        server.busy("SELECT SLEEP(60) FROM customer WHERE name = 'EXAMPLEname' OR id = 1", user="report", program_name="report"),
    ):
        found = read(server, window=0.8)
    first = found["clients"][0]
    assert (first["user"], first["sessions"], first["kind"], first["time_share_ratio"]) == ("report", 1, "reads", 1.0)
    assert first["active_seconds"] > 0
    if found["performance_schema"]:
        assert first["application"] == "report"
        assert {row["application"] for row in found["clients"]} == {"shop", "report"}
    assert "EXAMPLE" not in json.dumps(found)


def test_whose_sessions_are_hidden_is_unknown_with_the_grant(server: Database) -> None:
    with server.session("BEGIN", "UPDATE customer SET name = 'x' WHERE id = 3"):
        found = read(server, login_user="blind", login_password="EXAMPLEblind")
    assert found["state"] == "up"
    assert found["connections"]["used"] == 2  # the counter is open to everybody
    for measure in ("idle_in_transaction_longest_seconds", "long_queries_total", "blockers_total", "clients", "missing_indexes_total"):
        assert found[measure] is None
        assert found["unknown"][measure].endswith("GRANT PROCESS ON *.* TO 'blind'@'%';")
    assert found["replication"] is None
    assert "GRANT REPL" in found["unknown"]["replication"]


def test_texts_that_are_not_utf8_do_not_break_the_read(server: Database) -> None:
    connection = server.connect("app", "EXAMPLEapp", tcp=True, database="shop", use_unicode=False)
    with connection, connection.cursor() as cursor:
        cursor.execute("SET NAMES latin1")
        pid = connection.thread_id()
        with server.busy("SELECT SLEEP(60) /* \u2028\u202e */ AS `caf\u00e9`, _binary x'ff00fe'"):
            thread = threading.Thread(target=lambda: cursor.execute(b"SELECT SLEEP(3) AS a, 'caf\xe9 \xff\xfe' AS b"))
            thread.start()
            wait_until(
                lambda: server.query(f"SELECT 1 FROM information_schema.processlist WHERE id = {pid} AND command = 'Query'"), "it runs"
            )
            found = read(server, long_query_seconds=0.0)
            thread.join()
    assert found["state"] == "up", found["problem"]
    assert pid in [row["pid"] for row in found["long_queries"]]
    json.dumps(found, allow_nan=False).encode()


def test_the_plan_of_a_running_query(server: Database) -> None:
    with server.busy("SELECT SLEEP(1) FROM orders WHERE customer_id = 7 AND note <> 'EXAMPLEname'") as one:
        found = read(server, login_unix_socket=server.socket, login_user="root", explain_pids=[one.thread_id(), 999999])
    plan, nothing = found["plans"]
    assert (plan["problem"], plan["full_scan"]) == (None, True)
    assert plan["plan"][0]["table"] == "orders"
    assert plan["query"] == "SELECT SLEEP(?) FROM orders WHERE customer_id = ? AND note <> ?"
    assert nothing["plan"] == []
    assert nothing["problem"]


def test_our_session_cannot_write_and_gives_up_soon(server: Database) -> None:
    from ansible_collections.warroom.launch.plugins.module_utils._collectors.mysql import connect
    from ansible_collections.warroom.launch.plugins.module_utils._collectors.mysql.session import Refused, Session

    login = connect.login({"login_unix_socket": server.socket, "login_user": "root"})
    session = Session(connect.connection(login, 5.0), 0.2)
    for statement, why in (("DELETE FROM shop.customer", "READ ONLY"), ("SELECT SLEEP(30) FROM shop.customer", "")):
        try:
            session.rows(statement)
        except Refused as refused:
            assert why in refused.said
        else:
            # MySQL ends a sleep that its limit interrupts without an error
            assert statement.startswith("SELECT")
    assert session.rows("SELECT COUNT(*) AS n FROM shop.customer") == [{"n": "1000"}]
    session.close()


def test_a_server_that_stops_answering_costs_a_sentence() -> None:
    with MariaDB() as server:
        login = {"login_unix_socket": server.socket, "login_user": "root"}
        assert server.process is not None
        pid = server.process.pid
        try:
            found = read(server, window=2.0, timeout=1.0, meanwhile=lambda: os.killpg(pid, signal.SIGSTOP), **login)
        finally:
            os.killpg(server.process.pid, signal.SIGCONT)
        assert found["state"] == "down"
        assert (
            "accepts connections and does not answer: its process (pid " in found["problem"]
            and "is stopped by a signal" in found["problem"]
        )
        assert read(server, timeout=5.0, **login)["state"] == "up"


def test_a_locked_server_is_read_all_the_same(by_default: Database) -> None:
    with contextlib.closing(by_default.connect()) as admin:
        rows_of(admin, "FLUSH TABLES WITH READ LOCK")
        with by_default.busy("UPDATE customer SET name = 'x' WHERE id = 1"):
            state = "SELECT 1 FROM information_schema.processlist WHERE state LIKE 'Waiting for%lock%'"
            wait_until(lambda: by_default.query(state), "it waits")
            found = read(by_default, long_query_seconds=0.0)
    assert found["state"] == "up"
    assert [row["wait_event"] for row in found["long_queries"]] == ["global lock"]
