# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A check reads only what its service measures, whatever way its expressions take."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._checks import catalogue
from ansible_collections.warroom.launch.plugins.plugin_utils._checks.measures import Shape, measures
from ansible_collections.warroom.launch.plugins.plugin_utils._checks.reads import natural_unit, unmeasured
from ansible_collections.warroom.launch.plugins.plugin_utils._checks.services import TITLES
from tests.support.facts import check


@pytest.mark.parametrize(
    "service, expression",
    [
        ("uwsgi", "workers.busy"),
        ("uwsgi", "in_flight[0].pattern"),
        ("uwsgi", "in_flight[*].count"),
        ("uwsgi", "in_flight[?count > `1` && oldest_seconds > `5`].pattern | [0]"),
        ("uwsgi", "in_flight[:3].pattern"),
        ("uwsgi", "max_by(in_flight, &count).pattern"),
        ("uwsgi", "sort_by(in_flight, &count)[-1].host"),
        ("uwsgi", "length(in_flight[?method == 'GET']) || `0`"),
        ("uwsgi", "map(&{where: host, much: count}, in_flight)[0].much"),
        ("uwsgi", "!saturated && utilisation > `0.5`"),
        ("uwsgi", "workers.*"),
        ("uwsgi", "unknown.listen_queue"),
        ("uwsgi", "not_null(listen_queue, listen_queue_peak)"),
        ("uwsgi", "@.busy_ratio"),
        ("celery_queue", "worst.growth_per_second"),
        ("celery_queue", "addable.hosts[?workers > `0`].name"),
        ("varnish_traffic", "[passes, hit_for_misses][].pattern"),
        ("varnish_traffic", "expected[?expect=='cached'] | [0].wrong"),
        ("server", "services[].kinds[].processes"),
        ("server", "pressure.*.some_ratio"),
        ("postgresql", "settings[?name=='fsync'] | [0].value.anything"),
        ("mysql", '`[{"x": 1}]`[0].y'),
    ],
)
def test_what_is_measured_may_be_read(service: str, expression: str) -> None:
    assert unmeasured(service, expression) == ()


@pytest.mark.parametrize(
    "service, expression, said",
    [
        ("uwsgi", "workrs.total", "there is no measure workrs; did you mean workers?"),
        ("uwsgi", "workers.totl", "there is no measure workers.totl; did you mean workers.total?"),
        ("uwsgi", "busy", "there is no measure busy; did you mean workers.busy?"),
        ("uwsgi", "in_flight.pattern", "in_flight is a list: write in_flight[0].pattern or in_flight[].pattern"),
        ("uwsgi", "in_flight[0].patern", "there is no measure in_flight[].patern; did you mean in_flight[].pattern?"),
        ("uwsgi", "in_flight[?cout > `1`]", "there is no measure in_flight[].cout; did you mean in_flight[].count?"),
        ("uwsgi", "sort_by(in_flight, &ocunt)", "there is no measure in_flight[].ocunt; did you mean in_flight[].count?"),
        ("uwsgi", "max_by(in_flight, &count).patern", "there is no measure patern; did you mean pattern?"),
        ("uwsgi", "length(in_flght)", "there is no measure in_flght; did you mean in_flight?"),
        ("uwsgi", "busy_ratio || busy_rato", "there is no measure busy_rato; did you mean busy_ratio?"),
        ("uwsgi", "busy_ratio > busy_rato", "there is no measure busy_rato; did you mean busy_ratio?"),
        ("uwsgi", "busy_ratio.mean", "busy_ratio holds nothing that is called mean"),
        ("uwsgi", "workers[0].busy", "workers is no list"),
        ("uwsgi", "{a: busy_ratio}.b", "there is no measure b"),
        ("uwsgi", "saturated == true", "there is no measure true; write `true` in backticks"),
        ("celery_queue", "local.processes", "there is no measure local"),
        ("varnish_traffic", "[passes, hits][].patern", "there is no measure patern; did you mean pattern?"),
        (
            "server",
            "services[].kinds[].process",
            "there is no measure process; did you mean processes?",
        ),
    ],
)
def test_what_is_not_measured_is_named_with_what_was_meant(service: str, expression: str, said: str) -> None:
    assert unmeasured(service, expression) == (said,)


def ways(shape: Shape, path: str = "") -> t.Iterator[str]:
    """An expression to every measure."""
    if isinstance(shape, dict):
        for name, inner in shape.items():
            yield f"{path}.{name}".lstrip(".")
            yield from ways(inner, f"{path}.{name}")
    elif isinstance(shape, list):
        yield from ways(shape[0], path + "[0]")


@pytest.mark.parametrize("service", TITLES)
def test_every_measure_can_be_read_and_misspelt(service: str) -> None:
    known = list(ways(measures(service)))
    assert len(known) > 12
    for way in known:
        assert unmeasured(service, way) == ()
        misspelt = way + "x"
        assert misspelt in known or len(unmeasured(service, misspelt)) == 1


@pytest.mark.parametrize(
    "key", ["value", "applies", "evidence", "where", "finding", "advice", "look", "warn", "fail", "needs", "when", "said"]
)
def test_no_part_of_a_check_is_left_out(key: str) -> None:
    wrong: dict[str, t.Any] = {
        **dict.fromkeys(("value", "applies", "evidence", "where"), "workrs.total"),
        **dict.fromkeys(("finding", "advice"), "{workrs.total:count} workers"),
        "look": ["uwsgitop {login}", "top -p {workrs.total}"],
        **dict.fromkeys(("warn", "fail"), {"value": "> 0.9", "workrs.total": "> 1"}),
        "needs": {"workrs.total": "> 1"},
    }
    changes = {key: wrong[key]} if key in wrong else {}
    if key == "when":
        changes = {"advice": [{"when": {"workrs.total": "> 1"}, "say": "x"}, {"say": "y"}]}
    elif key == "said":
        changes = {"finding": [{"when": {"workers.total": "> 1"}, "say": "{workrs.total}"}, {"say": "y"}]}
    with pytest.raises(catalogue.CatalogueError, match=r"check uwsgi_busy: \w+: there is no measure workrs; did you mean workers\?"):
        catalogue.Catalogue([check(**changes)])


def test_checks_and_limits_of_users_are_held_to_the_same() -> None:
    checks = catalogue.Catalogue([check()])
    own = check(id="own", applies="workrs.total")
    with pytest.raises(catalogue.CatalogueError, match="check own: applies: there is no measure workrs; did you mean workers?"):
        checks.checks(None, [own])
    with pytest.raises(catalogue.CatalogueError, match="launch_check_thresholds: check uwsgi_busy: warn: there is no measure workrs"):
        checks.checks({"uwsgi_busy": {"warn": {"value": "> 0.5", "workrs.total": "> 1"}}})


def test_the_value_may_be_read_by_its_name_in_sentences_only() -> None:
    catalogue.Catalogue([check(finding="{value:ratio} on {busy_ratio}", look="ssh {host}")])
    with pytest.raises(catalogue.CatalogueError, match="applies: there is no measure value"):
        catalogue.Catalogue([check(applies="value > `1`")])


@pytest.mark.parametrize(
    "service, value, unit",
    [
        ("uwsgi", "busy_ratio", "ratio"),
        ("uwsgi", "in_flight[0].oldest_seconds", "seconds"),
        ("uwsgi", "length(in_flight)", None),
        ("uwsgi", "saturated", "boolean"),
        ("memcached", "latency_milliseconds.p95", "milliseconds"),
        ("uwsgi", "listen_queue", None),
    ],
)
def test_the_unit_of_a_plain_path_is_known(service: str, value: str, unit: str | None) -> None:
    assert natural_unit(service, value) == unit


def test_the_unit_need_not_be_stated_and_must_not_contradict() -> None:
    [compiled] = catalogue.Catalogue([check(unit=None)]).checks()
    assert compiled.unit == "ratio"
    [counted] = catalogue.Catalogue([check(unit=None, value="length(in_flight)")]).checks()
    assert counted.unit == "count"
    catalogue.Catalogue([check(unit="text")])
    with pytest.raises(catalogue.CatalogueError, match="unit is seconds, and busy_ratio is measured in ratio; leave the unit out"):
        catalogue.Catalogue([check(unit="seconds")])
