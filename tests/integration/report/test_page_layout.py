# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page on a phone, a laptop and a big screen, in light and dark: its first screen, how tables read, what can be copied."""

from __future__ import annotations

import pathlib

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._report.page import index_html
from tests.support import browser
from tests.support.launch_day import MISSING_INDEX, launch_day

pytestmark = pytest.mark.skipif(browser.CHROMIUM is None, reason="no Chromium on this machine (Debian package chromium)")

SIZES = [(390, 844), (1280, 800), (1920, 1080)]
SCRIPT = (pathlib.Path(__file__).parent / "layout.js").read_text(encoding="utf-8")


def written(tmp_path, page):
    path = tmp_path / "index.html"
    path.write_text(page, encoding="utf-8")
    return path


@pytest.mark.parametrize("changes", [{}, {"diagnoses": []}], ids=["causes", "no cause"])
def test_first_screen_and_tables(tmp_path, changes):
    results = browser.frames(written(tmp_path, index_html(launch_day(**changes))), SCRIPT, SIZES, ("light", "dark"))
    assert len(results) == 6
    assert {screen: problems for screen, problems in results.items() if problems} == {}


def test_the_layout_script_finds_what_it_looks_for(tmp_path):
    """The faults put back: headings that break anywhere, a cut headline, findings below the fold."""
    faults = (
        "th { overflow-wrap: anywhere !important; width: 1%; max-width: 2rem; } table { table-layout: fixed; width: 300px !important; }"
    )
    faults += (
        " .verdict h1 { white-space: nowrap; overflow: hidden; text-overflow: ellipsis; max-width: 200px; } .top { margin-top: 100vh; }"
    )
    page = index_html(launch_day()).replace("</style>", faults + "</style>")
    (problems,) = browser.frames(written(tmp_path, page), SCRIPT, SIZES[:1], ("light",)).values()
    for start in ("a heading breaks within a word", "headline is cut", "headline may be cut", "the first failing finding ends at"):
        assert [problem for problem in problems if problem.startswith(start)], start


def test_statements_and_commands_are_copied_whole(tmp_path):
    script = """
    Object.defineProperty(navigator, "clipboard", {value: undefined});
    const copied = [];
    document.execCommand = () => copied.push(String(getSelection()));
    document.querySelectorAll("#causes button.copy").forEach(button => { button.focus(); button.click(); });
    return [copied, document.getElementById("copied").textContent, document.activeElement.tagName];
    """
    copied, status, focused = browser.probe(written(tmp_path, index_html(launch_day())), script)
    assert MISSING_INDEX["create_index"] in copied
    assert "ssh -t -- web1 'varnishtop -n default -b -i BereqURL'" in copied
    assert (status, focused) == ("Copied", "BUTTON")
