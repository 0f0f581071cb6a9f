# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The event source yields causes as they begin and end, and the rulebooks name what exists."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import pathlib
import re
import types
import typing as t

import pytest
import yaml

from tests.support.report import CAUSE, host, report
from tests.support.server import ROOT

EDA = ROOT / "extensions" / "eda"


def source() -> types.ModuleType:
    spec = importlib.util.spec_from_file_location("launch_causes", EDA / "plugins/event_source/launch_causes.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def written(path: pathlib.Path, *causes: t.Any) -> None:
    new = path.with_suffix(".new")
    new.write_text(json.dumps(report(host("a", 1.0), diagnoses=list(causes))))
    os.replace(new, path)


async def _told(path: pathlib.Path, steps: t.Sequence[tuple[t.Callable[[], None], int]]) -> list[list[t.Any]]:
    queue: asyncio.Queue[t.Any] = asyncio.Queue()
    task = asyncio.create_task(source().main(queue, {"report": str(path), "interval": 0.1}))
    told = []
    for change, expected in steps:
        change()
        told.append([await asyncio.wait_for(queue.get(), 20) for _number in range(expected)])
    task.cancel()
    assert queue.empty()
    return told


def test_causes_begin_and_end(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "launch.json"
    other = {**CAUSE, "cause": "lock_chain", "hosts": ["db1"]}
    steps = [
        (lambda: written(path, CAUSE), 1),
        (lambda: written(path, CAUSE, other), 1),
        (lambda: path.write_text("{"), 0),
        (path.unlink, 0),
        (lambda: written(path, other), 1),
    ]
    begun, more, _broken, _gone, ended = asyncio.run(_told(path, steps))
    assert [(row["launch"]["event"], row["launch"]["cause"]) for row in (*begun, *more, *ended)] == [
        ("begin", CAUSE["cause"]),
        ("begin", "lock_chain"),
        ("end", CAUSE["cause"]),
    ]
    assert more[0]["meta"] == {"hosts": ["db1"]}


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"diagnoses": 3}', '{"diagnoses": [{}], "verdict": "go"}', "[" * 100_000])
def test_what_is_no_report_tells_nothing(tmp_path: pathlib.Path, text: str) -> None:
    path = tmp_path / "launch.json"
    path.write_text(text)
    assert source().read(str(path)) is None


@pytest.mark.parametrize("path", sorted((EDA / "rulebooks").glob("*.yml")), ids=lambda path: path.name)
def test_a_rulebook_names_what_exists(path: pathlib.Path) -> None:
    (ruleset,) = yaml.safe_load(path.read_text(encoding="utf-8"))
    (given,) = ruleset["sources"]
    assert list(given) == ["warroom.launch.launch_causes"] and set(given["warroom.launch.launch_causes"]) <= {"report", "interval"}
    fields = {*source().causes_of(report(host("a", 1.0), diagnoses=[CAUSE])).popitem()[1], "event"}
    assert set(re.findall(r"event\.launch\.(\w+)", path.read_text(encoding="utf-8"))) <= fields
    for rule in ruleset["rules"]:
        playbook = rule["action"].get("run_playbook", {}).get("name", "warroom.launch.launch_check")
        assert (ROOT / "playbooks" / f"{playbook.rpartition('.')[2]}.yml").exists()
