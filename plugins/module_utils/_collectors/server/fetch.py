# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fetch: the machine as psutil and the kernel tell it. What a platform lacks is None or absent; nothing here raises."""

from __future__ import annotations

import dataclasses
import functools
import os
import socket
import threading
import time
import typing as t

from ..._collect.facts import Unknown
from ..._collect.sampling import amount, count, number
from ..._linux import cgroup, kernel_text
from ..._linux.kernel_text import Counters
from . import btrfs, parse

#: Nothing under /proc that is read here is longer on a sane machine.
READ_LIMIT = 4 * 1024 * 1024
#: The kernel allocates as much as is requested, and refuses large requests for files under /proc/sys.
PIECE = 65536

#: PROC_PID_INIT_INO of the kernel. Marks like /.dockerenv are also left in images that become virtual machines.
FIRST_PID_NAMESPACE = "pid:[4026531836]"

CPU_FIELDS = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
DISK_FIELDS = ("read_count", "write_count", "read_bytes", "write_bytes", "read_time", "write_time", "busy_time")
NIC_FIELDS = ("bytes_sent", "bytes_recv", "packets_sent", "packets_recv", "errin", "errout", "dropin", "dropout")
MEMORY_FIELDS = ("total", "available", "cached", "buffers", "shared")

_NO_SPACE = frozenset({
    "autofs", "binfmt_misc", "bpf", "cgroup", "cgroup2", "configfs", "debugfs", "devpts", "devtmpfs", "efivarfs", "erofs", "fusectl",
    "fuse.gvfsd-fuse", "fuse.lxcfs", "fuse.portal", "hugetlbfs", "iso9660", "mqueue", "nfsd", "nsfs", "proc", "pstore", "ramfs",
    "rpc_pipefs", "securityfs", "selinuxfs", "squashfs", "sysfs", "tracefs", "udf",
})  # fmt: skip
_REMOTE = frozenset({
    "9p", "afs", "beegfs", "ceph", "cifs", "fuse.glusterfs", "fuse.rclone", "fuse.s3fs", "fuse.sshfs", "glusterfs", "lustre", "nfs", "nfs4",
    "smb3", "smbfs",
})  # fmt: skip
MOUNTS_READ = 100


def attempt(call: t.Callable[[], t.Any]) -> t.Any:
    """What the call gives, None when this platform, kernel or user cannot have it.

    psutil raises its own errors, OSError, NotImplementedError, RuntimeError or AttributeError for the same thing, by version.
    """
    try:
        return call()
    except Exception:  # pylint: disable=broad-exception-caught # every failure of a single reading is "not known"
        return None


def fields(record: t.Any, names: t.Iterable[str]) -> Counters:
    """The named attributes that are there and are counts, sizes or times."""
    found = ((name, amount(getattr(record, name, None))) for name in names)
    return {name: value for name, value in found if value is not None}


@dataclasses.dataclass
class Sample:
    """The machine's counters at one moment."""

    at: float
    cpu: Counters
    cpus: list[Counters]
    kernel: Counters  # /proc/stat without the cpu lines
    vmstat: Counters
    pressure: dict[str, dict[str, Counters]]
    tcp: Counters
    disks: dict[str, Counters]
    nics: dict[str, Counters]
    groups: dict[str, Counters]  # folder of a control group that sets a quota → its counters
    disk_work: Counters = dataclasses.field(default_factory=dict)  # of all block devices together


#: A host with thousands of containers has as many addresses.
MOST_ADDRESSES = 64


@dataclasses.dataclass
class State:
    """What is read once, at the end of the window."""

    hostname: str
    cores_online: t.Optional[int]
    affinity: t.Optional[frozenset[int]]  # numbers of the processors that we may run on
    load: t.Optional[tuple[float, float, float]]
    memory: Counters
    meminfo: Counters
    pressure: dict[str, dict[str, Counters]]
    uptime: t.Optional[float]
    boot_age: t.Optional[float]  # wall clock minus boot time: wrong when the clock was set
    file_handles: list[float]
    settings: dict[str, t.Optional[float]]
    conntrack: tuple[t.Optional[float], t.Optional[float]]
    filesystems: list[dict[str, t.Any]]
    silent_mounts: list[str]
    vmstat: Counters
    lxcfs: bool
    container: bool
    page_size: int
    addresses: list[str] = dataclasses.field(default_factory=list)
    arrays: dict[str, t.Optional[int]] = dataclasses.field(default_factory=dict)  # software RAID → how many of its disks are missing
    forbidden_mounts: list[str] = dataclasses.field(default_factory=list)
    arc: Counters = dataclasses.field(default_factory=dict)  # ZFS's own cache
    packages_changed: t.Optional[float] = None  # seconds since the epoch
    mounts_read: bool = True
    remote: list[str] = dataclasses.field(default_factory=list)  # mount points whose waits show on no disk of this machine
    swaps: list[str] = dataclasses.field(default_factory=list)  # where swap space is in use
    read_only: list[str] = dataclasses.field(default_factory=list)  # mount points that became read-only by themselves


#: What package managers write last (dpkg, rpm, apk, pacman).
PACKAGE_DATABASES = (
    "/var/lib/dpkg/status", "/var/lib/rpm/rpmdb.sqlite", "/usr/lib/sysimage/rpm/rpmdb.sqlite", "/var/lib/rpm/Packages",
    "/lib/apk/db/installed", "/var/lib/pacman/local",
)  # fmt: skip


class Host:
    """Reads one machine. `root` and `psutil` are replaced in tests."""

    def __init__(self, psutil: t.Any, root: str = "") -> None:
        self.psutil = psutil
        self.root = root
        self.mounts = kernel_text.mounts(self.read("/proc/self/mountinfo"))
        self.limits = self._machine_limits()
        #: Folders of control groups with a quota whose counters every sample takes.
        self.watched = {self.limits.cpu_folder} if self.limits.cpu_folder else set()

    def read(self, path: str) -> t.Optional[str]:
        data = self.read_bytes(path)
        return None if data is None else data.decode("utf-8", "replace")

    def read_bytes(self, path: str, limit: int = READ_LIMIT) -> t.Optional[bytes]:
        """Bytes of a file of the kernel, None when it is not there, may not be read or vanished."""
        pieces, size = [], 0
        try:
            with open(self.root + path, "rb", buffering=0) as handle:
                while size < limit:
                    piece = handle.read(min(PIECE, limit - size))
                    if not piece:
                        break
                    pieces.append(piece)
                    size += len(piece)
        except OSError:
            return None
        return b"".join(pieces)

    def _machine_limits(self) -> cgroup.Limits:
        """What limits the machine or container as a whole: the first process's groups, and ours.

        Ours do not count inside a login session: its limits are the session's, not the services'.
        """
        ours = self.read("/proc/self/cgroup") or ""
        pids = ["1"] if "/user.slice" in ours or "/session-" in ours or "sshd.service" in ours or "ssh.service" in ours else ["1", "self"]
        found = [cgroup.limits(self.read, self.mounts, pid) for pid in pids]
        cpu = min((one for one in found if one.cpu_cores is not None), key=lambda one: one.cpu_cores or 0, default=found[0])
        memory = min((one for one in found if one.memory_bytes is not None), key=lambda one: one.memory_bytes or 0, default=found[0])
        sets = min((one.cpuset_cores for one in found if one.cpuset_cores is not None), default=None)
        return dataclasses.replace(cpu, cpuset_cores=sets, memory_bytes=memory.memory_bytes, memory_folder=memory.memory_folder)

    def sample(self) -> Sample:
        psutil = self.psutil
        cpus = attempt(lambda: list(psutil.cpu_times(percpu=True))) or []
        return Sample(
            at=time.monotonic(),
            cpu=fields(attempt(psutil.cpu_times), CPU_FIELDS),
            cpus=[fields(one, CPU_FIELDS) for one in cpus],
            kernel=kernel_text.keyed(self.read("/proc/stat")),
            vmstat=self._vmstat(),
            pressure=self.pressure(),
            tcp={**parse.paired(self.read("/proc/net/netstat"), "TcpExt"), **parse.paired(self.read("/proc/net/snmp"), "Tcp")},
            disks=self._disks(),
            nics=self._named(lambda: psutil.net_io_counters(pernic=True), NIC_FIELDS),
            groups={folder: cgroup.throttling(self.read, folder) for folder in self.watched},
            disk_work=parse.disk_work(self.read("/proc/diskstats")),
        )

    def _vmstat(self) -> Counters:
        """In a container these are the machine's, its killed processes as well: those of the own group are counted instead."""
        found = kernel_text.keyed(self.read("/proc/vmstat"))
        if self._in_container():
            found.pop("oom_kill", None)
            killed = cgroup.oom_kills(self.read, self.mounts, "self")
            return found if killed is None else {**found, "oom_kill": killed}
        return found

    def pressure(self) -> dict[str, dict[str, Counters]]:
        found = {name: parse.pressure(self.read(f"/proc/pressure/{name}")) for name in ("cpu", "memory", "io")}
        return {name: lines for name, lines in found.items() if lines}

    def _named(self, call: t.Callable[[], t.Any], names: t.Iterable[str]) -> dict[str, Counters]:
        table = attempt(call)
        return {name: fields(one, names) for name, one in table.items()} if isinstance(table, dict) else {}

    def _disks(self) -> dict[str, Counters]:
        """Whole devices: partitions, loops, RAM disks and layers above a device would count everything twice."""
        table = self._named(lambda: self.psutil.disk_io_counters(perdisk=True), DISK_FIELDS)
        real = {name for name in table if os.path.exists(f"{self.root}/sys/block/{name.replace('/', '!')}/device")}
        return {name: one for name, one in table.items() if name in real} if real else {}

    def state(self, seconds: float) -> State:
        psutil = self.psutil
        boot = number(attempt(psutil.boot_time))
        uptime = kernel_text.first_numbers(self.read("/proc/uptime"))
        filesystems, silent, forbidden = self._filesystems(seconds)
        return State(
            hostname=os.uname().nodename,
            cores_online=count(attempt(lambda: psutil.cpu_count(logical=True))) or os.cpu_count(),
            affinity=attempt(lambda: frozenset(os.sched_getaffinity(0))),
            load=parse.loadavg(self.read("/proc/loadavg")) or attempt(lambda: parse.loadavg(" ".join(map(str, psutil.getloadavg())))),
            memory=fields(attempt(psutil.virtual_memory), MEMORY_FIELDS),
            meminfo=kernel_text.keyed(self.read("/proc/meminfo")),
            pressure=self.pressure(),
            uptime=uptime[0] if uptime else None,
            boot_age=None if boot is None else time.time() - boot,
            file_handles=kernel_text.first_numbers(self.read("/proc/sys/fs/file-nr")),
            settings={name: self._setting(name) for name in ("net/core/somaxconn", "net/ipv4/tcp_max_syn_backlog", "vm/swappiness")},
            conntrack=(self._setting("net/netfilter/nf_conntrack_count"), self._setting("net/netfilter/nf_conntrack_max")),
            filesystems=filesystems,
            silent_mounts=silent,
            forbidden_mounts=forbidden,
            arrays=self._arrays(),
            mounts_read=bool(self.mounts),
            read_only=sorted(mount.point for mount in self._visible().values() if _stopped_writing(mount)),
            vmstat=self._vmstat(),
            swaps=parse.swaps(self.read("/proc/swaps")),
            remote=sorted(mount.point for mount in self._visible().values() if _is_remote(mount)),
            lxcfs=any(mount.kind == "fuse.lxcfs" and mount.point in ("/proc/loadavg", "/proc") for mount in self.mounts),
            container=self._in_container(),
            page_size=os.sysconf("SC_PAGE_SIZE"),
            addresses=self._addresses(),
            arc=parse.kstat(self.read("/proc/spl/kstat/zfs/arcstats")),
            packages_changed=self._packages_changed(),
        )

    def _arrays(self) -> dict[str, t.Optional[int]]:
        """Arrays that can lose a disk; one of level 0 has nothing to tell, and a container sees the machine's."""
        names = attempt(lambda: os.listdir(f"{self.root}/sys/block")) or []
        told = {name: self.read(f"/sys/block/{name}/md/degraded") for name in sorted(names) if name.startswith("md")}
        return {} if self._in_container() else {name: count(text.strip()) for name, text in told.items() if text is not None}

    def _packages_changed(self) -> t.Optional[float]:
        found = [attempt(functools.partial(os.stat, self.root + path)) for path in PACKAGE_DATABASES]
        return max((each.st_mtime for each in found if each is not None), default=None)

    def _addresses(self) -> list[str]:
        """IP addresses of the machine that others may see it under (so not those of the loopback)."""
        cards = attempt(getattr(self.psutil, "net_if_addrs", dict))
        rows = [row for card in cards.values() for row in card] if isinstance(cards, dict) else []
        found = {str(row.address).partition("%")[0] for row in rows if row.family in (socket.AF_INET, socket.AF_INET6)}
        return sorted(address for address in found if not address.startswith("127.") and address != "::1")[:MOST_ADDRESSES]

    def _setting(self, name: str) -> t.Optional[float]:
        values = kernel_text.first_numbers(self.read("/proc/sys/" + name))
        return values[0] if values else None

    def _in_container(self) -> bool:
        """Whether our processes are not the machine's: the first pid namespace of a kernel has a fixed number."""
        space = attempt(lambda: os.readlink(f"{self.root}/proc/self/ns/pid"))
        return isinstance(space, str) and space != FIRST_PID_NAMESPACE

    def _visible(self) -> dict[str, kernel_text.Mount]:
        """By mount point; the last one mounted on a point hides those before it."""
        return {mount.point: mount for mount in self.mounts}

    def _filesystems(self, seconds: float) -> tuple[list[dict[str, t.Any]], list[str], list[str]]:
        """Space on every writable filesystem, the mount points that did not answer, and those that we may not ask.

        A network filesystem whose server is gone blocks every caller, so a thread that may hang makes the call.
        """
        visible = self._visible()
        wanted: dict[str, kernel_text.Mount] = {}
        for mount in sorted(visible.values(), key=lambda one: (one.kind in _REMOTE, len(one.point))):
            if _has_space(mount) and len(wanted) < MOUNTS_READ:
                wanted.setdefault(mount.device, mount)
        rows: list[dict[str, t.Any]] = []
        asked: list[str] = []
        broken: list[str] = []
        forbidden: list[str] = []

        def ask() -> None:
            for mount in wanted.values():
                asked.append(mount.point)
                try:
                    row = _space(mount, self.root)
                except PermissionError:  # below a folder that is not ours
                    forbidden.append(mount.point)
                except OSError:  # its server or its disk is gone
                    broken.append(mount.point)
                else:
                    rows.extend([row] if row is not None else [])
            asked.append("")

        thread = threading.Thread(target=ask, daemon=True)
        thread.start()
        thread.join(seconds)
        done = bool(asked) and asked[-1] == ""
        hanging = [] if done else [mount.point for mount in wanted.values() if mount.point not in asked[:-1]]
        return list(rows), [*broken, *hanging], list(forbidden)


def _is_remote(mount: kernel_text.Mount) -> bool:
    return mount.kind in _REMOTE or (mount.kind.startswith("fuse.") and mount.kind not in _NO_SPACE)


def _stopped_writing(mount: kernel_text.Mount) -> bool:
    """Whether the filesystem is read-only although it was mounted for writing: the kernel's answer to an error of the disk.

    One that a person mounts read-only has it in both sets of options, a bind mount in the first only.
    """
    if mount.kind in _NO_SPACE or mount.kind == "overlay" or "ro" in mount.options:
        return False
    return bool({"ro", "emergency_ro", "shutdown"} & mount.super_options)


def _has_space(mount: kernel_text.Mount) -> bool:
    if mount.kind in _NO_SPACE or "ro" in mount.options | mount.super_options:
        return False
    if mount.kind in ("overlay", "fuse.fuse-overlayfs"):
        return mount.point == "/"  # elsewhere it shows the space of the filesystem below it once more
    return mount.kind != "tmpfs" or mount.point in ("/run", "/tmp", "/dev/shm", "/var/tmp")


def _space(mount: kernel_text.Mount, root: str) -> t.Optional[dict[str, t.Any]]:
    """None of what has no space at all; an OSError of what cannot be read."""
    found = os.statvfs(root + mount.point)
    if not found.f_blocks:
        return None
    return {
        "name": mount.point,
        "kind": mount.kind,
        "device": mount.source,
        "size_bytes": found.f_blocks * found.f_frsize,
        "used_bytes": (found.f_blocks - found.f_bfree) * found.f_frsize,
        "available_bytes": found.f_bavail * found.f_frsize,
        "inodes": found.f_files,
        "inodes_free": found.f_ffree,
        "metadata": btrfs.metadata_ratio(root, mount.source) if mount.kind == "btrfs" else Unknown(btrfs.NOT_BTRFS),
    }
