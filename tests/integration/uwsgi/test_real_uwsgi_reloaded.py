# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two checks of a real uWSGI that gets a new release and a reload in between: what changed is told, with the release before."""

from __future__ import annotations

import os
import pathlib
import signal
import time
import typing as t

from ansible_collections.warroom.launch.plugins.module_utils._collect.host_tools import HostTools
from ansible_collections.warroom.launch.plugins.module_utils._collect.run import gather
from ansible_collections.warroom.launch.plugins.module_utils._collectors.uwsgi.collector import COLLECTOR
from ansible_collections.warroom.launch.plugins.module_utils._texts import moments
from ansible_collections.warroom.launch.plugins.plugin_utils._checks.catalogue import Catalogue, load
from ansible_collections.warroom.launch.plugins.plugin_utils._judge.pipeline import Asked, judge
from ansible_collections.warroom.launch.plugins.plugin_utils._judge.report import Report
from ansible_collections.warroom.launch.plugins.plugin_utils._store import watch_round
from ansible_collections.warroom.launch.plugins.plugin_utils._store.rounds import Store
from tests.support.server import wait_until
from tests.support.tools import RealCommands
from tests.support.uwsgi import BINARY, Uwsgi

OLD, NEW = "1a2b" + "0" * 36, "3f2c" + "0" * 36


class Reloadable(Uwsgi):
    """The wheel's program hands its own path to itself as an argument when it reloads."""

    def prepare(self) -> None:
        super().prepare()
        again = self.dir / "again"
        again.write_text(f'#!/bin/sh\nshift\nexec {BINARY[0]} "$@"\n')
        again.chmod(0o755)

    def argv(self) -> list[str]:
        return [BINARY[0], "--binary-path", str(self.dir / "again"), "--ini", self.ini]


def check(server: Uwsgi) -> tuple[dict[str, t.Any], Report]:
    facts = gather([(COLLECTOR, {"stats": server.stats, "name": "shop"})], 0, HostTools(RealCommands()))
    return facts["launch_uwsgi"]["instances"][0], judge([Asked("web1", facts=facts)], Catalogue(load(None)))


def test_a_release_and_a_reload_between_two_checks_are_told(tmp_path: pathlib.Path) -> None:
    with Reloadable() as server, Store(str(tmp_path / "rounds.db")) as store:
        (server.dir / "REVISION").write_text(f"{OLD}\n")
        before, first = check(server)
        assert before["release"] == OLD[:12] and before["configuration_digest"]
        assert 0 <= time.time() - moments.read(before["started_at"]) < 60
        watch_round.one_round(store, first, time.time(), 3600.0)

        master = server.raw()["pid"]
        time.sleep(1.1)  # times are told to the second
        (server.dir / "REVISION").write_text(f"{NEW}\n")
        spawned = {worker["pid"] for worker in server.raw()["workers"]}
        os.kill(master, signal.SIGHUP)
        wait_until(lambda: not spawned & {worker["pid"] for worker in server.raw()["workers"]} and server.ready(), "the reload")

        after, second = check(server)
        # a reload keeps the master's process, and its start with it
        assert server.raw()["pid"] == master and after["started_at"] > before["started_at"]
        watch_round.one_round(store, second, time.time(), 3600.0)
        told = {row["what"]: (row["from"], row["to"]) for row in second["changes"] if row["service"] == "uwsgi"}
        assert told["release"] == (OLD[:12], NEW[:12])
        assert told["started"][1] == after["started_at"]
