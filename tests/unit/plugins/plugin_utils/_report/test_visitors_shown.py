# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What visitors get, and where a request's time goes, on board and page."""

from __future__ import annotations

import typing as t

from ansible_collections.warroom.launch.plugins.plugin_utils._judge.pipeline import Asked, Beside, judge
from ansible_collections.warroom.launch.plugins.plugin_utils._report import board
from ansible_collections.warroom.launch.plugins.plugin_utils._report.model import model
from ansible_collections.warroom.launch.plugins.plugin_utils._report.page import index_html
from ansible_collections.warroom.launch.plugins.plugin_utils._report.panels import panels
from tests.support.check_cases import catalogue
from tests.support.report import report as empty
from tests.support.visitors import accelerator, log, workers

VISIT = {
    "url": "https://shop.example.com/<blink>",
    "status": 200,
    "first_byte_seconds": 0.1,
    "total_seconds": 0.2,
    "location": None,
    "problem": None,
}


def made(p95: float = 0.1) -> t.Any:
    read = log(p95)
    read["response_times"]["pass"] = {**read["response_times"]["all"], "count": 200}
    front = {"launch_varnish": {"instances": [accelerator()]}, "launch_varnish_traffic": {"instances": [read]}}
    hosts = {"web1": front, "app1": {"launch_uwsgi": {"instances": [workers(1.75, queue=2)]}}}
    return judge([Asked(name, facts) for name, facts in hosts.items()], catalogue(), beside=Beside(None, [VISIT]))


def test_the_board_says_what_visitors_get_and_where_the_time_goes() -> None:
    text = " ".join(board.lines(model(made())))
    assert "Visitors: 95 % of 1,000 responses began within 100 ms" in text and "worker queue" in text
    assert model(empty())["visitors"] == []


def test_visitors_who_suffer_are_a_finding_and_not_said_twice() -> None:
    shown = model(made(2.0))
    assert shown["visitors"] == [] and "visitors_response_time" in [entry["check"] for entry in shown["entries"]]


def test_the_page_draws_it_first_and_escapes_what_it_shows() -> None:
    report = made()
    assert [panel["service"] for panel in panels(report)][0] == "visitors"
    page = index_html(report)
    titles = ("Where the time of a request goes", "Time to the first byte, 95 % of the responses", "Visits on new connections")
    assert 'id="panel-visitors"' in page and all(title in page for title in titles)
    assert "&lt;blink&gt;" in page and "<blink>" not in page
    assert "visitors" not in [panel["service"] for panel in panels(empty())]


def test_the_page_has_the_stacks_that_were_asked_for() -> None:
    frame = {"function": "<blink>", "file": "shop/views.py", "line": 60, "own": True}
    stacks = [{"pid": pid, "work": "GET /pay/", "frames": [frame]} for pid in (7, 8)]
    report = judge([Asked("app1", {"launch_uwsgi": {"instances": [{**workers(0.1, queue=0), "stacks": stacks}]}})], catalogue())
    page = index_html(report)
    assert "Python stacks of the longest requests" in page and "&lt;blink&gt; (shop/views.py:60)" in page and "<blink>" not in page
    assert "Python stacks" not in index_html(made())
