# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One window after the other of the practice stack: the module launch_facts itself, without the playbook around it.

A round of the watch gathers with the same module, and costs a busy machine four times as much: judging, page and store are not recorded.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
import typing as t

from tests.support.server import ROOT, VENV

from .stack import HOST, Stack

EVERY, SECONDS = 10.0, 5.0
#: A window of a frozen stack takes its time-outs.
PATIENCE = 120.0
MODULE = """
import sys
from ansible.module_utils import basic
basic._ANSIBLE_ARGS, basic._ANSIBLE_PROFILE = sys.stdin.buffer.read(), "legacy"
from ansible_collections.warroom.launch.plugins.modules import launch_facts
launch_facts.main()
"""
Report = dict[str, t.Any]


def window(stack: Stack) -> Report:
    """A report of one window, as far as a judgement needs it."""
    began = int(time.time())
    arguments = {"services": stack.inventory["launch_check_services"], "window": SECONDS}
    done = subprocess.run(
        [str(VENV / "python"), "-c", MODULE],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode(),
        env={**os.environ, "PYTHONPATH": f"{ROOT}/.collections:{ROOT}"},
        capture_output=True, check=False, timeout=PATIENCE,
    )  # fmt: skip
    try:
        facts = json.loads(done.stdout)["ansible_facts"]
    except (ValueError, KeyError) as error:
        raise RuntimeError(f"launch_facts failed: {(done.stdout + done.stderr)[-500:]!r}") from error
    return {
        "started_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(began)),
        "duration_seconds": round(time.time() - began, 1),
        "phase": "during",
        "hosts": {HOST: {"reached": True, "facts": facts}},
    }


def windows(stack: Stack, count: int, every: float = EVERY) -> t.Iterator[Report]:
    """So many windows; each begins `every` seconds after the one before, or when that is over."""
    for _number in range(count):
        next_begins = time.monotonic() + every
        yield window(stack)
        time.sleep(max(0.0, next_begins - time.monotonic()))
