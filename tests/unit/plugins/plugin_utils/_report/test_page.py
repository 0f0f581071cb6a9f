# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page as text: everything there, nothing from outside, foreign text harmless, small whatever the fleet."""

from __future__ import annotations

import html.parser
import re

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._checks.services import TITLES
from ansible_collections.warroom.launch.plugins.plugin_utils._judge.pipeline import Asked
from ansible_collections.warroom.launch.plugins.plugin_utils._report.charts import thinned
from ansible_collections.warroom.launch.plugins.plugin_utils._report.page import evidence_table, index_html
from tests.support.facts import facts, instance
from tests.support.launch_day import MISSING_INDEX, launch_day
from tests.support.report import CAUSE, EVERY_TIER, HISTORY, HOSTILE, fleet, host, hostile, report


class Reader(html.parser.HTMLParser):
    """Tags with their attributes, and the text of the page."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.text, self.open = [], [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.open.append(tag)

    def handle_endtag(self, tag):
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data):
        if not {"script", "style"} & set(self.open):
            self.text.append(data)


def test_what_comes_first():
    page = Reader(index_html(report(host("web1", 1.0), diagnoses=[CAUSE])))
    text = " ".join(" ".join(page.text).split())
    parts = ("NO-GO", CAUSE["statement"].rstrip("."), "The cause", "Tiers and hosts", "Findings ✖", "Filter the checks")
    order = [text.index(part) for part in parts]
    assert order == sorted(order)
    for part in (CAUSE["first_fix"], CAUSE["avoid"], "uwsgitop 127.0.0.1:1717", "100 %", "limit: >= 95 %", "Add workers."):
        assert part in text


def test_every_tier_has_its_panel_and_plots():
    page = index_html(report(Asked("h", EVERY_TIER)))
    reader = Reader(page)
    ids = {attributes.get("id") for _tag, attributes in reader.tags}
    panels = {f"panel-{service}" for service in TITLES if f"launch_{service}" in EVERY_TIER}
    assert panels <= ids and len(panels) == 8
    plots = [attributes["aria-label"] for tag, attributes in reader.tags if tag == "svg" and attributes.get("role") == "img"]
    for said in (
        "h: 2.5", "h: hit 90 %, miss 5 %, pass 5 % of 100",
        "Time to the first byte, from the cache: 3 requests, half within 1 ms, 95 % within 200 ms",
        "/old/<id>/: 6", "mails: 3.5/s", "w@h: 2 of 4", "bi report 10.0.0.9: 4", "SELECT * FROM shop WHERE id = $1: 70 %",
    ):  # fmt: skip
        assert said in plots


@pytest.mark.parametrize("given", [{}, facts(server=[]), facts(uwsgi=[{"name": "x", "state": "down"}]), facts(mysql=[instance()])])
def test_what_was_not_measured_is_not_drawn(given):
    page = index_html(report(Asked("h", given)))
    assert "panel-" not in page


@pytest.mark.parametrize("odd", [None, "text", 5, [], {}, [None], [[]], {"a": 1}, float("nan"), True, -3, HOSTILE])
def test_odd_measures_do_not_break_the_page(odd):
    """Every leaf odd, then every measure odd as a whole."""

    def leaves(value):
        if isinstance(value, dict):
            return {key: leaves(item) for key, item in value.items()}
        return [leaves(item) for item in value] if isinstance(value, list) else odd

    shown = report(Asked("h", EVERY_TIER))
    for twist in (leaves, lambda one: dict.fromkeys(one, odd)):
        shown["hosts"]["h"]["facts"] = {
            key: {"schema": 1, "instances": [{**twist(fact["instances"][0]), "state": "up"}]} for key, fact in EVERY_TIER.items()
        }
        Reader(index_html(shown))


def test_nothing_comes_from_outside():
    page = index_html(report(Asked("h", EVERY_TIER), host("web1", 1.0), diagnoses=[CAUSE]))
    for _tag, attributes in Reader(page).tags:
        for name in ("src", "href", "action", "srcset", "data", "poster"):
            assert attributes.get(name, "#").startswith(("#", "data:,"))
    assert "@import" not in page and "url(" not in page


def test_only_our_script_and_style_may_run():
    page = index_html(report(host("web1")))
    policy = next(
        attributes["content"] for tag, attributes in Reader(page).tags if attributes.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy.startswith("default-src 'none'") and "unsafe" not in policy
    assert not [tag for tag, attributes in Reader(page).tags if any(name == "style" or name.startswith("on") for name in attributes)]


def test_foreign_text_is_text():
    series = [{"check": HOSTILE, "host": HOSTILE, "instance": HOSTILE, "unit": "count", "points": [[1, 2], [2, 3]]}]
    rounds = [{"at": HOSTILE, "verdict": HOSTILE, "causes": [HOSTILE]}] * 2
    page = index_html({**hostile(), "history": {"rounds": rounds, "series": series}})
    reader = Reader(page)
    assert [tag for tag, _attributes in reader.tags].count("script") == 1
    assert not [tag for tag, _attributes in reader.tags if tag == "img"]
    assert not [name for _tag, attributes in reader.tags for name in attributes if name.startswith("on")]
    assert "{{ 777*777 }}" in "".join(reader.text) and str(777 * 777) not in "".join(reader.text)
    assert not re.search("[\x00-\x08\x0e-\x1f\u202e\ud800-\udfff]", page)


def test_a_large_fleet_has_a_small_page():
    page = index_html(fleet(1000))
    assert len(page) < 1_500_000
    text = " ".join("".join(Reader(page).text).split())
    assert "949 places, as web1 127.0.0.1:1717" in text or "places, as web1" in text
    assert "least urgent findings" not in text


def test_over_time():
    page = index_html({**report(host("web1")), "history": HISTORY})
    assert page.count("<polyline") == 3 and page.count('class="v-') == 2
    labels = [attributes.get("aria-label", "") for _tag, attributes in Reader(page).tags]
    assert "Verdict of each round: 2 rounds, 2026-11-25T14:00:30Z: no-go (missing index)" in labels
    assert "Are all the workers busy? from 00:00:00 UTC to 00:00:30 UTC; web1 u: 90 %; web2 u: 10 %" in labels
    assert 'data-refresh="15"' in page and "data-refresh" not in index_html(report(host("web1")))


def test_a_day_of_rounds_is_thinned_and_keeps_its_spikes():
    points = [[10.0 * at, 100.0 if at == 4321 else None if 2000 <= at < 3000 else 1.0] for at in range(8640)]
    kept = thinned([tuple(point) for point in points])
    assert len(kept) <= 400 and (43210.0, 100.0) in kept and any(value is None for _at, value in kept)
    series = [{**HISTORY["series"][0], "host": f"web{at}", "points": points} for at in range(60)]
    assert len(index_html({**report(host("web1")), "history": {"rounds": [], "series": series}})) < 200_000


@pytest.mark.parametrize("history", [{}, None, {"rounds": [], "series": []}, {"rounds": HISTORY["rounds"][:1], "series": []}])
def test_without_a_past_there_is_nothing_over_time(history):
    assert 'id="history"' not in index_html({**report(host("web1")), "history": history})


def test_alike_causes_are_one_with_all_their_hosts():
    given = launch_day()
    assert [cause["hosts"] for cause in given["diagnoses"] if cause["cause"] == "accelerator_fault"] == [["web1"], ["web2"]]
    text = " ".join("".join(Reader(index_html(given)).text).split())
    assert text.count("Varnish does not cache what it could") == 1
    assert "varnish on web1, web2" in text and "; likewise on web2" in text


@pytest.mark.parametrize("key, value", [("first_fix", "KILL 7"), ("cause", "outlier"), ("statement", "Varnish on web2 serves /a/ only.")])
def test_causes_that_differ_are_not_merged(key, value):
    given = launch_day()
    given["diagnoses"][1][key] = value
    assert "likewise on" not in index_html(given)


def test_a_cause_that_differs_in_figures_is_merged_and_says_its_own():
    given = launch_day()
    given["diagnoses"][1]["statement"] = given["diagnoses"][1]["statement"].replace("86 %", "79 %")
    assert "Likewise: Varnish on web2 is not caching: 4 % hits, 79 % passed to the backend." in index_html(given)


def test_a_statement_is_code_with_a_button():
    page = index_html(launch_day())
    assert f"<pre><code>{MISSING_INDEX['create_index']}</code></pre><button" in page
    assert "confirmed by" in page and "statements that filter on it, sequential scans in the window" in page
    assert "[&#39;" not in page and "['" not in "".join(Reader(page).text)


def test_a_count_from_nothing_gives_way_to_the_statement():
    given = launch_day()
    worst = given["findings"][0]
    worst.update(check="mysql_missing_index", value=1, limit="> 0", unit="count", advice="Add it now.")
    text = " ".join("".join(Reader(index_html(given)).text).split())
    assert "limit: > 0" not in text and "limit > 0" not in text
    assert MISSING_INDEX["create_index"] in text.partition("1. Is an index missing")[2].partition("Evidence")[0]


def test_unknowns_are_said_by_what_stands_between_them_and_a_verdict():
    page = index_html(report(host("web1", 1.0), Asked("web2", problem="timed out"), host("web3", 0.8)))
    first, _section, rest = page.partition('<section id="first"')[2].partition("</section>")
    assert first.count('class="finding ') == 2 and "unknown" not in first
    assert 'href="#finding-1"' in first and 'href="#finding-3"' in first and 'id="finding-3"' in rest
    alone = index_html(report(Asked("web2", problem="timed out")))
    assert '<section id="first"' not in alone and '<section id="obstacles"' in alone


def test_the_headline_is_whole():
    given = launch_day()
    given["diagnoses"][0]["statement"] = "Varnish on web1 is not caching " + "and says so at length " * 12 + "of all. More."
    page = index_html(given)
    head = page.partition("<h1>")[2].partition("</h1>")[0]
    assert head.endswith("at length of all; likewise on web2") or head.endswith("at length of all")
    assert "…" not in head


def test_evidence_table():
    assert evidence_table([]) is None and evidence_table("x") is None and evidence_table([{"a": None}]) is None
    made = evidence_table([{"pid": 12345, "age_seconds": 0.5, "size_bytes": 2048, "none": None}, {"query": "SELECT 1", "hit_ratio": 0.5}])
    assert not made["downwards"] and [column["title"] for column in made["columns"]] == [
        "pid",
        "age seconds",
        "size bytes",
        "query",
        "hit ratio",
    ]
    assert made["rows"] == [["12345", "500 ms", "2 KiB", "", ""], ["", "", "", "SELECT 1", "50 %"]]
