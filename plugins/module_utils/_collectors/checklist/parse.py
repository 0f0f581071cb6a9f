# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lines that a person ticks: from the inventory, or from a Markdown file. Pure."""

from __future__ import annotations

import datetime
import re
import typing as t

from ..._collect.problem import Problem

#: Lines that are read.
MOST = 200
_LINE = re.compile(r"^[ \t]*[-*+] \[(?P<mark>[ xX])\] (?P<item>\S.{0,400})$", re.MULTILINE)
#: Who ticked it and when, at the end: `(Ada Lovelace, 2026-11-28)`.
_SIGNED = re.compile(r"^(?P<item>.*\S)\s+\((?P<by>[^()]{1,80}), *(?P<day>\d{4}-\d{2}-\d{2})\)\s*$")


class Line(t.NamedTuple):
    """One line of the list. Without a name and a day it is not done, whatever its mark says."""

    item: str
    ticked: bool
    by: str
    day: t.Optional[datetime.date]

    @property
    def done(self) -> bool:
        return self.ticked and bool(self.by) and self.day is not None


def of_markdown(text: str) -> list[Line]:
    """The task list of a Markdown file. Raises Problem for a file without any."""
    lines = []
    for found in _LINE.finditer(text):
        signed = _SIGNED.match(found["item"])
        item, by, day = (signed["item"], signed["by"].strip(), _day(signed["day"])) if signed else (found["item"].strip(), "", None)
        lines.append(Line(item, found["mark"] != " ", by, day))
    if not lines:
        raise Problem("the file holds no task list: write lines as `- [ ] what is to be done`")
    return lines[:MOST]


def of_inventory(entries: t.Sequence[t.Any]) -> list[Line]:
    """Entries as `{item, by, day}`; the name and the day are what ticks one. Raises Problem for another form."""
    lines = []
    for entry in entries[:MOST]:
        if not isinstance(entry, t.Mapping) or not str(entry.get("item") or "").strip() or set(entry) - {"item", "by", "day"}:
            raise Problem("give items as a list of dictionaries of item, and (once it is done) by and day")
        by, day = str(entry.get("by") or "").strip(), entry.get("day")
        lines.append(Line(str(entry["item"]).strip(), bool(by or day), by, _day(str(day)) if day else None))
    return lines


def _day(text: str) -> t.Optional[datetime.date]:
    try:
        return datetime.date.fromisoformat(text.strip()[:10])
    except ValueError:
        return None
