# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""junit.xml for CI: a suite per host, a case per check and instance; unknown is an error, accepted and skipped are skipped."""

from __future__ import annotations

import re
import typing as t
from xml.sax.saxutils import escape, quoteattr

Finding = t.Mapping[str, t.Any]

# What XML 1.0 cannot hold at all.
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit_xml(report: t.Mapping[str, t.Any]) -> str:
    by_host: dict[str, list[Finding]] = {name: [] for name in report["hosts"]}
    for one in report["findings"]:
        by_host.setdefault(one["host"], []).append(one)
    # text, not a tree: a large fleet has a hundred thousand cases
    suites: list[str] = []
    totals = {"tests": 0, "failures": 0, "errors": 0, "skipped": 0}
    for host, findings in by_host.items():
        kinds = [_kind(one) for one in findings]
        counts = {"tests": len(kinds), **{name: kinds.count(name) for name in ("failures", "errors", "skipped")}}
        totals = {name: totals[name] + counts[name] for name in totals}
        suites.append(f" <testsuite{_attributes(name=host, timestamp=report['started_at'].rstrip('Z'), **counts)}>")
        suites += [_case(one, kind) for one, kind in zip(findings, kinds)]
        suites.append(" </testsuite>")
    head = _attributes(name=f"launch_check: {report['verdict']}", time=f"{report['duration_seconds']:.3f}", **totals)
    return "\n".join(['<?xml version="1.0" encoding="UTF-8"?>', f"<testsuites{head}>", *suites, "</testsuites>", ""])


def _kind(one: Finding) -> str:
    if one["accepted"] or one["status"] == "skipped":
        return "skipped"
    return {"fail": "failures", "unknown": "errors"}.get(one["status"], "fine")


def _case(one: Finding, kind: str) -> str:
    name = f"{one['check']} [{one['instance']}]" if one["instance"] else one["check"]
    head = f"  <testcase{_attributes(classname=f'''{one['host']}.{one['service']}''', name=name)}"
    inside = _inside(one, kind)
    return f"{head}>{inside}</testcase>" if inside else f"{head}/>"


def _inside(one: Finding, kind: str) -> str:
    said = one["finding"] or one["reason"] or ""
    if kind == "skipped":
        reason = f"accepted: {one['accepted']} ({said})" if one["accepted"] else one["reason"] or said
        return f"<skipped{_attributes(message=reason)}/>"
    if kind in ("failures", "errors"):
        tag = "failure" if kind == "failures" else "error"
        return f"<{tag}{_attributes(message=said, type=one['check'])}>{escape(_text(_details(one)))}</{tag}>"
    return (
        f"<system-out>{escape(_text(f'warning: {said}'))}\n{escape(_text(_details(one)))}</system-out>" if one["status"] == "warn" else ""
    )


def _details(one: Finding) -> str:
    parts = (("", one["question"]), ("limit: ", one["limit"]), ("next: ", one["advice"]), ("look: ", one["look"]))
    return "\n".join(f"{name}{value}" for name, value in parts if value)


def _attributes(**values: t.Any) -> str:
    return "".join(f" {name}={quoteattr(_text(value))}" for name, value in values.items())


def _text(value: t.Any) -> str:
    text = str(value)
    return text if text.isascii() and text.isprintable() else _NO_XML.sub("\ufffd", text)
