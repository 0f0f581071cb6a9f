# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stats server in every way it may speak, and peers that are none."""

from __future__ import annotations

import json
import socket
import time

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect.problem import Down, Problem
from ansible_collections.warroom.launch.plugins.module_utils._collectors.uwsgi import fetch, parse
from tests.support.replay import answers, peer, sends, silent
from tests.support.uwsgi_documents import document, worker

SMALL = json.dumps(document(worker(1))).encode()


def read(address: str, seconds: float = 5.0) -> parse.Stats:
    return parse.stats(fetch.Reader(address).read(seconds))


@pytest.mark.parametrize("form", ["{0}", "http://{0}", "http://{0}/some/path", "tcp://{0}"])
@pytest.mark.parametrize("behaviour", ["raw", "http", "http, after a request"])
def test_u06_raw_and_http_are_told_apart_by_the_first_byte(case, form, behaviour):
    data = case("U-06.txt").partition(b"\r\n\r\n")[2] if behaviour == "raw" else case("U-06.txt")
    with peer(sends(data, wait_for=b"\r\n\r\n" if "after" in behaviour else b"")) as address:
        reader = fetch.Reader(form.format(address))
        for _again in range(2):
            assert parse.stats(reader.read(5)).workers[0].status == "idle"
        assert reader.http is (behaviour != "raw")


@pytest.mark.parametrize("name", ["U-04.json", "U-08.json", "U-10.json", "U-13.json"])
def test_u01_a_document_in_pieces(case, name):
    with peer(sends(case(name), piece=64, pause=0.002)) as address:
        assert read(address).workers


def test_u01_a_large_document():
    cores = [{"id": number, "requests": 7, "in_request": 0, "vars": ["x" * 200], "req_info": {}} for number in range(50)]
    data = json.dumps(document(*[worker(number, cores=cores) for number in range(128)])).encode()
    assert len(data) > 1_500_000
    with peer(sends(data)) as address:
        assert read(address).cores_active == 6400


def test_u01_one_byte_at_a_time_for_ever_ends_at_the_limit():
    with peer(sends(b"{" + b" " * 10_000, piece=1, pause=0.05)) as address, pytest.raises(Problem, match="only .* bytes .* within 1 s"):
        read(address, 1)


def test_more_than_anybody_sends_is_refused():
    with peer(sends(b"{" + b" " * (5 << 20))) as address, pytest.raises(Problem, match="longer than 4 MiB"):
        read(address, 20)


@pytest.mark.parametrize("cut", ["U-02.json", "U-08.json", "U-11.json"])
def test_u02_an_incomplete_document_is_said_to_be_one(case, cut):
    data = case(cut) if cut == "U-02.json" else case(cut)[: len(case(cut)) // 2]
    with peer(sends(data)) as address, pytest.raises(Problem, match=rf"stats not complete JSON: {len(data)} bytes, beginning with"):
        read(address)


def test_u02_an_answer_cut_once_is_asked_for_again():
    replies = [SMALL[:50], SMALL]
    with peer(lambda conn: conn.sendall(replies.pop(0))) as address:
        assert read(address).kind == "app"


@pytest.mark.parametrize("answer", [sends(b""), silent])
def test_u03_not_the_stats_socket(answer):
    with peer(answer) as address, pytest.raises(Problem, match="nothing received .*is this the stats socket"):
        read(address, 1)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (b"HTTP/1.1 404 Not Found\r\n\r\nno", "HTTP 404"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=x\r\n\r\n<html>", "text/html.*application's port"),
        (b"HTTP/1.1 200 OK\r\n\r\n", "application's port"),
        (b'{"status": "ok"}', "without workers or vassals"),
        (b"[1, 2]", "not a JSON object"),
        (b"\xff\x00\x1b[2J" * 30, "is not uWSGI's stats server"),
        (b"[" * 100_000, "not complete JSON|is not uWSGI's stats server"),
        (b'{"a":' * 100_000, "not complete JSON"),
        (b'{"workers": ' + b"9" * 5000 + b"}", "without workers|not complete"),
    ],
)
def test_other_services(answer, says):
    with peer(sends(answer)) as address, pytest.raises(Problem, match=says) as caught:
        read(address, 2)
    assert "\x1b" not in str(caught.value)


def test_an_application_that_answers_in_html_only_when_asked():
    with (
        peer(answers({b"GET / HTTP/1.0": b"HTTP/1.0 400 Bad\r\n\r\n"})) as address,
        pytest.raises(Problem, match="is this the stats socket"),
    ):
        read(address, 1)


@pytest.mark.parametrize("size", [10, 30_000])
def test_a_slow_raw_server_that_closes_on_our_request(size):
    """It was taken for an HTTP server that waits; the request that it never reads resets the connection."""
    data = json.dumps(document(worker(1, cores=[{"vars": ["x" * 100]}] * size))).encode()

    def late(conn: socket.socket) -> None:
        time.sleep(0.5)
        conn.sendall(data)

    with peer(late) as address:
        assert len(read(address).workers[0].cores) == size
        assert fetch.Reader(f"http://{address}").read(10) == data


def test_the_place_has_no_password():
    with peer(sends(b"HTTP/1.0 200 OK\r\n\r\n" + SMALL)) as address:
        reader = fetch.Reader(f"http://someone:EXAMPLEsecret@{address}")
        reader.read(5)
        assert reader.place == f"http://{address}"


def test_unix_and_abstract_sockets(tmp_path):
    for path, transport in ((str(tmp_path / "stats.sock"), "unix"), (f"@wr-uwsgi-{time.monotonic_ns()}", "abstract")):
        with peer(sends(SMALL), path) as address:
            reader = fetch.Reader(address)
            assert parse.stats(reader.read(5)).pid == 100
            assert (reader.transport, reader.local) == (transport, True)
    with pytest.raises(Down, match="there is no socket"):
        read(str(tmp_path / "gone.sock"))


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (":1717", ("127.0.0.1", 1717)),
        ("*:1717", ("127.0.0.1", 1717)),
        ("0.0.0.0:1717", ("127.0.0.1", 1717)),
        ("[::]:1717", ("::1", 1717)),
        ("[2001:db8::1]:1717", ("2001:db8::1", 1717)),
        ("http://192.0.2.50:1717", ("192.0.2.50", 1717)),
        ("http://user:EXAMPLEsecret@192.0.2.50:1717/x", ("192.0.2.50", 1717)),
        ("http://192.0.2.50", ("192.0.2.50", 80)),
        ("unix:///run/x.sock", "/run/x.sock"),
        ("unix:/run/x.sock", "/run/x.sock"),
        ("@name", "@name"),
    ],
)
def test_addresses(given, meant):
    assert fetch.address(given).socket == meant


@pytest.mark.parametrize("wrong", ["https://127.0.0.1:1717", "127.0.0.1", "127.0.0.1:99999", "", "::1:1717:", "ftp://x:1"])
def test_wrong_addresses_are_named(wrong):
    with pytest.raises(Problem):
        fetch.Reader(wrong)


def test_a_remote_server_is_not_local():
    assert not fetch.Reader("192.0.2.50:1717").local
    assert fetch.Reader("127.0.0.1:1717").local
