# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Guards as data: a value that is not known, or is of another type, never holds; the statement asks the same as the table."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._acts import end_mysql_session, end_postgresql_session
from ansible_collections.warroom.launch.plugins.module_utils._acts.guard import Guard, broken, judged, limits_of
from ansible_collections.warroom.launch.plugins.module_utils._acts.postgresql import literal
from ansible_collections.warroom.launch.plugins.module_utils._acts.registry import ACTS

COUNT = Guard("blocks", "it holds up others", ">=", 1)
FLAG = Guard("is_superuser", "its user is no superuser", "=", False)


@pytest.mark.parametrize(
    ("guard", "value", "holds"),
    [
        (COUNT, 1, True),
        (COUNT, 9, True),
        (COUNT, 0, False),
        (COUNT, None, False),
        (COUNT, True, False),
        (COUNT, "9", False),
        (COUNT, float("nan"), False),
        (FLAG, False, True),
        (FLAG, True, False),
        (FLAG, None, False),
        (FLAG, 0, False),
        (FLAG, "", False),
    ],
)
def test_what_holds(guard: Guard, value: t.Any, holds: bool) -> None:
    (row,) = judged([guard], {guard.name: value}, {})
    assert row.holds is holds and (broken([row]) == []) is holds


def test_a_value_that_moves_within_its_limit_still_holds() -> None:
    limits = limits_of([COUNT])
    assert judged([COUNT], {"blocks": 8}, limits)[0].holds and judged([COUNT], {"blocks": 3}, limits)[0].holds


def test_the_limit_of_the_plan_wins() -> None:
    assert not judged([COUNT], {"blocks": 3}, {"blocks": 5})[0].holds


@pytest.mark.parametrize("limit", ["1 OR TRUE", None, [], "0"])
def test_a_limit_that_is_no_number_holds_nothing(limit: t.Any) -> None:
    assert COUNT.sql("1", limit) == "FALSE"


@pytest.mark.parametrize("act", ACTS.values(), ids=lambda act: act.__name__)
def test_every_act_has_guards_with_names_of_their_own(act: t.Any) -> None:
    names = [guard.name for guard in act.guards]
    assert names and len(names) == len(set(names)) and all(guard.says for guard in act.guards)


def test_the_statement_asks_every_guard() -> None:
    assert set(end_postgresql_session.EXPRESSIONS) == {guard.name for guard in end_postgresql_session.GUARDS}
    identity = {"pid": 7, "backend_start": "2026", "xact_start": None}
    text = end_postgresql_session.statement("pg_terminate_backend", identity, {})
    assert all(expression in text for expression in end_postgresql_session.EXPRESSIONS.values())
    assert "a.pid = 7" in text and "IS NOT DISTINCT FROM NULL" in text
    assert {guard.name for guard in end_mysql_session.GUARDS} >= {"is_client", "is_admin", "is_ours", "blocks"}


@pytest.mark.parametrize(
    ("value", "text"), [(None, "NULL"), (True, "TRUE"), (3, "3"), ("a'b", "'a''b'"), ("a\\'", "E'a\\\\'''"), ("\0x", "'x'")]
)
def test_a_literal_is_one_under_every_setting(value: t.Any, text: str) -> None:
    assert literal(value) == text
