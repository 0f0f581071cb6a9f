# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the report labelled baseline says of the load test, and what it does not."""

from __future__ import annotations

import pathlib
import typing as t

from ansible_collections.warroom.launch.plugins.plugin_utils._store.load_test import add_load_test, measures


def report(*busy: t.Any, rate: t.Any = 1850.0) -> dict[str, t.Any]:
    hosts = {
        f"web{number}": {"facts": {"launch_uwsgi": {"schema": 1, "instances": [{"name": "shop", "state": "up", "busy_ratio": value}]}}}
        for number, value in enumerate(busy, 1)
    }
    visitors = {"schema": 1, "instances": [{"name": "visitors", "state": "up", "requests_per_second": rate}]}
    return {"hosts": hosts, "fleet": {"launch_visitors": visitors}}


def test_the_busiest_server_and_all_requests() -> None:
    found, unknown = measures(report(0.4, 0.62), 60.0)
    assert found == {
        **{"stored": True, "age_seconds": 60.0, "requests_per_second": 1850.0, "busy_ratio": 0.62, "busiest": "web2 shop"},
        "headroom_factor": 1.61,
    }
    assert unknown == {}


def test_what_it_does_not_tell_is_unknown() -> None:
    found, unknown = measures(report(None, "busy", rate=None), 60.0)
    assert found["stored"] is True and {name for name, value in found.items() if value is None} == set(unknown)
    assert set(unknown) == {"requests_per_second", "busy_ratio", "busiest", "headroom_factor"}


def test_without_a_stored_report(tmp_path: pathlib.Path) -> None:
    checklist = {"state": "up", "load_test": None, "unknown": {"load_test.stored": "x", "other": "y"}}
    add_load_test({"launch_checklist": {"instances": [checklist]}}, str(tmp_path / "rounds.db"), 0.0)
    load_test: t.Any = checklist["load_test"]
    assert load_test["stored"] is False and set(t.cast(dict[str, str], checklist["unknown"])) == {
        "other",
        *(f"load_test.{name}" for name in load_test if name != "stored"),
    }
