# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The board in colour says what the plain one says, and foreign text stays text."""

from __future__ import annotations

import re

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._report import board, terminal
from ansible_collections.warroom.launch.plugins.plugin_utils._report.model import model
from ansible_collections.warroom.launch.plugins.plugin_utils._report.progress import Progress
from ansible_collections.warroom.launch.plugins.plugin_utils._report.terminal import coloured
from tests.support.launch_day import MISSING_INDEX, launch_day
from tests.support.report import CAUSE, HOSTILE, fleet, host, hostile, report

COLOUR = re.compile("\x1b\\[[0-9;]*m")


def words(text):
    """The words of a board, without frames and signs."""
    return re.sub(r"[^\w.,;:%<>=/-]+", " ", COLOUR.sub("", text)).split()


@pytest.mark.parametrize("width", [80, 200])
def test_the_same_words(width):
    given = model(report(host("web1", 1.0), host("web2", 0.8, accept={"uwsgi_busy": "small"}), diagnoses=[CAUSE]))
    said = set(words(coloured(given, width)))
    assert set(words("\n".join(board.lines(given, width)))) - said <= {"CAUSE", "NO-GO:"}


@pytest.mark.parametrize("width", [40, 80, 200])
@pytest.mark.parametrize("size", [1, 10, 300])
def test_it_fits_the_terminal(width, size):
    given = fleet(size)
    given["diagnoses"] = [CAUSE]
    lines = COLOUR.sub("", coloured(model(given), width)).splitlines()
    assert [line for line in lines if len(line.rstrip()) > width and "$ " not in line] == []
    assert len(lines) < 90


def test_foreign_text_has_no_power_over_the_terminal():
    text = coloured(model(hostile()), 100)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", COLOUR.sub("", text))
    markup = coloured(model(report(host("[red]web[/red][link=x]", 1.0))), 100)
    assert "[red]web[/red][link=x]" in COLOUR.sub("", markup)


def test_without_rich_the_board_is_plain(monkeypatch):
    given = model(report(host("web1")))
    monkeypatch.setattr(terminal, "Console", None)
    assert coloured(given, 80) == "\n".join(board.lines(given, 80))


def test_progress():
    moments = iter([0.0, 0.0, 1.0, 2.5, 2.5, 4.0, 5.0])
    progress = Progress(3, clock=lambda: next(moments))
    progress.start("web1")
    progress.start("web2")
    progress.finish("web1")
    assert progress.line(200) == "gathering: 1 of 3 hosts, 2 s; slowest web1 2.5 s; waiting for web2"
    progress.finish("web2")
    assert progress.line(40) == "gathering: 2 of 3 hosts, 5 s; slowest …"


def test_progress_counts_hosts_that_nobody_announced():
    progress = Progress(0)
    progress.finish(HOSTILE)
    assert "1 of 1 hosts" in progress.line(400)


def test_a_statement_is_one_line_whatever_the_width():
    text = COLOUR.sub("", coloured(model(launch_day()), 60))
    assert [line.strip() for line in text.splitlines()].count(MISSING_INDEX["create_index"]) == 2


@pytest.mark.parametrize("width", [40, 70])
def test_no_command_is_cut(width):
    given = model(launch_day())
    lines = [line.strip() for line in COLOUR.sub("", coloured(given, width)).splitlines()]
    commands = [entry["look"] for entry in (*given["causes"], *given["entries"]) if entry["look"]]
    assert len(commands) > 4 and max(map(len, commands)) > width - 4
    assert [command for command in commands if f"$ {command}" not in lines] == []
