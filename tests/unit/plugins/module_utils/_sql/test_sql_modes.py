# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Literals as a session in each mode writes them: no view tells the mode, and none of a planted value is shown."""

from __future__ import annotations

import pathlib
import random
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


def test_no_planted_value_is_shown_whatever_the_mode_of_the_session() -> None:
    for mode, text in TEXTS:
        shown = sql_text.normalise(text, mode.split()[0], 4000)
        assert "EXA" not in shown and "MPLE" not in shown, (mode, text, shown)


def test_no_planted_value_is_shown_when_the_text_was_cut() -> None:
    for mode, text in TEXTS:
        for end in range(len(text)):
            cut = text[:end]
            assert "EXA" not in sql_text.normalise(cut, mode.split()[0], 4000), (mode, cut)


#: What begins, ends or hides a literal, a name or a comment, and what may stand between.
PIECES = ("'", "'", '"', '"', "\\", "\\", "`", "/*", "*/", "/*!", "-- ", "#", "\n", "E'", "$$", "$a$", "''", " ", "a", ",", "1")
MYSQL = [sql_text._Reading(sql_text._mysql(escape, ansi)) for escape in (True, False) for ansi in (True, False)]
POSTGRESQL = [sql_text._Reading(sql_text._postgresql(escape), nested=True) for escape in (True, False)]


@pytest.mark.parametrize(("dialect", "modes"), [("mysql", MYSQL), ("postgresql", POSTGRESQL)])
def test_what_any_mode_takes_for_a_literal_is_hidden(dialect: str, modes: list[t.Any]) -> None:
    chance = random.Random(7)
    for _round in range(1500):
        text = "".join(chance.choices(PIECES, k=chance.randrange(4, 24)))
        hidden = sql_text._hidden(text, dialect)
        for mode in modes:
            bare = [text[place] for place, what in enumerate(sql_text._mask(text, mode)) if what and not hidden[place]]
            assert not bare, (text, mode, bare)


def test_what_is_no_data_in_any_mode_is_kept() -> None:
    escaped = "select `a` from t where name = 'O\\'Brien' and state = 'EXAMPLE' order by a"
    assert sql_text.normalise(escaped, "mysql") == "select `a` from t where name = ?"
    assert sql_text.normalise(escaped.replace("\\", "'"), "mysql") == "select `a` from t where name = ? and state = ? order by a"
    assert sql_text.normalise('select "a" from "t" where b = \'EXAMPLE\'', "mysql") == "select ? from ? where b = ?"
    assert sql_text.normalise("select a from t where b like '%\\_%' and c = 1") == "select a from t where b like ? and c = ?"
