# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What no varnishstat ever printed: it is not known, never negative, infinite or a traceback."""

from __future__ import annotations

import json
import re

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect.command import Ran
from ansible_collections.warroom.launch.plugins.module_utils._collect.problem import Problem
from ansible_collections.warroom.launch.plugins.module_utils._collect.run import gather
from ansible_collections.warroom.launch.plugins.module_utils._collectors.varnish import parse, shape
from ansible_collections.warroom.launch.plugins.module_utils._collectors.varnish.collector import COLLECTOR


@pytest.mark.parametrize("value", ["\u00b2", -5, 2**64, 10**400, "9" * 5000, "1e999", float("nan"), None, [], {}, True])
def test_a_value_that_no_counter_has_is_not_known(value):
    """A counter of another world is absent and says so; it is never negative, infinite or a traceback"""
    document = {"MAIN.cache_hit": {"value": value}, "MAIN.cache_miss": {"value": 5}}
    found = shape.facts(parse.counters(json.dumps(document).encode()), None, None, shape.Told(), 10).done()
    assert found["lifetime_hits"] is None and found["lifetime_misses"] == 5
    assert re.search("has no counter cache_hit|cache_hit is -5", found["unknown"]["lifetime_hits"])


@pytest.mark.parametrize("data", [b'{"a":' * 100_000, b"[" * 100_000, b'{"MAIN.x": {"value": ' + b"9" * 5000])
def test_nesting_without_end_is_said_to_be_no_answer(data):
    with pytest.raises(Problem, match="varnishstat"):
        parse.counters(data)
    for read in (parse.backends, parse.vcls, parse.parameters):
        with pytest.raises(Problem, match="not complete JSON"):
            read(b"[" * 100_000)


@pytest.mark.parametrize("rc", [-11, 139])
def test_a_tool_that_crashes_is_not_taken_for_a_missing_server(tools, commands, rc):
    commands.answers["varnishstat"] = Ran(rc, b"", b"")
    found = gather([(COLLECTOR, {"name": "a", "instance": None})], 0, tools)["launch_varnish"]["instances"][0]
    assert found["state"] == "unreadable" and "crashed (signal 11)" in found["problem"]
