# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Addresses as people write them, and reads bounded as a whole."""

from __future__ import annotations

import pathlib
import threading

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect import stream
from ansible_collections.warroom.launch.plugins.module_utils._collect.problem import Down, Problem
from tests.support import replay


@pytest.mark.parametrize(
    "text, address",
    [
        ("127.0.0.1:1717", ("127.0.0.1", 1717)),
        ("[::1]:1717", ("::1", 1717)),
        ("cache1", ("cache1", 11211)),
        ("cache1:", ("cache1", 11211)),
        ("[::1]", ("::1", 11211)),
        ("2001:db8::30", ("2001:db8::30", 11211)),
        ("fe80::1%eth0", ("fe80::1%eth0", 11211)),
        ("/run/x.sock", "/run/x.sock"),
        ("unix:/run/x.sock", "/run/x.sock"),
        ("unix:///run/x.sock", "/run/x.sock"),
        ("@abstract", "@abstract"),
    ],
)
def test_addresses(text: str, address: object) -> None:
    assert stream.parse_address(text, 11211) == address


@pytest.mark.parametrize("text", ["::1:11211", "2001:db8::30:11211", "::1:2222", "host:0", "host:99999", "host:http", "[::1", ":80"])
def test_ambiguous_or_wrong_addresses_are_refused(text: str) -> None:
    with pytest.raises(Problem) as caught:
        stream.parse_address(text, 11211)
    assert text in str(caught.value)


@pytest.mark.parametrize("text", ["user:EXAMPLEPW@h:1", "EXAMPLEPW@h", "tcp://:EXAMPLEPW@h:1", "redis//:EXAMPLEPW@h/0"])
def test_an_address_with_a_login_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(Problem, match="without a login") as caught:
        stream.parse_address(text, 11211)
    assert "EXAMPLE" not in str(caught.value)


@pytest.mark.parametrize("host", ["postgresql://u:EXAMPLEPW@h/db", "u:EXAMPLEPW@h", "h password=EXAMPLEPW", "h?x=EXAMPLEPW"])
def test_a_host_that_is_a_connection_string_is_refused_and_not_shown(host: str) -> None:
    with pytest.raises(Problem, match="login_host is no host name") as caught:
        stream.check_host(host, "login_host")
    assert "EXAMPLE" not in str(caught.value)
    for good in (None, "", "db1", "10.0.0.1", "::1", "/run/postgresql", "db1,db2", "fe80::1%eth0"):
        stream.check_host(good, "login_host")


def test_no_port_and_no_default_is_refused() -> None:
    with pytest.raises(Problem, match="has no port"):
        stream.parse_address("host")


def test_nothing_there_is_down_and_no_permission_is_not(tmp_path: pathlib.Path) -> None:
    with pytest.raises(Down, match="refused"):
        stream.connect(("127.0.0.1", 1), 1)
    with pytest.raises(Down, match="there is no socket"):
        stream.connect(str(tmp_path / "x.sock"), 1)


def test_reads_pieces_until_the_peer_closes() -> None:
    data = bytes(range(256)) * 40
    with replay.peer(replay.sends(data, piece=64, pause=0.001)) as address, stream.connect(stream.parse_address(address), 2) as conn:
        assert stream.read_all(conn, 10) == data


def test_a_dripping_peer_ends_at_the_limit() -> None:
    with replay.peer(replay.sends(b"x" * 1000, piece=1, pause=0.05)) as address, stream.connect(stream.parse_address(address), 2) as conn:
        with pytest.raises(TimeoutError) as caught:
            stream.read_all(conn, 0.3)
        assert caught.value.args[0].startswith(b"x")


def test_too_much_is_a_problem() -> None:
    with (
        replay.peer(replay.sends(b"x" * 300_000)) as address,
        stream.connect(stream.parse_address(address), 2) as conn,
        pytest.raises(Problem, match="longer than"),
    ):
        stream.read_all(conn, 10, limit=100_000)


def test_abstract_socket() -> None:
    name = f"@warroom-test-{threading.get_native_id()}"
    with replay.peer(replay.sends(b"hello"), path=name) as address, stream.connect(address, 2) as conn:
        assert stream.read_all(conn, 5) == b"hello"
