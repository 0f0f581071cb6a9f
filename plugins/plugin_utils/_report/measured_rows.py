# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was measured of all instances of a service, as the rows that charts draw."""

from __future__ import annotations

import typing as t

from ...module_utils._texts.redact import clean
from .._checks.services import instances_in
from .._judge.report import Report
from .charts import number

Places = list[tuple[str, dict[str, t.Any]]]  # (where, instance)


def instances_by_place(report: Report, service: str) -> Places:
    """Every instance that is up, named by host (and instance where a host has several)."""
    result: Places = []
    for host, record in report["hosts"].items():
        up = [instance for instance in instances_in(record["facts"], service) if instance.get("state") == "up"]
        result += [(clean(host if len(up) == 1 else f"{host} {instance.get('name')}", 120), instance) for instance in up]
    return result


def part(instance: t.Any, path: str) -> t.Any:
    """A measure by its dotted path, None when it is not there."""
    for key in path.split("."):
        instance = instance.get(key) if isinstance(instance, dict) else None
    return instance


def rows_of(instances: Places, path: str) -> list[dict[str, t.Any]]:
    """The rows of a list in every instance, each with `where`."""
    result = []
    for where, instance in instances:
        listed = part(instance, path)
        result += [{**row, "where": where} for row in listed if isinstance(row, dict)] if isinstance(listed, list) else []
    return result


def values(instances: Places, path: str, invert: bool = False) -> list[dict[str, t.Any]]:
    """Rows {label, value} for bars; `invert` shows the complement of a ratio."""
    rows = []
    for where, instance in instances:
        value = number(part(instance, path))
        if value is not None:
            rows.append({"label": where, "value": 1 - value if invert else value})
    return rows
