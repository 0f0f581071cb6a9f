# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The builder of facts: no null without its reason."""

from __future__ import annotations

import pathlib
import subprocess
import sys

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect.facts import UNEXPLAINED, Facts, Unknown, measured

UNPROVEN = pytest.mark.allow_unexplained


def test_what_is_known_stands_by_its_dotted_name():
    facts = Facts()
    assert facts.put("workers.total", 4) == 4
    facts.put("workers.list", [{"pid": 1}])
    assert facts.done() == {"workers": {"total": 4, "list": [{"pid": 1}]}, "unknown": {}, "notes": []}


def test_null_stands_with_its_reason():
    facts = Facts()
    assert facts.put("a", None, "not told") is None
    assert facts.put("b.c", Unknown("no permission")) is None
    facts.put("d", measured(None, "version 1 lacks it"))
    facts.put("e", measured(0, "version 1 lacks it"))
    assert facts.done() == {
        "a": None,
        "b": {"c": None},
        "d": None,
        "e": 0,
        "unknown": {"a": "not told", "b.c": "no permission", "d": "version 1 lacks it"},
        "notes": [],
    }


def test_unknown_parts_inside_of_dicts_and_rows_give_their_reasons():
    facts = Facts()
    facts.put("pool", {"size": 3, "weight": Unknown("not configured")})
    facts.rows("backends", [{"name": "a", "probe": Unknown("no probe")}, {"name": "b", "probe": Unknown("hidden")}, {"name": "c"}], keep=2)
    done = facts.done()
    assert done["pool"] == {"size": 3, "weight": None}
    assert done["backends"] == [{"name": "a", "probe": None}, {"name": "b", "probe": None}] and done["backends_total"] == 3
    assert done["unknown"] == {"pool.weight": "not configured", "backends[].probe": "no probe; hidden"}


def test_unknown_rows_have_an_unknown_total():
    facts = Facts()
    facts.rows("clients", Unknown("stats conns was refused"), keep=5)
    assert facts.done()["unknown"] == dict.fromkeys(("clients", "clients_total"), "stats conns was refused")


@UNPROVEN
@pytest.mark.parametrize("value", [None, float("nan"), {"b": None}, [{"b": None}], [None], {"b": {"c": [{"d": float("inf")}]}}])
def test_a_null_without_reason_never_passes_silently(value):
    facts = Facts()
    facts.put("a", value)
    facts.put("known", 1)
    assert list(facts.done()["unknown"].values()) == [UNEXPLAINED]


def test_the_reason_of_a_whole_holds_for_its_parts():
    facts = Facts()
    facts.put("a", {"b": 1})
    facts.unknown["a"] = "only partly read"
    facts.get("a")["c"] = None
    assert facts.done()["unknown"] == {"a": "only partly read"}


def test_a_measure_that_is_put_again_has_its_new_reason_only():
    facts = Facts()
    facts.put("a", {"b": Unknown("first")})
    facts.put("a", {"b": 2})
    facts.put("ab", Unknown("its own"))
    facts.put("a", 3)
    assert facts.done()["unknown"] == {"ab": "its own"}


def test_what_is_derived_from_an_unknown_measure_takes_its_reason():
    facts = Facts()
    facts.put("a.b", Unknown("why"))
    facts.put("c", 1)
    assert facts.value("a.b") == Unknown("why") and facts.value("c") == 1 and facts.get("a.b") is None
    with pytest.raises(KeyError):
        facts.get("never")


def test_merging_keeps_reasons_notes_and_bounds():
    inner, facts = Facts(), Facts()
    inner.put("a", None, "why")
    inner.put("rows", [{"b": Unknown("hidden")}])
    inner.bound("age", 900, "one of three is not told")
    inner.note("said")
    facts.note("said")
    facts.merge(inner, "part")
    done = facts.done()
    assert done["part"] == {"a": None, "rows": [{"b": None}], "age": None} and done["notes"] == ["said"]
    assert done["unknown"] == {"part.a": "why", "part.rows[].b": "hidden", "part.age": "one of three is not told"}
    assert done["at_least"] == {"part.age": 900}


_WRONG = """
import typing as t
from plugins.module_utils._collect.facts import Facts, Unknown, measured
def fill(facts: Facts, maybe: t.Optional[int], text: t.Optional[str], rows: t.Optional[list[int]]) -> None:
    facts.put("a", maybe)  # wrong
    facts.put("b", text)  # wrong
    facts.put("c", rows)  # wrong
    facts.put("d", None)  # wrong
    facts.update({"e": maybe})  # wrong
    facts.rows("f", [{"g": text}], 10)  # wrong
    facts.put("a", maybe, "why")
    facts.put("a", measured(maybe, "why"))
    facts.put("a", Unknown("why"))
    facts.put("a", 1)
    facts.update({"a": 1, "b": {"c": measured(text, "why")}})
    facts.rows("f", [{"g": measured(text, "why")}], 10)
"""


def test_the_type_checker_refuses_what_may_be_null_without_a_reason(tmp_path):
    pytest.importorskip("mypy", reason="the type checker is not installed")
    root = next(folder for folder in pathlib.Path(__file__).parents if (folder / "galaxy.yml").exists())
    script = tmp_path / "wrong.py"
    script.write_text(_WRONG, encoding="utf-8")
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file", str(root / "mypy.ini"), "--cache-dir", str(tmp_path), str(script)]
    ran = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    refused = {int(line.split(":")[1]) for line in ran.stdout.splitlines() if ": error:" in line and "wrong.py" in line}
    wanted = {number for number, line in enumerate(_WRONG.splitlines(), 1) if line.endswith("# wrong")}
    assert refused == wanted, ran.stdout + ran.stderr
