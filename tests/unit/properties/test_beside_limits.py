# Copyright (c) 2026, the warroom.launch authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""No value is printed as the limit that it does not equal: "90 % (limit: < 90 %)" says nothing."""

from __future__ import annotations

import re
import typing as t

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.warroom.launch.plugins.plugin_utils._checks.catalogue import Catalogue
from ansible_collections.warroom.launch.plugins.plugin_utils._checks.evaluate import judged
from ansible_collections.warroom.launch.plugins.plugin_utils._checks.limit import Limit
from ansible_collections.warroom.launch.plugins.plugin_utils._checks.units import UNITS, shown, shown_beside
from ansible_collections.warroom.launch.plugins.plugin_utils._report.model import limit_text, value_text
from tests.support.check_cases import Case, cases, catalogue
from tests.support.facts import check, instance

NUMBERS = [unit for unit in UNITS if unit not in ("text", "boolean")]
LIMITS = st.one_of(st.integers(1, 10**12), st.floats(1e-6, 1e12, allow_nan=False), st.sampled_from([0.9, 0.75, 0.05, 60, 1048576, 5]))
NEAR = st.floats(1e-9, 0.02).flatmap(lambda part: st.sampled_from([1 - part, 1 + part]))


@settings(max_examples=400, derandomize=True, database=None, deadline=None)
@given(LIMITS, NEAR, st.sampled_from(NUMBERS))
def test_a_value_near_a_limit_is_not_printed_as_the_limit(limit: float, near: float, unit: str) -> None:
    value = limit * near
    if value != limit:
        assert shown_beside(value, unit, [limit]) != shown(limit, unit)


@settings(max_examples=150, derandomize=True, database=None, deadline=None)
@given(LIMITS, NEAR, st.sampled_from(NUMBERS), st.sampled_from([">", ">=", "<", "<="]))
def test_nor_in_a_finding_nor_beside_its_limit(limit: float, near: float, unit: str, sign: str) -> None:
    entry = check(
        value="cpu_cores || mean_response_seconds", unit=unit, warn=f"{sign} {limit!r}", fail=None, finding="it is {value}", look=None
    )
    found = judged(Catalogue([entry]).checks()[0], "web1", instance(mean_response_seconds=limit * near), "during")
    if found["status"] == "unknown" or limit * near == limit:
        return
    printed = re.sub("^[<>=]+ ", "", t.cast(str, limit_text(found["limit"], unit)))
    assert found["finding"] != f"it is {printed}"
    assert value_text(found) in (None, found["finding"][len("it is ") :]) and value_text(found) != printed


def _near_cases() -> t.Iterator[tuple[Case, str, float, float, str]]:
    """Cases of shipped checks with a number of their limits and the measure, at the top of the facts, that is held against it."""
    for case in cases():
        (each,) = (one for one in catalogue().checks() if one.id == case.check)
        for limit in (each.warn, each.fail) if case.state in ("warn", "fail") and not case.thresholds else ():
            for query, comparison in t.cast(Limit, limit).terms if limit else ():
                name = (query or each.value).text.partition("||")[0].strip()
                operand = comparison.operand
                if (
                    re.fullmatch(r"\w+", name)
                    and isinstance(case.facts.get(name), float)
                    and not isinstance(operand, (str, bool))
                    and operand
                ):
                    unit = each.unit if query is None else next((u for u in NUMBERS if name.endswith("_" + u)), "count")
                    yield case, name, operand, operand * (0.99999 if comparison.sign[0] == "<" else 1.00001), unit


@pytest.mark.parametrize(("case", "name", "limit", "value", "unit"), list(_near_cases()), ids=str)
def test_no_sentence_of_a_shipped_check_rounds_to_its_limit(case: Case, name: str, limit: float, value: float, unit: str) -> None:
    near, far = (
        judged(case.compiled(), "host1", {**case.instance(), name: given}, case.phase)["finding"] for given in (value, value * 0.31)
    )
    text = rf"(?<!just under )(?<!just over )(?<![\w.,]){re.escape(shown(limit, unit))}(?![\w.,])"
    # what stands in the sentence of another value as well is another number
    assert not re.search(text, near or "") or re.search(text, far or ""), near


def _limit_texts(check: t.Any) -> set[str]:
    """The check's limits as they are printed, each in any unit that a sentence may show it in."""
    operands = [comparison.operand for limit in (check.warn, check.fail) if limit for _query, comparison in limit.terms]
    numbers = [operand for operand in operands if isinstance(operand, (int, float)) and not isinstance(operand, bool)]
    return {shown(number, unit) for number in numbers for unit in (check.unit, *NUMBERS)}


@pytest.mark.parametrize("case", cases(), ids=str)
def test_what_is_just_under_a_limit_is_shown_as_that_limit(case: Case) -> None:
    """Seen: "just under 0 B", because the limit of another measure, 15 %, is 0 in bytes."""
    said = case.finding()["finding"] or ""
    texts = _limit_texts(case.compiled())
    for rest in re.findall("just (?:under|over) (.*)", said):
        assert any(rest.startswith(text) for text in texts) and not re.match(r"0(?![.,\d])", rest), said
