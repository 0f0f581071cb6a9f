# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One host judged: every status and how it comes about."""

from __future__ import annotations

import json

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._checks.catalogue import Catalogue
from ansible_collections.warroom.launch.plugins.plugin_utils._checks.evaluate import evaluate
from tests.support.facts import check, facts, instance

pytestmark = pytest.mark.usefixtures("invented_measures")


def judged(measures, run="during", accepted=None, **changes):
    """The finding of the one check over one instance, in a run of this phase."""
    checks = Catalogue([check(**changes)]).checks()
    found = evaluate("web1", facts(uwsgi=[instance(**measures)]), checks, run, accepted)
    assert found[0]["check"] == "uwsgi_answers" and found[0]["status"] == "ok"
    assert len(found) == 2
    return found[1]


@pytest.mark.parametrize(
    "value, status, limit",
    [(0.5, "ok", ">= 0.75"), (0.75, "warn", ">= 0.75"), (0.95, "fail", ">= 0.95"), (1, "fail", ">= 0.95"), (None, "unknown", None)],
)
def test_limits(value, status, limit):
    found = judged({"busy_ratio": value})
    assert (found["status"], found["value"], found["limit"]) == (status, value, limit)


def test_a_finding_has_its_words():
    found = judged({"busy_ratio": 0.8})
    assert list(found) == [
        "check", "host", "service", "instance", "status", "value", "unit", "limit", "question", "finding", "advice", "look", "evidence",
        "reason", "accepted",
    ]  # fmt: skip
    assert (found["host"], found["service"], found["instance"], found["unit"]) == ("web1", "uwsgi", "a", "ratio")
    assert (found["finding"], found["advice"], found["look"]) == ("80 % busy", "Add workers.", "ssh -t -- web1 'uwsgitop a'")


def test_what_is_fine_needs_no_advice():
    found = judged({"busy_ratio": 0.1, "rows": [{"a": 1}]}, evidence="rows")
    assert (found["advice"], found["look"], found["evidence"]) == (None, None, [])


def test_null_is_unknown_with_the_instances_own_reason():
    found = judged({"workers": {"busy": None}, "unknown": {"workers": "the stats server says nothing of workers"}}, value="workers.busy")
    assert found["status"] == "unknown"
    assert found["reason"] == "the stats server says nothing of workers"
    assert "launch_check_accept: {uwsgi_busy: why}" in found["advice"]


def test_case_F_01_null_without_a_reason_names_the_expression():
    assert judged({})["reason"] == "the facts have no value for busy_ratio"


@pytest.mark.parametrize("value", ["********", "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER", "1********"])
def test_case_A_05_masked_values_are_unknown(value):
    found = judged({"busy_ratio": value})
    assert found["status"] == "unknown" and "masked" in found["reason"]


@pytest.mark.parametrize("limits", [{"warn": "> 5", "fail": None}, {"warn": "< 5", "fail": None}])
def test_case_A_14_nan_is_unknown_in_both_directions(limits):
    assert judged({"busy_ratio": float("nan")}, **limits)["status"] == "unknown"


@pytest.mark.parametrize(
    "phase, run, status",
    [("during", "during", "warn"), ("before", "before", "warn"), ("both", "before", "warn"), ("both", "during", "warn"),
     ("during", "before", "skipped"), ("before", "during", "skipped"), (None, "before", "skipped")],
)  # fmt: skip
def test_phases(phase, run, status):
    found = judged({"busy_ratio": 0.8}, run, phase=phase)
    assert found["status"] == status
    assert (found["reason"] is not None) == (status == "skipped")


@pytest.mark.parametrize("requests, during, before", [(20, "warn", "warn"), (19, "unknown", "skipped"), (None, "unknown", "skipped")])
def test_needs(requests, during, before):
    for run, status in (("during", during), ("before", before)):
        found = judged({"busy_ratio": 0.8, "requests": requests}, run, needs={"requests": ">= 20"}, phase="both")
        assert found["status"] == status
        assert status == "warn" or found["reason"]
        if status == "unknown":
            # an idle service is no gap in the instrumentation
            assert ("under load" in found["advice"]) == (requests is not None) and "launch_check_accept" in found["advice"]


@pytest.mark.parametrize("applies, status", [(3, "warn"), ([1], "warn"), *((no, "skipped") for no in (0, None, False, [], "", {}))])
def test_applies(applies, status):
    found = judged({"busy_ratio": 0.8, "workers": {"total": applies}}, applies="workers.total", otherwise="this is an emperor")
    assert found["status"] == status
    assert found["reason"] == ("this is an emperor" if status == "skipped" else None)


@pytest.mark.parametrize(
    "measures, reason",
    [({"requests": 3}, "3 requests, too few"), ({"requests": 1}, "1 request, too few"), ({"listen_queue": 9}, "the listen queue is full")],
)
def test_the_reason_of_what_is_skipped_may_depend_on_the_instance(measures, reason):
    full = {"when": {"listen_queue": "> 5"}, "say": "the listen queue is full"}
    found = judged(
        {"workers": {"total": 0}, **measures}, applies="workers.total", otherwise=[full, {"say": "{requests:request/requests}, too few"}]
    )
    assert (found["status"], found["reason"]) == ("skipped", reason)


def test_what_could_not_be_read_is_not_taken_for_what_does_not_apply():
    found = judged({"replicas": None, "unknown": {"replicas": "no permission"}}, applies="replicas")
    assert (found["status"], found["reason"]) == ("unknown", "no permission")


def test_without_any_limit_the_check_is_skipped():
    checks = Catalogue([check()]).checks({"uwsgi_busy": {"warn": None, "fail": None}})
    found = evaluate("web1", facts(uwsgi=[instance(busy_ratio=0.8)]), checks)[1]
    assert (found["status"], found["reason"]) == ("skipped", "no limit is set for it here")


def test_a_check_may_expect_only_that_something_is_measured():
    known = {"warn": None, "fail": None, "expects": "known"}
    assert judged({"busy_ratio": 0}, **known)["status"] == "ok"
    unknown = judged({"busy_ratio": None, "unknown": {"busy_ratio": "no statistics"}}, **known)
    assert (unknown["status"], unknown["reason"]) == ("unknown", "no statistics")


ROWS = {"value": "length(rows[?seconds > `60`])", "unit": "count", "warn": None, "fail": "> 0", "finding": "{value} rows"}


def test_case_F_05_rows_that_can_be_compared_decide(case):
    found = judged({"rows": json.loads(case("F-05.json"))["rows"]}, **ROWS, evidence="rows[?seconds > `60`]")
    assert (found["status"], found["value"]) == ("fail", 2)
    assert [row["pid"] for row in found["evidence"]] == [3, 5]  # 61 written as a text is a number
    assert found["finding"] == "2 rows (2 values not known or not comparable)"
    assert found["reason"] == "2 values in length(rows[?seconds > `60`]) cannot be compared (seconds is null)"


def test_case_F_05_else_the_rows_that_cannot_be_compared_make_it_unknown(case):
    rows = [row for row in json.loads(case("F-05.json"))["rows"] if row["pid"] in (1, 2, 4)]
    found = judged({"rows": rows}, **ROWS)
    assert (found["status"], found["value"]) == ("unknown", None)
    assert "2 values in length(rows[?seconds > `60`]) cannot be compared (seconds is null)" in found["reason"]


@pytest.mark.parametrize("value", ["many", True, [1], {"a": 1}, float("nan"), float("inf")])
def test_a_value_of_no_use_is_unknown_whatever_else_the_limits_ask(value):
    both = {"value": ">= 0.5", "queue": "> 0"}
    assert judged({"busy_ratio": value, "queue": 0}, warn=None, fail=both)["status"] == "unknown"
    known = judged({"busy_ratio": value, "queue": 0}, warn=None, fail=None, expects="known")["status"]
    assert known == ("unknown" if isinstance(value, float) else "ok")


@pytest.mark.parametrize(
    "expression, limit, rows, status",
    [
        ("sum(rows[].v)", "> 5", [1, 2], "ok"),
        ("sum(rows[].v)", "> 5", [1, None], "unknown"),
        ("sum(rows[].v)", "> 5", [6, None], "fail"),
        ("max(rows[].v)", "> 5", [1, None], "unknown"),
        ("max(rows[].v)", "> 5", [9, None], "fail"),
        ("max(rows[].v)", "> 5", [None, None], "unknown"),
        ("min(rows[].v)", "< 5", [9, None], "unknown"),
        ("min(rows[].v)", "< 5", [1, None], "fail"),
        ("max(rows[?v != `null`].v)", "> 5", [1, None], "ok"),
        ("length(rows[].v)", "> 5", [1, None], "ok"),
    ],
)
def test_a_total_over_parts_that_are_not_known_is_known_only_when_the_others_decide(expression, limit, rows, status):
    found = judged({"rows": [{"v": v} for v in rows]}, value=expression, unit="count", warn=None, fail=limit)
    assert found["status"] == status
    assert (found["value"] is None) == (status == "unknown")


@pytest.mark.parametrize("odd", [None, "many", True, [1], {"a": 1}, float("nan")])
@pytest.mark.parametrize("expression", ["length(rows[?v > `1`])", "length(rows[?!(v < `1`)])", "length(rows[?v != `0` && `1` < v])"])
def test_a_row_of_another_kind_is_never_ok(odd, expression):
    found = judged({"rows": [{"v": 0.5}, {"v": odd}]}, value=expression, unit="count", warn=None, fail="> 0")
    assert found["status"] == "unknown"
    assert "v is " in found["reason"]


@pytest.mark.parametrize(
    "changes",
    [
        {"value": "length(filesystems[?name > `1`])"},
        {"value": "rows[?v < 'b'] | length(@)"},
        {"value": "v > `1`", "fail": "== true"},
        {"value": "max_by(rows, &v).v"},
        {"value": "sum(rows[].v)"},
        {"value": "starts_with(n, 'a')"},
        {"applies": "v > `1`"},
        {"needs": {"v > `1`": "== true"}},
        {"fail": {"sum(rows[].v)": "> 1"}, "value": "n"},
    ],
)
def test_an_expression_that_raises_is_unknown_and_named(changes):
    measures = {"filesystems": [{"name": "/"}], "rows": [{"v": 1}, {"v": "x"}], "v": "text", "n": 1, "busy_ratio": 0.1}
    found = judged(measures, **{"warn": None, "fail": "> 0", **changes})
    assert found["status"] == "unknown"
    assert next(text for text in ("name > `1`", "v < 'b'", "v > `1`", "max_by", "sum(", "starts_with") if text in found["reason"])


def test_case_F_10_as_in_the_file(case):
    statuses = {"ok": "ok", "critical": "fail", "documented: at the limit is one fixed answer": "ok"}
    for entry in json.loads(case("F-10.json")):
        rule = entry["rule"]
        if set(rule) not in ({"max"}, {"min"}):
            continue  # what refuses a rule is in test_catalogue
        limit = f"> {rule['max']}" if "max" in rule else f"< {rule['min']}"
        assert judged({"busy_ratio": entry["value"]}, warn=None, fail=limit)["status"] == statuses.get(entry["state"], "unknown")


def test_words_and_rows_survive_an_expression_that_raises():
    found = judged(
        {"busy_ratio": 1, "v": "x"}, finding="{sum(v)} {busy_ratio}", evidence="sum(v)", advice=[{"when": {"sum(v)": "> 1"}, "say": "a"}]
    )
    assert (found["status"], found["finding"], found["evidence"], found["advice"]) == ("fail", "unknown 1", [], None)


def test_an_error_of_the_engine_costs_one_check_and_is_said(monkeypatch):
    from ansible_collections.warroom.launch.plugins.plugin_utils._checks import evaluate as engine

    real = engine._against

    def stumbling(check, *rest):
        if check.id == "b":
            raise KeyError("workers")
        return real(check, *rest)

    monkeypatch.setattr(engine, "_against", stumbling)
    found = evaluate("h", facts(uwsgi=[instance(busy_ratio=1)]), Catalogue([check(), check(id="b"), check(id="c")]).checks())
    assert [one["status"] for one in found[1:]] == ["fail", "unknown", "fail"]
    assert "KeyError" in found[2]["reason"] and "report" in found[2]["reason"] and "launch_check_accept: {b: why}" in found[2]["advice"]


def test_mapping_limits():
    both = {"value": ">= 0.5", "queue": "> 0"}
    assert judged({"busy_ratio": 0.8, "queue": 3}, fail=both)["status"] == "fail"
    assert judged({"busy_ratio": 0.8, "queue": 0}, fail=both)["status"] == "warn"
    unknown = judged({"busy_ratio": 0.8, "unknown": {"queue": "needs ss"}}, fail=both)
    assert (unknown["status"], unknown["reason"]) == ("unknown", "needs ss")


def test_advice_by_condition():
    advice = [
        {"when": {"cpu": "< 0.5", "value": "> 0.9"}, "say": "Add {add} workers."},
        {"when": {"x": "> 1"}, "say": "no"},
        {"say": "Add a server."},
    ]
    assert judged({"busy_ratio": 1, "cpu": 0.2, "add": 4}, advice=advice)["advice"] == "Add 4 workers."
    assert judged({"busy_ratio": 0.8, "cpu": 0.2}, advice=advice)["advice"] == "Add a server."
    assert judged({"busy_ratio": 1}, advice=advice)["advice"] == "Add a server."
    assert judged({"busy_ratio": 1}, advice=advice[:1])["advice"] is None


def test_finding_by_condition():
    finding = [{"when": {"value": ">= 0.95"}, "say": "no worker is free"}, {"when": {"x": "> 1"}, "say": "no"}, {"say": "{value} busy"}]
    assert judged({"busy_ratio": 1}, finding=finding)["finding"] == "no worker is free"
    assert judged({"busy_ratio": 0.1}, finding=finding)["finding"] == "10 % busy"
    assert judged({"busy_ratio": 0.1}, finding=finding[:1])["finding"] == "Are all the workers busy?"


def test_a_value_just_under_its_limit_does_not_look_equal_to_it():
    assert judged({"busy_ratio": 0.7499})["finding"] == "just under 75 % busy"


@pytest.mark.parametrize(
    "rows, evidence",
    [([{"a": 1}], [{"a": 1}]), ({"a": 1}, [{"a": 1}]), ([1, 2], [{"value": 1}, {"value": 2}]), (None, []), ("x", [{"value": "x"}])],
)
def test_evidence_is_rows(rows, evidence):
    assert judged({"busy_ratio": 1, "rows": rows}, evidence="rows")["evidence"] == evidence


def test_evidence_is_bounded():
    assert len(judged({"busy_ratio": 1, "rows": [{"a": 1}] * 500}, evidence="rows")["evidence"]) == 20


def test_accepted_findings_keep_their_status():
    assert judged({"busy_ratio": 1}, accepted={"uwsgi_busy": "small machine"})["accepted"] == "small machine"
    assert judged({"busy_ratio": 0.1}, accepted={"uwsgi_busy": "small machine"})["accepted"] is None


@pytest.mark.parametrize("state, status", [("down", "fail"), ("unreadable", "unknown"), ("odd", "unknown"), (None, "unknown")])
def test_an_instance_that_does_not_answer_is_one_finding(state, status):
    broken = {"name": "a", "state": state, "problem": "connection refused: nothing listens there"}
    [found] = evaluate("h", facts(uwsgi=[broken]), Catalogue([check(), check(id="b")]).checks())
    assert (found["check"], found["status"]) == ("uwsgi_answers", status)
    assert "nothing listens there" in found["finding"] and "Not judged: 2 checks" in found["finding"]
    assert found["look"] == "ansible h -m warroom.launch.uwsgi_stats"


def test_one_instance_down_does_not_hide_the_other():
    given = facts(uwsgi=[{"name": "a", "state": "down", "problem": "gone"}, instance("b", busy_ratio=1)])
    found = evaluate("h", given, Catalogue([check()]).checks())
    assert [(one["instance"], one["check"], one["status"]) for one in found] == [
        ("a", "uwsgi_answers", "fail"), ("b", "uwsgi_answers", "ok"), ("b", "uwsgi_busy", "fail"),
    ]  # fmt: skip


@pytest.mark.parametrize("given", [{}, facts(uwsgi=[]), {"launch_uwsgi": None}])
def test_a_configured_service_that_gave_nothing_is_unknown(given):
    [found] = evaluate("h", given, Catalogue([check()]).checks(), configured=["uwsgi"])
    assert (found["check"], found["status"], found["instance"]) == ("uwsgi_answers", "unknown", None)
    assert not evaluate("h", given, Catalogue([check()]).checks())


@pytest.mark.parametrize("fact", ["text", 5, [], {}, {"instances": "x"}, {"instances": [1, "x"]}, {"instances": {"a": 1}}])
def test_facts_of_a_strange_form_are_unknown_and_no_traceback(fact):
    [found] = evaluate("h", {"launch_uwsgi": fact}, Catalogue([check()]).checks())
    assert (found["check"], found["status"]) == ("uwsgi_answers", "unknown")


@pytest.mark.parametrize("value", ["x", [1], {"a": 1}, True, {"state": "up"}, "\x00", -1e308, 10**400])
def test_values_of_a_strange_kind_give_a_finding(value):
    found = judged({"busy_ratio": value})
    assert found["status"] in ("unknown", "ok", "fail")
    json.dumps(found, allow_nan=False)


@pytest.mark.parametrize(
    "bound, status",
    [(0.97, "fail"), (0.8, "unknown"), (0.1, "unknown"), ("x", "unknown"), (True, "unknown"), (None, "unknown")],
)
def test_a_measure_of_which_a_part_is_unknown_is_decided_by_the_rest_or_not_at_all(bound, status):
    found = judged({"busy_ratio": None, "at_least": {"busy_ratio": bound}, "unknown": {"busy_ratio": "one of three is hidden"}})
    assert found["status"] == status
    assert "one of three is hidden" in found["reason"]
    if status == "fail":
        assert found["value"] == 0.97 and found["finding"].startswith("97 %") and "not known" in found["finding"]


def test_a_bound_beyond_the_only_limit_decides_a_warning():
    found = judged(
        {"a": {"b": None}, "at_least": {"a.b": 3}, "unknown": {"a.b": "hidden"}}, value="a.b", warn="> 2", fail=None, unit="count"
    )
    assert (found["status"], found["value"]) == ("warn", 3)


def test_what_is_low_when_bad_is_fine_when_its_known_part_is_enough():
    measures = {"busy_ratio": None, "at_least": {"busy_ratio": 0.9}, "unknown": {"busy_ratio": "hidden"}}
    assert judged(measures, warn="< 0.5", fail="< 0.2")["status"] == "ok"
