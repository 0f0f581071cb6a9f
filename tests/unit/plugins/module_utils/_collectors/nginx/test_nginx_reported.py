# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Failures that people reported of nginx and of its other monitors, as lines of its logs, and what must be counted."""

from __future__ import annotations

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collectors.nginx.access_log import Tally

FORMAT = '$remote_addr [$time_local] "$request" $status $request_time $upstream_addr $upstream_status $upstream_response_time'


def tally(*lines: str, log_format: str = FORMAT) -> Tally:
    counted = Tally()
    counted.count([f"192.0.2.7 [x] {line}" for line in lines], log_format, ())
    return counted


def test_how_long_a_websocket_was_open_is_no_time_of_an_answer() -> None:
    """https://github.com/netdata/netdata/issues/17716, https://github.com/nginxinc/nginx-amplify-doc/issues/16,
    https://github.com/vozlt/nginx-module-vts/issues/253: one that closes makes the site look slow"""
    pages = ['"GET /p HTTP/1.1" 200 0.010 10.0.0.2:80 200 0.010'] * 5
    sockets = ['"GET /ws HTTP/1.1" 101 24388.248 10.0.0.2:80 101 24388.248'] * 3
    refused = '"GET /ws HTTP/1.1" 502 0.500 10.0.0.2:80 502 0.500'
    found = tally(*pages, *sockets, refused)
    assert (found.lines, found.statuses["101"], found.unanswered) == (9, 3, 1)
    assert found.times.facts("none")["max_seconds"] == 0.5 == found.servers["10.0.0.2:80"].times.facts("none")["max_seconds"]
    assert (found.pages["/ws"].requests, found.pages["/ws"].timed, found.pages["/ws"].seconds) == (4, 1, 0.5)


@pytest.mark.parametrize(
    ("line", "attempts", "failed"),
    [
        ("127.0.0.1:80, [::]:80 502, 200 0.000, 0.001", {"127.0.0.1:80": 1, "[::]:80": 1}, 1),
        ("10.0.0.1:80, 10.0.0.2:80 : 10.0.0.3:80 504, 200 : 200 -, 0.004 : 0.012", {f"10.0.0.{number}:80": 1 for number in (1, 2, 3)}, 1),
        ("unix:/run/app.sock: 200 1.394", {"unix:/run/app.sock": 1}, 0),
        ("- - -", {}, 0),
    ],
)
def test_several_upstream_servers_in_one_line(line: str, attempts: dict[str, int], failed: int) -> None:
    """https://github.com/martin-helmich/prometheus-nginxlog-exporter/issues/70,
    https://github.com/netdata/go.d.plugin/pull/711, https://github.com/mozilla-services/heka/issues/1343"""
    found = tally(f'"GET /a HTTP/1.1" 200 0.020 {line}')
    assert found.strange == 0
    assert {name: server.attempts for name, server in found.servers.items()} == attempts
    assert sum(server.failed for server in found.servers.values()) == failed
