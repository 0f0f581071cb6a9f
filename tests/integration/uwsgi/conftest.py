# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A probe over a real uWSGI, driven step by step, so that what happens between its samples is known exactly."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect.host_tools import HostTools
from ansible_collections.warroom.launch.plugins.module_utils._collectors.uwsgi.collector import COLLECTOR
from ansible_collections.warroom.launch.plugins.module_utils._linux.processes import Processes
from tests.support.tools import RealCommands

Observe = t.Callable[..., dict[str, t.Any]]


@pytest.fixture
def observe() -> Observe:
    """`observe(stats, between)`: first sample, `between()`, a short watch, second sample, facts."""

    def run(stats: str, between: t.Callable[[], t.Any] = lambda: None, window: float = 0.8, **options: t.Any) -> dict[str, t.Any]:
        probe = COLLECTOR.sampler({"stats": stats, "name": None, **options}, HostTools(RealCommands(), _processes=Processes([], False)))
        probe.first()
        if window:
            between()
            probe.watch(window)
            probe.second()
        measures = probe.facts(window or None).done()
        assert all(reason for reason in measures["unknown"].values())
        return measures

    return run
