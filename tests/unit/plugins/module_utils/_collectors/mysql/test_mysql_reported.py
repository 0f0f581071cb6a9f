# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Failures that people reported of other monitors of MySQL and MariaDB, as rows of their answers, and what the facts must say."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect.derived import Window
from ansible_collections.warroom.launch.plugins.module_utils._collect.facts import Facts, Unknown
from ansible_collections.warroom.launch.plugins.module_utils._collectors.mysql import (
    activity,
    galera,
    group,
    parse,
    replication,
    server,
    shape,
    statements,
)
from ansible_collections.warroom.launch.plugins.module_utils._sql.sessions import Activity, Manner, put_long_queries
from tests.support.mysql_rows import reader
from tests.support.tools import measures_of

RUNS = {"replica_io_running": "Yes", "replica_sql_running": "Yes", "source_host": "db1", "seconds_behind_source": "2", "sql_delay": "0"}
GROUP = {
    "replica_io_running": "No",
    "replica_sql_running": "No",
    "seconds_behind_source": None,
    "channel_name": "group_replication_recovery",
}


def told(channels: list[dict[str, t.Any]], **variables: str) -> dict[str, t.Any]:
    facts = Facts()
    who = parse.identity({"version": "8.0.36", "login": "mon@%", "id": "9"})
    server.put_identity(facts, who, {"read_only": "OFF", **variables}, Window({}, None, None, str))
    replication.put(facts, channels, [], [], variables)
    return facts.done()


def test_channels_of_group_replication_are_no_sources() -> None:
    """https://github.com/netdata/netdata/pull/6597: SHOW SLAVE STATUS lists the recovery channel, which is stopped for most of the time"""
    group = {"group_replication_group_name": "aaaa"}
    found = told([GROUP], **group)
    assert (found["role"], found["replication"], found["replication_broken"]) == ("primary", [], 0)
    assert told([GROUP, RUNS], **group)["replication_broken"] == 0
    assert told([GROUP, {**RUNS, "replica_sql_running": "No"}], **group)["replication_broken"] == 1
    assert told([GROUP], read_only="ON", super_read_only="ON", **group)["role"] == "replica"


def test_a_delay_that_was_asked_for_is_no_lag() -> None:
    """https://github.com/percona/percona-monitoring-plugins/pull/27"""
    late = {**RUNS, "seconds_behind_source": "3603", "sql_delay": "3600"}
    found = told([late])
    assert (found["replication_lag_seconds"], found["replication"][0]["delay_seconds"]) == (3, 3600)
    assert told([{**late, "seconds_behind_source": "40"}])["replication_lag_seconds"] == 0, "it has just begun to apply"
    assert told([{**late, "seconds_behind_source": None}])["replication_lag_seconds"] is None


@pytest.mark.parametrize(
    ("channels", "variables", "refuses"),
    [
        ([], {"read_only": "ON"}, True),
        ([], {"read_only": "NO_LOCK_NO_ADMIN"}, True),  # MariaDB 12
        ([], {"read_only": "OFF"}, False),
        ([RUNS], {"read_only": "ON"}, False),
        ([], {"read_only": "ON", "innodb_read_only": "ON"}, False),  # a reader of Aurora
        ([GROUP], {"read_only": "ON", "super_read_only": "ON", "group_replication_group_name": "aaaa"}, False),
    ],
)
def test_a_primary_that_was_left_read_only(channels: t.Any, variables: dict[str, str], refuses: bool) -> None:
    """https://github.com/openark/orchestrator/issues/1328, https://github.com/mariadb-operator/mariadb-operator/issues/1852"""
    assert told(channels, **variables)["refuses_writes"] is refuses


@pytest.mark.parametrize(
    ("state", "waits_for"),
    [
        ("Waiting for semi-sync ACK from slave", "replica"),
        ("Waiting for semi-sync ACK from replica", "replica"),
        ("wsrep: initiating pre-commit for write set (42)", "cluster"),
        ("Waiting for certification", "cluster"),
        ("waiting for handler commit", "io"),
        ("Waiting for query cache lock", "lock"),
        ("Waiting for table metadata lock", "lock"),
        ("Sending data", "cpu"),
        ("executing", "cpu"),
    ],
)
def test_what_a_statement_waits_for_by_its_state(state: str, waits_for: str) -> None:
    """https://github.com/flynn/flynn/issues/3197: every commit hung on a replica, and nothing said so"""
    row = {"id": "7", "user": "app", "host": "web:1", "command": "Query", "time": "40", "state": state, "info": "COMMIT"}
    found = measures_of(put_long_queries, Activity(activity.sessions([row], {}, {}, None), Manner(dialect="mysql")), {})
    assert [one["waits_for"] for one in found["long_queries"]] == [waits_for]


def test_a_reader_of_aurora_is_a_replica_by_design() -> None:
    """https://github.com/nethalo/dbsafe/issues/54, https://github.com/sysown/proxysql/issues/1195: read_only is OFF, it has no channel"""
    found = told([], innodb_read_only="ON")
    assert (found["role"], found["refuses_writes"], found["replication_broken"]) == ("replica", False, 0)
    assert (found["replication_lag_seconds"], found["unknown"]["replication_lag_seconds"]) == (None, "it follows no source")
    assert told([], innodb_read_only="OFF")["role"] == "primary"


def test_a_donor_of_galera_serves() -> None:
    """https://github.com/vexxhost/atmosphere/pull/3629: a backup makes it a donor for a while"""
    status = {
        "wsrep_ready": "ON",
        "wsrep_connected": "ON",
        "wsrep_cluster_status": "Primary",
        "wsrep_local_state_comment": "Donor/Desynced",
    }
    facts = Facts()
    galera.put(facts, {"wsrep_on": "ON", "wsrep_provider": "/usr/lib/galera/libgalera_smm.so"}, status, Window({}, None, None, str))
    assert (facts.get("galera.serves"), facts.get("galera.state")) == (True, "Donor/Desynced")


def test_a_node_outside_of_its_cluster_serves_nothing() -> None:
    """https://github.com/bitnami/charts/issues/6193: a size and a number of the configuration that cannot be"""
    status = {"wsrep_ready": "OFF", "wsrep_cluster_status": "non-Primary", "wsrep_cluster_size": str(2**64 - 1)}
    facts = Facts()
    window = Window({"wsrep_cluster_size": status["wsrep_cluster_size"]}, None, None, str)
    galera.put(facts, {"wsrep_on": "ON", "wsrep_provider": "/usr/lib/galera/libgalera_smm.so"}, status, window)
    assert (facts.get("galera.serves"), facts.get("galera.cluster_size")) == (False, None)


@pytest.mark.parametrize("behind", ["18446744073709551615", "4294967295"])
def test_a_lag_that_fell_below_nothing_is_none(behind: str) -> None:
    """https://github.com/netdata/netdata/issues/8042 has 120 days for ten seconds; unsigned it is centuries"""
    found = told([{**RUNS, "seconds_behind_source": behind}])
    assert (found["replication_lag_seconds"], found["replication_broken"]) == (None, 0)
    assert "implausible" in found["unknown"]["replication_lag_seconds"]


@pytest.mark.parametrize(("seconds", "age"), [("2147483647", None), ("18446744073709551615", None), ("75", 75.0)])
def test_a_statement_of_68_years_has_no_age(seconds: str, age: t.Optional[float]) -> None:
    """https://github.com/Tokutek/mariadb-5.5/issues/9 (MDEV-4578)"""
    assert activity.seconds({"time": seconds}) == age


def digest(**counted: object) -> dict[tuple[t.Any, t.Any], dict[str, t.Any]]:
    return statements.summed([{"digest": "a", "schema_name": "shop", "first_seen": "x", "sum_lock_time": 0, **counted}])


@pytest.mark.parametrize(
    ("before", "after", "moved"),
    [
        (2**64 - 3 * 10**12, 2 * 10**12, 5000.0),  # it went round: 213 days of statements
        ("36463827771516430384", "36463832771516430384", 5000.0),  # a sum that no longer fits 64 bits
        (10**12, 6 * 10**12, 5000.0),
    ],
)
def test_the_timer_of_a_busy_server_goes_round(before: object, after: object, moved: float) -> None:
    """https://github.com/prometheus/mysqld_exporter/pull/1058, https://github.com/grafana/alloy/pull/3178"""
    first, second = digest(count_star=10, sum_timer_wait=before), digest(count_star=20, sum_timer_wait=after)
    window = statements.Statements(first, second, 5.0).window
    assert window[("shop", "a")]["milliseconds"] == pytest.approx(moved, abs=0.1) and window[("shop", "a")]["calls"] == 10


@pytest.mark.parametrize(
    ("states", "state", "serves", "reachable"),
    [
        (("ONLINE", "ONLINE", "ONLINE"), "ONLINE", True, 3),
        (("ONLINE", "UNREACHABLE", "ONLINE"), "ONLINE", True, 2),  # one is gone, and two are a majority
        (("ONLINE", "UNREACHABLE", "UNREACHABLE"), "ONLINE", False, 1),
        (("ONLINE", "UNREACHABLE"), "ONLINE", False, 1),
        (("RECOVERING", "ONLINE", "ONLINE"), "RECOVERING", True, 3),
        (("ERROR", "UNREACHABLE", "UNREACHABLE"), "ERROR", False, 1),
        (("ERROR",), "ERROR", False, 1),
        (("OFFLINE",), "OFFLINE", False, 1),
        ((), None, None, None),
    ],
)
def test_a_member_that_reads_as_ever_has_lost_its_group(states: t.Any, state: t.Any, serves: t.Any, reachable: t.Any) -> None:
    """https://github.com/gites/k8s-mysql-group-replication/issues/8, https://github.com/oracle/mysql-operator/pull/140,
    https://github.com/vitessio/vitess/pull/9054, https://github.com/prometheus/mysqld_exporter/issues/335,
    https://github.com/netdata/netdata/issues/5945, https://github.com/apecloud/kubeblocks-addons/issues/2672"""
    variables = {"group_replication_group_name": "aaaa", "server_uuid": "u0"}
    rows = [{"member_id": f"u{number}", "member_state": one} for number, one in enumerate(states)]
    found = measures_of(group.put, variables, rows)["group"]
    assert (found["member"], found["state"], found["serves"], found["reachable"]) == (True, state, serves, reachable)
    if len(rows) == 1:
        assert measures_of(group.put, variables, [{**rows[0], "member_id": ""}])["group"]["state"] == state


@pytest.mark.parametrize(("name", "asked"), [("aaaa", 1), ("", 0)])
def test_only_a_member_is_asked_for_its_group(name: str, asked: int) -> None:
    one = reader({"replication_group_members": [{"MEMBER_ID": "u0", "MEMBER_STATE": "ONLINE"}]})
    one.variables.update({"group_replication_group_name": name, "performance_schema": "ON"})
    assert len(one.group()) == asked and sum("replication_group_members" in line for line in one.session.asked) == asked
    one.variables["performance_schema"] = "OFF"
    assert isinstance(one.group(), Unknown) is bool(asked)


@pytest.mark.parametrize(
    ("off", "says"),
    [
        ([], None),
        (["statements_digest"], "WHERE name IN ('statements_digest')"),
        (["global_instrumentation"], "WHERE name IN ('global_instrumentation')"),
        (
            ["thread_instrumentation", "statement/sql/select"],
            "setup_instruments SET enabled = 'YES', timed = 'YES' WHERE name LIKE 'statement/%'",
        ),
    ],
)
def test_every_switch_that_keeps_statements_from_being_counted(off: list[str], says: t.Optional[str]) -> None:
    """https://dev.mysql.com/doc/refman/8.4/en/performance-schema-consumer-filtering.html, https://github.com/Releem/releem-agent/pull/373"""
    answers = {"SHOW COLUMNS": [{"Field": "digest"}], "setup_consumers": [{"name": name} for name in off]}
    one = reader({**answers, "events_statements_summary_by_digest": []})
    one.variables["performance_schema"] = "ON"
    found = one.digests()
    reason = found.reason if isinstance(found, Unknown) else None
    assert (reason is None) is (says is None) and (says or "") in (reason or "")
    assert all(f"'{name}'" in (reason or "") for name in off if "/" not in name)


@pytest.mark.parametrize(
    ("first", "second", "seconds", "why"),
    [
        (1000, 1005, 5.0, None),
        (1000, 1012, 5.0, None),  # a slow answer, and a clock that NTP moves
        (1000, 90_000, 5.0, "ProxySQL"),
        (90_000, 90_001, 60.0, "ProxySQL"),
        (1000, 3, 5.0, "restarted"),
        (1000, 90_000, None, None),
    ],
)
def test_two_servers_behind_one_address(first: int, second: int, seconds: t.Optional[float], why: t.Optional[str]) -> None:
    """ProxySQL with rules that send reads to replicas: SELECT is answered by one server, SHOW and the next SELECT by others"""
    found = server.interruption({"uptime": first}, {"uptime": second}, seconds)
    assert (found is None) is (why is None) and (why or "") in (found or "")


def test_statements_of_two_servers_are_no_window() -> None:
    samples = [shape.Sample(at, "0", status={"Uptime": up}, digests=[]) for at, up in ((0.0, "1000"), (5.0, "90000"))]
    found = shape.statements_of(*samples)
    assert isinstance(found, Unknown) and "login_host" in found.reason
