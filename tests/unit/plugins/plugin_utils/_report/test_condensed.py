# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Written reports: what is fine as counts, facts of hosts in files of their own; and what readers make of them."""

from __future__ import annotations

import collections
import json
import os
import pathlib
import stat
import typing as t
from xml.etree import ElementTree

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._judge.pipeline import Asked
from ansible_collections.warroom.launch.plugins.plugin_utils._report import condensed as condensed_module
from ansible_collections.warroom.launch.plugins.plugin_utils._report import host_files
from ansible_collections.warroom.launch.plugins.plugin_utils._report.condensed import condensed, expanded
from ansible_collections.warroom.launch.plugins.plugin_utils._report.publish import publish
from ansible_collections.warroom.launch.plugins.plugin_utils._store import before_after
from ansible_collections.warroom.launch.plugins.plugin_utils._store.compare import compare
from tests.support.report import HOSTILE, fleet, host, report, texts

FLEET = fleet(200)


def written(given: dict[str, t.Any], folder: pathlib.Path, facts: str = "trouble") -> dict[str, t.Any]:
    _paths, problems = publish(given, folder, facts=facts)  # type: ignore[arg-type]
    assert not problems
    return json.loads((folder / "launch.json").read_text())


def test_every_finding_is_written_or_counted() -> None:
    made = condensed(FLEET)["findings"]  # type: ignore[arg-type]
    counted: collections.Counter[tuple[str, str]] = collections.Counter()
    for finding in made:
        counted[finding["check"], finding["status"]] += finding.get("count", 1)
    assert counted == collections.Counter((finding["check"], finding["status"]) for finding in FLEET["findings"])
    assert [finding for finding in made if finding["status"] in ("fail", "unknown", "warn")] == [
        finding for finding in FLEET["findings"] if finding["status"] in ("fail", "unknown", "warn")
    ]
    assert len(made) < 30 and condensed({**FLEET, "findings": made})["findings"] == made  # type: ignore[typeddict-item]


def test_accepted_gaps_and_each_reason_to_skip_are_written() -> None:
    given = report(*(host(f"web{at}", 0.97, accept={"uwsgi_busy": f"ticket {at}"}) for at in range(3)))
    skipped = [{**finding, "status": "skipped", "reason": why} for finding in given["findings"][:1] for why in ("no replica", "not now")]
    made = condensed({**given, "findings": [*given["findings"], *skipped, *skipped]})["findings"]  # type: ignore[typeddict-item]
    assert [finding["accepted"] for finding in made if finding["accepted"] and finding["status"] == "fail"] == [
        "ticket 0", "ticket 1", "ticket 2",
    ]  # fmt: skip
    given = report(host("web1"), host("web2"))
    skipped = [{**given["findings"][0], "status": "skipped", "reason": why} for why in ("no replica", "not now", "no replica")]
    made = condensed({**given, "findings": skipped})["findings"]  # type: ignore[typeddict-item]
    assert [(finding["reason"], finding.get("count")) for finding in made] == [("no replica", 2), ("not now", None)]


TROUBLE = [
    *(host(f"w{at}", 0.97, at % 3) for at in range(9)),
    *(host(f"x{at}", None) for at in range(8)),
    *(host(f"y{at}", 0.8, accept={"uwsgi_busy": "known"}) for at in range(7)),
    host("z1", 0.98),
    Asked("gone1", problem="not reachable: timed out"),
    Asked("gone2", problem="not reachable: no route"),
]


def test_trouble_everywhere_is_said_in_full_by_its_first_findings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(condensed_module, "IN_FULL", 3)
    busy = [row for row in condensed(report(*TROUBLE))["findings"] if (row["check"], row["status"]) == ("uwsgi_busy", "fail")]
    assert [row["advice"] is not None for row in busy] == [True] * 3 + [False]
    assert busy[-1]["count"] == 7 and busy[-1]["value"] == 0.97
    assert busy[-1]["places"][0] == {"host": "w3"}
    assert busy[-1]["places"][-1] == {"host": "z1", "value": 0.98, "finding": "98 % busy"}


def test_no_finding_in_trouble_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(condensed_module, "IN_FULL", 3)
    given = report(*TROUBLE)
    for finding in given["findings"]:
        if finding["host"] in ("w3", "w5", "y6"):
            finding["trend"] = "rising"  # a key that only some have; of a row its first, another, or only the last
    made = condensed(given)
    assert len([row for row in made["findings"] if row.get("places")]) == 3
    said, meant = ([_short(row) for row in rows if _is_trouble(row)] for rows in (expanded(made["findings"]), given["findings"]))
    assert said == meant
    assert condensed(made) == made


def _short(finding: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    return {**finding, "trend": finding.get("trend"), "question": None, "advice": None, "look": None, "evidence": []}


def _is_trouble(finding: t.Mapping[str, t.Any]) -> bool:
    return not condensed_module.counts_as_fine(finding)


def test_every_place_of_trouble_is_in_every_file(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = texts(report(*TROUBLE), "all")
    monkeypatch.setattr(condensed_module, "IN_FULL", 3)
    short = texts(report(*TROUBLE))
    statuses = {line for line in whole["launch.prom"].splitlines() if line.startswith(("launch_check_status", "launch_check_accepted"))}
    bad = {line for line in statuses if not line.endswith((" 0.0", " 4.0"))}
    assert len(bad) > 30 and bad <= set(short["launch.prom"].splitlines())
    suite = ElementTree.fromstring(short["junit.xml"]).find("testsuite[@name='all hosts']")
    assert suite is not None
    cases = {case.get("name"): case for case in suite}
    failure = cases["uwsgi_busy: fail 7 times"].find("failure")
    assert failure is not None and failure.text is not None
    assert failure.text.splitlines()[-7:] == [*(f"w{at} 127.0.0.1:1717" for at in range(3, 9)), "z1 127.0.0.1:1717: 98 % busy"]
    accepted = cases["uwsgi_busy: warn 4 times"].find("skipped")
    assert accepted is not None and accepted.text == "\n".join(f"y{at} 127.0.0.1:1717" for at in range(3, 7))
    assert _troubled_points(short["launch.otlp.json"]) == _troubled_points(whole["launch.otlp.json"])


def _troubled_points(document: str) -> set[str]:
    metrics = json.loads(document)["resourceMetrics"][0]["scopeMetrics"][0]["metrics"]
    points = next(metric for metric in metrics if metric["name"] == "launch.check.status")["gauge"]["dataPoints"]
    return {json.dumps(point["attributes"]) for point in points if 0 < point["asDouble"] < 4}


def test_a_report_read_again_has_every_finding(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    monkeypatch.setattr(condensed_module, "IN_FULL", 3)
    given = report(*TROUBLE)
    made = written(given, tmp_path)
    read = before_after.load(str(tmp_path / "launch.json"))
    assert [(row["check"], row["host"], row["value"], row["reason"]) for row in read["findings"] if _is_trouble(row)] == [
        (row["check"], row["host"], row["value"], row["reason"]) for row in given["findings"] if _is_trouble(row)
    ]
    publish(t.cast(t.Any, read), tmp_path)
    assert json.loads((tmp_path / "launch.json").read_text())["findings"] == made["findings"]
    calm = report(*(Asked(each.name, host(each.name).facts) for each in TROUBLE))
    assert {row["host"] for row in compare(read, calm)["better"]} == {each.name for each in TROUBLE}


@pytest.mark.parametrize("places", [7, "web1", [7], [{"host": 7}], [{"status": "fine"}], {"host": "web1"}])
def test_places_of_a_foreign_form_make_no_report(tmp_path: pathlib.Path, places: t.Any) -> None:
    made = written(report(host("web1", 0.97)), tmp_path)
    made["findings"][0].update(count=2, places=places)
    (tmp_path / "launch.json").write_text(json.dumps(made))
    with pytest.raises(before_after.NoReport):
        before_after.load(str(tmp_path / "launch.json"))


def test_everything_unknown_costs_little_more_than_names() -> None:
    few, many = (texts(report(*(host(f"web{at}", None, None) for at in range(size)))) for size in (100, 500))
    findings = [len(json.dumps(json.loads(files["launch.json"])["findings"])) for files in (few, many)]
    assert findings[1] - findings[0] < 400 * 2 * 45
    assert len(many["junit.xml"]) - len(few["junit.xml"]) < 400 * 2 * 25


def test_the_size_follows_the_trouble_and_not_the_fleet() -> None:
    few, many = (texts(report(*(host(f"web{at}") for at in range(size)))) for size in (40, 400))
    for name in ("junit.xml", "index.html"):
        assert len(many[name]) < 1.5 * len(few[name])
    assert len(many["launch.json"]) < 320 * 400
    suite = ElementTree.fromstring(many["junit.xml"]).find("testsuite[@name='all hosts']")
    assert suite is not None and "uwsgi_busy: ok 400 times" in {case.get("name") for case in suite}
    assert 'launch_check_findings{check="uwsgi_busy",status="ok"} 400.0' in many["launch.prom"]


def test_facts_of_hosts_in_trouble_lie_beside(tmp_path: pathlib.Path) -> None:
    made = written(FLEET, tmp_path)
    busy = {f"web{at}" for at in range(10, 200, 10)}
    assert {name for name, entry in made["hosts"].items() if entry["facts"]} == busy
    assert made["written"] == {"facts": "trouble", "hosts": 19, "left_out": 180}
    for name in busy:
        path = tmp_path / made["hosts"][name]["facts"]["file"]
        assert json.loads(path.read_text()) == FLEET["hosts"][name]["facts"]
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("kept, hosts", [("all", 199), ("none", 0)])
def test_all_or_none(tmp_path: pathlib.Path, kept: str, hosts: int) -> None:
    written(FLEET, tmp_path)
    made = written(FLEET, tmp_path, kept)
    assert len([entry for entry in made["hosts"].values() if entry["facts"]]) == made["written"]["hosts"] == hosts
    assert len(list((tmp_path / "hosts").iterdir())) == hosts, "facts of the run before are gone"
    assert (made["findings"] == FLEET["findings"]) == (kept == "all")
    assert before_after.load(str(tmp_path / "launch.json"))["hosts"] == {
        name: {**entry, "facts": entry["facts"] if kept == "all" else {}} for name, entry in FLEET["hosts"].items()
    }


def test_many_hosts_in_trouble_leave_some_of_each_kind() -> None:
    hosts = [host(f"web{at}", 0.97) for at in range(300)] + [host("db1", load=9)]
    names = host_files.chosen(report(*hosts), "trouble")  # type: ignore[arg-type]
    assert len(names) == host_files.MOST and "db1" in names


NAMES = [
    "web1",
    "Web1",
    "WEB1",
    "../../etc/passwd",
    "/etc/passwd",
    "..",
    ".",
    "",
    "a/b",
    "a_b",
    ".hidden",
    "x" * 300,
    "ü",
    "\ud800",
    HOSTILE,
    "a b",
]


def test_names_of_hosts_lead_nowhere_else() -> None:
    names = [host_files.file_name(name) for name in NAMES]
    assert len({name.lower() for name in names}) == len(NAMES)
    for name in names:
        assert os.path.basename(name) == name and not name.startswith(".") and len(name) < 120 and name.isascii()
        assert host_files._OURS.fullmatch(f"hosts/{name}")


def test_hostile_names_are_written_and_read(tmp_path: pathlib.Path) -> None:
    given = report(*(host(name, 0.97) for name in NAMES if "\ud800" not in name))
    made = written(given, tmp_path)
    assert len(list((tmp_path / "hosts").iterdir())) == len(given["hosts"])
    assert {path.relative_to(tmp_path).parts[0] for path in tmp_path.rglob("*.json")} == {"hosts", "launch.json"}
    assert all(entry["facts"] for entry in made["hosts"].values())
    assert before_after.load(str(tmp_path / "launch.json"))["hosts"] == json.loads(json.dumps(given["hosts"]))


def test_links_are_not_followed(tmp_path: pathlib.Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "web1.json").write_text('{"launch_precious": 1}')
    folder = tmp_path / "report"
    folder.mkdir()
    (folder / "hosts").symlink_to(elsewhere)
    paths, problems = publish(report(host("web1", 0.97)), folder)  # type: ignore[arg-type]
    assert len(paths) == 4 and "is a link" in problems[0]
    assert (elsewhere / "web1.json").read_text() == '{"launch_precious": 1}' and len(list(elsewhere.iterdir())) == 1
    (folder / "hosts").unlink()
    (folder / "hosts").mkdir()
    (folder / "hosts/web1.json").symlink_to(elsewhere / "web1.json")
    written(report(host("web1", 0.97)), folder)
    assert (elsewhere / "web1.json").read_text() == '{"launch_precious": 1}'
    (folder / "hosts/web1.json").unlink()
    (folder / "hosts/web1.json").symlink_to(elsewhere / "web1.json")
    assert before_after.load(str(folder / "launch.json"))["hosts"]["web1"]["facts"] == {}


def test_what_is_not_ours_stays(tmp_path: pathlib.Path) -> None:
    """A folder `hosts` may be a person's own: an inventory is often called so."""
    (tmp_path / "hosts").mkdir()
    for name, text in (("mine.json", '{"a": 1}'), ("production.yml", "all:"), ("old.json", '{"launch_server": {}}')):
        (tmp_path / "hosts" / name).write_text(text)
    written(report(host("web1")), tmp_path)
    assert {path.name for path in (tmp_path / "hosts").iterdir()} == {"mine.json", "production.yml"}
    (tmp_path / "other").mkdir()
    (tmp_path / "other/hosts").write_text("[web]\nweb1\n")
    _paths, problems = publish(report(host("web1", 0.97)), tmp_path / "other")  # type: ignore[arg-type]
    assert problems and (tmp_path / "other/hosts").read_text() == "[web]\nweb1\n"


@pytest.mark.parametrize(
    "file", ["../../../etc/passwd", "/etc/passwd", "hosts/../launch.json", "hosts/gone.json", "hosts/bad.json", "hosts/list.json"]
)
def test_a_report_names_files_of_its_own_only(tmp_path: pathlib.Path, file: str) -> None:
    made = written(report(host("web1", 0.97)), tmp_path)
    (tmp_path / "hosts/bad.json").write_text("{" * 50)
    (tmp_path / "hosts/list.json").write_text("[1]")
    made["hosts"]["web1"]["facts"] = {"file": file}
    (tmp_path / "launch.json").write_text(json.dumps(made))
    assert before_after.load(str(tmp_path / "launch.json"))["hosts"]["web1"]["facts"] == {}


def test_facts_of_a_foreign_form_make_no_report(tmp_path: pathlib.Path) -> None:
    written(report(host("web1", 0.97)), tmp_path)
    (tmp_path / "hosts/web1.json").write_text('{"launch_uwsgi": {"instances": [7]}}')
    with pytest.raises(before_after.NoReport):
        before_after.load(str(tmp_path / "launch.json"))


def test_a_comparison_takes_what_is_counted_as_fine(tmp_path: pathlib.Path) -> None:
    before = report(*(host(f"web{at}") for at in range(1, 9)))
    after = report(*(host(f"web{at}", 0.97 if at == 5 else 0.1) for at in range(1, 9)), Asked("new1", host("new1", 0.97).facts))
    whole = compare(before, after)
    written(before, tmp_path)
    short = compare(before_after.load(str(tmp_path / "launch.json")), condensed(after))  # type: ignore[arg-type]
    for kind in ("better", "worse"):
        assert [(row["host"], row["check"], row["status"]) for row in short[kind]] == [
            (row["host"], row["check"], row["status"]) for row in whole[kind] if row["status"] != [None, "ok"]
        ]
    assert ["ok", "fail"] in [row["status"] for row in short["worse"] if row["host"] == "web5"]
    assert [None, "fail"] in [row["status"] for row in short["worse"] if row["host"] == "new1"]


def test_a_report_that_was_read_is_written_as_it_was(tmp_path: pathlib.Path) -> None:
    for kept in host_files.KEPT:
        made = written(FLEET, tmp_path, kept)
        publish(t.cast(t.Any, before_after.load(str(tmp_path / "launch.json"))), tmp_path)
        again = json.loads((tmp_path / "launch.json").read_text())
        assert again["findings"] == made["findings"] and again["hosts"] == made["hosts"]
        assert again["written"]["facts"] == kept
