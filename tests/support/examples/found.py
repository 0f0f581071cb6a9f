# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The examples: fenced blocks of every page, EXAMPLES of every plugin, commands in the comments of playbooks, files of `examples/`."""

from __future__ import annotations

import ast
import dataclasses
import pathlib
import re
import typing as t

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[3]
_FENCE = re.compile(r"^( *)(`{3,}|~{3,})([^`]*)$")


@dataclasses.dataclass(frozen=True)
class Example:
    """One block, where it stands, and its language."""

    path: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"


def pages() -> list[pathlib.Path]:
    """Every page that people read: not the notes on the origin of fixtures, nor what tools keep in the checkout."""
    found = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("roles/*/*.md"), *ROOT.glob(".github/*.md")]
    return sorted(path for path in found if path.name != "CHANGELOG.md")


def fenced(path: pathlib.Path) -> t.Iterator[Example]:
    """The fenced blocks of a page; one that is never closed is an error."""
    lines = path.read_text(encoding="utf-8").splitlines()
    at = 0
    while at < len(lines):
        fence = _FENCE.match(lines[at])
        if fence is None:
            at += 1
            continue
        end = next((later for later in range(at + 1, len(lines)) if lines[later].strip() == fence[2]), None)
        assert end is not None, f"{path}:{at + 1}: this block is never closed"
        body = [line.removeprefix(fence[1]) for line in lines[at + 1 : end]]
        yield Example(str(path.relative_to(ROOT)), at + 1, fence[3].strip(), "\n".join(body) + "\n")
        at = end + 1


def of_plugins() -> t.Iterator[Example]:
    for path in sorted([*ROOT.glob("plugins/*/*.py"), *ROOT.glob("plugins/*/*.yml")]):
        beside = path.suffix == ".yml"
        text = yaml.safe_load(path.read_text(encoding="utf-8")).get("EXAMPLES") if beside else constant(path, "EXAMPLES")
        if text:
            yield Example(str(path.relative_to(ROOT)), 1, "yaml", text)


def constant(path: pathlib.Path, name: str) -> t.Optional[str]:
    """A text that a Python file assigns at its top level."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == name:
            return t.cast(str, ast.literal_eval(node.value))
    return None


def of_files() -> t.Iterator[Example]:
    """The files of `examples/` and the playbooks, and the commands in their comments."""
    for path in sorted([*ROOT.glob("examples/**/*.yml"), *ROOT.glob("playbooks/*.yml")]):
        where, text = str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")
        yield Example(where, 1, "yaml", text)
        for at, line in enumerate(text.splitlines(), 1):
            command = re.match(r"#\s+((?:ansible|make|pip)\b.*)", line)
            if command:
                yield Example(where, at, "shell", command[1] + "\n")


def examples() -> list[Example]:
    return [*(example for path in pages() for example in fenced(path)), *of_plugins(), *of_files()]
