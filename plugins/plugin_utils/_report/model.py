# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the board and the page show of a report: headline, tiers × hosts, similar findings as one entry.

Plain types, bounded in size for any fleet: the action passes it to the callback in its result.
"""

from __future__ import annotations

import collections
import re
import typing as t

from ...module_utils._texts.redact import clean
from .._checks.finding import STATUSES, Finding, natural
from .._checks.remedies import template
from .._checks.services import COLUMNS, FLEET_HOST, TITLES
from .._checks.units import numbered, shown, shown_beside
from .._diagnose.cause import Diagnosis, LatentRisk
from .._diagnose.causes import KINDS
from .._fleet.provenance import moment, sentences
from .._judge.obstacles import Obstacle
from .._judge.report import Report
from .._reach.quoting import is_line
from . import merged
from .records import Cell, Column, Entry, Gap, Matrix, MatrixRow, Model, ShownCause, ShownObstacle, ShownRisk

_RANK = {"fail": 0, "unknown": 1, "warn": 2, "accepted": 3, "ok": 4, "skipped": 5}
ROWS = 30  # host rows of the matrix
SINGLE = 8  # up to this many hosts have a row each, more are grouped
PLACES = 12  # places named per entry
HEADLINE = 600  # characters; only a name that fills pages makes a sentence longer
LONGEST = 3000  # characters of a line; a statement to copy is never cut
ENTRIES = 60
CAUSES = 8
CHANGES = 6
SITES = 4


def model(report: Report) -> Model:
    entries = [_entry(group) for group in groups(report["findings"])]
    causes = merged.alike(report["diagnoses"])
    return {
        "verdict": report["verdict"],
        "status": report["status"],
        "headline": headline(report),
        "about": _about(report),
        "causes": [_cause(group) for group in causes[:CAUSES]],
        "causes_left": max(0, len(causes) - CAUSES),
        "risks": [_risk(group) for group in merged.alike(report.get("latent_risks") or [])[:CAUSES]],
        "visitors": _visitors(report["findings"]),
        "changes": _changes(report),
        "problem": report.get("problem"),
        "obstacles": [_obstacle(obstacle) for obstacle in report.get("obstacles") or []],
        "matrix": matrix(report),
        "entries": entries[:ENTRIES],
        "entries_left": max(0, len(entries) - ENTRIES),
        "accepted": _accepted(report["findings"]),
        "counts": dict(report["counts"]),
    }


def headline(report: Report) -> str:
    """The verdict and its cause in one sentence."""
    word = report["verdict"].upper() + (f" (only {', '.join(report['only'])})" if report.get("only") else "")
    if report["diagnoses"]:
        group = merged.alike(report["diagnoses"])[0]
        return f"{word}: {_first_sentence(group[0])}{_elsewhere(group)}"
    worst = next((finding for finding in report["findings"] if finding["status"] == report["status"] and not finding["accepted"]), None)
    if worst is None or report["status"] == "ok":
        hosts = len(report["hosts"])
        fine = report["counts"]["ok"]
        return f"{word}: {numbered(fine, 'check/checks')} on {numbered(hosts, 'host/hosts')} {numbered(fine, '/is/are')} fine"
    hindered = report.get("obstacles") or []
    if report["status"] == "unknown" and len(hindered) > 1:
        first = "; ".join(clean(obstacle["sentence"], 160) for obstacle in hindered[:2])
        return f"{word}: {numbered(report['counts']['unknown'], 'finding is/findings are')} unknown: {first}"
    same = report["counts"][report["status"]] - 1
    more = f" (and {same} more)" if same else ""
    return f"{word}: {place(worst)}: {_sentences(worst['finding'] or worst['question'] or worst['check'])[0]}{more}"


def _sentences(text: str) -> tuple[str, str]:
    """The first sentence, whole and without its full stop, and what follows it."""
    first, _stop, rest = clean(text, LONGEST).partition(". ")
    return clean(first.rstrip("."), HEADLINE), rest


def _first_sentence(cause: Diagnosis) -> str:
    return _sentences(cause.get("statement") or cause.get("cause") or "")[0]


def _elsewhere(group: t.Sequence[Diagnosis]) -> str:
    others = merged.hosts_of(group)[len(group[0].get("hosts") or []) :]
    if not others:
        return ""
    return f"; likewise on {clean(others[0], 80)}" if len(others) == 1 else f"; likewise on {numbered(len(others), 'more host/more hosts')}"


#: A count held against nothing: "1 (limit: > 0)" says less than the sentence beside it, as yes and no do.
_COUNTS_FROM_NOTHING = re.compile(r"[<>=!]=? *[01]$")


def is_telling(finding: Finding) -> bool:
    """Whether value and limit say more than the finding's own sentence."""
    if not finding["finding"] or finding["value"] is None or finding.get("trend") in ("rising", "falling"):
        return True
    if finding["unit"] == "boolean":
        return False
    return finding["unit"] != "count" or not _COUNTS_FROM_NOTHING.match(finding["limit"] or "")


_LIMIT = re.compile(r"^([<>=!]+) *(-?[0-9.]+(?:e[-+]?[0-9]+)?)(?= and |$)")


def limit_text(limit: t.Optional[str], unit: t.Optional[str]) -> t.Optional[str]:
    """The limit in the unit of the value: `>= 0.75` of a ratio is `>= 75 %`."""
    match = _LIMIT.match(limit or "")
    return limit if match is None else f"{match[1]} {shown(float(match[2]), unit)}{limit[match.end() :]}"  # type: ignore[index]


def value_text(finding: Finding) -> t.Optional[str]:
    """The value beside its limit: 0.8996 against `< 0.9` is "just under 90 %"."""
    if finding["value"] is None or not is_telling(finding):
        return None
    match = _LIMIT.match(finding["limit"] or "")
    return shown_beside(finding["value"], finding["unit"], [] if match is None else [float(match[2])])


def _about(report: Report) -> str:
    counts = report["counts"]
    counted = [(counts[status], forms) for status, forms in _COUNTED if counts.get(status)]
    words = [numbered(count, forms) for count, forms in counted]
    hosts = len(report["hosts"])
    reached = sum(host["reached"] for host in report["hosts"].values())
    hosts_text = numbered(hosts, "host/hosts") + (f", {hosts - reached} of them not reached" if reached < hosts else "")
    only = f"only: {', '.join(report['only'])}; " if report.get("only") else ""
    risks = len(report.get("latent_risks") or [])
    words += [numbered(risks, "latent risk/latent risks")] if risks else []
    launch = f"{only}{report['phase']} launch, {report['started_at']}, {shown(report['duration_seconds'], 'seconds')}"
    return f"{launch}; {hosts_text}; {', '.join(words)}"


_COUNTED = (
    ("fail", "failed/failed"), ("unknown", "unknown/unknown"), ("warn", "warning/warnings"), ("ok", "fine/fine"),
    ("skipped", "does not apply/do not apply"), ("accepted", "accepted/accepted"),
)  # fmt: skip


def place(finding: t.Mapping[str, t.Any]) -> str:
    """The place of a finding: `web1 127.0.0.1:1717`; of a machine only its name."""
    name = clean(finding["host"], 80)
    instance = finding.get("instance")
    return f"{name} {clean(instance, 80)}" if instance and instance not in ("default", finding["host"]) else name


#: Column → how many findings have each status; and the worst status of each column.
Counts = dict[str, collections.Counter[str]]
Signature = tuple[t.Optional[str], ...]

# ---- tiers × hosts ------------------------------------------------------------------------------------------------


def matrix(report: Report) -> Matrix:
    """Tiers × hosts, the worst rows first."""
    cells: dict[str, Counts] = {name: {} for name in report["hosts"]}
    for finding in report["findings"]:
        column = COLUMNS[finding["service"]]
        of_host = cells.setdefault(finding["host"], {})
        of_host.setdefault(column, collections.Counter())["accepted" if finding["accepted"] else finding["status"]] += 1
    columns = [name for name in dict.fromkeys(COLUMNS.values()) if any(name in row for row in cells.values())]
    signatures: dict[Signature, list[str]] = {}
    for name, row in cells.items():
        signature = tuple(_worst(row[column]) if column in row else None for column in columns)
        # few hosts have a row each; many hosts share a row with those of the same status
        key = signature if len(cells) > SINGLE else (*signature, name)
        signatures.setdefault(key, []).append(name)
    rows = [_row(sorted(names, key=natural), key[: len(columns)], columns, cells) for key, names in signatures.items()]
    rows.sort(key=lambda row: (row["hosts"] == [FLEET_HOST], row["rank"], natural(row["hosts"][0])))
    hidden = sum(len(row["hosts"]) for row in rows[ROWS:])
    for line in rows:
        line["hosts"] = line["hosts"][:PLACES]
    titled: list[Column] = [{"name": name, "title": TITLES.get(name, name.capitalize())} for name in columns]
    return {"columns": titled, "rows": rows[:ROWS], "hidden": hidden}


def _worst(counter: t.Mapping[str, int]) -> str:
    return min(counter, key=lambda status: _RANK[status])


def _row(names: list[str], signature: Signature, columns: list[str], cells: t.Mapping[str, Counts]) -> MatrixRow:
    shown_cells: list[t.Optional[Cell]] = []
    for column, status in zip(columns, signature):
        counts = [cells[name][column][status] for name in names] if status else []
        shown_cells.append({"status": status, "count": max(counts)} if status else None)
    label = clean(names[0], 60) if len(names) == 1 else f"{len(names)} hosts: {clean(names[0], 40)} … {clean(names[-1], 40)}"
    rank = sorted(_RANK[status] for status in signature if status)
    return {"label": label, "hosts": names, "hosts_total": len(names), "cells": shown_cells, "rank": rank}


# ---- findings -----------------------------------------------------------------------------------------------------


def groups(findings: t.Iterable[Finding]) -> list[list[Finding]]:
    """What is not ok and counts; the same check on many hosts, or one reason for many unknowns, is one group."""
    by_kind: dict[tuple[t.Any, ...], list[Finding]] = {}
    for finding in findings:
        if finding["status"] in ("fail", "unknown", "warn") and not finding["accepted"]:
            by_kind.setdefault((finding["status"], *_alike(finding)), []).append(finding)
    return sorted(by_kind.values(), key=lambda group: STATUSES.index(group[0]["status"]))


def _alike(finding: Finding) -> tuple[str, ...]:
    """What findings of one entry share. Never the rendered text: a pid, a port or a time in it would keep like hosts apart."""
    if finding["status"] != "unknown":
        return (finding["check"],)
    return finding["service"], template(finding["reason"] or "")


def _entry(group: list[Finding]) -> Entry:
    first = group[0]
    clears = first.get("clears_in_seconds")
    limit = limit_text(first["limit"], first["unit"]) if is_telling(first) else None
    places = sorted({place(finding) for finding in group}, key=natural)
    checks = list(dict.fromkeys(finding["check"] for finding in group))
    return {
        "status": first["status"],
        "service": first["service"],
        "check": first["check"],
        "checks": checks,
        "place": place(first),
        "places": places[:PLACES],
        "places_total": len(places),
        "question": clean(first["question"], 300) if first["question"] else None,
        "finding": _lines(first["finding"]),
        "value": value_text(first),
        "limit": limit,
        "trend": first.get("trend"),
        "clears": None if clears is None else shown(clears, "seconds"),
        "advice": _lines(first["advice"]),
        "look": first["look"] if is_line(first["look"]) else None,
        "evidence": first["evidence"],
    }


def _obstacle(obstacle: Obstacle) -> ShownObstacle:
    return {"sentence": clean(obstacle["sentence"], 400), "command": obstacle["command"] if is_line(obstacle["command"]) else None}


def _lines(text: t.Any) -> t.Optional[str]:
    """Cleaned line by line: advice may hold a snippet."""
    return "\n".join(_indent(line) + clean(line, LONGEST) for line in str(text).splitlines()) if text else None


def _indent(line: str) -> str:
    return " " * (len(line) - len(line.lstrip(" ")))


def _accepted(findings: t.Iterable[Finding]) -> list[Gap]:
    groups: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        if finding["accepted"]:
            groups.setdefault((finding["check"], finding["accepted"]), []).append(finding)
    return [
        {
            "check": check,
            "reason": clean(reason, 200),
            "status": group[0]["status"],
            "finding": clean(group[0]["finding"] or "", 300),
            "place": place(group[0]),
            "places_total": len({place(finding) for finding in group}),
        }
        for (check, reason), group in groups.items()
    ]


def _cause(group: t.Sequence[Diagnosis]) -> ShownCause:
    """What is shown of causes that are alike."""
    cause, hosts = group[0], merged.hosts_of(group)
    name = clean(str(cause.get("cause") or ""), 60)
    return {
        "cause": name,
        "title": KINDS[name].title if name in KINDS else name.replace("_", " "),
        "tier": clean(str(cause.get("tier") or ""), 40),
        "hosts": [clean(host, 80) for host in hosts[:PLACES]],
        "hosts_total": len(hosts),
        "statement": _lines(cause.get("statement")),
        "first_sentence": _first_sentence(cause),
        "rest": _sentences(cause.get("statement") or "")[1],
        "evidence": [_said(row) for row in merged.evidence_of(group)[:PLACES]],
        "rows": [row for row in merged.rows_of(group)[:PLACES] if isinstance(row, dict)],
        "first_fix": _lines(cause.get("first_fix")),
        "avoid": _lines(cause.get("avoid")),
        "look": cause["look"] if is_line(cause.get("look")) else None,
        "path": " → ".join(clean(str(step), 80) for step in (cause.get("path") or [])[:PLACES]),
        "changes": [clean(str(sentence), 300) for sentence in (cause.get("changes") or [])[:PLACES]],
    }


def _risk(group: t.Sequence[LatentRisk]) -> ShownRisk:
    first = _cause(group)
    since = min((at for risk in group if (at := risk.get("since"))), default=None)
    dated = [f"since {since} by the stored rounds"] if since else []
    dated += list(dict.fromkeys(clean(said, 120) for risk in group for said in risk.get("trends") or []))[:PLACES]
    return {
        "cause": first["cause"],
        "title": first["title"],
        "hosts": first["hosts"],
        "hosts_total": first["hosts_total"],
        "statement": first["statement"],
        "dated": "; ".join(dated),
        "first_fix": first["first_fix"],
        "look": first["look"],
    }


def _visitors(findings: t.Iterable[Finding]) -> list[str]:
    """Where it is known: a failure is a finding of its own, and said there."""
    well = [finding for finding in findings if finding["check"] == "visitors_response_time" and finding["status"] in ("ok", "warn")]
    named = "Visitors" if len(well) == 1 else None
    return [
        f"{named or place(finding).removeprefix(FLEET_HOST).strip()}: {clean(finding['finding'] or '', 400)}" for finding in well[:SITES]
    ]


def _changes(report: Report) -> list[str]:
    """What changed lately, in words; times are told from the end of the check on."""
    ended = (moment(report["started_at"]) or 0.0) + report["duration_seconds"]
    return [clean(sentence, 300) for sentence in sentences(report.get("changes") or [], ended, "ago")[:CHANGES]]


def _said(row: t.Any) -> str:
    row = row.get("text", row) if isinstance(row, dict) else row
    return clean(row if isinstance(row, str) else shown(row), 300)
