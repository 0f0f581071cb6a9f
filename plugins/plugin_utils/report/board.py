# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The board: the verdict as plain text for a terminal."""

from __future__ import annotations

import typing as t


def headline(report: t.Mapping[str, t.Any]) -> str:
    """The verdict and its cause in one line."""
    return report["verdict"].upper()


def lines(report: t.Mapping[str, t.Any], width: int = 100) -> list[str]:
    result = [f"{report['verdict'].upper()}"]
    for one in report["findings"]:
        if one["status"] in ("fail", "unknown", "warn"):
            result.append(f"{one['status']:8} {one['host']} {one['instance'] or ''}: {one['finding']}")
            if one["advice"]:
                result.append(f"         → {one['advice']}")
            if one["look"]:
                result.append(f"         $ {one['look']}")
    return result
