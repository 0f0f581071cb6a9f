# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the pages show as printed is what is printed."""

from __future__ import annotations

import json
import pathlib
import re
import subprocess
import sys
import time
import typing as t

import pytest
import yaml

from ansible_collections.warroom.launch.plugins.plugin_utils._cockpit.tool_commands import _login_note
from ansible_collections.warroom.launch.plugins.plugin_utils._diagnose.causes import KINDS
from ansible_collections.warroom.launch.plugins.plugin_utils._reach.way import Way
from ansible_collections.warroom.launch.plugins.plugin_utils._respond.words import plan_lines
from ansible_collections.warroom.launch.plugins.plugin_utils._store import before_after, watch_round
from tests.support.examples.found import ROOT, fenced
from tests.support.launch_day import world

AT = 1764079351.0  # 2025-11-25T14:02:31Z


def shown(page: str, first: str) -> list[str]:
    """The lines of output of the block with this line; without the commands."""
    blocks = [example.text.splitlines() for example in fenced(ROOT / page)]
    (lines,) = [lines for lines in blocks if any(line.startswith(first) for line in lines)]
    return [line for line in lines if not line.startswith("$ ")]


def finding(check: str, status: str, value: t.Any, **rest: t.Any) -> dict[str, t.Any]:
    return {
        "check": check,
        "host": "cache1",
        "service": "varnish",
        "instance": None,
        "status": status,
        "value": value,
        "unit": "ratio",
        **rest,
    }


def report(verdict: str, *findings: dict[str, t.Any], diagnoses: t.Sequence[t.Any] = (), **rest: t.Any) -> dict[str, t.Any]:
    return {"verdict": verdict, "findings": list(findings), "diagnoses": list(diagnoses), **rest}


def test_the_changes_of_a_watch() -> None:
    causes = [cause for cause in world().diagnose() if cause["cause"] == "missing_index"]
    busy = [
        finding("uwsgi_workers_busy", "fail", 1.0, host=f"app{at}", service="uwsgi", instance="127.0.0.1:1717",
                finding="8 of 8 workers busy; 14 requests waiting", advice="Free the workers first.")
        for at in range(1, 5)
    ]  # fmt: skip
    places = [f"finding uwsgi_workers_busy app{at} uwsgi 127.0.0.1:1717" for at in range(1, 5)]
    changes = [
        {"subject": "verdict", "before": "go", "after": "no-go"},
        {"subject": "cause missing_index", "before": "absent", "after": "named"},
        *({"subject": place, "before": "ok", "after": "fail"} for place in places),
    ]
    assert shown("docs/watch.md", "14:02:31") == watch_round.change_lines(changes, report("no-go", *busy, diagnoses=causes), AT)


def test_a_comparison() -> None:
    utilised = {f"app{at}": {"facts": {"launch_uwsgi": {"instances": [{"utilisation": 0.1}]}}} for at in range(5)}
    before = report("no-go", finding("varnish_hit_ratio", "fail", 0.61), diagnoses=[{"cause": "accelerator_fault"}])
    after = report("go", finding("varnish_hit_ratio", "ok", 0.94), hosts=utilised)
    assert shown("docs/watch.md", "Compared") == ["Compared with baseline:", *before_after.compare_lines(before, after)]


def test_the_line_of_the_monitoring_plugin(tmp_path: pathlib.Path) -> None:
    cause = world().diagnose()[0]["statement"].partition(". Most")[0] + "."
    given = report("no-go", diagnoses=[{"statement": cause}], status="fail", counts={"fail": 2, "unknown": 0, "warn": 3, "ok": 87})
    given.update(started_at=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), duration_seconds=0)
    path = tmp_path / "launch.json"
    path.write_text(json.dumps(given))
    done = subprocess.run([sys.executable, ROOT / "examples/check_launch.py", path], capture_output=True, text=True, check=False)
    line, code = (text.strip() for text in shown("docs/notifications.md", "LAUNCH"))
    assert re.sub(r"age=\d+s", "age=42s", done.stdout.strip()) == line
    assert str(done.returncode) == code


def test_what_the_role_leaves_to_do() -> None:
    tasks = (ROOT / "roles/launch_monitoring/tasks/plan_postgresql.yml").read_text(encoding="utf-8")
    printed = [line.strip().strip('"') for line in shown("docs/cockpit.md", '"msg"')[1:-1]]
    assert printed and all(line in tasks for line in printed)


def test_what_the_cockpit_says() -> None:
    attach, first, password = [line.strip().strip('",') for line in shown("docs/cockpit.md", "…")[2:-1]]
    playbook = (ROOT / "playbooks/cockpit.yml").read_text(encoding="utf-8")
    variables = yaml.safe_load((ROOT / "playbooks/cockpit.yml").read_text(encoding="utf-8"))
    assert attach == "tmux attach -t launch" and "'attach', '-t', launch_cockpit__name" in playbook and variables
    assert 'launch_cockpit_first: "Window {{ launch_cockpit.first }} comes first: {{ launch_cockpit.why }}"' in playbook
    statement = next(cause["statement"] for cause in world().diagnose() if cause["cause"] == "missing_index")
    assert first == f"Window {KINDS['missing_index'].tier} comes first: {statement}"
    instance = {"name": "shop", "login_user": "monitor", "login_password": "x"}
    assert (password,) == _login_note(Way(name="db1"), instance, "pg_activity", "~/.pgpass")


@pytest.mark.parametrize(
    ("flavour", "front", "drawn"),
    [
        ("classic", "Varnish", "Locust|Varnish|uWSGI|memcached|PostgreSQL|MariaDB|Celery|Redis"),
        ("modern", "nginx", "Locust|nginx|Gunicorn|Redis|PgBouncer|PostgreSQL|Celery"),
    ],
)
def test_the_stack_has_the_programs_of_its_drawing(flavour: str, front: str, drawn: str) -> None:
    drawing = "\n".join(shown("roles/practice_stack/README.md", f"load generator (Locust) → {front}"))
    programs = yaml.safe_load((ROOT / "roles/practice_stack/vars/main.yml").read_text(encoding="utf-8"))["practice_stack__programs"]
    here = [str(program).lower() for program in programs if program.get("flavour", flavour) == flavour]
    assert set(re.findall(drawn, drawing)) == set(drawn.split("|"))
    assert not [name for name in drawn.split("|") if not any(name.lower() in program for program in here)]
    assert drawing.count("× 3") == sum("ports.memcached_3 }}" in program for program in here)


def test_a_plan_of_first_aid() -> None:
    proposal = {
        "cause": "lock_chain",
        "host": "db1",
        "service": "postgresql",
        "instance": "shop",
        "what": "end session 4867 of migrate, which holds up 8",
        "why": "A session on PostgreSQL db1 (shop) blocks 8 others while it works: migrate (shop) from 192.0.2.7.",
    }
    guards = [
        {"name": "is_superuser", "says": "its user is no superuser", "operator": "=", "value": False, "limit": False, "holds": True},
        {"name": "blocks", "says": "it blocks other sessions", "operator": ">=", "value": 8, "limit": 1, "holds": True},
    ]
    looked = {
        "identity": {"pid": 4867, "backend_start": "2026-11-30T03:03:59.668044+00", "xact_start": "2026-11-30T03:03:59.823735+00"},
        "guards": guards,
        "commands": ["SELECT pg_cancel_backend(a.pid) AS done …"],
        "cost": "the open transaction of migrate (shop) is rolled back: what it did in it is lost",
        "undo": None,
    }
    assert shown("docs/respond.md", "PLAN") == plan_lines(proposal, looked, "d370d62ef9128f75b1c8fdaadd004b8a")[1:]
