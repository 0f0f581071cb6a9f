# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Advice as prose and what is to be copied from it: a statement or an indented snippet on lines of its own, and words in backticks."""

from __future__ import annotations

import re
import textwrap
import typing as t


class Part(t.TypedDict):
    """Words of a paragraph, set as code or not."""

    text: str
    code: bool


class Block(t.TypedDict):
    """A paragraph, or lines to copy as they are (`code` is not null)."""

    parts: list[Part]
    code: t.Optional[str]


#: How a line that is one statement begins. Prose does not begin with two words in capitals like these.
_STATEMENT = re.compile(
    r"(CREATE (UNIQUE )?INDEX|ALTER (TABLE|SYSTEM|ROLE|USER|DATABASE)|DROP INDEX|REINDEX (INDEX|TABLE)|SELECT \S*\(|SET (GLOBAL|SESSION)"
    r"|KILL (QUERY )?\d|ANALYZE |VACUUM |GRANT |OPTIMIZE TABLE)"
)
_INLINE = re.compile(r"`([^`\n]+)`")


def blocks(text: t.Optional[str]) -> list[Block]:
    """The text in order, as paragraphs and code."""
    result: list[Block] = []
    lines: list[str] = []
    for line in (text or "").split("\n"):
        if line.startswith(" "):
            lines.append(line)
            continue
        result += _snippet(lines)
        lines = []
        if _STATEMENT.match(line):
            result.append({"parts": [], "code": line})
        elif line.strip():
            result.append({"parts": _parts(line), "code": None})
    return result + _snippet(lines)


def is_statement(text: str) -> bool:
    return _STATEMENT.match(text) is not None


def _snippet(lines: t.Sequence[str]) -> list[Block]:
    code = textwrap.dedent("\n".join(lines)).rstrip()
    return [{"parts": [], "code": code}] if code else []


def _parts(line: str) -> list[Part]:
    """`split` gives prose and code in turn."""
    pieces = _INLINE.split(line)
    return [{"text": piece, "code": at % 2 == 1} for at, piece in enumerate(pieces) if piece]
