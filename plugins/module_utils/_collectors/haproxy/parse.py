# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parse: what HAProxy's stats socket and page say, as plain rows. Its forms differ by version, the names of its fields do not."""

from __future__ import annotations

import csv

from ..._collect.problem import Problem
from ..._collect.sampling import count, number
from ..._texts.plain import text

#: Letters of `show stat typed` → the numbers of its CSV form.
_KINDS = {"F": "0", "B": "1", "S": "2", "L": "3"}
FRONTEND, BACKEND, SERVER = "0", "1", "2"
#: More rows than any configuration has, and longer values than any that is read.
MOST_ROWS, LONGEST = 20_000, 400
#: What is read as text. All else that is a number is a count: whole and not below 0.
_TEXTS = frozenset({"Version", "pxname", "svname", "type", "status", "check_status", "addr", "mode", "algo"})
INCOMPLETE = "the statistics of HAProxy are not complete: ask again"
#: In place of a number that no counter can have: it is there, and cannot be read.
UNREADABLE = "unreadable"

Row = dict[str, str]


def _value(name: str, told: str) -> str:
    is_read = name in _TEXTS or number(told) is None or count(told) is not None
    return told[:LONGEST] if is_read else UNREADABLE


def _lines(answer: str) -> list[str]:
    """HAProxy ends a line in one way only: what Python takes for others may be in an answer of a server's health check."""
    return [line.rstrip("\r") for line in answer.split("\n")]


def info(answer: bytes) -> Row:
    """`show info` (`Name: value`) or `show info typed` (`1.Version.1:POS:str:2.6.12`)."""
    found: Row = {}
    for line in _lines(text(answer)):
        head, colon, rest = line.partition(":")
        words = head.split(".")
        if colon and len(words) == 3 and words[0].isdigit():
            parts = rest.split(":", 2)
            if len(parts) == 3:
                found[words[1]] = _value(words[1], parts[2])
        elif colon and "." not in head:
            found[head.strip()] = _value(head.strip(), rest.strip())
    if "Version" not in found and "Uptime_sec" not in found:
        raise Problem("what answers there does not answer as HAProxy does: is it another service's socket?")
    return found


def stat(answer: bytes) -> list[Row]:
    """`show stat typed` or the CSV of `show stat` and of the page."""
    lines = text(answer).lstrip()
    rows = _comma_separated(lines) if lines.startswith("# ") else _typed(lines)
    if not any("pxname" in row and "type" in row for row in rows):
        raise Problem("what answers there is no statistics of HAProxy: is it another service's socket or page?")
    return [row for row in rows if "pxname" in row and "type" in row]


def _typed(lines: str) -> list[Row]:
    """`S.3.1.17.status.1:SOS:str:UP`: kind, proxy, server, place, name and process; tags, type and value."""
    rows: dict[tuple[str, str, str], Row] = {}
    for line in _lines(lines):
        head, _colon, rest = line.partition(":")
        words, parts = head.split("."), rest.split(":", 2)
        if len(words) != 6 or words[0] not in _KINDS or len(parts) != 3:
            continue
        key = (words[0], words[1], words[2])
        if key not in rows:
            if len(rows) >= MOST_ROWS:
                break
            rows[key] = {"type": _KINDS[words[0]]}
        rows[key].setdefault(words[4], _value(words[4], parts[2]))
    return list(rows.values())


def _comma_separated(lines: str) -> list[Row]:
    header, _newline, body = lines[2:].partition("\n")
    told = header.rstrip("\r").split(",")
    names = [name.strip() for name in told if name.strip()]
    rows: list[Row] = []
    try:
        for values in csv.reader(_lines(body)):
            if len(rows) >= MOST_ROWS:
                break
            if values:
                rows.append(_row(names, values, len(told)))
    except csv.Error:
        raise Problem(INCOMPLETE) from None
    if body and not body.endswith("\n") and len(rows) < MOST_ROWS:
        raise Problem(INCOMPLETE)
    return rows


def _row(names: list[str], values: list[str], columns: int) -> Row:
    """A row as its header says. One of another length has its values in wrong columns: only whose it is can be told."""
    if len(values) == columns:
        return {name: _value(name, value) for name, value in zip(names, values) if value != ""}
    kind = {"FRONTEND": FRONTEND, "BACKEND": BACKEND}.get(values[1] if len(values) > 1 else "", SERVER)
    return {"pxname": values[0][:LONGEST], "svname": values[1][:LONGEST], "type": kind} if len(values) > 1 else {}
