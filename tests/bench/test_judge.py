# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A thousand hosts with 33 KB of facts each are judged and reported in bounded time and memory, and twice as many in about twice that."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.support.server import ROOT

pytestmark = pytest.mark.bench

FEW, MANY = 1000, 2000
MOST_SECONDS, MOST_BYTES = 20, 1024 * 1024 * 1024
MOST_TIMES = 2.2

# From raw host variables to every file of the report, in an interpreter of its own; processor time, not the clock.
_CHILD = """
import json, sys, time
from ansible_collections.warroom.launch.plugins.plugin_utils._checks.catalogue import Catalogue, load
from ansible_collections.warroom.launch.plugins.plugin_utils._judge.garbage import seldom_collected
from ansible_collections.warroom.launch.plugins.plugin_utils._judge.hostvars import Source, asked_hosts, inventory
from ansible_collections.warroom.launch.plugins.plugin_utils._judge.pipeline import judge
from ansible_collections.warroom.launch.plugins.plugin_utils._report import board, model
from tests.support.facts import facts, instance
from tests.support.memory import peak
from tests.support.report import texts

def host(at):
    measures = {f"measure_{name}": at / (name + 1) for name in range(8)}
    rows = [{**measures, "text": f"SELECT {at} FROM shop_order WHERE {row}"} for row in range(30)]
    workers = {"busy": 1, "active": 2, "total": 2}
    return {"gathered": {"ansible_facts": facts(
        server=[instance("h", load_ratio=0.5, processes_by_cpu=rows)],
        uwsgi=[instance("u", kind="app", busy_ratio=(at % 10) / 10, requests=500, workers=workers, in_flight=rows)],
        postgresql=[instance("p", connections_ratio=0.2, statements=rows, clients=rows)],
    )}}

hostvars = {f"web{at}": host(at) for at in range(int(sys.argv[1]))}
size = len(json.dumps(hostvars["web1"]))
begun = time.process_time()
with seldom_collected():
    hosts, _begun = asked_hosts(list(hostvars), hostvars, {"all": list(hostvars)}, Source("gathered"))
    report = judge(hosts, Catalogue(load()), "during", inventory(hostvars, {}, hosts))
    board.lines(model.model(report))
    written = {name: len(text) for name, text in texts(report).items()}
took = time.process_time() - begun
memory = peak()
print(json.dumps({"took": took, "memory": memory, "size": size, "findings": len(report["findings"]), "written": written}))
"""


def judged(size: int) -> dict:
    command = [sys.executable, "-c", _CHILD, str(size)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env={"PYTHONPATH": f"{ROOT}/.collections:{ROOT}"}, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_thousand_hosts_and_two(record_property):
    few, many = judged(FEW), judged(MANY)
    for hosts, got in ((FEW, few), (MANY, many)):
        took = f"{got['took']:.1f} s of processor, {got['memory'] >> 20} MiB, {got['findings']} findings"
        print(f"\n{hosts} hosts of {got['size']} bytes: {took}")
        record_property(f"hosts_{hosts}", took)
    assert few["size"] > 20_000
    assert few["took"] < MOST_SECONDS
    assert few["memory"] < MOST_BYTES
    assert many["took"] <= MOST_TIMES * few["took"]
    assert many["findings"] > 1.9 * few["findings"]
    assert many["written"]["index.html"] < 3_000_000
