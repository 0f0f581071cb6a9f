# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Failures that people reported of nginx and of its other monitors, as lines of its logs, and what must be counted."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect.facts import Unknown
from ansible_collections.warroom.launch.plugins.module_utils._collect.host_tools import HostTools
from ansible_collections.warroom.launch.plugins.module_utils._collectors.nginx import discover, settings, shape, traffic
from ansible_collections.warroom.launch.plugins.module_utils._collectors.nginx.access_log import Tally
from ansible_collections.warroom.launch.plugins.module_utils._collectors.nginx.samples import History, Worker
from ansible_collections.warroom.launch.plugins.module_utils._collectors.nginx.syntax import parse
from ansible_collections.warroom.launch.plugins.module_utils._linux.processes import Process, Processes
from tests.support.tools import RealCommands

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


@pytest.mark.parametrize(
    ("servers", "retried"),
    [
        ("10.0.0.1:80 : 10.0.0.3:80 200 : 200 0.001 : 0.002", 0),
        ("10.0.0.1:80, 10.0.0.2:80 502, 200 0.001, 0.002", 1),
        ("10.0.0.1:80, 10.0.0.2:80 : 10.0.0.3:80 502, 200 : 200 0.001, 0.002 : 0.003", 1),
        ("10.0.0.1:80 200 0.001", 0),
    ],
)
def test_a_request_that_an_answer_sends_on_is_not_tried_again(servers: str, retried: int) -> None:
    """https://nginx.org/en/docs/http/ngx_http_upstream_module.html#var_upstream_addr: every download by X-Accel-Redirect"""
    found = tally(f'"GET /a HTTP/1.1" 200 0.020 {servers}')
    assert (found.proxied, found.retried, found.strange) == (1, retried, 0)


BALANCED = """http {{ upstream app {{ {servers} }} upstream other {{ server 10.0.0.9:9000; }}
server {{ location / {{ proxy_pass http://app; }} location /o {{ proxy_pass http://other; }} }} }}"""


def history(servers: str, **requests: int) -> dict[str, t.Any]:
    """Facts of one that sent so many requests to the addresses 10.0.0.<number>:8000."""
    found = History(settings=settings.of(parse(BALANCED.format(servers=servers))), window=5.0)
    lines = [f'"GET / HTTP/1.1" 200 0.010 10.0.0.{name[1:]}:8000 200 0.010' for name, many in requests.items() for _each in range(many)]
    found.tally = tally(*lines, '"GET /o HTTP/1.1" 200 0.010 10.0.0.9:9000 200 0.010')
    return shape.facts(found).done()


@pytest.mark.parametrize(
    ("servers", "requests", "times"),
    [
        ("server web1:8000; server web2:8000;", {"n1": 100, "n2": 100}, 1.0),
        ("server web1:8000; server web2:8000;", {"n1": 180, "n2": 20}, 1.8),
        ("server web1:8000; server web2:8000;", {"n1": 200}, 2.0),  # the other one never, so that its address is not in the log
        ("server web1:8000; server web2:8000; server web3:8000 resolve;", {"n1": 50, "n2": 50, "n3": 50, "n4": 50}, 1.0),
        ("server web1:8000 weight=3; server web2:8000;", {"n1": 150, "n2": 50}, None),
        ("server web1:8000; server web2:8001;", {"n1": 100, "n2": 100}, None),
        ("server web1:9000; server web2:9000;", {"n1": 100, "n2": 100}, None),  # as the other group
        ("server 10.0.0.1:8000 weight=3; server 10.0.0.2:8000;", {"n1": 150, "n2": 50}, 1.0),
    ],
)
def test_servers_named_by_host_are_known_by_their_addresses(servers: str, requests: dict[str, int], times: t.Optional[float]) -> None:
    """https://github.com/vozlt/nginx-module-vts/issues/139: "no request went to this group" was said of one with all of them"""
    found = history(servers, **requests)
    assert found["unbalanced"]["times_its_share"] == times
    (group,) = [row for row in found["upstream_groups"] if row["name"] == "app"]
    assert group["attempts"] == (None if times is None else sum(requests.values()))
    first = next(row for row in found["upstreams"] if row["name"] == "10.0.0.1:8000")
    if times is not None:
        assert first["group"] == "app"
        return
    whys = [found["unknown"]["unbalanced.times_its_share"], *(why for name, why in found["unknown"].items() if name.endswith("attempts"))]
    assert set(whys) == {traffic.NAMED} and first["group"] != "other"


def test_localhost_is_two_addresses_and_one_of_them_may_be_refused() -> None:
    found = History(
        settings=settings.of(parse("http { upstream app { server localhost:8000; } server { location / { proxy_pass http://app; } } }"))
    )
    found.window = 5.0
    found.tally = tally(*['"GET / HTTP/1.1" 200 0.010 [::1]:8000, 127.0.0.1:8000 502, 200 0.000, 0.010'] * 4)
    facts = shape.facts(found).done()
    assert (facts["upstream_failing"], facts["upstream_failed_ratio"], facts["retried_requests"]) == ("[::1]:8000", 1.0, 4)
    assert {row["group"] for row in facts["upstreams"]} == {"app"}


def test_a_log_that_names_no_server_says_so_whatever_the_blocks_say() -> None:
    found = History(settings=settings.of(parse(BALANCED.format(servers="server web1:8000; server web2:8001;"))), window=5.0)
    found.access.why = "it was not read"
    (group,) = [row for row in traffic.groups(found, t.cast(settings.Settings, found.settings)) if row["name"] == "app"]
    assert group["attempts"] == Unknown("it was not read")


def test_a_socket_with_three_slashes_is_the_one_with_one() -> None:
    """https://github.com/unbit/uwsgi/issues/1647, https://github.com/tiangolo/uwsgi-nginx-flask-docker/issues/83"""
    block = "server {{ location / {{ uwsgi_pass unix:///tmp/uwsgi.sock; }} location /b {{ {} }} }}"
    found = settings.of(
        parse("http { upstream app { server unix:///run/a.sock; server unix:/run/b.sock; }" + block.format("proxy_pass http://app;") + "}")
    )
    assert found.places == ["unix:/run/a.sock", "unix:/run/b.sock", "unix:/tmp/uwsgi.sock"]
    history = History(settings=found, window=5.0)
    history.tally = tally(
        *['"GET / HTTP/1.1" 200 0.010 unix:///run/a.sock: 200 0.010', '"GET / HTTP/1.1" 200 0.010 unix:/run/b.sock 200 0.010'] * 60
    )
    refused = (
        "2026/11/30 18:00:00 [error] 1#1: *1 connect() failed (111: Connection refused) while connecting to upstream, client: 10.0.0.9, "
    )
    history.messages.count([refused + 'upstream: "uwsgi://unix:///run/a.sock:", host: "x"'])
    facts = shape.facts(history).done()
    assert {row["name"]: row["group"] for row in facts["upstreams"]} == {"unix:/run/a.sock": "app", "unix:/run/b.sock": "app"}
    assert facts["unbalanced"]["times_its_share"] == 1.0 and facts["upstream_complaints"][0]["server"] == "unix:/run/a.sock"


def test_workers_that_shut_down_take_no_connections() -> None:
    """bunkerity/bunkerweb#3153, kubernetes/ingress-nginx#1088, Kong/kong#6904: old workers stay for hours beside the new ones."""
    rows = [
        Process(1, 0, "nginx", 0, ("nginx: master process nginx -g daemon off;",)),
        Process(7, 1, "nginx", 33, ("nginx: worker process is shutting down",)),
        Process(8, 1, "nginx", 33, ("nginx: worker process is shutting down",)),
        Process(21, 1, "nginx", 33, ("nginx: worker process",)),
        Process(22, 1, "nginx", 33, ("nginx: cache manager process",)),
    ]
    assert [process.pid for process in discover.workers(rows[0], rows)] == [21]
    assert [process.pid for process in discover.leaving(rows[0], rows)] == [7, 8]
    wanted = settings.of(parse("events { worker_connections 100; } http { }"))
    found = shape.facts(History(settings=wanted, workers=(Worker(21, 9),), workers_leaving=2)).done()
    assert (found["workers"], found["workers_leaving"], found["connections_limit"], found["connections_ratio"]) == (1, 2, 100, 0.09)


@pytest.mark.parametrize(
    ("name", "title", "words"),
    [
        ("nginx", "nginx: master process /usr/sbin/nginx -c /etc/nginx/nginx.conf", ["/usr/sbin/nginx", "-c", "/etc/nginx/nginx.conf"]),
        # https://github.com/nginx/agent/pull/1162
        ("nginx-debug", "nginx: master process nginx-debug -g daemon off;", ["nginx-debug", "-g", "daemon", "off;"]),
        # https://github.com/webserver-llc/angie/blob/master/src/os/unix/ngx_process_cycle.c: its version and its reloads as well
        ("angie", "angie: master process v1.10.0 #3 [/usr/sbin/angie -c /srv/angie.conf]", ["/usr/sbin/angie", "-c", "/srv/angie.conf"]),
        ("angie", "angie: master process v1.10.0 PRO #1 [angie -c /srv/angie.conf]", ["angie", "-c", "/srv/angie.conf"]),
        ("angie", "angie: master process v1.10.0 #1 [angie -c /srv/ang", ["angie", "-c", "/srv/ang"]),
    ],
)
def test_a_main_process_by_its_title(name: str, title: str, words: list[str]) -> None:
    master = Process(7, 1, name, 0, (title,))
    # https://github.com/nginx/agent/pull/1837: a monitor's helper calls itself so; it was one more nginx
    companion = Process(9, 1, "nginx", 0, ("[nginx: OneAgent companion process]",))
    workers = [Process(8, 7, name, 33, (f"{name.partition('-')[0]}: worker process #3",))]
    tools = HostTools(RealCommands(), _processes=Processes([master, *workers, companion], False))
    assert discover.masters(tools) == [master] and discover.words_of(master) == words


@pytest.mark.parametrize(
    ("line", "given", "unanswered"),
    [
        ("503 0.000 - - -", 0, 0),  # limit_req, limit_conn, return 503
        ("500 0.010 10.0.0.2:80 500 0.010", 1, 0),
        ("502 0.010 10.0.0.2:80 502 0.010", 0, 1),
        ("503 0.020 10.0.0.1:80, 10.0.0.2:80 502, 503 0.001, 0.010", 1, 0),
        ("200 0.020 10.0.0.1:80, 10.0.0.2:80 500, 200 0.001, 0.010", 0, 0),
        ("200 0.020 10.0.0.1:80 503 0.001", 0, 0),  # error_page 503 =200
    ],
)
def test_an_error_of_nginx_itself_is_none_of_a_server(line: str, given: int, unanswered: int) -> None:
    """https://github.com/discourse/discourse_docker/pull/104, https://github.com/vulpineclub/mastodon/issues/18,
    https://github.com/ipfs/kubo/issues/8382: a limit's 503 looks like an outage of what is behind it"""
    found = tally(f'"GET / HTTP/1.1" {line}')
    assert (found.given, found.unanswered, found.strange) == (given, unanswered, 0)
