# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The check over real hosts by SSH, four of which are in trouble: the rest is judged, and nobody vanishes."""

from __future__ import annotations

import pathlib
import subprocess
import typing as t

import pytest

from tests.support import ansible
from tests.support.fleet import Fleet, Host, cannot
from tests.support.written import EVERYTHING, written

REASON = cannot()
pytestmark = pytest.mark.skipif(REASON is not None, reason=f"no fleet can be made here: {REASON}")

NAMES = ["web1", "app1", "gone", "frozen", "bare", "full"]


def without_python(host: Host) -> None:
    for link in [*host.root.glob("usr/bin/python3*"), *host.root.glob("usr/bin/python")]:
        link.unlink()


def with_a_full_disk(host: Host) -> None:
    for place in ("/root", "/tmp", "/var/tmp"):
        keep = host.run("cat", "/root/.ssh/authorized_keys").stdout if place == "/root" else ""
        host.run("mount", "-t", "tmpfs", "-o", f"size=16k,mode={'700' if place == '/root' else '1777'}", "tmpfs", place)
        if keep:
            host.run("mkdir", "-m", "700", "/root/.ssh")
            host.run("sh", "-c", f"printf '%s' '{keep.strip()}' > /root/.ssh/authorized_keys")
        host.run("sh", "-c", f"cat /dev/zero > {place}/filler || true")


@pytest.fixture(scope="module")
def fleet() -> t.Iterator[Fleet]:
    with Fleet(NAMES) as made:
        without_python(made.hosts["bare"])
        with_a_full_disk(made.hosts["full"])
        made.hosts["frozen"].freeze()
        made.hosts["gone"].kill()
        yield made


@pytest.fixture(scope="module")
def run(fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], dict[str, t.Any]]:
    folder: pathlib.Path = tmp_path_factory.mktemp("report")
    inventory = fleet.inventory(launch_check_report_dir=str(folder), launch_check_window=1, launch_check_host_timeout=40, **EVERYTHING)
    # bounded as a whole: the frozen host costs its time limit, not the run
    done = ansible.run("ansible-playbook", "-i", inventory, "playbooks/launch_check.yml", seconds=240)
    assert (folder / "launch.json").exists(), done.stdout + done.stderr
    return done, written(folder)


def status_of(report: dict[str, t.Any], host: str) -> set[str]:
    return {one["status"] for one in report["findings"] if one["host"] == host}


def test_every_host_that_was_asked_is_in_the_verdict(run: t.Any) -> None:
    _done, report = run
    assert set(report["hosts"]) == set(NAMES)
    assert {one["host"] for one in report["findings"]} >= set(NAMES)


def test_the_healthy_hosts_are_judged(run: t.Any) -> None:
    _done, report = run
    for host in ("web1", "app1"):
        assert report["hosts"][host]["reached"] and "launch_server" in report["hosts"][host]["facts"]
        assert "ok" in status_of(report, host)


@pytest.mark.parametrize("host", ["gone", "frozen", "bare", "full"])
def test_each_host_in_trouble_is_named_with_its_trouble(run: t.Any, host: str) -> None:
    _done, report = run
    assert status_of(report, host) & {"fail", "unknown"} and "ok" not in status_of(report, host) - {"skipped"}
    assert not report["hosts"][host]["reached"]
    words = " ".join(str(one["finding"]) + str(one["reason"]) for one in report["findings"] if one["host"] == host)
    assert words.strip() and "Traceback" not in words
    expected = {
        "bare": ("python", "Python"),
        "full": ("space", "disk", "writ"),
        "gone": ("reach", "connect"),
        "frozen": ("imed out", "timeout", "seconds"),
    }
    assert any(word in words for word in expected[host]), words


def test_the_run_is_no_go(run: t.Any) -> None:
    done, report = run
    assert report["verdict"] in ("no-go", "unknown") and done.returncode != 0
