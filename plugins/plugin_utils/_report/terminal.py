# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The board in colour, for a terminal: the same model and words as the plain one; no text is interpreted as markup."""

from __future__ import annotations

import io
import itertools
import typing as t

try:
    from rich import box
    from rich.console import Console, Group, RenderableType
    from rich.padding import Padding
    from rich.panel import Panel
    from rich.rule import Rule
    from rich.table import Table
    from rich.text import Text
except ImportError:  # the plain board says the same
    Console = None  # type: ignore[assignment,misc]

from . import board
from .board import more
from .records import Entry, Matrix, Model, ShownCause
from .snippets import is_statement

COLOURS = {
    "fail": "bold red",
    "unknown": "bold magenta",
    "warn": "bold yellow",
    "ok": "green",
    "skipped": "bright_black",
    "accepted": "bright_black",
}


def coloured(model: Model, width: int) -> str:
    """The board with the terminal's colours; the plain one where rich is not installed."""
    if Console is None:
        return "\n".join(board.lines(model, width))
    out = io.StringIO()
    console = Console(
        file=out, force_terminal=True, color_system="standard", width=max(width, board.NARROWEST), highlight=False, emoji=False
    )
    for part in _parts(model, console.width):
        # what is copied stands alone: inside a frame it would be cut at the right edge
        console.print(part, soft_wrap=_is_copied(part))
    return out.getvalue().rstrip("\n")


def _parts(model: Model, width: int) -> t.Iterator[RenderableType]:
    word, _colon, rest = model["headline"].partition(": ")
    colour = COLOURS[model["status"]]
    head = Text.assemble((word, colour), ("  " + rest if rest else "", "bold"), "\n", (model["about"], "bright_black"))
    yield Panel(head, border_style=colour, box=box.HEAVY)
    if model["problem"]:
        yield Text(model["problem"], "red")
    for line in board.obstacle_lines(model["obstacles"], width):
        yield Text(line, "" if line.lstrip().startswith("$ ") else "bold magenta", no_wrap=True, overflow="ignore")
    for cause in model["causes"]:
        yield Text("")
        yield Rule(Text(cause["cause"], "bold red"), align="left", style="red")
        yield from _indented(_cause(cause), 2)
    if model["causes_left"]:
        yield Text(f"… and {model['causes_left']} more causes: see the report")
    yield from _risks(model, width)
    yield from (Text(f"\n{said}") for said in model["visitors"])
    yield _matrix(model["matrix"], width)
    for number, entry in enumerate(model["entries"], 1):
        yield from _entry(entry, number)
    if model["entries_left"]:
        yield Text(f"\n… and {model['entries_left']} more kinds of findings: see the report")
    if model["accepted"]:
        yield Text("\nKnown gaps, accepted and not counted:", "bright_black")
        for gap in model["accepted"]:
            where = gap["place"] + more(gap["places_total"] - 1)
            yield Padding(Text(f"{gap['check']} ({where}): {gap['finding']} Accepted: {gap['reason']}", "bright_black"), (0, 0, 0, 2))


def _risks(model: Model, width: int) -> t.Iterator[RenderableType]:
    for risk in model["risks"]:
        yield Text("")
        for line in board.risk_lines(risk, width):
            copied = line.lstrip().startswith("$ ")
            yield Text(line, "cyan" if copied else "yellow", no_wrap=copied, overflow="ignore" if copied else None)


def _is_copied(part: RenderableType) -> bool:
    """A command or statement: a text that the terminal is left to wrap, so that it is copied as one line."""
    return isinstance(part, Text) and bool(part.no_wrap) and part.overflow == "ignore"


def _indented(parts: t.Iterable[RenderableType], left: int) -> t.Iterator[RenderableType]:
    for part in parts:
        copied = _is_copied(part)
        yield (
            Text(" " * left, no_wrap=True, overflow="ignore").append_text(t.cast(Text, part)) if copied else Padding(part, (0, 0, 0, left))
        )


def _cause(cause: ShownCause) -> list[RenderableType]:
    rows: list[RenderableType] = [Text(cause["statement"] or "", "bold")]
    where = ", ".join(cause["hosts"]) + more(cause["hosts_total"] - len(cause["hosts"]))
    if where:
        rows.append(Text(f"on {where}", "bright_black"))
    if cause["path"]:
        rows.append(Text(f"visitors → {cause['path']}", "bright_black"))
    rows += [_hanging("·", sentence) for sentence in cause["evidence"]]
    if cause["first_fix"]:
        rows += _advice("→", cause["first_fix"], "bold green", "first: ")
    if cause["avoid"]:
        rows.append(_hanging("✗", cause["avoid"], "bold red", "avoid: "))
    if cause["look"]:
        rows.append(_command(cause["look"]))
    return rows


def _advice(sign: str, text: str, style: str, lead: str = "") -> list[RenderableType]:
    """Prose hangs from its sign; a statement to copy is a line of its own, which the terminal may wrap."""
    rows: list[RenderableType] = []
    for copied, lines in itertools.groupby(text.split("\n"), is_statement):
        if copied:
            rows += [Text.assemble("  ", (line, "cyan"), no_wrap=True, overflow="ignore") for line in lines]
        else:
            rows.append(_hanging(" " if rows else sign, "\n".join(lines), style, "" if rows else lead))
    return rows


def _hanging(sign: str, text: str, style: str = "", lead: str = "") -> RenderableType:
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(width=1)
    grid.add_column(overflow="fold")
    grid.add_row(Text(sign, style), Text.assemble((lead, style), text))
    return grid


def _command(text: str) -> RenderableType:
    # left to the terminal to wrap, so that it is copied as one line
    return Text.assemble(("$ ", "bright_black"), (text, "cyan"), no_wrap=True, overflow="ignore")


def _matrix(matrix: Matrix, width: int) -> RenderableType:
    form = board.layout(matrix, width)
    heads = "".join("  " + head.ljust(size) for head, size in zip(form.heads, form.sizes))
    rows = [Text("\n" + " " * form.label_size + heads, "bold", no_wrap=True, overflow="crop")]
    for row, name in zip(matrix["rows"], form.labels):
        cells = [
            (f"  {board.cell_text(cell):<{size}}", COLOURS[cell["status"]] if cell else "bright_black")
            for cell, size in zip(row["cells"], form.sizes)
        ]
        rows.append(Text.assemble(name.ljust(form.label_size), *cells, no_wrap=True, overflow="crop"))
    if matrix["hidden"]:
        rows.append(Text(f"… and {matrix['hidden']} more hosts"))
    return Group(*rows)


def _entry(entry: Entry, number: int) -> t.Iterator[RenderableType]:
    colour = COLOURS[entry["status"]]
    first, _dot, title = board.entry_title(entry, number).partition(". ")
    status, _space, rest = title.partition("  ")
    yield Text.assemble(f"\n{first}. ", (status, colour), "  ", (rest, "bold"))
    body: list[RenderableType] = []
    if entry["question"] and entry["status"] != "unknown":
        body.append(Text(entry["question"], "italic"))
    body.append(Text(entry["finding"] or ""))
    numbers = board.entry_numbers(entry)
    if numbers:
        value, _paren, limit = numbers.partition(" (limit")
        body.append(Text.assemble((value, colour), (" (limit" + limit if limit else "", "bright_black")))
    if entry["advice"]:
        body += _advice("→", entry["advice"], "bold green")
    if entry["look"]:
        body.append(_command(entry["look"]))
    yield from _indented(body, 3)
