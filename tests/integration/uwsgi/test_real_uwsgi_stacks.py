# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stack of a real worker, by a real py-spy: the line that it is at, and the worker goes on."""

from __future__ import annotations

import os

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect.command import Commands
from ansible_collections.warroom.launch.plugins.module_utils._collect.host_tools import HostTools
from ansible_collections.warroom.launch.plugins.module_utils._collect.run import gather
from ansible_collections.warroom.launch.plugins.module_utils._collectors.uwsgi.collector import COLLECTOR
from tests.support.documented import undocumented
from tests.support.server import VENV, wait_until
from tests.support.tools import RealCommands
from tests.support.uwsgi import APPLICATION, Uwsgi


class WithSampler(RealCommands):
    """The host's commands, with the virtualenv's py-spy among them."""

    def which(self, name: str) -> str | None:
        return str(VENV / name) if name == "py-spy" else super().which(name)


def gathered(server: Uwsgi, commands: Commands, **options: object) -> dict[str, object]:
    facts = gather([(COLLECTOR, {"stats": server.stats, "name": "shop", **options})], 0.6, HostTools(commands))
    return facts["launch_uwsgi"]["instances"][0]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root reads the stacks of other processes")
def test_the_longest_requests_are_at_their_line() -> None:
    line = APPLICATION.splitlines().index("        time.sleep(seconds)") + 1
    with Uwsgi(processes=2) as server, server.running("/slow?s=30", 1):
        wait_until(lambda: server.busy(1), "one busy worker")
        quiet = gathered(server, WithSampler())
        asked = gathered(server, WithSampler(), stacks=True)
        lacking = gathered(server, RealCommands(), stacks=True)
        assert server.busy(1), "it goes on"
    assert quiet["stacks"] is None and "on request only" in quiet["unknown"]["stacks"]
    (row,) = asked["stacks"]
    assert row["work"].startswith("GET /slow") and row["frames"][0] == {
        "function": "application",
        "file": "app.py",
        "line": line,
        "own": True,
    }
    assert undocumented("uwsgi", asked) == [] and str(server.dir) not in str(asked["stacks"])
    if RealCommands().which("py-spy") is None:
        assert lacking["stacks"] is None and "py-spy is not installed" in lacking["unknown"]["stacks"]
