# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The experiment: in a copy of the collection a service is added by its own files and one row of the table of services.

Nothing else is edited, and it is gathered, judged, on the board and the page, and missed in the verdict when it is down.
"""

from __future__ import annotations

import json
import pathlib
import shutil
import subprocess
import sys
import typing as t

import pytest

from tests.support.ansible import run
from tests.support.server import ROOT, VENV
from tests.support.written import EVERYTHING, written

COPIED = ("plugins", "roles/launch_check", "playbooks", "meta", "galaxy.yml", ".ci/measures.py")

COLLECTOR = '''
"""A tank whose level stands in a file."""

from __future__ import annotations

import json
import os
import typing as t

from ..._collect.base import Collector, Sampler
from ..._collect.facts import Facts
from ..._collect.problem import Down

TANK = {tank!r}


class ToySampler(Sampler):
    def first(self) -> None:
        with open(self.options["path"], encoding="utf-8") as handle:
            self.level = json.load(handle)["level"]
        if self.level is None:
            raise Down("the tank is closed")

    def second(self) -> None:
        self.first()

    def facts(self, window: t.Optional[float]) -> Facts:
        facts = Facts()
        facts.put("level_ratio", self.level)
        return facts


def discover(_tools: t.Any) -> list[dict[str, t.Any]]:
    return [{{"name": "tank", "path": TANK}}] if os.path.exists(TANK) else []


COLLECTOR = Collector("toy", {{"path": {{"type": "path"}}}}, ToySampler, discover, places=("path",))
'''

MODULE = '''#!/usr/bin/python
from __future__ import annotations

DOCUMENTATION = r"""
module: toy_stats
short_description: The level of a tank
version_added: 1.0.0
description: Reads it from a file.
author: warroom.launch authors (@warroom-launch)
extends_documentation_fragment: [warroom.launch.launch, warroom.launch.launch.sampling]
options:
  path: {description: The file., type: path}
"""
EXAMPLES = "- warroom.launch.toy_stats:"
RETURN = r"""
ansible_facts:
  description: The facts, under one key.
  returned: always
  type: dict
  contains:
    launch_toy:
      description: C(schema) and C(instances).
      type: dict
      contains:
        instances:
          description: One per tank.
          type: list
          elements: dict
          contains:
            level_ratio: {type: float, description: How full it is.}
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._collect.entry import run
from ..module_utils._collect.options import argument_spec
from ..module_utils._collectors.toy.collector import COLLECTOR


def main() -> None:
    run(AnsibleModule(argument_spec=argument_spec(COLLECTOR), supports_check_mode=True), COLLECTOR)


if __name__ == "__main__":
    main()
'''

CATALOGUE = """
- id: toy_level
  service: toy
  question: Is the tank full?
  value: level_ratio
  unit: ratio
  phase: both
  warn: '< 0.5'
  fail: '< 0.1'
  finding: '{level_ratio:ratio} full'
  advice: Fill it.
  look: cat {name}
  why: An empty tank gives nothing.
  source: the experiment
"""

FUNCTION = """
def _toy() -> Collector:
    from .toy.collector import COLLECTOR

    return COLLECTOR


@dataclasses.dataclass(frozen=True)
class Service"""
ROW = '    Service("toy", "Toy tank", "toys", _toy, "toy_stats"),\n'


class Site(t.NamedTuple):
    """The copy of the collection with the toy in it, and the toy's tank."""

    folder: pathlib.Path
    tank: pathlib.Path

    def check(self, services: t.Any = None, fail_on: str = "never") -> dict[str, t.Any]:
        """The report of `launch_check.yml`, with the board and the page beside it."""
        settings = {
            "launch_check_report_dir": str(self.folder / "report"),
            "launch_check_services": services or {"toy": "auto"},
            "launch_check_window": 0,
            **EVERYTHING,
            "launch_check_fail_on": fail_on,
            "ansible_python_interpreter": f"{VENV}/python",
        }
        shutil.rmtree(self.folder / "report", ignore_errors=True)
        argv = ("ansible-playbook", "warroom.launch.launch_check", "-i", "localhost,", "-c", "local", "-e", json.dumps(settings))
        done = self.run(*argv)
        assert done.returncode == (0 if fail_on == "never" else 2), done.stdout + done.stderr
        report = written(self.folder / "report")
        return {**report, "board": done.stdout, "page": (self.folder / "report" / "index.html").read_text()}

    def run(self, *argv: t.Any) -> subprocess.CompletedProcess[str]:
        (self.folder / "ansible.cfg").write_text("[defaults]\ninject_facts_as_vars = false\n")
        env = {"ANSIBLE_COLLECTIONS_PATH": str(self.folder), "ANSIBLE_CONFIG": str(self.folder / "ansible.cfg"), "COLUMNS": "100"}
        return run(*argv, env=env, cwd=self.folder)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The collection as a user would have it, with the files of a new service and one row."""
    folder = tmp_path_factory.mktemp("toy")
    collection = folder / "ansible_collections" / "warroom" / "launch"
    for name in COPIED:
        source, target = ROOT / name, collection / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    plugins = collection / "plugins"
    (plugins / "module_utils/_collectors/toy").mkdir()
    (plugins / "module_utils/_collectors/toy/__init__.py").touch()
    (plugins / "module_utils/_collectors/toy/collector.py").write_text(COLLECTOR.format(tank=str(folder / "tank.json")))
    (plugins / "modules/toy_stats.py").write_text(MODULE)
    (collection / "roles/launch_check/catalogue/toy.yml").write_text(CATALOGUE)
    registry = plugins / "module_utils/_collectors/registry.py"
    text = registry.read_text()
    assert text.count("\n@dataclasses.dataclass(frozen=True)\nclass Service") == 1 and text.count('    Service("siblings"') == 1
    text = text.replace("\n@dataclasses.dataclass(frozen=True)\nclass Service", FUNCTION)
    registry.write_text(text.replace('    Service("siblings"', ROW + '    Service("siblings"'))
    # what is written from the documentation is written anew
    subprocess.run([sys.executable, collection / ".ci/measures.py"], check=True)
    return folder


@pytest.fixture
def site(copy: pathlib.Path) -> t.Iterator[Site]:
    yield Site(copy, copy / "tank.json")
    (copy / "tank.json").unlink(missing_ok=True)


def of_toy(report: dict[str, t.Any]) -> dict[str, dict[str, t.Any]]:
    return {finding["check"]: finding for finding in report["findings"] if finding["service"] == "toy"}


def test_what_runs_here_is_gathered_and_judged(site: Site) -> None:
    site.tank.write_text('{"level": 0.25}')
    report = site.check("auto")
    [tank] = report["hosts"]["localhost"]["facts"]["launch_toy"]["instances"]
    assert tank["state"] == "up" and tank["level_ratio"] == 0.25
    assert "toys" in report["hosts"]["localhost"]["tiers"]
    assert of_toy(report)["toy_level"]["status"] == "warn" and of_toy(report)["toy_level"]["finding"] == "25 % full"


def test_it_is_on_the_board_and_on_the_page(site: Site) -> None:
    site.tank.write_text('{"level": 0.05}')
    report = site.check()
    assert report["verdict"] == "no-go" and of_toy(report)["toy_answers"]["status"] == "ok"
    for words in ("toy", "FAIL 1", "Is the tank full?", "5 % full", "Fill it."):
        assert words in report["board"], report["board"]
    for words in (">Toy tank</th>", "Is the tank full?", "5 % full"):
        assert words in report["page"]


def test_it_is_missed_when_it_is_down(site: Site) -> None:
    site.tank.write_text('{"level": 0.9}')
    assert site.check()["verdict"] == "go"
    site.tank.write_text('{"level": null}')
    report = site.check(fail_on="unknown")
    assert report["verdict"] == "no-go" and of_toy(report)["toy_answers"]["status"] == "fail"
    assert report["diagnoses"][0]["cause"] == "service_down" and "Toy tank does not" in report["diagnoses"][0]["statement"]
    assert "Toy tank does not" in report["board"] and "the tank is closed" in report["page"]


def test_it_is_missed_when_it_is_gone(site: Site) -> None:
    report = site.check(fail_on="unknown")
    assert report["verdict"] == "unknown" and of_toy(report)["toy_answers"]["status"] == "unknown"
    assert "Toy tank is configured for this host and no instance of it gave facts" in report["board"]


def test_its_own_module_is_named_and_works(site: Site) -> None:
    look = of_toy(site.check(fail_on="unknown"))["toy_answers"]["look"]
    assert "-m warroom.launch.toy_stats" in look
    site.tank.write_text('{"level": 0.5}')
    done = site.run("ansible", "localhost", "-m", "warroom.launch.toy_stats", "-e", f"ansible_python_interpreter={VENV}/python")
    assert done.returncode == 0 and '"level_ratio": 0.5' in done.stdout, done.stdout + done.stderr


def test_the_cockpit_says_that_it_has_no_tool_for_it(site: Site) -> None:
    facts = {"launch_toy": {"schema": 1, "instances": [{"name": "tank", "state": "up"}]}}
    session = "{{ [{'name': 'app1', 'facts': facts}] | warroom.launch.cockpit }}"
    done = site.run("ansible", "localhost", "-m", "debug", "-a", json.dumps({"msg": session}), "-e", json.dumps({"facts": facts}))
    assert "toy on 'app1' has no pane: no tool for it is known" in done.stdout, done.stdout + done.stderr
