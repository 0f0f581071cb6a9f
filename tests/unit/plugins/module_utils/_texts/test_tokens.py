# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What opens a door or names a person is hidden in URLs, in every output; words stay readable."""

from __future__ import annotations

import json
import pathlib
import random
import string

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collectors.uwsgi import parse as uwsgi
from ansible_collections.warroom.launch.plugins.module_utils._collectors.varnish_traffic import expected, log, shape
from ansible_collections.warroom.launch.plugins.module_utils._collectors.varnish_traffic.tally import Tally
from ansible_collections.warroom.launch.plugins.module_utils._texts import redact, tokens
from ansible_collections.warroom.launch.plugins.plugin_utils._judge.pipeline import Asked, judge
from tests.support.check_cases import catalogue
from tests.support.report import texts
from tests.support.varnish_log import client

FIXTURES = pathlib.Path(__file__).parents[3] / "fixtures" / "tokens"


def lines_of(name: str) -> list[str]:
    return [line for line in (FIXTURES / name).read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]


URLS = lines_of("urls.txt")
READABLE = [tuple(line.split("\t")) for line in lines_of("readable.txt")]


def test_the_corpus_is_large_and_planted() -> None:
    assert len(set(URLS)) >= 60 and all("example" in url.lower() for url in URLS)


@pytest.mark.parametrize("url", URLS)
def test_no_planted_value_is_shown(url: str) -> None:
    for shown in (redact.url_pattern(url), redact.url_example(url)):
        assert "example" not in tokens.decoded(shown).lower(), shown
        assert "<" in shown or "?" in shown or shown in ("/a", "/a/"), shown


@pytest.mark.parametrize(("url", "pattern", "example"), READABLE)
def test_ordinary_urls_stay_readable(url: str, pattern: str, example: str) -> None:
    assert (redact.url_pattern(url), redact.url_example(url)) == (pattern, example)


def test_random_texts_are_tokens() -> None:
    """Of each alphabet and length nearly all: a word cannot be told from a token with certainty."""
    dice = random.Random(20261129)
    alphabets = {
        "base64": string.ascii_letters + string.digits,
        "base36": string.ascii_lowercase + string.digits,
        "base32": string.ascii_uppercase + "234567",
        "letters": string.ascii_letters,
        "lower": string.ascii_lowercase,
    }
    for name, alphabet in alphabets.items():
        for size in (20, 24, 32, 64):
            shown = [tokens.segment("".join(dice.choice(alphabet) for _place in range(size))) for _text in range(500)]
            missed = [part for part in shown if tokens.TOKEN not in part]
            assert len(missed) <= 5, (name, size, missed)


def facts() -> dict[str, object]:
    """The corpus as traffic of Varnish and as running requests of uWSGI."""
    matchers = expected.matchers({"cached": ["^/"], "uncached": ["^/a"]})
    tally = Tally(matchers)
    site = [url.partition("//")[2].partition("/")[2] if url.startswith("http") else url for url in URLS]
    tally.feed([client(kind, "/" + url.lstrip("/"))[:-1] for url in site for kind in ("miss", "hit", "pass")])
    traffic = shape.facts(tally, log.Stream(tally.feed, 1, 1), matchers, 200).done()
    running = [uwsgi.request([f"REQUEST_URI={url}", "REQUEST_METHOD=GET"], {"request_start": 1}) for url in URLS]
    in_flight = [{"pattern": one.pattern, "method": one.method, "count": 9} for one in running if one]
    return {
        "launch_varnish_traffic": {"schema": 1, "instances": [_up("v", traffic)]},
        "launch_uwsgi": {"schema": 1, "instances": [_up("u", {"in_flight": in_flight})]},
    }


def _up(name: str, measures: dict[str, object]) -> dict[str, object]:
    return {"name": name, "state": "up", "problem": None, "window": 5.0, "unknown": {}, "notes": [], **measures}


def test_none_comes_through_into_any_file() -> None:
    report = judge([Asked("web1", facts=facts())], catalogue())
    assert len(report["hosts"]["web1"]["facts"]["launch_varnish_traffic"]["instances"][0]["misses"]) > 20
    written = {"facts": json.dumps(report), **texts(report, "all")}
    for name, text in written.items():
        assert "EXAMPLE" not in text and "examplexq" not in text, (name, text[max(0, text.find("EXAMPLE") - 80) :][:160])
