# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The active probe against answers of every kind: judged by the second one, never hanging, nothing private shown."""

from __future__ import annotations

import json

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect.facts import Facts
from ansible_collections.warroom.launch.plugins.module_utils._collectors.varnish_traffic import active, expected
from tests.support import replay
from tests.support.varnish_log import client, look


def probe(urls, address, rules, seconds):
    facts = Facts()
    active.put(facts, active.probe(urls, address, rules, seconds), None, asked=True)
    return facts.done()["probes"]


def answer(*headers: str, status: str = "200 OK") -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", *headers, "Content-Length: 2", "", "ok"]).encode()


@pytest.mark.parametrize(
    ("headers", "cached", "reasons"),
    [
        (("X-Varnish: 5 2", "Age: 3"), True, []),
        (("X-Varnish: 5", "Age: 0"), False, []),
        (("X-Varnish: 5 2",), True, []),
        (("Age: 7",), True, []),
        (("Age: 0",), False, []),
        ((), None, []),
        (("X-Varnish: 5", "Set-Cookie: sid=EXAMPLEcookie"), False, ["Set-Cookie"]),
        (("X-Varnish: 5", "Cache-Control: private"), False, ["Cache-Control"]),
        (("X-Varnish: 5 2", "Vary: Accept-Encoding, Cookie"), True, ["Vary"]),
    ],
)
def test_what_the_second_answer_says(headers, cached, reasons):
    with replay.peer(replay.sends(answer(*headers), wait_for=b"\r\n\r\n")) as address:
        [row] = probe(["https://shop.example.com/a/?token=EXAMPLEtoken"], address, [], 5)
    assert (row["cached"], row["reasons"], row["status"]) == (cached, reasons, 200)
    assert row["ok"] is (None if cached is None else cached)
    assert row["name"] == "/a/?token" and row["host"] == "shop.example.com"
    assert "EXAMPLE" not in json.dumps(row)


def test_a_page_that_must_not_be_cached_is_right_when_it_is_not():
    rules = expected.matchers({"uncached": ["^/account/"]})
    with replay.peer(replay.sends(answer("X-Varnish: 5"), wait_for=b"\r\n\r\n")) as address:
        [row] = probe(["/account/"], address, rules, 5)
    assert row["expect"] == "uncached" and row["cached"] is False and row["ok"] is True


@pytest.mark.parametrize("said", [b"", b"not http at all", b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\nshort"])
def test_what_is_no_answer_is_a_problem_of_that_row(said):
    with replay.peer(replay.sends(said, wait_for=b"\r\n\r\n")) as address:
        [row] = probe(["/"], address, [], 5)
    assert row["problem"] and row["ok"] is None


def test_silence_costs_its_time_once():
    with replay.peer(replay.silent) as address:
        rows = probe(["/1", "/2", "/3"], address, [], 0.5)
    assert all(row["problem"] for row in rows) and "time for all probes was up" in rows[-1]["problem"]


@pytest.mark.parametrize("url", ["http://x\r\nEvil: 1/", "/a b\r\nEvil: 1", "http://[::1/", "/\x00"])
def test_odd_urls_send_nothing_forged(url):
    with replay.peer(replay.sends(answer("X-Varnish: 5 2"), wait_for=b"\r\n\r\n")) as address:
        [row] = probe([url], address, [], 5)
    assert row["problem"] or row["cached"] is True
    assert all(char.isprintable() for char in json.dumps(row, ensure_ascii=False))


def test_without_an_address_it_is_said(tools, commands):
    found = look(tools, commands, client(), probe_urls=["/"])
    assert found["requests"] == 1 and found["probes_wrong"] is None and "set address" in found["unknown"]["probes_wrong"]
