# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finding D1 as a property: what is private, or was declared uncached, is never named as something to cache, on any path."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.warroom.launch.plugins.module_utils._collect.host_tools import HostTools
from ansible_collections.warroom.launch.plugins.module_utils._collectors.varnish import shape
from ansible_collections.warroom.launch.plugins.plugin_utils._judge.pipeline import Asked, judge
from tests.support.check_cases import catalogue
from tests.support.tools import FakeCommands
from tests.support.varnish_log import backend, client, look

CATALOGUE = catalogue()
DECLARED = "declared"
#: What makes a page one visitor's own → headers of the request and the response.
PRIVATE: dict[str, dict[str, str]] = {
    "private": {"cache_control": "private"},
    "private with a lifetime": {"cache_control": "max-age=60, Private"},
    "no-store": {"cache_control": "no-store", "ttl": "-1"},
    "no-cache": {"cache_control": "no-cache"},
    "session": {"set_cookie": "sid=EXAMPLE", "vary": "Accept-Encoding, Cookie", "cookie": "sid=EXAMPLE"},
    "Vary: Cookie": {"vary": "Cookie", "cookie": "sid=EXAMPLE"},
    "Vary: *": {"vary": "*"},
    "password": {"authorization": "Basic EXAMPLE"},
    "password and cookie": {"authorization": "Basic EXAMPLE", "cookie": "sid=EXAMPLE"},
    "method": {"method": "POST"},
    DECLARED: {"cookie": "sid=EXAMPLE"},
}
PUBLIC: dict[str, dict[str, str]] = {
    "plain": {},
    "analytics": {"cookie": "_ga=1"},
    "cookie": {"set_cookie": "seen=1"},
    "no lifetime": {"ttl": "0"},
    "public": {"cache_control": "public, s-maxage=60", "vary": "Cookie", "cookie": "_ga=1"},
}
#: How Varnish of any version, with any VCL, treats a page that reaches the backend: (client's side, its marks, backend's side, storage).
WAYS: dict[str, tuple[str, dict[str, str], t.Optional[str], str]] = {
    "pass": ("pass", {}, "pass", "Transient"),
    "hit-for-pass": ("pass", {"hit_for_pass": "9"}, "pass", "Transient"),
    "hit-for-pass of 7.7": ("hitpass", {}, "pass", "Transient"),
    "hit-for-miss": ("miss", {"hit_for_miss": "9"}, "fetch", "Transient"),
    "hit-for-miss of 7.7": ("hitmiss", {}, "fetch", "Transient"),
    "miss": ("miss", {}, "fetch", "Transient"),
    "stored": ("miss", {}, "fetch", "main"),
    "pipe": ("pipe", {}, None, "-"),
}
#: What a log cannot show: a pipe has no response, and what a VCL stores in spite of these is what it was told to store.
UNSEEN = {("pipe", trait) for trait in PRIVATE if trait not in (DECLARED, "method")} | {
    ("stored", trait) for trait in PRIVATE if trait not in (DECLARED, "method", "private", "private with a lifetime", "no-store")
}
NAMES = ["/alpha/", "/bravo/", "/delta/", "/hotel/", "/india/", "/kilo/"]
HIT = "/news/"


class Page(t.NamedTuple):
    url: str
    trait: str
    way: str
    count: int
    status: int

    @property
    def private(self) -> bool:
        return self.trait in PRIVATE

    def log(self) -> bytes:
        handling, marks, begin, storage = WAYS[self.way]
        traits: t.Any = dict({**PRIVATE, **PUBLIC}[self.trait])
        method = traits.pop("method", "GET")
        more = {"ttl_source": "HFP"} if "hit-for-pass" in self.way else {}
        request = client(handling, self.url, self.status, method, **marks)
        fetched = b"" if begin is None else backend(begin, self.url, self.status, method, storage=storage, **traits, **more)
        return (request + fetched) * self.count


def counters(pages: t.Sequence[Page], hits: int) -> dict[str, int]:
    """What varnishstat counts of them."""
    of = {way: sum(page.count for page in pages if page.way == way) for way in WAYS}
    hit_for_miss, hit_for_pass = of["hit-for-miss"] + of["hit-for-miss of 7.7"], of["hit-for-pass"] + of["hit-for-pass of 7.7"]
    counts = {
        "cache_hit": hits, "cache_miss": of["miss"] + of["stored"] + hit_for_miss, "cache_hitmiss": hit_for_miss, "s_pipe": of["pipe"],
        "s_pass": of["pass"] + hit_for_pass, "cache_hitpass": hit_for_pass, "s_synth": 0, "uptime": 5,
    }  # fmt: skip
    return {f"MAIN.{name}": count for name, count in counts.items()}


def report(pages: t.Sequence[Page], hits: int) -> t.Any:
    commands = FakeCommands()
    log = client("hit", HIT) * hits + b"".join(page.log() for page in pages)
    declared = [f"^{page.url}" for page in pages if page.trait == DECLARED]
    traffic = look(HostTools(commands), commands, log, uncached=declared, name="v")
    before = {name: 0 if name != "MAIN.uptime" else 86400 for name in counters(pages, hits)}
    after = {name: count + before[name] for name, count in counters(pages, hits).items()}
    own = {"name": "v", "state": "up", "problem": None, "window": 5.0, **shape.facts(before, after, 5.0, shape.Told(), 10).done()}
    facts = {"launch_varnish": {"schema": 1, "instances": [own]}, "launch_varnish_traffic": {"schema": 1, "instances": [traffic]}}
    return judge([Asked("cache1", facts)], CATALOGUE)


def named_as_cacheable(found: t.Any) -> str:
    """Every text of the report that tells what could be cached. Errors and slow pages are named for what they are."""
    about_else = ("varnish_traffic_errors", "varnish_traffic_not_found", "varnish_traffic_slow", "varnish_traffic_slow_passes")
    rows = [row for row in found["findings"] if row["check"] not in (*about_else, "varnish_traffic_uncached_urls")]
    causes = [cause for cause in found["diagnoses"] if cause["cause"] == "accelerator_fault"]
    advice = [row["advice"] for row in found["findings"] if row["check"] in about_else and row["check"] != "varnish_traffic_errors"]
    return str([rows, causes, advice])


def page(traits: t.Iterable[str], statuses: t.Sequence[int]) -> st.SearchStrategy[tuple[str, str, int, int]]:
    return st.tuples(st.sampled_from(sorted(traits)), st.sampled_from(sorted(WAYS)), st.integers(1, 60), st.sampled_from(statuses)).filter(
        lambda drawn: (drawn[1], drawn[0]) not in UNSEEN
    )


MIX = st.lists(page([*PRIVATE, *PUBLIC], (200, 301, 308, 404, 500)), min_size=1, max_size=len(NAMES))


@settings(max_examples=40, deadline=None)
@given(mix=MIX, hits=st.integers(0, 300))
def test_no_private_page_is_ever_named_as_cacheable(mix: list[tuple[str, str, int, int]], hits: int) -> None:
    pages = [Page(url, *drawn) for url, drawn in zip(NAMES, mix, strict=False)]
    text = named_as_cacheable(report(pages, hits))
    assert not [page for page in pages if page.private and page.url in text]


@settings(max_examples=20, deadline=None)
@given(mix=st.lists(page(PRIVATE, (200,)), max_size=len(NAMES)), hits=st.integers(50, 300))
def test_a_cache_that_answers_all_it_may_is_go_however_many_pages_are_private(mix: list[tuple[str, str, int, int]], hits: int) -> None:
    pages = [Page(url, *drawn) for url, drawn in zip(NAMES, mix, strict=False)]
    found = report(pages, hits)
    assert (found["diagnoses"], [row["check"] for row in found["findings"] if row["status"] in ("warn", "fail")]) == ([], [])


@pytest.mark.parametrize("trait", sorted(PUBLIC))
@pytest.mark.parametrize("way", sorted(set(WAYS) - {"pipe"}))
def test_a_page_that_is_the_same_for_everybody_is_still_named(trait: str, way: str) -> None:
    """The rule for private pages must not excuse the others."""
    pages = [Page("/alpha/", "private", "pass", 100, 200), Page("/bravo/", trait, way, 300, 200)]
    found = report(pages, 100)
    [cause] = [cause for cause in found["diagnoses"] if cause["cause"] == "accelerator_fault"]
    assert "/bravo/" in cause["statement"] and "/alpha/" not in str(cause)
    row = next(row for row in found["findings"] if row["check"] == "varnish_hit_ratio")
    assert (row["status"], row["value"]) == ("fail", 0.25) and "400 requests in the last 5 s that a cache may answer" in row["finding"]
