# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""index.html: one self-contained page. The templates escape every text, and only our own script may run in it."""

from __future__ import annotations

import base64
import functools
import hashlib
import pathlib
import typing as t

import jinja2

from ...module_utils._texts.redact import clean
from .._checks.finding import Finding, natural
from .._checks.units import shown
from .._judge.report import History, Report
from . import charts, merged
from .condensed import condensed
from .graph_drawing import drawing
from .launch_list import launch_list
from .model import CAUSES, LONGEST, groups, limit_text, model, place, value_text
from .panels import panels
from .records import Entry
from .snippets import blocks, is_statement

TEMPLATES = pathlib.Path(__file__).resolve().parent / "templates"
EACH = 12  # places of an entry that are shown with their own words and evidence
LISTED = 1500  # rows of the list of all findings
FIRST = 6  # findings named at the top
SHORT = 180  # characters of a finding that are still read at a glance
WIDE = 5  # columns from which a single row is shown downwards
REFRESH = 15  # seconds

_UNITS = (
    ("_bytes_per_second", "bytes_per_second"),
    ("_per_second", "per_second"),
    ("_milliseconds", "milliseconds"),
    ("_seconds", "seconds"),
    ("_bytes", "bytes"),
    ("_ratio", "ratio"),
)
#: Keys of rows that hold statements and other code.
_CODE = ("create_index", "add_index", "frees_the_others", "statement", "query", "text")
#: Numbers that are identifiers: no thousands separators.
_NAMES = ("pid", "port", "id", "root_blocker")


def index_html(report: Report) -> str:
    """The page. During a watch (`history.live`) an open browser reloads it."""
    shown_model = model(report)
    entries = [{**entry, "statement": _statement(entry), "brief": _brief(entry)} for entry in shown_model["entries"]]
    style, script = _static("page.css"), _static("page.js")
    shown_panels = panels(report)
    rows = report["findings"] if len(report["findings"]) <= LISTED else condensed(report)["findings"]
    return _template().render(
        report=report,
        model=shown_model,
        entries=list(zip(entries, map(_each, groups(report["findings"])))),
        first=_first(entries, bool(shown_model["obstacles"])),
        causes=[{**cause, "table": evidence_table(cause["rows"])} for cause in shown_model["causes"]],
        launch_list=launch_list(report),
        panels=shown_panels,
        graph=drawing(report, merged.alike(report["diagnoses"])[:CAUSES], [panel["service"] for panel in shown_panels]),
        history=over_time(report),
        listed=_listed(rows),
        left_out=max(0, len(rows) - LISTED),
        style=style,
        script=script,
        style_hash=_hash(style),
        script_hash=_hash(script),
        refresh=REFRESH if _history(report).get("live") else None,
    )


@functools.lru_cache(maxsize=1)
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["blocks"] = blocks
    return environment.get_template("page.html.j2")


@functools.lru_cache(maxsize=4)
def _static(name: str) -> str:
    """Our own style and script, verbatim: text from a report is never inserted into them."""
    return (TEMPLATES / name).read_text(encoding="utf-8").strip()


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _first(entries: t.Sequence[dict[str, t.Any]], hindered: bool) -> list[tuple[int, dict[str, t.Any]]]:
    """The most urgent entries with their numbers; what is unknown is said by what stands between it and a verdict."""
    numbered = [(number, entry) for number, entry in enumerate(entries, 1) if not (hindered and entry["status"] == "unknown")]
    return numbered[:FIRST]


def _brief(entry: Entry) -> str:
    """The entry in one line: its finding, or the question where that is long."""
    finding = entry["finding"] or ""
    if 0 < len(finding) <= SHORT and "\n" not in finding:
        return finding
    return entry["question"] or ", ".join(entry["checks"][:2])


def _statement(entry: Entry) -> t.Optional[str]:
    """The statement to run, from the evidence, where a count would say nothing and the advice does not have it."""
    if entry["value"] is not None:
        return None
    texts = (str(row.get(key) or "") for row in entry["evidence"] if isinstance(row, dict) for key in _CODE)
    statement = next((clean(text, LONGEST) for text in texts if is_statement(text)), None)
    return None if statement is None or statement in (entry["advice"] or "") else statement


def _each(group: t.Sequence[Finding]) -> list[dict[str, t.Any]]:
    """The places of an entry, each with its own finding, value and evidence."""
    return [
        {
            "place": place(finding),
            "check": finding["check"],
            "finding": clean(finding["finding"] or "", 400),
            "value": value_text(finding),
            "limit": limit_text(finding["limit"], finding["unit"]),
            "table": evidence_table(finding["evidence"]),
        }
        for finding in group[:EACH]
    ]


def evidence_table(rows: t.Any) -> t.Optional[dict[str, t.Any]]:
    """Rows (dicts) as a table with the union of their keys; units by the keys' names."""
    rows = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    keys = list(dict.fromkeys(key for row in rows for key in row))[:14]
    keys = [key for key in keys if any(row.get(key) not in (None, [], {}) for row in rows)]
    if not keys:
        return None
    numeric = {key: all(charts.number(row.get(key)) is not None or row.get(key) is None for row in rows) for key in keys}
    return {
        "title": "Evidence",
        "downwards": len(rows) == 1 and len(keys) >= WIDE,
        "columns": [{"title": clean(key, 60).replace("_", " "), "number": numeric[key], "code": key in _CODE} for key in keys],
        "rows": [[_cell(key, row.get(key)) for key in keys] for row in rows],
    }


def _cell(key: str, value: t.Any) -> str:
    if value is None:
        return ""
    if key in _NAMES or key.endswith("_id"):
        return clean(str(value), 500)
    if key in _CODE:
        return clean(shown(value), LONGEST)
    unit = next((unit for ending, unit in _UNITS if key.endswith(ending)), None)
    return clean(shown(value, unit), 500)


def _history(report: Report) -> History:
    return report.get("history") or {"rounds": [], "series": []}


def over_time(report: Report) -> list[charts.Chart]:
    """The rounds of a watch: their verdicts, and the followed checks' values, a plot for each check with a line for each place."""
    history = _history(report)
    questions = {entry["check"]: entry["question"] for entry in report["findings"]}
    by_check: dict[str, list[dict[str, t.Any]]] = {}
    for entry in history.get("series") or []:
        by_check.setdefault(entry["check"], []).append(entry)
    plots = [charts.rounds("Verdict of each round", history.get("rounds") or [])]
    for check, series in by_check.items():
        lines = [(place(entry), entry["points"]) for entry in sorted(series, key=lambda entry: natural(place(entry)))]
        plots.append(charts.timeline(clean(questions.get(check) or check, 200), lines, series[0].get("unit") or "count", clean(check, 120)))
    return [chart for chart in plots if chart is not None]


def _listed(findings: t.Sequence[Finding]) -> list[dict[str, t.Any]]:
    """Every finding in one line, by place; the most urgent ones when there are too many. Many that are fine alike are one line."""
    rows = sorted(findings[:LISTED], key=lambda finding: (natural(place(finding)), finding["check"]))
    return [
        {
            "place": f"{finding['count']} places, as {place(finding)}" if finding.get("count") else place(finding),
            "check": finding["check"],
            "status": "accepted" if finding["accepted"] else finding["status"],
            "value": shown(finding["value"], finding["unit"]) if finding["value"] is not None else "",
            "said": clean(finding["finding"] or finding["reason"] or "", 300),
        }
        for finding in rows
    ]
