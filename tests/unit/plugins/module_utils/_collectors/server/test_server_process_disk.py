# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What processes read and write: the kernel's account of each over the window, and of this very process for real."""

from __future__ import annotations

import os
import pathlib
import typing as t

from ansible_collections.warroom.launch.plugins.module_utils._collect.facts import Facts
from ansible_collections.warroom.launch.plugins.module_utils._collectors.server import process_disk
from ansible_collections.warroom.launch.plugins.module_utils._collectors.server.process_table import Row, Table

IO = "rchar: 1\nwchar: 2\nsyscr: 3\nsyscw: 4\nread_bytes: {}\nwrite_bytes: {}\ncancelled_write_bytes: {}\n"
MIB = 1 << 20


class Host:
    """/proc/PID/io of some processes."""

    def __init__(self, **io: str) -> None:
        self.io = {f"/proc/{pid[1:]}/io": text for pid, text in io.items()}

    def read(self, path: str) -> t.Optional[str]:
        return self.io.get(path)


def table(**services: t.Optional[str]) -> Table:
    rows = {int(pid[1:]): Row(int(pid[1:]), 10.0, 1, pid, service, pid, "running", 0.0, 0, 0) for pid, service in services.items()}
    return Table(0.0, rows, False, True)


PROCESSES = table(p1=None, p41="postgresql", p977=None)


def measured(before: t.Any, after: t.Any, seconds: t.Optional[float] = 5.0, now: Table = PROCESSES) -> dict[str, t.Any]:
    facts = Facts()
    first, last = (None if host is None else process_disk.read(host, now) for host in (before, after))
    process_disk.put(facts, now, first, last, seconds, 10)
    return facts.done()


def test_who_moves_most_comes_first_and_what_was_dropped_is_not_written() -> None:
    before = Host(p1=IO.format(0, 0, 0), p41=IO.format(5 * MIB, 0, 0), p977=IO.format(0, 100 * MIB, 0))
    after = Host(p1=IO.format(0, 0, 0), p41=IO.format(15 * MIB, 0, 0), p977=IO.format(0, 160 * MIB, 20 * MIB))
    first, second = measured(before, after)["processes_by_disk"]
    assert (first["pid"], first["service"], first["write_bytes_per_second"]) == (977, None, 8 * MIB) and first["share_ratio"] == 0.8
    assert (second["pid"], second["read_bytes_per_second"], second["service"]) == (41, 2 * MIB, "postgresql")


def test_a_process_that_began_in_the_window_counts_from_its_birth() -> None:
    before = Host(p1=IO.format(0, 0, 0), p41=IO.format(0, 0, 0))
    after = Host(p1=IO.format(0, 0, 0), p41=IO.format(0, 0, 0), p977=IO.format(0, 50 * MIB, 0))
    [row] = measured(before, after)["processes_by_disk"]
    assert row["write_bytes_per_second"] == 10 * MIB


def test_without_root_and_with_one_sample_it_is_unknown() -> None:
    """A user's own processes are not all there are."""
    mine = Host(p977=IO.format(0, 50 * MIB, 0))
    assert "only root" in measured(mine, mine)["unknown"]["processes_by_disk"]
    assert "only root" in measured(Host(p1="odd"), Host(p1="read_bytes: x"))["unknown"]["processes_by_disk"]
    whole = Host(**dict.fromkeys(("p1", "p41", "p977"), IO.format(0, 0, 0)))
    assert measured(whole, whole)["processes_by_disk"] == [] and measured(whole, None, None)["processes_by_disk"] is None
    assert "only root" in measured(whole, whole, now=PROCESSES._replace(filtered=True))["unknown"]["processes_by_disk"], "hidepid"


def test_a_first_process_that_is_closed_to_a_containers_root_hides_nothing() -> None:
    closed = Host(p41=IO.format(0, 0, 0), p977=IO.format(0, 0, 0))
    after = Host(p41=IO.format(0, 0, 0), p977=IO.format(0, 50 * MIB, 0))
    assert [row["pid"] for row in measured(closed, after)["processes_by_disk"]] == [977]


def test_this_process_writes_for_real(tmp_path: pathlib.Path) -> None:
    """The kernel's own file, read and parsed; a filesystem in memory accounts for nothing, so only the form is compared."""

    class Real:
        def read(self, path: str) -> str:
            return pathlib.Path(path.replace("/proc/1/", f"/proc/{os.getpid()}/")).read_text(encoding="utf-8")

    here = Table(0.0, {1: PROCESSES.rows[1], os.getpid(): PROCESSES.rows[977]._replace(pid=os.getpid())}, False, True)
    before = process_disk.read(t.cast(t.Any, Real()), here)
    with (tmp_path / "written").open("wb") as written:
        written.write(b"x" * MIB)
        os.fsync(written.fileno())
    after = process_disk.read(t.cast(t.Any, Real()), here)
    key = (os.getpid(), 10.0)
    assert before is not None and after is not None and after[key][1] >= before[key][1]
