# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every round of a watch, kept in one SQLite file on the control node.

Safe against being killed (a round is one transaction), pruned by age, and small (see `packing`). The store knows no
rule: it keeps what the judge found and gives it back.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import sqlite3
import time
import typing as t
import zlib

from .packing import Row, pack

SCHEMA = 1

_TABLES = """
CREATE TABLE IF NOT EXISTS keys (
  id INTEGER PRIMARY KEY, check_id TEXT NOT NULL, host TEXT NOT NULL, service TEXT NOT NULL, instance TEXT NOT NULL, unit TEXT,
  UNIQUE (check_id, host, service, instance));
CREATE TABLE IF NOT EXISTS rounds (
  id INTEGER PRIMARY KEY, at REAL NOT NULL, label TEXT, verdict TEXT NOT NULL, causes TEXT NOT NULL, findings BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS rounds_at ON rounds (at);
CREATE TABLE IF NOT EXISTS reports (round INTEGER PRIMARY KEY, report BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS announced (subject TEXT PRIMARY KEY, state TEXT NOT NULL, pending TEXT, since REAL NOT NULL);
"""

#: What makes a finding the same finding in the next round.
Key = tuple[str, str, str, str]  # check, host, service, instance


class StoreError(Exception):
    """The file cannot be used; the text says why and what to do."""


@dataclasses.dataclass(frozen=True)
class Round:
    """One stored round. `at`: seconds since the epoch; `label`: a name given to it (`baseline`), or None."""

    id: int
    at: float
    label: t.Optional[str]
    verdict: str
    causes: list[str]


def key_of(finding: t.Mapping[str, t.Any]) -> Key:
    return finding["check"], finding.get("host") or "", finding.get("service") or "", finding.get("instance") or ""


_SEVERITY = {"go": 0, "go with warnings": 1, "unknown": 2, "no-go": 3}


def stretches(rounds: list[Round], most: int) -> list[list[Round]]:
    """Rounds in at most about `most` runs of equal length; the newest round is a run of its own."""
    step = max(1, -(-len(rounds) // most))
    if step == 1:
        return [[round_] for round_ in rounds]
    older = rounds[:-1]
    return [older[begin : begin + step] for begin in range(0, len(older), step)] + [rounds[-1:]]


def worst(stretch: t.Sequence[Round]) -> Round:
    """The round with the worst verdict, the latest of several."""
    return max(stretch, key=lambda round_: (_SEVERITY.get(round_.verdict, 0), round_.at))


def _number(value: t.Any) -> t.Optional[float]:
    if isinstance(value, bool):
        return float(value)
    return float(value) if isinstance(value, (int, float)) else None


class Store:
    """Rounds in a file; use it as a context manager."""

    def __init__(self, path: str) -> None:
        self.path = path
        os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
        try:
            self._db = sqlite3.connect(path, timeout=10, isolation_level=None)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._prepare()
        except sqlite3.Error as error:
            raise StoreError(f"the store {path} cannot be used ({error}); move it away to begin a new one") from None
        self._keys: dict[Key, int] = {
            (check, host, service, instance): number
            for number, check, host, service, instance in self._db.execute("SELECT id, check_id, host, service, instance FROM keys")
        }

    def _prepare(self) -> None:
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version not in (0, SCHEMA):
            raise StoreError(f"the store {self.path} is of schema {version}, this version writes {SCHEMA}; move it away to begin a new one")
        self._db.executescript(_TABLES)
        self._db.execute(f"PRAGMA user_version = {SCHEMA}")

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_exc: t.Any) -> None:
        self._db.close()

    @contextlib.contextmanager
    def _transaction(self) -> t.Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def add(self, report: t.Mapping[str, t.Any], at: t.Optional[float] = None, label: t.Optional[str] = None) -> Round:
        """Store a round (the content of launch.json) in one transaction.

        With a label the whole report is kept, to be compared with later; a label is at one round, its newest.
        """
        at = time.time() if at is None else at
        causes = sorted({diagnosis["cause"] for diagnosis in report.get("diagnoses") or []})
        with self._transaction():
            if label is not None:
                self._unlabel(label)
            row = {
                self._key(key_of(finding), finding.get("unit")): (finding["status"], _number(finding.get("value")))
                for finding in report.get("findings") or []
            }
            inserted = self._db.execute(
                "INSERT INTO rounds (at, label, verdict, causes, findings) VALUES (?, ?, ?, ?, ?)",
                (at, label, report["verdict"], json.dumps(causes), pack(row)),
            )
            if label is not None:
                whole = json.dumps({key: value for key, value in report.items() if key != "history"})
                self._db.execute("INSERT INTO reports VALUES (?, ?)", (inserted.lastrowid, zlib.compress(whole.encode(), 6)))
        return Round(int(inserted.lastrowid or 0), at, label, report["verdict"], causes)

    def _unlabel(self, label: str) -> None:
        self._db.execute("DELETE FROM reports WHERE round IN (SELECT id FROM rounds WHERE label = ?)", (label,))
        self._db.execute("UPDATE rounds SET label = NULL WHERE label = ?", (label,))

    def _key(self, key: Key, unit: t.Optional[str]) -> int:
        number = self._keys.get(key)
        if number is None:
            inserted = self._db.execute("INSERT INTO keys (check_id, host, service, instance, unit) VALUES (?, ?, ?, ?, ?)", (*key, unit))
            number = self._keys[key] = int(inserted.lastrowid or 0)
        return number

    def keys(self) -> dict[Key, int]:
        """Every finding that was ever stored, with its number."""
        return dict(self._keys)

    def prune(self, older_than: float) -> int:
        """Forget rounds before this time (labelled ones stay); gives how many."""
        with self._transaction():
            return self._db.execute("DELETE FROM rounds WHERE at < ? AND label IS NULL", (older_than,)).rowcount

    def rounds(self, since: float = 0.0, last: t.Optional[int] = None) -> list[Round]:
        """Rounds since a time, oldest first; with `last` only the newest so many."""
        return self._select("at >= ? ORDER BY id DESC LIMIT ?", (since, -1 if last is None else last))[::-1]

    def labelled(self, label: str) -> t.Optional[Round]:
        """The newest round with this label."""
        newest = self._select("label = ? ORDER BY id DESC LIMIT 1", (label,))
        return newest[0] if newest else None

    def labels(self) -> list[str]:
        """The labels that were given, the oldest first."""
        return [round_.label or "" for round_ in self._select("label IS NOT NULL ORDER BY at", ())]

    def at(self, moment: float) -> t.Optional[Round]:
        """The last round that was stored up to this time."""
        latest = self._select("at <= ? ORDER BY at DESC LIMIT 1", (moment,))
        return latest[0] if latest else None

    def report(self, round_: Round) -> dict[str, t.Any]:
        """A round as a report: the whole one if it was labelled, else its verdict, causes, statuses and values."""
        kept = self._db.execute("SELECT report FROM reports WHERE round = ?", (round_.id,)).fetchone()
        if kept is not None:
            whole: dict[str, t.Any] = json.loads(zlib.decompress(kept[0]))
            return whole
        row = self.row(round_.id)
        units = dict(self._db.execute("SELECT id, unit FROM keys"))
        findings = [
            dict(zip(("check", "host", "service", "instance"), key), unit=units[number], status=row.status(number), value=row.value(number))
            for key, number in self._keys.items()
            if row.status(number)
        ]
        return {"verdict": round_.verdict, "findings": findings, "diagnoses": [{"cause": cause} for cause in round_.causes]}

    def _select(self, where: str, values: tuple[t.Any, ...]) -> list[Round]:
        rows = self._db.execute(f"SELECT id, at, label, verdict, causes FROM rounds WHERE {where}", values)
        return [Round(number, at, label, verdict, json.loads(causes)) for number, at, label, verdict, causes in rows]

    def row(self, number: int) -> Row:
        """Statuses and values of one round."""
        stored = self._db.execute("SELECT findings FROM rounds WHERE id = ?", (number,)).fetchone()
        if stored is None:
            raise StoreError(f"there is no round {number} in {self.path}")
        return Row(stored[0])

    def series(self, keys: t.Collection[int], since: float = 0.0, points: int = 200) -> dict[int, list[tuple[float, t.Optional[float]]]]:
        """Values over time by key, at most about `points` rounds; of a stretch of rounds the worst, so that no disaster is thinned away."""
        result: dict[int, list[tuple[float, t.Optional[float]]]] = {key: [] for key in keys}
        for stretch in stretches(self.rounds(since), points) if keys else []:
            round_ = worst(stretch)
            row = self.row(round_.id)
            for key in keys:
                result[key].append((round_.at, row.value(key)))
        return result

    def count(self) -> int:
        """How many rounds there are."""
        return int(self._db.execute("SELECT count(*) FROM rounds").fetchone()[0])

    def announced(self) -> dict[str, tuple[str, t.Optional[str], float]]:
        """What was last told to people, by subject: (state, state that waits for confirmation, since when)."""
        return {subject: (state, pending, since) for subject, state, pending, since in self._db.execute("SELECT * FROM announced")}

    def announce(self, states: t.Mapping[str, tuple[str, t.Optional[str], float]]) -> None:
        """Remember what was told, all subjects at once."""
        with self._transaction():
            self._db.execute("DELETE FROM announced")
            self._db.executemany("INSERT INTO announced VALUES (?, ?, ?, ?)", [(subject, *state) for subject, state in states.items()])
