# Copyright (c) 2026, the warroom.launch authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What holds of every report, whatever the facts: it comes, it is whole, and nothing missing is taken for well."""

from __future__ import annotations

import functools
import json
import re
import typing as t
import xml.etree.ElementTree

import jmespath
from hypothesis import strategies as st

from ansible_collections.warroom.launch.plugins.module_utils._texts.plain import plain
from ansible_collections.warroom.launch.plugins.plugin_utils._checks.check import Check
from ansible_collections.warroom.launch.plugins.plugin_utils._checks.measures import measures
from ansible_collections.warroom.launch.plugins.plugin_utils._checks.plausible import ABOVE_ONE, SIGNED
from ansible_collections.warroom.launch.plugins.plugin_utils._checks.services import FLEET, instances_in
from ansible_collections.warroom.launch.plugins.plugin_utils._judge.pipeline import Asked, judge
from ansible_collections.warroom.launch.plugins.plugin_utils._judge.report import Report
from ansible_collections.warroom.launch.plugins.plugin_utils._report import board, model
from tests.support.check_cases import catalogue
from tests.support.recorded_facts import Fleet, fleets
from tests.support.report import texts
from tests.support.spoiled import Change, Path, changed, changes, paths

#: Checks whose value is whether something is known.
ALWAYS_KNOWN = ("postgresql_instrumented",)
#: Shares whose names do not end in `_ratio`, and that may exceed 1.
SHARES_ABOVE_ONE = (*ABOVE_ONE, "transient_to_storage")
_PYTHON = re.compile(r"Traceback \(most recent|please report|Please report|'NoneType'|KeyError|TypeError|AttributeError")
_PERCENT = re.compile(r"(?<![\w.,])(-?[\d,.]+) %")

#: One of something, said as if there were several.
_ONE_OF_MANY = re.compile(
    r"(?<![\w.,:/-])1 (?:checks|hosts|findings|warnings|requests|workers|rounds|redirects|others|values|servers|queues|do not apply|are)\b"
)


class Example(t.NamedTuple):
    fleet: Fleet
    changes: list[Change]
    phase: str

    def __repr__(self) -> str:
        return f"{self.changes} in {sorted(self.fleet)} {self.phase}"


@functools.cache
def _places(number: int) -> list[Path]:
    return list(paths(fleets()[number]))


@st.composite
def examples(draw: st.DrawFn) -> Example:
    """A recorded fleet and what of it is spoiled. Whole fleets come as often as all single cases together."""
    several = sum(len(fleet) > 1 for fleet in fleets())
    number = draw(st.integers(0, several + 3) if draw(st.booleans()) else st.integers(0, len(fleets()) - 1))
    made = draw(changes(_places(number), fleets()[number]))
    return Example(fleets()[number], made, draw(st.sampled_from(("during", "during", "before"))))


def problems(example: Example) -> list[str]:
    """What is wrong with the report of these facts."""
    spoiled = changed(example.fleet, example.changes)
    hosts = [Asked(name, facts) for name, facts in plain(spoiled).items() if isinstance(facts, dict)]
    report = judge(hosts, catalogue(), example.phase)
    return [*_findings(report), *_missing(hosts, report, example.phase), *_files(report)]


def _findings(report: Report) -> t.Iterator[str]:
    if report["problem"]:
        yield report["problem"]
    paths_of = {check.id: check.value.text for check in catalogue().checks()}
    for found in report["findings"]:
        where = f"{found['check']} ({found['status']})"
        words = " ".join(str(found[key]) for key in ("finding", "advice", "reason") if found[key])
        if _PYTHON.search(words):
            yield f"{where}: {_PYTHON.search(words)}: {words[:300]}"
        name = paths_of.get(found["check"], "").split(".")[-1]
        value = found["value"]
        if found["status"] in ("unknown", "skipped") or isinstance(value, bool) or not isinstance(value, (int, float)):
            continue
        if value < 0 and name not in SIGNED:
            yield f"{where}: {value} is negative"
        if found["unit"] == "ratio" and value > 1 and name not in (*SHARES_ABOVE_ONE, *SIGNED):
            yield f"{where}: {value} is no share"
        if found["unit"] == "ratio" and name not in (*SHARES_ABOVE_ONE, *SIGNED):
            shown = [float(text.replace(",", "")) for text in _PERCENT.findall(found["finding"] or "")]
            if any(not 0 <= each <= 100 for each in shown):
                yield f"{where}: {found['finding']}"


def _missing(hosts: t.Sequence[Asked], report: Report, phase: str) -> t.Iterator[str]:
    """Checks that apply, whose value is not there, and that are ok; or a verdict that is go over one of them."""
    found = {(each["check"], each["host"], each["instance"]): each["status"] for each in report["findings"]}
    for host in hosts:
        for check in catalogue().checks():
            if check.service in FLEET or check.phase not in ("both", phase) or check.id in ALWAYS_KNOWN:
                continue
            instances = instances_in(host.facts, check.service)
            if any(_kindless(check.service, instance) for instance in instances) and report["verdict"].startswith("go"):
                yield f"{check.service} of {host.name} has no kind, and the verdict is {report['verdict']}"
            names = [name if isinstance(name := instance.get("name"), str) and name else "default" for instance in instances]
            for instance, name in zip(instances, names):
                if names.count(name) > 1 or instance.get("state") != "up" or not _lacks_its_value(check, instance):
                    continue
                status = found.get((check.id, host.name, name))
                if status in ("ok", None):
                    yield f"{check.id} of {host.name} {name}: {status}, and its value is missing"
                if status == "unknown" and report["verdict"].startswith("go"):
                    yield f"{check.id} of {host.name} {name} is unknown, and the verdict is {report['verdict']}"


def _kindless(service: str, instance: t.Mapping[str, t.Any]) -> bool:
    """Whether it is not known what kind of instance this is, and so which checks apply."""
    return "kind" in measures(service) and instance.get("state") == "up" and not isinstance(instance.get("kind"), str)


def _lacks_its_value(check: Check, instance: t.Mapping[str, t.Any]) -> bool:
    """By JMESPath itself, not by the engine: the check applies, and all that its value reads is null or not there."""
    try:
        if check.applies is not None and jmespath.search(check.applies.text, instance) in (None, False, 0, "", [], {}):
            return False
        return all(instance.get(root) is None for root in _roots(check.value.text))
    except (jmespath.exceptions.JMESPathError, TypeError):
        return False


@functools.cache
def _roots(expression: str) -> frozenset[str]:
    """The measures of an instance that an expression begins with."""
    return frozenset(_fields(jmespath.compile(expression).parsed))


def _fields(node: t.Mapping[str, t.Any]) -> t.Iterator[str]:
    if node["type"] == "field":
        yield node["value"]
    elif node["type"] in ("subexpression", "projection", "filter_projection", "value_projection", "index_expression", "pipe"):
        yield from _fields(node["children"][0])
    else:
        for child in node["children"]:
            yield from _fields(child)


def _files(report: Report) -> t.Iterator[str]:
    """Every file of the report and the board."""
    shown = board.lines(model.model(report))
    if any(not line.isprintable() for line in shown):
        yield "the board holds control characters"
    written = texts(t.cast("dict[str, t.Any]", report), "all")
    json.loads(written["launch.json"], parse_constant=_not_strict)
    xml.etree.ElementTree.fromstring(written["junit.xml"])
    for name, text in {**written, "the board": "\n".join(shown)}.items():
        text.encode("utf-8")
        if "Traceback (most recent" in text:
            yield f"{name} holds a traceback"
    one = _ONE_OF_MANY.search("\n".join(shown))
    if one:
        yield f"the board says {one[0]!r}"


def _not_strict(constant: str) -> t.NoReturn:
    raise ValueError(f"launch.json holds {constant}")
