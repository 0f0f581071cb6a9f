# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes the list of causes in docs/diagnosis.md from their table: `.venv/bin/python .ci/causes_doc.py`. A unit test keeps it current."""

from __future__ import annotations

import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
TARGET = ROOT / "docs/diagnosis.md"
BEGIN, END = "<!-- causes: begin -->", "<!-- causes: end -->"


def table() -> list[str]:
    """A row for each cause, the deepest first."""
    sys.path.insert(0, str(ROOT))
    from plugins.plugin_utils._diagnose.causes import CAUSES, OF_EVERY_CAUSE  # pylint: disable=import-outside-toplevel

    lines = ["| cause | tier | what it is | named when | explains |", "|---|---|---|---|---|"]
    for kind in CAUSES:
        by_relation: dict[str, list[str]] = {}
        for entry in kind.explains:
            names = by_relation.setdefault(entry.relation.words, [])
            names += [f"`{name}`" for name in entry.causes if f"`{name}`" not in names]
        explained = "; ".join(f"{', '.join(names)} {words}" for words, names in by_relation.items())
        lines.append(f"| `{kind.name}` | {kind.tier or 'its service'} | {kind.title} | {kind.said_when} | {explained} |")
    every = f"{', '.join(f'`{name}`' for name in OF_EVERY_CAUSE.causes)} {OF_EVERY_CAUSE.relation.words}"
    return [*lines, "", f"Every cause also explains {every}."]


def document(text: str) -> str:
    """The document with its list of causes renewed."""
    before, _begin, rest = text.partition(BEGIN)
    _old, _end, after = rest.partition(END)
    return "\n".join([before + BEGIN, *table(), END + after])


if __name__ == "__main__":
    TARGET.write_text(document(TARGET.read_text(encoding="utf-8")), encoding="utf-8")
