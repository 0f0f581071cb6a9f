# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page by the rules of axe-core (WCAG 2 A and AA, best practices), on a big screen and on a phone, in light and dark."""

from __future__ import annotations

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._judge.pipeline import Asked
from ansible_collections.warroom.launch.plugins.plugin_utils._report.page import index_html
from tests.support import browser
from tests.support.axe import NoAxe, axe_core
from tests.support.report import CAUSE, EVERY_TIER, HISTORY, host, hostile, report

pytestmark = pytest.mark.skipif(browser.CHROMIUM is None, reason="no Chromium on this machine (Debian package chromium)")

RULES = """
document.querySelectorAll("details").forEach(one => { one.open = true; });
return axe.run(document, {resultTypes: ["violations"]}).then(found => found.violations.map(
  one => `${one.impact} ${one.id}: ${one.help}: ${one.nodes.slice(0, 3).map(node => node.html.slice(0, 150)).join(" ~ ")}`));
"""
WIDE = """
const root = document.documentElement;
const sticking = [...document.querySelectorAll("body *")].filter(node => node.getBoundingClientRect().right > innerWidth + 1
  && !node.closest(".scroll, nav ul, svg, .skip, .hidden"));
return [innerWidth, root.scrollWidth <= innerWidth, sticking.slice(0, 5).map(node => node.outerHTML.slice(0, 150)),
        (window.alerts || []).concat(window.errors || [])];
"""


@pytest.fixture(scope="module")
def axe():
    try:
        return axe_core()
    except NoAxe as reason:
        pytest.skip(str(reason))


def rich():
    busy = [host(f"web{at}", 1.0 if at < 3 else 0.8, accept={"server_load": "x"}, load=3) for at in range(1, 6)]
    return {**report(Asked("h", EVERY_TIER), *busy, diagnoses=[CAUSE]), "history": {**HISTORY, "live": False}}


@pytest.fixture(params=["rich", "hostile"])
def page(request, tmp_path):
    path = tmp_path / "index.html"
    path.write_text(index_html(rich() if request.param == "rich" else hostile()), encoding="utf-8")
    return path


@pytest.mark.parametrize("width, theme", [(1600, "light"), (390, "dark")])
def test_no_rule_is_broken(page, axe, width, theme):
    assert browser.probe(page, RULES, width=width, theme=theme, library=axe) == []


@pytest.mark.parametrize("width", [390, 1600])
def test_nothing_sticks_out_and_nothing_foreign_runs(page, width):
    assert browser.probe(page, WIDE, width=width) == [width, True, [], []]
