# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What no measure can be is null with that reason; all else stays as it is, and is not copied."""

from __future__ import annotations

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._checks.measures import measures
from ansible_collections.warroom.launch.plugins.plugin_utils._checks.plausible import ABOVE_ONE, SIGNED, sound_instance, soundly
from ansible_collections.warroom.launch.plugins.plugin_utils._checks.services import TITLES
from tests.support.documented import documented
from tests.support.facts import facts, instance


@pytest.mark.parametrize(
    ("service", "given", "path", "reason"),
    [
        ("uwsgi", {"busy_ratio": 1.2}, "busy_ratio", "implausible: busy_ratio is 1.2"),
        ("uwsgi", {"busy_ratio": -0.1}, "busy_ratio", "implausible: busy_ratio is -0.1"),
        ("uwsgi", {"busy_ratio": float("nan")}, "busy_ratio", "implausible: busy_ratio is no finite number"),
        ("uwsgi", {"requests": -3}, "requests", "implausible: requests is -3"),
        ("uwsgi", {"requests": True}, "requests", "implausible: requests is true, where the module documents a number"),
        ("uwsgi", {"requests": "many"}, "requests", "implausible: requests is a text, where the module documents a number"),
        ("uwsgi", {"kind": {"a": 1}}, "kind", "implausible: kind is a mapping, where the module documents a text"),
        ("uwsgi", {"workers": [1]}, "workers", "implausible: workers is a list, where the module documents a mapping"),
        ("uwsgi", {"in_flight": [{"count": 1}, {"count": -1}]}, "in_flight[].count", "implausible: in_flight[].count is -1"),
        ("uwsgi", {"in_flight": {"count": 1}}, "in_flight", "implausible: in_flight is a mapping, where the module documents a list"),
    ],
)
def test_what_cannot_be_is_null_with_the_reason(service, given, path, reason):
    sound = sound_instance(service, instance(**given))
    assert sound["unknown"] == {path: reason}
    name = path.partition("[")[0]
    assert sound[name] is None or [row["count"] for row in sound[name]] == [1, None]


@pytest.mark.parametrize(
    ("service", "given"),
    [
        ("server", {"load_ratio": 3.5}),
        ("celery", {"growth_per_second": -4.0, "redelivery_ratio": 1.5}),
        ("varnish", {"hit_ratio_drop": -0.2}),
        ("uwsgi", {"busy_ratio": 1.0, "requests": 0, "pid": None, "in_flight": []}),
        ("uwsgi", {"requests": "61", "something_of_another_version": -5}),
    ],
)
def test_what_can_be_stays_and_is_not_copied(service, given):
    given = facts(**{service: [instance(**given)]})
    assert soundly(given)[f"launch_{service}"] is given[f"launch_{service}"]


def test_what_is_given_is_not_changed():
    given = facts(uwsgi=[instance(busy_ratio=7.0), instance("b", busy_ratio=0.5)])
    sound = soundly(given)
    assert given["launch_uwsgi"]["instances"][0]["busy_ratio"] == 7.0
    assert [each["busy_ratio"] for each in sound["launch_uwsgi"]["instances"]] == [None, 0.5]


def test_every_exception_is_a_measure():
    paths = {path for service in TITLES for path in documented(measures(service))}
    names = paths | {path.split(".")[-1] for path in paths}
    assert names >= SIGNED | ABOVE_ONE
