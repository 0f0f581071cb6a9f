# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Failures that people reported of HAProxy and of its other monitors, as its own answers, and what facts and checks must say."""

from __future__ import annotations

import socket
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect import stream
from ansible_collections.warroom.launch.plugins.module_utils._collect.problem import Problem
from ansible_collections.warroom.launch.plugins.module_utils._collect.sampling import RESTARTED
from ansible_collections.warroom.launch.plugins.module_utils._collectors.haproxy import collector, discover, fetch, parse, samples, shape
from ansible_collections.warroom.launch.plugins.module_utils._collectors.haproxy.fetch import Reading
from ansible_collections.warroom.launch.plugins.module_utils._collectors.haproxy.samples import History
from ansible_collections.warroom.launch.plugins.module_utils._linux.processes import Process
from ansible_collections.warroom.launch.plugins.plugin_utils._checks.evaluate import judged
from tests.support import replay
from tests.support.check_cases import checks_of
from tests.support.facts import instance
from tests.support.tools import RealCommands, tools_with

COLUMNS = ("pxname", "svname", "qcur", "scur", "slim", "stot", "econ", "eresp", "wretr", "wredis", "status", "weight", "act", "chkdown",
           "lastchg", "sid", "type", "mode", "hrsp_2xx", "hrsp_5xx", "req_tot")  # fmt: skip
FRONT = {"pxname": "ft", "svname": "FRONTEND", "scur": 1, "slim": 2000, "stot": 10, "status": "OPEN", "type": 0, "mode": "http"}
SERVER = {"pxname": "bk", "qcur": 0, "scur": 0, "stot": 9, "status": "UP", "weight": 1, "act": 1, "chkdown": 0, "lastchg": 5, "type": 2}
BACK = {**SERVER, "svname": "BACKEND", "type": 1, "slim": 200}
ONE, TWO = ({**SERVER, "svname": f"s{number}", "sid": number} for number in (1, 2))


def page(*rows: t.Mapping[str, t.Any]) -> Reading:
    """The CSV of the stats page."""
    lines = [",".join(str(row.get(name, "")) for name in COLUMNS) + "," for row in rows]
    return Reading({}, parse.stat(("# " + ",".join(COLUMNS) + ",\n" + "\n".join(lines) + "\n").encode()))


def facts(*rows: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    return shape.facts(History(page(*rows), page(*rows), 5.0, encrypts=False, listeners=())).done()


def statuses(found: t.Mapping[str, t.Any]) -> dict[str, str]:
    whole = {**instance("192.0.2.1:8404"), **found}
    return {check.id: judged(check, "lb1", whole, "during")["status"] for check in checks_of("haproxy")}


@pytest.mark.parametrize(
    ("rows", "down", "at_least", "status"),
    [
        ((ONE, {**TWO, "status": ""}), None, 0, "unknown"),
        (({**ONE, "status": "DOWN"}, {**TWO, "status": ""}), None, 1, "warn"),  # one is down whatever the other is
        (({**ONE, "status": "", "svname": ""}, {**TWO, "status": "", "svname": ""}), None, None, "unknown"),
        ((ONE, {**TWO, "status": "DOWN 1/2"}), 1, None, "warn"),
        ((ONE, {**TWO, "status": "UP 1/3"}), 0, None, "ok"),
        ((ONE, {**TWO, "status": "no check"}), 0, None, "ok"),
        ((ONE, {**TWO, "status": "DOWN (agent)"}), 1, None, "warn"),
    ],
)
def test_a_server_without_its_state_is_not_known_to_be_up(rows: t.Any, down: t.Any, at_least: t.Any, status: str) -> None:
    """https://github.com/haproxy/haproxy/issues/992: 2.3.0 to 2.3.2 leave status, and even svname, empty at times"""
    found = facts(FRONT, *rows, BACK)
    assert (found["servers_down"], found.get("at_least", {}).get("servers_down")) == (down, at_least)
    assert statuses(found)["haproxy_servers_down"] == status
    assert down is not None or "2.3.2" in found["unknown"]["servers_down"]


def test_a_backend_or_frontend_without_its_state() -> None:
    found = facts({**FRONT, "status": ""}, ONE, {**BACK, "status": ""})
    assert (found["frontends"][0]["state"], found["backends"][0]["state"], found["backends_down"]) == (None, None, None)
    assert statuses(found)["haproxy_backends_down"] == "unknown"


def test_proxies_that_count_no_answers_are_no_error() -> None:
    """https://github.com/open-telemetry/opentelemetry-collector-contrib/issues/30252: in mode tcp these columns are empty"""
    found = facts({**FRONT, "mode": "tcp"}, ONE, {**BACK, "mode": "tcp"})
    assert found["errors"] is None and "tcp" in found["unknown"]["errors"] and found["frontends_counting"] == 0
    assert statuses(found)["haproxy_errors"] == "skipped"


@pytest.mark.parametrize(
    ("version", "threads", "idle"),
    [
        ("2.2.9-2+deb11u6", 4, None),
        ("2.4.3-1", 2, None),
        ("2.4.4", 2, 0.06),
        ("2.2.9", 1, 0.06),
        ("1.8.8", None, 0.06),
        ("3.2.26", 8, 0.06),
    ],
)
def test_the_idle_time_of_one_thread_is_not_that_of_haproxy(version: str, threads: t.Optional[int], idle: t.Optional[float]) -> None:
    """https://github.com/haproxy/haproxy/issues/1366: 6 % idle, and 100 % a second later, of one that does nothing"""
    told = {"Version": version, "Idle_pct": "6", "Uptime_sec": "90", **({} if threads is None else {"Nbthread": str(threads)})}
    reading = Reading(told, page(FRONT, ONE, BACK).rows)
    found = shape.facts(History(reading, reading, 5.0, encrypts=False, listeners=())).done()
    assert found["idle_ratio"] == idle and statuses(found)["haproxy_idle"] == ("unknown" if idle is None else "fail")


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ("/haproxy?stats", b"GET /haproxy?stats;csv HTTP/1.1"),  # where it is by default
        ("/haproxy?stats;csv;norefresh", b"GET /haproxy?stats;csv HTTP/1.1"),
        ("/stats", b"GET /stats;csv HTTP/1.1"),
        ("/stats;csv", b"GET /stats;csv HTTP/1.1"),
        ("/admin?stats/;CSV", b"GET /admin?stats/;csv HTTP/1.1"),
        ("", b"GET /;csv HTTP/1.1"),
    ],
)
def test_the_address_of_the_page_as_people_have_it(given: str, asked: bytes) -> None:
    """https://github.com/prometheus/haproxy_exporter/issues/42, https://github.com/prometheus/haproxy_exporter/issues/78"""
    requests = []

    def answer(conn: socket.socket) -> None:
        requests.append(conn.recv(4096))
        body = b"# pxname,svname,status,type,\nft,FRONTEND,OPEN,0,\n"
        conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))

    with replay.peer(answer) as address:
        found = fetch.from_page(f"http://{address}{given}", None, None, 3.0)
    assert requests[0].startswith(asked) and [row["pxname"] for row in found.rows] == ["ft"]


def told(number: int, pid: int, requests: int, processes: int = 4, uptime: int = 90) -> Reading:
    """What process `number` of several answers, for itself."""
    names = {
        "Version": "1.8.20",
        "Nbproc": processes,
        "Process_num": number,
        "Pid": pid,
        "Uptime_sec": uptime,
        "CurrConns": 7,
        "Maxconn": 2000,
    }
    rows = [{**row, "pid": str(number)} for row in page({**FRONT, "stot": requests, "req_tot": requests}, ONE, BACK).rows]
    return Reading({name: str(value) for name, value in names.items()}, rows)


@pytest.mark.parametrize(
    ("second", "requests", "note"),
    [
        (told(1, 4711, 40), 30, None),
        (told(3, 4713, 90), None, samples.SEVERAL),
        (told(3, 4713, 5), None, samples.SEVERAL),
        (told(1, 5811, 5, uptime=2), None, RESTARTED),
    ],
)
def test_another_process_that_answers_is_no_restart(second: Reading, requests: t.Optional[int], note: t.Optional[str]) -> None:
    """https://github.com/haproxy/haproxy/issues/125, https://github.com/haproxy/haproxy/issues/843,
    https://github.com/prometheus/haproxy_exporter/issues/65: counters that jump up and down, or a quarter of them"""
    found = shape.facts(History(told(1, 4711, 10), second, 5.0, encrypts=False, listeners=())).done()
    assert found["requests"] == requests
    assert any("4 processes (nbproc)" in each for each in found["notes"])
    assert note is None or (note in found["unknown"]["requests"] and any(note[1:] in each for each in found["notes"]))
    alone = shape.facts(History(told(1, 4711, 10, processes=1), told(1, 4711, 40, processes=1), 5.0)).done()
    assert alone["requests"] == 30 and not alone["notes"]


HEADER = b"# pxname,svname,scur,status,weight,act,type,mode,check_desc,\n"
FIRST = b"ft,FRONTEND,1,OPEN,,,0,http,,\n"


def test_a_line_break_within_an_answer_of_a_health_check() -> None:
    """https://github.com/DataDog/integrations-core/pull/379"""
    broken = '"HTTP status check returned\ncode <3C>200""\n<3E>, and\x0bmore\x85"'.encode()
    rows = parse.stat(HEADER + FIRST + b"bk,s1,0,UP,1,1,2,http," + broken + b",\nbk,s2,0,DOWN,1,1,2,http,a\x0bb\x85,\n")
    assert [(row["svname"], row["status"], row["type"]) for row in rows] == [
        ("FRONTEND", "OPEN", "0"),
        ("s1", "UP", "2"),
        ("s2", "DOWN", "2"),
    ]


def test_a_row_that_lacks_a_comma_says_only_whose_it_is() -> None:
    """https://github.com/prometheus/haproxy_exporter/issues/45: `DRAIN (agent)100`, and all columns after it one to the left"""
    rows = parse.stat(HEADER + FIRST + b"bk,s1,0,DRAIN (agent)100,1,2,http,,\nbk,BACKEND,0,UP,1,1,1,http,,\n")
    assert rows[1] == {"pxname": "bk", "svname": "s1", "type": "2"} and rows[2]["status"] == "UP"
    found = shape.facts(History(Reading({}, rows), Reading({}, rows), 5.0)).done()
    assert found["servers"][0]["state"] is None and found["servers_down"] is None and found["frontends"][0]["state"] == "open"


@pytest.mark.parametrize("cut", [b"bk,s1,0,U", b"bk,s1,0,UP,1,1,2,http,,", b'bk,s1,0,UP,1,1,2,http,"L7', b"bk"])
def test_statistics_that_break_off_are_not_taken_for_all(cut: bytes) -> None:
    """https://github.com/prometheus/haproxy_exporter/issues/235: a backend that is missing would be one that is well"""
    with pytest.raises(Problem, match="not complete"):
        parse.stat(HEADER + FIRST + cut)
    assert len(parse.stat(HEADER + FIRST)) == 1


@pytest.mark.parametrize(
    ("addresses", "talks_to"),
    [
        (("10.0.0.7:8000", "unix"), ["10.0.0.7:8000", "unix@/run/app.sock"]),
        (("unix",), ["unix@/run/app.sock"]),
        ((), ["app1:8000", "unix@/run/app.sock"]),  # the level of the socket is user: only the configuration says it
    ],
)
def test_the_place_of_a_server_on_a_unix_socket_stands_in_the_configuration(addresses: tuple[str, ...], talks_to: list[str]) -> None:
    """https://docs.haproxy.org/2.8/management.html#9.1: of a UNIX socket `addr` says `unix`, and no more"""
    sampler = collector.HaproxySampler({"socket": "/run/haproxy/admin.sock"}, tools_with(RealCommands()))
    sampler._master = Process(7, 1, "haproxy", 0, ("haproxy",))
    sampler._settings = discover.Settings(servers=("app1:8000", "unix@/run/app.sock"), files=("/etc/haproxy/haproxy.cfg",))
    sampler._first = Reading({}, [{"type": "2", "addr": address} for address in addresses])
    found = sampler.presence()
    assert found is not None and list(found.talks_to) == talks_to and found.partial is None


def averaged(info: parse.Row, column: str, before: int, after: int) -> dict[str, t.Any]:
    """Ten thousand requests of old, a hundred in the window, and what the average of their times was and became."""
    readings = []
    for number, milliseconds in ((10_000, before), (10_100, after)):
        told = {"req_tot": str(number), "stot": str(number), "mode": "http", column: "9"}
        told |= dict.fromkeys(("qtime", "rtime"), str(milliseconds))
        rows = [{**row, **(told if row["type"] != parse.FRONTEND else {})} for row in page(FRONT, ONE, BACK).rows]
        readings.append(Reading(info, rows))
    return shape.facts(History(readings[0], readings[1], 5.0, encrypts=False, listeners=())).done()


@pytest.mark.parametrize(
    ("info", "column", "is_known"),
    [
        ({"Version": "3.4.1", "Nbthread": "32", "NbThreadGroups": "2"}, "reqbin", False),
        ({"Version": "3.3.4", "Nbthread": "8"}, "reqbin", False),  # it does not say how many groups
        ({}, "reqbin", False),  # the page
        ({"Version": "3.4.1", "Nbthread": "8", "NbThreadGroups": "1"}, "reqbin", True),
        ({"Version": "3.3.4", "Nbthread": "1"}, "reqbin", True),
        ({"Version": "3.2.19", "Nbthread": "32"}, "srid", True),
        ({}, "srid", True),
    ],
)
def test_an_average_that_keeps_old_requests_is_not_the_windows(info: parse.Row, column: str, is_known: bool) -> None:
    """https://github.com/haproxy/haproxy/issues/3432: since 3.3 a group of threads that served few requests adds to the sum and forgets
    nothing; after one slow minute rtime stays high for hours, while the log has 1 ms"""
    found = averaged(info, column, 8000, 9600)
    measures = [found["response_seconds"], found["queue_wait_seconds"], found["backends"][0]["response_seconds"]]
    measures += [found["backends"][0]["queue_wait_seconds"], found["servers"][0]["response_seconds"]]
    assert all((value is not None) is is_known for value in measures)
    judged_now = statuses(found)
    assert {judged_now["haproxy_response_time"], judged_now["haproxy_queue_time"]} == {"fail" if is_known else "unknown"}
    assert is_known or all("thread-groups" in found["unknown"][name] for name in ("response_seconds", "queue_wait_seconds"))


def test_the_socket_of_a_master_is_asked_for_its_worker() -> None:
    """https://docs.haproxy.org/2.6/management.html#9.4: the master CLI (-S) knows few commands, and waits for more of them"""
    asked = []

    def answer(conn: socket.socket) -> None:
        command = b""
        while part := conn.recv(4096):  # until no more can come
            command += part
        asked.append(command)
        if not command.startswith(b"@1 "):
            reply = b"Unknown command, but maybe one of the following ones is a better match:\n  show proc   : show processes status\n\n"
        elif b"info" in command:
            reply = b"1.Version.1:POS:str:2.6.12\n8.Uptime_sec.1:MDP:u32:11\n\n"
        else:
            reply = b"F.2.0.0.pxname.1:KNS:str:web\nF.2.0.1.svname.1:KNS:str:FRONTEND\n\n"
        conn.sendall(reply)

    with replay.peer(answer) as address:
        found = fetch.from_socket(stream.parse_address(address), 3.0)
    assert found.info["Version"] == "2.6.12" and [row["pxname"] for row in found.rows] == ["web"]
    assert asked == [b"show info typed\n", b"@1 show info typed\n", b"show stat typed\n", b"@1 show stat typed\n"]
