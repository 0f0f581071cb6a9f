# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documents of every recorded version, and what strangers put into them."""

from __future__ import annotations

import json

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collectors.uwsgi import parse
from tests.support.uwsgi_documents import core, document, facts, worker

RECORDED = {
    "2.0.19.1-debian-bullseye/stats.json": (2, 2),
    "2.0.21-debian/stats-tcp-cheaper.json": (2, 1),
    "2.0.28-debian-trixie/stats.json": (2, 2),
    "2.0.30/stats-tcp-idle.json": (4, 4),
    "2.0.30/stats-tcp-busy.json": (4, 4),
    "2.0.30/connect-and-read-STDERR.json": (4, 4),
    "2.0.30/stats-http-unix-min.json": (2, 4),
    "2.0.31-debian-sid/stats.json": (2, 2),
}


@pytest.mark.parametrize("name", RECORDED)
def test_every_recorded_version(fixture_file, name):
    stats = parse.stats(fixture_file(f"uwsgi/{name}"))
    assert (len(stats.workers), stats.cores_active) == RECORDED[name]
    assert stats.version.startswith(name.split("/")[0].split("-")[0])
    result = facts(fixture_file(f"uwsgi/{name}"))
    assert result["workers"]["total"] == RECORDED[name][0]
    assert result["lifetime_requests"] == sum(one.requests for one in stats.workers)
    assert result["listen_queue_limit"] and result["state" if "state" in result else "kind"] == "app"
    assert len(json.dumps(result)) < 20_000


def test_u04_foreign_bytes_inside_strings(case):
    stats = parse.stats(case("U-04.json"))
    assert [one.status for one in stats.workers] == ["busy"]
    assert stats.slots == (1, 1)


def test_u04_variables_that_break_the_document_are_dropped():
    """an escape that uWSGI does not know, a quote that it did not escape"""
    text = json.dumps(document(worker(1, "busy", [core(1, ["HTTP_USER_AGENT=@@"])]), worker(2)), separators=(",", ":"))
    for hostile in ("\\x", '"', '","x":', "\\"):
        stats = parse.stats(text.replace("@@", hostile).encode())
        assert stats.repaired and stats.slots == (1, 2)
        result = facts(text.replace("@@", hostile).encode())
        assert result["in_flight_total"] == 1 and any("headers" in note for note in result["notes"])


@pytest.mark.parametrize("folder", [b'/tmp/a "q" b', b"/tmp/back\\slash", b'/tmp/"', b'/tmp/a","b', b"/tmp/\\"])
@pytest.mark.parametrize("indent", [None, "\t"])
def test_n24_text_of_the_configuration_that_breaks_the_document_is_mended(case, folder, indent):
    assert b'chdir = /tmp/a "q" b' in case("N-24-uwsgi-cwd.ini")
    text = json.dumps(document(worker(1, "busy"), worker(2), cwd="@@"), indent=indent).encode().replace(b"@@", folder)
    stats = parse.stats(text)
    assert stats.slots == (1, 2) and stats.cwd == folder.decode()
    notes = facts(text)["notes"]
    assert any("text of the configuration (cwd) broke uWSGI's answer" in note for note in notes)


SECRETS = [
    "HTTP_COOKIE=sessionid=EXAMPLEcookie",
    "HTTP_AUTHORIZATION=Basic EXAMPLEauth",
    "HTTP_X_API_KEY=EXAMPLEkey",
    "QUERY_STRING=token=EXAMPLEquery",
    "REQUEST_URI=/reset/42;jsessionid=EXAMPLEpath?token=EXAMPLEquery#EXAMPLEfragment",
    "PATH_INFO=/reset/42;jsessionid=EXAMPLEpath",
    "HTTP_HOST=EXAMPLEuser:EXAMPLEword@shop.example",
    "REMOTE_USER=EXAMPLEperson",
    "HTTP_REFERER=https://x/?EXAMPLEreferer",
    "CONTENT_TYPE=EXAMPLEtype",
    "REMOTE_ADDR=EXAMPLEaddress",
    "HTTP_X_FORWARDED_FOR=EXAMPLEforwarded",
    "wsgi.input=EXAMPLEinput",
    "REQUEST_METHOD=GET",
    "SERVER_NAME=EXAMPLEserver",
]


def test_no_secret_of_a_running_request_leaves():
    busy = document(worker(1, "busy", [core(1, SECRETS, 1_799_999_990)]))
    text = json.dumps(facts(busy, busy, window=5.0))
    assert "EXAMPLE" not in text
    assert '"pattern": "/reset/<id>;<token>?token"' in text and '"host": "shop.example"' in text
    assert "EXAMPLE" not in repr(parse.stats(json.dumps(busy).encode()))


@pytest.mark.parametrize(
    "hostile",
    [
        "\x1b[2J{{ lookup('pipe', 'id') }}",
        "/<script>alert(1)</script>",
        "/" + "a" * 1_000_000,
        "/x\nGET /forged 200",
        "/\u202etxt.exe",
        "\ud800",
    ],
)
def test_hostile_text_is_one_short_clean_line(hostile):
    names = [f"{name}={hostile}" for name in ("REQUEST_METHOD", "HTTP_HOST", "REQUEST_URI", "REMOTE_ADDR")]
    row = facts(document(worker(1, "busy", [core(1, names)])))["in_flight"][0]
    assert len(json.dumps(row)) < 600
    for value in (row["pattern"], row["method"], row["host"]):
        assert not any(ord(char) < 32 or char in "\u202e\ud800" for char in value)


@pytest.mark.parametrize(
    "odd",
    [
        {"workers": None}, {"workers": "many"}, {"workers": [None, 3, "x", []]}, {"workers": [{}]},
        {"workers": [{"id": "x", "status": 7, "cores": "y"}]},
        {"workers": [{"requests": -5, "running_time": 1e308, "cores": [None, {"vars": {}, "req_info": 3}]}]}, {"sockets": [{"name": 5}]},
        {"sockets": "none"}, {"pid": "x", "uid": [], "version": 2, "cwd": 3}, {"caches": [{"name": None, "items": "x"}], "spoolers": [7]},
    ],
)  # fmt: skip
def test_odd_shapes_are_no_traceback(odd):
    whole = {**document(worker(1)), **odd}
    if isinstance(whole["workers"], list):
        facts(whole, whole, window=5.0)


def test_numbers_that_are_none():
    text = json.dumps(document(worker(1, requests=7))).replace('"running_time": 0', '"running_time": NaN').replace('"tx": 0', '"tx": 1e999')
    found = facts(text.encode())
    assert found["lifetime_mean_response_seconds"] is None and "does not report it" in found["unknown"]["lifetime_mean_response_seconds"]


def test_u11_emperor(case):
    stats = parse.stats(case("U-11.json"))
    assert [(one.name, one.state) for one in stats.vassals] == [("shop.ini", "loyal"), ("sleepy.ini", "asleep"), ("broken.ini", "cursed")]


def test_u11_a_vassal_that_keeps_dying_is_only_in_the_blacklist():
    """seen on 2.0.30"""
    ready = {"id": "shop.ini", "pid": 7, "loyal": 0, "ready": 1, "accepting": 1, "cursed": 0, "on_demand": "", "respawns": 0}
    starting = {**ready, "id": "new.ini", "ready": 0, "accepting": 0}
    again = {**starting, "id": "again.ini"}
    blacklist = [{"id": "broken.ini", "attempt": 5}, {"id": "again.ini", "attempt": 2}, {"id": "shop.ini", "attempt": 1}]
    stats = parse.stats(json.dumps({"version": "2.0.30", "vassals": [ready, starting, again], "blacklist": blacklist}).encode())
    assert {one.name: one.state for one in stats.vassals} == {
        "shop.ini": "ready", "new.ini": "starting", "again.ini": "cursed", "broken.ini": "cursed",
    }  # fmt: skip


def test_router():
    stats = parse.stats(
        b'{"version":"2.0.30","pid":9,"active_sessions":3,"subscriptions":[{"key":"shop","nodes":[{"name":"127.0.0.1:1","requests":4,"failcnt":2}]}]}'
    )
    assert (stats.kind, stats.sessions, stats.nodes[0]["failures"]) == ("router", 3, 2)
