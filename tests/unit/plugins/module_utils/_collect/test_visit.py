# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Visits of named URLs: what a new connection gets, in one row, whatever answers; bounded as a whole and without a secret."""

from __future__ import annotations

import itertools
import socket
import time
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect import visit as visits
from ansible_collections.warroom.launch.plugins.module_utils._collect.facts import Facts
from ansible_collections.warroom.launch.plugins.module_utils._collect.visit import MOST, Visits, as_facts, visit
from tests.support import replay

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def answers(data: bytes) -> replay.Answer:
    return replay.sends(data, wait_for=b"\r\n\r\n")


def pours(conn: socket.socket) -> None:
    conn.recv(4096)
    conn.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        conn.sendall(b"x" * 65536)


def drips(conn: socket.socket) -> None:
    conn.recv(4096)
    conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    for _byte in itertools.repeat(None, 100):
        time.sleep(0.02)
        conn.sendall(b"x")


def fetched(answer: replay.Answer, path: str = "/", seconds: float = 2.0, scheme: str = "http") -> dict[str, t.Any]:
    with replay.peer(answer) as address:
        row = visit(f"{scheme}://{address}{path}", seconds)
    return {**row, "url": row["url"].replace(address, "SITE")}


def test_a_page_has_its_status_and_times() -> None:
    row = fetched(answers(OK), "/product/7/?q=secret")
    assert (row["url"], row["status"], row["location"], row["problem"]) == ("http://SITE/product/7/?q", 200, None, None)
    assert 0 < row["first_byte_seconds"] <= row["total_seconds"] < 2


def test_what_is_asked_for_is_the_whole_path_with_its_query() -> None:
    received: list[bytes] = []

    def answer(conn: socket.socket) -> None:
        received.append(conn.recv(4096))
        conn.sendall(OK)

    assert (
        fetched(answer, "/a/?q=1&b=2")["status"] == 200
        and fetched(answer, "?q=1")["status"] == 200
        and fetched(answer, "")["status"] == 200
    )
    assert [data.split(b"\r\n")[0] for data in received] == [b"GET /a/?q=1&b=2 HTTP/1.1", b"GET /?q=1 HTTP/1.1", b"GET / HTTP/1.1"]


def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    row = fetched(answers(b"HTTP/1.1 301 Moved\r\nLocation: https://u:pw@www.example.com/new/?token=EXAMPLE\r\nContent-Length: 0\r\n\r\n"))
    assert (row["status"], row["location"]) == (301, "https://www.example.com/new/?token")


def test_a_long_page_is_read_in_part_only() -> None:
    row = fetched(pours)
    assert (row["status"], row["problem"]) == (200, None)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (replay.silent, "did not answer within 0.3 s"),
        (drips, "within 0.3 s"),
        (replay.sends(b"\x00\xff garbage" * 99), "does not speak HTTP"),
        (answers(b"HTTP/1.1 abc\r\n\r\n"), "HTTP"),
        (answers(b""), "hangs up"),
    ],
    ids=["silent", "drips", "garbage", "no status", "hangs up"],
)
def test_what_is_no_answer_has_its_reason(answer: replay.Answer, words: str) -> None:
    begun = time.monotonic()
    row = fetched(answer, seconds=0.3)
    assert row["status"] is None and words in row["problem"] and "\n" not in row["problem"]
    assert time.monotonic() - begun < 5


def test_a_site_that_speaks_no_tls_is_said_to() -> None:
    row = fetched(answers(OK), seconds=0.5, scheme="https")
    assert row["status"] is None and row["problem"]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "shop.example.com/",
        "ftp://shop.example.com/",
        "http://",
        "https://u:EXAMPLEPW@shop.example.com/",
        "http://a b/",
        "http://x/\r\nX: y",
    ],
)
def test_what_is_no_url_to_visit_is_refused_without_its_secret(url: str) -> None:
    row = visit(url, 0.2)
    assert row["status"] is None and "is no http://" in row["problem"] and "EXAMPLEPW" not in str(row) and "\n" not in row["url"]


def test_all_are_visited_at_once_and_no_more_than_ten(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(url: str, _seconds: float) -> dict[str, t.Any]:
        time.sleep(0.1 if url.endswith("fast") else 30)
        return {"url": url, "status": 200}

    monkeypatch.setattr(visits, "visit", slow)
    rows = Visits(["http://a/slow", "http://a/fast", *["http://a/fast"] * 20], seconds=0.2).rows()
    assert len(rows) == MOST and [row["status"] for row in rows] == [None, *[200] * 9]
    assert "does not resolve in time" in rows[0]["problem"]
    assert Visits([]).rows() == []


def test_in_facts_each_null_has_its_reason() -> None:
    with replay.peer(answers(OK)) as address:
        rows = Visits([f"http://{address}/", "nothing"], 2.0).rows()
    facts = Facts()
    facts.put("visits", as_facts(rows))
    made = facts.done()
    assert [row["status"] for row in made["visits"]] == [200, None]
    assert "is no http://" in str(made["unknown"])
