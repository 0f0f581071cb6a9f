# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The kernel's texts, whole, cut and strange."""

from __future__ import annotations

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collectors.server import parse
from ansible_collections.warroom.launch.plugins.module_utils._linux import kernel_text
from ansible_collections.warroom.launch.plugins.module_utils._linux.cgroup import membership


def test_recorded_files(fixture_file):
    text = {name: fixture_file(f"server/psutil-7.2.2/proc-{name}.txt").decode() for name in ("loadavg", "vmstat", "meminfo", "stat")}
    assert len(parse.loadavg(text["loadavg"])) == 3
    assert {"pswpin", "pswpout", "oom_kill", "pgmajfault"} <= set(kernel_text.keyed(text["vmstat"]))
    assert kernel_text.keyed(text["meminfo"])["MemTotal"] == 25276502016  # what psutil said at the same moment
    assert {"ctxt", "processes", "procs_running", "procs_blocked"} <= set(kernel_text.keyed(text["stat"]))
    lines = parse.pressure(fixture_file("server/psutil-7.2.2/proc-pressure-cpu.txt").decode())
    assert set(lines["some"]) == {"avg10", "avg60", "avg300", "total"}


@pytest.mark.parametrize(
    "read",
    [
        kernel_text.keyed,
        parse.pressure,
        kernel_text.mounts,
        membership,
        kernel_text.first_numbers,
        lambda text: parse.paired(text, "TcpExt"),
    ],
)
@pytest.mark.parametrize("text", [None, "", "\n\n", "x", "some", "a b c : - / \x00", "9" * 5000])
def test_nonsense_is_nothing(read, text):
    assert not {key: value for key, value in dict.fromkeys(read(text)).items() if value}


def test_load_that_is_not_three_numbers():
    assert parse.loadavg("0.5 0.4") is None
    assert parse.loadavg("a b c 1/2 3") is None


def test_netstat_pairs_names_with_values():
    text = "TcpExt: SyncookiesSent ListenOverflows\nTcpExt: 0 7\nIpExt: InOctets\nIpExt: 5\n"
    assert parse.paired(text, "TcpExt") == {"SyncookiesSent": 0, "ListenOverflows": 7}
    assert parse.paired("TcpExt: A B\n", "TcpExt") == {}


def test_thread_names_may_hold_anything():
    fields = "R 1 1 1 0 -1 4194304 0 0 0 0 30 12 0 0 20 0 1 0 777 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 3 0"
    data = b"42 (a) b (\xe9) " + fields.encode()
    thread = parse.thread(data)
    assert (thread.ticks, thread.started, thread.processor) == (42, 777, 3)
    assert thread.name == "a) b (\ufffd"
    assert parse.thread(b"42 (x) R 1") is None
    assert parse.thread(b"") is None
    assert parse.thread(b"42 (x) " + b"R " * 40) is None


def test_open_files_limit():
    assert parse.open_files_limit("Limit  Soft\nMax open files            1024                 4096                 files\n") == 1024
    assert parse.open_files_limit("Max open files            unlimited            unlimited            files") is None
    assert parse.open_files_limit(None) is None
    assert parse.opens_without_limit("Max open files            unlimited            unlimited            files")
    assert not parse.opens_without_limit("Max open files            1024                 unlimited            files")


def test_killed_processes_in_the_kernel_log():
    records = [
        "6,339,5140900,-;NET: Registered protocol family 10\n",
        "3,2000,9000000,-;Out of memory: Killed process 4242 (uwsgi) total-vm:1kB, anon-rss:1kB\n SUBSYSTEM=x\n",
        "3,2001,9500000,-;Memory cgroup out of memory: Killed process 7 (a b), UID 0\n",
        "broken",
    ]
    assert parse.oom_records(records) == [(9.0, "uwsgi"), (9.5, "a b")]


def test_chrony():
    line = "C0A80101,192.0.2.1,3,1795569821.03,0.000123,0.0001,0.0001,-12.3,0.0,0.01,0.01,0.001,64.2,Normal\n"
    assert parse.chrony_tracking(line) == (True, -0.000123)
    assert parse.chrony_tracking(line.replace("Normal", "Not synchronised"))[0] is False
    assert parse.chrony_tracking("506 Cannot talk to daemon") is None


def test_mount_points_with_spaces():
    line = "30 25 0:27 / /mnt/two\\040words rw,relatime shared:1 master:2 - nfs4 host:/x rw,vers=4\n"
    mount = kernel_text.mounts(line)[0]
    assert (mount.point, mount.kind, mount.source) == ("/mnt/two words", "nfs4", "host:/x")
