# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A store that is damaged, foreign, locked or a link costs the trends and the comparison: one sentence, never another error."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import random
import sqlite3
import stat
import typing as t
import zlib

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._report.publish import FILES, publish
from ansible_collections.warroom.launch.plugins.plugin_utils._store import before_after, rounds
from ansible_collections.warroom.launch.plugins.plugin_utils._store.past import known_past
from ansible_collections.warroom.launch.plugins.plugin_utils._store.rounds import Store, StoreError
from tests.support.report import host, report, texts

FLEET = report(host("a", 1.0), host("b", 0.8))


def filled(path: pathlib.Path) -> None:
    """A store with rounds of which one is labelled, in one file."""
    with Store(str(path)) as store:
        for number in range(60):
            store.add(FLEET, label="baseline" if number == 3 else None)
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA journal_mode = DELETE")


def used(path: pathlib.Path) -> list[str]:
    """Everything that reads or writes a store; gives the sentences of what it cost."""
    said: list[str] = []
    whole = dict(FLEET, findings=[dict(finding) for finding in FLEET["findings"]])

    def write() -> None:
        with Store(str(path)) as store:
            store.add(FLEET)
            store.prune(1.0)
            store.announced()

    for step in (
        lambda: known_past(whole, str(path)),
        lambda: before_after.compare_lines(before_after.find("baseline", str(path)), FLEET),
        write,
    ):
        try:
            step()
        except (StoreError, before_after.NoReport) as error:
            said.append(str(error))
    assert all(texts(whole).values())  # whatever the past is, it can be shown
    assert all("\n" not in sentence and len(sentence) < 600 for sentence in said)
    return said


@contextlib.contextmanager
def connected(path: pathlib.Path) -> t.Iterator[sqlite3.Connection]:
    """A connection whose changes are kept."""
    db = sqlite3.connect(path)
    try:
        with db:
            yield db
    finally:
        db.close()


@pytest.mark.parametrize("seed", range(200))
def test_random_bytes_in_the_file(tmp_path: pathlib.Path, seed: int) -> None:
    dice, path = random.Random(seed), tmp_path / "rounds.db"
    filled(path)
    data = bytearray(path.read_bytes())
    for _place in range(dice.choice((1, 5, 200))):
        data[dice.randrange(len(data))] = dice.randrange(256)
    path.write_bytes(data[: dice.randrange(len(data))] if seed % 10 == 9 else data)
    used(path)


ODD = ("", "1", "null", "[1]", '{"a": 1}', "[" * 100_000, "not json", '["x\x00"]', "NaN", b"\xff\x00", 7, None)


@pytest.mark.parametrize("column", ["at", "label", "verdict", "causes", "findings"])
def test_odd_values_in_rows(tmp_path: pathlib.Path, column: str) -> None:
    for value in ODD:
        path = tmp_path / "rounds.db"
        filled(path)
        with contextlib.suppress(sqlite3.IntegrityError), connected(path) as db:
            db.execute(f"UPDATE rounds SET {column} = ?", (value,))
        said = used(path)
        numeric = column == "at" and value in ("1", 7)  # SQLite makes them numbers
        assert column == "label" or said or value is None or numeric, (column, value)
        path.unlink()


@pytest.mark.parametrize(
    "content",
    [
        7, [], "x", None, {}, {"verdict": 1}, {"verdict": "go", "findings": 7}, {"verdict": "go", "findings": [7]},
        {"verdict": "go", "findings": [{"check": "a", "status": "ok", "host": []}]}, {"verdict": "go", "diagnoses": {"a": 1}},
        {"verdict": "go", "findings": [{"check": "a"}]}, {"verdict": "go", "hosts": {"a": {"facts": {"launch_uwsgi": 7}}}},
        {"verdict": "go", "hosts": {"a": {"facts": {"launch_uwsgi": {"instances": [7]}}}}}, {"verdict": "go", "hosts": [1]},
    ],
)  # fmt: skip
def test_a_comparison_with_odd_json(tmp_path: pathlib.Path, content: t.Any) -> None:
    path, file = tmp_path / "rounds.db", tmp_path / "other.json"
    filled(path)
    with connected(path) as db:
        db.execute("UPDATE reports SET report = ?", (zlib.compress(json.dumps(content).encode()),))
    with pytest.raises(StoreError, match="cannot be used"):
        before_after.find("baseline", str(path))
    file.write_text(json.dumps(content))
    with pytest.raises(before_after.NoReport, match="not a report"):
        before_after.load(str(file))


def test_a_compressed_text_that_would_fill_the_memory(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "MOST_BYTES", 1_000_000)
    path = tmp_path / "rounds.db"
    filled(path)
    with connected(path) as db:
        db.execute("UPDATE reports SET report = ?", (zlib.compress(b" " * 50_000_000),))
    with pytest.raises(StoreError, match="cannot be used"):
        before_after.find("baseline", str(path))


def test_the_database_of_another_program_is_not_touched(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "rounds.db"
    with connected(path) as db:
        db.execute("CREATE TABLE bookmarks (id INTEGER)")
    before = path.read_bytes()
    said = used(path)
    assert len(said) == 3 and any("another program" in sentence for sentence in said)
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"x" * 5000, b"SQLite format 3\0" + b"\xff" * 4000])
def test_a_file_that_is_no_database(tmp_path: pathlib.Path, content: bytes) -> None:
    path = tmp_path / "rounds.db"
    path.write_bytes(content)
    assert used(path)


def test_a_store_that_another_process_holds(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "PATIENCE", 0.1)
    path = tmp_path / "rounds.db"
    filled(path)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("BEGIN EXCLUSIVE")
        assert all("locked" in sentence for sentence in used(path)) and len(used(path)) == 3


def test_a_link_is_not_followed(tmp_path: pathlib.Path) -> None:
    target, path = tmp_path / "precious", tmp_path / "rounds.db"
    target.write_bytes(b"precious")
    path.symlink_to(target)
    assert used(path) and target.read_bytes() == b"precious"
    path.unlink()
    path.symlink_to(tmp_path / "not there")
    assert used(path) and not (tmp_path / "not there").exists()
    path.unlink()
    filled(path)
    (tmp_path / "rounds.db-wal").symlink_to(target)
    assert used(path) and target.read_bytes() == b"precious"


def mode(path: pathlib.Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_what_is_written_is_for_its_owner_only_unless_a_person_said_otherwise(tmp_path: pathlib.Path) -> None:
    folder = tmp_path / "a" / "launch-report"
    previous = os.umask(0o000)
    try:
        publish(FLEET, folder)
        filled(folder / "rounds.db")
        with Store(str(folder / "rounds.db")) as store:
            store.add(FLEET)
            assert {mode(path) for path in folder.rglob("*.*")} == {0o600}
        assert mode(folder / "hosts") == 0o700
        assert mode(folder) == mode(folder.parent) == 0o700
        (folder / "launch.prom").chmod(0o644)
        publish(FLEET, folder)
        assert mode(folder / "launch.prom") == 0o644 and mode(folder / "launch.json") == 0o600
    finally:
        os.umask(previous)


def test_report_files_replace_links_and_follow_none(tmp_path: pathlib.Path) -> None:
    target = tmp_path / "precious"
    target.write_text("precious")
    target.chmod(0o666)
    for name in FILES:
        (tmp_path / name).symlink_to(target)
    publish(FLEET, tmp_path, tuple(FILES))
    assert target.read_text() == "precious"
    assert all(not (tmp_path / name).is_symlink() and mode(tmp_path / name) == 0o600 for name in FILES)
