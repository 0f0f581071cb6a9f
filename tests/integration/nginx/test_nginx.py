# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Against a real nginx; `nginx -T`, its logs and the client are the second opinion."""

from __future__ import annotations

import contextlib
import json
import re
import threading
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collectors.nginx.collector import COLLECTOR
from ansible_collections.warroom.launch.plugins.module_utils._collectors.nginx.files import Reader
from tests.support import ansible
from tests.support.documented import undocumented
from tests.support.nginx import Nginx
from tests.support.server import free_port
from tests.support.upstreams import answering, found, read


@pytest.fixture(scope="module")
def backend() -> t.Iterator[int]:
    with answering() as port:
        yield port


def test_what_is_read_is_what_the_server_reads(backend: int) -> None:
    with Nginx([backend]) as nginx:
        printed = nginx.run(*nginx.argv(), "-T").stdout.decode()
        files = Reader(nginx.config).found.files
        assert re.findall(r"^# configuration file (\S+):$", printed, re.M) == files and len(files) == 2


def test_numbers_agree_with_what_was_sent(backend: int) -> None:
    dead = free_port()
    with Nginx([backend, dead]) as nginx:

        def traffic() -> None:
            for number in range(40):
                assert nginx.get(f"/page/{number}?token=s3cret")[0] == 200
            assert [nginx.get(path)[0] for path in ("/boom", "/gone", "/slow")] == [500, 404, 200]

        facts = read(COLLECTOR, found(COLLECTOR, f"127.0.0.1:{nginx.port}"), traffic)
        version = nginx.run("/usr/sbin/nginx", "-v").stderr.decode()
        refused = nginx.dir.joinpath("error.log").read_text().count("connect() failed")
    assert facts["state"] == "up", facts["problem"]
    assert undocumented("nginx", facts) == [] and "s3cret" not in json.dumps(facts)
    assert (facts["requests"], facts["logged_requests"], facts["accepted"], facts["dropped"]) == (43, 43, 43, 0)
    assert {row["name"]: row["requests"] for row in facts["statuses"]} == {"200": 41, "404": 1, "500": 1}
    assert (facts["errors"], facts["client_errors"]) == (1, 1)
    assert 0.5 <= facts["response_max_seconds"] < 5 and 0.01 <= facts["response_p50_seconds"] < 0.5
    servers = {row["name"]: row for row in facts["upstreams"]}
    assert servers[f"127.0.0.1:{backend}"]["attempts"] == 43
    assert servers[f"127.0.0.1:{dead}"]["failed"] == facts["upstream_refused"] == refused > 0
    assert facts["upstream_failing"] == f"127.0.0.1:{dead}" and facts["unanswered_requests"] == 0
    assert {row["address"] for row in facts["talks_to"]} == {f"127.0.0.1:{backend}", f"127.0.0.1:{dead}"}
    assert (facts["workers"], facts["worker_connections"], facts["connections_limit"], facts["listen_queue_limit"]) == (2, 64, 128, 64)
    assert facts["workers_started"] == 0 and facts["version"] in version


def test_a_worker_at_its_limit_is_said(backend: int) -> None:
    """Every slow request holds two of eight connections, and the listeners some: the rest of the visitors is refused."""
    with Nginx([backend], connections=8, extra="keepalive_timeout 0;") as nginx:

        def traffic() -> None:
            def one() -> None:
                with contextlib.suppress(OSError):
                    nginx.get("/slow")

            threads = [threading.Thread(target=one) for _each in range(40)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

        facts = read(COLLECTOR, found(COLLECTOR, f"127.0.0.1:{nginx.port}"), traffic)
        said = nginx.dir.joinpath("error.log").read_text().count("worker_connections are not enough")
    assert facts["connections_exhausted"] == facts["limits_hit"] == said > 0


def test_a_reload_is_seen_and_an_end_is_down(backend: int) -> None:
    with Nginx([backend]) as nginx:
        entry = found(COLLECTOR, f"127.0.0.1:{nginx.port}")
        facts = read(COLLECTOR, entry, lambda: nginx.run(*nginx.argv(), "-s", "reload"), window=1.0)
        assert facts["workers_started"] == 2 and facts["requests"] == 0
        assert nginx.process is not None

        def end() -> None:
            assert nginx.process is not None
            nginx.process.terminate()
            nginx.process.wait(10)

        gone = read(COLLECTOR, entry, end)
    assert gone["state"] == "down" and "ended within the window" in gone["problem"]


def test_as_a_module_by_the_status_page(backend: int) -> None:
    with Nginx([backend]) as nginx:
        url = f"http://127.0.0.1:{nginx.port}/nginx_status"
        result = ansible.module("nginx_stats", {"status_url": url, "window": 0})
    (facts,) = result["ansible_facts"]["launch_nginx"]["instances"]
    assert facts["state"] == "up" and facts["status_url"] == url and facts["connections"] >= 1 and result["changed"] is False
