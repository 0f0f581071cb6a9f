# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes docs/checks.md from the catalogue: `.venv/bin/python .ci/checks_doc.py`. A unit test keeps it current."""

from __future__ import annotations

import pathlib
import typing as t

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[1]
TARGET = ROOT / "docs/checks.md"


def limit(written: t.Any) -> str:
    if written is None:
        return ""
    if isinstance(written, dict):
        return " and ".join(f"{'' if key == 'value' else key + ' '}{value}" for key, value in written.items())
    return str(written)


def cell(text: str) -> str:
    return " ".join(str(text).split()).replace("|", "\\|")


def document() -> str:
    """The reference of all checks, one table per service."""
    lines = ["# The checks", "", "Written from `roles/launch_check/catalogue/` by `.ci/checks_doc.py`; do not edit by hand.", ""]
    by_service: dict[str, list[dict[str, t.Any]]] = {}
    for path in sorted((ROOT / "roles/launch_check/catalogue").glob("*.yml")):
        for check in yaml.safe_load(path.read_text(encoding="utf-8")):
            by_service.setdefault(check["service"], []).append(check)
    for service, checks in by_service.items():
        lines += [f"## {service}", "", "| check | question | unit | warn | fail | phase |", "|---|---|---|---|---|---|"]
        for check in checks:
            parts = [check["id"], check["question"], check.get("unit", ""), limit(check.get("warn")), limit(check.get("fail"))]
            lines.append("| " + " | ".join(cell(part) for part in [*parts, check.get("phase", "during")]) + " |")
        lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    TARGET.write_text(document(), encoding="utf-8")
