# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The examples: they are read by Ansible, one posts to a chat, and the monitoring plugin exits as monitoring wants it."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._judge.pipeline import Asked
from tests.support.ansible import run
from tests.support.report import CAUSE, HOSTILE, host, report
from tests.support.server import ROOT, VENV
from tests.support.sink import sink

EXAMPLES = ROOT / "examples"
CHECK = "- {id: memcached_x, service: memcached, question: 'Q?', value: connections_ratio, fail: '> 1', finding: f, advice: a, look: l}\n"


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.yml")), ids=lambda path: path.name)
def test_playbooks_are_read(path):
    done = run("ansible-playbook", "--syntax-check", "-i", "localhost,", path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_verdict_is_posted_and_decided(tmp_path):
    (tmp_path / "catalogue").mkdir()
    (tmp_path / "catalogue" / "x.yml").write_text(CHECK)
    settings = {
        "launch_check_catalogue": str(tmp_path / "catalogue"),
        "launch_check_report_dir": str(tmp_path / "report"),
        "launch_check_window": 0,
        "launch_check_services": {"memcached": [{"address": "127.0.0.1:1"}]},
        "ansible_python_interpreter": f"{VENV}/python",
    }
    with sink() as chat:
        settings["launch_chat_url"] = chat.url
        done = run("ansible-playbook", EXAMPLES / "check_and_tell.yml", "-i", "localhost,", "-c", "local", "-e", json.dumps(settings))
    assert done.returncode == 2
    assert len(chat.posts) == 1, chat.posts
    assert chat.posts[0]["text"].startswith("NO-GO: memcached does not respond on localhost (127.0.0.1:1)"), chat.posts
    assert chat.url not in done.stdout + done.stderr


def plugin(tmp_path, given, *options):
    """Exit code and line of the monitoring plugin over a report."""
    path = tmp_path / "launch.json"
    path.write_text(given if isinstance(given, str) else json.dumps(given))
    done = subprocess.run([sys.executable, EXAMPLES / "check_launch.py", path, *options], capture_output=True, text=True, check=False)
    assert done.stderr == "" and done.stdout.count("\n") == 1
    return done.returncode, done.stdout


@pytest.mark.parametrize(
    "given, code, begins",
    [
        (report(host("web1")), 0, "LAUNCH OK - go | fail=0 unknown=0 warn=0 ok=4 age="),
        (report(host("web1", 0.8)), 1, "LAUNCH WARNING - go with warnings: web1: 80 % busy | fail=0 unknown=0 warn=1"),
        (report(host("web1", 1.0), diagnoses=[CAUSE]), 2, "LAUNCH CRITICAL - no-go: All the workers of the application are busy"),
        (report(Asked("web1", problem="off")), 3, "LAUNCH UNKNOWN - unknown: web1: No facts from this host: off"),
        (report(host("web1", 1.0), diagnoses=[{**CAUSE, "statement": HOSTILE + "|x=1\n"}]), 2, "LAUNCH CRITICAL - no-go: <script>"),
        ("{}", 3, "LAUNCH UNKNOWN - the report "),
        ("[", 3, "LAUNCH UNKNOWN - the report "),
    ],
)
def test_the_monitoring_plugin(tmp_path, given, code, begins):
    # the reports are made when the tests are collected; in a long run that is too long ago for the plugin
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    got, line = plugin(tmp_path, given if isinstance(given, str) else {**given, "started_at": now})
    assert got == code and line.startswith(begins), line
    assert line.count("|") == (0 if isinstance(given, str) else 1) and line[:-1].isprintable()


def test_a_check_that_has_stopped_running_does_not_stay_green(tmp_path):
    old = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 1000))
    got, line = plugin(tmp_path, {**report(host("web1")), "started_at": old})
    assert got == 3 and "the last check ended 1000 s ago, it was go" in line.replace("1001 s", "1000 s")
    assert plugin(tmp_path, {**report(host("web1")), "started_at": old}, "--max-age", "2000")[0] == 0
    missing = subprocess.run([sys.executable, EXAMPLES / "check_launch.py", tmp_path / "no"], capture_output=True, text=True, check=False)
    assert missing.returncode == 3 and "FileNotFoundError" in missing.stdout
