# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks as data: what is refused, by id and before anything is gathered; limits of a host merged in."""

from __future__ import annotations

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._checks.catalogue import Catalogue, CatalogueError, load
from tests.support.facts import check


def wrong(*entries, thresholds=None, extra=None):
    with pytest.raises(CatalogueError) as raised:
        Catalogue(list(entries)).checks(thresholds, extra)
    return str(raised.value)


@pytest.mark.parametrize(
    "change, said",
    [
        ({"warm": "> 1"}, "no key 'warm'"),
        ({"value": None}, "value is missing"),
        ({"finding": ""}, "finding is missing"),
        ({"value": "a >"}, "value: a > is not JMESPath"),
        ({"value": 5}, "value must be a text"),
        ({"warn": 5}, "warn: 5 is not a limit"),
        ({"fail": {"value": "0.5"}}, "fail: value: '0.5' is not a limit"),
        ({"needs": "> 5"}, "needs must be a mapping"),
        ({"needs": {"requests": "20"}}, "needs: requests"),
        ({"applies": "["}, "applies:"),
        ({"unit": "percent"}, "unit is 'percent'; known are ratio"),
        ({"phase": "after"}, "phase is 'after'"),
        ({"service": "uwsg"}, "service is 'uwsg'"),
        ({"finding": "{a"}, "finding: a brace is not closed"),
        ({"advice": [{"when": "x", "say": "y"}]}, "advice: `when` must be a mapping"),
        ({"advice": [{"whem": {}, "say": "y"}]}, "advice: each entry"),
        ({"advice": [{"say": "{a >}"}]}, "advice: a > is not JMESPath"),
        ({"advice": {"say": "y"}}, "advice: must be a text, or a list"),
        ({"evidence": 'rows[?s == "x"]'}, "evidence:"),
        ({"look": "uwsgitop {"}, "look:"),
    ],
)
def test_a_wrong_entry_is_named_by_its_id(change, said):
    text = wrong(check(**change))
    assert "check uwsgi_busy: " in text
    assert said in text


@pytest.mark.parametrize("entry", [None, "text", [], 5, {"service": "uwsgi"}])
def test_what_is_no_check_at_all(entry):
    assert "an entry without an id" in wrong(entry)


def test_ids_are_unique_and_not_those_of_the_engine():
    assert "stands 2 times" in wrong(check(), check())
    assert "reserved" in wrong(check(id="uwsgi_answers"))
    assert "lower case" in wrong(check(id="Uwsgi-Busy"))


def test_everything_wrong_is_said_at_once():
    assert len(wrong(check(warm=1), check(id="b", value="a >"), check(id="c", phase="x")).splitlines()) == 3


def test_thresholds_change_the_limits_of_a_host():
    catalogue = Catalogue([check()])
    [changed] = catalogue.checks({"uwsgi_busy": {"warn": ">= 0.5", "needs": {"requests": "> 5"}}})
    assert (changed.warn.text, changed.fail.text, changed.needs.text) == (">= 0.5", ">= 0.95", "requests > 5")
    assert catalogue.checks()[0].warn.text == ">= 0.75"


def test_null_takes_a_limit_away():
    [changed] = Catalogue([check()]).checks({"uwsgi_busy": {"fail": None}})
    assert changed.fail is None


@pytest.mark.parametrize(
    "thresholds, said",
    [
        ({"uwsgi_bussy": {"warn": "> 1"}}, "no check uwsgi_bussy; did you mean uwsgi_busy?"),
        ({"uwsgi_busy": "> 1"}, "check uwsgi_busy: must be a mapping"),
        ({"uwsgi_busy": {"warn": "0.5"}}, "check uwsgi_busy: warn: '0.5' is not a limit"),
        ({"uwsgi_busy": {"value": "x"}}, "check uwsgi_busy: 'value' cannot be changed"),
        ({"uwsgi_busy": {"warning": "> 1"}}, "check uwsgi_busy: 'warning' cannot be changed"),
        (["uwsgi_busy"], "launch_check_thresholds: must be a mapping"),
        ("text", "launch_check_thresholds: must be a mapping"),
    ],
)
def test_wrong_thresholds(thresholds, said):
    assert said in wrong(check(), thresholds=thresholds)


@pytest.mark.parametrize(
    "extra, said",
    [
        ([check()], "the catalogue has a check of this name"),
        ([check(id="mine", value="a >")], "check mine: value: a > is not JMESPath"),
        ([check(id="mine"), check(id="mine")], "check mine: the id stands 2 times"),
        ([check(id="host_reached")], "reserved"),
        ([{"id": "mine"}], "check mine: value is missing"),
        (["mine"], "an entry of the extra checks without an id"),
        ({"mine": check(id="mine")}, "launch_check_extra_checks: must be a list"),
    ],
)
def test_wrong_extra_checks(extra, said):
    assert said in wrong(check(), extra=extra)


def test_extra_checks_join_and_may_be_changed_too():
    checks = Catalogue([check()]).checks({"mine": {"warn": "> 0.8"}}, [check(id="mine")])
    assert [(one.id, one.warn.text) for one in checks] == [("uwsgi_busy", ">= 0.75"), ("mine", "> 0.8")]


@pytest.mark.parametrize(
    "warn, fail, refused",
    [
        ("> 9", "> 5", True),
        ("< 5", "< 9", True),
        ("> 5", ">= 5", True),
        (">= 0.99", ">= 0.95", True),
        ({"value": "> 9", "listen_queue": "> 0"}, "> 5", True),
        ({"value": "> 9", "listen_queue": "> 0"}, {"listen_queue": "> 0", "value": "> 5"}, True),
        ("> 5", "> 9", False),
        (">= 5", "> 5", False),
        ("> 5", "> 5", False),
        ("> 0", {"value": "> 0", "listen_queue": "> 3"}, False),
        ({"value": "> 1", "listen_queue": "> 3"}, "> 1", False),
        ({"value": "> 9"}, {"value": "> 5", "listen_queue": "> 3"}, False),
        ("> 9", "< 5", False),
        ("== true", {"value": "== true", "listen_queue": "> 3"}, False),
        ("== 'a'", "== 'b'", False),
    ],
)
def test_case_F_10_limits_in_the_wrong_order_are_refused(warn, fail, refused):
    if refused:
        assert "check uwsgi_busy: warn (" in wrong(check(warn=warn, fail=fail))
        assert "could never warn" in wrong(check(warn="> 1", fail="> 2"), thresholds={"uwsgi_busy": {"warn": warn, "fail": fail}})
    else:
        assert Catalogue([check(warn=warn, fail=fail)]).checks()


def test_case_F_10_a_check_without_any_limit_is_refused():
    assert "check uwsgi_busy: it has no limit" in wrong(check(warn=None, fail=None))
    assert "check mine: it has no limit" in wrong(check(), extra=[check(id="mine", warn=None, fail=None)])
    assert "expects is 'measured'; known are known" in wrong(check(warn=None, fail=None, expects="measured"))


def test_a_host_may_take_all_limits_of_a_check_away():
    [changed] = Catalogue([check()]).checks({"uwsgi_busy": {"warn": None, "fail": None}})
    assert (changed.warn, changed.fail) == (None, None)


@pytest.mark.parametrize(
    "accept, said",
    [
        ({"uwsgi_busi": "why"}, "no check uwsgi_busi; did you mean uwsgi_busy?"),
        ({"uwsgi_busy": ""}, "needs its reason"),
        ({"uwsgi_busy": True}, "needs its reason"),
        (["uwsgi_busy"], "must be a mapping"),
    ],
)
def test_wrong_accept(accept, said):
    assert said in "\n".join(Catalogue([check()]).accept_problems(accept))


def test_right_accept():
    accept = {"uwsgi_busy": "small", "mine": "own", "host_reached": "off until Friday", "mysql_answers": "later"}
    assert not list(Catalogue([check()]).accept_problems(accept, [check(id="mine")]))


def test_load(tmp_path):
    (tmp_path / "b.yml").write_text("- {id: b}\n")
    (tmp_path / "a.yml").write_text("---\n- {id: a}\n")
    (tmp_path / "empty.yml").write_text("---\n# nothing yet\n")
    (tmp_path / "README.md").write_text("no check")
    assert load(tmp_path) == [{"id": "a"}, {"id": "b"}]


def test_a_file_may_say_once_what_its_checks_have_in_common(tmp_path):
    (tmp_path / "a.yml").write_text(
        "defaults: {service: uwsgi, applies: kind, otherwise: an emperor}\nchecks:\n- {id: a}\n- {id: b, applies: null, service: celery}\n"
    )
    assert load(tmp_path) == [
        {"service": "uwsgi", "applies": "kind", "otherwise": "an emperor", "id": "a"},
        {"service": "celery", "otherwise": "an emperor", "id": "b"},
    ]


def test_reasons_of_a_file_that_have_a_condition_stay_before_that_of_a_check(tmp_path):
    (tmp_path / "a.yml").write_text(
        "defaults:\n  otherwise: [{when: {full: '== true'}, say: it is full}, {say: no server}]\n"
        "checks:\n- {id: a}\n- {id: b, otherwise: no replica}\n- {id: c, otherwise: null}\n"
    )
    full = {"when": {"full": "== true"}, "say": "it is full"}
    assert [entry.get("otherwise") for entry in load(tmp_path)] == [[full, {"say": "no server"}], [full, {"say": "no replica"}], None]


@pytest.mark.parametrize(
    "text, said",
    [
        ("defaults: {warn: '> 1'}\nchecks: []", "x.yml: there is no default 'warn'"),
        ("defaults: [a]\nchecks: []", "x.yml: defaults must be a mapping"),
        ("default: {}\nchecks: []", "x.yml: must be a list"),
        ("defaults: {}\nchecks: {a: 1}", "x.yml: must be a list"),
        ("- {id: a", "x.yml: not readable as YAML: line"),
        ("- id: a\n  warn: '> 1'\n  warn: '> 2'\n", "the key 'warn' stands twice"),
        ("id: a", "x.yml: must be a list"),
        ("- !!python/object/apply:os.system ['true']", "x.yml: not readable as YAML"),
    ],
)
def test_load_refuses(tmp_path, text, said):
    (tmp_path / "x.yml").write_text(text)
    with pytest.raises(CatalogueError, match=said.replace("(", r"\(")):
        load(tmp_path)


def test_load_wants_a_directory(tmp_path):
    with pytest.raises(CatalogueError, match="not a directory"):
        load(tmp_path / "nowhere")
