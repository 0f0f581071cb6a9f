# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Against a real HAProxy; the untyped answers of its own socket are the second opinion."""

from __future__ import annotations

import csv
import json
import threading
import time
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collectors.haproxy.collector import COLLECTOR
from tests.support.documented import undocumented
from tests.support.haproxy import PASSWORD, Haproxy
from tests.support.server import free_port
from tests.support.upstreams import answering, found, read


@pytest.fixture(scope="module")
def backend() -> t.Iterator[int]:
    with answering() as port:
        yield port


def told(haproxy: Haproxy) -> dict[tuple[str, str], dict[str, str]]:
    """`show stat` as people read it."""
    text = haproxy.ask("show stat")[2:].strip()
    return {(row["pxname"], row["svname"]): row for row in csv.DictReader(text.splitlines())}


def test_numbers_agree_with_what_was_sent_and_with_its_own_words(backend: int) -> None:
    dead = free_port()
    servers = [f"good {backend}", f"bad {dead} check inter 50ms fastinter 50ms fall 1", f"out {backend} disabled"]
    with Haproxy(servers) as haproxy:
        time.sleep(0.3)

        def traffic() -> None:
            for number in range(60):
                assert haproxy.get(f"/page/{number}") == 200
            assert [haproxy.get(path) for path in ("/boom", "/gone")] == [500, 404]

        facts = read(COLLECTOR, found(COLLECTOR, f"127.0.0.1:{haproxy.port}"), traffic)
        rows = told(haproxy)
        page = read(COLLECTOR, {"stats_url": haproxy.page, "login_user": "ops", "login_password": PASSWORD}, lambda: None, window=0.1)
        wrong = read(COLLECTOR, {"stats_url": haproxy.page, "login_user": "ops", "login_password": "no"}, lambda: None, window=0.1)
    assert facts["state"] == "up", facts["problem"]
    assert undocumented("haproxy", facts) == []
    assert (facts["requests"], facts["errors"], facts["client_errors"]) == (62, 1, 1)
    assert (facts["errors_of_servers"], facts["errors_of_servers_ratio"]) == (1, 1.0)
    assert rows[("app", "good")]["stot"] == "62" and rows[("app", "bad")]["status"] == "DOWN"
    assert (facts["servers_down"], facts["servers_in_maintenance"], facts["servers_unchecked"]) == (1, 1, 1)
    app = next(row for row in facts["backends"] if row["name"] == "app")
    assert 0.01 <= app["response_seconds"] < 0.3
    assert {row["address"] for row in facts["talks_to"]} == {f"127.0.0.1:{backend}", f"127.0.0.1:{dead}"}
    assert page["state"] == "up" and page["servers_down"] == 1 and PASSWORD not in json.dumps(page)
    assert wrong["state"] == "unreadable" and "login" in wrong["problem"]


class WithMaster(Haproxy):
    """As systemd starts it: a master, which has a socket of its own, and the worker that serves."""

    def argv(self) -> list[str]:
        return [*super().argv(), "-W", "-S", str(self.dir / "master.sock")]


def test_the_socket_of_the_master_tells_of_its_worker(backend: int) -> None:
    with WithMaster([f"one {backend}"]) as haproxy:
        facts = read(COLLECTOR, {"socket": str(haproxy.dir / "master.sock")}, lambda: haproxy.get("/"), window=0.3)
    assert facts["state"] == "up" and facts["requests"] == 1 and facts["servers_total"] == 1


def test_what_haproxy_answers_itself_is_no_error_of_its_servers() -> None:
    with Haproxy([f"bad {free_port()}"]) as haproxy:
        answers: list[int] = []
        facts = read(COLLECTOR, found(COLLECTOR, f"127.0.0.1:{haproxy.port}"), lambda: answers.append(haproxy.get("/")), window=0.5)
    assert answers == [503] and (facts["errors"], facts["errors_of_servers"], facts["errors_of_servers_ratio"]) == (1, 0, 0.0)


def test_who_waits_in_the_queue_is_counted(backend: int) -> None:
    with Haproxy([f"one {backend} maxconn 1"]) as haproxy:
        threads = [threading.Thread(target=haproxy.get, args=("/slow",)) for _each in range(5)]

        def begin() -> None:
            for thread in threads:
                thread.start()

        facts = read(COLLECTOR, {"socket": haproxy.socket}, begin, window=0.2)
        for thread in threads:
            thread.join()
    assert facts["queue"] == 4 and facts["servers_full_ratio"] == 1.0 and facts["connections"] == 5
    assert facts["servers"][0]["sessions_limit"] == 1


def test_a_level_that_tells_less_and_no_socket_at_all(backend: int) -> None:
    with Haproxy([f"one {backend}"]) as haproxy:
        haproxy.ask("set server app/one weight 1")
        gone = read(COLLECTOR, {"socket": f"{haproxy.dir}/none.sock"}, lambda: None)
        silent = read(COLLECTOR, {"name": "here"}, lambda: None)
    assert gone["state"] in ("down", "unreadable") and "none.sock" in gone["problem"]
    assert silent["state"] == "unreadable" and "stats socket" in silent["problem"]
