# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook over small logs: rotated and compressed ones count, what users typed stays out, nothing is left behind."""

from __future__ import annotations

import gzip
import json
import lzma
import os
import pathlib
import shutil
import typing as t

import pytest

from tests.support import ansible
from tests.support.server import VENV

SLOW = """/usr/sbin/mariadbd, Version: 10.11.6-MariaDB. started with:
Tcp port: 3306  Unix socket: /run/mysqld/mysqld.sock
Time\t\t    Id Command\tArgument
# Time: 261125  1:23:41
# User@Host: app[app] @ localhost []
# Thread_id: 4  Schema: shop  QC_hit: No
# Query_time: 1.500337  Lock_time: 0.000000  Rows_sent: 1  Rows_examined: 20000
SET timestamp=1795569821;
select * from orders where customer_id = 7 and note = 'EXAMPLEnote';
"""
POSTGRESQL = """2026-11-25 01:23:41.123 UTC [4711] app@shop LOG:  duration: 1500.3 ms  statement: select * from child where a='EXAMPLEnote'
2026-11-25 01:23:43.123 UTC [4711] app@shop LOG:  duration: 2500.337 ms  execute x: select * from child where parent_id = $1
2026-11-25 01:23:43.123 UTC [4711] app@shop DETAIL:  parameters: $1 = 'EXAMPLEparameter'
2026-11-25 01:23:44.123 UTC [4712] app@shop ERROR:  invalid input syntax for type integer: "EXAMPLEinteger"
2026-11-25 01:23:44.123 UTC [4712] app@shop DETAIL:  Key (email)=(EXAMPLE@example.org) already exists.
2026-11-25 01:23:44.123 UTC [4712] app@shop STATEMENT:  insert into u values ('EXAMPLE@example.org')
"""


@pytest.fixture
def logs(tmp_path: pathlib.Path) -> pathlib.Path:
    for tool in ("pgbadger", "pt-query-digest"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed: apt-get install pgbadger percona-toolkit")
    for folder, name, text in (("pg", "postgresql-15-main.log", POSTGRESQL), ("my", "db-slow.log", SLOW)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_text(text)
        (tmp_path / folder / f"{name}.1.gz").write_bytes(gzip.compress(text.encode()))
        (tmp_path / folder / f"{name}.$(touch x).2.xz").write_bytes(lzma.compress(text.encode()))
    old = tmp_path / "my" / "old-slow.log"
    old.write_text(SLOW.replace("orders", "long_ago"))
    os.utime(old, (0, 0))
    return tmp_path


def report(logs: pathlib.Path, *hosts: str, **extra: t.Any) -> t.Any:
    options = {
        "ansible_python_interpreter": f"{VENV}/python",
        "query_report_become": False,
        "launch_check_report_dir": str(logs / "report"),
        "query_report_postgresql_paths": [str(logs / "pg")],
        "query_report_mysql_paths": [str(logs / "my")],
        **extra,
    }
    return ansible.run(
        "ansible-playbook",
        "-i",
        ",".join([*(hosts or ["db1"]), ""]),
        "-c",
        "local",
        "playbooks/query_report.yml",
        "-e",
        json.dumps(options),
    )


def test_both_reports_lie_beside_the_launch_report(logs: pathlib.Path) -> None:
    before = sorted(path.name for path in logs.rglob("*") if path.is_file())
    done = report(logs)
    assert done.returncode == 0, done.stdout + done.stderr
    queries = logs / "report" / "queries"
    digest = (queries / "db1-mysql.txt").read_text()
    assert "select * from orders where customer_id = ?" in digest
    assert "# Count        100       3" in digest  # the log itself and two rotated ones
    assert "long_ago" not in digest
    page = (queries / "db1-postgresql.html").read_text()
    assert "parent_id" in page
    assert "EXAMPLE" not in digest + page + done.stdout + done.stderr
    assert list((queries / ".logs").iterdir()) == []
    assert sorted(path.name for path in logs.rglob("*") if path.is_file() and "report" not in path.parts) == before


def test_literals_and_raw_logs_on_request(logs: pathlib.Path) -> None:
    done = report(logs, query_report_literals=True, query_report_keep_logs=True)
    assert done.returncode == 0, done.stdout + done.stderr
    queries = logs / "report" / "queries"
    assert "EXAMPLEnote" in (queries / "db1-mysql.txt").read_text()
    assert len(list((queries / ".logs" / "db1").iterdir())) == 6
    assert oct((queries / ".logs").stat().st_mode)[-3:] == "700"


def test_a_host_without_logs_is_told_how_to_have_some(tmp_path: pathlib.Path) -> None:
    for folder in ("pg", "my"):
        (tmp_path / folder).mkdir()
    done = report(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "slow_query_log = ON" in done.stdout
    assert not (tmp_path / "report").exists()


def test_a_log_that_is_too_large_is_named(logs: pathlib.Path) -> None:
    done = report(logs, query_report_max_bytes=10)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Not fetched, larger than query_report_max_bytes" in done.stdout
    assert "db-slow.log" in done.stdout


#: One statement of 1500 ms and one of 2500 ms, as PostgreSQL writes them with other settings.
OTHER_PREFIXES = {
    "%t [%p]: [%l-1] user=%u,db=%d,app=%a,client=%h ": "2026-11-25 01:23:4{} UTC [4711]: [{}-1] user=app,db=shop,app=psql,client=10.0.0.7 ",
    "%t:%r:%u@%d:[%p]:": "2026-11-25 01:23:4{} UTC:10.0.0.7(5123{}):app@shop:[4711]:",
    "%n {%p} %q<%u> ": "179556982{}.12{} {{4711}} <app> ",
}
CSV = (
    '2026-11-25 01:23:4{}.123 UTC,"app","shop",4711,"10.0.0.7:51234",65a1b2c3.1267,{},"SELECT",2026-11-25 01:20:00 UTC,3/127,0,LOG,00000,'
    '"duration: {}500.300 ms  statement: select * from child where a={}",,,,,,,,,"psql","client backend",,0\n'
)


def lines_of(prefix: str) -> str:
    return "".join(
        f"{prefix.format(number, number)}LOG:  duration: {number}500.300 ms  statement: select * from child where a={number}\n"
        for number in (1, 2)
    )


def json_line(number: int) -> str:
    return json.dumps({
        "timestamp": f"2026-11-25 01:23:4{number}.123 UTC", "user": "app", "dbname": "shop", "pid": 4711, "remote_host": "10.0.0.7",
        "session_id": "65a1b2c3.1267", "line_num": number, "ps": "SELECT", "error_severity": "LOG", "application_name": "psql",
        "message": f"duration: {number}500.300 ms  statement: select * from child where a={number}", "backend_type": "client backend",
    }, separators=(",", ":"))  # fmt: skip


def test_each_format_and_prefix_is_read_from_the_log(logs: pathlib.Path) -> None:
    """Hosts at the same time, each with a log of another form; one of them with two servers."""
    texts = {
        "csv": {"postgresql.csv": "".join(CSV.format(number, number, number, number) for number in (1, 2))},
        "json": {"postgresql.json": "".join(json_line(number) + "\n" for number in (1, 2))},
        "two servers/a": {f"postgresql-{at}.log": lines_of(prefix) for at, prefix in enumerate(OTHER_PREFIXES.values())},
        "two servers_a": {"postgresql.log": POSTGRESQL},
    }
    for host, files in texts.items():
        (logs / "hosts" / host).mkdir(parents=True)
        for name, text in files.items():
            (logs / "hosts" / host / name).write_text(text)
    folders = [f"{logs}/hosts/{{{{ inventory_hostname }}}}"]
    done = report(logs, *texts, query_report_postgresql_paths=folders, query_report_mysql_paths=[])
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WARNING" not in done.stdout
    pages = {path.name: path.read_text() for path in (logs / "report" / "queries").glob("*.html")}
    assert len(pages) == 3 + len(OTHER_PREFIXES), sorted(pages)
    for name, page in pages.items():
        assert '<li><span class="figure">2</span>' in page and "child" in page, name


def test_a_report_about_nothing_is_warned_of(logs: pathlib.Path) -> None:
    done = report(logs, query_report_postgresql_prefix="%t [%p]: user=%u,db=%d ")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WARNING: PostgreSQL's logs of this host hold 6 durations, and pgBadger found no query" in " ".join(done.stdout.split())


def test_a_prefix_that_cannot_be_read_is_asked_for(logs: pathlib.Path) -> None:
    for path in (logs / "pg").iterdir():
        path.unlink()
    (logs / "pg" / "postgresql-odd.log").write_text("~~~ LOG:  duration: 1.000 ms  statement: select 1\n")
    done = report(logs)
    assert done.returncode != 0
    assert "log_line_prefix cannot be read from" in done.stdout and "SHOW log_line_prefix" in done.stdout
    assert (logs / "report" / "queries" / "db1-mysql.txt").exists(), "the other database has its report"
