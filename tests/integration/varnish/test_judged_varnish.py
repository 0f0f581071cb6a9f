# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the check makes of a real Varnish: its counters and its log of one window, judged as the playbook judges them."""

from __future__ import annotations

import itertools
import threading
import time
import typing as t

from ansible_collections.warroom.launch.plugins.module_utils._collect.host_tools import HostTools
from ansible_collections.warroom.launch.plugins.module_utils._collect.run import gather
from ansible_collections.warroom.launch.plugins.module_utils._collectors.varnish.collector import COLLECTOR as VARNISH
from ansible_collections.warroom.launch.plugins.module_utils._collectors.varnish_traffic.collector import COLLECTOR as TRAFFIC
from ansible_collections.warroom.launch.plugins.plugin_utils._checks.catalogue import Catalogue, load
from ansible_collections.warroom.launch.plugins.plugin_utils._judge.pipeline import Asked, judge
from tests.support.tools import RealCommands
from tests.support.varnish import Varnish

CATALOGUE = Catalogue(load())
WINDOW = 1.5


def check(varnish: Varnish, visit: t.Callable[[int], t.Any], **urls: t.Any) -> t.Any:
    """The report of one window, while `visit` is called again and again."""
    stop = threading.Event()

    def visitors() -> None:
        for number in itertools.count():
            if stop.is_set():
                return
            visit(number)

    wanted = [(VARNISH, {"instance": varnish.instance, "name": "v"}), (TRAFFIC, {"instance": varnish.instance, "name": "v", **urls})]
    thread = threading.Thread(target=visitors, daemon=True)
    thread.start()
    try:
        facts = gather(wanted, WINDOW, HostTools(RealCommands(), timeout=10))
    finally:
        stop.set()
        thread.join(10)
    return judge([Asked("cache1", facts, services=["varnish", "varnish_traffic"])], CATALOGUE)


def status(report: t.Any, check_id: str) -> str:
    return str(next(row["status"] for row in report["findings"] if row["check"] == check_id))


def test_errors_that_were_healed_before_the_window_name_no_cause(varnish: Varnish) -> None:
    """Finding I1: the errors of a moment ago still stand in the log, and in the counters since the start."""
    varnish.get(*(f"/page/{number}/" for number in range(20)))

    def well(number: int) -> None:
        varnish.get(*(f"/page/{(number * 7 + page) % 20}/" for page in range(10)))

    def failing(_number: int) -> None:
        varnish.get("/error/1", "/dead/", *(f"/page/{page}/" for page in range(8)))

    red = check(varnish, failing)
    assert (red["verdict"], status(red, "varnish_traffic_errors")) == ("no-go", "fail")
    assert red["diagnoses"]
    time.sleep(1)
    healed = check(varnish, well)
    assert status(healed, "varnish_traffic_errors") == status(healed, "varnish_backend_errors") == "ok"
    traffic = healed["hosts"]["cache1"]["facts"]["launch_varnish_traffic"]["instances"][0]
    assert (traffic["error_requests"], traffic["backend"]["errors"]) == (0, 0)
    assert traffic["log"]["seconds"] <= traffic["window"] + 0.5
    assert (healed["diagnoses"], healed["verdict"]) == ([], "go")
