# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes docs/checks.md from the catalogue: `.venv/bin/python .ci/checks_doc.py`. A unit test keeps it current."""

from __future__ import annotations

import pathlib
import sys
import typing as t

ROOT = pathlib.Path(__file__).resolve().parents[1]
TARGET = ROOT / "docs/checks.md"
sys.path.insert(0, str(ROOT / ".collections"))

from ansible_collections.warroom.launch.plugins.plugin_utils._checks.catalogue import load  # noqa: E402
from ansible_collections.warroom.launch.plugins.plugin_utils._checks.limit import Limit  # noqa: E402
from ansible_collections.warroom.launch.plugins.plugin_utils._checks.services import TITLES  # noqa: E402
from ansible_collections.warroom.launch.plugins.plugin_utils._report.model import limit_text  # noqa: E402

Entry = dict[str, t.Any]

PHASES = {"before": "in the rehearsal only", "during": "during the launch", "both": "in the rehearsal and during the launch"}
INTRO = """# The checks

Written from `roles/launch_check/catalogue/` by `.ci/checks_doc.py`; do not edit by hand.

Each check says what it asks, why, its limits, what to do beyond them, where the limit comes from, and what it cannot see. Change limits
with `launch_check_thresholds`, accept a known gap with `launch_check_accept`; the [guide](guide.md#limits-and-checks-of-your-own) shows
both. `{…}` stands for a measure of the instance.
"""


def words(text: t.Any) -> str:
    return " ".join(str(text).split())


def cell(text: t.Any) -> str:
    return words(text).replace("|", "\\|")


def limit(written: t.Any, unit: str) -> str:
    return "" if written is None else str(limit_text(Limit.parse(written).text, unit))


def advice(written: t.Any) -> list[str]:
    """One line for each sentence, with the condition that it is given under."""
    if isinstance(written, str):
        return [f"**Advice:** {words(written)}"]
    lines = ["**Advice:**", ""]
    for entry in written:
        when = Limit.parse(entry["when"]).text if entry.get("when") else ("otherwise" if len(written) > 1 else "")
        lines.append(f"- {f'({when}) ' if when else ''}{words(entry['say'])}")
    return lines


def reasons(written: t.Any) -> str:
    return "; ".join(words(reason["say"]) for reason in written) if isinstance(written, list) else words(written)


def check(entry: Entry) -> list[str]:
    unit = entry.get("unit") or "count"
    lines = [f"### {entry['id']}", "", f"**{words(entry['question'])}** {words(entry.get('why') or '')}".strip(), ""]
    values = [limit(entry.get("warn"), unit) or "–", limit(entry.get("fail"), unit) or "–", unit, PHASES[entry.get("phase") or "during"]]
    if entry.get("expects"):
        values[0] = "must be measured"
    lines += ["| warn | fail | unit | judged |", "|---|---|---|---|", "| " + " | ".join(cell(value) for value in values) + " |", ""]
    if entry.get("applies"):
        lines += [f"Skipped: {reasons(entry.get('otherwise') or 'where it does not apply')}.", ""]
    if entry.get("needs"):
        lines += [f"Needs {Limit.parse(entry['needs']).text} to be judged.", ""]
    lines += [*advice(entry["advice"]), ""]
    lines += [f"**Look:** `{words(entry['look'])}`", ""] if entry.get("look") else []
    lines += [f"**Cannot see:** {words(entry['blind'])}", ""] if entry.get("blind") else []
    lines += [f"**Source:** {words(entry['source'])}", ""] if entry.get("source") else []
    return lines


def document() -> str:
    """The reference of all checks, by service."""
    by_service: dict[str, list[Entry]] = {service: [] for service in TITLES}
    for entry in load():
        by_service[entry["service"]].append(entry)
    lines = [INTRO]
    for service, entries in by_service.items():
        if entries:
            lines += [f"## {TITLES[service]}", ""]
            lines += [line for entry in entries for line in check(entry)]
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    TARGET.write_text(document(), encoding="utf-8")
