# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every example of README, docs, roles, plugins and playbooks: checked here, or named with the test that runs it. None is skipped."""

from __future__ import annotations

import collections

import pytest

from tests.support.examples.commands import command_problems, commands
from tests.support.examples.documents import document_problems
from tests.support.examples.found import ROOT, Example, examples

EXAMPLES = examples()

#: What programs print, by page and first line: the test that compares it with what is printed.
OUTPUT = {
    ("README.md", "════"): "test_readme.py::test_the_board_is_a_real_one",
    ("docs/cockpit.md", '"msg": ['): "test_outputs.py::test_what_the_role_leaves_to_do",
    ("docs/cockpit.md", "…"): "test_outputs.py::test_what_the_cockpit_says",
    ("docs/notifications.md", "LAUNCH CRITICAL"): "test_outputs.py::test_the_line_of_the_monitoring_plugin",
    ("docs/respond.md", "PLAN"): "test_outputs.py::test_a_plan_of_first_aid",
    ("docs/watch.md", "14:02:31"): "test_outputs.py::test_the_changes_of_a_watch",
    ("docs/watch.md", "Compared with"): "test_outputs.py::test_a_comparison",
    (
        "roles/practice_stack/README.md",
        "load generator (Locust) → Varnish",
    ): "test_outputs.py::test_the_stack_has_the_programs_of_its_drawing",
    (
        "roles/practice_stack/README.md",
        "load generator (Locust) → nginx",
    ): "test_outputs.py::test_the_stack_has_the_programs_of_its_drawing",
}


def output_of(example: Example) -> str:
    """The first line of a block of output, or of the output within a console."""
    lines = [line for line in example.text.splitlines() if line.strip() and not line.startswith("$ ")]
    return lines[0] if lines else ""


def has_test(example: Example) -> bool:
    shown = output_of(example)
    return not shown or any(path == example.path and shown.startswith(first) for path, first in OUTPUT)


def problems(example: Example) -> list[str]:
    if example.language == "yaml":
        return document_problems(example.text)
    if example.language in ("console", "shell"):
        lines = commands(example.language, example.text)
        wrong = [problem for line in lines for problem in command_problems(line)] if lines else ["no command in it"]
        return wrong if example.language == "shell" or has_test(example) else [*wrong, "no test compares this output"]
    if example.language == "text":
        return [] if has_test(example) else ["no test compares this output"]
    return [f"a block of {example.language or 'no language'}: it must be yaml, console, shell or text"]


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_example(example: Example) -> None:
    assert problems(example) == []


@pytest.mark.parametrize("place", OUTPUT, ids=str)
def test_every_output_is_there_and_has_its_test(place: tuple[str, str]) -> None:
    page, first = place
    assert [example for example in EXAMPLES if example.path == page and output_of(example).startswith(first)]
    file, _colons, name = OUTPUT[place].partition("::")
    assert f"\ndef {name}(" in (ROOT / "tests/unit/docs" / file).read_text(encoding="utf-8")


def test_there_are_examples_of_every_kind() -> None:
    languages = collections.Counter(example.language for example in EXAMPLES)
    assert languages["yaml"] > 35 and languages["console"] + languages["shell"] > 15
