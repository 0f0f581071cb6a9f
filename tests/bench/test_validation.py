# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every expression of the catalogue is held against the documented measures in less time than reading its YAML takes."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.support.server import ROOT

pytestmark = pytest.mark.bench

# In an interpreter of its own, so that nothing is compiled yet; processor time, not the clock.
_CHILD = """
import json, time, yaml
from ansible_collections.warroom.launch.plugins.plugin_utils._checks import catalogue
texts = [path.read_text(encoding="utf-8") for path in sorted(catalogue.SHIPPED.glob("*.yml"))]
begun = time.process_time()
for text in texts:
    yaml.safe_load(text)
floor = time.process_time() - begun
entries = catalogue.load()
begun = time.process_time()
made = catalogue.Catalogue(entries)
print(json.dumps({"floor": floor, "validated": time.process_time() - begun, "checks": len(made.entries)}))
"""


def test_validation_costs_less_than_reading() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _CHILD],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={"PYTHONPATH": f"{ROOT}/.collections:{ROOT}"},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    took = json.loads(done.stdout)
    print(f"{took['checks']} checks validated in {1000 * took['validated']:.0f} ms; reading their YAML takes {1000 * took['floor']:.0f} ms")
    assert took["validated"] < took["floor"]
