# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""uWSGI in namespaces of its own, as in a container: what looks like this host's must not be taken for it."""

from __future__ import annotations

import os
import subprocess

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect.host_tools import HostTools
from ansible_collections.warroom.launch.plugins.module_utils._collectors.uwsgi.discover import discover
from tests.support.tools import RealCommands
from tests.support.uwsgi import Uwsgi


class Contained(Uwsgi):
    """Started by `unshare` with these namespaces."""

    def __init__(self, *namespaces: str) -> None:
        super().__init__()
        self.namespaces = namespaces

    def argv(self) -> list[str]:
        return ["unshare", *self.namespaces, "--", *super().argv()]

    def ready(self) -> bool:
        return b"Stats server enabled" in self.log.read_bytes() and ("--net" in self.namespaces or super().ready())


@pytest.fixture(autouse=True)
def namespaces() -> None:
    allowed = (
        os.geteuid() == 0
        and subprocess.run(["unshare", "--net", "--pid", "--fork", "true"], check=False, capture_output=True).returncode == 0
    )
    if not allowed:
        pytest.skip("needs root and a kernel that lets it make namespaces")


def test_another_network_is_not_asked_on_our_loopback():
    with Contained("--net") as server:
        (mine,) = [one for one in discover(HostTools(RealCommands())) if one.get("name") == server.stats]
        assert "stats" not in mine and "run the module in the container" in mine["problem"]


def test_process_ids_of_another_namespace_are_not_ours(observe):
    with Contained("--pid", "--fork", "--kill-child") as server:
        measures = observe(server.stats)
        assert measures["workers"]["active"] == 2 and measures["listen_queue"] == 0
        for name in ("memory_bytes", "cpu_cores", "somaxconn", "configured.processes"):
            assert name in measures["unknown"]
        assert measures["addable"]["workers"] is None and all(row["memory_bytes"] is None for row in measures["worker_list"])
