# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes what the modules' RETURN documents to plugins/plugin_utils/_checks/documented.py: `.venv/bin/python .ci/measures.py`.

A unit test keeps it current. To read the RETURNs themselves would cost every run 100 ms with libyaml and a second without.
"""

from __future__ import annotations

import ast
import json
import pathlib
import typing as t

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[1]
MODULES = ROOT / "plugins/modules"
TARGET = ROOT / "plugins/plugin_utils/_checks/documented.py"
#: What every instance has; documented once.
COMMON = "launch_facts"
#: Of its lines: what ansible-test allows.
WIDTH = 158
#: The licence that this file has, and what stands below it in the written one.
LICENCE = "".join(pathlib.Path(__file__).read_text(encoding="utf-8").splitlines(keepends=True)[:3]).rstrip("\n")
HEAD = (
    LICENCE
    + '''

"""The measures that the modules' RETURN documents. Written by `.ci/measures.py`; do not edit by hand."""

from __future__ import annotations

TEXT = r"""
'''
)


def returned(module: str) -> dict[str, t.Any]:
    """The RETURN of a module, read and not run."""
    tree = ast.parse((MODULES / f"{module}.py").read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "RETURN":
            return dict(yaml.load(ast.literal_eval(node.value), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))
    raise ValueError(f"{module} has no RETURN")


def shape(entry: dict[str, t.Any]) -> t.Any:
    """`f` (the type's first letter); `[f]`, a list of them; `{name: …}`; `[{name: …}]`, rows."""
    if "contains" in entry:
        inside = {name: shape(inner) for name, inner in entry["contains"].items()}
        return [inside] if entry["type"] == "list" else inside
    return [entry.get("elements", "raw")[0]] if entry["type"] == "list" else entry["type"][0]


def measures() -> dict[str, t.Any]:
    """By service, as its module documents them; `common` is what every instance has."""
    found = {}
    for path in sorted(MODULES.glob("*.py")):
        document = returned(path.stem)
        for key in ("ansible_facts", "fleet"):
            for fact, entry in document.get(key, {}).get("contains", {}).items():
                service = "common" if path.stem == COMMON else fact[len("launch_") :]
                found[service] = shape(entry["contains"]["instances"])[0]
    return found


def wrapped(text: str) -> list[str]:
    """Lines that end after a comma: a blank after each would cost a dozen lines of the file."""
    lines = [""]
    for part in text.replace(",", ",\n").split("\n"):
        if len(lines[-1]) + len(part) > WIDTH:
            lines.append("")
        lines[-1] += part
    return lines


def document() -> str:
    text = json.dumps(measures(), separators=(",", ":"))
    return HEAD + "\n".join(wrapped(text)) + '\n"""\n'


if __name__ == "__main__":
    TARGET.write_text(document(), encoding="utf-8")
