# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Any name, read by the language that it was quoted for: the shells here, SQL on real servers in the integration tests."""

from __future__ import annotations

import subprocess
import unicodedata
import urllib.parse

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.warroom.launch.plugins.plugin_utils._reach import quoting

NAMES = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), min_size=1, max_size=60)
NASTY = st.sampled_from(
    ["'", '"', "$(id)", "`id`", ";", "\n", "\\", "%s", "\x1b[2J", "\u202e", "{{ x }}", " ", "--", "-x", "é", "!", "#", "~"]
)
HOSTILE = st.one_of(NAMES, st.lists(st.one_of(NASTY, NAMES), min_size=1, max_size=6).map("".join))


def arguments(shell: str, command: str) -> list[str]:
    done = subprocess.run([shell, "-c", f"tool() {{ printf '%s\\0' \"$@\"; }}; {command}"], check=True, capture_output=True)
    return done.stdout.decode("utf-8", "surrogateescape").split("\0")[:-1]


@settings(max_examples=80, deadline=None)
@given(st.lists(HOSTILE, min_size=1, max_size=3), st.sampled_from(["sh", "bash"]))
def test_a_name_is_one_argument(names: list[str], shell: str) -> None:
    typable = [name for name in names if not name.endswith("\n")] or ["a"]
    command = "tool " + " ".join(quoting.word(name) for name in typable)
    assert arguments(shell, command) == typable
    assert not any(unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp") for char in command), "one line, and no key to a terminal"


@pytest.mark.parametrize("value", [None, {"a": 1}, ["a"], True, "x" * 501, "a\0b", "\ud800", "ends\n"])
def test_what_is_no_name_is_refused(value: object) -> None:
    with pytest.raises(quoting.Untypable):
        quoting.word(value)


@pytest.mark.parametrize(("value", "expected"), [(60199, "60199"), (11887, "11887"), (1.5, "1.5"), ("a", "a")])
def test_numbers_that_are_names_stay_as_they_are(value: object, expected: str) -> None:
    assert quoting.word(value) == expected


@given(HOSTILE)
def test_identifiers_end_where_they_end(name: str) -> None:
    for quoted, mark in ((quoting.sql(name), '"'), (quoting.mysql(name), "`")):
        assert quoted[0] == quoted[-1] == mark and quoted[1:-1].replace(mark * 2, "").count(mark) == 0
        assert quoted[1:-1].replace(mark * 2, mark) == name


@given(HOSTILE)
def test_a_path_of_a_url_has_nothing_to_quote(name: str) -> None:
    quoted = quoting.url(name)
    assert all(char.isascii() and char.isprintable() and char not in " \"'`$;\\|<>()*" for char in quoted)
    assert urllib.parse.unquote(quoted) == urllib.parse.unquote(name)


@given(HOSTILE)
def test_a_text_of_vcl_cannot_be_left(name: str) -> None:
    try:
        quoted = quoting.vcl(name)
    except quoting.Untypable:
        assert '"}' in name or not name.isascii() or not name.isprintable()
        return
    inside = quoted[2:-2] if quoted.startswith("{") else quoted[1:-1]
    assert inside == name and ('"}' if quoted.startswith("{") else '"') not in inside
