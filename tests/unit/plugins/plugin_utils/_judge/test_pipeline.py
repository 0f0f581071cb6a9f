# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The whole fleet: no host gets lost, and the report is strict JSON."""

from __future__ import annotations

import json

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._checks.catalogue import Catalogue, CatalogueError
from ansible_collections.warroom.launch.plugins.plugin_utils._checks.services import FLEET
from ansible_collections.warroom.launch.plugins.plugin_utils._diagnose.engine import Search
from ansible_collections.warroom.launch.plugins.plugin_utils._fleet import fleet_instances
from ansible_collections.warroom.launch.plugins.plugin_utils._judge import pipeline
from ansible_collections.warroom.launch.plugins.plugin_utils._judge.pipeline import Asked, judge, validate
from ansible_collections.warroom.launch.plugins.plugin_utils._report.atomic_files import launch_json, write
from tests.support.facts import check, facts, instance

CATALOGUE = Catalogue([check()])


def host(name="web1", busy=0.1, **settings):
    return Asked(name, facts(uwsgi=[instance(busy_ratio=busy)]), **settings)


def statuses(report):
    return {(one["host"], one["check"]): one["status"] for one in report["findings"]}


def test_a_healthy_fleet_is_a_go():
    report = judge([host("a"), host("b")], CATALOGUE)
    assert (report["verdict"], report["counts"]["ok"]) == ("go", 4)
    assert report["hosts"]["a"]["tiers"] == ["application"]
    assert report["hosts"]["a"]["reached"] is True


def test_case_A_16_a_host_that_was_not_reached_has_no_verdict_and_no_go():
    report = judge([host(), Asked("gone", problem="not reachable: timeout")], CATALOGUE)
    assert report["verdict"] == "unknown"
    assert statuses(report)["gone", "host_reached"] == "unknown"
    assert report["hosts"]["gone"] == {"reached": False, "tiers": [], "facts": {}}
    assert "timeout" in report["findings"][0]["finding"]


def test_case_A_16_no_hosts_is_no_go():
    report = judge([], CATALOGUE)
    assert report["verdict"] == "unknown"
    assert statuses(report) == {("fleet", "hosts_asked"): "unknown"}


def test_a_host_on_which_nothing_was_found_is_unknown():
    assert statuses(judge([Asked("bare")], CATALOGUE)) == {("bare", "host_reached"): "unknown"}


def test_a_host_that_is_known_to_be_gone_can_be_accepted():
    report = judge([host(), Asked("gone", problem="off", accept={"host_reached": "switched off until Friday"})], CATALOGUE)
    assert (report["verdict"], report["counts"]["accepted"]) == ("go", 1)


def test_each_host_has_its_own_limits_checks_and_gaps():
    report = judge(
        [
            host("a", 0.8, thresholds={"uwsgi_busy": {"warn": "> 0.9"}}),
            host("b", 0.8),
            host("c", 0.8, extra_checks=[check(id="mine", warn=None, fail="> 0.5")]),
            host("d", 0.8, accept={"uwsgi_busy": "small"}),
        ],
        CATALOGUE,
    )
    found = statuses(report)
    assert [found[name, "uwsgi_busy"] for name in "abcd"] == ["ok", "warn", "warn", "warn"]
    assert found["c", "mine"] == "fail" and ("a", "mine") not in found
    assert [one["accepted"] for one in report["findings"] if one["status"] == "warn"] == [None, None, "small"]


def test_findings_come_by_urgency():
    order = [(one["status"], bool(one["accepted"])) for one in judge(
        [host("a", 1.0, accept={"uwsgi_busy": "x"}), host("b", 0.8), host("c", None), host("d", 1.0)], CATALOGUE
    )["findings"]]  # fmt: skip
    assert order[:3] == [("fail", False), ("unknown", False), ("warn", False)]
    assert order[-1] == ("fail", True)


def test_validate_names_every_wrong_check_of_every_host():
    wrong = [host("a", thresholds={"nope": {}}), host("b", extra_checks=[check(id="mine", value="a >")]), host("c", accept={"no": "x"})]
    with pytest.raises(CatalogueError) as raised:
        validate(wrong, CATALOGUE)
    assert [word in str(raised.value) for word in ("no check nope", "check mine: value", "no check no")] == [True] * 3
    assert validate([host("a", extra_checks=[check(id="mine")])], CATALOGUE) == 2


def test_a_configured_service_that_nobody_gathers_is_refused():
    with pytest.raises(CatalogueError, match="there is no service postgres; did you mean postgresql"):
        validate([host("a", services=["postgres"])], CATALOGUE)
    with pytest.raises(CatalogueError, match="there is no service celery_queue"):
        validate([host("a", services=["celery_queue"])], CATALOGUE)
    assert validate([host("a", services=["uwsgi", "server"])], CATALOGUE)


@pytest.mark.parametrize("known", [5, [{}], [""], [None], [{"usr": "app"}], [{"user": ""}], [["app"]], [{"user": None}], {"x": "y"}])
def test_entries_that_would_explain_everybody_or_nobody_are_refused(known):
    with pytest.raises(CatalogueError, match="launch_check_known_clients"):
        validate([host("a", known_clients=known)], CATALOGUE)
    right = ("app_*", ["app_*"], {"user": "a"}, [{"user": "a*"}], [], None)
    assert validate([host("a", known_clients=one) for one in right], CATALOGUE)


def test_diagnosis_gets_the_fleet(monkeypatch):
    seen = {}

    def diagnose(hosts, findings, inventory, reach, graph, _growing):
        seen.update(hosts=hosts, findings=findings, inventory=inventory)
        return Search([{"cause": "x"}])

    monkeypatch.setattr(pipeline.engine, "diagnose", diagnose)
    one = host("a", addresses=["a", "10.0.0.1"], groups=["app"], known_clients=["report"])
    report = judge([one], CATALOGUE, inventory={"groups": {"app": ["a"]}, "addresses": {"a": ["a"]}})
    assert report["diagnoses"] == [{"cause": "x", "changes": []}]
    assert seen["hosts"]["a"] == {
        "facts": one.facts, "tiers": ["application"], "reached": True, "addresses": ["a", "10.0.0.1"], "groups": ["app"],
        "known_clients": ["report"],
    }  # fmt: skip
    assert seen["inventory"]["groups"] == {"app": ["a"]} and len(seen["findings"]) == 2


def test_a_diagnosis_that_breaks_leaves_the_findings(monkeypatch):
    monkeypatch.setattr(pipeline.engine, "diagnose", lambda *_given: 1 / 0)
    report = judge([host("a")], CATALOGUE)
    assert report["diagnoses"] == [] and "ZeroDivisionError" in report["problem"]
    assert statuses(report)["a", "uwsgi_busy"] == "ok" and report["verdict"] == "unknown"


def test_a_rule_that_fails_is_a_finding_of_its_own(monkeypatch):
    found = [{"cause": "missing_index"}]
    monkeypatch.setattr(
        pipeline.engine, "diagnose", lambda *_given: Search(found, {"unknown_client": "IndexError: list index out of range"})
    )
    report = judge([host()], CATALOGUE)
    assert report["verdict"] == "unknown" and [cause["cause"] for cause in report["diagnoses"]] == ["missing_index"]
    [own] = [finding for finding in report["findings"] if finding["check"] == "causes_searched"]
    assert own["evidence"] == [{"cause": "unknown_client", "problem": "IndexError: list index out of range"}]
    assert own["advice"] and "unknown_client" in own["finding"] and report["problem"] == own["finding"]
    accepted = judge([host(accept={"causes_searched": "reported"})], CATALOGUE)
    assert accepted["verdict"] == "go" and accepted["counts"]["accepted"] == 1


def test_a_search_that_finds_nothing_wrong_says_nothing():
    report = judge([host()], CATALOGUE)
    assert report["problem"] is None and "causes_searched" not in {finding["check"] for finding in report["findings"]}


@pytest.fixture
def pool_view(monkeypatch):
    """One fleet view of our own making."""

    def use(function):
        monkeypatch.setitem(fleet_instances.SOURCES, "memcached_pool", function)

    return use


POOL = check(
    id="pool_even", service="memcached_pool", value="skew_ratio", finding="{skew_ratio}", unit="ratio", warn="> 2", fail="> 5", needs=None
)


def test_what_exists_once_is_judged_once(pool_view):
    pool_view(lambda hosts, inventory, graph: [instance("pool", skew_ratio=len(hosts))])
    report = judge([host("a"), host("b"), host("c")], Catalogue([check(), POOL]))
    [found] = [one for one in report["findings"] if one["check"] == "pool_even"]
    assert (found["host"], found["status"], found["value"]) == ("fleet", "warn", 3)
    assert "launch_memcached_pool" in report["fleet"] and "fleet" not in report["hosts"]


def test_fleet_checks_take_the_limits_that_hosts_set(pool_view):
    pool_view(lambda hosts, inventory, graph: [instance("pool", skew_ratio=3)])
    settings = {"thresholds": {"pool_even": {"warn": "> 4"}}, "accept": {"memcached_pool_answers": "x"}}
    assert judge([host("a"), host("b", **settings)], Catalogue([check(), POOL]))["verdict"] == "go"


def test_a_view_that_breaks_costs_itself_only(pool_view):
    pool_view(lambda hosts, inventory, graph: 1 / 0)
    report = judge([host("a")], Catalogue([check(), POOL]))
    assert statuses(report)["fleet", "memcached_pool_answers"] == "unknown"
    assert statuses(report)["a", "uwsgi_busy"] == "ok"


@pytest.mark.parametrize("broken", FLEET)
def test_each_view_costs_itself_only(broken, monkeypatch):
    def source(name):
        return lambda hosts, inventory, graph: hosts["nobody"] if name == broken else [instance(name)]

    monkeypatch.setattr(fleet_instances, "SOURCES", {name: source(name) for name in FLEET})
    report = judge([host("a")], CATALOGUE)
    views = {finding["check"].removesuffix("_answers"): finding["status"] for finding in report["findings"] if finding["host"] == "fleet"}
    assert views == {**dict.fromkeys(FLEET, "ok"), broken: "unknown"} and report["verdict"] == "unknown"
    [own] = [finding for finding in report["findings"] if finding["check"] == f"{broken}_answers"]
    assert "KeyError" in own["finding"]


def test_launch_json_is_strict_and_whole(tmp_path):
    report = judge([host("a", 0.8), Asked("gone", problem="</script>\u2028{{ 7*7 }}")], CATALOGUE)
    path = tmp_path / "new" / "launch.json"
    write(path, launch_json(report))
    read = json.loads(path.read_text(), parse_constant=pytest.fail)
    assert read == report
    keys = {"schema", "collection", "started_at", "duration_seconds", "phase", "verdict", "counts", "hosts", "findings", "diagnoses"}
    assert set(read) >= keys
    assert [item.name for item in path.parent.iterdir()] == ["launch.json"]


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path):
    path = tmp_path / "launch.json"
    write(path, "old")
    with pytest.raises(TypeError):
        write(path, 5)
    assert path.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1
