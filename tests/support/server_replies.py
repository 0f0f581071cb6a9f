# Copyright (c) 2026, the warroom.launch authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A machine from memory: the kernel's texts as rows of words, and psutil's answers, as the collector reads them."""

from __future__ import annotations

import contextlib
import errno
import pathlib
import tempfile
import typing as t
from unittest import mock

from ansible_collections.warroom.launch.plugins.module_utils._collect.sampling import count
from ansible_collections.warroom.launch.plugins.module_utils._collectors.server import collector, fetch, process_table
from ansible_collections.warroom.launch.plugins.module_utils._collectors.server.proc_source import ProcSource
from ansible_collections.warroom.launch.plugins.module_utils._linux import usage

from .machine import RECORDED, FakePsutil, process, record
from .reply_source import NOW, Clock, Facts, Source, lines, part, rows
from .tools import FakeCommands, tools_with

_CHRONY = "A9FEA97B,169.254.169.123,3,1795571000.1,0.000013,-0.00001,0.00003,-14.6,-0.001,0.04,0.0005,0.0002,16.2,Normal"
#: Beside what is recorded: a container with limits, a network, and two processes.
_FILES = {
    "proc/uptime": "86400.10 170000.00",
    "proc/self/mountinfo": "30 1 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n31 1 254:1 / / rw - ext4 /dev/vda1 rw",
    "proc/self/cgroup": "0::/app",
    "proc/1/cgroup": "0::/app",
    "sys/fs/cgroup/app/cpu.max": "150000 100000",
    "sys/fs/cgroup/app/memory.max": "4294967296",
    "sys/fs/cgroup/app/memory.current": "1073741824",
    "sys/fs/cgroup/app/memory.stat": "inactive_file 1048576\nfile 2097152",
    "sys/fs/cgroup/app/cpu.stat": "usage_usec 5000000\nnr_periods 100\nnr_throttled 7",
    "proc/net/netstat": "TcpExt: ListenOverflows ListenDrops TCPReqQFullDrop\nTcpExt: 3 4 5",
    "proc/net/snmp": "Tcp: OutSegs RetransSegs\nTcp: 100000 20",
    "proc/diskstats": "254 0 vda 500 0 4000 90 700 0 9000 80 0 60 170",
    "proc/net/dev": "eth0: 1000 10 1 1 0 0 0 0 2000 20 1 1 0 0 0 0",
    "proc/sys/fs/file-nr": "2048 0 100000",
    "proc/sys/net/core/somaxconn": "4096",
    "proc/sys/net/ipv4/tcp_max_syn_backlog": "512",
    "proc/sys/net/netfilter/nf_conntrack_count": "500",
    "proc/sys/net/netfilter/nf_conntrack_max": "65536",
    "proc/sys/vm/swappiness": "60",
    "proc/spl/kstat/zfs/arcstats": "size 4 1048576\nc_min 4 65536",
    "proc/1/stat": "1 (init) S 0 1 1 0 -1 0 0 0 0 0 10 5 0 0 20 0 1 0 5 100000 2560 0 0 0 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0",
    "proc/1/statm": "100 50 20 1 0 30 0",
    "proc/40/stat": "40 (postgres) S 1 40 40 0 -1 0 0 0 0 0 900 100 0 0 20 0 1 0 500 900000 25600 0 0 0 0 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0",
    "proc/40/statm": "30000 25600 5000 1 0 30 0",
    "proc/40/smaps_rollup": "Rss: 102400 kB\nPss: 61440 kB\nPrivate_Clean: 4096 kB\nPrivate_Dirty: 20480 kB",
    "proc/40/limits": "Max open files 1024 4096 files",
    "proc/40/fd/1": "",
}


#: Of the long texts only what is read of them, so that most changes meet it.
_READ = {
    "proc/vmstat": {"pswpin", "pswpout", "pgmajfault", "oom_kill"},
    "proc/meminfo": {"MemTotal:", "MemAvailable:", "Cached:", "Buffers:", "Shmem:", "SwapTotal:", "SwapFree:", "Dirty:", "Hugepagesize:"},
    "proc/stat": {"cpu", "cpu0", "cpu1", "ctxt", "btime", "processes", "procs_running", "procs_blocked"},
    "proc/diskstats": {"254"},
}


def _words(name: str, text: str) -> list[list[str]]:
    told = [line.split() for line in text.splitlines()]
    return [words for words in told if name not in _READ or words[0] in _READ[name]]


def _document() -> dict[str, t.Any]:
    recorded = {"proc/" + path.stem[5:].replace("-", "/"): path.read_text() for path in RECORDED.glob("proc-*.txt")}
    files = {name: _words(name, text) for name, text in {**recorded, **_FILES}.items()}
    disk = {"read_count": 10, "write_count": 20, "read_bytes": 4096, "write_bytes": 8192, "read_time": 5, "write_time": 6, "busy_time": 9}
    card = {"bytes_sent": 10, "bytes_recv": 20, "packets_sent": 1, "packets_recv": 2, "errin": 1, "errout": 0, "dropin": 1, "dropout": 0}
    answers = {
        "cpu_times": {"user": 10.0, "nice": 1.0, "system": 5.0, "idle": 80.0, "iowait": 1.0, "irq": 0.5, "softirq": 0.5, "steal": 0.1},
        "cpu_count": 2,
        "virtual_memory": {"total": 8 << 30, "available": 4 << 30, "cached": 1 << 30, "buffers": 1 << 20, "shared": 1 << 20},
        "disk_io_counters": {"vda": disk},
        "net_io_counters": {"eth0": card},
        "boot_time": NOW - 86400,
        "getloadavg": [0.1, 0.2, 0.3],
    }
    described = {"pid": 40, "ppid": 1, "name": "postgres", "status": "sleeping", "create_time": 1040.0}
    described |= {"cpu_times": {"user": 1.0, "system": 0.5}, "memory_info": {"rss": 100 << 20, "shared": 20 << 20}}
    space = {"size_bytes": 100 << 30, "used_bytes": 40 << 30, "available_bytes": 60 << 30, "inodes": 1000, "inodes_free": 900}
    return {"files": files, "psutil": answers, "processes": [described], "space": space, "chrony": [_CHRONY.split(",")]}


def _psutil(document: t.Any) -> FakePsutil:
    answers = part(document, "psutil")
    shaped = {name: _shaped(name, value) for name, value in answers.items()} if isinstance(answers, dict) else {}
    listed = [row for row in rows(part(document, "processes")) if isinstance(row, dict)]
    return FakePsutil(*(process(**{"pid": None, **{name: _record(value) for name, value in row.items()}}) for row in listed), **shaped)


def _shaped(name: str, value: t.Any) -> t.Any:
    if name.endswith("_counters") and isinstance(value, dict):
        return {key: _record(each) for key, each in value.items()}
    return _record(value)


def _record(value: t.Any) -> t.Any:
    return record(**{str(key): each for key, each in value.items()}) if isinstance(value, dict) else value


def _write(root: pathlib.Path, document: t.Any) -> None:
    files = part(document, "files")
    for name, words in files.items() if isinstance(files, dict) else ():
        place = root / str(name)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(lines(words).encode("utf-8", "surrogatepass"))
    (root / "sys/block/vda/device").mkdir(parents=True, exist_ok=True)


def _space(document: t.Any) -> t.Callable[..., t.Any]:
    """What statvfs tells is always a number: the kernel's own structure."""
    told = part(document, "space")
    counts = {name: count(value) for name, value in told.items()} if isinstance(told, dict) else {}
    whole = len(counts) == 5 and None not in counts.values()

    def space(mount: t.Any, _root: str) -> dict[str, t.Any]:
        if not whole:
            raise OSError(errno.EIO, "Input/output error")
        return {"name": mount.point, "kind": mount.kind, "device": mount.source, **counts}

    return space


def read(first: t.Any, second: t.Any, library: bool) -> Facts:
    """The facts of a machine; `library`: as psutil tells it, else from /proc alone."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        root, clock = pathlib.Path(folder), Clock(NOW)
        source = _psutil(first) if library else ProcSource(folder)
        commands = FakeCommands()
        commands.answers["chronyc"] = lines(part(second, "chrony"), ",").encode("utf-8", "surrogatepass")
        patches = {"source": lambda: source, "Host": lambda told: fetch.Host(told, folder), "time": clock}
        stack.enter_context(mock.patch.multiple(collector, **patches))
        stack.enter_context(mock.patch.object(collector.clock, "kernel_log", lambda: rows(part(second, "kmsg"))))
        stack.enter_context(mock.patch.object(fetch, "time", clock))
        stack.enter_context(mock.patch.object(process_table, "time", clock))
        stack.enter_context(mock.patch.object(usage, "PROC", folder + "/proc"))
        stack.enter_context(mock.patch.object(fetch, "_space", _space(second)))
        _write(root, first)
        probe = collector.ServerSampler({}, tools_with(commands))
        probe.first()
        probe.watch(5.0)
        _write(root, second)
        if library:
            again = _psutil(second)
            source.answers, source.processes = again.answers, again.processes
        probe.second()
        return probe.facts(5.0).done()


def sources() -> list[Source]:
    document = _document()
    return [
        Source("server", "psutil", document, lambda first, second: read(first, second, True)),
        Source("server", "proc", {**document, "psutil": {}, "processes": []}, lambda first, second: read(first, second, False)),
    ]
