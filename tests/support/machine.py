# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A machine for tests: a stand-in for psutil, a /proc of recorded files, and readings to make facts of."""

from __future__ import annotations

import dataclasses
import pathlib
import types
import typing as t

from ansible_collections.warroom.launch.plugins.module_utils._collectors.server.clock import Clock
from ansible_collections.warroom.launch.plugins.module_utils._collectors.server.fetch import Sample, State
from ansible_collections.warroom.launch.plugins.module_utils._collectors.server.parse import Thread
from ansible_collections.warroom.launch.plugins.module_utils._collectors.server.process_table import Row, Table
from ansible_collections.warroom.launch.plugins.module_utils._collectors.server.sample import Reading, Tick
from ansible_collections.warroom.launch.plugins.module_utils._collectors.server.shape import facts as shape_facts
from ansible_collections.warroom.launch.plugins.module_utils._linux.cgroup import Limits

RECORDED = pathlib.Path(__file__).parents[1] / "unit" / "fixtures" / "server" / "psutil-7.2.2"
GIB = 1 << 30
MIB = 1 << 20


def record(**values: t.Any) -> t.Any:
    """An object with these attributes and no others."""
    return types.SimpleNamespace(**values)


def process(pid: int, name: t.Any = "sleep", **info: t.Any) -> t.Any:
    """What psutil.process_iter gives for one process."""
    known = {
        "pid": pid, "ppid": 1, "name": name, "status": "sleeping", "create_time": 1000.0 + (pid if isinstance(pid, int) else 0),
        "cpu_times": record(user=1.0, system=0.5), "memory_info": record(rss=10 * MIB, shared=2 * MIB),
    }  # fmt: skip
    known.update(info)
    return record(info=known, ppid=lambda: known["ppid"])


class FakePsutil:
    """psutil as far as the server's collector uses it; set an attribute to an exception to have it raised."""

    def __init__(self, *processes: t.Any, **answers: t.Any) -> None:
        self.processes: t.Any = [process(1, "init"), *processes]
        self.answers: dict[str, t.Any] = {
            "cpu_times": record(user=10.0, nice=0.0, system=5.0, idle=80.0, iowait=1.0, irq=0.0, softirq=0.5, steal=0.0),
            "cpu_count": 2,
            "virtual_memory": record(total=8 * GIB, available=4 * GIB, cached=GIB, buffers=0, shared=0),
            "disk_io_counters": None,
            "net_io_counters": {},
            "boot_time": 1000.0,
            "getloadavg": (0.1, 0.1, 0.1),
            **answers,
        }

    def process_iter(self, _attributes: t.Any = None, _missing: t.Any = None) -> t.Iterator[t.Any]:
        for one in self.processes:
            if isinstance(one, Exception):
                raise one
            yield one

    def __getattr__(self, name: str) -> t.Any:
        if name not in self.answers:
            raise AttributeError(name)

        def answer(**options: t.Any) -> t.Any:
            value = self.answers[name]
            if isinstance(value, Exception):
                raise value
            return [value] if options.get("percpu") else value

        return answer


def proc(root: pathlib.Path, **files: str) -> str:
    """A root folder with the recorded files under /proc; more by `proc__1__cgroup="…"`. Gives it as a prefix."""
    for source in RECORDED.glob("proc-*.txt"):
        place = root / source.stem.replace("-", "/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(source.read_text())
    for name, text in files.items():
        place = root / name.replace("__", "/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    return str(root)


CPU = {"user": 100.0, "nice": 0.0, "system": 50.0, "idle": 800.0, "iowait": 10.0, "irq": 0.0, "softirq": 0.0, "steal": 0.0}
STATE = State(
    hostname="web1", cores_online=4, affinity=frozenset(range(4)), load=(1.0, 1.0, 1.0), memory={"total": 16 * GIB, "available": 12 * GIB},
    meminfo={"Cached": GIB, "Shmem": 0.0, "SwapTotal": 0.0, "SwapFree": 0.0}, pressure={}, uptime=10_000.0, boot_age=10_000.0,
    file_handles=[1000.0, 0.0, 100_000.0], settings={"net/core/somaxconn": 4096.0}, conntrack=(None, None),
    filesystems=[{"name": "/", "kind": "ext4", "device": "/dev/vda", "size_bytes": 100 * GIB, "used_bytes": 40 * GIB,
                  "available_bytes": 60 * GIB, "inodes": 1000, "inodes_free": 900}],
    silent_mounts=[], vmstat={"oom_kill": 0.0}, lxcfs=False, container=False, page_size=4096,
)  # fmt: skip
VMSTAT = {"pswpin": 0.0, "pswpout": 0.0, "pgmajfault": 0.0, "oom_kill": 0.0}
TCP = {"ListenOverflows": 0.0, "ListenDrops": 0.0, "TCPReqQFullDrop": 0.0, "OutSegs": 0.0, "RetransSegs": 0.0}
KERNEL = {"ctxt": 0.0, "processes": 0.0, "procs_running": 1.0, "procs_blocked": 0.0}


def sample(at: float, **changes: t.Any) -> Sample:
    calm: dict[str, t.Any] = {
        "cpu": CPU, "cpus": [CPU], "kernel": KERNEL, "vmstat": VMSTAT, "pressure": {}, "tcp": TCP, "disks": {}, "nics": {}, "groups": {}
    }  # fmt: skip
    return Sample(at, **{**calm, **changes})


def row(pid: int, name: str = "sleep", **changes: t.Any) -> Row:
    one = Row(pid, 1000.0 + pid, 1, name, None, name, "sleeping", 1.0, 10 * MIB, 2 * MIB)
    return one._replace(**changes)


def table(at: float, *rows: Row, filtered: bool = False, readable: bool = True) -> Table:
    return Table(at, {one.pid: one for one in rows}, filtered, readable)


def ticks(*looks: dict[int, dict[int, int]], seconds: float = 1.0, vmstat: t.Sequence[dict[str, float]] = ()) -> list[Tick]:
    """Looks one by one: pid → {thread id: ticks of CPU time so far}; swap counters beside them."""
    made = []
    for place, look in enumerate(looks):
        threads = {
            pid: {(tid, 50): Thread("python", used, 50, 0) for tid, used in each.items()} for pid, each in look.items()
        }  # fmt: skip
        made.append(Tick(100.0 + seconds * (place + 1), vmstat[place] if vmstat else VMSTAT, KERNEL, threads))
    return made


def reading(**changes: t.Any) -> Reading:
    """A calm machine with 4 cores over a window of 5 s (from 100 to 105); `state` may be a dict of changes."""
    state = changes.pop("state", {})
    second_cpu = {**CPU, "user": 102.0, "idle": 818.0}
    calm: dict[str, t.Any] = {
        "state": dataclasses.replace(STATE, **state) if isinstance(state, dict) else state,
        "limits": Limits(), "first": sample(100.0), "second": sample(105.0, cpu=second_cpu, cpus=[second_cpu]),
        "table_first": table(100.0, row(1, "init")), "table_last": table(105.0, row(1, "init")),
        "ticks": ticks({}, {}, {}, {}), "exact": {}, "files": ([], 0), "service_limits": {}, "group_memory": {},
        "clock": Clock(True, 0.001, "chrony"), "kernel_log": None, "own_pid": 99, "ticks_per_second": 100, "top": 10, "tools_absent": [],
    }  # fmt: skip
    return Reading(**{**calm, **changes})


def facts(**changes: t.Any) -> dict[str, t.Any]:
    """The facts of a reading, as they stand in an instance."""
    return {"name": "web1", "state": "up", **shape_facts(reading(**changes)).done()}
