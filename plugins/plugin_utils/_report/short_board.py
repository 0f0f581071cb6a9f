# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The short board: what a terminal of 24 lines holds. The verdict whole, its causes, what to do first, and where the rest is."""

from __future__ import annotations

import dataclasses
import typing as t

from .._checks.catalogue import ANSWERS
from . import board
from .records import Entry, Model, ShownCause, ShownObstacle

#: A terminal's lines, less the prompt that follows.
ROOM = 23
#: Of a cause or an obstacle, so that a long sentence leaves room for the next.
MOST_OF_ONE = 6
#: Failures that come before the obstacles.
FIRST = 3
#: Lines of the obstacles without their commands.
BRIEF = 4


def lines(model: Model, width: int = 80, place: t.Optional[str] = None, room: int = ROOM) -> list[str]:
    """The board's lines, which take no more than `room` lines of a terminal. `place`: where the full report is."""
    width = max(width, board.NARROWEST)
    head = ["═" * width, *board.wrapped(model["headline"], width), *board.wrapped(model["about"], width)]
    entries = [entry for entry in model["entries"] if not _said_already(entry, model)]
    failures = [entry for entry in entries if entry["status"] == "fail"][:FIRST]
    first = [*_notes(model, width), *_causes(model["causes"], width), *(_finding(entry, width) for entry in failures)]
    obstacles, brief = list(_obstacles(model["obstacles"], width)), _brief(model["obstacles"], width)
    rest = [_finding(entry, width) for entry in entries if entry not in failures]
    hidden = model["causes_left"] + model["entries_left"]
    left = room - taken(head, width) - taken(_foot(place, 1, width), width)
    page = _Page(width, left)
    # what stands between the check and a verdict is said in any case, with its commands where there is room
    hidden += page.add(first, keep=taken(brief, width))
    if sum(taken(block, width) for block in obstacles) <= page.left:
        page.add(obstacles)
    else:
        page.add([brief])
    hidden += page.add([*rest, *(board.risk_lines(risk, width)[:MOST_OF_ONE] for risk in model["risks"])])
    return [*head, *page.lines, *_foot(place, hidden, width)]


@dataclasses.dataclass
class _Page:
    """Lines that have found room, and how much is left."""

    width: int
    left: int
    lines: list[str] = dataclasses.field(default_factory=list)

    def add(self, blocks: t.Sequence[list[str]], keep: int = 0) -> int:
        """Blocks as long as there is room, of which `keep` lines stay free; how many had none."""
        for place, block in enumerate(blocks):
            size = taken(block, self.width)
            if size > self.left - keep:
                return len(blocks) - place
            self.lines += block
            self.left -= size
        return 0


def taken(block: t.Sequence[str], width: int) -> int:
    """Lines of a terminal: one that is too long for it, a command, takes several."""
    return sum(max(1, -(-len(line) // width)) for line in block)


def _foot(place: t.Optional[str], hidden: int, width: int) -> list[str]:
    more = [f"… and {hidden} more in the report"] if hidden else []
    # a path is copied as a whole
    return [*more, *([f"Report: {place}"] if place else []), "═" * width]


def _said_already(entry: Entry, model: Model) -> bool:
    """Whether the obstacles say it, or a cause that names what does not answer."""
    if entry["status"] == "unknown":
        return bool(model["obstacles"])
    return entry["check"].endswith(ANSWERS) and any(cause["cause"] == "service_down" for cause in model["causes"])


def _notes(model: Model, width: int) -> list[list[str]]:
    return [board.wrapped(model["problem"], width, "! ", "  ")] if model["problem"] else []


def _causes(causes: t.Sequence[ShownCause], width: int) -> t.Iterator[list[str]]:
    for number, cause in enumerate(causes):
        where = ", ".join(cause["hosts"][:4]) + board.more(cause["hosts_total"] - min(4, len(cause["hosts"])))
        title = f"CAUSE {cause['cause']}{' on ' + where if where else ''}"
        # the headline says the first cause already
        block = board.wrapped(title if number == 0 else f"{title}: {_line(cause['statement'])}", width, "", "  ")
        if cause["changes"]:
            block += board.wrapped(f"shortly before: {cause['changes'][0]}", width, "  ", "    ")
        if cause["first_fix"]:
            block += board.wrapped(_line(cause["first_fix"]), width, "  → first: ", "    ")
        yield _bounded(block, cause["look"])


def _brief(obstacles: t.Sequence[ShownObstacle], width: int) -> list[str]:
    """The obstacles without their commands."""
    return board.wrapped("; ".join(obstacle["sentence"] for obstacle in obstacles), width, "? ", "  ")[:BRIEF] if obstacles else []


def _line(text: t.Optional[str]) -> str:
    """The first line: what follows is a snippet, for the report."""
    return (text or "").split("\n", 1)[0]


def _obstacles(obstacles: t.Sequence[ShownObstacle], width: int) -> t.Iterator[list[str]]:
    for obstacle in obstacles:
        yield _bounded(board.wrapped(obstacle["sentence"], width, "? ", "  "), obstacle["command"])


def _bounded(block: list[str], command: t.Optional[str]) -> list[str]:
    return [*block[:MOST_OF_ONE], *([f"  $ {command}"] if command else [])]


def _finding(entry: Entry, width: int) -> list[str]:
    word = board.WORDS["unknown"] if entry["status"] == "unknown" else board.WORDS[entry["status"]]
    place = entry["place"] + board.more(entry["places_total"] - 1)
    return board.wrapped(f"{word} {entry['check']} on {place}: {_line(entry['finding'])}", width, "", "  ")[:MOST_OF_ONE]
