# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Outages that people reported with the lines of their error log, and what each line must count as."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collectors.nginx import error_log, status
from ansible_collections.warroom.launch.plugins.module_utils._collectors.nginx.error_log import Messages

TAIL = ', client: 10.0.0.9, server: shop.example.com, request: "GET / HTTP/1.1", upstream: "{}", host: "shop.example.com"'


def line(said: str, upstream: str = "", level: str = "error") -> str:
    return f"2026/11/30 18:00:00 [{level}] 31#31: {said}" + (TAIL.format(upstream) if upstream else "")


def counted(*lines: str) -> tuple[dict[str, int], dict[tuple[str, str], int]]:
    messages = Messages()
    messages.count(lines)
    return {name: count for name, count in messages.counts.items() if count}, messages.by_server


TO = "while connecting to upstream"
SOCKET, PORT = "unix:/run/gunicorn.sock", "127.0.0.1:8000"


@pytest.mark.parametrize(
    ("said", "upstream", "measure", "server"),
    [
        # https://github.com/RiotGamesCookbooks/nexus-cookbook/issues/115: SELinux; its address stands before "failed"
        (f"*1 connect() to 127.0.0.1:8000 failed (13: Permission denied) {TO}", f"http://{PORT}/", "upstream_forbidden", PORT),
        (f"*1 connect() to {SOCKET} failed (13: Permission denied) {TO}", f"http://{SOCKET}:/", "upstream_forbidden", SOCKET),
        # https://github.com/openstreetmap/operations/issues/335, https://github.com/engintron/engintron/issues/938
        (
            f"*7 connect() to 127.0.0.1:80 failed (99: Cannot assign requested address) {TO}",
            "http://127.0.0.1:80/",
            "local_ports_exhausted",
            "",
        ),
        # https://github.com/VaultaFoundation/evm-contract/issues/512: the words of musl
        (f"*7 connect() to 10.0.0.7:80 failed (99: Address not available) {TO}", "http://10.0.0.7:80/", "local_ports_exhausted", ""),
        # https://github.com/benoitc/gunicorn/issues/2433, https://github.com/unbit/uwsgi/issues/1647
        (
            f"*5 connect() to {SOCKET} failed (11: Resource temporarily unavailable) {TO}",
            f"http://{SOCKET}:/",
            "upstream_queue_full",
            SOCKET,
        ),
        (f"*5 connect() to {SOCKET} failed (2: No such file or directory) {TO}", f"http://{SOCKET}:/", "upstream_refused", SOCKET),
        (f"*2 connect() failed (111: Connection refused) {TO}", "fastcgi://[::1]:9000", "upstream_refused", "[::1]:9000"),
        (
            f"*2 connect() to [2001:db8::1]:80 failed (101: Network is unreachable) {TO}",
            "http://[2001:db8::1]:80/",
            "upstream_refused",
            "[2001:db8::1]:80",
        ),
        # https://github.com/benoitc/gunicorn/issues/2880
        ("*57 readv() failed (104: Connection reset by peer) while reading upstream", f"http://{SOCKET}:/", "upstream_closed", SOCKET),
        (
            "*57 recv() failed (104: Connection reset by peer) while reading response header from upstream",
            f"http://{PORT}/",
            "upstream_closed",
            PORT,
        ),
        ("*57 writev() failed (32: Broken pipe) while sending request to upstream", f"http://{PORT}/", "upstream_closed", PORT),
        (
            "*9 SSL_do_handshake() failed (SSL: error:0A000410:SSL routines::ssl/tls alert handshake failure:SSL alert 40) while SSL "
            "handshaking to upstream",
            "https://10.0.0.8:443/",
            "upstream_handshakes_failed",
            "10.0.0.8:443",
        ),
        (
            "*9 upstream timed out (110: Connection timed out) while reading response header from upstream",
            f"http://{PORT}/",
            "upstream_timeouts",
            PORT,
        ),
    ],
)
def test_why_no_upstream_server_answered(said: str, upstream: str, measure: str, server: str) -> None:
    assert counted(line(said, upstream)) == ({measure: 1}, {(measure, server): 1} if server else {})


@pytest.mark.parametrize(
    ("said", "measure"),
    [
        # https://github.com/blekhmanlab/rxivist/issues/210
        ("accept4() failed (24: Too many open files)", "descriptors_exhausted"),
        ("*2 socket() failed (24: Too many open files) while connecting to upstream", "descriptors_exhausted"),
        ('*2 open() "/srv/site/index.html" failed (24: Too many open files)', "descriptors_exhausted"),
        ("*3 4096 worker_connections are not enough, reusing connections", "connections_exhausted"),
        # https://github.com/vozlt/nginx-module-vts/issues/35
        ("worker process 4711 exited on signal 11 (core dumped)", "workers_crashed"),
        ("worker process 4711 exited on signal 9", "workers_crashed"),
        ("worker process 4711 exited on signal 15", None),
        ("worker process 4711 exited with code 0", None),
        ('*4 pwrite() "/var/lib/nginx/proxy/1" failed (28: No space left on device) while reading upstream', "disk_full"),
        ('write() to "/var/log/nginx/access.log" failed (28: No space left on device) while logging request', "disk_full"),
        # https://github.com/crowdsecurity/hub/issues/1072
        # https://github.com/echoCTF/echoCTF.RED/issues/1704: a dry run refuses nobody
        ('*8 limiting requests, excess: 10.590 by zone "perplayer"', "limited_requests"),
        ('*8 limiting requests, dry run, excess: 10.590 by zone "perplayer"', None),
        ('*8 limiting connections by zone "addr"', "limited_connections"),
        ('*8 limiting connections, dry run, by zone "addr"', None),
        # visitors who went, told at the level info
        ("*6 recv() failed (104: Connection reset by peer) while sending to client", None),
        ("*6 writev() failed (32: Broken pipe) while sending to client", None),
        ("*6 SSL_do_handshake() failed (SSL: error:0A00006C:SSL routines::bad key share) while SSL handshaking", "handshakes_failed"),
        # a file of nginx's own that it may not write says nothing of the server behind it
        ('*6 open() "/var/lib/nginx/proxy/0000000001" failed (13: Permission denied) while reading upstream', None),
        # what visitors, and the application, may write
        ('*6 open() "/srv/connect() failed (111: x" failed (2: No such file or directory)', None),
        ('*6 open() "/srv/no live upstreams" failed (2: No such file or directory)', None),
        ('*6 open() "/srv/x" failed (24: Too many open files), client: z" failed (2: No such file or directory)', None),
        ('*6 FastCGI sent in stderr: "upstream timed out" while reading response header from upstream', None),
    ],
)
def test_what_else_a_line_says(said: str, measure: t.Optional[str]) -> None:
    assert counted(line(said))[0] == ({measure: 1} if measure else {})


def test_no_request_names_another_server() -> None:
    forged = line(f"*1 connect() failed (111: Connection refused) {TO}", f"http://{PORT}/").replace(
        '"GET /', '"GET /, upstream: "http://6.6.6.6:6'
    )
    assert counted(forged) == ({"upstream_refused": 1}, {})


def test_every_measure_is_counted_by_some_line() -> None:
    assert set(error_log.MEASURES) == set(Messages().counts)
    assert {measure for _words, measure in error_log.KINDS} < set(error_log.MEASURES)


def test_a_gauge_that_fell_below_zero_is_no_other_page() -> None:
    """https://github.com/vozlt/nginx-module-vts/issues/35: a worker that crashed leaves its part of the gauges"""
    page = b"Active connections: 2 \nserver accepts handled requests\n 9 9 9 \nReading: 0 Writing: 2 Waiting: 18446744073709551615 \n"
    assert status.parse(page, "x")["waiting"] == 2**64 - 1


TLS, READS = "while SSL handshaking to upstream", "while reading response header from upstream"


@pytest.mark.parametrize(
    ("said", "upstream", "measure"),
    [
        # https://github.com/engintron/engintron/issues/952, https://github.com/engintron/engintron/issues/1023
        (f"*4 peer closed connection in SSL handshake {TLS}", "https://192.0.2.8:8443/", "upstream_handshakes_failed"),
        (
            f"*4 peer closed connection in SSL handshake (104: Connection reset by peer) {TLS}",
            "https://192.0.2.8:8443/",
            "upstream_handshakes_failed",
        ),
        # https://github.com/kubernetes/ingress-nginx/issues/4928, https://github.com/nginx/nginx/issues/314
        (f'*2 upstream SSL certificate does not match "upstream_balancer" {TLS}', "https://192.0.2.8:443/", "upstream_handshakes_failed"),
        # https://github.com/evenfire-ai/evenfire/pull/149
        (
            f"*2 upstream SSL certificate verify error: (20:unable to get local issuer certificate) {TLS}",
            "https://192.0.2.8:443/",
            "upstream_handshakes_failed",
        ),
        # https://github.com/uNetworking/uWebSockets/issues/636
        (f"*3 upstream sent no valid HTTP/1.0 header {READS}", "http://192.0.2.8:3031/", "upstream_not_understood"),
        # https://github.com/unbit/uwsgi-phpsgi/issues/1
        (f"*230 upstream sent invalid header {READS}", "uwsgi://192.0.2.8:3031", "upstream_not_understood"),
        (f"*3 upstream sent unsupported FastCGI protocol version: 72 {READS}", "fastcgi://192.0.2.8:8000", "upstream_not_understood"),
        (f"*3 upstream sent too big header {READS}", "uwsgi://192.0.2.8:3031", "upstream_header_too_big"),
    ],
)
def test_what_an_upstream_server_does_to_a_handshake_or_an_answer(said: str, upstream: str, measure: str) -> None:
    counts, by_server = counted(line(said, upstream))
    assert counts == {measure: 1} and {key[0] for key in by_server} == {measure}


@pytest.mark.parametrize(
    "said",
    [
        # https://github.com/bunkerity/bunkerweb/issues/39, https://github.com/linuxserver/reverse-proxy-confs/issues/87
        '*221 decidim could not be resolved (3: Host not found), client: 192.0.2.9, server: a.example.com, request: "GET / HTTP/2.0"',
        "*5 app.example.com could not be resolved (110: Operation timed out), client: 192.0.2.9, server: a.example.com",
        "*5 no resolver defined to resolve app.example.com, client: 192.0.2.9, server: a.example.com",
    ],
)
def test_a_name_that_does_not_resolve(said: str) -> None:
    assert counted(line(said))[0] == {"upstream_unresolved": 1}


@pytest.mark.parametrize(
    ("said", "measure"),
    [
        # https://github.com/alibaba/tengine/issues/1035, https://github.com/nginx/nginx/pull/1197: visitors get 500
        ('could not allocate node in cache keys zone "cache_one"', {"zones_exhausted": 1}),
        ('*7 could not allocate node in limit_req zone "perip", client: 192.0.2.9, server: a.example.com', {"zones_exhausted": 1}),
        # https://github.com/notional-labs/cosmosia/issues/189, https://github.com/vozlt/nginx-module-vts/issues/95
        ('*7 could not allocate new session in SSL session shared cache "le_nginx_SSL" while SSL handshaking', {}),
        ('ngx_slab_alloc() failed: no memory in vhost_traffic_status_zone "ngx_http_vhost_traffic_status"', {}),
    ],
)
def test_a_zone_of_shared_memory_that_is_full(said: str, measure: dict[str, int]) -> None:
    assert counted(line(said, level="alert"))[0] == measure


@pytest.mark.parametrize(
    "said",
    [
        # https://github.com/nginx-clojure/nginx-clojure/issues/144: visitors who go
        "*1 peer closed connection in SSL handshake (32: Broken pipe) while SSL handshaking, client: 192.0.2.9, server: 0.0.0.0:443",
        '*1 open() "/srv/x could not be resolved (3: Host not found)" failed (2: No such file or directory), client: 192.0.2.9',
        '*1 "/srv/upstream sent /index.html" is not found (2: No such file or directory), client: 192.0.2.9',
    ],
)
def test_what_visitors_do_is_no_upstream_servers_fault(said: str) -> None:
    assert counted(line(said, level="info"))[0] == {}
