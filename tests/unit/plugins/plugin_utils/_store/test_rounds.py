# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rounds survive a kill, stay small, and come back as they went in."""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
import sys
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._store.packing import Row, pack
from ansible_collections.warroom.launch.plugins.plugin_utils._store.rounds import Store, StoreError
from tests.support.server import ROOT


def finding(check: str, status: str, value: t.Any, host: str = "app1") -> dict[str, t.Any]:
    return {"check": check, "host": host, "service": "uwsgi", "instance": "a", "status": status, "value": value, "unit": "ratio"}


def report(*findings: dict[str, t.Any], verdict: str = "go", causes: t.Sequence[str] = ()) -> dict[str, t.Any]:
    return {"verdict": verdict, "findings": list(findings), "diagnoses": [{"cause": cause} for cause in causes]}


def test_packing_is_exact_enough_and_keeps_absence_apart() -> None:
    row = Row(pack({1: ("ok", 0.94), 3: ("fail", None), 4: ("unknown", 123456789.0)}))
    assert [row.status(key) for key in range(6)] == ["", "ok", "", "fail", "unknown", ""]
    assert [row.value(key) for key in (1, 2, 3, 9)] == [0.94, None, None, None]
    assert row.value(4) == pytest.approx(123456789, rel=1e-6)
    assert Row(pack({})).status(1) == ""


def test_series_and_rounds_come_back(tmp_path: pathlib.Path) -> None:
    path = str(tmp_path / "deep" / "watch.db")
    with Store(path) as store:
        for second in range(5):
            store.add(report(finding("busy", "ok", second / 10), verdict="go"), at=1000.0 + second)
        last = report(finding("busy", "fail", True), finding("new", "warn", "text"), verdict="no-go", causes=["missing_index"])
        store.add(last, at=1005.0)
    with Store(path) as store:
        key = store.keys()[("busy", "app1", "uwsgi", "a")]
        assert store.series([key]) == {key: [(1000.0, 0.0), (1001.0, 0.1), (1002.0, 0.2), (1003.0, 0.3), (1004.0, 0.4), (1005.0, 1.0)]}
        assert [at for at, _value in store.series([key], points=2)[key]] == [1002.0, 1004.0, 1005.0]
        assert [(one.verdict, one.causes) for one in store.rounds(last=1)] == [("no-go", ["missing_index"])]


def test_pruning_keeps_the_baseline(tmp_path: pathlib.Path) -> None:
    with Store(str(tmp_path / "watch.db")) as store:
        store.add(report(), at=1.0, label="baseline")
        store.add(report(), at=2.0)
        store.add(report(), at=3.0)
        assert store.prune(3.0) == 1
        assert [one.at for one in store.rounds()] == [1.0, 3.0]
        baseline = store.labelled("baseline")
        assert baseline is not None and baseline.at == 1.0 and store.labelled("other") is None


def test_a_kill_loses_no_finished_round(tmp_path: pathlib.Path) -> None:
    path = str(tmp_path / "watch.db")
    code = (
        "import sys; sys.path[:0] = ['.collections']\n"
        "from ansible_collections.warroom.launch.plugins.plugin_utils._store.rounds import Store\n"
        "store = Store(sys.argv[1])\n"
        "for number in range(10**6):\n"
        "    store.add({'verdict': 'go', 'findings': [], 'diagnoses': []}, at=float(number))\n"
        "    print(number, flush=True)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, path], stdout=subprocess.PIPE, text=True, cwd=ROOT) as child:
        assert child.stdout is not None
        finished = -1
        for line in child.stdout:
            finished = int(line)
            if finished == 50:
                os.kill(child.pid, signal.SIGKILL)
                break
        child.stdout.read()
    with Store(path) as store:
        kept = [one.at for one in store.rounds()]
        assert kept == [float(number) for number in range(len(kept))] and len(kept) > finished
        store.add(report(), at=1e9)


def test_a_file_that_is_no_store_is_said(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "watch.db"
    path.write_text("no database at all, but long enough to be read as one" * 20)
    with pytest.raises(StoreError, match="move it away"):
        Store(str(path))


def test_a_day_of_fifty_hosts_stays_small(tmp_path: pathlib.Path) -> None:
    """Ten-second rounds of 3,000 findings, a third of which move every time, stay under 150 MB a day."""
    path = tmp_path / "watch.db"
    with Store(str(path)) as store:
        keys = [(f"check{check}", f"host{host}") for check in range(60) for host in range(50)]
        for number in range(40):
            rows = [
                finding(check, "ok", (hash((check, host, number)) % 1000) / 1000 if int(check[5:]) % 3 == 0 else 0.25, host)
                for check, host in keys
            ]
            store.add(report(*rows), at=float(number))
    size = sum(file.stat().st_size for file in tmp_path.iterdir())
    assert size / 40 * 8640 < 150e6, f"{size / 40 * 8640 / 1e6:.0f} MB a day"
