# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The expected URLs reach the service that reads the traffic, and nothing else changes."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._checks.expected_urls import with_answers, with_stacks, with_urls
from ansible_collections.warroom.launch.plugins.plugin_utils._checks.services import GATHERED

URLS = {"cached": ["a"]}


@pytest.mark.parametrize(
    "services, urls, wanted",
    [
        ("auto", {}, "auto"),
        ("auto", {"cached": [], "uncached": []}, "auto"),
        ("auto", URLS, {**dict.fromkeys(GATHERED, "auto"), "varnish_traffic": URLS}),
        ({"uwsgi": "auto"}, URLS, {"uwsgi": "auto"}),
        ({"varnish_traffic": "auto"}, URLS, {"varnish_traffic": URLS}),
        ({"varnish_traffic": None}, URLS, {"varnish_traffic": URLS}),
        ({"varnish_traffic": {"cached": ["b"]}}, URLS, {"varnish_traffic": {"cached": ["b"]}}),
        ({"varnish_traffic": [{"instance": "x"}]}, URLS, {"varnish_traffic": [{"cached": ["a"], "instance": "x"}]}),
        ({"varnish_traffic": ["x"]}, URLS, {"varnish_traffic": ["x"]}),
        ({"varnish_traffic": 3}, URLS, {"varnish_traffic": 3}),
    ],
)
def test_what_is_asked_of_a_host(services: t.Any, urls: dict[str, t.Any], wanted: t.Any) -> None:
    assert with_urls(services, urls) == wanted


TYPED = {"redis": {"login_password": "new"}}


@pytest.mark.parametrize(
    "services, wanted",
    [
        ("auto", {**dict.fromkeys(GATHERED, "auto"), **TYPED}),
        ({"uwsgi": "auto"}, {"uwsgi": "auto"}),
        ({"redis": {"login_password": "old", "tls": True}}, {"redis": {"login_password": "new", "tls": True}}),
        ({"redis": [{"login_password": "old"}]}, {"redis": [{"login_password": "new"}]}),
        (
            {"redis": [{"login_password": "a"}, {"address": "x"}]},
            {"redis": [{"login_password": "a"}, {"address": "x", "login_password": "new"}]},
        ),
    ],
)
def test_what_was_typed_corrects_the_inventory(services: t.Any, wanted: t.Any) -> None:
    assert with_answers(services, TYPED) == wanted
    assert with_answers(services, {}) == services


def test_application_servers_read_stacks_when_asked_to() -> None:
    assert with_stacks("auto", False) == "auto"
    asked = with_stacks("auto", True)
    assert asked == {**dict.fromkeys(GATHERED, "auto"), "uwsgi": {"stacks": True}, "wsgi": {"stacks": True}}
    assert with_stacks({"uwsgi": [{"stats": "x", "stacks": False}], "server": "auto"}, True) == {
        "uwsgi": [{"stacks": False, "stats": "x"}],
        "server": "auto",
    }
