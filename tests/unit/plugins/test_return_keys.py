# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What modules return can be read with a dot in Jinja: no key is the name of a dictionary's method, as `facts.keys` would be."""

from __future__ import annotations

import ast
import pathlib
import typing as t

import pytest
import yaml

PLUGINS = pathlib.Path(__file__).resolve().parents[3] / "plugins"
DOCUMENTED = sorted([*PLUGINS.glob("modules/*.py"), *PLUGINS.glob("filter/*.yml")])
METHODS = {name for name in dir(dict) if not name.startswith("_")}


def returned(path: pathlib.Path) -> t.Any:
    """The parsed RETURN of a module or of a filter's sidecar."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".yml":
        return yaml.safe_load(text).get("RETURN")
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "RETURN":
            return yaml.safe_load(ast.literal_eval(node.value))
    return None


def keys(entries: t.Any, path: str = "") -> t.Iterator[tuple[str, str]]:
    """(key, dotted path) of everything that RETURN documents, at any depth."""
    for key, entry in entries.items() if isinstance(entries, dict) else ():
        yield str(key), f"{path}{key}"
        if isinstance(entry, dict):
            yield from keys(entry.get("contains"), f"{path}{key}.")


def clashes(entries: t.Any) -> list[str]:
    return [place for key, place in keys(entries) if key in METHODS]


@pytest.mark.parametrize("path", DOCUMENTED, ids=lambda path: path.name)
def test_no_key_is_the_name_of_a_method(path: pathlib.Path) -> None:
    entries = returned(path)
    assert isinstance(entries, dict) and len(list(keys(entries))) >= 1, "RETURN documents nothing"
    assert clashes(entries) == [], "name it otherwise: keys → key_count, values → rows, items → entries"


@pytest.mark.parametrize("name", ["keys", "items", "values", "get", "pop", "update", "copy", "clear"])
def test_a_clash_is_found_at_any_depth(name: str) -> None:
    rows = {"type": "list", "elements": "dict", "contains": {name: {"type": "int"}, "fine": {"type": "int"}}}
    assert clashes({"facts": {"type": "dict", "contains": {"instances": rows}}}) == [f"facts.instances.{name}"]
