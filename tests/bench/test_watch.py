# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A day of ten-second rounds of fifty hosts: the store grows with the rounds and no faster, a round and the page stay as dear as they were.

The whole day: `python tests/bench/test_watch.py 8640`.
"""

from __future__ import annotations

import json
import math
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
FEW, MANY = 300, 1200
SLACK = 1.6
#: Of the store for a finding in a round, where half of them move.
BYTES = 3.0

pytestmark = pytest.mark.bench

# In an interpreter of its own; processor time, not the clock.
_CHILD = """
import json, math, os, random, sys, tempfile, time
from ansible_collections.warroom.launch.plugins.plugin_utils._checks.catalogue import Catalogue, load
from ansible_collections.warroom.launch.plugins.plugin_utils._judge.pipeline import Asked, judge
from ansible_collections.warroom.launch.plugins.plugin_utils._report.page import index_html
from ansible_collections.warroom.launch.plugins.plugin_utils._store import watch_round
from ansible_collections.warroom.launch.plugins.plugin_utils._store.rounds import Store
from tests.support.report import EVERY_TIER
from tests.support.memory import peak

count, hosts = int(sys.argv[1]), 50
report = judge([Asked(f"host{at}", EVERY_TIER) for at in range(hosts)], Catalogue(load()))
# as many findings have a number as in a fleet whose every service is measured, and half of them move in every round
for at, one in enumerate(report["findings"]):
    one["value"] = one["value"] if at % 4 == 0 else round(random.random(), 4)
    one["status"] = "ok" if one["status"] == "unknown" else one["status"]
moving = [one for at, one in enumerate(report["findings"]) if at % 2]
with tempfile.TemporaryDirectory() as folder, Store(os.path.join(folder, "rounds.db")) as store:
    for number in range(count):
        wave = 0.5 + 0.4 * math.sin(number / 200)
        for one in moving:
            one["value"] = round(wave + random.random() / 10, 4)
        report["verdict"] = "no-go" if 0.3 < number / count < 0.35 else "go"
        store.add(report, 1e9 + 10 * number)
    size = sum(os.path.getsize(os.path.join(folder, name)) for name in os.listdir(folder))
    begun = time.process_time()
    for number in range(count, count + 5):
        _changes, states = watch_round.one_round(store, report, 1e9 + 10 * number, 1e9)
        store.announce(states)
    round_took = (time.process_time() - begun) / 5
    begun = time.process_time()
    page = index_html(report)
    page_took = time.process_time() - begun
memory = peak()
figures = {"rounds": count, "findings": len(report["findings"]), "size": size, "round": round_took, "page": page_took, "memory": memory}
print(json.dumps({**figures, "page_size": len(page), "polylines": page.count("<polyline"), "blocks": page.count('class="v-')}))
"""


def watched(rounds: int) -> dict:
    command = [sys.executable, "-c", _CHILD, str(rounds)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env={"PYTHONPATH": f"{ROOT}/.collections:{ROOT}"}, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def told(found: dict) -> str:
    took = f"a round {found['round']:.2f} s, the page {found['page']:.2f} s of processor, {found['page_size'] / 1e6:.1f} MB"
    return (
        f"{found['rounds']} rounds of {found['findings']} findings: store {found['size'] / 1e6:.1f} MB; {took}; {found['memory'] >> 20} MiB"
    )


def test_a_day_of_rounds(record_property):
    few, many = watched(FEW), watched(MANY)
    for name in ("size", "round", "page", "page_size"):
        record_property(name, many[name])
    print("\n" + told(many))
    assert many["findings"] > 2500
    assert many["size"] <= SLACK * MANY / FEW * few["size"]
    assert many["size"] / MANY / many["findings"] < BYTES
    # thinned: what is shown, and what it takes, does not grow with the day
    assert many["round"] <= SLACK * few["round"] * math.sqrt(MANY / FEW)
    assert many["page"] <= SLACK * few["page"]
    assert many["page_size"] <= 1.2 * few["page_size"] < 3e6
    assert many["polylines"] > 0 and many["blocks"] <= 301


if __name__ == "__main__":
    print(told(watched(int(sys.argv[1]))))
