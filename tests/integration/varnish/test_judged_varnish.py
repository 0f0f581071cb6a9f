# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the check makes of a real Varnish: its counters and its log of one window, judged as the playbook judges them."""

from __future__ import annotations

import contextlib
import http.client
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
from tests.support.django_site import PRIVATE, DjangoSite
from tests.support.tools import RealCommands
from tests.support.varnish import Backend, StockVarnish, Varnish

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


SHARES = (0, 7, 30, 60)  # % of the requests


def test_private_pages_of_django_behind_the_stock_vcl_are_go_at_every_share() -> None:
    """Finding D1: the cache does its job, however many pages are each visitor's own."""
    with DjangoSite() as site, StockVarnish(site) as varnish:
        varnish.get(*(f"/news/{number}/" for number in range(10)))
        for percent in SHARES:
            report = check(varnish, lambda number, percent=percent: visit(varnish, number, percent))
            bad = [(row["check"], row["status"], row["finding"]) for row in report["findings"] if row["status"] not in ("ok", "skipped")]
            assert (report["verdict"], report["diagnoses"], bad) == ("go", [], []), percent
            own, traffic = (report["hosts"]["cache1"]["facts"][f"launch_{name}"]["instances"][0] for name in ("varnish", "varnish_traffic"))
            # shares are of all requests: they show what was sent
            assert abs(own["hit_ratio_true"] - (1 - percent / 100)) < 0.1 and abs(traffic["shares"]["hit"] - (1 - percent / 100)) < 0.1
            passed = own["pass_ratio"] + own["hit_for_miss_request_ratio"]
            assert abs(passed - percent / 100) < 0.1 and (traffic["bypasses"], traffic["bypass_cacheable_ratio"]) == ([], 0.0)
            bypassing = {row["pattern"]: row["must_bypass"] for name in ("passes", "hit_for_misses") for row in traffic[name]}
            assert bypassing == (dict.fromkeys(PRIVATE, True) if percent else {})


def visit(varnish: Varnish, number: int, percent: int) -> None:
    """A hundred requests, of which these are private, evenly among the others."""
    pages = itertools.cycle(PRIVATE)
    for private, places in itertools.groupby(range(100), lambda place: place * percent % 100 < percent):
        if private:
            for name in itertools.islice(pages, len(list(places))):
                varnish.get(name, headers=PRIVATE[name])
        else:
            varnish.get(*(f"/news/{(number + place) % 10}/" for place in places))


def causes(report: t.Any) -> list[str]:
    return [cause["cause"] for cause in report["diagnoses"]]


def test_bans_in_a_loop_are_named_and_not_the_young_cache(varnish: Varnish) -> None:
    pages = [f"/page/{number}/" for number in range(20)]
    varnish.get(*pages)

    def visit(number: int) -> None:
        varnish.tool("varnishadm", "ban", "req.url ~ .")
        varnish.get(*pages)

    report = check(varnish, visit)
    assert status(report, "varnish_invalidations") == "fail" and causes(report) == ["bans_storm"]
    assert "Bans empty the cache of Varnish on cache1" in report["diagnoses"][0]["statement"]
    assert causes(check(varnish, lambda _number: varnish.get(*pages))) == []


def test_a_thread_limit_is_named(backend: Backend) -> None:
    arguments = ("-p", "thread_pools=1", "-p", "thread_pool_min=5", "-p", "thread_pool_max=10", "-p", "timeout_idle=60")
    with Varnish(backend, *arguments) as varnish:
        # each request that waits for the backend holds a thread
        backend.gate.clear()
        try:
            threads = [threading.Thread(target=_ask, args=(varnish.port, number), daemon=True) for number in range(20)]
            counter = itertools.count()

            def visit(_number: int) -> None:
                if next(counter) == 0:
                    for thread in threads:
                        thread.start()
                threads[-1].join(0.2)

            report = check(varnish, visit)
        finally:
            backend.gate.set()
    assert status(report, "varnish_threads") == "fail" and causes(report) == ["threads_exhausted"]
    assert "of at most 10 run" in report["diagnoses"][0]["statement"]


def _ask(port: int, number: int) -> None:
    """One visitor on a connection of its own; Varnish may stop before it is answered."""
    with contextlib.suppress(OSError, http.client.HTTPException):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        connection.request("GET", f"/wait/{number}", headers={"Host": "shop.example.com"})
        connection.getresponse().read()
