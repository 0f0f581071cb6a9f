# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names that statements of MySQL used in vain, as its server told them."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect.facts import Facts, Unknown
from ansible_collections.warroom.launch.plugins.module_utils._collectors.mysql import undefined
from ansible_collections.warroom.launch.plugins.module_utils._sql.sessions import Manner
from ansible_collections.warroom.launch.plugins.plugin_utils._checks.catalogue import Catalogue, load
from ansible_collections.warroom.launch.plugins.plugin_utils._judge.pipeline import Asked, judge


class Answers:
    """A reader that gives recorded answers, and keeps what it was asked."""

    def __init__(self, answers: t.Mapping[str, t.Any]) -> None:
        self.closed = None
        self.answers = answers
        self.asked: list[str] = []

    def ask(self, _measure: str, question: str) -> t.Any:
        self.asked.append(question)
        return self.answers["consumers" if "setup_consumers" in question else "failed"]


@pytest.fixture
def recorded(fixture_file: t.Any) -> dict[str, t.Any]:
    found: dict[str, t.Any] = json.loads(fixture_file("mysql/mysql-9.7/undefined.json"))
    return found


def told(answers: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    facts = Facts()
    undefined.put(facts, undefined.read(t.cast(t.Any, Answers(answers)), 5.0), {"11": "shop", "12": "shop"}, Manner(dialect="mysql"))
    return facts.done()


def test_each_name_is_told_once_with_who_asked_and_without_values(recorded: dict[str, t.Any]) -> None:
    rows = {row["name"]: row for row in told(recorded)["undefined_names"]}
    assert {name: (row["kind"], row["sessions"], row["application"]) for name, row in rows.items()} == {
        "o.missing": ("column", 2, "shop"),
        "currency": ("column", 2, "shop"),
        "shop.coupon": ("table", 2, "shop"),
    }
    assert "EXAMPLE" not in json.dumps(rows) and "EUR" not in json.dumps(rows)


@pytest.mark.parametrize("said", ["Champ 'currency' inconnu dans field list", "Unbekanntes Tabellenfeld 'currency' in field list"])
def test_sentences_of_other_languages(recorded: dict[str, t.Any], said: str) -> None:
    [row] = told({**recorded, "failed": [{**recorded["failed"][1], "said": said}]})["undefined_names"]
    assert (row["kind"], row["name"]) == ("column", "currency")


def test_of_a_server_that_was_started_just_now_nothing_below_0_is_asked(recorded: dict[str, t.Any]) -> None:
    """Its timer counts from its start and has no sign: MySQL refuses a difference below 0."""
    reader = Answers(recorded)
    undefined.read(t.cast(t.Any, reader), 5.0)
    assert "timer_end + 15 * 1000000000000 >" in reader.asked[-1] and " - " not in reader.asked[-1]


def test_a_server_that_keeps_none_says_how_it_would(recorded: dict[str, t.Any]) -> None:
    found = undefined.read(t.cast(t.Any, Answers({**recorded, "consumers": recorded["consumers"][:1]})), 5.0)
    assert isinstance(found, Unknown) and "SET enabled = 'YES'" in found.reason


def test_a_missing_migration_is_named_from_them(recorded: dict[str, t.Any]) -> None:
    database = {"name": "3306", "state": "up", "kind": "server", "unknown": {}, **told(recorded)}
    workers = {"name": "shop", "state": "up", "kind": "app", "unknown": {}, "requests": 200, "exceptions": 90, "exception_ratio": 0.45}
    facts = {f"launch_{service}": {"schema": 1, "instances": [one]} for service, one in (("mysql", database), ("uwsgi", workers))}
    causes = {cause["cause"]: cause for cause in judge([Asked("db1", facts)], Catalogue(load()))["diagnoses"]}
    assert "missing_migration" in causes, causes
    assert "shop.coupon" in json.dumps(causes["missing_migration"]) and "currency" in json.dumps(causes["missing_migration"])
