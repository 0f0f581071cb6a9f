# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The drawing of the topology: where each box and line is, in pixels, and the same as a table. The template only writes it down."""

from __future__ import annotations

import collections
import dataclasses
import math
import typing as t
import unicodedata

from .._checks.units import shown
from .._judge.report import Report
from .graph_members import WAITING
from .graph_parts import HEADINGS, VISITORS, Box, BoxEdge, Lane, Parts, parts

WIDTH = 186  # of a box
NARROW = 92  # of the visitors' box
HEIGHT = 52
BADGE = 20  # what the mark of a cause adds to its height
APART = 14  # between boxes, downwards
GAP = 88  # between columns: room for the words on a line
MARGIN = 12
HEADING = 26
LANE_NAME = 30
LANES_APART = 18
CHANNEL = 18  # between lines that pass beneath a column
PADDING = 10  # in a box, left and right
WIDEST = 9.0  # of a line
TITLE_CHARACTER, SMALL_CHARACTER = 8.9, 7.2  # mean widths in the widest of the fonts of the style sheet
ROWS = 200  # of the table


@dataclasses.dataclass
class _Placed:
    """A box and where it is."""

    box: Box
    x: float
    y: float

    @property
    def width(self) -> float:
        return NARROW if self.box.column == VISITORS else WIDTH

    @property
    def height(self) -> float:
        return height_of(self.box)

    @property
    def middle(self) -> float:
        return self.y + self.height / 2


@dataclasses.dataclass
class _Line:
    """An edge and the points where it leaves and arrives; `beneath` is the height at which it passes other columns."""

    edge: BoxEdge
    source: _Placed
    target: _Placed
    start: float = 0.0
    end: float = 0.0
    beneath: t.Optional[float] = None


def drawing(report: Report, causes: t.Sequence[t.Sequence[t.Any]], panels: t.Collection[str]) -> t.Optional[dict[str, t.Any]]:
    """What the template needs; None without a topology."""
    made = parts(report, causes, panels)
    if made is None:
        return None
    columns = _columns(made.boxes)
    placed, lanes, bottom = _placed(made, columns)
    lines = _lines(made.edges, placed)
    width = max(x + (NARROW if column == VISITORS else WIDTH) for column, x in columns.items()) + MARGIN
    drawn = [made_line for line in lines if (made_line := _drawn_line(line)) is not None]
    _spread([line["label"] for line in drawn if line["label"]])
    return {
        "width": round(width),
        "height": round(bottom),
        "columns": len(columns),
        "headings": [{"x": x, "text": HEADINGS[column]} for column, x in columns.items() if HEADINGS[column]],
        "lanes": lanes,
        # lines that are waited on lie above the others
        "lines": sorted(drawn, key=lambda line: bool(line["waiting"])),
        "boxes": [_drawn_box(each) for each in placed.values()],
        "table": _table(made),
        "unknown": made.unknown,
        "notes": _notes(made),
        "summary": _summary(made),
    }


def height_of(box: Box) -> float:
    return HEIGHT + (BADGE if box.causes else 0)


# ---- where the boxes are ------------------------------------------------------------------------------------------


def _columns(boxes: t.Iterable[Box]) -> dict[int, float]:
    """Column → its left side; a column without boxes takes no room."""
    found: dict[int, float] = {}
    x: float = MARGIN
    for column in sorted({box.column for box in boxes}):
        found[column] = x
        x += (NARROW if column == VISITORS else WIDTH) + GAP
    return found


def _placed(made: Parts, columns: t.Mapping[int, float]) -> tuple[dict[int, _Placed], list[dict[str, t.Any]], float]:
    """id of a box → its place; the lanes; the height of all."""
    placed: dict[int, _Placed] = {}
    lanes: list[dict[str, t.Any]] = []
    y: float = HEADING
    for lane, name in made.lanes.items():
        stacks = _stacks(made, lane)
        top = y
        y += LANE_NAME if len(made.lanes) > 1 else 4
        tallest = max((_stack_height(stack) for stack in stacks.values()), default=0)
        for column, stack in stacks.items():
            at = y + (tallest - _stack_height(stack)) / 2
            for box in stack:
                placed[id(box)] = _Placed(box, columns[column], at)
                at += height_of(box) + APART
        passing = len({id(edge.target) for edge in made.edges if edge.source.lane == lane and _jumps(edge, stacks)})
        y += tallest + (CHANNEL * passing + APART if passing else 0)
        if len(made.lanes) > 1:
            y += PADDING
            lanes.append({"y": round(top), "height": round(y - top), "name": name, "text": fitted(name, 90, 1)})
            y += LANES_APART
    return placed, lanes, y + MARGIN - (LANES_APART if lanes else 0)


def _stacks(made: Parts, lane: Lane) -> dict[int, list[Box]]:
    found: dict[int, list[Box]] = collections.defaultdict(list)
    for box in made.boxes:
        if box.lane == lane:
            found[box.column].append(box)
    return found


def _stack_height(stack: t.Sequence[Box]) -> float:
    return sum(map(height_of, stack)) + APART * (len(stack) - 1)


def _jumps(edge: BoxEdge, columns: t.Collection[int]) -> bool:
    """Whether a column with boxes lies between its ends."""
    return any(edge.source.column < column < edge.target.column for column in columns)


# ---- where the lines are ------------------------------------------------------------------------------------------


def _lines(edges: t.Iterable[BoxEdge], placed: t.Mapping[int, _Placed]) -> list[_Line]:
    lines = [_Line(edge, placed[id(edge.source)], placed[id(edge.target)]) for edge in edges if edge.source is not edge.target]
    _beneath(lines, placed)
    leaving: dict[int, list[_Line]] = collections.defaultdict(list)
    arriving: dict[int, list[_Line]] = collections.defaultdict(list)
    for line in lines:
        leaving[id(line.edge.source)].append(line)
        arriving[id(line.edge.target)].append(line)
    for at_box in leaving.values():
        at_box.sort(key=lambda line: line.beneath or line.target.middle)
        for line, y in zip(at_box, _along(at_box[0].source, len(at_box)), strict=True):
            line.start = y
    for at_box in arriving.values():
        # a bundle arrives at one point
        sources = sorted({line.beneath or line.source.middle for line in at_box})
        at = dict(zip(sources, _along(at_box[0].target, len(sources)), strict=True))
        for line in at_box:
            line.end = at[line.beneath or line.source.middle]
    return lines


def _beneath(lines: t.Iterable[_Line], placed: t.Mapping[int, _Placed]) -> None:
    """Lines over several columns pass beneath the boxes between: those to one box as a bundle, at a height of its own."""
    stacks: dict[Lane, dict[int, float]] = collections.defaultdict(dict)
    for each in placed.values():
        of_lane = stacks[each.box.lane]
        of_lane[each.box.column] = max(of_lane.get(each.box.column, 0.0), each.y + each.height)
    bundles: dict[Lane, dict[int, float]] = collections.defaultdict(dict)
    for line in lines:
        lane = line.edge.source.lane
        if _jumps(line.edge, stacks[lane]):
            at = max(stacks[lane].values()) + APART + CHANNEL * len(bundles[lane])
            line.beneath = bundles[lane].setdefault(id(line.edge.target), at)


def _along(each: _Placed, count: int) -> list[float]:
    """Points on the side of a box, a small way apart."""
    step = min(16.0, (each.height - 14) / max(1, count - 1))
    return [each.middle + step * (at - (count - 1) / 2) for at in range(count)]


def _drawn_line(line: _Line) -> t.Optional[dict[str, t.Any]]:
    edge = line.edge
    width = line_width(edge.connections)
    head = max(5.0, width * 0.9)
    x1, y1 = line.source.x + line.source.width, line.start
    onward = line.target.x > line.source.x
    x2, y2 = line.target.x if onward else line.target.x + line.target.width, line.end
    tip = x2 - head if onward else x2 + head
    if not onward:  # back, or within a column: an arc beside it
        reach = max(x1, x2) + GAP * 0.55
        path = f"M{x1:.0f} {y1:.1f}C{reach:.0f} {y1:.1f} {reach:.0f} {y2:.1f} {tip:.1f} {y2:.1f}"
    elif line.beneath is not None:
        turn, back, y = x1 + GAP - 8, x2 - GAP + 8, line.beneath
        bend = (GAP - 8) / 2
        path = (
            f"M{x1:.0f} {y1:.1f}C{x1 + bend:.0f} {y1:.1f} {turn - bend:.0f} {y:.1f} {turn:.0f} {y:.1f}"
            f"L{back:.0f} {y:.1f}C{back + bend:.0f} {y:.1f} {tip - bend:.0f} {y2:.1f} {tip:.1f} {y2:.1f}"
        )
    else:
        bend = (x2 - x1) / 2
        path = f"M{x1:.0f} {y1:.1f}C{x1 + bend:.0f} {y1:.1f} {tip - bend:.0f} {y2:.1f} {tip:.1f} {y2:.1f}"
    side = -head if onward else head
    return {
        "path": path,
        "head": f"M{x2:.1f} {y2:.1f}l{side:.1f} {-head * 0.75:.1f}v{head * 1.5:.1f}z",
        "width": width,
        "waiting": edge.is_waiting,
        "counted": edge.connections is not None or edge.source.column == VISITORS,
        "text": _edge_text(edge),
        "label": _label(edge, x1, y1) if edge.is_waiting else None,
    }


def _label(edge: BoxEdge, x: float, y: float) -> dict[str, t.Any]:
    """Near the box that waits, where its lines are still apart."""
    text = f"{shown(edge.waits, 'ratio')} wait"
    return {"x": round(x + 4), "y": round(y), "width": round(_width(text) * SMALL_CHARACTER + 11), "text": text}


def line_width(connections: t.Optional[int]) -> float:
    """In pixels, by the logarithm: one connection and a thousand are both to be seen."""
    return 1.5 if not connections else round(min(WIDEST, 1.5 + 1.1 * math.log2(1 + connections) / 1.5), 1)


def _spread(labels: t.Sequence[dict[str, t.Any]]) -> None:
    """Move words that would lie on each other downwards."""
    taken: list[tuple[int, int]] = []
    for label in sorted(labels, key=lambda each: each["y"]):
        while any(abs(label["x"] - x) < 80 and abs(label["y"] - y) < 15 for x, y in taken):
            label["y"] += 5
        taken.append((label["x"], label["y"]))


# ---- words --------------------------------------------------------------------------------------------------------


def fitted(text: str, width: float, character: float) -> str:
    """The text, cut in its middle when it is wider than `width`: names differ at their ends as often as at their starts."""
    most = int(width / character)
    if _width(text) <= most:
        return text
    head = _cut(text, most * 6 // 10)
    tail = _cut(text[::-1], most - _width(head) - 1)[::-1]
    return f"{head}…{tail}"


def _cut(text: str, most: int) -> str:
    while text and _width(text) > most:
        text = text[:-1]
    return text


def _width(text: str) -> int:
    """In mean characters: those of East Asian scripts are two wide."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


_WORDS = {"fail": "✖ fail", "unknown": "? unknown", "warn": "▲ warn", "ok": "✔ ok", "skipped": "– n/a"}


def _drawn_box(each: _Placed) -> dict[str, t.Any]:
    box = each.box
    status = _WORDS[box.status] if box.status else ""
    if box.status and len(box.members) > box.status_count:
        sign, _blank, word = status.partition(" ")
        status = f"{sign} {box.status_count} {word}"
    inner = each.width - 2 * PADDING
    room = inner - (_width(status) + 1) * SMALL_CHARACTER if status else inner
    return {
        "x": round(each.x),
        "y": round(each.y, 1),
        "width": each.width,
        "height": each.height,
        "column": box.column,
        "status": box.status or "none",
        "title": fitted(box.title, inner, TITLE_CHARACTER),
        "subtitle": fitted(box.subtitle, room, SMALL_CHARACTER),
        "status_text": status,
        "cause": _causes(box),
        "incomplete": box.incomplete,
        "link": box.link,
        "description": _description(box),
    }


def _causes(box: Box) -> str:
    return "" if not box.causes else f"Cause {', '.join(map(str, box.causes))}"


def _description(box: Box) -> str:
    status = "" if box.status is None else f": {box.status if box.status != 'skipped' else 'not judged'}"
    if len(box.members) > 1 and status:
        status = f"{status}{'' if box.status_count == len(box.members) else f' ({box.status_count} of {len(box.members)})'}"
    more = "; may talk to more than is drawn" if box.incomplete else ""
    return f"{box.description}{status}{f'; {_causes(box).lower()}' if box.causes else ''}{more}"


def _name(box: Box) -> str:
    """In the table: what the box says."""
    return box.title if box.column == VISITORS else f"{box.title} ({box.subtitle})"


def _edge_text(edge: BoxEdge) -> str:
    said = f"{_name(edge.source)} → {_name(edge.target)}"
    if edge.source.column == VISITORS:
        return said
    counted = "connections not counted" if edge.connections is None else f"{shown(edge.connections)} connections"
    return f"{said}: {counted}" + ("" if edge.waits is None else f", {shown(edge.waits, 'ratio')} of the looks at busy workers wait here")


def _table(made: Parts) -> dict[str, t.Any]:
    """The lines as rows; boxes without any, too."""
    several = len(made.lanes) > 1
    rows = []
    for edge in sorted(made.edges, key=lambda edge: (not edge.is_waiting, edge.source.column)):
        waits = "not looked at" if edge.waits is None else shown(edge.waits, "ratio")
        if edge.source.column == VISITORS:
            rows.append((edge.source, [_name(edge.source), _name(edge.target), "not counted", "not looked at"]))
        else:
            counted = "not counted" if edge.connections is None else shown(edge.connections)
            rows.append((edge.source, [_name(edge.source), _name(edge.target), counted, waits]))
    joined = {id(box) for edge in made.edges for box in (edge.source, edge.target)}
    rows += [(box, [_name(box), "no connection seen", "", ""]) for box in made.boxes if id(box) not in joined]
    titles = (["site"] if several else []) + ["from", "to", "connections", "waits"]
    return {
        "columns": [{"title": title, "number": title in ("connections", "waits"), "code": False} for title in titles],
        "rows": [([made.lanes[box.lane]] if several else []) + cells for box, cells in rows[:ROWS]],
        "left": max(0, len(rows) - ROWS),
        "downwards": False,
    }


def _notes(made: Parts) -> list[str]:
    """What the signs that occur mean."""
    counted = [edge for edge in made.edges if edge.source.column != VISITORS]
    notes = []
    if any(edge.connections is not None for edge in counted):
        notes.append("The wider a line, the more connections.")
    if any(edge.connections is None for edge in counted):
        notes.append("Dashed line: connections not counted.")
    if any(edge.is_waiting for edge in counted):
        notes.append(f"Red line: at least {WAITING:.0%} of the looks at busy workers found them waiting there.".replace("%", " %"))
    if any(box.incomplete for box in made.boxes):
        notes.append("Dashed box: may talk to more than is drawn.")
    return notes


def _summary(made: Parts) -> str:
    """The drawing in a sentence."""
    instances = sum(len(box.members) for box in made.boxes)
    sites = sum(isinstance(lane, int) for lane in made.lanes)
    waiting = [f"{_name(edge.source)} waits for {_name(edge.target)}" for edge in made.edges if edge.is_waiting]
    what = f"{shown(instances)} {'instance' if instances == 1 else 'instances'}" + (f" in {sites} sites" if sites > 1 else "")
    return f"Who talks to whom: {what}" + (f"; {'; '.join(waiting[:5])}" if waiting else "")
