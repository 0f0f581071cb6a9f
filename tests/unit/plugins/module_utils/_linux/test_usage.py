# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What processes and the machine use, against what this very process knows of itself."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._linux import usage
from ansible_collections.warroom.launch.plugins.module_utils._linux.processes import children_now
from tests.support.server import wait_until

NOBODY = 2**22 + 5


def test_this_process():
    memory = usage.memory(os.getpid())
    assert memory.rss > 1 << 20
    assert memory.uss is None or 0 < memory.uss <= memory.pss <= memory.rss
    assert usage.parent(os.getpid()) == os.getppid()
    before = usage.cpu_seconds(os.getpid())
    until = time.process_time() + 0.1
    while time.process_time() < until:
        pass
    assert usage.cpu_seconds(os.getpid()) - before >= 0.05
    threads = usage.thread_cpu_seconds(os.getpid())
    assert os.getpid() in threads and sum(threads.values()) <= usage.cpu_seconds(os.getpid()) + 0.1


def test_a_process_that_is_gone():
    assert usage.memory(NOBODY) is None and usage.cpu_seconds(NOBODY) is None and usage.parent(NOBODY) is None
    assert usage.thread_cpu_seconds(NOBODY) == {}


def test_the_machine():
    idle, whole = usage.machine_cpu()
    assert 0 <= idle <= whole
    assert usage.machine_memory()["MemAvailable"] <= usage.machine_memory()["MemTotal"]
    assert 1 <= usage.cores() <= os.cpu_count()


@pytest.mark.parametrize(
    ("content", "memory"),
    [
        ("Rss: 100 kB\nPss: 60 kB\nPrivate_Clean: 10 kB\nPrivate_Dirty: 20 kB\nShared_Dirty: 70 kB\n", usage.Memory(102400, 61440, 30720)),
        (None, usage.Memory(7 * os.sysconf("SC_PAGE_SIZE"))),
    ],
)
def test_memory_falls_back_to_the_resident_set(tmp_path, monkeypatch, content, memory):
    (tmp_path / "9").mkdir()
    (tmp_path / "9" / "statm").write_text("100 7 3 1 0 5 0")
    if content:
        (tmp_path / "9" / "smaps_rollup").write_text("7f00-7fff ---p 00000000 00:00 0 [rollup]\n" + content)
    monkeypatch.setattr(usage, "PROC", str(tmp_path))
    assert usage.memory(9) == memory


def test_a_name_with_blanks_and_brackets(tmp_path, monkeypatch):
    (tmp_path / "9").mkdir()
    (tmp_path / "9" / "stat").write_text("9 (my (odd) app) S 4 " + " ".join(str(number) for number in range(5, 60)))
    monkeypatch.setattr(usage, "PROC", str(tmp_path))
    assert usage.parent(9) == 4
    assert usage.cpu_seconds(9) == (14 + 15) / os.sysconf("SC_CLK_TCK")


def test_a_fork_is_told_from_a_program_that_was_begun() -> None:
    """Gunicorn's workers are forked, its second main process (USR2) is begun anew under the same words."""
    with subprocess.Popen([sys.executable, "-c", "import os, time\nif os.fork(): os.wait()\nelse: time.sleep(60)"]) as begun:
        try:
            (forked,) = wait_until(lambda: children_now(begun.pid), "it has a child")
            assert usage.was_executed(begun.pid) and not usage.was_executed(forked)
            os.kill(forked, signal.SIGKILL)
        finally:
            begun.kill()
    assert not usage.was_executed(begun.pid)


def test_who_may_continue_a_process_is_said() -> None:
    assert usage.continued(9, 4) == "continue them (kill -CONT 4 9, as root or the user of the process) or restart them"
