# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nothing that acts is imported by, or can be reached from, what only looks."""

from __future__ import annotations

import ast
import functools
import pathlib
import re
import typing as t

from tests.support.server import ROOT

PLUGINS = ROOT / "plugins"
#: What acts.
APART = ("module_utils/_acts", "plugin_utils/_respond", "action/respond", "modules/respond")
#: What launch_check, launch_watch and the ad hoc modules start from.
LOOKS = sorted(path for kind in ("action", "modules", "callback", "filter") for path in (PLUGINS / kind).glob("*.py"))


@functools.cache
def imported(path: pathlib.Path) -> list[pathlib.Path]:
    """The files of this collection that a file imports, anywhere in it. Most files are reached from every module, and are read once."""
    files: list[pathlib.Path] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            folder = path.parents[node.level - 1].joinpath(*(node.module or "").split("."))
            candidates = [path for name in node.names for path in (folder.with_suffix(".py"), folder / f"{name.name}.py")]
            files += [candidate for candidate in candidates if candidate.exists()]
        names = (
            [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else [a.name for a in node.names]
            if isinstance(node, ast.Import)
            else []
        )
        assert not any(name.startswith("ansible_collections.warroom") for name in names), "imports inside plugins are relative"
    return files


def reached(path: pathlib.Path, known: t.Optional[set[pathlib.Path]] = None) -> set[pathlib.Path]:
    known = set() if known is None else known
    if path not in known:
        known.add(path)
        for other in imported(path):
            reached(other, known)
    return known


def acts(path: pathlib.Path) -> bool:
    return str(path.relative_to(PLUGINS)).startswith(APART)


def test_nothing_that_looks_reaches_what_acts() -> None:
    looking = [path for path in LOOKS if not acts(path)]
    assert len(looking) > 15
    wrong = [(path.name, str(other)) for path in looking for other in reached(path) if acts(other)]
    assert not wrong


def test_what_acts_is_reached_from_its_own_plugins_only() -> None:
    own = {other for path in LOOKS if acts(path) for other in reached(path) if acts(other)}
    assert PLUGINS / "module_utils/_acts/registry.py" in own and PLUGINS / "plugin_utils/_respond/tokens.py" in own


def test_no_role_or_playbook_that_looks_names_it() -> None:
    files = [*(ROOT / "roles/launch_check").rglob("*.yml"), ROOT / "playbooks/launch_check.yml", ROOT / "playbooks/launch_watch.yml"]
    assert len(files) > 10
    assert not [path for path in files if re.search(r"launch_respond|launch\.respond", path.read_text(encoding="utf-8"))]
