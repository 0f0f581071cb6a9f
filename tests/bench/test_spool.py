# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ten thousand hosts by pull: fifty documents of a real machine, the others replayed; judged from a spool, every file written.

Once as they are, and once as if nothing of them could be read.
"""

from __future__ import annotations

import json
import os
import pathlib
import statistics
import subprocess
import sys

import pytest

from tests.support.server import ROOT

pytestmark = [pytest.mark.bench, pytest.mark.timeout(3600)]

REAL, FEW, MANY = 50, 1000, 10_000
MOST_SECONDS, MOST_BYTES, MOST_FILES, MOST_PAGE = 60, 2 * 1024**3, 100_000_000, 3_000_000
MOST_TIMES = 11
KNOWN_OF_ALL = ("name", "state", "problem", "window", "collected_at", "duration_ms", "notes")
MODULE = "ansible_collections.warroom.launch.plugins.modules.launch_facts"
ENVIRONMENT = {**os.environ, "PYTHONPATH": f"{ROOT}/.collections:{ROOT}"}

_CHILD = """
import json, pathlib, sys, time
from ansible_collections.warroom.launch.plugins.plugin_utils._checks.catalogue import Catalogue, load
from ansible_collections.warroom.launch.plugins.plugin_utils._judge import spool
from ansible_collections.warroom.launch.plugins.plugin_utils._judge.garbage import seldom_collected
from ansible_collections.warroom.launch.plugins.plugin_utils._judge.hostvars import Source, asked_hosts, inventory
from ansible_collections.warroom.launch.plugins.plugin_utils._judge.pipeline import judge
from ansible_collections.warroom.launch.plugins.plugin_utils._report import board, model, publish
from tests.support.memory import peak

folder, into = sys.argv[1:]
names = sorted(path.stem for path in pathlib.Path(folder).iterdir())
hostvars = {name: {} for name in names}
begun = time.process_time()
with seldom_collected():
    source = Source("spool:" + folder, spool=spool.read(folder, names, 1e9))
    hosts, _begun = asked_hosts(names, hostvars, {"all": names}, source)
    report = judge(hosts, Catalogue(load()), "during", inventory(hostvars, {}, hosts))
    board.lines(model.model(report))
    paths, problems = publish.publish(report, into)
took = time.process_time() - begun
assert not problems, problems
files = sum(path.stat().st_size for path in pathlib.Path(into).rglob("*") if path.is_file())
page = pathlib.Path(into, "index.html").stat().st_size
print(json.dumps({"took": took, "memory": peak(), "findings": len(report["findings"]), "counts": report["counts"],
                  "files": files, "page": page}))
"""


def real_documents() -> list[dict]:
    options = json.dumps({"ANSIBLE_MODULE_ARGS": {"services": {"server": "auto"}, "window": 0.1}})
    command = [sys.executable, "-m", MODULE, options]
    return [json.loads(subprocess.run(command, env=ENVIRONMENT, capture_output=True, check=True).stdout) for _each in range(REAL)]


def fill(folder: pathlib.Path, documents: list[dict], hosts: int) -> None:
    """Each host is called differently and has an address of its own."""
    folder.mkdir()
    for at in range(hosts):
        facts = dict(documents[at % REAL]["ansible_facts"]["launch_server"])
        name = f"web{at}"
        own = {"name": name, "hostname": name, "addresses": [f"10.{at >> 16}.{at >> 8 & 255}.{at & 255}"]}
        facts["instances"] = [{**facts["instances"][0], **own}]
        (folder / f"{name}.json").write_text(json.dumps({"ansible_facts": {"launch_server": facts}}))


def blind(document: dict) -> dict:
    """The document of a host whose agent may read nothing: every measure null with the same reason."""
    facts = document["ansible_facts"]["launch_server"]
    instance = facts["instances"][0]
    known = {name: instance[name] for name in KNOWN_OF_ALL if name in instance}
    nulls = {name: None for name in instance if name not in known}
    why = {name: "not readable: permission denied (needs become)" for name in nulls}
    return {"ansible_facts": {"launch_server": {**facts, "instances": [{**nulls, **known, "unknown": why}]}}}


def judged(folder: pathlib.Path, into: pathlib.Path) -> dict:
    command = [sys.executable, "-c", _CHILD, str(folder), str(into)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=ENVIRONMENT, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_ten_thousand_hosts_from_a_spool(tmp_path, record_property):
    documents = real_documents()
    runs: dict[int, list[dict]] = {FEW: [], MANY: []}
    for hosts in (FEW, MANY):
        fill(tmp_path / f"spool{hosts}", documents, hosts)
    # the short one before and after the long one: the machine may do other work during any of them
    for at, hosts in enumerate((FEW, MANY, FEW)):
        got = judged(tmp_path / f"spool{hosts}", tmp_path / f"report{at}")
        runs[hosts].append(got)
        said = f"{got['took']:.1f} s of processor, {got['memory'] >> 20} MiB, {got['findings']} findings, files {got['files'] / 1e6:.1f} MB"
        print(f"\n{hosts} hosts: {said}, page {got['page'] / 1e6:.2f} MB, {got['counts']}")
        record_property(f"spooled_{hosts}", said)
    few, many = runs[FEW][0], runs[MANY][0]
    assert many["findings"] > 9 * few["findings"]
    assert many["took"] <= MOST_TIMES * statistics.mean(run["took"] for run in runs[FEW])
    assert many["files"] < MOST_FILES and many["page"] < MOST_PAGE
    assert many["took"] < MOST_SECONDS and many["memory"] < MOST_BYTES


def test_files_when_nothing_is_known_of_ten_thousand_hosts(tmp_path, record_property):
    fill(tmp_path / "spool", [blind(document) for document in real_documents()], MANY)
    got = judged(tmp_path / "spool", tmp_path / "report")
    said = f"{got['counts']['unknown']} findings unknown, files {got['files'] / 1e6:.1f} MB, page {got['page'] / 1e6:.2f} MB"
    print(f"\n{MANY} hosts: {said}")
    record_property("blind", said)
    assert got["counts"]["unknown"] > 20 * MANY
    assert got["files"] < MOST_FILES and got["page"] < MOST_PAGE
