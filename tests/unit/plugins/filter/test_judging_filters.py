# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filters: faces of the same functions, for tagged and lazy values, with words for wrong use (cases F-03, F-04, F-08)."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from ansible.parsing.dataloader import DataLoader

from ansible_collections.warroom.launch.plugins.filter.diagnose import FilterModule as Diagnose
from ansible_collections.warroom.launch.plugins.filter.evaluate import FilterModule as Evaluate
from ansible_collections.warroom.launch.plugins.filter.verdict import FilterModule as Verdict
from tests.support.facts import check, facts, instance

diagnose = Diagnose().filters()["diagnose"]
evaluate = Evaluate().filters()["evaluate"]
verdict = Verdict().filters()["verdict"]


def test_evaluate_and_verdict():
    found = evaluate(facts(uwsgi=[instance(busy_ratio=1)]), [check()], host="web1")
    assert [(one["check"], one["status"]) for one in found] == [("uwsgi_answers", "ok"), ("uwsgi_busy", "fail")]
    assert {one["host"] for one in found} == {"web1"}
    assert verdict(found)["verdict"] == "no-go"


def test_the_shipped_catalogue_is_the_default():
    assert len(evaluate(facts(uwsgi=[instance()]))) > 1


def test_settings():
    given = facts(uwsgi=[instance(busy_ratio=0.8)])
    assert evaluate(given, [check()], thresholds={"uwsgi_busy": {"warn": "> 0.9"}})[1]["status"] == "ok"
    assert evaluate(given, [check()], accept={"uwsgi_busy": "small"})[1]["accepted"] == "small"
    assert evaluate(given, [check()], phase="before")[1]["status"] == "skipped"
    assert evaluate({}, [check()], services=["uwsgi"])[0]["status"] == "unknown"
    assert evaluate({}, [check()]) == []


@pytest.mark.parametrize(
    "arguments, said",
    [
        (("text",), "needs the facts of a host"),
        (({}, [check(value="a >")]), "check uwsgi_busy: value"),
        (({}, [check()], {"nope": {}}), "no check nope"),
        (({}, [check()], None, {"nope": "x"}), "no check nope"),
        (({}, [check()], None, None, "after"), "phase must be"),
    ],
)
def test_wrong_use_is_said(arguments, said):
    with pytest.raises(AnsibleFilterError, match=said):
        evaluate(*arguments)


@pytest.mark.parametrize("findings", [None, "x", {}, [1], [{"a": 1}]])
def test_verdict_wants_findings(findings):
    with pytest.raises(AnsibleFilterError, match="list of findings"):
        verdict(findings)


FUNCTIONS = [
    ("starts_with(version, '2.0')", True),
    ("contains(version, '0')", True),
    ("sum(rows[].n) == `6`", True),
    ("length(keys(workers)) == `2`", True),
    ("max_by(rows, &n).name == 'c'", True),
    ("join(',', rows[].name) == 'a,b,c'", True),
    ("sort_by(rows, &name)[0].name == 'a'", True),
]


@pytest.mark.usefixtures("invented_measures")
@pytest.mark.parametrize("expression, value", FUNCTIONS)
def test_cases_F_03_F_04_functions_work_on_what_ansible_hands_over(tmp_path, expression, value):
    """Values from YAML are tagged: jmespath calls them unknown types unless they are made plain."""
    source = tmp_path / "vars.yml"
    source.write_text(
        "f: {launch_uwsgi: {schema: 1, instances: [{name: a, state: up, version: '2.0.21', workers: {busy: 1, total: 2},"
        " rows: [{name: a, n: 1}, {name: b, n: 2}, {name: c, n: 3}]}]}}\n"
        f"c: [{{id: x, service: uwsgi, question: q, value: \"{expression}\", unit: boolean, fail: '== false', finding: f, advice: a}}]\n"
    )
    variables = DataLoader().load_from_file(str(source))
    assert {type(variables["f"]["launch_uwsgi"]["instances"][0]["version"])} != {str}
    found = evaluate(variables["f"], variables["c"])
    assert {type(one["check"]) for one in found} == {str}
    assert [one["value"] for one in found] == ["up", value]
    assert found[1]["status"] == "ok"


def test_case_F_08_what_conditions_use_is_a_boolean():
    assert verdict([{"status": "ok"}])["go"] is True
    assert verdict([])["go"] is False


def test_diagnose():
    busy = instance("127.0.0.1:1717", kind="app", busy_ratio=1.0, saturated=True, workers={"busy": 8, "active": 8}, listen_queue=5)
    causes = diagnose({"web1": facts(uwsgi=[busy], server=[instance("web1", cpu_busy_ratio=0.1)]), "web2": {}})
    assert [(one["cause"], one["hosts"]) for one in causes] == [("workers_exhausted", ["web1"])]
    assert diagnose({}) == []


@pytest.mark.parametrize("arguments", [("text",), ({"web1": 5},), ({}, ["10.0.0.1"]), ({}, {"web1": "10.0.0.1"})])
def test_diagnose_wants_facts_by_host(arguments):
    with pytest.raises(AnsibleFilterError, match=r"warroom\.launch\.diagnose"):
        diagnose(*arguments)
