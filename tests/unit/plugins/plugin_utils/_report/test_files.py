# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""junit.xml and launch.prom, read by the ecosystem's own parsers."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from prometheus_client.parser import text_string_to_metric_families as text_format

from ansible_collections.warroom.launch.plugins.plugin_utils._judge.pipeline import Asked
from ansible_collections.warroom.launch.plugins.plugin_utils._report import atomic_files
from ansible_collections.warroom.launch.plugins.plugin_utils._report.junit import junit_xml
from ansible_collections.warroom.launch.plugins.plugin_utils._report.prom import launch_prom
from ansible_collections.warroom.launch.plugins.plugin_utils._report.publish import FILES, publish
from tests.support.report import CAUSE, HOSTILE, fleet, host, report, texts

MIXED = report(
    host("a", 1.0), host("b", 0.8), host("c", None), host("d", 1.0, accept={"uwsgi_busy": "small"}), Asked("e", problem="off"),
    diagnoses=[CAUSE, CAUSE],
)  # fmt: skip


def hostile():
    given = report(host(HOSTILE, 1.0), Asked(HOSTILE + "2", problem=HOSTILE), diagnoses=[{**CAUSE, "tier": HOSTILE, "statement": HOSTILE}])
    for one in given["findings"]:
        one.update(finding=HOSTILE, advice=HOSTILE, look=HOSTILE, instance=HOSTILE, reason=HOSTILE)
    return given


def families(text):
    return {family.name: family for family in text_string_to_metric_families(text)}


def samples(text, name):
    return {tuple(sample.labels.values()): sample.value for sample in families(text)[name].samples}


def test_junit_has_a_suite_per_host_and_counts():
    root = ElementTree.fromstring("".join(junit_xml(MIXED)))
    assert [suite.get("name") for suite in root] == ["a", "b", "c", "d", "e"]
    assert (root.get("tests"), root.get("failures"), root.get("errors"), root.get("skipped")) == ("17", "1", "2", "1")
    case = root.find("testsuite[@name='a']/testcase[@name='uwsgi_busy [127.0.0.1:1717]']")
    assert case.get("classname") == "a.uwsgi"
    assert case.find("failure").get("message") == "100 % busy" and "next: Add workers." in case.find("failure").text
    assert "warning" in root.find("testsuite[@name='b']/testcase/system-out").text
    assert root.find("testsuite[@name='c']//error") is not None
    assert "accepted: small" in root.find("testsuite[@name='d']//skipped").get("message")
    assert root.find("testsuite[@name='e']//error").get("type") == "host_reached"


def test_prom_has_verdict_counts_causes_and_values():
    text = texts(MIXED, "all")["launch.prom"]
    assert samples(text, "launch_verdict") == {("go",): 0, ("go with warnings",): 0, ("unknown",): 0, ("no-go",): 1}
    assert samples(text, "launch_findings")[("fail",)] == 1
    assert samples(text, "launch_cause") == {("workers_exhausted", "application"): 1}
    assert samples(text, "launch_host_reached") == {("a",): 1, ("b",): 1, ("c",): 1, ("d",): 1, ("e",): 0}
    assert samples(text, "launch_check_status")["uwsgi_busy", "a", "uwsgi", "127.0.0.1:1717"] == 3
    assert samples(text, "launch_check_value")["uwsgi_busy", "b", "uwsgi", "127.0.0.1:1717", "ratio"] == 0.8
    assert ("uwsgi_busy", "c", "uwsgi", "127.0.0.1:1717", "ratio") not in samples(text, "launch_check_value")
    assert len(samples(text, "launch_check_accepted")) == 1


@pytest.mark.parametrize("given", [MIXED, hostile(), report(), fleet(300)], ids=["mixed", "hostile", "nobody", "fleet"])
def test_every_file_is_readable_whatever_is_in_it(tmp_path, given):
    paths, problems = publish(given, tmp_path / "report", tuple(FILES))
    assert not problems
    assert [path.rpartition("/")[2] for path in paths] == list(FILES)
    ElementTree.parse(tmp_path / "report" / "junit.xml")
    text = (tmp_path / "report" / "launch.prom").read_text()
    assert families(text) and text.endswith("# EOF\n")
    # the node exporter reads the older text format
    assert {family.name for family in text_format(text)} == set(families(text))


def test_a_file_that_cannot_be_made_costs_itself_only(tmp_path, monkeypatch):
    (tmp_path / "junit.xml").write_text("from yesterday")
    monkeypatch.setitem(FILES, "junit.xml", lambda edition: 1 / 0)
    paths, problems = publish(MIXED, tmp_path, tuple(FILES))
    assert len(paths) == len(FILES) - 1 and "junit.xml could not be made (ZeroDivisionError" in problems[0]
    assert not (tmp_path / "junit.xml").exists()


def test_instances_of_one_name_do_not_spoil_the_file():
    given = report(host("a", 1.0))
    given["findings"] += given["findings"]
    assert families("".join(launch_prom(given)))


@pytest.mark.parametrize("value", [True, "up", None, 10**400, [1]])
def test_only_numbers_are_values(value):
    given = report(host("a"))
    given["findings"][-1]["value"] = value
    assert families("".join(launch_prom(given)))


def test_a_verdict_that_cannot_be_written_leaves_no_older_one_behind(tmp_path, monkeypatch):
    """A full disk: yesterday's launch.json and launch.prom must not stand for today's."""
    publish(report(host("a", 0.1)), tmp_path)
    write = atomic_files.write

    def full(path, parts):
        if path.name == "launch.json":
            raise OSError(28, "No space left on device")
        write(path, parts)

    monkeypatch.setattr(atomic_files, "write", full)
    with pytest.raises(OSError, match="No space left"):
        publish(MIXED, tmp_path)
    assert [path.name for path in tmp_path.rglob("*.*")] == ["index.html"]
    assert "no-go" in (tmp_path / "index.html").read_text().lower()
