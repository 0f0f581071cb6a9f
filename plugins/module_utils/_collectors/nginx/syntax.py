# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The syntax of nginx's configuration: directives, their words and their blocks."""

from __future__ import annotations

import re
import typing as t

#: Deeper and longer than any configuration is.
MOST_DEPTH, MOST_DIRECTIVES = 40, 100_000

_TOKEN = re.compile(
    r"\s+|#[^\n]*"  # nothing
    r"|(?P<mark>[{};])"
    r'|"(?P<double>(?:[^"\\]|\\.)*)"'
    r"|'(?P<single>(?:[^'\\]|\\.)*)'"
    r"|(?P<word>(?:\\.|\$\{[^}\s]*\}|[^\s{};\\])+|\\)",
    re.DOTALL,
)
_LUA = "_by_lua_block"
# a string that nothing closes ends with its line: asking for its end at each quote would take quadratic time
_LUA_TOKEN = re.compile(r"""--[^\n]*|"(?:[^"\\\n]|\\.)*"?|'(?:[^'\\\n]|\\.)*'?|[{}]""")


class Directive(t.NamedTuple):
    """`block`: what stands between its braces, None of a simple directive."""

    name: str
    words: tuple[str, ...]
    block: t.Optional[list[Directive]] = None

    @property
    def first(self) -> str:
        return self.words[0] if self.words else ""


def parse(text: str) -> list[Directive]:
    """The directives of a file; what is left open at its end ends there, and a brace too many is ignored."""
    top: list[Directive] = []
    open_blocks = [top]
    words: list[str] = []
    place = count = 0
    while place < len(text) and count < MOST_DIRECTIVES:
        found = _TOKEN.match(text, place)
        if found is None:
            place += 1
            continue
        place = found.end()
        kind = found.lastgroup
        if kind is None:
            continue
        if kind != "mark":
            words.append(_unescaped(found[kind]) if kind != "word" else found[kind])
            continue
        mark, count = found["mark"], count + 1
        if mark == "{" and words and words[0].endswith(_LUA):
            place = _after_lua(text, place)
        elif mark == "{":
            _open(open_blocks, words)
        elif mark == ";" and words:
            open_blocks[-1].append(Directive(words[0], tuple(words[1:])))
        elif mark == "}" and len(open_blocks) > 1:
            open_blocks.pop()
        words = []
    return top


def _open(open_blocks: list[list[Directive]], words: t.Sequence[str]) -> None:
    inner: list[Directive] = []
    if len(open_blocks) < MOST_DEPTH:
        open_blocks[-1].append(Directive(words[0] if words else "", tuple(words[1:]), inner))
    open_blocks.append(inner)


def _after_lua(text: str, place: int) -> int:
    """Lua's own braces are balanced; what it says is nobody's here."""
    depth = 1
    for found in _LUA_TOKEN.finditer(text, place):
        depth += {"{": 1, "}": -1}.get(found[0], 0)
        if not depth:
            return found.end()
    return len(text)


def _unescaped(text: str) -> str:
    return re.sub(r"\\([\"'\\])", r"\1", text)


def within(block: t.Iterable[Directive], *names: str) -> t.Iterator[Directive]:
    """Directives of these names in a block itself."""
    return (each for each in block if each.name in names)


def anywhere(block: t.Iterable[Directive], *names: str) -> t.Iterator[Directive]:
    """Directives of these names at any depth."""
    for each in block:
        if each.name in names:
            yield each
        if each.block:
            yield from anywhere(each.block, *names)
