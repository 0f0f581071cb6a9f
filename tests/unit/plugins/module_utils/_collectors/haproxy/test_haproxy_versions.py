# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Recorded from several versions, typed and untyped: what each says, counted by the load that was sent."""

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect.host_tools import HostTools
from ansible_collections.warroom.launch.plugins.module_utils._collect.problem import Problem
from ansible_collections.warroom.launch.plugins.module_utils._collectors.haproxy import discover, parse, shape
from ansible_collections.warroom.launch.plugins.module_utils._collectors.haproxy.fetch import Reading
from ansible_collections.warroom.launch.plugins.module_utils._collectors.haproxy.samples import History, Line, lines
from ansible_collections.warroom.launch.plugins.module_utils._linux.processes import Listener, Process, Processes
from tests.support.documented import undocumented
from tests.support.server import ROOT

FIXTURES = sorted((ROOT / "tests/unit/fixtures/haproxy").glob("*.json"))
NAMED = pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.stem)


def recorded(path: pathlib.Path) -> dict[str, t.Any]:
    return dict(json.loads(path.read_text()))


def reading(sample: t.Mapping[str, str]) -> Reading:
    return Reading(parse.info(sample["info typed"].encode()), parse.stat(sample["stat typed"].encode()))


def history(path: pathlib.Path) -> History:
    found = recorded(path)
    return History(reading(found["first"]), reading(found["second"]), found["window"], encrypts=False, listeners=())


def test_versions_are_several() -> None:
    assert len(FIXTURES) == 3


@NAMED
def test_what_was_sent_is_what_is_told(path: pathlib.Path) -> None:
    facts = shape.facts(history(path)).done()
    assert undocumented("haproxy", {**facts, "socket": "/run/haproxy/admin.sock"}) == []
    assert ".".join(map(str, facts["version_numbers"])) == path.stem.partition("-")[2]
    # requests that hang have been counted by some versions when they came, by none when they end
    assert 65 <= facts["requests"] <= 72 and (facts["errors"], facts["client_errors"]) == (3, 2)
    # the pages that fail are of the servers, none is HAProxy's own
    assert (facts["errors_of_servers"], facts["errors_of_servers_ratio"]) == (3, 1.0)
    assert facts["connections"] == 7 and facts["connections_limit"] == 100 and facts["connections_ratio"] == 0.07
    assert (facts["servers_total"], facts["servers_down"], facts["servers_in_maintenance"], facts["servers_unchecked"]) == (6, 2, 1, 3)
    assert facts["backends_down_names"] == ["empty"] and facts["servers_out"] == 1
    rows = {row["name"]: row for row in facts["servers"]}
    assert rows["b"]["redispatches"] > 0 and rows["c"]["state"] == "down" and rows["c"]["check"].startswith("L4")
    assert rows["d"]["state"] == "maintenance" and rows["a"]["sessions_limit"] == 1 and rows["e"]["weight"] == 2
    assert facts["server_failing"] == "app/b" and facts["server_failed_ratio"] == 1.0
    assert facts["redispatches"] == rows["b"]["redispatches"] == facts["server_failures"]
    assert facts["servers_full_ratio"] == 1.0


@NAMED
def test_times_are_those_of_the_window(path: pathlib.Path) -> None:
    """The pages took 20 ms and some overhead of a loaded machine; the few before the window took as long."""
    facts = shape.facts(history(path)).done()
    app = next(row for row in facts["backends"] if row["name"] == "app")
    assert 0.02 <= app["response_seconds"] < 0.2
    assert next(row for row in facts["backends"] if row["name"] == "empty")["response_seconds"] is None


@NAMED
def test_the_untyped_forms_say_the_same(path: pathlib.Path) -> None:
    found = recorded(path)
    typed = {(row["pxname"], row["svname"]): row for row in parse.stat(found["second"]["stat typed"].encode())}
    plain = {(row["pxname"], row["svname"]): row for row in parse.stat(found["csv"].encode())}
    assert set(typed) == set(plain)
    for key, row in plain.items():
        for name in ("status", "type", "econ", "wredis", "slim", "hrsp_5xx", "weight", "addr", "check_status"):
            assert row.get(name) == (typed[key].get(name) or None), (key, name)
    info = parse.info(found["plain"].encode())
    assert info["Version"] == parse.info(found["second"]["info typed"].encode())["Version"] and info["Maxconn"] == "100"


def test_frontends_that_count_no_answers_give_no_errors() -> None:
    """Of mode tcp: 0 errors would say that visitors get their pages."""
    found = history(FIXTURES[0])
    for row in [*found.first.rows, *found.latest.rows]:
        row["mode"] = "tcp"
    facts = shape.facts(found).done()
    assert facts["frontends_counting"] == 0 and facts["errors"] is None and "mode tcp" in facts["unknown"]["errors"]


def test_the_page_tells_nothing_of_the_process() -> None:
    found = history(FIXTURES[0])
    found.first, found.second = found.first._replace(info={}), found.latest._replace(info={})
    facts = shape.facts(found).done()
    assert facts["servers_down"] == 2 and facts["connections"] is None and "option socket" in facts["unknown"]["connections"]


def test_a_restart_between_the_readings_gives_no_rate() -> None:
    found = history(FIXTURES[0])
    found.latest.info["Pid"] = "4711"
    facts = shape.facts(found).done()
    assert facts["requests"] is None and "restarted" in facts["unknown"]["requests"] and facts["servers_down"] == 2


def test_one_reading_gives_gauges_only() -> None:
    found = History(reading(recorded(FIXTURES[0])["second"]))
    facts = shape.facts(found).done()
    assert facts["connections"] == 7 and facts["requests"] is None and facts["servers_down"] == 2


def test_a_server_that_was_added_within_the_window_has_no_rate() -> None:
    found = history(FIXTURES[0])
    found.first.rows[:] = [row for row in found.first.rows if row["svname"] != "e"]
    rows = {row["name"]: row for row in shape.facts(found).done()["servers"]}
    assert rows["e"]["requests"] is None and rows["a"]["requests"] is not None


@pytest.mark.parametrize(
    "earlier, before, sent, each",
    [(0, 0, 40, 0.05), (10, 100, 30, 0.02), (500, 10, 24, 0.5), (5000, 10, 100, 0.3), (5000, 200, 600, 0.02)],
)
def test_the_mean_of_the_window_from_the_running_average(earlier: int, before: int, sent: int, each: float) -> None:
    """The average as HAProxy keeps it: of all requests while there are few, then each one moves it by a part."""
    total = earlier
    average = float(before)
    for _request in range(sent):
        total += 1
        average += (each * 1000 - average) / min(total, 512)
    shown = round(average)
    line = Line("app", "a", "2", _window({"req_tot": str(earlier), "rtime": str(before)}, {"rtime": str(shown), "req_tot": str(total)}))
    mean = line.mean_seconds("rtime", sent)
    assert mean == pytest.approx(each, rel=0.25)


def _window(first: dict[str, str], second: dict[str, str]) -> t.Any:
    rows = [{"pxname": "app", "svname": "a", "type": "2", **row} for row in (first, second)]
    return lines(History(Reading({}, rows[:1]), Reading({}, rows[1:]), 5.0))[0].window


def balanced(*requests: int, algo: str = "roundrobin", weights: t.Sequence[int] = ()) -> dict[str, t.Any]:
    """A backend whose servers got so many requests in the window."""

    def rows(counts: t.Sequence[int]) -> list[parse.Row]:
        servers = [
            {"pxname": "app", "svname": f"app{place}", "type": "2", "status": "UP", "act": "1", "weight": str((weights or [1] * 9)[place]),
             "stot": str(count), "req_tot": str(count), "hrsp_5xx": "0", "qcur": "0", "econ": "0", "eresp": "0", "wretr": "0",
             "wredis": "0"}
            for place, count in enumerate(counts)
        ]  # fmt: skip
        backend = {**servers[0], "svname": "BACKEND", "type": "1", "algo": algo}
        return [*servers, backend]

    found = shape.facts(History(Reading({}, rows([0] * len(requests))), Reading({}, rows(requests)), 5.0)).done()
    return dict(found["unbalanced"])


def test_an_unbalanced_backend_is_named() -> None:
    assert balanced(190, 10) == {"backend": "app", "server": "app0", "times_its_share": 1.9, "backends_of_several": 1}
    assert balanced(150, 50, weights=(3, 1))["times_its_share"] == 1.0
    assert balanced(50, 49)["times_its_share"] is None
    assert balanced(190, 10, algo="source")["backends_of_several"] == 0


@pytest.mark.parametrize(
    "answer",
    [b"", b"+PONG\r\n", b"Unknown command.\n", b"\xff" * 5000, b"# pxname,svname\n", b"S.1.1.0.pxname.1:KNS:str",
     b'# pxname,svname,type\n"' + b"x" * 9999,
     b"HTTP/1.1 400 Bad Request\r\n\r\n"],
)  # fmt: skip
def test_what_is_no_answer_costs_one_sentence(answer: bytes) -> None:
    with pytest.raises(Problem, match=r"HAProxy"):
        parse.stat(answer)
    with pytest.raises(Problem, match=r"HAProxy"):
        parse.info(answer)


def _tools(monkeypatch: pytest.MonkeyPatch, rows: list[Process], listeners: dict[int, list[Listener]]) -> HostTools:
    processes = Processes(rows, False)
    monkeypatch.setattr(processes, "listening", lambda pid: listeners.get(pid, []))
    return HostTools(None, _processes=processes)  # type: ignore[arg-type]


def test_a_master_and_its_worker_are_one_instance(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    (tmp_path / "a.cfg").write_text(
        "global\n  stats socket /run/haproxy/admin.sock mode 660 level admin # here\n  stats socket ipv4@127.0.0.1:9999 level user\n"
        "  stats socket fd@3\nlisten web\n  bind :443 ssl crt /etc/x\n  server a 10.0.0.7:8000 check\n"
    )
    argv = ("/usr/sbin/haproxy", "-Ws", "-f", str(tmp_path), "-p", "/run/haproxy.pid")
    rows = [Process(7, 1, "haproxy", 0, argv), Process(8, 7, "haproxy", 99, argv)]
    tools = _tools(monkeypatch, rows, {8: [Listener("tcp", "0.0.0.0", 443, 1)]})
    assert discover.discover(tools) == [{"_pid": 7, "name": "0.0.0.0:443", "socket": "/run/haproxy/admin.sock"}]
    settings = discover.configuration(rows[0])
    assert (
        settings.sockets == ("/run/haproxy/admin.sock", "127.0.0.1:9999") and settings.servers == ("10.0.0.7:8000",) and settings.encrypts
    )


def test_without_its_configuration_the_socket_is_told_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [Process(7, 1, "haproxy", 0, ("haproxy", "-f", "/nowhere/x.cfg"))]
    tools = _tools(monkeypatch, rows, {7: [Listener("unix", "/run/h/stats.sock", None, 1), Listener("tcp", "::", 80, 2)]})
    assert discover.discover(tools) == [{"_pid": 7, "name": "[::]:80", "socket": "/run/h/stats.sock"}]


@pytest.mark.parametrize(
    ("statuses", "templates", "spare", "out", "total"),
    [
        ({"srv1": "UP", "srv2": "UP", "srv3": "MAINT (resolution)", "srv4": "MAINT (resolution)"}, ("srv",), 2, 0, 2),
        ({"srv1": "DOWN", "srv2": "MAINT (resolution)"}, ("srv",), 1, 0, 1),
        ({"srv1": "MAINT (resolution)", "srv2": "MAINT (resolution)"}, ("srv",), 0, 2, 2),  # no address at all
        ({"srv1": "UP", "srv2": "MAINT (resolution)"}, (), 0, 1, 2),  # a server of its own whose name does not resolve
        ({"srv1": "UP", "srv2": "MAINT"}, ("srv",), 0, 1, 2),  # taken out by a person
        ({"srv1": "UP", "srvx": "MAINT (resolution)"}, ("srv",), 0, 1, 2),
    ],
)
def test_places_kept_for_more_addresses_are_no_servers_taken_out(
    statuses: dict[str, str], templates: tuple[str, ...], spare: int, out: int, total: int
) -> None:
    """https://github.com/braintree/litmus_paper/pull/51: server-template is meant to have more places than addresses"""
    rows = [{"pxname": "app", "svname": name, "type": "2", "status": status, "stot": "0"} for name, status in statuses.items()]
    rows.append({"pxname": "app", "svname": "BACKEND", "type": "1", "status": "UP", "stot": "0"})
    found = shape.facts(History(Reading({}, rows), templates=templates)).done()
    assert (found["servers_spare"], found["servers_out"], found["servers_total"]) == (spare, out, total)


def test_a_template_of_the_configuration(tmp_path: pathlib.Path) -> None:
    (tmp_path / "a.cfg").write_text(
        "backend app\n  server-template srv 1-20 _http._tcp.app.example resolvers dns check\n  server b 10.0.0.7:80\n"
    )
    settings = discover.configuration(Process(7, 1, "haproxy", 0, ("haproxy", "-f", str(tmp_path))))
    assert (settings.templates, settings.servers) == (("srv",), ("10.0.0.7:80",))
