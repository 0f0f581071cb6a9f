# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The drawing of the topology: every instance is in a box that is a link, boxes are apart, sites have lanes, words are escaped."""

from __future__ import annotations

import itertools
import xml.etree.ElementTree

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._report import merged
from ansible_collections.warroom.launch.plugins.plugin_utils._report.graph_drawing import drawing, fitted
from ansible_collections.warroom.launch.plugins.plugin_utils._report.graph_parts import OUTSIDE, parts
from ansible_collections.warroom.launch.plugins.plugin_utils._report.page import index_html
from tests.support import topologies
from tests.support.report import HOSTILE, host, report

SVG = "{http://www.w3.org/2000/svg}"
FLEETS = {
    "one host": topologies.one_host,
    "ten hosts": topologies.ten_hosts,
    "two sites": topologies.two_sites,
    "300 hosts": topologies.many_hosts,
    "60 sites": topologies.many_sites,
    "nothing connected": lambda: report(*(host(f"web{at}") for at in range(1, 41))),
}


def made(given):
    return parts(given, merged.alike(given["diagnoses"]), ["uwsgi"])


def drawn(given):
    return drawing(given, merged.alike(given["diagnoses"]), ["uwsgi", "varnish", "postgresql"])


def section(given):
    return index_html(given).partition('<section id="graph"')[2].partition("</section>")[0]


def svg(given):
    """The drawing as a tree: what is not well-formed fails here."""
    text = section(given)
    start = text.index('<svg class="graph')
    return xml.etree.ElementTree.fromstring(
        text[start : text.index("</svg>") + 6].replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    )


def box(given, title):
    (found,) = [each for each in drawn(given)["boxes"] if each["title"] == title]
    return found


@pytest.mark.parametrize("name", FLEETS)
def test_every_instance_is_in_one_box_that_is_a_link(name):
    given = FLEETS[name]()
    members = [member.id for each in made(given).boxes for member in each.members]
    assert sorted(members) == sorted(node["id"] for node in given["topology"]["nodes"])
    page = index_html(given)
    links = svg(given).findall(f"{SVG}a")
    assert len(links) == sum(bool(each.members) for each in made(given).boxes) > 0
    for link in links:
        assert f'id="{link.get("href")[1:]}"' in page and link.find(f"{SVG}g/{SVG}rect") is not None
        assert link.find(f"{SVG}g/{SVG}title").text and link.find(f"{SVG}g/{SVG}text").text


@pytest.mark.parametrize("name", FLEETS)
def test_boxes_are_apart_and_within_the_drawing(name):
    picture = drawn(FLEETS[name]())
    for one, other in itertools.combinations(picture["boxes"], 2):
        beside = one["x"] + one["width"] < other["x"] or other["x"] + other["width"] < one["x"]
        assert beside or one["y"] + one["height"] < other["y"] or other["y"] + other["height"] < one["y"]
    for each in picture["boxes"]:
        assert each["x"] >= 0 and each["x"] + each["width"] <= picture["width"]
        assert each["y"] >= 15 and each["y"] + each["height"] <= picture["height"]


@pytest.mark.parametrize("name", FLEETS)
def test_the_table_has_every_line(name):
    given = FLEETS[name]()
    picture = drawn(given)
    rows = picture["table"]["rows"]
    assert len(rows) + picture["table"]["left"] >= len(picture["lines"])
    titles = [column["title"] for column in picture["table"]["columns"]]
    assert titles[-4:] == ["from", "to", "connections", "waits"] and {len(row) for row in rows} == {len(titles)}
    assert sum(bool(line["waiting"]) for line in picture["lines"]) == len(
        [row for row in rows if row[-1].removesuffix(" %") in ("62", "80", "50")]
    )
    assert 'scope="col">from' in section(given)


def test_tiers_are_from_left_to_right():
    places = {each["title"]: each["x"] for each in drawn(topologies.ten_hosts())["boxes"]}
    order = ("Visitors", "web1", "app1", "db1", "203.0.113.9:443")
    assert [places[name] for name in order] == sorted(places[name] for name in order) and len(set(places.values())) == 5
    assert places["app1"] == places["app5"] and places["db1"] == places["cache1"]


def test_what_waits_is_red_and_said_and_the_cause_is_marked_in_words():
    given = topologies.ten_hosts()
    waiting = [line["text"] for line in drawn(given)["lines"] if line["waiting"]]
    assert waiting == [
        f"app{at} (uWSGI) → db1 (PostgreSQL): 8 connections, 62 % of the looks at busy workers wait here" for at in range(1, 6)
    ]
    assert box(given, "db1")["cause"] == "Cause 1" and [each["cause"] for each in drawn(given)["boxes"]].count("Cause 1") == 1
    assert "◆ Cause 1" in section(given) and section(given).count("62 % wait</text>") == 5
    assert box(given, "db1")["description"] == "PostgreSQL on db1, 5432: ok; cause 1"
    assert box(given, "app2")["status_text"] == "✖ fail"


def test_the_more_connections_the_wider_and_what_was_not_counted_is_dashed():
    lines = {line["text"].partition(":")[0]: line for line in drawn(topologies.ten_hosts())["lines"]}
    names = ("app1 (uWSGI) → 203.0.113.9", "app1 (uWSGI) → db1 (PostgreSQL)", "app1 (uWSGI) → cache1 (memcached)")
    widths = [lines[name]["width"] for name in names]
    assert widths == sorted(widths) and len(set(widths)) == 3
    to_broker = "queue1 (Celery) → queue1 (Redis)"
    broker = lines[to_broker]
    assert not broker["counted"] and "not counted" in broker["text"]
    assert all(line["counted"] for name, line in lines.items() if name != to_broker)


def test_a_site_has_a_lane_and_its_cause_stays_in_it():
    given = topologies.two_sites()
    picture = drawn(given)
    assert [lane["name"] for lane in picture["lanes"]] == ["Site of a-web1, a-app1 and 5 more", "Site of b-web1, b-app1 and 4 more"]
    first, second = ((lane["y"], lane["y"] + lane["height"]) for lane in picture["lanes"])
    for each in picture["boxes"]:
        lane = second if each["title"].startswith("b-") else first if each["title"].startswith("a-") else None
        assert lane is None or lane[0] < each["y"] and each["y"] + each["height"] < lane[1]
    assert [each["title"] for each in picture["boxes"] if each["cause"]] == ["a-db1"]
    assert [row[0] for row in picture["table"]["rows"]].count("Site of a-web1, a-app1 and 5 more") > 5


def test_many_hosts_are_grouped_with_the_worst_status_and_the_cause_apart():
    given = topologies.many_hosts(300)
    shown = {(each["title"], each["subtitle"], each["status_text"], each["cause"]) for each in drawn(given)["boxes"]}
    assert ("blog-app2", "uWSGI", "✖ fail", "Cause 2") in shown
    assert {("96 × uWSGI", "✖ 1 fail", ""), ("95 × uWSGI", "✔ ok", "")} <= {each[1:] for each in shown}
    (group,) = [each for each in drawn(given)["boxes"] if each["description"].startswith("96 × uWSGI on shop-app1, shop-app2")]
    assert group["description"].endswith("and 88 more; fail: shop-app2: fail (1 of 96)")
    assert len(section(given)) < 60_000


@pytest.mark.parametrize("count, lanes", [(6, 6), (60, 2)])
def test_many_sites_share_a_lane_those_in_trouble_come_first(count, lanes):
    given = topologies.many_sites(count)
    assert len(drawn(given)["lanes"]) == lanes
    assert len(section(given)) < 60_000
    if count > 7:
        assert [lane["name"] for lane in drawn(given)["lanes"]] == [
            "Site of s7-web1, s7-app1 and 3 more", "59 more sites, like instances together",
        ]  # fmt: skip


def test_an_address_outside_that_is_the_cause_is_marked():
    hosts = topologies.site(waits=0.0, outside="203.0.113.9:443")
    for each in hosts:
        for uwsgi in each.facts.get("launch_uwsgi", {}).get("instances", []):
            uwsgi["waits"]["edges"] = [{"address": "203.0.113.9:443", "samples": 30, "share_ratio": 0.75, "work": "GET /"}]
    given = report(*hosts, diagnoses=[topologies.cause_at("outside", "app1", "app2", cause="outside_slow")])
    assert [each["title"] for each in drawn(given)["boxes"] if each["cause"]] == ["203.0.113.9:443"]


def test_many_addresses_outside_share_a_box_but_those_that_matter_most():
    hosts = topologies.site(applications=1)
    uwsgi = hosts[1].facts["launch_uwsgi"]["instances"][0]
    uwsgi["talks_to"] += [{"address": f"198.51.100.{at}:443", "connections": at} for at in range(1, 40)]
    uwsgi["talks_to_total"] = len(uwsgi["talks_to"])
    titles = [each["title"] for each in drawn(report(*hosts))["boxes"] if each["column"] == OUTSIDE]
    assert titles == ["203.0.113.9:443", "198.51.100.39:443", "198.51.100.38:443", "198.51.100.37:443", "36 more addresses"]


def test_what_is_not_known_is_said():
    given = topologies.ten_hosts()
    assert given["topology"]["unknown"] and box(given, "db1")["incomplete"] is False
    (celery,) = [each for each in drawn(given)["boxes"] if each["subtitle"] == "Celery"]
    assert celery["incomplete"] and "may talk to more than is drawn" in celery["description"]
    assert "queue1: only 2 of the 3 addresses that it talks to are listed" in section(given)


def test_foreign_names_are_text():
    hosts = topologies.site(f"{HOSTILE}-", applications=2, outside=f"{HOSTILE}:443")
    given = report(*hosts, diagnoses=[topologies.cause_at("postgresql", f"{HOSTILE}-db1")])
    tree = svg(given)  # parsed: well-formed, so no name of it became a tag
    assert {node.tag.removeprefix(SVG) for node in tree.iter()} <= {"svg", "g", "a", "rect", "path", "text", "title"}
    text = "".join(tree.itertext())
    assert "<script>" in text and "{{ 777*777 }}" in text and str(777 * 777) not in text
    assert not [name for node in tree.iter() for name in node.attrib if name.startswith("on") or name == "style"]


@pytest.mark.parametrize("topology", [None, {}, {"nodes": [], "edges": [], "outside": [], "unknown": []}])
def test_without_a_topology_nothing_is_drawn(topology):
    given = {**report(host("web1")), "topology": topology}
    page = index_html(given)
    assert 'id="graph"' not in page and 'href="#graph"' not in page


@pytest.mark.parametrize(
    "text, width, result",
    [
        ("web1", 50, "web1"),
        ("web1.example.org", 80, "web1…org"),
        ("網頁伺服器", 100, "網頁伺服器"),
        ("網頁伺服器", 60, "網…器"),
        ("", 10, ""),
    ],
)
def test_a_name_is_cut_in_its_middle(text, width, result):
    assert fitted(text, width, 10) == result
