# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real workers that keep what each request made, while one of them is killed: the leak is named, and ordinary traffic is none."""

from __future__ import annotations

import contextlib
import os
import pathlib
import signal
import threading
import time
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect.host_tools import HostTools
from ansible_collections.warroom.launch.plugins.module_utils._collect.run import gather
from ansible_collections.warroom.launch.plugins.module_utils._collectors.server.collector import COLLECTOR as SERVER
from ansible_collections.warroom.launch.plugins.module_utils._collectors.uwsgi.collector import COLLECTOR as UWSGI
from ansible_collections.warroom.launch.plugins.plugin_utils._checks.catalogue import Catalogue, load
from ansible_collections.warroom.launch.plugins.plugin_utils._judge.pipeline import Asked, Beside, judge
from ansible_collections.warroom.launch.plugins.plugin_utils._judge.report import Report
from ansible_collections.warroom.launch.plugins.plugin_utils._store.past import growing
from ansible_collections.warroom.launch.plugins.plugin_utils._store.rounds import Store
from ansible_collections.warroom.launch.plugins.plugin_utils._store.watch_round import one_round
from tests.support.tools import RealCommands
from tests.support.uwsgi import Uwsgi

LEAKING = """
KEPT = []
def application(environ, start_response):
    if environ["PATH_INFO"] == "/leak":
        KEPT.append(b"x" * (2 << 20))
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"ok"]
"""


class Leaking(Uwsgi):
    def prepare(self) -> None:
        super().prepare()
        (self.dir / "app.py").write_text(LEAKING)


def causes(server: Uwsgi, path: str, store: str = "") -> list[dict[str, t.Any]]:
    """The causes while visitors come, and the kernel kills a worker as it does for lack of memory."""
    over = threading.Event()

    def visit() -> None:
        while not over.wait(0.02):
            with contextlib.suppress(OSError):  # the worker that is killed may have the request
                server.get(path)

    def kill() -> None:
        if not over.wait(1.0):
            os.kill(min(server.raw()["workers"], key=lambda worker: worker["requests"])["pid"], signal.SIGKILL)

    threads = [threading.Thread(target=work) for work in (visit, kill)]
    for thread in threads:
        thread.start()
    try:
        facts = gather([(UWSGI, {"stats": server.stats, "name": "shop"}), (SERVER, {})], 2.0, HostTools(RealCommands(), top=50))
    finally:
        over.set()
        for thread in threads:
            thread.join()
    report = judge([Asked("app1", facts, services=["uwsgi", "server"])], Catalogue(load()), beside=Beside(growing=growing(store)))
    return [dict(cause) for cause in report["diagnoses"] if cause["cause"] == "memory_leak"]


@pytest.fixture(scope="module")
def server() -> t.Iterator[Leaking]:
    with Leaking(processes=2) as running:
        for _each in range(80):  # the worker that takes most of them is warm
            running.get("/")
        yield running


def looked_at(server: Uwsgi, path: str) -> Report:
    """A round of a watch with this store, in which nobody comes."""
    facts = gather([(UWSGI, {"stats": server.stats, "name": "shop"})], 0.2, HostTools(RealCommands(), top=50))
    report = judge([Asked("app1", facts, services=["uwsgi"])], Catalogue(load()), beside=Beside(growing=growing(path)))
    with Store(path) as store:
        one_round(store, report, time.time(), 3600.0)
    return report


def test_growth_between_the_rounds_of_a_watch_is_a_risk_until_a_worker_dies_of_it(tmp_path: pathlib.Path) -> None:
    with Leaking(processes=1) as server:
        path = str(tmp_path / "rounds.db")
        reports = []
        for _round in range(6):
            for _each in range(6):
                server.get("/leak")
            reports.append(looked_at(server, path))
        assert [report["latent_risks"] for report in reports[:4]] == [[]] * 4 and not any(report["diagnoses"] for report in reports)
        [risk] = reports[-1]["latent_risks"]
        assert risk["cause"] == "memory_leak" and "app1 (shop) leak memory: within" in risk["statement"]
        found = causes(server, "/", path)
    assert [cause["statement"].split(":")[0] for cause in found] == ["The workers of app1 (shop) leak memory"]
    assert any("was replaced" in line["text"] for line in found[0]["evidence"])


def test_workers_that_keep_what_requests_made_are_named(server: Leaking) -> None:
    [cause] = causes(server, "/leak")
    assert "The workers of app1 (shop) leak memory" in cause["statement"] and "MiB per request" in cause["statement"]


def test_workers_that_are_only_replaced_leak_nothing(server: Leaking) -> None:
    assert causes(server, "/") == []
