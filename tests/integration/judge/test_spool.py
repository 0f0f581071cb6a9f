# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts that send their facts themselves: the module by itself, a spool, one verdict."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import subprocess
import sys

import yaml

from tests.support.server import ROOT

ENVIRONMENT = {**os.environ, "PYTHONPATH": f"{ROOT}/.collections", "ANSIBLE_COLLECTIONS_PATH": f"{ROOT}/.collections"}
MODULE = "ansible_collections.warroom.launch.plugins.modules.launch_facts"


def test_what_the_module_prints_by_itself_is_judged_from_a_spool(tmp_path: pathlib.Path) -> None:
    spool = tmp_path / "spool"
    spool.mkdir()
    options = json.dumps({"ANSIBLE_MODULE_ARGS": {"services": {"server": "auto"}, "window": 0}})
    printed = subprocess.run([sys.executable, "-m", MODULE, options], env=ENVIRONMENT, capture_output=True, text=True, check=True).stdout
    (spool / "web1.json").write_text(printed)
    shutil.copy(spool / "web1.json", spool / "stranger.json")
    (spool / "web2.json").write_text(printed[:1000])
    names = ["web1", "web2", "web3"]
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": dict.fromkeys(names, {})}}))
    task = {
        "name": "Judge",
        "warroom.launch.judge": {
            "hosts": names,
            "facts_from": f"spool:{spool}",
            "fail_on": "never",
            "report_dir": str(tmp_path / "report"),
        },
    }
    play = [{"name": "Are we go?", "hosts": "localhost", "gather_facts": False, "tasks": [task]}]
    (tmp_path / "play.yml").write_text(yaml.safe_dump(play))
    command = [f"{pathlib.Path(sys.executable).parent}/ansible-playbook", "-i", tmp_path / "hosts.yml", tmp_path / "play.yml"]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 document of hosts that are not judged: stranger" in " ".join((done.stdout + done.stderr).split())
    report = json.loads((tmp_path / "report/launch.json").read_text())
    assert {name: host["reached"] for name, host in report["hosts"].items()} == {"web1": True, "web2": False, "web3": False}
    reasons = {finding["host"]: finding["reason"] for finding in report["findings"] if finding["check"] == "host_reached"}
    assert "no JSON, or not all of it has come" in reasons["web2"] and "sent nothing" in reasons["web3"]
