# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`launch_facts` as one of the modules that `gather_facts` runs: the facts of a play's hosts are there before its first task."""

from __future__ import annotations

import json
import pathlib

import pytest
import yaml

from tests.support import ansible
from tests.support.server import VENV
from tests.support.written import written

HOST = {"ansible_connection": "local", "ansible_python_interpreter": str(VENV / "python")}


@pytest.mark.parametrize("parallel", [True, False])
def test_gather_facts_gathers_the_launch_as_well(tmp_path: pathlib.Path, parallel: bool) -> None:
    modules = ["ansible.legacy.setup", "warroom.launch.launch_facts"]
    variables = {"ansible_facts_modules": modules, "ansible_facts_parallel": parallel}
    hosts = tmp_path / "hosts.yml"
    hosts.write_text(yaml.safe_dump({"all": {"hosts": {"one": HOST}, "vars": variables}}))
    seen = {
        "distribution": "{{ ansible_facts.distribution }}",
        "machine": "{{ ansible_facts.launch_server.instances[0] }}",
    }
    tasks = [
        {
            "ansible.builtin.copy": {"dest": str(tmp_path / "seen.json"), "content": "{{ seen | to_json }}", "mode": "600"},
            "vars": {"seen": seen},
        },
        {"warroom.launch.judge": {"report_dir": str(tmp_path / "report"), "report_facts": "all"}, "run_once": True},
    ]
    play = {
        "hosts": "all",
        "gather_facts": True,
        "module_defaults": {"warroom.launch.launch_facts": {"services": {"server": "auto"}, "window": 0.5}},
        "tasks": tasks,
    }
    playbook = tmp_path / "play.yml"
    playbook.write_text(yaml.safe_dump([play]))
    done = ansible.run("ansible-playbook", "-i", hosts, playbook)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((tmp_path / "seen.json").read_text())
    assert found["distribution"] and found["machine"]["state"] == "up"
    assert found["machine"]["cpu_busy_ratio"] is not None, "there was no window"
    report = written(tmp_path / "report")
    assert report["hosts"]["one"]["reached"] and list(report["hosts"]["one"]["facts"]) == ["launch_server"]
