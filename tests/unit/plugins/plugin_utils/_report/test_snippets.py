# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is code in advice, and what is prose."""

from __future__ import annotations

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._report.board import lines
from ansible_collections.warroom.launch.plugins.plugin_utils._report.model import model
from ansible_collections.warroom.launch.plugins.plugin_utils._report.snippets import blocks, is_statement
from tests.support.launch_day import MISSING_INDEX, launch_day


def forms(text):
    return [
        block["code"] if block["code"] is not None else [(part["text"], part["code"]) for part in block["parts"]] for block in blocks(text)
    ]


@pytest.mark.parametrize(
    "text, wanted",
    [
        (None, []),
        ("", []),
        ("Add workers.", [[("Add workers.", False)]]),
        ("Create it:\nCREATE INDEX a ON b (c)\nThen wait.", [[("Create it:", False)], "CREATE INDEX a ON b (c)", [("Then wait.", False)]]),
        ("In vcl_recv:\n  if (a) {\n    b;\n  }\nThen:", [[("In vcl_recv:", False)], "if (a) {\n  b;\n}", [("Then:", False)]]),
        ("Write `x = 1;` there", [[("Write ", False), ("x = 1;", True), (" there", False)]]),
        ("An odd ` backtick", [[("An odd ` backtick", False)]]),
        ("SELECT what you need.", [[("SELECT what you need.", False)]]),
    ],
)
def test_blocks(text, wanted):
    assert forms(text) == wanted


@pytest.mark.parametrize(
    "text",
    [
        MISSING_INDEX["create_index"],
        "ALTER TABLE `shop`.`a` ADD INDEX (`b`), ALGORITHM=INPLACE, LOCK=NONE",
        "SELECT pg_terminate_backend(77)",
        "SELECT pg_cancel_backend(77)",
        "KILL 77",
        "KILL QUERY 77",
    ],
)
def test_statements_that_collectors_and_rules_print(text):
    assert is_statement(text)


def test_the_board_does_not_break_a_statement():
    text = "\n".join(lines(model(launch_day()), 60))
    assert MISSING_INDEX["create_index"] in text
