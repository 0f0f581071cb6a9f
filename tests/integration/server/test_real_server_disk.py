# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real program that writes to a disk is seen by root with what it writes, and by nobody else."""

from __future__ import annotations

import os
import pathlib

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._diagnose.fleet_view import Fleet
from ansible_collections.warroom.launch.plugins.plugin_utils._diagnose.foreign_disk import foreign_disk
from tests.gameday.faults_data import WRITER
from tests.support.host import python, read
from tests.support.server import wait_until

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root may see what others read and write")


def _written(pid: int) -> int:
    fields = dict(line.split(": ") for line in pathlib.Path(f"/proc/{pid}/io").read_text(encoding="ascii").splitlines())
    return int(fields["write_bytes"])


def test_a_writer_is_first_and_is_named_where_the_disk_under_a_database_is_slow(tmp_path: pathlib.Path) -> None:
    with python(WRITER, tmp_path / "written", 40) as process:
        wait_until(lambda: _written(process.pid) > 0, "it writes")
        before = _written(process.pid)
        facts = read(1.5)
        most = (_written(process.pid) - before) / 1.5
    row = next(each for each in facts["processes_by_disk"] if each["pid"] == process.pid)
    assert row["service"] is None and (1 << 20) < row["write_bytes_per_second"] <= most
    # others may be at work on this machine: only what this test did itself is certain
    facts["processes_by_disk"] = [{**row, "share_ratio": 0.9}]
    finding = {
        "check": "server_iowait_database",
        "host": "db1",
        "instance": facts["name"],
        "status": "fail",
        "finding": "slow",
        "look": "htop",
    }
    database = {"schema": 1, "instances": [{"name": "5432", "state": "up"}]}
    hosts = {"db1": {"facts": {"launch_server": {"schema": 1, "instances": [facts]}, "launch_postgresql": database}}}
    [cause] = foreign_disk(Fleet(hosts, [finding], {"groups": {}, "addresses": {}}))  # type: ignore[list-item]
    assert f"(pid {process.pid}) takes the disk from the database on db1" in cause.statement
