# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What stands between a fresh fleet and a verdict: few lines, one command for all hosts that it mends."""

from __future__ import annotations

import json
import re
import shlex

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._checks.finding import finding
from ansible_collections.warroom.launch.plugins.plugin_utils._checks.remedies import KINDS
from ansible_collections.warroom.launch.plugins.plugin_utils._judge.obstacles import _OF_ONE, MOST, obstacles
from ansible_collections.warroom.launch.plugins.plugin_utils._reach.command_line import CommandLine
from ansible_collections.warroom.launch.plugins.plugin_utils._reach.hosts import Reach

REACH = Reach(run=CommandLine(inventory=("-i", "hosts"), playbook=("launch_check.yml",)))
PSYCOPG = "the Python library psycopg or psycopg2 is missing for /usr/bin/python3: install python3-psycopg on the target"
KOMBU = "the Python library kombu is missing for /usr/bin/python3: install python3-kombu on the target"
UNIX_SOCKET = "permission denied on the socket /run/uwsgi/{}.stats: use become, or let the service give its socket a wider mode"
LITTLE = "too little to judge by: this needs requests >= 20"
LOGIN = "10.0.0.{}:5432 refuses us: password authentication failed for user launch: check login_user and login_password"


def unknown(host, reason, service="postgresql", check="c", **more):
    return finding(check, host, service, "i", "unknown", reason=reason, finding=reason, **more)


FRESH = [
    *(unknown(f"db{at}", PSYCOPG) for at in range(1, 7)),
    unknown("work1", KOMBU, "celery"),
    *(unknown(f"web{at}", UNIX_SOCKET.format(at), "uwsgi") for at in (1, 2)),
    *(unknown(f"edge{at}", f"varnishd is running (pid {at * 991}) but /var/lib/x is not readable: use become", "varnish") for at in (1, 2)),
    unknown("old1", "not reachable: timed out", "server"),
    *(unknown(f"web{at}", LITTLE, "varnish", f"c{at}") for at in range(9)),
]


def test_a_fresh_fleet_has_few_lines_and_one_command_each():
    lines = obstacles(FRESH, REACH)
    assert len(lines) <= MOST
    assert [(line["kind"], len(line["hosts"]), line["findings"]) for line in lines] == [
        ("unreachable", 1, 1),
        ("library", 7, 7),
        ("become", 4, 4),
        ("traffic", 9, 9),
    ]
    assert lines[1]["sentence"] == "7 hosts lack libraries (Celery, PostgreSQL): db1, db2, db3, db4 and 3 more"
    assert shlex.split(lines[1]["command"] or "") == [
        "ansible", "-i", "hosts", "db1,db2,db3,db4,db5,db6,work1", "-m", "ansible.builtin.package",
        "-a", "name=python3-kombu,python3-psycopg2,python3-redis update_cache=true", "--become",
    ]  # fmt: skip
    assert lines[2]["command"] == "ansible-playbook -i hosts launch_check.yml --become"


def test_hosts_that_refuse_a_login_alike_share_a_line_which_names_it():
    (line,) = obstacles([unknown("db1", LOGIN.format(1)), unknown("db2", LOGIN.format(2))], REACH)
    assert line["sentence"].startswith("PostgreSQL on db1, db2: 10.0.0.1:5432 refuses us: password authentication failed for user launch")


def test_many_different_refusals_become_one_line():
    many = [unknown(f"db{at}", f"{name} refuses us: {name} is missing here: check login_db") for at, name in enumerate("abcdefgh")]
    (line,) = obstacles(many, REACH)
    assert line["sentence"] == "8 hosts refuse the login (PostgreSQL): db0, db1, db2, db3 and 4 more"
    (ask,) = json.loads(shlex.split(line["command"] or "")[-1])["launch_check_ask"]
    assert ask == {"hosts": [f"db{at}" for at in range(8)], "service": "postgresql", "options": ["login_db"]}
    line, _other = obstacles(many[:2], REACH)
    assert json.loads(shlex.split(line["command"] or "")[-1])["launch_check_ask"] == [{**ask, "hosts": ["db0"]}]


SCHEMA = (
    "performance_schema is off, MariaDB's default: put `performance_schema = ON` under [mysqld] and restart the server before the launch"
)
STATEMENTS = (
    "pg_stat_statements is not loaded: add it to shared_preload_libraries, restart the server, then in database {} CREATE EXTENSION "
    "pg_stat_statements; or name the database that has it by login_db"
)
STATS = "uWSGI (pid 7) runs without a stats server: add the lines `stats = 127.0.0.1:1717` to [uwsgi] in {} and reload it"


def test_what_the_role_sets_is_one_run_of_it():
    mysql, postgresql = obstacles(
        [unknown("db1", SCHEMA, "mysql"), unknown("db2", STATEMENTS.format("shop")), unknown("db1", SCHEMA, "mysql")], REACH
    )
    role = ["ansible-playbook", "-i", "hosts", "warroom.launch.launch_monitoring"]
    *words, variables = shlex.split(mysql["command"] or "")
    assert words == [*role, "--limit=db1", "--tags=configure", "-e"]
    assert json.loads(variables) == {"launch_monitoring_services": ["mysql"], "launch_monitoring_mysql_performance_schema": True}
    *words, variables = shlex.split(postgresql["command"] or "")
    assert words == [*role, "--limit=db2", "--tags=configure", "-e"]
    assert json.loads(variables)["launch_monitoring_postgresql_databases"] == ["shop"]


@pytest.mark.parametrize(
    "reasons",
    [
        [STATEMENTS.format("{{lookup('pipe','id')}}")],
        [STATS.format("/etc/a.ini"), STATS.format("/etc/b.ini")],
        [STATS.format("its configuration")],
        ["track_io_timing is off: ALTER SYSTEM SET track_io_timing = on; SELECT pg_reload_conf()"],
        ["task events are off: start the workers with -E"],
    ],
)
def test_what_the_role_does_not_set_alike_is_read_again(reasons):
    (line,) = obstacles([unknown(f"h{at}", reason) for at, reason in enumerate(reasons)], REACH)
    assert (line["kind"], (line["command"] or "").split()[-2:]) == ("setting", ["-m", "warroom.launch.postgresql_stats"])


@pytest.mark.parametrize(
    ("service", "reason"),
    [
        ("postgresql", 'password authentication failed for user "launch_monitor": check login_user and login_password (a new password: '
         "ALTER ROLE launch_monitor PASSWORD '…' VALID UNTIL 'infinity';)"),
        ("postgresql", 'role "launch_monitor" does not exist: CREATE ROLE launch_monitor LOGIN; GRANT pg_monitor TO launch_monitor;'),
        ("mysql", "Access denied for user 'launch_monitor'@'localhost': check login_user and login_password; a new account: CREATE USER "
         "`launch_monitor`@`%` IDENTIFIED BY '…'; GRANT PROCESS ON *.* TO `launch_monitor`@`%`;"),
    ],
)  # fmt: skip
def test_the_roles_account_is_made_by_the_role_where_the_server_is_the_hosts_own(service, reason):
    (line,) = obstacles([unknown("db1", f"127.0.0.1:5432 refuses us: {reason}", service)], REACH)
    *words, variables = shlex.split(line["command"] or "")
    assert words == ["ansible-playbook", "-i", "hosts", "warroom.launch.launch_monitoring", "--limit=db1", "--tags=accounts", "-e"]
    given = json.loads(variables)
    assert given.pop("launch_monitoring_services") == [service]
    ((name, password),) = given.items()
    assert name == f"launch_monitoring_{service}_password" and f"launch_check_services.{service}" in password
    (line,) = obstacles([unknown("db1", f"10.0.0.9:5432 refuses us: {reason}", service)], REACH)
    assert "launch_monitoring" not in (line["command"] or "")


def test_a_limit_of_the_roles_account_is_no_reason_to_run_the_role():
    limit = "127.0.0.1:5432 refuses our own account, the server itself has room: x: ALTER ROLE launch_monitor CONNECTION LIMIT -1;"
    (line,) = obstacles([unknown("db1", limit)], REACH)
    assert "launch_monitoring" not in (line["command"] or "")


def test_what_only_a_person_knows_is_asked_for_on_all_of_its_hosts():
    wants = "10.0.0.{}:6379 wants a login: give the options login_password, and login_user where it is not the default user"
    found = [unknown(f"cache{at}", wants.format(at), "redis") for at in (1, 2)]
    login, option = obstacles([*found, unknown("app1", "give broker_url, or app (with chdir)", "celery")], REACH)
    for line, ask in (
        (login, {"hosts": ["cache1", "cache2"], "service": "redis", "options": ["login_password", "login_user"]}),
        (option, {"hosts": ["app1"], "service": "celery", "options": ["broker_url"]}),
    ):
        *words, variables = shlex.split(line["command"] or "")
        assert words == ["ansible-playbook", "-i", "hosts", "launch_check.yml", "-e"]
        assert json.loads(variables) == {"launch_check_ask": [ask]}


def test_every_kind_has_a_line_that_can_be_pasted():
    """Of a host: what no command mends is read by one, which shows the reason whole."""
    for reason in [PSYCOPG, UNIX_SOCKET, LITTLE, LOGIN, SCHEMA, "a certificate is wanted: ca_cert", "give broker_url", "is this MySQL?"]:
        (line,) = obstacles([unknown("db1", reason)], REACH)
        assert shlex.split(line["command"] or "")


def test_what_is_known_or_accepted_is_no_obstacle():
    accepted = {**unknown("db1", PSYCOPG), "accepted": "no database here"}
    assert not obstacles([finding("c", "a", "server", None, "fail"), finding("c", "a", "server", None, "ok"), accepted], REACH)


def test_once_what_can_be_mended_is_only_traffic_is_left():
    assert [line["kind"] for line in obstacles([each for each in FRESH if each["reason"] == LITTLE], REACH)] == ["traffic"]


def test_every_title_can_be_said_of_one_host():
    """The verb is the first word, and the only one."""
    for kind in KINDS:
        verb, _blank, rest = kind.title.partition(" ")
        assert verb in _OF_ONE or verb in ("cannot", "met", "has"), kind.title
        assert not re.search(r", or (are|run|have|lack|need)\b", rest), kind.title


def test_without_the_words_of_the_run_there_is_no_command_to_run_it_again():
    (line,) = obstacles([unknown("web1", UNIX_SOCKET.format(1))], Reach())
    assert line["command"] is None


def test_hostile_names_are_one_word():
    (line,) = obstacles([unknown("a;touch /tmp/x", PSYCOPG)], REACH)
    assert shlex.split(line["command"] or "")[3] == "a;touch /tmp/x"
