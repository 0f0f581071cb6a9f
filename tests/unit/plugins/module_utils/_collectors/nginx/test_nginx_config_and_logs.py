# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""nginx's configuration, its log formats and its logs, as people and attackers write them."""

from __future__ import annotations

import os
import pathlib

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collectors.nginx import settings
from ansible_collections.warroom.launch.plugins.module_utils._collectors.nginx.access_log import Tally
from ansible_collections.warroom.launch.plugins.module_utils._collectors.nginx.error_log import Messages
from ansible_collections.warroom.launch.plugins.module_utils._collectors.nginx.files import Reader
from ansible_collections.warroom.launch.plugins.module_utils._collectors.nginx.log_format import LineReader
from ansible_collections.warroom.launch.plugins.module_utils._collectors.nginx.syntax import anywhere, parse
from ansible_collections.warroom.launch.plugins.module_utils._linux import tail


def test_quotes_comments_lua_and_braces_in_words() -> None:
    tree = parse(
        r"""
        # user nobody;
        log_format a "x \"$request\"" ' y' ; # the end
        location ~ "^/\d{2}/" { content_by_lua_block { if x then return "}" .. { a = 1 } end } proxy_pass http://a; }
        set $x ${y}z;
        """
    )
    assert [each.name for each in tree] == ["log_format", "location", "set"]
    assert tree[0].words == ("a", 'x "$request"', " y") and tree[2].words == ("$x", "${y}z")
    assert [each.first for each in anywhere(tree, "proxy_pass")] == ["http://a"]


@pytest.mark.parametrize(
    "text", ["", "}}}}", "{" * 5000, "a b", 'a "', "a '\\", "a;" * 10, "http { server {", "\0\0;", "a" * 100_000 + ";", '"' * 9999]
)
def test_what_is_no_configuration_ends_and_gives_no_traceback(text: str) -> None:
    settings.of(parse(text))


def test_the_status_page_where_it_can_be_asked() -> None:
    found = settings.of(
        parse(
            """http {
            server { listen 443 ssl; listen [::]:443 ssl; server_name _ shop.example.com; location = /s { stub_status on; } }
            server { listen 8081; location /x/ { location = /x/status { stub_status; } } location ~ /re { stub_status; } }
            server { listen unix:/run/status.sock; stub_status; }
            }"""
        )
    )
    assert [(place.address, place.path, place.host, place.encrypted) for place in found.status] == [
        (("127.0.0.1", 8081), "/x/status", "localhost", False),
        ("/run/status.sock", "/", "localhost", False),
        (("127.0.0.1", 443), "/s", "shop.example.com", True),
        (("::1", 443), "/s", "shop.example.com", True),
    ]


def test_where_requests_are_sent() -> None:
    found = settings.of(
        parse(
            """http {
            upstream app { least_conn; keepalive 16; server 10.0.0.7:8000 weight=3; server unix:/run/app.sock backup; server app3 down; }
            server { location / { proxy_pass http://app/x; } location /a { uwsgi_pass unix:/run/uwsgi.sock; }
              location /b { proxy_pass https://api.example.com; } location /c { proxy_pass http://$backend; }
              location /d { fastcgi_pass 127.0.0.1:9000; } }
            }"""
        )
    )
    (group,) = found.groups
    assert group.method == "least_conn" and group.keepalive == 16
    assert [(each.place, each.weight, each.backup, each.down) for each in group.servers] == [
        ("10.0.0.7:8000", 3, False, False), ("unix:/run/app.sock", 1, True, False), ("app3:80", 1, False, True)
    ]  # fmt: skip
    assert found.direct == ("unix:/run/uwsgi.sock", "api.example.com:443", "127.0.0.1:9000") and found.variable_targets


def test_logs_are_inherited_replaced_and_never_counted_twice() -> None:
    found = settings.of(
        parse(
            """http { log_format t '$request_time $status'; access_log /a.log; access_log /b.log t buffer=8k if=$x;
            access_log syslog:server=x;
            server { } server { access_log off; } server { access_log /c.log; location / { access_log /d.log t; } } }"""
        )
    )
    assert [(log.path, log.format_name, log.buffered, log.conditional) for log in found.logs] == [
        ("/b.log", "t", True, True), ("/c.log", "combined", False, False), ("/d.log", "t", False, False)
    ]  # fmt: skip
    assert settings.of(parse("http { access_log off; server { } }")).logs_off


def test_includes_are_read_as_the_server_does_and_bounded(tmp_path: pathlib.Path) -> None:
    (tmp_path / "sites").mkdir()
    (tmp_path / "nginx.conf").write_text("http { include sites/*; include missing.conf; include nginx.conf; }")
    (tmp_path / "sites/b").write_text("server { server_name b; }")
    (tmp_path / "sites/a").write_text("server { server_name a; }")
    os.mkfifo(tmp_path / "sites/c")
    found = Reader(str(tmp_path / "nginx.conf")).found
    assert [each.first for each in anywhere(found.tree, "server_name")][:2] == ["a", "b"]
    assert found.cut and str(tmp_path / "missing.conf") in found.unread and str(tmp_path / "sites/c") in found.unread


def test_a_link_in_another_root_stays_in_it(tmp_path: pathlib.Path) -> None:
    (tmp_path / "etc/nginx").mkdir(parents=True)
    (tmp_path / "etc/nginx/nginx.conf").write_text("include /etc/nginx/site;")
    (tmp_path / "etc/nginx/real").write_text("worker_processes 7;")
    (tmp_path / "etc/nginx/site").symlink_to("/etc/nginx/real")
    found = Reader("/etc/nginx/nginx.conf", str(tmp_path)).found
    assert [each.words for each in found.tree] == [("7",)]


@pytest.mark.parametrize(
    "form, line, values",
    [
        ("$request_time|$status", "0.100|200", {"request_time": "0.100", "status": "200"}),
        ("${status}x", "404x", {"status": "404"}),
        ('$upstream_addr $upstream_response_time $status', "10.0.0.1:80, 10.0.0.2:80 : unix:/a.sock 0.1, 0.2 : 0.3 200",
         {"upstream_addr": "10.0.0.1:80, 10.0.0.2:80 : unix:/a.sock", "upstream_response_time": "0.1, 0.2 : 0.3", "status": "200"}),
        ('{"s":"$status","u":"$request_uri","t":$request_time}', '{"s":"200","u":"/a?b=\\"c","t":1.250}',
         {"status": "200", "request_uri": '/a?b=\\"c', "request_time": "1.250"}),
        ('{"s":"$status","t":"$request_time"}', '{"s":"200","t":"1.250"}', {"status": "200", "request_time": "1.250"}),
        ("$status", "abc", None),
        ("$status $request_time", "200", None),
    ],
)  # fmt: skip
def test_formats(form: str, line: str, values: object) -> None:
    assert LineReader(form).read(line) == values


def test_hostile_lines_are_read_in_no_time_and_show_nothing() -> None:
    form = " ".join(f"$v{number}" for number in range(30)) + ' "$request" $status'
    tally = Tally()
    secret = "/reset/MQ/c8a1f2-5d1b2c3d4e5f60718293a4b5c6d7e8f9/?password=hunter2"
    good = " ".join("-" for _number in range(30)) + f' "GET {secret} HTTP/1.1" 200'
    tally.count([" " * 16_000, "x " * 8_000, "\0" * 16_000, "-" * 20_000, good, good.replace("200", "2x0")], form, ())
    assert tally.lines == 1 and tally.strange == 5
    assert "hunter2" not in str(tally.pages) and "c8a1f2" not in str(tally.pages)


def test_our_own_questions_are_not_visitors() -> None:
    tally = Tally()
    tally.count(
        ['"GET /nginx_status HTTP/1.1" 200', '"GET /nginx_status?x HTTP/1.1" 200', '"GET /a HTTP/1.1" 200'],
        '"$request" $status',
        {"/nginx_status"},
    )
    assert tally.lines == 1


def test_a_visitor_who_left_is_no_failure_of_the_server() -> None:
    tally = Tally()
    form = '$status "$upstream_addr" "$upstream_status" "$upstream_response_time"'
    tally.count(['499 "10.0.0.7:80" "-" "5.000"', '502 "10.0.0.7:80" "502" "0.001"', '504 "10.0.0.7:80" "-" "60.000"'], form, ())
    assert tally.servers["10.0.0.7:80"].failed == 2 and tally.unanswered == 2


def test_what_a_visitor_sends_is_no_message() -> None:
    messages = Messages()
    messages.count(
        ['2026/11/30 18:00:00 [error] 1#1: *2 open() "/x" failed (2: No such file), client: 10.0.0.9, server: _, '
         'request: "GET /no live upstreams HTTP/1.1", '
         'host: "worker_connections are not enough"',
         '2026/11/30 18:00:00 [alert] 1#1: *3 1024 worker_connections are not enough while connecting to upstream, client: 10.0.0.9',
         '2026/11/30 18:00:00 [crit] 1#1: accept4() failed (24: Too many open files)']
    )  # fmt: skip
    assert {name: count for name, count in messages.counts.items() if count} == {"connections_exhausted": 1, "descriptors_exhausted": 1}


def test_new_lines_only_across_rotation_and_at_most_so_many(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "access.log"
    path.write_text("old\n")
    mark = tail.mark(str(path))
    with path.open("a") as handle:
        handle.write("one\ntwo\nhal")
    assert tail.added(mark, 1000).lines == ("one", "two")
    cut = tail.added(mark, 8)
    assert cut.lines == ("two",) and (cut.bytes, cut.read) == (11, 8)
    path.rename(tmp_path / "access.log.1")
    path.write_text("new\n")
    assert tail.added(mark, 1000).lines == ("new",)
    path.unlink()
    assert "removed" in tail.added(mark, 1000).why
    assert tail.added(tail.mark(str(tmp_path / "none")), 10) == tail.Added()
    assert tail.mark(str(tmp_path)).why == "it is no plain file" and tail.mark("a\0b").why


def test_a_request_that_is_kept_from_the_cache_did_not_ask_it() -> None:
    """https://nginx.org/en/docs/http/ngx_http_upstream_module.html#var_upstream_cache_status: sessions bypass it, and are private"""
    tally = Tally()
    lines = [f'10.0.0.7 "GET / HTTP/1.1" 200 {status}' for status in ("HIT", "BYPASS", "BYPASS", "MISS", "-")]
    tally.count(lines, '$remote_addr "$request" $status $upstream_cache_status', {"/nginx_status"})
    assert (tally.lines, tally.cache) == (5, {"HIT": 1, "MISS": 1})
