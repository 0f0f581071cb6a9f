# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Recorded from several versions: what each says, counted by the load that was sent."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collectors.nginx import settings, shape, status
from ansible_collections.warroom.launch.plugins.module_utils._collectors.nginx.samples import History, LogRead, Worker
from ansible_collections.warroom.launch.plugins.module_utils._collectors.nginx.syntax import parse
from ansible_collections.warroom.launch.plugins.module_utils._linux.backlog import Backlog
from tests.support.documented import undocumented
from tests.support.server import ROOT

FIXTURES = sorted((ROOT / "tests/unit/fixtures/nginx").glob("*.json"))


def history(path: t.Any, **changes: t.Any) -> History:
    recorded = json.loads(path.read_text())
    found = History(
        settings=settings.of(parse(recorded["config"])),
        first=status.Status(status.parse(recorded["first"].encode(), "here"), 0.001, recorded["server"]),
        second=status.Status(status.parse(recorded["second"].encode(), "here"), 0.001, recorded["server"]),
        window=5.0,
        workers=(Worker(2, 12, 20, 1024),),
        listeners=(Backlog("tcp", "127.0.0.1", 8080, 7, 3, 511),),
    )
    found.tally.count(recorded["access_log"].splitlines(), found.settings.logs[0].format, {"/nginx_status"})  # type: ignore[union-attr]
    found.messages.count(recorded["error_log"].splitlines())
    for name, value in changes.items():
        setattr(found, name, value)
    return found


def test_versions_are_several() -> None:
    assert len(FIXTURES) == 3


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.stem)
def test_what_was_sent_is_what_is_told(path: t.Any) -> None:
    facts = shape.facts(history(path)).done()
    assert undocumented("nginx", facts) == []
    assert facts["version"] == path.stem.partition("-")[2] and facts["product"] == "nginx"
    assert facts["requests"] == facts["logged_requests"] == 42
    assert (facts["accepted"], facts["dropped"]) == (82, 0)
    assert {row["name"]: row["requests"] for row in facts["statuses"]} == {"200": 34, "500": 2, "404": 1, "503": 2, "502": 2, "504": 1}
    assert (facts["errors"], facts["client_errors"]) == (7, 1)
    assert (facts["limited_requests"], facts["upstream_timeouts"], facts["no_live_upstream"]) == (2, 1, 1)
    assert facts["unanswered_requests"] == 3 and facts["upstream_failing"] == "127.0.0.1:8002"
    servers = {row["name"]: row for row in facts["upstreams"]}
    assert set(servers) == {"127.0.0.1:8001", "127.0.0.1:8002"}
    assert servers["127.0.0.1:8002"]["failed_ratio"] == 1.0 and servers["127.0.0.1:8001"]["failed"] == 1
    assert servers["127.0.0.1:8002"]["failed"] == facts["upstream_refused"]
    assert facts["cache_hit_ratio"] == pytest.approx(2 / 3, abs=1e-6)
    assert 1.0 < facts["response_max_seconds"] < 1.5 and facts["response_p50_seconds"] < 0.2
    assert {row["pattern"] for row in facts["pages"]} >= {"/page/<id>/?token", "/boom"}
    assert facts["log_lacks"] == [] and facts["limits_requests"] is True and facts["encrypts"] is False
    assert facts["connections_ratio"] == 0.375 and facts["descriptors_ratio"] < 0.1 and facts["listen_queue_ratio"] < 0.01


def test_groups_and_their_balance() -> None:
    facts = shape.facts(history(FIXTURES[0])).done()
    app = next(row for row in facts["upstream_groups"] if row["name"] == "app")
    assert (app["servers"], app["servers_serving"], app["method"]) == (2, 2, "round_robin")
    none = next(row for row in facts["upstream_groups"] if row["name"] == "none")
    assert (none["servers"], none["servers_serving"], none["attempts"]) == (2, 1, None) or none["servers_serving"] == 1
    assert facts["unbalanced"]["times_its_share"] is None and "100 requests" in facts["unknown"]["unbalanced.times_its_share"]


def test_one_of_two_servers_that_gets_everything_is_named() -> None:
    tree = parse("http { upstream app { server 10.0.0.7:80; server 10.0.0.8:80; } server { location / { proxy_pass http://app; } } }")
    found = History(settings=settings.of(tree), window=5.0)
    line = '"{}" "200" "0.010" 200 0.010'
    form = '"$upstream_addr" "$upstream_status" "$upstream_response_time" $status $request_time'
    found.tally.count([line.format("10.0.0.7:80")] * 190 + [line.format("10.0.0.8:80")] * 10, form, ())
    facts = shape.facts(found).done()
    assert facts["unbalanced"] == {"group": "app", "server": "10.0.0.7:80", "times_its_share": 1.9, "groups_of_several": 1}


def test_a_log_that_was_not_read_is_unknown_and_never_zero() -> None:
    found = history(FIXTURES[0], access=LogRead("the log /var/log/nginx/access.log: this user may not read it"))
    facts = shape.facts(found).done()
    for name in ("errors", "error_ratio", "response_p95_seconds", "unanswered_requests", "upstreams", "pages", "logged_requests"):
        assert facts[name] is None and "may not read it" in facts["unknown"][name], name


def test_the_format_of_the_distribution_names_the_line_that_tells_more() -> None:
    tree = parse("http { access_log /var/log/nginx/access.log; server { location / { proxy_pass http://127.0.0.1:8000; } } }")
    found = History(settings=settings.of(tree), window=5.0)
    line = '127.0.0.1 - - [30/Nov/2026:03:33:58 +0000] "GET /a HTTP/1.1" 502 157 "-" "curl"'
    found.tally.count([line], found.settings.logs[0].format, ())  # type: ignore[union-attr]
    facts = shape.facts(found).done()
    assert facts["errors"] == 1 and facts["response_p95_seconds"] is None
    assert "log_format launch" in facts["unknown"]["response_p95_seconds"] and "$upstream_addr" in facts["unknown"]["unanswered_requests"]
    assert facts["log_lacks"] == ["request_time", "upstream_addr", "upstream_response_time", "upstream_status"]


def test_without_a_status_page_the_log_counts_requests_and_connections_are_unknown() -> None:
    why = shape.Unknown("its configuration has no stub_status page")
    facts = shape.facts(history(FIXTURES[0], first=why, second=why)).done()
    assert facts["requests"] == 42 and facts["connections"] is None and facts["dropped"] is None
    assert "stub_status" in facts["unknown"]["dropped"]


def test_a_restart_between_the_samples_gives_no_rate() -> None:
    found = history(FIXTURES[0])
    found.first, found.second = found.second, found.first  # type: ignore[assignment]
    facts = shape.facts(found).done()
    assert facts["accepted"] is None and "restarted" in facts["unknown"]["accepted"] and facts["connections"] == 1


def test_visitors_alone_bound_the_connections_where_workers_may_not_be_read() -> None:
    facts = shape.facts(history(FIXTURES[0], workers=(Worker(2), Worker(3)))).done()
    assert facts["connections_ratio"] is None and facts["at_least"]["connections_ratio"] == pytest.approx(1 / 64)


@pytest.mark.parametrize(
    "body",
    [b"", b"Active connections: -1 \n", b"<html>nginx</html>", b"Active connections: " + b"9" * 5000, b"\xff" * 300,
     b"Active connections: 1 \nserver accepts handled requests\n 1 1 \nReading: 0 Writing: 1 Waiting: 0 \n"],
)  # fmt: skip
def test_what_is_no_status_page_costs_one_sentence(body: bytes) -> None:
    with pytest.raises(status.Problem, match="no stub_status page"):
        status.parse(body, "127.0.0.1/x")


def test_tengine_has_one_number_more() -> None:
    body = b"Active connections: 2 \nserver accepts handled requests request_time\n 7 7 9 1234\nReading: 0 Writing: 1 Waiting: 1 \n"
    assert status.parse(body, "x")["requests"] == 9
