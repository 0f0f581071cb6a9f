# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading a machine whose psutil and kernel lack things, fail, or change while they are read."""

from __future__ import annotations

import errno
import json
import os
import sys
import threading

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect.command import Ran
from ansible_collections.warroom.launch.plugins.module_utils._collectors.server import collector, fetch, process_table, tools
from ansible_collections.warroom.launch.plugins.module_utils._collectors.server.proc_source import ProcSource
from tests.support.machine import FakePsutil, proc, process, record
from tests.support.tools import FakeCommands


def facts_of(psutil, root, tools, monkeypatch, window=0.0):
    """The probe from end to end over a fake machine; the window passes at once."""
    monkeypatch.setattr(collector, "source", lambda: psutil)
    monkeypatch.setattr(collector, "Host", lambda lib: fetch.Host(lib, root))
    monkeypatch.setattr(collector.clock, "kernel_log", lambda: None)
    # beyond every process id: the one of this test may be that of a process of the fake machine, and one's own is not counted
    monkeypatch.setattr(collector.os, "getpid", lambda: 2**22 + 1)
    probe = collector.ServerSampler({}, tools)
    probe.first()
    if window:
        probe.watch(window)
        probe.second()
    facts = probe.facts(window or None).done()
    json.dumps(facts, allow_nan=False).encode("utf-8")
    return facts


def test_a_machine(tmp_path, tools, monkeypatch):
    facts = facts_of(FakePsutil(process(7, "uwsgi")), proc(tmp_path), tools, monkeypatch, window=0.02)
    assert facts["cores_online"] == 2 and facts["load1"] == pytest.approx(0.77, abs=0.01)
    assert [(one["name"], one["processes"]) for one in facts["services"]] == [("uwsgi", 1)]
    assert facts["processes_total"] == 2
    assert facts["swapping"] is False


@pytest.mark.parametrize("error", [AttributeError("no"), NotImplementedError(), OSError(13, "denied"), RuntimeError(), ValueError("x")])
def test_s10_everything_fails(error, tmp_path, tools, monkeypatch):
    psutil = FakePsutil(
        cpu_times=error,
        cpu_count=error,
        virtual_memory=error,
        disk_io_counters=error,
        net_io_counters=error,
        boot_time=error,
        getloadavg=error,
    )
    psutil.processes = [error]
    facts = facts_of(psutil, str(tmp_path), tools, monkeypatch, window=0.02)
    for name in ("load_ratio", "cpu_busy_ratio", "iowait_ratio", "memory_available_ratio", "swapping", "uptime_seconds", "processes_total"):
        assert facts[name] is None, name
        assert facts["unknown"][name], name
    assert facts["pressure"] is None and "PSI" in facts["unknown"]["pressure"]
    assert facts["services"] is None and facts["unknown"]["services"]
    assert facts["disks"] is None and facts["network"] is None


def test_s10_fields_that_are_not_there(tmp_path, tools, monkeypatch):
    psutil = FakePsutil(
        process(5, cpu_times=None, memory_info=None, status=None, create_time=None, ppid=None),
        cpu_times=record(user=1.0, system=1.0, idle=8.0),
        virtual_memory=record(total=100, available=40),
        disk_io_counters={"sda": record(read_count=1)},
        net_io_counters=None,
    )
    facts = facts_of(psutil, proc(tmp_path), tools, monkeypatch)
    assert facts["memory_available_ratio"] == 0.4
    assert facts["processes_seen"] == 2
    host = fetch.Host(psutil, str(tmp_path))
    assert "iowait" not in host.sample().cpu


def test_s01_processes_vanish_in_the_middle(tmp_path):
    class Vanishing(FakePsutil):
        walks = 0

        def process_iter(self, *_args):
            self.walks += 1
            yield process(1, "init")
            if self.walks == 1:
                raise FileNotFoundError(2, "No such file", "/proc/4711/stat")
            yield process(2)

    read = process_table.TableReader(fetch.Host(Vanishing(), str(tmp_path))).read()
    assert set(read.rows) == {1, 2} and read.readable


def test_s01_a_table_that_never_can_be_read_is_said(tmp_path):
    psutil = FakePsutil()
    psutil.processes = [FileNotFoundError(2, "No such file")]
    read = process_table.TableReader(fetch.Host(psutil, str(tmp_path))).read()
    assert not read.readable and read.rows == {}


def test_s03_denied_and_hidden(tmp_path, tools, monkeypatch):
    psutil = FakePsutil()
    psutil.processes = [process(77, "bash"), process(78, None)]
    facts = facts_of(psutil, proc(tmp_path), tools, monkeypatch)
    assert facts["processes_filtered"] is True
    assert facts["processes_total"] is None and "hidepid" in facts["unknown"]["processes_total"]
    assert facts["services"] is None and "hidepid" in facts["unknown"]["services"]
    assert facts["zombies"] is None
    assert facts["processes_seen"] == 1


def test_s03_what_is_seen_of_a_hidden_table_is_kept(tmp_path, tools, monkeypatch):
    psutil = FakePsutil()
    psutil.processes = [process(77, "uwsgi"), process(78, "x", status="zombie", ppid=77)]
    facts = facts_of(psutil, proc(tmp_path), tools, monkeypatch)
    assert [one["name"] for one in facts["services"]] == ["uwsgi"]
    assert facts["services_complete"] is False
    assert facts["zombies"] == 1 and facts["zombie_processes"][0]["parent"] == "uwsgi"


def test_s07_names_that_are_not_utf8(tmp_path, tools, monkeypatch):
    facts = facts_of(FakePsutil(process(5, "caf\udce9"), process(6, "\x1b[31mred\n")), proc(tmp_path), tools, monkeypatch)
    assert {one["name"] for one in facts["processes_by_memory"]} == {"init", "caf\ufffd", "[31mred"}


def test_s12_names_lengthened_from_the_command_line_are_cut(tmp_path):
    psutil = FakePsutil(process(5, "mysql-client-xx -pEXAMPLEPW"), process(6, "systemd-timesyncd"))
    rows = process_table.TableReader(fetch.Host(psutil, str(tmp_path))).read().rows
    assert rows[5].name == "mysql-client-xx"
    assert rows[6].name == "systemd-timesyncd"


def test_parents_and_workers_of_servers_that_fork(tmp_path):
    files = {
        "proc__20__cmdline": "/usr/bin/python3\0/usr/bin/celery\0-A\0shop\0worker\0",
        "proc__30__cmdline": "uwsgi\0--emperor\0/etc/uwsgi\0",
    }
    files["proc__21__cmdline"] = files["proc__20__cmdline"]
    files["proc__40__cmdline"] = files["proc__20__cmdline"]
    psutil = FakePsutil(
        process(20, "celery"), process(21, "celery", ppid=20), process(40, "celery"),
        process(30, "uwsgi"), process(31, "uwsgi", ppid=30), process(32, "uwsgi", ppid=31), process(33, "uwsgi", ppid=31),
    )  # fmt: skip
    rows = process_table.TableReader(fetch.Host(psutil, proc(tmp_path, **files))).read().rows
    assert {pid: rows[pid].kind for pid in (20, 21, 40)} == {20: "celery main process", 21: "celery worker", 40: "celery worker"}
    assert {pid: rows[pid].kind for pid in (30, 31, 32, 33)} == {
        30: "uwsgi emperor", 31: "uwsgi master", 32: "uwsgi worker", 33: "uwsgi worker",
    }  # fmt: skip


@pytest.mark.parametrize("uptime", ["", "x y"])
def test_s13_boot_in_the_future(uptime, tmp_path, tools, monkeypatch):
    facts = facts_of(FakePsutil(boot_time=1e12), proc(tmp_path, proc__uptime=uptime), tools, monkeypatch)
    assert facts["uptime_seconds"] is None
    assert "clock" in facts["unknown"]["uptime_seconds"]


def test_s13_uptime_of_the_kernel_wins(tmp_path, tools, monkeypatch):
    facts = facts_of(FakePsutil(boot_time=1e12), proc(tmp_path, proc__uptime="4711.25 99.1"), tools, monkeypatch)
    assert facts["uptime_seconds"] == 4711.2


def test_a12_five_thousand_processes_stay_small(tmp_path, tools, monkeypatch):
    many = [process(pid, "python3", status="zombie" if pid % 2 else "sleeping") for pid in range(2, 5002)]
    facts = facts_of(FakePsutil(*many), proc(tmp_path), tools, monkeypatch)
    assert facts["processes_total"] == 5001 and facts["zombies"] == 2500 and facts["python_processes_total"] == 5000
    assert len(json.dumps(facts)) < 30_000


def test_our_own_quota_counts_but_not_that_of_a_login_session(tmp_path):
    mounts = "30 20 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
    files = {"proc__self__mountinfo": mounts, "proc__1__cgroup": "0::/init.scope\n"}
    for place, cores in (("x.service", 0.5), ("user.slice/user-0.slice/session-1.scope", None)):
        root = proc(tmp_path / place.replace("/", "-"), proc__self__cgroup=f"0::/{place}\n", **files)
        folder = tmp_path / place.replace("/", "-") / "sys/fs/cgroup" / place
        folder.mkdir(parents=True)
        (folder / "cpu.max").write_text("50000 100000\n")
        assert fetch.Host(FakePsutil(), root).limits.cpu_cores == cores


@pytest.mark.parametrize(("space", "container"), [("pid:[4026531836]", False), ("pid:[4026532777]", True), (None, False)])
def test_a_container_has_a_pid_namespace_of_its_own(space, container, tmp_path):
    (tmp_path / "proc/self/ns").mkdir(parents=True)
    (tmp_path / ".dockerenv").touch()
    if space:
        (tmp_path / "proc/self/ns/pid").symlink_to(space)
    assert fetch.Host(FakePsutil(), str(tmp_path)).state(1).container is container


def test_filesystems_that_hang_are_named(tmp_path, monkeypatch):
    lines = "1 1 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 0:50 / /mnt/gone rw - nfs4 nas:/x rw\n3 1 0:51 / /ro ro - ext4 /dev/sdb ro\n"
    host = fetch.Host(FakePsutil(), proc(tmp_path, proc__self__mountinfo=lines))
    released = threading.Event()
    real = fetch._space

    def space(mount, root):
        if mount.kind == "nfs4":
            released.wait(30)
        return real(mount, root)

    monkeypatch.setattr(fetch, "_space", space)
    rows, silent, _forbidden = host._filesystems(0.2)
    released.set()
    assert [row["name"] for row in rows] == ["/"]
    assert silent == ["/mnt/gone"]


def test_a_dead_filesystem_is_silent_and_a_private_one_is_not_ours_to_read(tmp_path, monkeypatch):
    lines = "1 1 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 0:50 /dead /dead rw - fuse.x x rw\n3 1 0:51 /own /own rw - ext4 /dev/sdb rw\n"
    host = fetch.Host(FakePsutil(), proc(tmp_path, proc__self__mountinfo=lines))

    def space(mount, _root):
        if mount.point != "/":
            raise OSError(errno.ENOTCONN if mount.point == "/dead" else errno.EACCES, "refused")
        return {"name": mount.point}

    monkeypatch.setattr(fetch, "_space", space)
    assert host._filesystems(5) == ([{"name": "/"}], ["/dead"], ["/own"])


def test_one_row_per_device_and_place(tmp_path):
    lines = (
        "1 1 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 8:1 /x /bind rw - ext4 /dev/sda1 rw\n3 1 0:5 / /tmp rw - tmpfs tmpfs rw\n"
        "4 1 0:6 / /tmp rw - tmpfs tmpfs rw\n5 1 0:7 / /snap/x ro - squashfs /dev/loop1 ro\n6 1 0:8 / /merged rw - overlay overlay rw\n"
    )
    (tmp_path / "tmp").mkdir()
    host = fetch.Host(FakePsutil(), proc(tmp_path, proc__self__mountinfo=lines))
    assert [row["name"] for row in host._filesystems(5)[0]] == ["/", "/tmp"]


def test_without_psutil_proc_is_read(monkeypatch):
    monkeypatch.setitem(sys.modules, "psutil", None)
    assert isinstance(collector.source(), ProcSource)
    monkeypatch.setattr(collector.os.path, "exists", lambda _path: False)
    with pytest.raises(collector.Problem, match="psutil does not work"):
        collector.source()


STAT = "4711 (a) b) S 1 4711 4711 0 -1 4194560 1 0 0 0 250 50 0 0 20 0 1 0 1000 9999 256 18446744073709551615\n"


def test_a_machine_by_proc_alone(tmp_path, tools, monkeypatch):
    files = {
        "proc__4711__stat": STAT, "proc__4711__statm": "2000 256 64 1 0 200 0\n", "proc__4712__stat": "cut (",
        "proc__1__stat": STAT.replace("4711 (a) b) S 1", "1 (init) S 0"), "proc__1__statm": "1 1 1\n",
        "proc__net__dev": "Inter-| x\n face | y\n  eth0: 1000 10 1 2 0 0 0 0 2000 20 3 4 0 0 0 0\n",
        "proc__diskstats": "   8       0 sda 10 0 80 5 20 0 160 15 0 18 20\n",
        "proc__net__fib_trie": "Local:\n     |-- 127.0.0.1\n        /32 host LOCAL\n     |-- 192.0.2.7\n        /32 host LOCAL\n",
        "proc__net__if_inet6": "20010db8000000000000000000000007 02 40 00 80 eth0\n",
    }  # fmt: skip
    root = proc(tmp_path, **files)
    source = ProcSource(root)
    (tmp_path / "sys/block/sda/device").mkdir(parents=True)
    facts = facts_of(source, root, tools, monkeypatch, window=0.02)
    assert facts["processes_seen"] == 2 and facts["processes_by_memory"][0]["rss_bytes"] == 256 * 4096
    assert facts["addresses"] == ["192.0.2.7", "2001:db8::7"]
    assert facts["load1"] == pytest.approx(0.77, abs=0.01) and facts["memory_available_ratio"] > 0
    assert facts["disks"][0]["name"] == "sda" and facts["network"][0]["name"] == "eth0"
    row = next(row for row in source.process_iter() if row.info["pid"] == 4711)
    assert (row.info["name"], row.info["status"], row.ppid()) == ("a) b", "sleeping", 1)
    assert (row.info["cpu_times"].user, row.info["cpu_times"].system, row.info["memory_info"].shared) == (2.5, 0.5, 64 * 4096)
    disk, card = source.disk_io_counters()["sda"], source.net_io_counters()["eth0"]
    assert (disk.read_count, disk.read_bytes, disk.write_time, disk.busy_time) == (10, 80 * 512, 15, 18)
    assert (card.bytes_recv, card.packets_sent, card.errin, card.dropout) == (1000, 20, 1, 4)


def test_proc_and_psutil_say_the_same_of_this_machine():
    psutil = pytest.importorskip("psutil", reason="psutil is not installed, so there is no second opinion")
    ours = ProcSource()
    assert ours.cpu_count() == psutil.cpu_count() and ours.boot_time() == pytest.approx(psutil.boot_time(), abs=2)
    memory = psutil.virtual_memory()
    assert ours.virtual_memory().total == memory.total
    assert ours.virtual_memory().available == pytest.approx(memory.available, rel=0.2)
    mine = next(row for row in ours.process_iter() if row.info["pid"] == os.getpid())
    theirs = psutil.Process()
    assert mine.info["create_time"] == pytest.approx(theirs.create_time(), abs=2) and mine.ppid() == theirs.ppid()
    assert mine.info["memory_info"].rss == pytest.approx(theirs.memory_info().rss, rel=0.3)
    assert set(ours.net_io_counters()) == set(psutil.net_io_counters(pernic=True))
    assert set(ours.disk_io_counters()) >= set(psutil.disk_io_counters(perdisk=True) or {})


@pytest.mark.parametrize(("loads", "absent"), [(0, False), (2, True)], ids=["with its modules", "without"])
def test_a_tool_without_its_modules_of_perl_is_absent(loads: int, absent: bool) -> None:
    commands = FakeCommands()
    commands.answers = {"top": b"", "mytop": b"", "perl": Ran(loads, b"", b"")}
    found = tools.absent(commands)  # type: ignore[arg-type]
    assert ("mytop" in found) is absent and "innotop" in found and "htop" in found and "top" not in found
