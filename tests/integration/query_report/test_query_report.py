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


def report(logs: pathlib.Path, **extra: t.Any) -> t.Any:
    options = {
        "ansible_python_interpreter": f"{VENV}/python",
        "query_report_become": False,
        "launch_check_report_dir": str(logs / "report"),
        "query_report_postgresql_paths": [str(logs / "pg")],
        "query_report_mysql_paths": [str(logs / "my")],
        **extra,
    }
    return ansible.run("ansible-playbook", "-i", "db1,", "-c", "local", "playbooks/query_report.yml", "-e", json.dumps(options))


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
