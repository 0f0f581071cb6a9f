# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two environments' databases beside each other."""

from __future__ import annotations

import typing as t

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.warroom.launch.plugins.filter.drift import drift_filter
from tests.support import ansible
from tests.support.facts import facts, instance


def database(*definitions: str, total: t.Optional[int] = None, name: str = "shop", **measures: t.Any) -> dict[str, t.Any]:
    rows = [{"database": name, "name": f"idx_{number}", "definition": text} for number, text in enumerate(sorted(definitions))]
    counted = {"index_definitions_total": len(rows) if total is None else total, "index_definitions_hash": str((total, rows))}
    return instance(**{"version": "17", "settings": [{"name": "work_mem", "value": 4}], "index_definitions": rows, **counted, **measures})


def compared(one: t.Any, other: t.Any, service: str = "postgresql", **options: t.Any) -> list[dict[str, t.Any]]:
    return drift_filter(facts(**{service: one}), facts(**{service: other}), **options)


@pytest.mark.parametrize("service", ["postgresql", "mysql"])
def test_an_index_that_production_lacks(service: str) -> None:
    (row,) = compared([database("orders (id)")], [database("orders (id)", "orders (customer_id)")], service)
    assert (row["kind"], row["service"], row["database"]) == ("index", service, "shop")
    assert (row["present_in"], row["absent_in"]) == ("staging", "production")
    assert row["finding"] == "the index orders (customer_id) of the database shop: present in staging, absent in production"


def test_equal_environments_have_no_rows() -> None:
    assert compared([database("orders (id)")], [database("orders (id)")]) == []


def test_settings_and_versions() -> None:
    other = database("a (id)", version="16", settings=[{"name": "work_mem", "value": 8}, {"name": "jit", "value": "on"}])
    rows = compared([database("a (id)")], [other], names=["live", "test"])
    assert [(row["kind"], row["name"]) for row in rows] == [("version", "version"), ("setting", "work_mem")]
    assert rows[1]["finding"] == "work_mem is 4 in live and 8 in test"
    assert rows[1]["values"] == [{"environment": "live", "value": 4}, {"environment": "test", "value": 8}]


def test_a_database_of_another_name() -> None:
    assert compared([database("a (id)")], [database("a (id)", name="shop_staging")]) == []
    two = database("a (id)")
    two["index_definitions"] = [*two["index_definitions"], {"database": "log", "name": "x", "definition": "b (id)"}]
    rows = compared([two], [database("a (id)", name="shop_staging")], databases={"shop_staging": "shop"})
    assert [row["database"] for row in rows] == ["log"]


def test_beyond_the_cut_nothing_is_called_absent() -> None:
    production = database("a (id)", "b (id)", total=40)
    staging = database("a (id)", "aa (id)", "b (id)", "c (id)")
    rows = compared([production], [staging])
    assert [(row["kind"], row["name"]) for row in rows][0] == ("index", "idx_1")  # aa lies before production's cut, c behind it
    assert [row["kind"] for row in rows] == ["index", "unknown"]
    assert "2 of 40 in production and 4 of 4 in staging" in rows[1]["finding"]


def test_what_could_not_be_read_is_said() -> None:
    down = {**database(), "state": "down", "problem": "nothing listens there"}
    (row,) = compared([down], [database("a (id)")])
    assert (row["kind"], row["absent_in"]) == ("unknown", None)
    assert "nothing listens there" in row["finding"]
    (row,) = compared([database("a (id)")], [database("a (id)", index_definitions=None)])
    assert row["kind"] == "unknown"


def test_several_servers_are_compared_by_name() -> None:
    ours = [{**database("a (id)"), "name": "one"}, {**database("a (id)"), "name": "two"}]
    theirs = [{**database("a (id)"), "name": "one"}, {**database("a (id)"), "name": "three"}]
    rows = compared(ours, theirs)
    assert [(row["kind"], row["name"], row["present_in"]) for row in rows] == [
        ("instance", "three", "staging"),
        ("instance", "two", "production"),
    ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (([], {}), "facts of two hosts"),
        (({}, {}), "neither side"),
        ((facts(mysql=[]), {}, ["a"]), "two different names"),
        ((facts(mysql=[]), {}, ["a", "b"], []), "databases must be"),
    ],
)
def test_wrong_input_is_said(arguments: tuple[t.Any, ...], words: str) -> None:
    with pytest.raises(AnsibleFilterError, match=words):
        drift_filter(*arguments)


def test_strange_facts_cost_no_traceback() -> None:
    for odd in (None, "x", [], [None], [{"state": "up"}], {"a": 1}):
        assert isinstance(drift_filter({"launch_mysql": {"instances": odd}}, {"launch_mysql": odd}), list)
    strange = database(index_definitions=[None, {}], index_definitions_hash="x", settings="x")
    assert {row["absent_in"] for row in compared([strange], [database("a (id)")])} == {"staging", "production"}


def test_it_can_be_called_from_a_template() -> None:
    said = ansible.run(
        "ansible", "localhost", "-m", "ansible.builtin.debug", "-a",
        "msg={{ one | warroom.launch.drift(other) | map(attribute='finding') }}",
        "-e", '{"one": {"launch_mysql": {"instances": []}}, "other": {"launch_mysql": {"instances": [{"name": "db"}]}}}',
    )  # fmt: skip
    assert "MySQL db: present in staging, absent in production" in said.stdout, said.stdout + said.stderr
