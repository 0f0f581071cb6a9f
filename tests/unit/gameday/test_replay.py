# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Recorded faults are judged as they were judged last; folders of one's own are judged too, and what is wrong with them is said."""

from __future__ import annotations

import json
import os
import pathlib
import re
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._diagnose.causes import KINDS as CAUSES
from tests.gameday import __main__ as gameday
from tests.gameday import table
from tests.gameday.cells import CELLS, CellError, cells, felt, pack
from tests.gameday.kinds import FAULTS, KINDS, ORDINARY, PAIRS, matrix
from tests.gameday.score import Outcome, outcome
from tests.support.check_cases import catalogue
from tests.support.launch_day import MISSING_INDEX
from tests.unit.plugins.plugin_utils._diagnose.world import World

ROOT = pathlib.Path(__file__).resolve().parents[3]
RENEW = "if that is meant: make gameday-replay, then read the difference"
HURTS = {"missing_indexes_hurting": 1, "missing_indexes_hurting_rows": 200374, "missing_indexes_statement_share_ratio": 0.92}
CALM = {"count": 50, "p50_milliseconds": 4.0, "p95_milliseconds": 20.0, "errors_ratio": 0.0}


@pytest.fixture(scope="module")
def rows() -> list[Outcome]:
    """Today's outcomes of all that is recorded."""
    return gameday.judged(cells(CELLS))


def test_every_recorded_cell_is_judged_as_it_was(rows: list[Outcome]) -> None:
    now = table.stored(rows)
    if os.environ.get("UPDATE_STORED_REPORTS"):
        gameday.replay(CELLS)
    before = json.loads(gameday.STORED.read_text(encoding="utf-8"))
    assert {name: (before.get(name), row) for name, row in now.items() if before.get(name) != row} == {}, RENEW
    assert set(before) == set(now), RENEW


def test_the_page_is_current_and_ends_with_the_line(rows: list[Outcome]) -> None:
    assert gameday.PAGE.read_text(encoding="utf-8") == table.page(rows), RENEW
    assert table.last_line(rows) in gameday.PAGE.read_text(encoding="utf-8").splitlines()[-1]


@pytest.mark.parametrize("measure", ["object", "faint", "wrong-faint"])
def test_a_bar_that_was_reached_stays_reached(rows: list[Outcome], measure: str) -> None:
    assert table.reached(rows)[measure] is True


def test_the_archives_stay_small() -> None:
    assert 0 < sum(path.stat().st_size for path in CELLS.glob("*.tar.xz")) < 10 * 2**20


# folders of one's own


def incident(folder: pathlib.Path, disaster: str, truth: t.Any, load: t.Any = None, seconds: int = 0) -> pathlib.Path:
    """A report directory with all facts, and its truth."""
    world = World()
    if disaster:
        getattr(world, disaster)()
    if disaster == "missing_index":
        world.of("db1", "postgresql").update(missing_indexes=[MISSING_INDEX], kind="server", connections_exhausted=False, **HURTS)
    hosts = {name: {"reached": True, "tiers": [], "facts": facts} for name, facts in world.facts.items()}
    report = {"schema": 1, "started_at": f"2026-11-25T14:02:{seconds:02}Z", "duration_seconds": 6, "phase": "during", "hosts": hosts}
    write(folder / "report" / f"{seconds}.json", report)
    write(folder / "truth.json", truth)
    if load is not None:
        write(folder / "load.json", load)
    return folder


def write(path: pathlib.Path, content: t.Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))


MISSING = {"cause": "missing_index", "tier": "database", "object": ["shop_orderline", "order_id"], "findings": ["postgresql_missing_index"]}


def test_an_incident_of_ones_own_is_right_or_wrong(tmp_path: pathlib.Path) -> None:
    incident(tmp_path / "black friday", "missing_index", MISSING)
    incident(tmp_path / "wrongly remembered", "missing_index", {**MISSING, "cause": "unknown_client"})
    right, wrong = gameday.judged(cells(tmp_path))
    assert (right.kind, right.named, right.exact, right.right) == ("black friday", ("missing_index",), True, True)
    assert (wrong.top, wrong.exact, wrong.wrong, wrong.right) == (False, False, True, False)
    assert "`unknown_client` is true, `missing_index` was named" in "\n".join(table.lines([right, wrong]))
    assert table.last_line([right, wrong]).startswith("top-1 0.50 exact 0.50 pairs – object ")


def test_another_object_is_not_the_object(tmp_path: pathlib.Path) -> None:
    incident(tmp_path / "missing_index/visible-1", "missing_index", {**MISSING, "object": ["order"]})
    (row,) = gameday.judged(cells(tmp_path))
    assert (row.exact, row.object, row.right) == (True, False, False)


def test_ordinary_work_is_a_false_alarm_when_any_window_names_a_cause(tmp_path: pathlib.Path) -> None:
    incident(tmp_path / "backup/none-1", "", {"causes": []})
    incident(tmp_path / "report/none-1", "", {"causes": []})
    incident(tmp_path / "report/none-1", "database_down", {"causes": []}, seconds=10)
    calm, alarm = gameday.judged(cells(tmp_path))
    assert (calm.role, calm.right, calm.baseline) == ("no-op", True, True)
    assert (alarm.named, alarm.right) == (("service_down",), False)
    assert table.last_line([calm, alarm]).endswith("false-alarms 1/2 cells 2")


def test_what_nobody_feels_is_found_by_a_finding_of_its_object(tmp_path: pathlib.Path) -> None:
    load = {"before": {"pages": {"personal": CALM}}, "during": {"pages": {"personal": CALM}}}
    incident(tmp_path / "missing_index/visible-1", "missing_index", MISSING, load)
    incident(tmp_path / "missing_index/visible-2", "", MISSING, load)
    found, missed = gameday.judged(cells(tmp_path))
    assert (found.role, found.found, missed.found, missed.wrong) == ("latent", True, False, False)


def test_two_faults_at_once_are_a_pair(tmp_path: pathlib.Path) -> None:
    second = {"cause": "unknown_client", "tier": "database"}
    incident(tmp_path / "missing_index+unknown_client/visible-1", "missing_index", {"causes": [MISSING, second]})
    (row,) = gameday.judged(cells(tmp_path))
    assert (row.role, row.top, row.exact) == ("pair", True, False)
    assert "pairs 0.00" in table.last_line([row])


def test_time_to_name_ends_with_the_first_of_two_windows_that_agree(tmp_path: pathlib.Path) -> None:
    truth = {**MISSING, "injected_at": 1795615320.0}  # 14:02:00
    for seconds, disaster in ((0, "missing_index"), (10, ""), (20, "missing_index"), (30, "missing_index")):
        incident(tmp_path / "missing_index/severe-1", disaster, truth, seconds=seconds)
    (row,) = gameday.judged(cells(tmp_path))
    assert (row.seconds_to_name, row.named) == (26.0, ("missing_index",))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"p95_milliseconds": 39.0}, False),
        ({"p95_milliseconds": 71.0}, True),
        ({"errors_ratio": 0.01}, True),
        ({"errors_ratio": 0.009}, False),
    ],
)
def test_felt_is_what_visitors_see(changes: dict[str, float], said: bool) -> None:
    assert felt({"before": {"pages": {"a": CALM}}, "during": {"pages": {"a": {**CALM, **changes}}}}) is said
    assert felt({"before": {"pages": {}}, "during": {"pages": {}, "queue_wait_seconds": 30}}) is True
    assert felt({}) is None


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("truth.json", "{", "truth.json is no JSON"),
        ("truth.json", {"tier": "database"}, "'cause' is missing"),
        (
            "report/0.json",
            {"hosts": {"db1": {"facts": None}}, "started_at": "2026-11-25T14:02:00Z"},
            "the facts of db1 are not in the report",
        ),
        ("report/0.json", [], "report/0.json is no mapping"),
        ("report/0.json", {}, "report/ holds no launch.json"),
    ],
)
def test_a_broken_cell_costs_one_sentence(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str], file: str, content: t.Any, said: str
) -> None:
    write(incident(tmp_path / "mine", "", {"causes": []}) / file, content)
    assert gameday.replay(tmp_path) == 2
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err.startswith("the cell mine cannot be read: ") and said in printed.err


def test_a_folder_without_cells_is_said(tmp_path: pathlib.Path) -> None:
    with pytest.raises(CellError, match="holds no cell"):
        cells(tmp_path)


def test_packed_cells_are_the_same_cells(tmp_path: pathlib.Path) -> None:
    incident(tmp_path / "recorded/missing_index/visible-1", "missing_index", MISSING, {"before": {}})
    ended = tmp_path / "recorded/missing_index/visible-2/report/1.json"
    ended.parent.mkdir(parents=True)
    ended.write_text("{}")  # its recorder was killed before it wrote the truth
    (tmp_path / "packed").mkdir()
    pack(tmp_path / "recorded/missing_index", tmp_path / "packed/missing_index.tar.xz")
    assert cells(tmp_path / "packed") == cells(tmp_path / "recorded")
    assert outcome(cells(tmp_path / "packed")[0]).right


def test_measures_that_a_cell_does_not_have_are_unknown(tmp_path: pathlib.Path) -> None:
    folder = incident(tmp_path / "old", "missing_index", MISSING)
    report = json.loads((folder / "report/0.json").read_text())
    for host in report["hosts"].values():
        for instance in host["facts"].get("launch_postgresql", {}).get("instances", []):
            for name in ("missing_indexes", *HURTS):
                instance.pop(name, None)
    write(folder / "report/0.json", report)
    (row,) = gameday.judged(cells(tmp_path))
    assert "missing_index" not in row.named and not row.right


# the matrix


def test_the_matrix_has_what_a_game_day_needs() -> None:
    names = [cell.name for cell in matrix()]
    assert len(FAULTS) >= 34 and len(ORDINARY) >= 8 and len(KINDS) == len(FAULTS) + len(ORDINARY)
    assert len(names) == len(set(names))
    counted = {severity: sum(f"/{severity}-" in name for name in names) for severity in ("none", "visible")}
    assert counted["none"] >= 60 and sum("+" in name for name in names) >= 2 * len(PAIRS) >= 20
    assert sum("+" not in name and "/none-" not in name for name in names) >= 160


@pytest.mark.parametrize("kind", FAULTS, ids=lambda kind: kind.name)
def test_a_kind_is_either_injected_or_says_what_is_missing(kind: t.Any) -> None:
    assert bool(kind.inject) != bool(kind.missing)
    if kind.inject:
        assert set(kind.knobs) == {"faint", "visible", "severe"}
        assert kind.cause in CAUSES
    assert set(kind.findings) <= {check.id for check in catalogue().checks()}


def test_no_rule_names_an_object_of_the_practice_stack() -> None:
    words = {"shop_order", "shop_customer", "warehouse-sync", "nightly-export", "invoices", "charge_card", "send_receipt"}
    code = [*(ROOT / "plugins/plugin_utils").rglob("*.py"), *(ROOT / "roles/launch_check/catalogue").glob("*.yml")]
    assert len(code) > 50
    assert [(path.name, word) for path in code for word in words if re.search(rf"\b{word}\b", path.read_text(encoding="utf-8"))] == []
