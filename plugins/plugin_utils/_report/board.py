# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The board: the verdict as plain text for a terminal of any width."""

from __future__ import annotations

import dataclasses
import textwrap
import typing as t

from .records import Cell, Entry, Matrix, Model, ShownCause, ShownObstacle, ShownRisk
from .snippets import is_statement

WORDS = {"fail": "FAIL", "unknown": "?", "warn": "WARN", "ok": "ok", "skipped": "–", "accepted": "acc"}
ARROWS = {"rising": "↑", "falling": "↓", "steady": "→"}
NARROWEST = 40


def lines(model: Model, width: int = 100) -> list[str]:
    """The board's lines, none longer than `width` except commands and snippets, which are not wrapped so that they can be copied."""
    width = max(width, NARROWEST)
    result = ["═" * width, *wrapped(model["headline"], width), *wrapped(model["about"], width), "═" * width]
    if model["problem"]:
        result += wrapped(model["problem"], width, "! ")
    result += obstacle_lines(model["obstacles"], width)
    for cause in model["causes"]:
        result += ["", *cause_lines(cause, width)]
    if model["causes_left"]:
        result += ["", f"… and {model['causes_left']} more causes: see the report"]
    if model["risks"]:
        result += ["", *(line for risk in model["risks"] for line in risk_lines(risk, width))]
    result += visitor_lines(model["visitors"], width)
    if model["changes"]:
        result += ["", "What changed lately:", *(line for said in model["changes"] for line in wrapped(said, width, "  · ", "    "))]
    result += ["", *matrix_lines(model["matrix"], width)]
    for number, entry in enumerate(model["entries"], 1):
        result += ["", *entry_lines(entry, number, width)]
    if model["entries_left"]:
        result += ["", f"… and {model['entries_left']} more kinds of findings: see the report"]
    if model["accepted"]:
        result += ["", "Known gaps, accepted and not counted:"]
        for gap in model["accepted"]:
            where = gap["place"] + more(gap["places_total"] - 1)
            result += wrapped(f"{gap['check']} ({where}): {gap['finding']} Accepted: {gap['reason']}", width, "  ", "    ")
    return result


def obstacle_lines(obstacles: t.Sequence[ShownObstacle], width: int) -> list[str]:
    """What stands between the check and a verdict, in the order in which to mend it."""
    if not obstacles:
        return []
    result = ["", *wrapped("What stands between this and a verdict:", width)]
    for number, obstacle in enumerate(obstacles, 1):
        result += wrapped(obstacle["sentence"], width, f"  {number}. ", "     ")
        if obstacle["command"]:
            result.append(f"     $ {obstacle['command']}")
    return result


def cause_lines(cause: ShownCause, width: int) -> list[str]:
    where = ", ".join(cause["hosts"]) + more(cause["hosts_total"] - len(cause["hosts"]))
    result = wrapped(f"CAUSE {cause['cause']}{' on ' + where if where else ''}", width)
    result += wrapped(cause["statement"], width, "  ")
    if cause["path"]:
        result += wrapped(cause["path"], width, "  visitors → ", "    ")
    for sentence in cause["evidence"]:
        result += wrapped(sentence, width, "  · ", "    ")
    if cause["changes"]:
        result += wrapped(f"Shortly before: {'; '.join(cause['changes'])}", width, "  ", "    ")
    if cause["first_fix"]:
        result += wrapped(cause["first_fix"], width, "  → first: ", "    ")
    if cause["avoid"]:
        result += wrapped(cause["avoid"], width, "  ✗ avoid: ", "    ")
    if cause["look"]:
        result.append(f"  $ {cause['look']}")
    return result


def visitor_lines(sentences: t.Sequence[str], width: int) -> list[str]:
    return ["", *(line for said in sentences for line in wrapped(said, width, "", "  "))] if sentences else []


def risk_lines(risk: ShownRisk, width: int) -> list[str]:
    """What nobody feels yet, in short: the report has the rest."""
    where = ", ".join(risk["hosts"]) + more(risk["hosts_total"] - len(risk["hosts"]))
    result = wrapped(f"LATENT RISK {risk['cause']}{' on ' + where if where else ''}: {risk['statement']}", width, "", "  ")
    result += wrapped("Visitors are well: nobody feels it yet" + (f" ({risk['dated']})." if risk["dated"] else "."), width, "  ")
    if risk["first_fix"]:
        result += wrapped(risk["first_fix"], width, "  → in time: ", "    ")
    if risk["look"]:
        result.append(f"  $ {risk['look']}")
    return result


@dataclasses.dataclass(frozen=True)
class Layout:
    """The layout of the matrix: headings and labels cut to fit, and the width of every column."""

    heads: list[str]
    sizes: list[int]
    labels: list[str]
    label_size: int


def layout(matrix: Matrix, width: int) -> Layout:
    """In a narrow terminal, shorten the names of the tiers before those of the hosts."""
    heads = [column["name"] for column in matrix["columns"]]
    table = [[cell_text(cell) for cell in row["cells"]] for row in matrix["rows"]]
    label = max((len(row["label"]) for row in matrix["rows"]), default=0)
    for longest in (12, 7, 5):
        heads = [head[:longest] for head in heads]
        sizes = [max([len(head), *(len(line[at]) for line in table)]) for at, head in enumerate(heads)]
        left_over = width - sum(size + 2 for size in sizes)
        if left_over >= min(label, 14):
            break
    label = max(min(label, left_over), 8)
    names = [row["label"] if len(row["label"]) <= label else row["label"][: label - 1] + "…" for row in matrix["rows"]]
    return Layout(heads, sizes, names, label)


def matrix_lines(matrix: Matrix, width: int) -> list[str]:
    """Tiers × hosts."""
    form = layout(matrix, width)
    result = ["".join([" " * form.label_size, *("  " + head.ljust(size) for head, size in zip(form.heads, form.sizes))]).rstrip()]
    for row, name in zip(matrix["rows"], form.labels):
        cells = ["  " + cell_text(cell).ljust(size) for cell, size in zip(row["cells"], form.sizes)]
        result.append("".join([name.ljust(form.label_size), *cells]).rstrip())
    if matrix["hidden"]:
        result.append(f"… and {matrix['hidden']} more hosts")
    return result


def cell_text(cell: t.Optional[Cell]) -> str:
    if cell is None:
        return "·"
    word = WORDS[cell["status"]]
    return f"{word} {cell['count']}" if cell["status"] in ("fail", "unknown", "warn", "accepted") else word


def entry_lines(entry: Entry, number: int, width: int) -> list[str]:
    result = wrapped(entry_title(entry, number), width)
    if entry["question"] and entry["status"] != "unknown":
        result += wrapped(entry["question"], width, "  ")
    result += wrapped(entry["finding"], width, "  ")
    numbers = entry_numbers(entry)
    if numbers:
        result += wrapped(numbers, width, "  ")
    if entry["advice"]:
        result += wrapped(entry["advice"], width, "  → ", "    ")
    if entry["look"]:
        result.append(f"  $ {entry['look']}")
    return result


def entry_title(entry: Entry, number: int) -> str:
    status = "UNKNOWN" if entry["status"] == "unknown" else WORDS[entry["status"]]
    checks = ", ".join(entry["checks"][:4]) + more(len(entry["checks"]) - 4)
    return f"{number}. {status}  {checks}  on {entry['place']}{more(entry['places_total'] - 1)}"


def entry_numbers(entry: Entry) -> t.Optional[str]:
    """The number and the limit it crossed: `97 % ↓ (limit: >= 95 %), within it in 4 min at this pace`."""
    if entry["status"] == "unknown" or entry["value"] is None:
        return None
    arrow = f" {ARROWS[entry['trend']]}" if entry["trend"] in ARROWS else ""
    clears = f", within it in {entry['clears']} at this pace" if entry["clears"] else ""
    return f"{entry['value']}{arrow}" + (f" (limit: {entry['limit']}){clears}" if entry["limit"] else "")


def more(count: int) -> str:
    return f" and {count} more" if count > 0 else ""


def wrapped(text: t.Optional[str], width: int, first: str = "", rest: t.Optional[str] = None) -> list[str]:
    """Wrapped lines. A statement to copy is not wrapped, nor is a text of several lines of which some are indented: a snippet."""
    rest = first if rest is None else rest
    parts = (text or "").split("\n")
    if len(parts) > 1 and any(part.startswith(" ") for part in parts):
        return [(rest if at else first) + part for at, part in enumerate(parts)]
    result: list[str] = []
    for part in parts:
        lead = rest if result else first
        if is_statement(part):
            result.append(lead + part)
            continue
        result += textwrap.wrap(part, width, initial_indent=lead, subsequent_indent=rest, break_long_words=True, break_on_hyphens=False)
    return result
