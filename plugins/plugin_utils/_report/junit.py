# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""junit.xml for CI: a suite per host, a case per finding; unknown is an error, accepted and skipped are skipped.

Findings that are fine alike are one case, whose name says how many; trouble of a check beyond its first findings, too, and that names
each place.
"""

from __future__ import annotations

import re
import typing as t
from xml.sax.saxutils import escape, quoteattr

from .._checks.finding import Finding
from .._judge.report import Report
from .condensed import expanded
from .model import place

# What XML 1.0 cannot hold at all.
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


#: The suite of what one case says of several hosts.
ALIKE = "all hosts"


def junit_xml(report: Report) -> t.Iterator[str]:
    by_host: dict[str, list[Finding]] = {}
    for finding in report["findings"]:
        by_host.setdefault(ALIKE if finding.get("count") else finding["host"], []).append(finding)
    order = [name for name in (*report["hosts"], *by_host) if name in by_host]
    head = _attributes(name=f"launch_check: {report['verdict']}", time=f"{report['duration_seconds']:.3f}", **_counts(report["findings"]))
    # text, not a tree: a large fleet has a hundred thousand cases
    yield f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites{head}>\n'
    for host in dict.fromkeys(order):
        counts = _counts(by_host[host])
        yield f" <testsuite{_attributes(name=host, timestamp=report['started_at'].rstrip('Z'), **counts)}>\n"
        for finding in by_host[host]:
            yield _case(finding, _kind(finding)) + "\n"
        yield " </testsuite>\n"
    yield "</testsuites>\n"


def _counts(findings: t.Sequence[Finding]) -> dict[str, int]:
    kinds = [_kind(finding) for finding in findings]
    return {"tests": len(kinds), **{name: kinds.count(name) for name in ("failures", "errors", "skipped")}}


def _kind(finding: Finding) -> str:
    if finding["accepted"] or finding["status"] == "skipped":
        return "skipped"
    return {"fail": "failures", "unknown": "errors"}.get(finding["status"], "fine")


def _case(finding: Finding, kind: str) -> str:
    name, host = f"{finding['check']} [{finding['instance']}]" if finding["instance"] else finding["check"], finding["host"]
    if finding.get("count"):
        name, host = f"{finding['check']}: {finding['status']} {finding['count']} times", ALIKE
    head = f"  <testcase{_attributes(classname=f'{host}.' + finding['service'], name=name)}"
    inside = _inside(finding, kind)
    return f"{head}>{inside}</testcase>" if inside else f"{head}/>"


def _inside(finding: Finding, kind: str) -> str:
    message = finding["finding"] or finding["reason"] or ""
    if kind == "skipped":
        reason = f"accepted: {finding['accepted']} ({message})" if finding["accepted"] else finding["reason"] or message
        places = escape(_text(_places(finding)))
        return f"<skipped{_attributes(message=reason)}>{places}</skipped>" if places else f"<skipped{_attributes(message=reason)}/>"
    if kind in ("failures", "errors"):
        tag = "failure" if kind == "failures" else "error"
        return f"<{tag}{_attributes(message=message, type=finding['check'])}>{escape(_text(_details(finding)))}</{tag}>"
    return (
        f"<system-out>{escape(_text(f'warning: {message}'))}\n{escape(_text(_details(finding)))}</system-out>"
        if finding["status"] == "warn"
        else ""
    )


def _details(finding: Finding) -> str:
    parts = (("", finding["question"]), ("limit: ", finding["limit"]), ("next: ", finding["advice"]), ("look: ", finding["look"]))
    return "\n".join([*(f"{name}{value}" for name, value in parts if value), *([_places(finding)] if finding.get("places") else [])])


def _places(finding: Finding) -> str:
    """Where the findings are that the case stands for, each with its own words where these are others."""
    return "\n".join(
        place(each) if each["finding"] == finding["finding"] else f"{place(each)}: {each['finding']}"
        for each in (expanded([finding]) if finding.get("places") else ())
    )


def _attributes(**values: t.Any) -> str:
    return "".join(f" {name}={quoteattr(_text(value))}" for name, value in values.items())


def _text(value: t.Any) -> str:
    text = str(value)
    return text if text.isascii() and text.isprintable() else _NO_XML.sub("\ufffd", text)
