# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One GET, whatever the peer does: bounded as a whole, and one sentence that says what it did."""

from __future__ import annotations

import itertools
import socket
import time
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect import http_get, silence, stream
from ansible_collections.warroom.launch.plugins.module_utils._collect.problem import Down, HungUp, Problem, Silent
from tests.support import replay

HEAD = b"HTTP/1.1 200 OK\r\nX-Served-By: edge\r\n"


def get(answer: replay.Answer, seconds: float = 5.0, **how: t.Any) -> http_get.Answer:
    with replay.peer(answer) as address:
        return http_get.get(
            stream.parse_address(address), "/a?b=c", {"Host": "shop"}, seconds, **{"what": "Flower", "limit": 1 << 20, **how}
        )


def asked(data: bytes) -> replay.Answer:
    return replay.sends(data, wait_for=b"\r\n\r\n")


def drips(begin: bytes) -> replay.Answer:
    def answer(conn: socket.socket) -> None:
        conn.recv(4096)
        conn.sendall(begin)
        for _byte in itertools.repeat(None, 1000):
            time.sleep(0.02)
            conn.sendall(b"x")

    return answer


def pours(begin: bytes) -> replay.Answer:
    def answer(conn: socket.socket) -> None:
        conn.recv(4096)
        conn.sendall(begin)
        while True:
            conn.sendall(b"x" * 65536)

    return answer


@pytest.mark.parametrize(
    ("data", "body"),
    [
        (HEAD + b"Content-Length: 2\r\n\r\nok", b"ok"),
        (HEAD + b"\r\nuntil the end", b"until the end"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n3\r\nyes\r\n0\r\n\r\n", b"okyes"),
        (HEAD + b"Content-Length: 20\r\n\r\ncut", b"cut"),
        (HEAD + b"Content-Length: 0\r\n\r\n", b""),
    ],
)
def test_an_answer_in_each_form(data: bytes, body: bytes) -> None:
    answer = get(asked(data))
    assert (answer.status, answer.body, answer.headers["X-Served-By"]) == (200, body, "edge")


def test_a_server_that_keeps_the_connection_is_not_waited_for() -> None:
    def answer(conn: socket.socket) -> None:
        conn.sendall(HEAD + b"Content-Length: 2\r\n\r\nok")
        replay.silent(conn)

    assert get(answer, 30).body == b"ok"


def test_the_request_is_what_was_asked_for() -> None:
    seen: list[bytes] = []

    def answer(conn: socket.socket) -> None:
        seen.append(conn.recv(4096))
        conn.sendall(HEAD + b"\r\n")

    get(answer)
    assert seen == [b"GET /a?b=c HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n"]
    with pytest.raises(Problem, match="line break"):
        http_get.get(("127.0.0.1", 9), "/", {"Host": "a\r\nX: b"}, 1, what="Flower", limit=10)


def test_the_first_part_of_a_page_is_enough() -> None:
    answer = get(pours(HEAD + b"\r\n"), keep=1000)
    assert answer.status == 200 and len(answer.body) >= 1000


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        (replay.silent, Silent, "Flower at .* did not answer within 0.3 s"),
        (drips(b""), Problem, "does not speak HTTP"),
        (drips(b"HTTP/1.1 2"), Problem, "no complete answer of Flower at .* within 0.3 s: it does not end"),
        (drips(HEAD + b"\r\n"), Problem, "no complete answer of Flower at .* within 0.3 s: it does not end"),
        (pours(b""), Problem, "does not speak HTTP"),
        (pours(HEAD + b"\r\n"), Problem, "the answer of Flower at .* does not end: it is longer than 1 MiB"),
        (pours(HEAD), Problem, "does not end: it is longer than 1 MiB"),
        (asked(b"+PONG\r\n"), Problem, r"does not speak HTTP \(it speaks Redis\): is this the address of Flower"),
        (asked(b"HTTP/1.1 many\r\n\r\n"), Problem, "begins as HTTP does and is none"),
        (asked(b"\x15\x03\x03\x00\x02\x02\x28"), Problem, r"it speaks TLS\): write https://"),
        (asked(b""), HungUp, "hangs up without an answer"),
    ],
)
def test_what_is_no_answer_is_said(answer: replay.Answer, kind: type[Problem], said: str) -> None:
    with pytest.raises(kind, match=said):
        get(answer, 0.3 if "0.3" in said else 5.0)


def test_nothing_there_is_down() -> None:
    with replay.peer(replay.silent) as address:
        pass
    with pytest.raises(Down, match="Flower cannot be reached: connection to 127.0.0.1:[0-9]+ refused"):
        http_get.get(stream.parse_address(address), "/", {}, 1, what="Flower", limit=10)


def test_a_peer_without_tls_is_told_from_a_certificate_that_fails() -> None:
    with pytest.raises(Problem, match="does not speak TLS: write http://"):
        get(replay.sends(b"HTTP/1.1 400 Bad Request\r\n\r\n"), encrypted=True)
    with pytest.raises(Silent, match="did not finish the TLS handshake"):
        get(replay.silent, 0.3, encrypted=True)


def test_a_silent_peer_without_tls_stays_silent() -> None:
    with replay.peer(replay.silent) as address:
        silent = Silent("no answer", stream.parse_address(address), "write https://")
        assert silence.explained(silent, 0.3) is silent
