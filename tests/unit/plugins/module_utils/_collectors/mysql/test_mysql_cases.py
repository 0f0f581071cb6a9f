# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Failures that people reported of other tools (the case bank's Y cases and those of their kind)."""

from __future__ import annotations

import json
import socket
import types
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect.derived import Window
from ansible_collections.warroom.launch.plugins.module_utils._collect.facts import Unknown
from ansible_collections.warroom.launch.plugins.module_utils._collect.run import gather
from ansible_collections.warroom.launch.plugins.module_utils._collectors.mysql import (
    activity,
    connect,
    galera,
    parse,
    replication,
    server,
    statements,
)
from ansible_collections.warroom.launch.plugins.module_utils._collectors.mysql.collector import COLLECTOR
from ansible_collections.warroom.launch.plugins.module_utils._collectors.mysql.session import Refused
from ansible_collections.warroom.launch.plugins.module_utils._sql.sessions import Activity, Manner, put_long_queries
from ansible_collections.warroom.launch.plugins.module_utils._texts.plain import plain
from tests.support.mysql_rows import FakeSession, facts, reader
from tests.support.tools import FakeCommands, measures_of, tools_with

STATUS = [{"Variable_name": name, "Value": value} for name, value in {"Threads_connected": "12", "Uptime": "100", "Questions": "5"}.items()]
IDENTITY = [{"version": "8.0.36", "version_comment": "MySQL Community Server - GPL", "login": "mon@%", "id": "9"}]
VARIABLES = [{"Variable_name": "max_connections", "Value": "400"}, {"Variable_name": "performance_schema", "Value": "OFF"}]
WHO = "SELECT VERSION"


def server_with(**answers: t.Any) -> FakeSession:
    base = {WHO: IDENTITY, "SHOW GLOBAL VARIABLES": VARIABLES, "SELECT UNIX_TIMESTAMP": [{"now": "1795600800"}]}
    return FakeSession({**base, "SHOW GLOBAL STATUS": STATUS, "processlist": [], "innodb_trx": [], **answers})


def test_y02_only_clients_run_long_queries(case: t.Callable[[str], bytes]) -> None:
    given = [{name.lower(): value for name, value in row.items()} for row in json.loads(case("Y-02.json"))]
    rows = activity.sessions(given, {}, {}, None)
    found = measures_of(put_long_queries, Activity(rows, Manner(long_seconds=30, top=20, dialect="mysql")), {})
    assert {row["pid"]: row["kind"] for row in found["long_queries"]} == {10: "client", 11: "client", 13: "client", 12: "backup"}
    assert found["long_queries_total"] == 3
    assert {row["pid"]: row["wait_event"] for row in found["long_queries"] if row["waits_for"] == "lock"} == {11: "metadata lock"}
    assert [row["pid"] for row in rows if row["state"] == "killed"] == [14]


@pytest.mark.parametrize(
    ("command", "user", "kind"),
    [
        ("Query", "app", "client backend"),
        ("Daemon", "anybody", "server thread"),
        ("Binlog Dump GTID", "repl", "walsender"),
        ("Slave_worker", "system user", "server thread"),
        ("Replica_SQL", "system user", "server thread"),
        ("Connect", "system user", "server thread"),
        ("Connect", "unauthenticated user", "connecting"),
        ("Group Replication Data Stream subscriber", "app", "client backend"),
    ],
)
def test_y02_the_kind_of_threads(command: str, user: str, kind: str) -> None:
    assert activity.backend({"command": command, "user": user}) == kind


def test_y03_the_right_words_for_each_server(case: t.Callable[[str], bytes]) -> None:
    for row in json.loads(case("Y-03.json")):
        flavour, version = parse.version(row["version"], row["comment"])
        who = parse.Identity(flavour, version, row["version"], "", None)
        words = replication.replica_questions(who)
        assert words[0] in (*row["replica"].split(" or "), "SHOW ALL SLAVES STATUS")
        assert set(words) & set(row["replica"].split(" or "))
        assert replication.binlog_questions(who)[0] == row["binlog"]
        lag = replication.channel({row["lag_column"].lower(): "7", "master_host": "db1", "master_port": "3306"})
        assert (lag["lag_seconds"], lag["source"]) == (7, "db1:3306")


def test_y03_other_words_are_tried_and_other_facts_still_come() -> None:
    syntax = Refused("absent", "You have an error in your SQL syntax", 1064)
    old = {"Slave_IO_Running": "Yes", "Slave_SQL_Running": "Yes", "Seconds_Behind_Master": "3", "Master_Host": "db1"}
    found = facts(server_with(**{"SHOW REPLICA STATUS": syntax, "SHOW SLAVE STATUS": [old]}), None)
    assert (found["role"], found["replication_lag_seconds"], found["replication_broken"]) == ("replica", 3, 0)
    found = facts(server_with(**{"SHOW REPLICA STATUS": syntax, "SHOW SLAVE STATUS": syntax}), None)
    assert (found["role"], found["replication_lag_seconds"], found["connections"]["used"]) == (None, None, 12)
    assert "does not have it" in found["unknown"]["replication"]


def test_y03_no_replica_has_no_lag_and_a_broken_one_has_none_either() -> None:
    found = facts(server_with(**{"SHOW REPLICA STATUS": []}), None)
    assert (found["role"], found["replication"], found["replication_lag_seconds"]) == ("primary", [], None)
    error = "Error 'Duplicate entry 'EXAMPLE@example.org' for key 'email'' on query. Query: 'INSERT INTO u VALUES ('EXAMPLE')'"
    channels = [
        {
            "Channel_Name": "a",
            "Source_Host": "db1",
            "Replica_IO_Running": "Yes",
            "Replica_SQL_Running": "No",
            "Seconds_Behind_Source": None,
        },
        {
            "Channel_Name": "b",
            "Source_Host": "db2",
            "Replica_IO_Running": "Yes",
            "Replica_SQL_Running": "Yes",
            "Seconds_Behind_Source": "9",
        },
    ]
    channels[0].update({"Last_SQL_Error": error, "Last_SQL_Errno": "1062"})
    found = facts(server_with(**{"SHOW REPLICA STATUS": channels}), None)
    assert (found["replication_broken"], found["replication_lag_seconds"], found["at_least"]["replication_lag_seconds"]) == (1, None, 9)
    assert [row["lag_seconds"] for row in found["replication"]] == [None, 9]
    assert found["replication"][0]["error"] == "error 1062: Error"
    assert "EXAMPLE" not in json.dumps(found, default=str)


@pytest.mark.parametrize("version", ["8.0.36", "10.11.6-MariaDB"])
def test_y04_off_is_unknown_and_activity_still_comes(version: str) -> None:
    digest = [{"count(*)": "0"}]
    rows = [
        {"ID": "3", "USER": "app", "HOST": "10.0.0.1:1", "DB": "shop", "COMMAND": "Query", "TIME": "4", "STATE": "", "INFO": "select 1"}
    ]
    identity = [{**IDENTITY[0], "version": version}]
    found = facts(server_with(**{WHO: identity, "events_statements_summary_by_digest": digest, "processlist": rows}))
    assert found["statements"] is None
    assert found["unknown"]["statements"].startswith("performance_schema is off")
    assert "performance_schema = ON" in found["unknown"]["statements"]
    assert [row["pid"] for row in found["long_queries"]] == [3]
    assert found["statements_sampled"][0]["text"] == "select ?"


def test_y04_a_process_list_that_does_not_exist_falls_back() -> None:
    rows = [{"Id": "3", "User": "app", "Host": "localhost", "db": None, "Command": "Query", "Time": "4", "State": "", "Info": "select 1"}]
    absent = Refused("absent", "Table 'performance_schema.processlist' doesn't exist", 1146)
    session = server_with(**{"processlist": absent, "SHOW FULL PROCESSLIST": rows})
    session.answers["SHOW GLOBAL VARIABLES"] = [*VARIABLES[:1], {"Variable_name": "performance_schema", "Value": "ON"}]
    found = facts(session, None)
    assert [(row["pid"], row["address"]) for row in found["long_queries"]] == [(3, "local")]


@pytest.mark.parametrize(
    ("row", "seconds"),
    [
        ({"time": "4", "time_ms": "4321.5"}, 4.3215),
        ({"time": "4"}, 4.0),
        ({"time": "4", "statement_seconds": "4.25"}, 4.25),
        ({"time": "4", "statement_seconds": None, "time_ms": None}, 4.0),
        ({"time": "18446744073709551615"}, None),
        ({"time": None}, None),
        ({}, None),
    ],
)
def test_y06_the_best_clock_that_is_there(row: dict[str, t.Any], seconds: t.Optional[float]) -> None:
    assert activity.seconds(row) == seconds


def test_y06_digest_columns_are_chosen_by_what_is_there() -> None:
    columns = [{"Field": name} for name in ("SCHEMA_NAME", "DIGEST", "COUNT_STAR", "SUM_TIMER_WAIT")]
    rows = [{"packed": f"{'0' * 32}|4|8000000000|sh|op", "unnamed": "0"}]
    answers = {"SHOW COLUMNS": columns, "events_statements_summary_by_digest": rows, "setup_consumers": []}
    session = server_with(**answers)
    session.answers["SHOW GLOBAL VARIABLES"] = [{"Variable_name": "performance_schema", "Value": "ON"}]
    found = facts(session, None)
    assert (found["statements"][0]["lifetime_calls"], found["statements"][0]["database"]) == (4, "sh|op")
    assert found["statements"][0]["lifetime_mean_milliseconds"] == 2.0
    assert found["statements"][0]["lifetime_no_index_ratio"] is None
    asked = next(sql for sql in session.asked if "count_star" in sql)
    assert "sum_cpu_time" not in asked
    assert "sum_no_index_used" not in asked


def digested(rows: list[dict[str, t.Any]], later: t.Optional[list[dict[str, t.Any]]] = None) -> statements.Statements:
    first, second = ([{name.lower(): value for name, value in row.items()} for row in one or []] for one in (rows, later))
    moved = None if later is None else statements.summed(second)
    return statements.Statements(statements.summed(first), moved, None if later is None else 5.0)


def test_y05_the_row_without_a_digest_is_shown_with_its_share_of_the_time(case: t.Callable[[str], bytes]) -> None:
    rows = json.loads(case("Y-05.json"))
    found = measures_of(statements.put, digested(rows), {}, Manner(dialect="mysql"))
    first, second = found["statements"]
    assert (first["id"], first["text"], first["lifetime_calls"]) == (None, "not tracked (the table of digests is full)", 900_000)
    assert first["lifetime_mean_milliseconds"] == 90.0, "picoseconds"
    assert (second["id"], second["database"]) == ("aa11", None), "a statement without a default database is one all the same"
    assert found["statements_total"] == 3
    assert found["lifetime_statements_unnamed_time_ratio"] == 1.0 and found["statements_unnamed_time_ratio"] is None
    idle = {**rows[2], "COUNT_STAR": 0, "SUM_TIMER_WAIT": 0}
    shown = measures_of(statements.put, digested([idle]), {("shop", "bb22"): "SELECT ?"}, Manner(dialect="mysql"))
    assert shown["statements"] == [], "what never ran heads no list"


def test_y05_the_window_decides_which_share_of_the_time_has_no_name(case: t.Callable[[str], bytes]) -> None:
    rows = json.loads(case("Y-05.json"))
    later = [
        {**rows[0], "SUM_TIMER_WAIT": rows[0]["SUM_TIMER_WAIT"] + 10**12, "COUNT_STAR": 900_010},
        {**rows[1], "SUM_TIMER_WAIT": rows[1]["SUM_TIMER_WAIT"] + 3 * 10**12, "COUNT_STAR": 9},
    ]
    found = measures_of(statements.put, digested(rows, later), {}, Manner(dialect="mysql"))
    assert found["statements_unnamed_time_ratio"] == 0.25
    assert any("25% of the time has no name" in note for note in found["notes"])


GALERA = {"wsrep_on": "ON", "wsrep_provider": "/usr/lib/galera/libgalera_smm.so"}
NODE = {
    "wsrep_ready": "ON", "wsrep_connected": "ON", "wsrep_cluster_status": "Primary", "wsrep_local_state_comment": "Synced",
    "wsrep_cluster_size": "3", "wsrep_flow_control_paused_ns": "0", "wsrep_flow_control_sent": "4", "wsrep_local_recv_queue": "0",
    "wsrep_local_cert_failures": "1",
}  # fmt: skip


def node(variables: dict[str, str], *samples: dict[str, str]) -> dict[str, t.Any]:
    window = Window(parse.counters(samples[0]), parse.counters(samples[1]) if samples[1:] else None, 2.0, server.lacking)
    return t.cast("dict[str, t.Any]", measures_of(galera.put, variables, samples[-1], window)["galera"])


@pytest.mark.parametrize(
    ("changes", "serves"),
    [
        ({}, True),
        ({"wsrep_cluster_status": "non-Primary"}, False),
        ({"wsrep_ready": "OFF"}, False),
        ({"wsrep_ready": "OFF", "wsrep_cluster_status": ""}, False),
        ({"wsrep_local_state_comment": "Donor/Desynced"}, True),
        ({"wsrep_cluster_status": ""}, None),
    ],
)
def test_d12_a_galera_node_outside_of_the_primary_component_serves_nobody(changes: dict[str, str], serves: t.Optional[bool]) -> None:
    found = node(GALERA, {**NODE, **changes})
    assert (found["member"], found["serves"]) == (True, serves)


def test_d12_flow_control_is_a_share_of_the_window() -> None:
    found = node(GALERA, NODE, {**NODE, "wsrep_flow_control_paused_ns": "500000000", "wsrep_flow_control_sent": "6"})
    assert (found["flow_control_paused_ratio"], found["flow_control_sent"], found["certification_failures"]) == (0.25, 2, 0)
    assert found["cluster_size"] == 3


@pytest.mark.parametrize("variables", [{}, {"wsrep_on": "OFF", "wsrep_provider": "none"}, {"wsrep_on": "ON", "wsrep_provider": "none"}])
def test_d12_a_server_of_its_own_is_no_member(variables: dict[str, str]) -> None:
    found = measures_of(galera.put, variables, {}, Window({}, None, None, server.lacking))
    assert found["galera"]["member"] is False and "no node of a Galera cluster" in found["unknown"]["galera.serves"]


def driver_that(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    import pymysql

    def refuse(**_options: t.Any) -> t.NoReturn:
        raise error

    monkeypatch.setattr(pymysql, "connect", refuse)
    monkeypatch.setattr(connect, "_dialled", lambda _address, _seconds: socket.socket())


def problem(**options: t.Any) -> tuple[str, str]:
    tools = tools_with(FakeCommands(), timeout=1.0)
    instance = {"name": None, **{name: spec.get("default") for name, spec in COLLECTOR.options.items()}, **options}
    tools.secrets |= {options["login_password"]} if options.get("login_password") else set()
    (found,) = gather([(COLLECTOR, instance)], 0.0, tools)["launch_mysql"]["instances"]
    return found["state"], found["problem"]


def test_y07_cryptography_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    driver_that(monkeypatch, RuntimeError("'cryptography' package is required for sha256_password or caching_sha2_password auth methods"))
    state, said = problem(login_host="10.0.0.1", login_user="mon", login_password="EXAMPLEsecret")
    assert state == "unreadable"
    assert "python3-cryptography" in said
    assert "login_unix_socket" in said


@pytest.mark.parametrize(
    ("code", "text"), [(1698, "Access denied for user 'root'@'localhost'"), (1045, "Access denied (using password: NO)")]
)
def test_y09_root_over_tcp_is_sent_to_the_socket(monkeypatch: pytest.MonkeyPatch, code: int, text: str) -> None:
    import pymysql

    driver_that(monkeypatch, pymysql.err.OperationalError(code, text))
    state, said = problem(login_host="127.0.0.1", login_user="root")
    assert state == "unreadable"
    assert "access denied for root over TCP" in said
    assert "login_unix_socket and become" in said


def test_an_account_that_mariadb_does_not_have_is_not_taken_for_a_system_user(monkeypatch: pytest.MonkeyPatch) -> None:
    import pymysql

    driver_that(monkeypatch, pymysql.err.OperationalError(1698, "Access denied for user 'mon'@'localhost'"))
    state, said = problem(login_host="127.0.0.1", login_user="mon", login_password="EXAMPLEsecret")
    assert state == "unreadable" and "become" not in said
    assert "CREATE USER `mon`@`localhost` IDENTIFIED BY" in said and "EXAMPLEsecret" not in said


def test_y09_a_wrong_password_is_not_sent_to_the_socket_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    import pymysql

    driver_that(monkeypatch, pymysql.err.OperationalError(1045, "Access denied for 'mon' (EXAMPLEsecret)"))
    state, said = problem(login_host="127.0.0.1", login_user="mon", login_password="EXAMPLEsecret")
    assert "check login_user and login_password" in said
    assert "EXAMPLE" not in said


def test_y10_flavour_and_version(case: t.Callable[[str], bytes]) -> None:
    for row in json.loads(case("Y-10.json")):
        assert parse.version(row["seen"], row.get("comment")) == (row["flavour"], tuple(row["version"]))
    assert parse.version("8.0.36", "mysql from 11.4.5-MariaDB")[0] == "mariadb"
    assert parse.version(None) == ("mysql", ())


def test_y12_the_maximum_of_the_past_is_not_now(case: t.Callable[[str], bytes]) -> None:
    status = json.loads(case("Y-12.json"))
    lower = {name.lower(): value for name, value in status.items()}
    found = measures_of(server.put_connections, lower, {"max_connections": "400"})
    assert found["connections_ratio"] == 0.03
    assert found["lifetime_connections_peak_ratio"] == 1.0
    assert (found["connections"]["used"], found["connections"]["peak"], found["connections"]["peak_at"]) == (12, 400, None)
    numbers = parse.counters(status)
    assert numbers["innodb_buffer_pool_pages_misc"] is None
    assert {name for name, value in numbers.items() if value is None} >= {"wsrep_local_state_uuid", "rsa_public_key", "compression"}


def test_exhaustion_is_a_finding_and_not_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    import pymysql

    driver_that(monkeypatch, pymysql.err.OperationalError(1040, "Too many connections"))
    instance = {"name": None, **{name: spec.get("default") for name, spec in COLLECTOR.options.items()}, "login_host": "10.0.0.1"}
    (found,) = gather([(COLLECTOR, instance)], 0.1, tools_with(FakeCommands()))["launch_mysql"]["instances"]
    assert (found["state"], found["connections_exhausted"], found["connections_ratio"]) == ("up", True, 1.0)
    assert found["unknown"]["long_queries_longest_seconds"] == "the server has no connection left to ask over"


def test_p11_odd_numbers_are_plain() -> None:
    found = facts(server_with(innodb_trx=[{"trx_mysql_thread_id": "3", "trx_seconds": "NaN"}]), None)
    json.loads(json.dumps(plain(found), allow_nan=False))


def test_a_restart_within_the_window_is_said_and_no_rate_is_negative() -> None:
    later = [{"Variable_name": "Uptime", "Value": "2"}, {"Variable_name": "Questions", "Value": "1"}]
    found = facts(server_with(**{"SHOW GLOBAL STATUS": (STATUS, later)}))
    assert found["questions_per_second"] is None
    assert "restarted within the window" in found["unknown"]["questions_per_second"] and found["uptime_seconds"] == 2


def test_reader_without_privilege_names_the_grant() -> None:
    one = reader({"innodb_trx": Refused("denied", "you need the PROCESS privilege", 1227)})
    hidden = one.transactions()
    assert isinstance(hidden, Unknown) and hidden.reason.endswith("GRANT PROCESS ON *.* TO 'mon'@'127.0.0.1';")


def test_the_password_meets_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """A-05: a password of "1" may not turn metrics into asterisks."""
    import pymysql

    driver_that(monkeypatch, pymysql.err.OperationalError(1040, "Too many connections"))
    instance = {
        "name": None,
        **{name: spec.get("default") for name, spec in COLLECTOR.options.items()},
        "login_host": "db",
        "login_password": "1",
    }
    tools = tools_with(FakeCommands())
    tools.secrets |= {"1"}
    (found,) = gather([(COLLECTOR, instance)], 0.0, tools)["launch_mysql"]["instances"]
    assert found["connections_ratio"] == 1.0


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("192.0.2.60:40000", "192.0.2.60"),
        ("localhost", None),
        ("", None),
        (None, None),
        ("2001:db8::1:40000", "2001:db8::1"),
        ("db1", "db1"),
    ],
)
def test_addresses(host: t.Optional[str], expected: t.Optional[str]) -> None:
    assert activity.address(host) == expected


def test_a_password_that_is_not_latin1_reaches_the_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    import pymysql

    given: dict[str, t.Any] = {}

    def driver(**options: t.Any) -> t.Any:
        given.update(options)
        return types.SimpleNamespace(connect=lambda _socket: None)

    monkeypatch.setattr(pymysql, "connect", driver)
    monkeypatch.setattr(connect, "_dialled", lambda _address, _seconds: socket.socket())
    connect.connection(connect.login({"login_host": "db", "login_password": "\u4e2d"}), 3.0)
    assert given["password"] == "\u4e2d".encode()
