# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`launch_check.yml` with real ansible-playbook: no host gets lost, and the exit code follows the verdict."""

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest

from tests.support.ansible import run
from tests.support.replay import peer, sends
from tests.support.server import VENV, free_port
from tests.support.written import EVERYTHING, written

CHECKS = """
- id: uwsgi_workers_there
  service: uwsgi
  question: Are there workers?
  value: workers.total
  unit: count
  phase: both
  fail: '== 0'
  finding: '{workers.total} workers'
  advice: Start uWSGI.
  look: uwsgitop {name}
"""
STATS = json.dumps({"version": "2.0.21", "listen_queue": 0, "sockets": [], "workers": [{"id": 1, "pid": 1, "status": "idle", "cores": []}]})


class Site(t.NamedTuple):
    """An inventory, a small catalogue and where the report goes."""

    folder: pathlib.Path

    def write(self, *hosts: str, **variables: t.Any) -> None:
        (self.folder / "inventory").write_text("\n".join(hosts) + "\n")
        settings = {
            "launch_check_catalogue": str(self.folder / "catalogue"),
            "launch_check_report_dir": str(self.folder / "report"),
            "launch_check_window": 0,
            "launch_check_timeout": 2,
            **EVERYTHING,
            **variables,
        }
        (self.folder / "settings.json").write_text(json.dumps(settings))

    def check(self, *options: str, playbook: str = "playbooks/launch_check.yml", **env: str) -> t.Any:
        done = run("ansible-playbook", playbook, "-i", self.folder / "inventory", "-e", f"@{self.folder}/settings.json", *options, env=env)
        path = self.folder / "report" / "launch.json"
        report = written(self.folder / "report") if path.exists() else None
        if report is not None:
            path.unlink()
        return done.returncode, done.stdout + done.stderr, report


@pytest.fixture
def site(tmp_path):
    (tmp_path / "catalogue").mkdir()
    (tmp_path / "catalogue" / "uwsgi.yml").write_text(CHECKS)
    return Site(tmp_path)


@pytest.fixture
def uwsgi():
    """The address of a stats server."""
    with peer(sends(STATS.encode())) as address:
        yield address


def local(name: str, address: t.Optional[str] = None, python: t.Any = f"{VENV}/python") -> str:
    services = f" launch_check_services=\"{{'uwsgi': [{{'stats': '{address}'}}]}}\"" if address else ""
    return f"{name} ansible_connection=local ansible_python_interpreter={python}{services}"


def statuses(report):
    return {(one["host"], one["check"]): one["status"] for one in report["findings"]}


def test_a_go(site, uwsgi):
    site.write(local("app1", uwsgi), local("app2", uwsgi))
    rc, output, report = site.check()
    assert rc == 0, output
    assert report["verdict"] == "go"
    assert "GO: 4 checks on 2 hosts are fine" in output
    assert report["hosts"]["app1"]["tiers"] == ["application"]
    assert report["hosts"]["app1"]["facts"]["launch_uwsgi"]["instances"][0]["state"] == "up"


def test_nobody_is_lost_and_the_run_goes_on(site, uwsgi):
    site.write(
        f"gone ansible_host=127.0.0.1 ansible_port={free_port()} ansible_ssh_common_args='-o ConnectTimeout=2'",
        local("nopython", uwsgi, "/nowhere/python"),
        "nonsense ansible_connection=nonsense",
        local("dead", f"127.0.0.1:{free_port()}"),
        local("app1", uwsgi),
    )
    rc, output, report = site.check()
    assert rc == 2
    found = statuses(report)
    assert (found["gone", "host_reached"], found["nopython", "host_reached"], found["nonsense", "host_reached"]) == ("unknown",) * 3
    assert found["dead", "uwsgi_answers"] == "fail"
    assert found["app1", "uwsgi_workers_there"] == "ok"
    assert report["verdict"] == "no-go" and set(report["hosts"]) == {"gone", "nopython", "nonsense", "dead", "app1"}
    reasons = {one["host"]: one["reason"] for one in report["findings"]}
    assert "not reachable" in reasons["gone"] and "/nowhere/python" in reasons["nopython"]
    assert "Traceback" not in output
    for host in ("gone", "nopython", "nonsense", "dead"):
        assert f" on {host}" in output


def test_a_fleet_of_which_nobody_answers(site):
    site.write("gone ansible_host=127.0.0.1 ansible_port=1")
    rc, _output, report = site.check()
    assert rc == 2
    assert statuses(report) == {("gone", "host_reached"): "unknown"}


@pytest.mark.parametrize("options", [["-e", "launch_check_hosts=nosuch"], ["-l", "app1", "-e", "launch_check_hosts=app2"]])
def test_case_A_16_a_check_of_nobody_is_no_go(site, uwsgi, options):
    site.write(local("app1", uwsgi), local("app2", uwsgi))
    rc, _output, report = site.check(*options)
    assert rc == 2 and report["verdict"] == "unknown"


def test_an_empty_inventory_is_no_go(site):
    site.write("[web]")
    rc, _output, report = site.check()
    assert rc == 2 and statuses(report) == {("fleet", "hosts_asked"): "unknown"}


def test_case_A_13_check_mode_gives_the_same_verdict(site, uwsgi):
    site.write(local("app1", uwsgi), local("dead", f"127.0.0.1:{free_port()}"))
    plain, checked = site.check(), site.check("--check")
    assert plain[0] == checked[0] == 2
    assert statuses(plain[2]) == statuses(checked[2])


def test_wrong_checks_are_named_before_anything_is_gathered(site, uwsgi):
    extra = [{"id": "my_check", "service": "uwsgi", "question": "q", "value": "a >", "finding": "f", "advice": "a"}]
    site.write(local("app1", uwsgi), launch_check_extra_checks=extra, launch_check_thresholds={"uwsgi_workers_here": {"fail": "== 0"}})
    rc, output, report = site.check()
    assert rc == 2 and report is None
    assert "check my_check: value: a > is not JMESPath" in output
    assert "there is no check uwsgi_workers_here; did you mean uwsgi_workers_there?" in output
    assert "Gather what runs" not in output


@pytest.mark.parametrize("wrong", [{"launch_check_phase": "after"}, {"launch_check_fail_on": "never ever"}, {"launch_check_accept": ["x"]}])
def test_wrong_options_end_the_run_before_anything_is_gathered(site, uwsgi, wrong):
    site.write(local("app1", uwsgi), **wrong)
    rc, output, _report = site.check()
    assert rc == 2 and "Gather what runs" not in output
    assert next(iter(wrong)) in output


def test_limits_of_one_host_and_templates_in_them(site, uwsgi):
    own = """launch_check_thresholds="{{ {'uwsgi_workers_there': {'fail': '< ' ~ least}} }}" least=2"""
    site.write(f"{local('app1', uwsgi)} {own}", local("app2", uwsgi))
    _rc, output, report = site.check()
    assert statuses(report)["app1", "uwsgi_workers_there"] == "fail", output
    assert statuses(report)["app2", "uwsgi_workers_there"] == "ok"


def test_a_configured_service_that_is_not_there_is_unknown(site, uwsgi):
    site.write(local("app1") + " launch_check_services=\"{'memcached': []}\"")
    rc, _output, report = site.check()
    assert rc == 2 and statuses(report) == {("app1", "memcached_answers"): "unknown"}


@pytest.mark.parametrize("fail_on, rc", [("warn", 2), ("unknown", 2), ("fail", 2), ("never", 0)])
def test_fail_on(site, fail_on, rc):
    site.write(local("dead", f"127.0.0.1:{free_port()}"), launch_check_fail_on=fail_on)
    assert site.check()[0] == rc


def test_accepted_gaps_do_not_count_and_are_shown(site, uwsgi):
    accept = {"host_reached": "comes on Friday", "uwsgi_answers": "replaced today"}
    dead = local("dead", f"127.0.0.1:{free_port()}")
    site.write(local("app1", uwsgi), dead, "gone ansible_connection=nonsense", launch_check_accept=accept)
    rc, output, report = site.check()
    assert report["counts"]["accepted"] == 2 and rc == 0
    assert "Accepted: replaced today" in output and "Accepted: comes on Friday" in output


@pytest.mark.parametrize("callback", ["default", "minimal", "oneline", "warroom.launch.war_room"])
def test_every_callback_shows_the_board(site, uwsgi, callback):
    site.write(local("app1", uwsgi))
    _rc, output, _report = site.check(ANSIBLE_STDOUT_CALLBACK=callback)
    assert "GO: 2 checks on 1 host are fine" in output


@pytest.mark.parametrize("callback", ["default", "minimal", "warroom.launch.war_room"])
def test_the_short_board_is_the_last_thing_on_screen(site, callback):
    site.write(local("web1", "127.0.0.1:1"), launch_check_board="short")
    done = run(
        "ansible-playbook", "playbooks/launch_check.yml", "-i", site.folder / "inventory", "-e", f"@{site.folder}/settings.json",
        env={"ANSIBLE_STDOUT_CALLBACK": callback, "COLUMNS": "80"},
    )  # fmt: skip
    assert done.returncode == 2
    *before, board, end = done.stdout.split("═" * 80)
    lines = board.strip().splitlines()
    assert lines[0].startswith("NO-GO: ") and lines[-1] == f"Report: {site.folder}/report/index.html" and len(lines) <= 21
    assert not end.strip() and "═" not in "".join(before), "it is there once, and nothing follows"


def test_by_its_installed_name(site, uwsgi):
    site.write(local("app1", uwsgi))
    assert site.check(playbook="warroom.launch.launch_check")[0] == 0


def play(site, text):
    path = site.folder / "play.yml"
    path.write_text(text)
    return str(path)


def test_in_batches_the_last_one_judges_all(site, uwsgi):
    site.write(local("app1", uwsgi), "gone ansible_host=127.0.0.1 ansible_port=1", local("app3", uwsgi))
    text = "- {hosts: all, gather_facts: false, serial: 1, roles: [warroom.launch.launch_check]}\n"
    rc, output, report = site.check(playbook=play(site, text))
    assert rc == 2 and output.count("hosts of later batches are still to come") == 0
    assert len(report["hosts"]) == 3 and statuses(report)["gone", "host_reached"] == "unknown"


def test_without_a_common_pace_there_is_no_verdict(site, uwsgi):
    site.write(local("app1", uwsgi), local("app2", uwsgi))
    text = "- {hosts: all, gather_facts: false, strategy: free, roles: [warroom.launch.launch_check]}\n"
    rc, output, report = site.check(playbook=play(site, text))
    assert rc == 2 and report is None and "strategy: linear" in output


def test_the_playbook_keeps_its_pace_whatever_is_configured(site, uwsgi):
    site.write(local("app1", uwsgi), local("app2", uwsgi))
    assert site.check(ANSIBLE_STRATEGY="free")[0] == 0


OWN = """
- hosts: all
  gather_facts: false
  tasks:
    - warroom.launch.uwsgi_stats: {stats: "{{ stats }}", window: 0}
    - warroom.launch.judge: {report_dir: "{{ launch_check_report_dir }}", catalogue: "{{ launch_check_catalogue }}"}
      run_once: true
      register: launch
    - ansible.builtin.assert:
        that:
          - launch.verdict == 'go'
          - not launch.stop
          - launch.counts.ok == 4
          - (ansible_facts | warroom.launch.evaluate(checks, thresholds=higher) | warroom.launch.verdict).go
          - (hostvars.app2.ansible_facts | warroom.launch.evaluate(checks) | warroom.launch.verdict).verdict == 'no-go'
      vars:
        higher: {x: {fail: '> 5'}}
        checks: [{id: x, service: uwsgi, question: q, value: "sum([workers.total, `1`])", fail: '> 1', finding: f, advice: a}]
"""


def test_in_a_playbook_of_ones_own(site, uwsgi):
    site.write(local("app1"), local("app2"), stats=uwsgi)
    rc, output, _report = site.check(playbook=play(site, OWN))
    assert rc == 0, output
