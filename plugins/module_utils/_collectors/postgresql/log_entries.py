# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The statements that the lines of a server's log say failed, each with the server's message. Nothing else of the lines is kept.

A line of text says its kind in the server's language, and the statement follows it: `STATEMENT:  SELECT …`, `ANWEISUNG:  SELECT …`.
A statement that was only logged has another word before it: `LOG:  statement: SELECT …`. Further lines of an entry begin with a tab.
"""

from __future__ import annotations

import collections
import csv
import io
import json
import re
import typing as t

from .log_prefix import LABEL, LinePrefix

#: SQLSTATE of a table and a column that are not there.
UNDEFINED = ("42P01", "42703")
#: Characters of an entry, and of a message, that are looked at; lines of an entry before its statement (ERROR, DETAIL, HINT, CONTEXT).
MOST_TEXT, MOST_MESSAGE, MOST_BEFORE = 20_000, 1000, 5
#: Where a client is that came over a UNIX socket.
LOCAL = "local"

_BEGINS = re.compile(r"\A(?:(?:SELECT|INSERT|UPDATE|DELETE|WITH|MERGE|DECLARE)\b|/\*|--|\()", re.IGNORECASE)
_CSV_BEGINS = re.compile(r"\A\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} ")
#: Columns of csvlog, the same since PostgreSQL 9.0.
_USER, _DATABASE, _FROM, _SESSION, _STATE, _MESSAGE, _INTERNAL, _QUERY, _APPLICATION = 1, 2, 4, 3, 12, 13, 16, 19, 22


class Failed(t.NamedTuple):
    """A statement, the message of the error and whose it was. None: the log does not report it; "": there is none."""

    text: str
    message: str
    database: t.Optional[str] = None
    user: t.Optional[str] = None
    application: t.Optional[str] = None
    address: t.Optional[str] = None
    session: t.Optional[str] = None
    #: Of the text what may be shown, where that is not all of it.
    shown: t.Optional[str] = None


def of_text(lines: t.Iterable[str], prefix: LinePrefix) -> t.Iterator[Failed]:
    before: collections.deque[str] = collections.deque(maxlen=MOST_BEFORE)
    for entry in _joined(lines, lambda line: not line.startswith("\t")):
        labelled = entry.split(LABEL, prefix.labels + 1)
        said = labelled[-1] if len(labelled) == prefix.labels + 2 else ""
        statement = said.lstrip()
        if _BEGINS.match(statement):
            told = prefix.read(LABEL.join(labelled[:-1]))
            # what a program of the server's (archive_command) prints may look like further lines
            first, further, _rest = statement.partition("\n")
            shown = f"{first} …" if further else first
            yield Failed(statement, "\n".join(before), **{**told, **_address(told.get("address"))}, shown=shown)
            before.clear()
        elif said:
            before.append(said[:MOST_MESSAGE])


def of_csv(lines: t.Iterable[str]) -> t.Iterator[Failed]:
    for entry in _joined(lines, lambda line: _CSV_BEGINS.match(line) is not None):
        fields = _fields(entry) if any(f",{state}," in entry for state in UNDEFINED) else []
        if len(fields) > _QUERY and fields[_STATE] in UNDEFINED:
            yield Failed(
                fields[_INTERNAL] or fields[_QUERY],
                fields[_MESSAGE][:MOST_MESSAGE],
                fields[_DATABASE],
                fields[_USER],
                fields[_APPLICATION] if len(fields) > _APPLICATION else None,
                **_address(fields[_FROM].rpartition(":")[0] or fields[_FROM]),
                session=fields[_SESSION],
            )


def of_json(lines: t.Iterable[str]) -> t.Iterator[Failed]:
    for line in lines:
        if not any(f'"{state}"' in line for state in UNDEFINED):
            continue
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(entry, dict) and entry.get("state_code") in UNDEFINED:
            said = {name: str(value)[:MOST_TEXT] for name, value in entry.items() if isinstance(value, (str, int))}
            yield Failed(
                said.get("internal_query") or said.get("statement", ""),
                said.get("message", "")[:MOST_MESSAGE],
                said.get("dbname", ""),
                said.get("user", ""),
                said.get("application_name", ""),
                **_address(said.get("remote_host")),
                session=said.get("pid"),
            )


def _address(value: t.Optional[str]) -> dict[str, t.Optional[str]]:
    return {"address": LOCAL if value == "[local]" else value or None}


def _joined(lines: t.Iterable[str], begins: t.Callable[[str], bool]) -> t.Iterator[str]:
    """Whole entries. What comes before the first beginning is the end of one that was cut off."""
    entry: list[str] = []
    size = 0
    for line in lines:
        if begins(line):
            if entry:
                yield "\n".join(entry)
            entry, size = [line[:MOST_TEXT]], len(line)
        elif entry and size < MOST_TEXT:
            entry.append(line[:MOST_TEXT].removeprefix("\t"))
            size += len(line)
    if entry:
        yield "\n".join(entry)


def _fields(entry: str) -> list[str]:
    """Of the one record of csvlog that the text is; none of what is no such record: a line of a text may look like the beginning of one,
    but each of its quotes is two."""
    try:
        return next(csv.reader(io.StringIO(entry.replace("\0", " "), newline=""), strict=True), [])
    except csv.Error:
        return []
