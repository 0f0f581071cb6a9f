# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Small true-to-form facts and checks for tests of the judgement."""

from __future__ import annotations

import typing as t


def instance(name: str = "a", **measures: t.Any) -> dict[str, t.Any]:
    """An instance that is up, with these measures."""
    return {"name": name, "state": "up", "problem": None, "window": 5.0, "unknown": {}, "notes": [], **measures}


def facts(**services: t.Any) -> dict[str, t.Any]:
    """`facts(uwsgi=[instance(…)])` in the form of `ansible_facts`."""
    return {f"launch_{service}": {"schema": 1, "instances": instances} for service, instances in services.items()}


class AnyMeasure(dict[str, str]):
    """Documented measures of which every name is one."""

    def __contains__(self, name: object) -> bool:
        return True

    def __getitem__(self, name: str) -> str:
        return "raw"


def check(**changes: t.Any) -> dict[str, t.Any]:
    """An entry of a catalogue; None takes a key away."""
    entry: dict[str, t.Any] = {
        "id": "uwsgi_busy",
        "service": "uwsgi",
        "question": "Are all the workers busy?",
        "value": "busy_ratio",
        "unit": "ratio",
        "warn": ">= 0.75",
        "fail": ">= 0.95",
        "finding": "{busy_ratio:ratio} busy",
        "advice": "Add workers.",
        "look": "uwsgitop {name}",
        **changes,
    }
    return {key: value for key, value in entry.items() if value is not None}
