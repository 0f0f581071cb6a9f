# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The board as text: what comes first, how it fits, how large fleets are grouped, what strangers cannot do to it."""

from __future__ import annotations

import re

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._checks.finding import natural
from ansible_collections.warroom.launch.plugins.plugin_utils._judge.pipeline import Asked
from ansible_collections.warroom.launch.plugins.plugin_utils._report.board import lines
from ansible_collections.warroom.launch.plugins.plugin_utils._report.model import limit_text, matrix, model
from tests.support.report import CAUSE, HOSTILE, fleet, host, report


def board(given, width=100):
    return lines(model(given), width)


def test_the_verdict_and_its_cause_come_first():
    text = board(report(host("web1", 1.0), diagnoses=[CAUSE]))
    assert text[1] == "NO-GO: All the workers of the application are busy while its CPUs are idle"


@pytest.mark.parametrize(
    "hosts, first",
    [
        ([host("a"), host("b")], "GO: 8 checks on 2 hosts are fine"),
        ([host("a", 0.8)], "GO WITH WARNINGS: a 127.0.0.1:1717: 80 % busy"),
        ([host("a", 1.0), host("b", 1.0)], "NO-GO: a 127.0.0.1:1717: 100 % busy (and 1 more)"),
        ([host("a"), Asked("b", problem="off")], "UNKNOWN: b: No facts from this host: off"),
        ([], "UNKNOWN: fleet: No host was checked"),
    ],
)
def test_headline(hosts, first):
    assert board(report(*hosts))[1].startswith(first)


def test_a_finding_has_number_limit_advice_and_next_command():
    text = "\n".join(board(report(host("web1", 1.0))))
    for part in (
        "1. FAIL  uwsgi_busy  on web1 127.0.0.1:1717",
        "100 % (limit: >= 95 %)",
        "→ Add workers.",
        "$ ssh -t -- web1 'uwsgitop 127.0.0.1:1717'",
    ):
        assert part in text


def test_a_cause_has_evidence_first_fix_and_what_to_avoid():
    text = "\n".join(board(report(host("web1"), diagnoses=[CAUSE])))
    for part in ("CAUSE workers_exhausted on web1, web2", "· web1: 8 of 8", "→ first: Add 4 workers", "✗ avoid: Do not add servers"):
        assert part in text


def test_trend_arrow():
    given = report(host("web1", 0.8))
    given["findings"][0]["trend"] = "rising"
    assert "80 % ↑ (limit" in "\n".join(board(given))


def test_when_it_will_be_within_its_limit():
    given = fleet(2)
    given["findings"][0].update(status="fail", value=0.97, limit=">= 0.95", unit="ratio", trend="falling", clears_in_seconds=240.0)
    assert "97 % ↓ (limit: >= 95 %), within it in 4 min at this pace" in "\n".join(lines(model(given), 100))


def test_accepted_gaps_are_shown_apart():
    text = "\n".join(board(report(host("web1", 1.0, accept={"uwsgi_busy": "small machine"}))))
    assert "Accepted: small machine" in text and "FAIL" not in text and "acc 1" in text


def test_hosts_and_tiers():
    given = matrix(report(host("web2", 1.0), host("web10"), Asked("db", problem="off")))
    assert [column["name"] for column in given["columns"]] == ["server", "uwsgi"]
    assert [(row["label"], [cell and cell["status"] for cell in row["cells"]]) for row in given["rows"]] == [
        ("web2", ["ok", "fail"]), ("db", ["unknown", None]), ("web10", ["ok", "ok"]),
    ]  # fmt: skip


def test_a_large_fleet_is_grouped_and_nobody_is_lost():
    given = fleet(300)
    rows = matrix(given)["rows"]
    assert sum(row["hosts_total"] for row in rows) == 300
    assert [row["label"].split(":")[0] for row in rows] == ["14 hosts", "web300", "15 hosts", "270 hosts"]
    text = board(given)
    assert len(text) < 60
    assert any("uwsgi_busy  on web20 127.0.0.1:1717 and 13 more" in line for line in text)


def test_unknowns_of_one_reason_are_one_entry():
    text = "\n".join(board(report(host("a", None), host("b", None))))
    assert text.count("UNKNOWN  uwsgi_busy  on a 127.0.0.1:1717 and 1 more") == 1


@pytest.mark.parametrize("width", [40, 60, 80, 100, 200])
@pytest.mark.parametrize("size", [1, 10, 300])
def test_it_fits_the_terminal(width, size):
    given = fleet(size)
    given["diagnoses"] = [CAUSE]
    assert [line for line in board(given, width) if len(line) > width and "$ " not in line] == []


def test_a_long_command_stays_whole_and_a_snippet_keeps_its_form():
    given = report(host("web1", 1.0))
    given["findings"][0]["look"] = "varnishlog " + "-q x " * 40
    given["findings"][0]["advice"] = 'Put this into vcl_recv:\n  if (req.url ~ "x") {\n    return (hash);\n  }'
    text = board(given, 60)
    assert any(line.startswith("  $ varnishlog") and len(line) > 100 for line in text)
    assert "      return (hash);" in "\n".join(text)


def test_foreign_text_has_no_power_over_the_terminal():
    cause = {**CAUSE, "statement": HOSTILE, "evidence": [HOSTILE, {"a": HOSTILE}], "hosts": [HOSTILE]}
    given = report(host(HOSTILE, 1.0), diagnoses=[cause])
    given["findings"][0].update(finding=HOSTILE, advice=HOSTILE, look=HOSTILE, instance=HOSTILE)
    text = "\n".join(board(given))
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", text)
    assert "{{ 777*777 }}" in text


def test_model_is_bounded():
    limits = [{"server_load": {"warn": f"> {at - 1}", "fail": f"> {at}"}} for at in range(1, 200)]
    given = report(*[host(f"web{at}", None, load=at, thresholds=limit) for at, limit in enumerate(limits, 1)])
    shown = model(given)
    assert len(shown["entries"]) <= 60 and all(len(entry["places"]) <= 12 for entry in shown["entries"])
    assert all(len(row["hosts"]) <= 12 for row in shown["matrix"]["rows"])


@pytest.mark.parametrize(
    "limit, unit, text",
    [
        (">= 0.75", "ratio", ">= 75 %"),
        ("> 0.5 and listen_queue > 0", "seconds", "> 500 ms and listen_queue > 0"),
        ("== true", "boolean", "== true"),
        ("x > 3", "ratio", "x > 3"),
        (None, "ratio", None),
    ],
)
def test_limit_in_the_unit(limit, unit, text):
    assert limit_text(limit, unit) == text


def test_natural_order():
    assert sorted(["web10", "web2", "a", "10", "web1b"], key=natural) == ["10", "a", "web1b", "web2", "web10"]
