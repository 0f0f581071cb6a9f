# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Literals as each mode of each server reads them: none of a planted value is shown, with the mode known or not."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._sql import sql_text

CORPUS = pathlib.Path(__file__).parents[3] / "fixtures" / "sql" / "literals.txt"
CONTEXTS = (
    "select {}",
    "update users set note = {}, seen = 5 where mail in ({}, {}) and \\N is null",
    "call audit({}, `x`, t.col) /* end */",
)


def texts() -> t.Iterator[tuple[str, str]]:
    """(mode, statement) of each literal of the corpus in each of the contexts."""
    mode = ""
    for line in CORPUS.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            mode = line[1:-1]
        elif mode:
            form = line.lstrip("!").replace("⏎", "\n")
            for context in CONTEXTS[:1] if line.startswith("!") else CONTEXTS:
                yield mode, context.replace("{}", form)


TEXTS = list(texts())


def test_the_corpus_is_large() -> None:
    assert len({text for _mode, text in TEXTS}) >= 150


@pytest.mark.parametrize("known", [True, False])
def test_no_planted_value_is_shown_under_its_mode(known: bool) -> None:
    for mode, text in TEXTS:
        shown = sql_text.normalise(text, mode if known else mode.split()[0], 4000)
        assert "EXA" not in shown and "MPLE" not in shown, (mode, text, shown)


def test_no_planted_value_is_shown_when_the_text_was_cut() -> None:
    for mode, text in TEXTS:
        for end in range(len(text)):
            cut = text[:end]
            assert "EXA" not in sql_text.normalise(cut, mode, 4000) + sql_text.normalise(cut, mode.split()[0], 4000), (mode, cut)


def test_a_known_mode_keeps_what_is_no_data() -> None:
    escaped = "select `a` from t where name = 'O\\'Brien' and state = 'EXAMPLE' order by a"
    assert sql_text.normalise(escaped, "mysql backslash") == "select `a` from t where name = ? and state = ? order by a"
    assert sql_text.normalise(escaped, "mysql") == "select `a` from t where name = ?"
    names = 'select "a" from "t" where b = \'EXAMPLE\''
    assert sql_text.normalise(names, "mysql plain ansi") == 'select "a" from "t" where b = ?'
    assert sql_text.normalise(names, "mysql") == "select ? from ? where b = ?"
    like = "select a from t where b like '!_%' escape '\\' and c = 'EXAMPLE'"
    assert sql_text.normalise(like, "postgresql plain") == "select a from t where b like ? escape ? and c = ?"


@pytest.mark.parametrize(
    ("sql_mode", "dialect"),
    [
        (None, "mysql"), ("", "mysql backslash"), ("STRICT_TRANS_TABLES,NO_BACKSLASH_ESCAPES", "mysql plain"),
        ("REAL_AS_FLOAT,PIPES_AS_CONCAT,ANSI_QUOTES,IGNORE_SPACE,ANSI", "mysql backslash ansi"),
        ("ansi_quotes, no_backslash_escapes", "mysql plain ansi"),
    ],
)  # fmt: skip
def test_the_mode_of_mysql(sql_mode: str | None, dialect: str) -> None:
    assert sql_text.mysql_dialect(sql_mode) == dialect


@pytest.mark.parametrize(("setting", "dialect"), [(None, "postgresql"), ("on", "postgresql plain"), ("off", "postgresql backslash")])
def test_the_mode_of_postgresql(setting: str | None, dialect: str) -> None:
    assert sql_text.postgresql_dialect(setting) == dialect
