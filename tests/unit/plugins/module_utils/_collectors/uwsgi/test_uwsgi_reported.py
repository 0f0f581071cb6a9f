# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Failures that people reported of other tools, as documents of a stats server, and what the checks must say."""

from __future__ import annotations

import pytest

from tests.support.uwsgi_documents import NOW, changed, core, document, facts, findings, worker


def judged(*documents: dict, window: float = 5.0) -> dict[str, str]:
    return {check: one["status"] for check, one in findings(facts(*documents, window=window)).items()}


def test_workers_that_sleep_until_a_request_comes() -> None:
    """https://github.com/unbit/uwsgi/issues/152, https://github.com/cernopendata/opendata.cern.ch/pull/3334: cheap, idle"""
    asleep = [worker(number, "cheap", pid=0) for number in (1, 2)]
    found = judged(document(*asleep), document(*asleep))
    assert (found["uwsgi_workers_none"], found["uwsgi_workers_busy"]) == ("warn", "skipped")
    assert judged(document(*asleep, queue=3))["uwsgi_workers_none"] == "fail"
    paused = [worker(1, "cheap", pid=0), worker(2, "pause")]
    assert judged(document(*paused))["uwsgi_workers_none"] == "fail"


@pytest.mark.parametrize("sign", ["HTTP_UPGRADE=websocket", "HTTP_UPGRADE=WebSocket", "HTTP_ACCEPT=text/event-stream"])
def test_streams_are_no_stuck_requests(sign: str) -> None:
    """A WebSocket or an event stream is open for hours by design; to let harakiri end it is harm"""
    stream = core(1, ["REQUEST_METHOD=GET", "PATH_INFO=/ws/", sign], NOW - 4000)
    page = core(1, ["REQUEST_METHOD=GET", "PATH_INFO=/report/", "HTTP_ACCEPT=text/html"], NOW - 40)
    quiet = document(worker(1, "busy", [stream, core()]))
    result = facts(quiet)
    assert result["in_flight_streams"] == 1 and result["in_flight_oldest_seconds"] is None
    assert "WebSockets" in result["unknown"]["in_flight_oldest_seconds"]
    assert judged(quiet)["uwsgi_longest_request"] == "ok"
    stuck = document(worker(1, "busy", [stream, page]))
    assert facts(stuck)["in_flight_oldest_pattern"] == "GET /report/" and judged(stuck)["uwsgi_longest_request"] == "fail"


def test_a_cheaped_worker_that_keeps_its_process_id_takes_no_requests() -> None:
    """https://github.com/unbit/uwsgi/issues/122"""
    first = document(worker(1, requests=10), worker(2, "cheap", pid=4711, rss=10**9, requests=99))
    result = facts(first, changed(first, w1={"requests": 30}), window=5.0)
    assert (result["workers"]["active"], result["workers"]["cheap"], result["requests"], result["memory_bytes"]) == (1, 1, 20, None)


def test_running_requests_that_are_not_told_are_unknown_in_words() -> None:
    """Seen with headers that broke the document: the reason was an expression"""
    found = findings(facts(document(worker(1, "busy", [core(1)])), window=5.0))["uwsgi_one_page"]
    assert found["status"] == "unknown" and "does not say what the running requests are" in found["reason"], found["reason"]


@pytest.mark.parametrize(
    ("later", "mean"),
    [
        ({"requests": 20, "running_time": 5_100_000_000}, 10.0),
        ({"requests": 20, "running_time": 4_999_976_000}, None),  # the clock went back while a request ran
        ({"requests": 20, "running_time": 2**64 - 24_000}, None),
        ({"requests": 5, "running_time": 1_000_000, "pid": 4711, "respawn_count": 2}, 0.2),  # another process
    ],
)
def test_a_request_that_ended_before_it_began(later: dict[str, int], mean: object) -> None:
    """https://github.com/unbit/uwsgi/issues/1489: 18446744073709524 ms"""
    first = document(worker(1, requests=10, running_time=5_000_000_000))
    result = facts(first, changed(first, w1=later), window=5.0)
    assert result["mean_response_seconds"] == mean
    assert mean is not None or "implausible" in result["unknown"]["mean_response_seconds"]
    assert later["running_time"] < 2**63 or result["lifetime_mean_response_seconds"] is None


@pytest.mark.parametrize(("began", "age"), [(NOW - 40, 40.0), (NOW + 1, 0.0), (NOW + 3600, None)])
def test_a_request_that_began_in_the_future_has_no_age(began: int, age: object) -> None:
    """The clock of the machine that was asked is behind: 0 s would hide a stuck request"""
    result = facts(document(worker(1, "busy", [core(1, ["REQUEST_METHOD=GET", "PATH_INFO=/report/"], began)])))
    assert result["in_flight_oldest_seconds"] == result["in_flight"][0]["oldest_seconds"] == age
    assert age is not None or "clock" in result["unknown"]["in_flight_oldest_seconds"]
