# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Foreign text is shortened, made harmless and stripped of what is private."""

from __future__ import annotations

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._texts import redact


@pytest.mark.parametrize(
    "url, pattern",
    [
        ("/", "/"),
        ("", "/"),
        ("/blog/2026/10/what-we-learned-today/?page=3&token=EXAMPLETOKEN", "/blog/<id>/<id>/<slug>/?page&token"),
        ("http://user:EXAMPLEPW@shop.example/a/12", "/a/<id>"),
        ("/o/3f2504e0-4f89-11d3-9a0c-0305e82c3301/x", "/o/<token>/x"),
        ("/img/photo-1234.jpg", "/img/photo-<id>.jpg"),
        ("/about-us/", "/about-us/"),
        ("/s/EXAMPLETOKENEXAMPLE12345678/", "/s/<token>/"),
        ("/a?b;c=EXAMPLEPW#frag", "/a?b&c"),
        ("/x\x1b[31m\r\nSet-Cookie: a", "/<token>"),
    ],
)
def test_url_pattern(url: str, pattern: str) -> None:
    assert redact.url_pattern(url) == pattern


def test_url_pattern_of_a_megabyte_is_short_and_quick() -> None:
    assert len(redact.url_pattern("/" + "-1" * 500_000)) <= 120
    assert redact.url_pattern(b"/caf\xe9/" + b"a" * 300) == "/caf\ufffd/<long>"


def test_clean_strips_what_steers_a_terminal_or_hides_text() -> None:
    assert redact.clean("a\x1b[2J\nb\u202ec\u2028d\x9be\0f") == "a [2J b c d ef"
    assert redact.clean("x" * 300) == "x" * 199 + "…"


def test_hide_takes_secrets_and_url_passwords_out_of_texts_only() -> None:
    value = {"EXAMPLEPW": ["pw EXAMPLEPW", 10, "redis://u:p%40ss@h/0"], "n": 10}
    assert redact.hide_deep(value, {"EXAMPLEPW"}) == {redact.MASK: [f"pw {redact.MASK}", 10, f"redis://u:{redact.MASK}@h/0"], "n": 10}


def test_a_short_secret_does_not_erase_numbers() -> None:
    assert redact.hide_deep({"used": 10, "list": [1, 10, 100], "ratio": 10.5}, {"10"}) == {"used": 10, "list": [1, 10, 100], "ratio": 10.5}


def test_a05_a_short_or_common_secret_takes_no_measure_and_no_text_away() -> None:
    value = {"load1": 1.0, "some_10s_ratio": 0.5, "redis": {"used": 10}, "collected_at": "2026-11-10T10:01:11Z", "name": "127.0.0.1:1"}
    for secret in ("1", "10", "redis"):
        assert redact.hide_deep(value, {secret}) == value


def test_a_short_secret_is_hidden_where_it_is_a_value() -> None:
    text = "host=10.0.0.1 password=10 user='10' port=100"
    assert redact.hide(text, {"10"}) == f"host=10.0.0.1 password={redact.MASK} user='{redact.MASK}' port=100"


@pytest.mark.parametrize(
    "url",
    [
        "redis://:EXAMPLEPW@h/0",
        "redis://user:EXAMPLEPW@h/0",
        "redis://:07/EXAMPLEPW@h/0",
        "redis://://EXAMPLEPW@h/0",
        "redis://:EX@AMPLE/EXAMPLE?PW#x@h/0",
        "amqp://u:EXAMPLEPW@h1//;amqp://u:EXAMPLEPW@h2//",
        "postgresql://u:EXAMPLE%40PW@[::1]:5432/db?sslmode=require",
        "host=10.0.0.1 password=EXAMPLEPW user=x",
        "mongodb+srv://u:EXAMPLE\x07PW@h/0",
        "redis://:EXAMPLEP…",
        "redis://user:EXAMPLE-PASSWO…",
    ],
)
def test_a_password_in_a_url_is_hidden_however_the_url_is_written(url: str) -> None:
    for text in (url, f"cannot connect to '{url}' (refused)", f"a {url} b https://docs.example/x@y c"):
        hidden = redact.hide(text, ())
        assert "EXAMPLE" not in hidden and redact.MASK in hidden, hidden


@pytest.mark.parametrize(
    "text",
    [
        "http://127.0.0.1:15672/api/queues answers 401",
        "see https://docs.example.org/a/b?c=d#e",
        "the page is http://shop.example/a/very/long/path/that/was/cut/he…",
        "redis://10.0.0.5:6379/0",
        "amqp://rabbit1.example.org/shop",
        "user@host and postgres@db1 (no URL)",
        "transport://host:port/name, with user:password@ before the host",
    ],
)
def test_what_holds_no_password_stays_as_it_is(text: str) -> None:
    assert redact.hide(text, ()) == text


def test_a_secret_whose_end_was_cut_off_shows_no_beginning() -> None:
    assert redact.hide("login failed: EXAMPLESEC…) end", {"EXAMPLESECRET"}) == f"login failed: {redact.MASK}…) end"
    assert redact.hide("a text that was cut…", {"EXAMPLESECRET"}) == "a text that was cut…"
