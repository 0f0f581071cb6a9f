# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names and paths in other alphabets, as people type them, and what a browser makes of them."""

from __future__ import annotations

import socket

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect.visit import fetched
from ansible_collections.warroom.launch.plugins.module_utils._collectors.site import parse
from ansible_collections.warroom.launch.plugins.module_utils._texts import strict_url
from tests.support import replay


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("http://мтр24.рф", "http://xn--24-7lcqj.xn--p1ai"),
        ("https://München.example:8443/straße?q=größe#ö", "https://xn--mnchen-3ya.example:8443/stra%C3%9Fe?q=gr%C3%B6%C3%9Fe#%C3%B6"),
        ("https://faß.example/a%20b", "https://xn--fa-hia.example/a%20b"),
        ("https://例え。テスト/", "https://xn--r8jz45g.xn--zckzah/"),
        ("https://Shop.example/A", "https://Shop.example/A"),
        ("https://shop.example?q=ü", "https://shop.example?q=%C3%BC"),
    ],
)
def test_a_name_in_another_alphabet(typed: str, sent: str) -> None:
    """https://github.com/prometheus/blackbox_exporter/issues/626, https://github.com/louislam/uptime-kuma/issues/3929"""
    assert strict_url.in_ascii(typed) == sent and strict_url.parse(sent.partition("#")[0]) is not None
    assert parse.host_of(typed) == parse.host_of(sent) and parse.origin(typed) == parse.origin(sent)


@pytest.mark.parametrize(
    "typed", ["münchen.example", "https://\ud800.example/", "redis://:ä/b@h/0", "https://ä@", "https://x.example/\ud800"]
)
def test_what_is_no_address_is_still_refused(typed: str) -> None:
    assert strict_url.parse(strict_url.in_ascii(typed)) is None


def test_a_redirect_in_raw_letters_is_followed() -> None:
    assert parse.next_url("https://shop.example/a", "/straße/ü?x=ä") == "https://shop.example/stra%C3%9Fe/%C3%BC?x=%C3%A4"


def test_such_a_page_is_fetched() -> None:
    asked = []

    def answer(conn: socket.socket) -> None:
        asked.append(conn.recv(4096))
        conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    with replay.peer(answer) as address:
        host, _colon, port = address.rpartition(":")
        assert fetched(f"http://münchen.example:{port}/straße/", 3.0, via=host).status == 200
    assert asked[0].startswith(b"GET /stra%C3%9Fe/ HTTP/1.1\r\n") and b"Host: xn--mnchen-3ya.example" in asked[0]
