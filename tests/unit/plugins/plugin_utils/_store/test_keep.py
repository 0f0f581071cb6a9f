# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What both actions do with a report beside its files: rounds, labels, comparisons."""

from __future__ import annotations

import pathlib
import time
import typing as t

import pytest
import yaml

from ansible_collections.warroom.launch.plugins.doc_fragments.launch import ModuleDocFragment
from ansible_collections.warroom.launch.plugins.plugin_utils._store import keep
from ansible_collections.warroom.launch.plugins.plugin_utils._store.before_after import NoReport, find
from ansible_collections.warroom.launch.plugins.plugin_utils._store.keep import CannotKeep, Keeping
from ansible_collections.warroom.launch.plugins.plugin_utils._store.rounds import Store

DEFAULTS: dict[str, t.Any] = {name: option.get("default") for name, option in keep.SPEC.items()}


def keeping(folder: t.Any, **options: t.Any) -> Keeping:
    return Keeping.of({**DEFAULTS, "report_dir": str(folder) if folder else folder, **options})


def report(verdict: str, **more: t.Any) -> t.Any:
    started = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return {"verdict": verdict, "started_at": started, "findings": [], "diagnoses": [], **more}


def test_the_options_are_those_that_are_documented() -> None:
    documented = yaml.safe_load(ModuleDocFragment.STORE)["options"]
    assert {name: {key: value for key, value in option.items() if key != "description"} for name, option in documented.items()} == keep.SPEC


@pytest.mark.parametrize(
    "folder, store, path", [("/r", None, "/r/rounds.db"), ("/r", "/s.db", "/s.db"), (None, "/s.db", "/s.db"), (None, None, "")]
)
def test_the_store_is_beside_the_report_unless_it_is_named(folder: t.Any, store: t.Any, path: str) -> None:
    assert keeping(folder, store=store).store == path


def test_a_change_is_shown_before_it_is_remembered(tmp_path: pathlib.Path) -> None:
    for verdict in ("go", "go", "no-go"):
        assert keep.keep(report(verdict), keeping(tmp_path), True, lambda lines: None)["lines"] == []

    def killed(_lines: list[str]) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        keep.keep(report("no-go"), keeping(tmp_path), True, killed)
    shown: list[str] = []
    kept = keep.keep(report("no-go"), keeping(tmp_path), True, shown.extend)
    assert [line[10:] for line in shown] == ["GO → NO-GO"] and kept["changes"][0]["subject"] == "verdict" and kept["rounds"] == 5
    assert keep.keep(report("no-go"), keeping(tmp_path), True, shown.extend)["lines"] == [] and len(shown) == 1


@pytest.mark.parametrize(
    "options, ended",
    [({}, None), ({"minutes": 1.0, "since": time.time() - 61}, "time"), ({"until": "go"}, "go"), ({"until": "no-go"}, None)],
)
def test_a_watch_says_what_ended_it(tmp_path: pathlib.Path, options: dict[str, t.Any], ended: t.Optional[str]) -> None:
    for _round in range(2):
        given = report("go")
        kept = keep.keep(given, keeping(tmp_path, **options), True, lambda lines: None)
    assert kept["over"] is (ended is not None) and given["history"]["live"] is (ended is None)
    assert keep.closing_lines(kept) == ([keep.OVER[ended]] if ended else [])


def test_a_label_that_moves_is_compared_with_what_it_named_before(tmp_path: pathlib.Path) -> None:
    keep.keep(report("go"), keeping(tmp_path, label="base"), False, pytest.fail)
    kept = keep.keep(report("no-go"), keeping(tmp_path, label="base", compare_with="base"), False, pytest.fail)
    assert keep.closing_lines(kept) == ["Compared with base:", "verdict: go → no-go"] and kept["rounds"] == 2
    assert find("base", str(tmp_path / "rounds.db"))["verdict"] == "no-go"


def test_what_cannot_be_compared_is_not_labelled_either(tmp_path: pathlib.Path) -> None:
    with pytest.raises(NoReport, match="no labelled round|no file"):
        keep.keep(report("go"), keeping(tmp_path, label="new", compare_with="nothing"), False, pytest.fail)
    with Store(str(tmp_path / "rounds.db")) as store:
        assert store.labels() == []


def test_what_has_no_place_or_is_stored_already_is_refused(tmp_path: pathlib.Path) -> None:
    with pytest.raises(CannotKeep, match="launch_check_report_dir"):
        keep.keep(report("go"), keeping(None, label="x"), False, pytest.fail)
    with pytest.raises(CannotKeep, match="stored already"):
        keep.keep({"verdict": "go", "findings": [], "diagnoses": []}, keeping(tmp_path), True, pytest.fail)  # type: ignore[arg-type]
