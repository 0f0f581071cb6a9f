# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The short board: a terminal of 24 lines holds it whatever the fleet has, and the verdict stands there whole."""

from __future__ import annotations

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._judge.pipeline import Asked
from ansible_collections.warroom.launch.plugins.plugin_utils._report import board, short_board
from ansible_collections.warroom.launch.plugins.plugin_utils._report.model import model
from tests.support.report import CAUSE, fleet, host, hostile, report

LONG = "All the workers of the application wait for the database, which reads the table of orders as a whole " * 3
MISSING = "the Python library {} is missing for /usr/bin/python3: install it on the target"
UNREADABLE = {"state": "unreadable", "unknown": {}, "notes": []}


def unreadable(name, at):
    library = ("kombu", "pymysql", "psycopg or psycopg2")[at % 3]
    instances = [{"name": f"127.0.0.1:{at}", "problem": MISSING.format(library), **UNREADABLE}]
    return Asked(name, {"launch_uwsgi": {"schema": 1, "instances": instances}})


REPORTS = {
    "go": lambda: report(host("web1")),
    "nobody": report,
    "many": lambda: fleet(300),
    "one cause": lambda: report(host("web1", 1.0), diagnoses=[CAUSE]),
    "many causes": lambda: report(host("web1", 1.0), diagnoses=[{**CAUSE, "statement": LONG, "cause": f"cause{at}"} for at in range(9)]),
    "fresh": lambda: report(*(unreadable(f"web{at}", at) for at in range(9)), Asked("gone", problem="not reachable: timed out")),
    "hostile": hostile,
}


@pytest.mark.parametrize("width", [80, 100, 200])
@pytest.mark.parametrize("name", REPORTS)
def test_it_fits_a_terminal_and_says_the_verdict_whole(name, width):
    shown = model(REPORTS[name]())
    lines = short_board.lines(shown, width, "launch-report/index.html")
    assert short_board.taken(lines, width) <= 24 - 1
    assert " ".join(" ".join(lines).split()).find(" ".join(shown["headline"].split())) > 0
    assert "launch-report/index.html" in "\n".join(lines)
    assert all(len(line) <= width or line.lstrip().startswith("$ ") for line in lines)


@pytest.mark.parametrize("statement", [LONG, "A short one", "word " * 110])
def test_a_headline_is_never_cut(statement):
    (headline,) = [model(report(host("web1", 1.0), diagnoses=[{**CAUSE, "statement": statement}]))["headline"]]
    assert statement.strip() in headline and not headline.endswith("…")


def test_what_comes_first():
    lines = "\n".join(short_board.lines(model(report(host("web1", 1.0), unreadable("web2", 0), diagnoses=[CAUSE])), 80))
    order = [lines.index(part) for part in ("NO-GO", "CAUSE workers_exhausted", "FAIL uwsgi_busy", "1 host lacks libraries")]
    assert order == sorted(order)


def test_what_stands_between_it_and_a_verdict_is_said_however_many_causes_there_are():
    causes = [{**CAUSE, "statement": LONG, "cause": f"cause{at}"} for at in range(9)]
    given = report(host("web1", 1.0), *(unreadable(f"web{at}", at) for at in range(2, 5)), diagnoses=causes)
    assert "? 3 hosts lack libraries (uWSGI)" in "\n".join(short_board.lines(model(given), 80, "report/index.html"))


def test_what_does_not_fit_is_counted():
    lines = short_board.lines(model(REPORTS["many causes"]()), 80, "launch-report/index.html")
    assert any("more in the report" in line for line in lines)


def test_the_full_board_begins_with_what_stands_between_it_and_a_verdict():
    shown = model(REPORTS["fresh"]())
    text = "\n".join(board.lines(shown, 100))
    assert text.index("What stands between this and a verdict:") < text.index("1. UNKNOWN")
    assert "9 hosts lack libraries (uWSGI)" in text and "update_cache=true" in text


def test_like_hosts_share_a_block_whatever_their_ports():
    entries = [entry for entry in model(REPORTS["fresh"]())["entries"] if entry["check"] == "uwsgi_answers"]
    assert [entry["places_total"] for entry in entries] == [3, 3, 3], "one for each library that is missing"
