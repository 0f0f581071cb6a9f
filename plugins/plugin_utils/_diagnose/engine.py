# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Causes over the whole fleet: every rule, then the deepest cause first and its consequences as its evidence.

Each rule is guarded by itself: one that raises costs its own cause and is named, all others stand.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .._checks.finding import Finding
from .._fleet.graph import Graph
from .._fleet.growth import Growths
from .._fleet.nodes import Key
from .._fleet.observed import Data
from .._fleet.paths import shown
from .._reach.hosts import NOWHERE, Reach
from .cause import Cause, Diagnosis, Evidence, LatentRisk
from .cause_kind import CauseKind
from .causes import CAUSES, ORDER, explains
from .explainers import Explainers
from .extent import apart, around, extent_of, keys_of, path_of
from .felt import Visitors
from .fleet_view import Fleet
from .nearby import Nearby
from .refs import Refs

#: Findings that a latent risk lists.
MOST_FINDINGS = 10


@dataclasses.dataclass
class Search:
    """What the rules named, and what went wrong with any of them: cause → why."""

    diagnoses: list[Diagnosis] = dataclasses.field(default_factory=list)
    failures: dict[str, str] = dataclasses.field(default_factory=dict)
    #: What nobody feels yet.
    latent: list[LatentRisk] = dataclasses.field(default_factory=list)

    def blame(self, cause: str, error: Exception) -> None:
        self.failures.setdefault(cause, f"{type(error).__name__}: {error}")


def diagnose(
    hosts: Data,
    findings: t.Sequence[Finding],
    inventory: Data,
    reach: Reach = NOWHERE,
    graph: t.Optional[Graph] = None,
    growing: t.Optional[Growths] = None,
) -> Search:
    """The causes, deepest first.

    `hosts`: name → {facts, tiers, reached, addresses, groups, known_clients}, and `fleet` → {facts: what exists once};
    `inventory`: {groups: {name: hosts}, addresses: {host of the inventory, asked or not: [its names and addresses]}};
    `reach`: how the hosts are reached, for the commands that go with causes; `graph`: who talks to whom, when that was found already;
    `growing`: workers whose memory grew over the stored rounds.
    """
    fleet, search = Fleet(hosts, findings, inventory, reach, graph, growing), Search()
    causes = [cause for kind in CAUSES for cause in _named(kind, fleet, search)]
    relate = _Relate(fleet, search)
    for kind in CAUSES:
        if kind.both_of:
            causes = _merged(kind, causes, relate)
    for cause, consequences, is_felt in _deepest(causes, relate):
        diagnosis = cause.as_dict([row for each in (cause, *consequences) for row in relate.evidence_of(each, each is not cause)])
        if is_felt is False:
            search.latent.append({**diagnosis, "findings": relate.findings_of(cause), "since": None, "trends": []})
        else:
            search.diagnoses.append(diagnosis)
    return search


def _named(kind: CauseKind, fleet: Fleet, search: Search) -> list[Cause]:
    """What the rule of this cause names. What it gave before it failed stands."""
    named: list[Cause] = []
    try:
        for cause in kind.rule(fleet) if kind.rule is not None else ():
            cause.cause, cause.tier = kind.name, cause.tier or kind.tier
            if cause.look is None and cause.at is not None:
                cause.look = fleet.command(cause.at)
            named.append(cause)
    except Exception as error:  # pylint: disable=broad-exception-caught # facts of a form that the rule did not foresee
        search.blame(kind.name, error)
    return named


class _Relate:
    """Whether one cause explains another; a relation that cannot be computed does not hold."""

    def __init__(self, fleet: Fleet, search: Search) -> None:
        self._fleet, self._search = fleet, search
        self._visitors = Visitors(fleet)

    def explainers(self) -> Explainers:
        """An index of causes, without any yet."""
        return Explainers(self._fleet, self._search.blame)

    def near(self, causes: t.Iterable[Cause]) -> t.Callable[[Cause], t.Iterator[Cause]]:
        """Gives those of the causes that are not known to be of another site."""
        found: Nearby[Cause] = Nearby(self._fleet)
        for cause in causes:
            found.add(extent_of(cause, self._fleet), cause)
        return lambda other: found.of(extent_of(other, self._fleet))

    def __call__(self, deep: Cause, shallow: Cause) -> bool:
        try:
            return explains(deep, shallow, self._fleet)
        except Exception as error:  # pylint: disable=broad-exception-caught # as above: both causes stand
            self._search.blame(deep.cause, error)
            return False

    def felt(self, group: t.Sequence[Cause]) -> t.Optional[bool]:
        """As `Visitors.feel`; where that cannot be computed, it is not known."""
        try:
            return self._visitors.feel(group)
        except Exception as error:  # pylint: disable=broad-exception-caught # as above: the cause stands
            self._search.blame(group[0].cause, error)
            return None

    def evidence_of(self, cause: Cause, as_consequence: bool) -> list[Evidence]:
        """Its lines, each with the row that shows it; of a consequence its statement."""
        lines = [f"Its consequence: {cause.statement}"] if as_consequence else cause.evidence
        try:
            refs = Refs(cause, self._fleet)
            return [{"text": line, "ref": refs.default if as_consequence else refs.of(line)} for line in lines]
        except Exception as error:  # pylint: disable=broad-exception-caught # as above: the lines stand
            self._search.blame(cause.cause, error)
            return [{"text": line, "ref": f"{next(iter(cause.hosts), '')}/server/"} for line in lines]

    def findings_of(self, cause: Cause) -> list[dict[str, t.Optional[str]]]:
        keys = [*keys_of(cause, self._fleet), *([cause.at.key] if cause.at is not None else [])]
        machines = [(host, host) for host in cause.hosts] if cause.tier == "server" else []
        bad = self._fleet.bad_at({*((host, name) for host, _service, name in keys), *machines})
        return [
            {key: t.cast("t.Optional[str]", finding.get(key)) for key in ("check", "host", "service", "instance")}
            for finding in bad[:MOST_FINDINGS]
        ]

    def apart(self, one: Cause, other: Cause) -> bool:
        return apart(one, other, self._fleet)

    def path_of(self, cause: Cause) -> list[str]:
        return path_of(cause, self._fleet)

    def around(self, cause: Cause) -> tuple[list[str], list[str]]:
        hit, needs = around(cause, self._fleet)
        return [shown(key) for key in hit], [shown(key) for key in needs]

    def keys_of(self, cause: Cause) -> t.Sequence[Key]:
        return keys_of(cause, self._fleet)


def _deepest(causes: t.Sequence[Cause], relate: _Relate) -> t.Iterator[tuple[Cause, list[Cause], t.Optional[bool]]]:
    """The causes that no other explains with what they explain, and whether anyone feels them.

    A consequence of a consequence belongs to the same deepest one.
    """
    groups: list[list[Cause]] = []
    named = relate.explainers()
    for cause in causes:
        place = next((place for place, deep in named.of(cause) if relate(deep, cause)), len(groups))
        if place == len(groups):
            groups.append([])
        groups[place].append(cause)
        named.add(cause, place)
    alone = {kind.name for kind in CAUSES if not kind.only_with_consequences}
    for group in groups:
        deepest, *consequences = group
        deepest.path = relate.path_of(deepest)
        deepest.hit, deepest.needs = relate.around(deepest)
        is_felt = False if deepest.is_risk else relate.felt(group)
        if consequences or deepest.cause in alone or is_felt is False:
            yield deepest, consequences, is_felt


def _merged(kind: CauseKind, causes: list[Cause], relate: _Relate) -> list[Cause]:
    """Two tiers of one site at their limits on their own account: one cause, and no help from more servers."""
    firsts, seconds = ([cause for cause in causes if cause.cause == name] for name in kind.both_of)
    if not firsts or not seconds:
        return causes
    near, named, gone = relate.near(seconds), relate.explainers(), set[int]()
    left = list(causes)
    for cause in causes:
        named.add(cause)
    for first in firsts:
        for second in near(first):
            if id(second) in gone or relate.apart(first, second):
                continue
            pair = {id(first), id(second)}
            others = ((deep, part) for part in (first, second) for _group, deep in named.of(part) if id(deep) not in gone | pair)
            if not any(relate(deep, part) for deep, part in others):
                left.append(_both(kind, first, second, relate))
                gone |= pair
                named.add(left[-1])
                break
    return sorted((cause for cause in left if id(cause) not in gone), key=lambda cause: ORDER[cause.cause])


def _both(kind: CauseKind, first: Cause, second: Cause, relate: _Relate) -> Cause:
    return Cause(
        cause=kind.name,
        tier=kind.tier,
        hosts=sorted({*first.hosts, *second.hosts}),
        statement="Application and database are both at their limits.",
        evidence=[first.statement, second.statement, *first.evidence],
        first_fix=f"The database first. {first.first_fix}",
        avoid="Do not add application servers: a database at its limit would only get more work.",
        look=first.look,
        rows=first.rows,
        at=first.at,
        of=(*relate.keys_of(first), *relate.keys_of(second)),
    )
