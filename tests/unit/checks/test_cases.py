# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every check on its cases (`tests/checks/`), and every check has a case for each state that it can have."""

from __future__ import annotations

import collections
import json
import re

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._checks.evaluate import judged
from ansible_collections.warroom.launch.plugins.plugin_utils._checks.finding import STATUSES
from ansible_collections.warroom.launch.plugins.plugin_utils._checks.query import Unknowable
from tests.support.check_cases import Case, cases, catalogue

CHECKS = {check.id: check for check in catalogue().checks()}
CASES = collections.defaultdict(list)
for _case in cases():
    CASES[_case.check].append(_case)

#: Checks whose value is always there once the instance is up, with the reason.
NEVER_UNKNOWN = {"postgresql_instrumented": "its value is whether the statements are known"}
#: Sentences that betray a measure without a value, a rounded limit or an expression: no finding may hold them.
_BROKEN = re.compile(r"\bunknown\b|: none\b|`|\[\?|\b1 (?:missing )?[a-z]+(?:ches|exes|ies|kers|ions|ests|ocks|odes|sses|ues)\b")


@pytest.mark.parametrize("case", cases(), ids=str)
def test_case(case: Case) -> None:
    found = case.finding()
    assert found["status"] == case.state, found
    words = "\n".join(str(found[key]) for key in ("finding", "advice", "reason", "look", "limit") if found[key])
    for said in case.says:
        assert said in words, words
    for said in case.never:
        assert said not in words, words


@pytest.mark.parametrize("case", [case for case in cases() if case.state in ("ok", "warn", "fail")], ids=str)
def test_the_words_of_a_case_are_whole(case: Case) -> None:
    found = case.finding()
    assert found["finding"] and (case.state == "ok" or (found["advice"] and found["look"])), found
    for key in ("finding", "advice"):
        text = str(found[key] or "")
        assert not (_BROKEN.search(text) if key == "finding" else re.search(r"\bunknown\b", text)), text


#: What a collector, a version of a server or a stranger may put in the place of a measure.
ODD = (None, "text", "", True, [], [None], {}, {"a": 1}, -1, 10**40, float("nan"), float("inf"), [{"a": None}, 5])


@pytest.mark.parametrize("check", CHECKS.values(), ids=list(CHECKS))
def test_odd_facts_cost_a_sentence_and_never_a_traceback(check) -> None:
    """Measures replaced by everything odd: a finding each time, never an error of ours, never words of Python.

    Each case gets a third of what is odd, the next one the next third; the soak's any_facts goes through all of it.
    """
    for number, case in enumerate(CASES[check.id]):
        for name in case.facts:
            for odd in ODD[number % 3 :: 3]:
                instance = {**case.instance(), name: odd}
                found = judged(check, "host1", instance, case.phase)
                assert found["status"] in STATUSES, (case, name, odd)
                words = " ".join(str(found[key]) for key in ("finding", "advice", "reason"))
                assert "please report it" not in words and "Traceback" not in words, (case, name, odd, words)
                assert json.dumps({**found, "evidence": []}, allow_nan=False), (case, name, odd)


@pytest.mark.parametrize("check", CHECKS.values(), ids=list(CHECKS))
def test_a_value_of_no_use_is_never_ok(check) -> None:
    """The first measure that the value reads, taken away: whatever else the facts say, the check is not ok."""
    if check.id in NEVER_UNKNOWN:
        return
    measure = re.findall(r"[A-Za-z_]\w*(?!\w*\()", check.value.text)
    for case in CASES[check.id]:
        gone = {key: value for key, value in case.instance().items() if key not in measure or key in ("kind",)}
        if case.state in ("ok", "warn", "fail"):
            assert judged(check, "host1", gone, case.phase)["status"] != "ok", case


def test_cases_belong_to_checks() -> None:
    assert not set(CASES) - set(CHECKS)


@pytest.mark.parametrize("check", CHECKS.values(), ids=lambda check: check.id)
def test_a_check_has_a_case_for_each_state_that_it_can_have(check) -> None:
    wanted = {"ok"} | {state for state in ("warn", "fail") if getattr(check, state)}
    if check.id not in NEVER_UNKNOWN:
        wanted.add("unknown")
    if check.applies is not None:
        wanted.add("skipped")
    assert not wanted - {case.state for case in CASES[check.id]}


@pytest.mark.parametrize("check", [check for check in CHECKS.values() if check.needs], ids=lambda check: check.id)
def test_too_little_to_judge_by_has_its_cases(check) -> None:
    assert "unknown" in {case.state for case in CASES[check.id]}
    if check.phase == "both":
        assert "skipped" in {case.state for case in CASES[check.id] if case.phase == "before"}


@pytest.mark.parametrize("check", CHECKS.values(), ids=lambda check: check.id)
def test_every_term_of_a_limit_is_crossed_both_ways(check) -> None:
    """By cases with the shipped limits: for each comparison one in which it holds, and one in which it does not."""
    missing = []
    for name, limit in (("warn", check.warn), ("fail", check.fail), ("needs", check.needs)):
        for query, comparison in limit.terms if limit else ():
            results = {_holds(case, check, query, comparison) for case in CASES[check.id] if not case.thresholds}
            missing += [
                f"{name}: {query.text if query else 'value'} {comparison.sign} {comparison.operand} is never {result}"
                for result in (True, False)
                if result not in results
            ]
    assert not missing


def _holds(case: Case, check, query, comparison):
    instance = case.instance()
    try:
        return comparison.holds((query or check.value).known(instance))
    except Unknowable:
        return None


#: "1 wait", "1 primary are", "2 workers has": a number and a word that do not agree. What comes after "of 2 workers" is about one of them.
_DISAGREE = re.compile(
    r"(?<![\d.,])1 (?:\w+ ){0,2}(?:are|have|were|wait|miss)\b|(?<!of )(?<![\d.,])(?:0|[2-9]|\d\d+) \w+ (?:is|has|was|waits|misses)\b"
)


@pytest.mark.parametrize("case", cases(), ids=str)
def test_numbers_and_words_agree(case: Case) -> None:
    assert not _DISAGREE.search(case.finding()["finding"] or "")
