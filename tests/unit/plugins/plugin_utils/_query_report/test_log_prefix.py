# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""log_line_prefix from the lines that PostgreSQL writes with it."""

from __future__ import annotations

import pathlib
import re

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._query_report.log_prefix import KNOWN, beginnings, explained, prefix_of, read

SESSION = {
    "%m": "2026-11-25 01:23:41.123 UTC", "%t": "2026-11-25 01:23:41 CET", "%n": "1795569821.123", "%p": "4711", "%u": "app", "%d": "shop",
    "%a": "psql", "%r": "10.0.0.7(51234)", "%h": "10.0.0.7", "%l": "3", "%c": "65a1b2c3.1267", "%v": "3/127", "%x": "0", "%e": "00000",
    "%s": "2026-11-25 01:20:00 UTC", "%i": "SELECT", "%Q": "-27182818", "%b": "client backend", "%q": "",
}  # fmt: skip
OTHERS = {**SESSION, "%u": "[unknown]", "%d": "[unknown]", "%a": "[unknown]", "%p": "4712", "%l": "17", "%r": "[local]", "%h": "[local]"}
#: A process without a session: what belongs to one is empty, and after %q comes nothing.
BACKGROUND = {**SESSION, **dict.fromkeys(("%u", "%d", "%a", "%r", "%h", "%i", "%v"), ""), "%b": "checkpointer", "%p": "99"}


def written(prefix: str, values: dict[str, str], session: bool = True) -> str:
    return re.sub(r"%[a-zA-Z]", lambda match: values[match.group()], prefix if session else prefix.partition("%q")[0])


def log(prefix: str) -> list[str]:
    return [
        f"{written(prefix, SESSION)}LOG:  duration: 1500.300 ms  statement: select 1",
        f"{written(prefix, OTHERS)}ERROR:  relation \"LOG: x\" does not exist",
        f"{written(prefix, SESSION)}STATEMENT:  select",
        "\tfrom a continued line",
        f"{written(prefix, BACKGROUND, False)}LOG:  checkpoint starting: time",
    ]  # fmt: skip


@pytest.mark.parametrize("prefix", [
    *KNOWN, "pid=%p user=%u db=%d ip=%h at %m ", "[%p] %t %u@%d ", "%m|%p|%u@%d|%q%r| ",
    "%p %m %e ", "host=%r;%q%u@%d;%t ", "<%m %p> %q<%u@%d> ",
])  # fmt: skip
def test_the_prefix_explains_its_own_lines(prefix: str) -> None:
    lines = beginnings(log(prefix))
    assert len(lines) == 4
    found = prefix_of(lines)
    assert found is not None, lines
    assert explained(found, lines) == 1
    # what pgBadger needs is where it is: the process, the user and the database
    for escape in ("%p", "%u", "%d", "%h", "%r"):
        assert (escape in found) == (escape in prefix), found
    assert re.search("%[mtn]", found)


@pytest.mark.parametrize("lines", [[], ["nothing that begins like a message"], ["LOG:  no prefix at all"], ["%%% LOG:  x", "*** LOG:  y"]])
def test_what_cannot_be_made_out_is_not_guessed(lines: list[str]) -> None:
    assert prefix_of(beginnings(lines)) is None


def test_a_line_that_never_ends_costs_its_beginning_only() -> None:
    assert prefix_of(beginnings(["x" * 10_000_000, "2026-11-25 01:23:41.123 UTC [1] LOG:  x" + "y" * 1_000_000])) == "%m [%p] "


def test_files_are_kept_apart_by_their_prefix(tmp_path: pathlib.Path) -> None:
    texts = {"new.log": log("%m [%p] %q%u@%d "), "old.log": log("%t [%p]: user=%u,db=%d "), "other.log": ["?? LOG:  x"], "empty.log": []}
    for name, lines in texts.items():
        (tmp_path / name).write_text("\n".join(lines))
    new, old, other, empty = (str(tmp_path / name) for name in texts)
    assert read([new, old, other, empty]) == {
        "groups": [{"prefix": "%m [%p] %q%u@%d ", "files": [new]}, {"prefix": "%t [%p]: user=%u,db=%d ", "files": [old]}],
        "unknown": [other],
        "durations": 2,
    }
    assert read([old, other], "%m ")["groups"] == [{"prefix": "%m ", "files": [old, other]}]
