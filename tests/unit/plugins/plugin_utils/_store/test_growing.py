# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which workers grew over the stored rounds."""

from __future__ import annotations

import pathlib
import time
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._store.past import growing
from ansible_collections.warroom.launch.plugins.plugin_utils._store.rounds import Store

MIB = 2.0**20


def kept(path: pathlib.Path, values: t.Sequence[t.Optional[float]], apart: float = 60.0, check: str = "uwsgi_worker_memory") -> str:
    """Rounds that end now, each with this memory of the largest worker."""
    with Store(str(path / "rounds.db")) as store:
        for place, value in enumerate(values):
            finding = {"check": check, "host": "app1", "service": "uwsgi", "instance": "shop", "status": "ok", "unit": "bytes"}
            at = time.time() - apart * (len(values) - 1 - place)
            store.add({"findings": [{**finding, "value": value}], "verdict": "go", "diagnoses": []}, at)
    return str(path / "rounds.db")


def test_a_rise_is_told_with_its_pace(tmp_path: pathlib.Path) -> None:
    [(key, growth)] = growing(kept(tmp_path, [100 * MIB, 120 * MIB, None, 160 * MIB, 180 * MIB])).items()
    assert key == ("app1", "uwsgi", "shop")
    assert (growth.rounds, growth.first, growth.last) == (4, pytest.approx(100 * MIB, rel=1e-5), pytest.approx(180 * MIB, rel=1e-5))
    assert growth.seconds == pytest.approx(240, abs=1) and growth.per_second == pytest.approx(80 * MIB / 240, rel=0.01)


@pytest.mark.parametrize(
    "values",
    [[100 * MIB, 150 * MIB, 200 * MIB], [300 * MIB] * 6, [300 * MIB, 280 * MIB, 200 * MIB, 150 * MIB], [None] * 5],
    ids=["too few rounds", "steady", "falling", "unknown"],
)
def test_what_does_not_rise(tmp_path: pathlib.Path, values: list[t.Optional[float]]) -> None:
    assert growing(kept(tmp_path, values)) == {}


def test_old_rounds_other_checks_and_no_store(tmp_path: pathlib.Path) -> None:
    rising = [100 * MIB, 150 * MIB, 200 * MIB, 250 * MIB]
    assert growing(kept(tmp_path, rising, apart=4000.0)) == {}
    (tmp_path / "other").mkdir()
    assert growing(kept(tmp_path / "other", rising, check="server_load")) == {}
    assert growing(str(tmp_path / "none.db")) == {}
