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
import urllib.parse
import zlib

from ...module_utils._texts.redact import clean
from .._fleet.provenance import WHAT, State, Subject
from .._report.atomic_files import claim, make_folder
from .packing import Row, pack, unpacked
from .sound import no_constant, sound_report

SCHEMA = 1

_TABLES = """
CREATE TABLE IF NOT EXISTS keys (
  id INTEGER PRIMARY KEY, check_id TEXT NOT NULL, host TEXT NOT NULL, service TEXT NOT NULL, instance TEXT NOT NULL, unit TEXT,
  UNIQUE (check_id, host, service, instance));
CREATE TABLE IF NOT EXISTS rounds (
  id INTEGER PRIMARY KEY, at REAL NOT NULL, label TEXT, verdict TEXT NOT NULL, causes TEXT NOT NULL, findings BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS rounds_at ON rounds (at);
CREATE TABLE IF NOT EXISTS reports (round INTEGER PRIMARY KEY, report BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS states (
  id INTEGER PRIMARY KEY, host TEXT NOT NULL, service TEXT NOT NULL, instance TEXT NOT NULL, what TEXT NOT NULL, value TEXT NOT NULL,
  since REAL, seen REAL NOT NULL);
CREATE TABLE IF NOT EXISTS announced (subject TEXT PRIMARY KEY, state TEXT NOT NULL, pending TEXT, since REAL NOT NULL);
"""

_OURS = {"keys", "rounds", "rounds_at", "reports", "states", "announced"}
#: Seconds that another process may hold the file.
PATIENCE = 5.0
#: No round and no report of ours is larger when it is unpacked; a damaged one may say that it is.
MOST_BYTES = 256 * 1024 * 1024
#: Exceptions from reading a damaged file, or rows that this module did not write.
_DAMAGE = (sqlite3.Error, ValueError, TypeError, LookupError, AttributeError, ArithmeticError, MemoryError, RecursionError, zlib.error)

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


def _stored_key(row: tuple[t.Any, ...]) -> tuple[Key, int]:
    number, *names = row
    if not isinstance(number, int) or not all(isinstance(name, str) for name in names):
        raise ValueError("a key that nobody wrote")
    check, host, service, instance = names
    return (check, host, service, instance), number


def _stored_round(number: t.Any, at: t.Any, label: t.Any, verdict: t.Any, causes: t.Any) -> Round:
    """A row as a round. A damaged one may hold any type, and texts that are nearly right."""
    names = json.loads(causes)
    sound = isinstance(names, list) and all(isinstance(name, str) for name in names) and verdict in _SEVERITY
    if not sound or not isinstance(at, float) or not 0 <= at < 1e11 or not isinstance(label, (str, type(None))):
        raise ValueError("a round that nobody wrote")
    return Round(int(number), at, label, verdict, names)


def _stored_state(*row: t.Any) -> tuple[Subject, State, float]:
    host, service, instance, what, value, since, seen = row
    texts = all(isinstance(text, str) for text in row[:5]) and what in WHAT
    if (
        not texts
        or not isinstance(since, (float, type(None)))
        or not isinstance(seen, float)
        or not all(0 <= at < 1e11 for at in (since or 0, seen))
    ):
        raise ValueError("a state that nobody wrote")
    return (host, service, instance, what), State(value, since), seen


def _stored_report(data: bytes) -> dict[str, t.Any]:
    return sound_report(json.loads(unpacked(data, MOST_BYTES), parse_constant=no_constant))


class Store:
    """Rounds in a file; use it as a context manager."""

    def __init__(self, path: str, read_only: bool = False) -> None:
        self.path = path
        self._db = self._opened(read_only)
        try:
            self._db.execute("PRAGMA trusted_schema = OFF")
            self._db.execute("PRAGMA cell_size_check = ON")
            if not read_only:
                self._prepare()
            self._keys: dict[Key, int] = dict(map(_stored_key, self._db.execute("SELECT id, check_id, host, service, instance FROM keys")))
        except BaseException as error:
            self.__exit__(type(error), error)
            raise

    def _opened(self, read_only: bool) -> sqlite3.Connection:
        place = os.path.abspath(self.path)
        try:
            if not read_only:
                make_folder(os.path.dirname(place))
                claim(place)
            for file in (place, place + "-wal", place + "-shm", place + "-journal"):
                if os.path.islink(file):
                    raise StoreError(f"the store {file} is a symbolic link, which is not followed; name the file itself")
            wanted = f"file:{urllib.parse.quote(place)}?mode={'ro' if read_only else 'rw'}"
            return sqlite3.connect(wanted, timeout=PATIENCE, isolation_level=None, uri=True)
        except (OSError, sqlite3.Error) as error:
            raise StoreError(f"the store {self.path} cannot be used ({getattr(error, 'strerror', None) or error})") from None

    def _prepare(self) -> None:
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        tables = {name for (name,) in self._db.execute("SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'")}
        if version not in (0, SCHEMA) or not tables <= _OURS:
            what = f"of schema {version}, this version writes {SCHEMA}" if tables <= _OURS else "a file of another program"
            raise StoreError(f"the store {self.path} is {what}; move it away to begin a new one")
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(_TABLES)
        self._db.execute(f"PRAGMA user_version = {SCHEMA}")

    def __enter__(self) -> Store:
        return self

    def __exit__(self, kind: t.Any, error: t.Any, _traceback: t.Any = None) -> None:
        """What is damaged costs the history that it holds: every error over it is a StoreError, and so a sentence."""
        with contextlib.suppress(sqlite3.Error):
            self._db.close()
        if isinstance(error, _DAMAGE) and not isinstance(error, OSError):
            said = str(error) if isinstance(error, sqlite3.Error) else f"{kind.__name__} over what it holds"
            raise StoreError(f"the store {self.path} cannot be used ({clean(said, 120)}); move it away to begin a new one") from None

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
            self._db.execute(
                "DELETE FROM states WHERE seen < ? AND id NOT IN (SELECT max(id) FROM states GROUP BY host, service, instance, what)",
                (older_than,),
            )
            return self._db.execute("DELETE FROM rounds WHERE at < ? AND label IS NULL", (older_than,)).rowcount

    def rounds(self, since: float = 0.0, last: t.Optional[int] = None) -> list[Round]:
        """Rounds since a time, oldest first; with `last` only that many of the newest."""
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
            return _stored_report(kept[0])
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
        return [_stored_round(*row) for row in rows]

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

    def states(self) -> list[tuple[Subject, State, float]]:
        """Each state that an instance had, oldest first, and when it was first seen; a store of an older version has none."""
        if self._db.execute("SELECT count(*) FROM sqlite_master WHERE name = 'states'").fetchone()[0] == 0:
            return []
        rows = self._db.execute("SELECT host, service, instance, what, value, since, seen FROM states ORDER BY id")
        return [_stored_state(*row) for row in rows]

    def add_states(self, states: t.Mapping[Subject, State], at: float) -> None:
        """Keep states that differ from the last ones."""
        with self._transaction():
            self._db.executemany(
                "INSERT INTO states (host, service, instance, what, value, since, seen) VALUES (?, ?, ?, ?, ?, ?, ?)",
                [(*subject, state.value, state.at, at) for subject, state in states.items()],
            )

    def announced(self) -> dict[str, tuple[str, t.Optional[str], float]]:
        """What was last announced, by subject: (state, state that waits for confirmation, since when)."""
        return {subject: (state, pending, since) for subject, state, pending, since in self._db.execute("SELECT * FROM announced")}

    def announce(self, states: t.Mapping[str, tuple[str, t.Optional[str], float]]) -> None:
        """Store what was announced, all subjects at once."""
        with self._transaction():
            self._db.execute("DELETE FROM announced")
            self._db.executemany("INSERT INTO announced VALUES (?, ?, ?, ?)", [(subject, *state) for subject, state in states.items()])
