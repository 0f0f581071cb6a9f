# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page in headless Chromium: no error, nothing run that is not ours, readable, from phones to big screens."""

from __future__ import annotations

import pathlib

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._judge.pipeline import Asked
from ansible_collections.warroom.launch.plugins.plugin_utils._report.page import index_html
from tests.support import browser
from tests.support.report import CAUSE, EVERY_TIER, HISTORY, fleet, host, hostile, report
from tests.support.topologies import two_sites

pytestmark = pytest.mark.skipif(browser.CHROMIUM is None, reason="no Chromium on this machine (Debian package chromium)")


def pages():
    busy = [host(f"web{at}", 1.0 if at < 3 else 0.8, accept={"server_load": "x"}, load=3) for at in range(1, 6)]
    return {
        "every tier": index_html({**report(Asked("h", EVERY_TIER), *busy, diagnoses=[CAUSE]), "history": HISTORY}),
        "healthy": index_html(report(host("web1"))),
        "hostile": index_html(hostile()),
        "nobody": index_html(report()),
        "fleet": index_html(fleet(300)),
        "sites": index_html(two_sites()),
    }


@pytest.fixture(params=list(pages()))
def page(request, tmp_path):
    path = tmp_path / "index.html"
    path.write_text(pages()[request.param], encoding="utf-8")
    return path


def test_no_error_no_request_and_no_breach_of_its_policy(page):
    assert browser.console(page) == []


def test_it_is_readable_on_a_phone_and_on_a_screen(page):
    script = (pathlib.Path(__file__).parent / "readable.js").read_text(encoding="utf-8")
    assert browser.frames(page, script, [(390, 844), (1600, 1200)], ["light"]) == {"390x844 light": [], "1600x1200 light": []}


def test_foreign_scripts_do_not_run_even_without_the_policy(tmp_path):
    path = tmp_path / "index.html"
    path.write_text(pages()["hostile"], encoding="utf-8")
    assert browser.probe(path, "return [alerts, errors, document.images.length, document.scripts.length]") == [[], [], 0, 3]


def test_plots_are_drawn(tmp_path):
    path = tmp_path / "index.html"
    path.write_text(pages()["every tier"], encoding="utf-8")
    script = """
    const sized = node => { const box = node.getBoundingClientRect(); return box.width > 3 && box.height > 3; };
    return ["server", "varnish", "varnish_traffic", "uwsgi", "memcached", "celery", "postgresql", "mysql"].map(service =>
      [...document.querySelectorAll(`#panel-${service} svg[role=img] rect:not(.rail)`)].filter(sized).length > 0)
      .concat([[...document.querySelectorAll("#history polyline")].some(sized)]);
    """
    assert browser.probe(path, script) == [True] * 9


def test_filter_copy_and_theme(tmp_path):
    path = tmp_path / "index.html"
    path.write_text(pages()["every tier"], encoding="utf-8")
    script = """
    const filter = document.getElementById("filter");
    filter.value = "WEB1 busy"; filter.dispatchEvent(new Event("input"));
    const rows = [...document.querySelectorAll("#every tbody tr")].filter(row => !row.hidden).length;
    const before = getComputedStyle(document.body).backgroundColor;
    document.getElementById("theme").click();
    document.querySelector("button.copy").click();
    dispatchEvent(new Event("beforeprint"));
    const changed = before !== getComputedStyle(document.body).backgroundColor;
    return [rows, changed, [...document.querySelectorAll("details")].every(one => one.open), errors];
    """
    assert browser.probe(path, script) == [1, True, True, []]
