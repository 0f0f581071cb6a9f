# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A VSL query by the operator: matching transactions, counted by one tag's value."""

from __future__ import annotations

import re
import typing as t

from ..._collect.derived import share
from ..._collect.host_tools import HostTools
from ..._collect.problem import Problem
from ..._texts.redact import clean, url_pattern
from . import log
from .patterns import ranked
from .tally import unescaped

_TAG = re.compile(r"^(?P<tag>[A-Za-z_]+)(?::(?P<header>[A-Za-z0-9_-]+))?(?:\[\d{1,2}\])?$")
_PRIVATE = re.compile(r"cookie|auth|token|secret|session|csrf|password|api-?key", re.IGNORECASE)
_URLS = re.compile(r"^(ReqURL|BereqURL|\w+Header:(referer|location|content-location))", re.IGNORECASE)
_MOST_VALUES = 20_000


def check(query: str, group_by: str) -> None:
    """Raise a Problem for an invalid tag, or one whose values are private."""
    match = _TAG.match(group_by)
    if not query.strip():
        raise Problem("query is empty: write a VSL query, such as RespStatus >= 500")
    if match is None:
        raise Problem(f"group_by: {clean(group_by, 60)!r} is not a tag of the log; write ReqURL, RespStatus, RespHeader:Content-Type …")
    header = match["header"]
    if match["tag"].lower().endswith("header") and header is None:
        raise Problem(f"group_by: {group_by} needs the name of one header, such as {group_by}:Content-Type")
    if header is not None and _PRIVATE.search(header):
        raise Problem(f"group_by: values of {group_by} are private and are never shown")


class _Counts:
    """Values of the tag, bounded."""

    def __init__(self, show: t.Callable[[bytes], str]) -> None:
        self._show = show
        self.values: dict[bytes, int] = {}
        self.total = 0

    def feed(self, lines: list[bytes]) -> None:
        for line in lines:
            if line == b"-":
                continue  # the other side's half, or a transaction without this tag
            self.total += 1
            if line not in self.values and len(self.values) >= _MOST_VALUES:
                line = b"(other values)"
            self.values[line] = self.values.get(line, 0) + 1

    def shown(self) -> dict[str, int]:
        merged: dict[str, int] = {}
        for value, count in self.values.items():
            name = self._show(unescaped(value))
            merged[name] = merged.get(name, 0) + count
        return merged


def ask(tools: HostTools, instance: t.Optional[str], query: str, group_by: str, keep: int, seconds: float) -> dict[str, t.Any]:
    """{query, group_by, transactions, rows, rows_total}: the query's transactions in the log, by the tag's value."""
    check(query, group_by)
    counts = _Counts(url_pattern if _URLS.match(group_by) else lambda value: clean(value, 120) or "(empty)")
    # A query that matches nothing prints nothing: only the end of the log says that it is done.
    log.read(tools, instance, counts.feed, seconds, seconds, more=["-q", query], form="%{VSL:" + group_by + "}x")
    merged = counts.shown()
    rows = [{**row, "share": share(row["count"], counts.total, "no transaction")} for row in ranked(merged, keep)]
    return {"query": clean(query, 200), "group_by": group_by, "transactions": counts.total, "rows": rows, "rows_total": len(merged)}
