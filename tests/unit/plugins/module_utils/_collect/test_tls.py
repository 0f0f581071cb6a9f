# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""TLS where it is not expected, and the reverse: said for every service in the same way."""

from __future__ import annotations

import pathlib
import socket
import ssl
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect import silence, stream, tls
from ansible_collections.warroom.launch.plugins.module_utils._collect.problem import HungUp, Problem, Silent
from ansible_collections.warroom.launch.plugins.module_utils._collectors.celery import refusal
from ansible_collections.warroom.launch.plugins.module_utils._collectors.mysql import connect
from tests.support import ports, replay
from tests.support.server import Folder, self_signed


@pytest.fixture(scope="module")
def certificate() -> t.Iterator[tuple[pathlib.Path, pathlib.Path]]:
    with Folder() as folder:
        yield self_signed(folder)


@pytest.fixture
def encrypted(certificate: tuple[pathlib.Path, pathlib.Path]) -> t.Iterator[stream.Address]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)

    def answer(conn: socket.socket) -> None:
        with context.wrap_socket(conn, server_side=True) as wrapped:
            wrapped.recv(4096)

    with replay.peer(answer) as address:
        yield stream.parse_address(address)


@pytest.mark.parametrize("kind", [Silent, HungUp])
def test_a_peer_that_did_not_answer_and_speaks_tls_is_said_to(kind: type[Silent], encrypted: stream.Address) -> None:
    problem = silence.explained(kind("nothing came", encrypted, "set the option tls"), 5)
    assert "speaks TLS" in str(problem) and str(problem).endswith("set the option tls") and problem.state == "unreadable"


@pytest.mark.parametrize("answer", [replay.silent, replay.sends(b"\x00" * 100), replay.sends(b"")])
def test_any_other_peer_is_not(answer: replay.Answer) -> None:
    with replay.peer(answer) as address:
        problem = HungUp("nothing came", stream.parse_address(address))
        assert silence.explained(problem, 0.3) is problem


def test_a_problem_of_another_kind_is_left_alone() -> None:
    problem = Problem("permission denied")
    assert silence.explained(problem, 1) is problem


def wrapped(address: stream.Address, context: ssl.SSLContext) -> socket.socket:
    return tls.wrapped(stream.connect(address, 5), address, context, "give ca_cert", "set tls to false")


def test_a_certificate_is_checked(encrypted: stream.Address, certificate: tuple[pathlib.Path, pathlib.Path]) -> None:
    with pytest.raises(Problem, match="certificate of .* is not trusted .*: give ca_cert"):
        wrapped(encrypted, tls.trusted())
    wrapped(encrypted, tls.trusted(str(certificate[0]))).close()
    with pytest.raises(Problem, match="ca_cert /nowhere cannot be used"):
        tls.trusted("/nowhere")


@pytest.mark.parametrize(("answer", "said"), [(b"ERROR\r\n", "does not speak TLS: set tls to false"), (b"", "TLS")])
def test_a_peer_without_tls_is_said_to_be_one(answer: bytes, said: str) -> None:
    with replay.peer(replay.sends(answer)) as address, pytest.raises(Problem, match=said):
        wrapped(stream.parse_address(address), tls.trusted())


def test_mysql_is_sent_nothing_in_the_clear_where_tls_was_asked_for() -> None:
    received: list[bytes] = []

    def answer(conn: socket.socket) -> None:
        conn.sendall(ports._FIRST["mysql"])  # it offers no TLS
        received.append(conn.recv(4096))

    with replay.peer(answer) as address:
        host, port = t.cast("tuple[str, int]", stream.parse_address(address))
        options = {"login_host": host, "login_port": port, "login_user": "u", "login_password": "EXAMPLEPW", "ca_cert": "/nowhere"}
        with pytest.raises(Problem, match="does not offer TLS, .* so nothing was sent"):
            connect.connection(connect.login(options), 5)
    assert received in ([], [b""])


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number"), "does not speak TLS"),
        (ssl.SSLCertVerificationError(1, "certificate verify failed"), "certificate of the broker X is not trusted"),
    ],
)
def test_a_broker_without_tls_is_told_from_a_certificate_that_fails(error: Exception, said: str) -> None:
    assert said in str(refusal._not_encrypted([error], "X"))
