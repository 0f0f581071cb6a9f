# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What `model` gives to boards, the page and the callback, as types."""

from __future__ import annotations

import typing as t


class Column(t.TypedDict):
    """One column of the matrix."""

    name: str
    title: str


class Cell(t.TypedDict):
    """The worst status of a host's tier, and how many findings have it."""

    status: str
    count: int


class MatrixRow(t.TypedDict):
    """One host, or hosts that look the same."""

    label: str
    hosts: list[str]
    hosts_total: int
    cells: list[t.Optional[Cell]]
    rank: list[int]


class Matrix(t.TypedDict):
    """Tiers × hosts, the worst rows first."""

    columns: list[Column]
    rows: list[MatrixRow]
    hidden: int


class Entry(t.TypedDict):
    """Findings of the same kind."""

    status: str
    service: str
    check: str
    checks: list[str]
    place: str
    places: list[str]
    places_total: int
    question: t.Optional[str]
    finding: t.Optional[str]
    value: t.Optional[str]
    limit: t.Optional[str]
    trend: t.Optional[str]
    clears: t.Optional[str]
    advice: t.Optional[str]
    look: t.Optional[str]
    evidence: list[dict[str, t.Any]]


class ShownCause(t.TypedDict):
    """A cause, or causes that are alike, cleaned and cut to what is shown."""

    cause: str
    title: str
    tier: str
    hosts: list[str]
    hosts_total: int
    statement: t.Optional[str]
    first_sentence: str
    rest: str
    evidence: list[str]
    rows: list[dict[str, t.Any]]
    first_fix: t.Optional[str]
    avoid: t.Optional[str]
    look: t.Optional[str]
    #: From the visitors to the cause in one line; empty when it is not known.
    path: str
    #: What changed shortly before it began.
    changes: list[str]


class ShownRisk(t.TypedDict):
    """A latent risk, or some that are alike: a cause that nobody feels yet, in short."""

    cause: str
    title: str
    hosts: list[str]
    hosts_total: int
    statement: t.Optional[str]
    #: `since 13:02 by the stored rounds; server_disk: 88 %, rising`; empty when the store tells nothing.
    dated: str
    first_fix: t.Optional[str]
    look: t.Optional[str]


class ShownObstacle(t.TypedDict):
    """What stands between the check and a verdict, and the command that mends it."""

    sentence: str
    command: t.Optional[str]


class Gap(t.TypedDict):
    """What was accepted, by check and reason."""

    check: str
    reason: str
    status: str
    finding: str
    place: str
    places_total: int


class Model(t.TypedDict):
    """All that is shown."""

    verdict: str
    status: str
    headline: str
    about: str
    causes: list[ShownCause]
    causes_left: int
    risks: list[ShownRisk]
    #: What visitors get and where the time of a request goes, a sentence for each site.
    visitors: list[str]
    #: What changed lately, in words.
    changes: list[str]
    problem: t.Optional[str]
    obstacles: list[ShownObstacle]
    matrix: Matrix
    entries: list[Entry]
    entries_left: int
    accepted: list[Gap]
    counts: dict[str, int]


class LaunchLine(t.TypedDict):
    """A line of the list that is read out before the launch, one that is not fine."""

    status: str
    question: str
    said: str
    place: str


class LaunchGroup(t.TypedDict):
    """A topic of that list."""

    title: str
    #: The worst of its lines; `skipped` when these are fine and what it is about was not looked at.
    status: str
    fine: int
    #: How many are fine, in words.
    about: str
    lines: list[LaunchLine]
    left: int
    #: That what it is about was not named by the user, and where to name it; empty when it was.
    not_named: str
