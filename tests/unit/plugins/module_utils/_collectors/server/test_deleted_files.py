# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that are deleted and open: df says that the disk is full, and du finds half of it. https://github.com/tenex/rails-assets/issues/386,
https://github.com/vectordotdev/vector/issues/22273, https://github.com/elastic/beats/issues/896,
https://github.com/stefanpejcic/OpenPanel/issues/1139"""

from __future__ import annotations

import os
import pathlib

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collectors.server import deleted_files
from tests.support.machine import GIB, facts, row


def test_what_is_deleted_and_open_is_found_by_who_has_it(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deleted_files, "LARGE_BYTES", 20_000)
    ours = row(os.getpid(), "nginx", service="nginx", kind="nginx worker", created=5.0)
    later = ours._replace(created=9.0)  # a worker has what its main process opened
    with open(tmp_path / "error.log", "wb") as log, open(tmp_path / "kept.log", "wb") as kept, open(tmp_path / "small", "wb") as small:
        for handle, size in ((log, 40_000), (kept, 40_000), (small, 10)):
            handle.write(b"x" * size)
            handle.flush()
            os.fsync(handle.fileno())
        log_name = str(tmp_path / "error.log")
        os.unlink(log_name)
        os.unlink(tmp_path / "small")
        memory = os.memfd_create("large")
        os.write(memory, b"x" * 40_000)
        found = [each for each in deleted_files.read([later, ours]) if each.path.startswith(("/memfd", str(tmp_path)))]
        os.close(memory)
    assert [(each.path, each.row.created) for each in found] == [(log_name, 5.0)] and found[0].size >= 40_000


def test_a_process_that_may_not_be_read_is_left_out(tmp_path: pathlib.Path) -> None:
    assert deleted_files.read([row(7)], str(tmp_path)) == []


@pytest.mark.parametrize(("used", "available", "looks"), [(126, 5, True), (79, 21, False), (80, 20, True), (0, 0, False)])
def test_it_is_looked_for_when_a_filesystem_is_nearly_full(used: int, available: int, looks: bool) -> None:
    assert (
        deleted_files.is_occasion([{"used_bytes": 1, "available_bytes": 99}, {"used_bytes": used, "available_bytes": available}]) is looks
    )


def test_the_sum_and_the_largest() -> None:
    held = [
        deleted_files.Held(row(9, "backup"), "/tmp/archive.tar", 52 * GIB),
        deleted_files.Held(row(8, "x", service="nginx"), "/var/log/a", GIB),
    ]
    found = facts(deleted_files=held)
    assert (found["deleted_files_bytes"], found["deleted_files_total"], found["deleted_files"][0]["pid"]) == (53 * GIB, 2, 9)
    assert facts()["deleted_files_bytes"] == 0
