# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each service is killed and started again within the window: it is measured, and the restart is said. No clock decides."""

from __future__ import annotations

import contextlib
import dataclasses
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect.base import Collector
from ansible_collections.warroom.launch.plugins.module_utils._collect.options import _check
from ansible_collections.warroom.launch.plugins.module_utils._collect.run import gather
from ansible_collections.warroom.launch.plugins.module_utils._collect.sampling import RESTARTED
from ansible_collections.warroom.launch.plugins.module_utils._collectors import registry
from tests.soak import restarts
from tests.support.server import Server, wait_until
from tests.support.tools import RealCommands, tools_with


def restarting(collector: Collector, server: Server) -> Collector:
    """The collector, whose window passes with a restart of the server."""

    def sampler(options: dict[str, t.Any], tools: t.Any) -> t.Any:
        made = collector.sampler(options, tools)

        def watch(_seconds: float) -> None:
            restarts.restart(server)
            wait_until(server.ready, "the server again")

        made.watch = watch  # type: ignore[method-assign]
        return made

    return dataclasses.replace(collector, sampler=sampler)


@pytest.mark.parametrize("name", restarts.SERVERS)
def test_a_restart_within_the_window_is_measured_and_said(name: str) -> None:
    row = restarts.SERVERS[name]
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(row.server(stack))
        tools = tools_with(RealCommands(), timeout=3.0)
        tools._processes, collector = None, registry.collector(row.service)
        facts = gather([(restarting(collector, server), _check(collector, row.options(server)))], 0.1, tools)
    (instance,) = facts[f"launch_{row.service}"]["instances"]
    assert (instance["state"], instance["problem"]) == ("up", None)
    assert RESTARTED in instance["unknown"].values()
    assert [note for note in instance["notes"] if "restarted within the window" in note]
