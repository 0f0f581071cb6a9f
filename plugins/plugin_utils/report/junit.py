# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""junit.xml for CI: a suite per host, a case per check and instance; unknown is an error, accepted and skipped are skipped."""

from __future__ import annotations

import re
import typing as t
import xml.etree.ElementTree as ElementTree

# What XML 1.0 cannot hold at all.
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit_xml(report: t.Mapping[str, t.Any]) -> str:
    by_host: dict[str, list[t.Mapping[str, t.Any]]] = {name: [] for name in report["hosts"]}
    for one in report["findings"]:
        by_host.setdefault(one["host"], []).append(one)
    took = f"{report['duration_seconds']:.3f}"
    root = ElementTree.Element("testsuites", _attributes(name=f"launch_check: {report['verdict']}", time=took))
    totals = {"tests": 0, "failures": 0, "errors": 0, "skipped": 0}
    for host, findings in by_host.items():
        kinds = [_kind(one) for one in findings]
        counts = {"tests": len(kinds), **{name: kinds.count(name) for name in ("failures", "errors", "skipped")}}
        totals = {name: totals[name] + counts[name] for name in totals}
        suite = ElementTree.SubElement(root, "testsuite", _attributes(name=host, timestamp=report["started_at"].rstrip("Z"), **counts))
        for one, kind in zip(findings, kinds):
            _case(suite, one, kind)
    root.attrib.update(_attributes(**totals))
    ElementTree.indent(root, " ")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _kind(one: t.Mapping[str, t.Any]) -> str:
    if one["accepted"] or one["status"] == "skipped":
        return "skipped"
    return {"fail": "failures", "unknown": "errors"}.get(one["status"], "fine")


def _case(suite: ElementTree.Element, one: t.Mapping[str, t.Any], kind: str) -> None:
    name = f"{one['check']} [{one['instance']}]" if one["instance"] else one["check"]
    case = ElementTree.SubElement(suite, "testcase", _attributes(classname=f"{one['host']}.{one['service']}", name=name))
    said = one["finding"] or one["reason"] or ""
    if kind == "skipped":
        reason = f"accepted: {one['accepted']} ({said})" if one["accepted"] else one["reason"] or said
        ElementTree.SubElement(case, "skipped", _attributes(message=reason))
    elif kind in ("failures", "errors"):
        tag = "failure" if kind == "failures" else "error"
        ElementTree.SubElement(case, tag, _attributes(message=said, type=one["check"])).text = _text(_details(one))
    elif one["status"] == "warn":
        ElementTree.SubElement(case, "system-out").text = _text(f"warning: {said}\n{_details(one)}")


def _details(one: t.Mapping[str, t.Any]) -> str:
    parts = (("", one["question"]), ("limit: ", one["limit"]), ("next: ", one["advice"]), ("look: ", one["look"]))
    return "\n".join(f"{name}{value}" for name, value in parts if value)


def _attributes(**values: t.Any) -> dict[str, str]:
    return {name: _text(value) for name, value in values.items()}


def _text(value: t.Any) -> str:
    return _NO_XML.sub("\ufffd", str(value))
