# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks that several services share: an entry for each of them, in its words."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._checks.shared import expanded

DEFAULTS = {"services": {"uwsgi": {"set": "processes", "where": "kind"}, "wsgi": {"set": "workers", "where": None}}, "applies": "<where>"}


def entries(check: t.Any) -> list[t.Any]:
    rest, found = expanded(DEFAULTS, [check])
    assert rest == {}
    return found


def test_an_entry_for_each_service_in_its_words() -> None:
    assert entries({"id": "busy", "advice": [{"when": {"<set>": "> 0"}, "say": "<set>, <service>"}]}) == [
        {
            "id": "uwsgi_busy",
            "service": "uwsgi",
            "applies": "kind",
            "advice": [{"when": {"processes": "> 0"}, "say": "processes, uwsgi"}],
        },
        {"id": "wsgi_busy", "service": "wsgi", "advice": [{"when": {"workers": "> 0"}, "say": "workers, wsgi"}]},
    ]


def test_what_differs_and_what_is_not_there() -> None:
    found = entries({"id": "busy", "unit": "count", "of": {"uwsgi": None, "wsgi": {"unit": None, "value": "x"}}})
    assert found == [{"id": "wsgi_busy", "service": "wsgi", "value": "x"}]


def test_a_file_of_one_service_stays_as_it_is() -> None:
    assert expanded({"service": "a"}, [{"id": "<b>"}, 5]) == ({"service": "a"}, [{"id": "<b>"}, 5])
    assert entries(5) == [5], "what is wrong is said by who validates"


@pytest.mark.parametrize(
    ("defaults", "check", "said"),
    [
        ({"services": ["uwsgi"]}, {}, "mapping of service"),
        ({"services": {"uwsgi": "x"}}, {}, "mapping of service"),
        (DEFAULTS, {"id": "busy", "of": ["wsgi"]}, "keys that differ"),
        (DEFAULTS, {"id": "busy", "advice": "<nothing>"}, "no word <nothing> for uwsgi"),
    ],
)
def test_a_wrong_form_is_said(defaults: t.Any, check: t.Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        expanded(defaults, [check])
