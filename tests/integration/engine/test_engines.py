# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Beyond one control node: an execution environment, ansible-runner, and facts that were gathered elsewhere."""

from __future__ import annotations

import json
import pathlib
import shutil
import subprocess

import yaml

from tests.support import ansible
from tests.support.server import ROOT, VENV
from tests.support.written import written

#: A host that is asked about the machine only: no server needs to run for these tests.
HOST = {"ansible_connection": "local", "ansible_python_interpreter": str(VENV / "python"), "launch_check_services": {"server": "auto"}}


def inventory(folder: pathlib.Path, **variables: object) -> pathlib.Path:
    path = folder / "hosts.yml"
    settings = {"launch_check_window": 0.5, "launch_check_fail_on": "never", **variables}
    path.write_text(yaml.safe_dump({"all": {"hosts": {"one": HOST, "two": HOST}, "vars": settings}}))
    return path


def builder(*words: object) -> subprocess.CompletedProcess[str]:
    command = [str(VENV / "ansible-builder"), *map(str, words)]
    return subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT, timeout=120)


def test_an_execution_environment_can_be_described(tmp_path: pathlib.Path) -> None:
    done = builder("create", "-f", "meta/execution-environment.yml", "-c", tmp_path / "context")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "jmespath" in (tmp_path / "context/_build/requirements.txt").read_text()


def test_an_environment_with_this_collection_gets_its_libraries(tmp_path: pathlib.Path) -> None:
    place = tmp_path / "ansible_collections/warroom/launch"
    shutil.copytree(ROOT / "meta", place / "meta", symlinks=False)
    for name in ("ee-requirements.txt", "ee-bindep.txt", "galaxy.yml"):
        shutil.copy(ROOT / name, place / name)
    done = builder("introspect", tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "jmespath" in done.stdout and "rich" in done.stdout


def test_ansible_runner_runs_the_check(tmp_path: pathlib.Path) -> None:
    report = tmp_path / "report"
    (tmp_path / "inventory").mkdir()
    inventory(tmp_path / "inventory", launch_check_report_dir=str(report))
    done = subprocess.run(
        [str(VENV / "ansible-runner"), "run", str(tmp_path), "-p", "warroom.launch.launch_check"],
        check=False,
        capture_output=True,
        text=True,
        timeout=180,
        cwd=ROOT,
        env={"PATH": f"{VENV}:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(tmp_path), "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert set(json.loads((report / "launch.json").read_text())["hosts"]) == {"one", "two"}


def test_facts_from_a_cache_are_judged_without_touching_the_hosts(tmp_path: pathlib.Path) -> None:
    cache = {"ANSIBLE_CACHE_PLUGIN": "ansible.builtin.jsonfile", "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(tmp_path / "cache")}
    hosts = inventory(tmp_path)
    gathered = ansible.run("ansible", "all", "-i", hosts, "-m", "warroom.launch.launch_facts", "-a", "window=0.5", env=cache)
    assert gathered.returncode == 0, gathered.stdout
    playbook = tmp_path / "judge.yml"
    options = {"report_dir": str(tmp_path / "report"), "report_facts": "all"}
    judge = {"name": "Are we go?", "warroom.launch.judge": options, "run_once": True}
    playbook.write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": [judge]}]))
    # nothing answers there any more: whoever touched the hosts now would fail
    gone = ["-e", "ansible_connection=ssh", "-e", "ansible_host=127.0.0.1", "-e", "ansible_port=1"]
    done = ansible.run("ansible-playbook", "-i", hosts, playbook, *gone, env=cache)
    assert done.returncode == 0, done.stdout + done.stderr
    report = written(tmp_path / "report")
    assert all(host["reached"] and host["facts"]["launch_server"]["instances"] for host in report["hosts"].values())
    assert {one["host"] for one in report["findings"] if one["check"] == "server_load"} == {"one", "two"}
