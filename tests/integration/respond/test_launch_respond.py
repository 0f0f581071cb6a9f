# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook at a real PostgreSQL: a plan changes nothing, a wrong token neither; the right one acts once, is verified and recorded."""

from __future__ import annotations

import json
import pathlib
import re
import secrets
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._acts import timer
from tests.support.postgresql import Postgres
from tests.support.respond_fleet import RespondFleet


@pytest.fixture
def server() -> t.Iterator[Postgres]:
    with Postgres() as running:
        running.psql("create table child (id int); create role app login; create role visitor login; grant all on child to app, visitor")
        running.psql("create role responder login createrole; grant pg_monitor, pg_signal_backend to responder")
        running.psql("create role reporting login connection limit 2; grant reporting to responder with admin option")
        running.psql("create role watcher login; grant pg_monitor to watcher")
        running.client("begin; lock table child;", user="app", application="billing")
        running.until("exists (select from pg_locks where mode = 'AccessExclusiveLock' and granted)", "it holds the lock")
        running.client("select * from child;", user="visitor", application="web")
        running.until(
            "exists (select from pg_stat_activity where wait_event_type = 'Lock' and query_start < now() - interval '2s')", "it waits"
        )
        yield running


@pytest.fixture
def lost(server: Postgres) -> t.Iterator[str]:
    """What a restart of the machine leaves of a client that is limited: the file of a timer whose process is of another boot."""
    name, role = secrets.token_hex(8), int(server.psql("select oid from pg_roles where rolname = 'reporting'"))
    about = {"role": "reporting", "connections": 2, "known": []}
    plan = {
        "cause": "unknown_client",
        "act": "limit_client",
        "service": "postgresql",
        "instance": "shop",
        "about": about,
        "undo": "ALTER …",
    }
    keeper = {"boot": "another", "pid": 1, "start": "1"}
    kept = {"deadline": 1e12, "state": {"connections": -1, "role_id": role}, "plan": plan, "keeper": keeper}
    timer._write(timer.file_of(name), kept)
    yield name
    timer.file_of(name).unlink(missing_ok=True)


def test_plan_token_act_verify_record(server: Postgres, lost: str, tmp_path: pathlib.Path) -> None:
    fleet = RespondFleet(
        tmp_path,
        launch_check_services={"postgresql": [{**server.place, "login_user": "watcher", "name": "shop"}]},
        launch_respond_login={"postgresql": {"login_user": "responder"}},
        launch_check_known_clients=["app", "visitor", "responder", "watcher"],
    )
    alive = "select count(*) from pg_stat_activity where application_name = 'billing'"
    planned = fleet.respond("--check", "--diff")
    tokens = dict(re.findall(r"^PLAN for (\w+) on db1.*?\btoken: ([0-9a-f]{16,})", planned.stdout, re.MULTILINE | re.DOTALL))
    assert planned.returncode == 0 and [*tokens][-2:] == ["unknown_client", "idle_in_transaction"], planned.stdout + planned.stderr
    token = tokens["idle_in_transaction"]
    assert "PLAN for idle_in_transaction on db1" in planned.stdout and "pg_terminate_backend(a.pid)" in planned.stdout
    wrong = fleet.respond("-e", "launch_respond=0000000000000000")
    assert wrong.returncode != 0 and "there is no plan with this token" in wrong.stdout + wrong.stderr
    assert server.psql(alive) == "1" and fleet.events() == []
    acted = fleet.respond("-e", f"launch_respond={token}")
    assert acted.returncode == 0, acted.stdout + acted.stderr
    assert server.psql(alive) == "0" and "BETTER: idle_in_transaction is gone" in acted.stdout
    assert fleet.events() == ["acting", "acted", "verified", "stays"]
    again = fleet.respond("-e", f"launch_respond={token}")
    assert again.returncode != 0 and "a token is good once" in again.stdout + again.stderr
    back = fleet.respond("-e", f"launch_respond={tokens['unknown_client']}")
    assert back.returncode == 0 and "UNDONE on db1: role reporting has the limit of before" in back.stdout, back.stdout + back.stderr
    assert server.psql("select rolconnlimit from pg_roles where rolname = 'reporting'") == "-1" and not timer.file_of(lost).exists()
    report = json.loads((fleet.report / "launch.json").read_text())
    assert [row["what"] for row in report["changes"]].count("response") == 1
    assert {path.stat().st_mode & 0o077 for path in fleet.report.iterdir() if path.is_file()} == {0}
