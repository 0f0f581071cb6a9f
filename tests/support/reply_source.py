# Copyright (c) 2026, the warroom.launch authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a service answered, as a document that can be spoiled anywhere, and how its collector reads two of them."""

from __future__ import annotations

import itertools
import json
import pathlib
import typing as t

FIXTURES = pathlib.Path(__file__).resolve().parents[1] / "unit/fixtures"
Facts = dict[str, t.Any]
#: When everything recorded was answered, nearly.
NOW = 1795571125.0


class Source(t.NamedTuple):
    """One recording: two samples of it go to `read`, each spoiled on its own.

    `says_what`: keys of this service whose values say what a row is, or to which it belongs; they are no figures.
    """

    service: str
    name: str
    document: t.Any
    read: t.Callable[[t.Any, t.Any], Facts]
    says_what: frozenset[str] = frozenset()


class Clock:
    """In place of the module `time`: every look at the monotonic clock is a second later, and no sleep takes any time."""

    def __init__(self, now: float) -> None:
        self._seconds, self._now = itertools.count(1000.0), now

    def monotonic(self) -> float:
        return next(self._seconds)

    def time(self) -> float:
        return self._now

    def sleep(self, _seconds: float) -> None:
        """At once."""


def recorded(path: str) -> t.Any:
    return json.loads((FIXTURES / path).read_bytes())


def recorded_text(path: str) -> str:
    return (FIXTURES / path).read_text()


def written(document: t.Any) -> bytes:
    """A document as JSON, whatever it holds."""
    return json.dumps(document).encode("utf-8", "surrogatepass")


def part(document: t.Any, name: str) -> t.Any:
    """A part of a document that may not be what it was."""
    return document.get(name) if isinstance(document, dict) else None


def rows(value: t.Any) -> list[t.Any]:
    return value if isinstance(value, list) else []


def lines(value: t.Any, between: str = " ", end: str = "\n") -> str:
    """Rows of words as text."""
    words = [row if isinstance(row, list) else [row] for row in rows(value)]
    return "".join(f"{between.join(map(str, row))}{end}" for row in words)
