# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Servers as a whole: found on the host, full, restarted, replicating; and what the module prints."""

from __future__ import annotations

import contextlib
import json
import typing as t

import pymysql

from ansible_collections.warroom.launch.plugins.module_utils._collect.host_tools import HostTools
from ansible_collections.warroom.launch.plugins.module_utils._collectors.mysql.collector import COLLECTOR
from tests.support import ansible
from tests.support.mysql import Database, MariaDB, read
from tests.support.server import wait_until
from tests.support.tools import RealCommands


def test_it_is_found_on_this_host(by_default: MariaDB) -> None:
    found = COLLECTOR.discover(HostTools(RealCommands()))
    place = {"login_unix_socket": by_default.socket, "login_port": by_default.port, "login_host": "127.0.0.1"}
    assert place in found


def test_a_full_server_is_up_and_says_so() -> None:
    with MariaDB("--max-connections=10") as server, contextlib.ExitStack() as stack:
        server.shop()
        with contextlib.suppress(pymysql.err.OperationalError):
            for _number in range(20):
                stack.enter_context(server.session("SELECT 1"))
        found = read(server)
    assert (found["state"], found["connections_exhausted"], found["connections_ratio"]) == ("up", True, 1.0)
    assert "too many connections" in found["connections_refused"]
    assert found["long_queries"] is None


def test_a_restart_within_the_window_is_no_error_of_ours() -> None:
    with MariaDB() as server:
        login = {"login_unix_socket": server.socket, "login_user": "root"}
        found = read(server, window=1.5, meanwhile=lambda: server.query("SHUTDOWN"), **login)
        assert found["state"] == "down"
        assert found["problem"].startswith(f"it ended within the window: there is no socket {server.socket}")


def test_settings_of_other_people_do_not_change_our_questions(instrumented: MariaDB) -> None:
    (before,) = instrumented.query("SELECT @@GLOBAL.sql_mode, @@GLOBAL.max_join_size, @@GLOBAL.time_zone")
    instrumented.query("SET GLOBAL sql_mode = 'ORACLE,ANSI_QUOTES,PIPES_AS_CONCAT,EMPTY_STRING_IS_NULL'")
    instrumented.query("SET GLOBAL max_join_size = 10")
    instrumented.query("SET GLOBAL time_zone = '+09:00'")
    try:
        with instrumented.session("START TRANSACTION", "UPDATE orders SET note = 'x' WHERE id = 5"):
            found = read(instrumented, window=0.3)
    finally:
        instrumented.query(f"SET GLOBAL sql_mode = '{before[0]}'")
        instrumented.query(f"SET GLOBAL max_join_size = {before[1]}")
        instrumented.query(f"SET GLOBAL time_zone = '{before[2]}'")
    refusals = ("the server refused", "the answer took", "MariaDB 10")
    assert not [why for why in found["unknown"].values() if why.startswith(refusals) or "please report" in why]
    assert 0 <= found["idle_in_transaction"][0]["transaction_seconds"] < 60
    assert found["missing_indexes_total"] == 1
    assert all(row["id"] and len(row["id"]) >= 32 for row in found["statements"])


def test_no_password_appears_whatever_the_verbosity(by_default: MariaDB) -> None:
    args: dict[str, t.Any] = {"login_port": by_default.port, "login_host": "127.0.0.1", "login_user": "mon", "window": 0}
    for password, state in (("EXAMPLEmon", "up"), ("EXAMPLEwrong", "unreadable")):
        done = ansible.run(
            "ansible", "localhost", "-vvvv", "-m", "mysql_stats", "-a", json.dumps({**args, "login_password": password}),
            "-e", f"ansible_python_interpreter={ansible.VENV}/python",
        )  # fmt: skip
        assert f'"state": "{state}"' in done.stdout, done.stdout + done.stderr
        assert "EXAMPLE" not in done.stdout + done.stderr


def test_a_replica_that_lags_and_one_that_stands_still() -> None:
    options = ["--log-bin=bin", "--binlog-format=ROW", "--sync-binlog=0"]
    with MariaDB("--server-id=1", *options) as primary, MariaDB("--server-id=2", *options) as replica:
        primary.query("CREATE USER repl@'%' IDENTIFIED BY 'EXAMPLErepl'")
        primary.query("GRANT REPLICATION SLAVE ON *.* TO repl@'%'")
        (log,) = primary.query("SHOW MASTER STATUS")
        place = f"MASTER_HOST='127.0.0.1', MASTER_PORT={primary.port}, MASTER_LOG_FILE='{log[0]}', MASTER_LOG_POS={log[1]}"
        replica.query(f"CHANGE MASTER 'west' TO {place}, MASTER_USER='repl', MASTER_PASSWORD='EXAMPLErepl'")
        replica.query("START SLAVE 'west'")
        # what it applies waits for this lock
        lock = pymysql.connect(unix_socket=replica.socket, user="root")
        lock.cursor().execute("FLUSH TABLES WITH READ LOCK")
        primary.query("CREATE DATABASE shop")
        root = {"login_user": "root"}
        lagging = wait_until(
            lambda: next(
                (one for one in [read(replica, login_unix_socket=replica.socket, **root)] if one["replication_lag_seconds"]), None
            ),
            "it lags",
        )
        lock.close()
        assert (lagging["role"], lagging["replication_broken"]) == ("replica", 0)
        assert [(row["name"], row["source"]) for row in lagging["replication"]] == [("west", f"127.0.0.1:{primary.port}")]
        source = read(primary, login_unix_socket=primary.socket, **root)
        assert (source["role"], source["replicas_total"], source["replicas"][0]["user"]) == ("primary", 1, "repl")
        assert source["binary_log"]["file"] == log[0]
        assert source["long_queries_total"] == 0
        replica.query("STOP SLAVE 'west' SQL_THREAD")
        stopped = read(replica, login_unix_socket=replica.socket, **root)
        assert (stopped["replication_broken"], stopped["replication_lag_seconds"]) == (1, None)
        replica.query("SET @@default_master_connection = ''")
        replica.query("STOP ALL SLAVES")
        replica.query("CHANGE MASTER 'west' TO MASTER_USER='repl', MASTER_PASSWORD='EXAMPLEwrong'")
        replica.query("START SLAVE 'west'")
        refused = wait_until(
            lambda: next(
                (one for one in [read(replica, login_unix_socket=replica.socket, **root)] if one["replication"][0]["error"]), None
            ),
            "it is refused",
        )
        assert refused["replication"][0]["error"].startswith("error 1045: ")
        assert "EXAMPLE" not in json.dumps(refused)


def test_tasks_of_django_that_wait_in_a_table(server: Database) -> None:
    columns = "status varchar(10), queue_name varchar(32), enqueued_at datetime(6), run_after datetime(6)"
    rows = [
        "('READY', 'default', UTC_TIMESTAMP(6) - INTERVAL 500 SECOND, NULL)",
        "('READY', 'mail', UTC_TIMESTAMP(6) - INTERVAL 900 SECOND, UTC_TIMESTAMP(6) - INTERVAL 30 SECOND)",
        "('READY', 'mail', UTC_TIMESTAMP(6) - INTERVAL 900 SECOND, '9999-01-01')",
        "('READY', 'mail', UTC_TIMESTAMP(6) - INTERVAL 1 DAY, UTC_TIMESTAMP(6) + INTERVAL 1 HOUR)",
        "('RUNNING', 'default', UTC_TIMESTAMP(6) - INTERVAL 1 DAY, NULL)",
    ]
    server.query(f"CREATE TABLE shop.tasks_dbtaskresult ({columns})")
    try:
        with server.session(f"INSERT INTO shop.tasks_dbtaskresult VALUES {', '.join(rows)}", "COMMIT"):
            found = read(server, window=0, login_user="root", login_password="", login_unix_socket=server.socket)
        waiting = {row["name"]: (row["waiting"], int(row["oldest_seconds"]) // 100) for row in found["task_queues"]}
        assert waiting == {"default": (1, 5), "mail": (2, 9)} and found["task_queue_waiting"] == 3
        hidden = read(server, window=0)
        why = hidden["unknown"]["task_queue_waiting"]
        assert hidden["task_queue_tables"] == ["shop: shop.tasks_dbtaskresult"] and "GRANT SELECT (status, queue_name" in why
        server.query(why.rpartition(": ")[2].rstrip(";"))
        assert read(server, window=0)["task_queue_waiting"] == 3, "what the reason says is enough"
    finally:
        server.query("DROP TABLE shop.tasks_dbtaskresult")
