# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What two environments' databases do not have in common: "none of the other environments exhibited it" has a reason.

Pure: facts of two hosts in, rows out. The modules give every index by what it does and the settings that matter, with a
hash over all of them; long lists are cut there, so what lies beyond the cut of either side is never called absent.
"""

from __future__ import annotations

import typing as t

from .._checks.services import TITLES, in_tiers, instances_in

Row = dict[str, t.Any]
Data = t.Mapping[str, t.Any]

SERVICES = in_tiers("database")
NAMES = ("production", "staging")


class Drift:
    """`names`: what the two environments are called; `databases`: the other's database name → ours."""

    def __init__(self, names: t.Sequence[str] = NAMES, databases: t.Optional[t.Mapping[str, str]] = None) -> None:
        self.names = (str(names[0]), str(names[1]))
        self.databases = dict(databases or {})

    def rows(self, facts: Data, others: Data) -> list[Row]:
        """Indexes first, those that only the other has before ours, then settings and versions."""
        differences: list[Row] = []
        for service in SERVICES:
            for ours, theirs in self._pairs(service, facts, others, differences):
                differences += self._instance(service, ours, theirs)
        order = {"instance": 0, "index": 1, "unknown": 2, "version": 3, "setting": 4}
        return sorted(
            differences, key=lambda row: (order[row["kind"]], row["present_in"] == self.names[0], row["service"], str(row["name"]))
        )

    def _pairs(self, service: str, facts: Data, others: Data, differences: list[Row]) -> t.Iterator[tuple[Row, Row]]:
        ours, theirs = ({str(instance.get("name")): instance for instance in instances_in(side, service)} for side in (facts, others))
        if len(ours) == len(theirs) == 1:
            yield from zip(ours.values(), theirs.values(), strict=True)
            return
        for name in ours:
            if name in theirs:
                yield ours[name], theirs[name]
            else:
                differences.append(self._row("instance", service, name, None, 0, f"{TITLES[service]} {name}"))
        for name in theirs:
            if name not in ours:
                differences.append(self._row("instance", service, name, None, 1, f"{TITLES[service]} {name}"))

    def _instance(self, service: str, ours: Row, theirs: Row) -> t.Iterator[Row]:
        for side, name in ((ours, self.names[0]), (theirs, self.names[1])):
            if side.get("state") != "up":
                why = side.get("problem") or "it was not read"
                yield self._blank("unknown", service, str(side.get("name")), f"{TITLES[service]} in {name} cannot be compared: {why}")
                return
        yield from self._indexes(service, ours, theirs)
        yield from self._settings(service, ours, theirs)

    def _indexes(self, service: str, ours: Row, theirs: Row) -> t.Iterator[Row]:
        our_rows, their_rows = ours.get("index_definitions"), theirs.get("index_definitions")
        if not isinstance(our_rows, list) or not isinstance(their_rows, list):
            yield self._blank("unknown", service, str(ours.get("name")), "the indexes of one side could not be read")
            return
        if ours.get("index_definitions_hash") == theirs.get("index_definitions_hash") and not self.databases:
            return
        our_keys, their_keys = _keyed(our_rows, {}), _keyed(their_rows, self._renamed(our_rows, their_rows))
        ends = [_end(our_keys, ours), _end(their_keys, theirs)]
        for place, (there, missing_in, end) in enumerate(((our_keys, their_keys, ends[1]), (their_keys, our_keys, ends[0]))):
            for key in there:
                if key not in missing_in and (end is None or key <= end):
                    yield self._row("index", service, there[key], key[0], place, f"the index {key[1]} of the database {key[0]}")
        if any(end is not None for end in ends):
            cut = " and ".join(
                f"{len(keys)} of {side.get('index_definitions_total')} in {name}"
                for keys, side, name in zip((our_keys, their_keys), (ours, theirs), self.names)
            )
            yield self._blank("unknown", service, str(ours.get("name")), f"only a part of the indexes is in the facts: {cut}")

    def _renamed(self, our_rows: list[t.Any], their_rows: list[t.Any]) -> dict[str, str]:
        """The other's database names as ours; a single database on each side is the same one whatever it is called."""
        ours, theirs = ({str(row.get("database")) for row in side if isinstance(row, dict)} for side in (our_rows, their_rows))
        if not self.databases and len(ours) == len(theirs) == 1:
            return {next(iter(theirs)): next(iter(ours))}
        return self.databases

    def _settings(self, service: str, ours: Row, theirs: Row) -> t.Iterator[Row]:
        if ours.get("version") != theirs.get("version"):
            yield self._differs("version", service, "version", ours.get("version"), theirs.get("version"))
        our_settings, their_settings = _settings(ours), _settings(theirs)
        for name in sorted(set(our_settings) & set(their_settings)):
            if our_settings[name] != their_settings[name]:
                yield self._differs("setting", service, name, our_settings[name], their_settings[name])

    def _blank(self, kind: str, service: str, name: str, finding: str) -> Row:
        blank = dict.fromkeys(("database", "present_in", "absent_in", "values"))
        return {"kind": kind, "service": service, "name": name, **blank, "finding": finding}

    def _row(self, kind: str, service: str, name: str, database: t.Optional[str], place: int, what: str) -> Row:
        present, absent = self.names[place], self.names[1 - place]
        sides = {"database": database, "present_in": present, "absent_in": absent}
        return {**self._blank(kind, service, name, f"{what}: present in {present}, absent in {absent}"), **sides}

    def _differs(self, kind: str, service: str, name: str, ours: t.Any, theirs: t.Any) -> Row:
        values = [{"environment": self.names[0], "value": ours}, {"environment": self.names[1], "value": theirs}]
        finding = f"{name} is {ours} in {self.names[0]} and {theirs} in {self.names[1]}"
        return {**self._blank(kind, service, name, finding), "values": values}


def _keyed(rows: list[t.Any], databases: t.Mapping[str, str]) -> dict[tuple[str, str], str]:
    """(database, definition) → the index's name there."""
    names = {}
    for row in rows:
        if isinstance(row, dict):
            database = str(row.get("database"))
            names[(databases.get(database, database), str(row.get("definition")))] = str(row.get("name"))
    return names


def _end(keys: t.Collection[tuple[str, str]], side: Data) -> t.Optional[tuple[str, str]]:
    """The last key of a list that was cut; None when it is whole."""
    total = side.get("index_definitions_total")
    listed = side.get("index_definitions") or []
    return max(keys, default=("", "")) if isinstance(total, int) and total > len(listed) else None


def _settings(side: Data) -> dict[str, t.Any]:
    rows = side.get("settings")
    return {str(row.get("name")): row.get("value") for row in rows if isinstance(row, dict)} if isinstance(rows, list) else {}
