# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shape: disks, filesystems, network, and the kernel's tables that can be full."""

from __future__ import annotations

import typing as t

from ..._collect.derived import Window, count_of, largest, per, rate, share, total
from ..._collect.facts import Facts, Maybe, Unknown, known, measured
from ..._collect.sampling import ONE_SAMPLE, Number
from ..._texts.redact import clean
from . import btrfs
from .sample import Reading

_NETWORK = (
    "network",
    "network_packets",
    "network_errors",
    "network_errors_ratio",
    "tcp_segments",
    "tcp_retransmits",
    "tcp_retransmit_ratio",
)
#: Filesystems that make inodes as they need them, or have none, whatever number statvfs gives: of Ceph that of the files there are.
_NO_FIXED_INODES = frozenset({
    "9p", "bcachefs", "btrfs", "ceph", "exfat", "fuse.ceph", "fuse.ceph-fuse", "fuse.glusterfs", "glusterfs", "msdos", "vfat", "zfs",
})  # fmt: skip
NOT_HERE = "only a check of the fleet (launch_check) knows the stored rounds"
NO_INODES = "this filesystem has no fixed number of inodes"


def filesystems(facts: Facts, reading: Reading) -> None:
    """Space as df shows it: of what ordinary users may fill. Fullest first."""
    rows = [_filesystem(found) for found in reading.state.filesystems]
    rows.sort(key=lambda row: -(known(row["used_ratio"]) or 0))
    silent = reading.state.silent_mounts
    if silent:
        facts.note(f"a filesystem does not answer; not read: {', '.join(silent[:5])}")
    forbidden = reading.state.forbidden_mounts
    if forbidden:
        facts.note(f"a filesystem may not be read by this user; run with become: {', '.join(forbidden[:5])}")
    none = Unknown("no writable filesystem answered")
    facts.put("filesystems", rows[: reading.top] if rows else none)
    facts.put("disk_growth", {"rounds": 0, **dict.fromkeys(("in_a_day_ratio", "in_a_week_ratio", "full_at"), Unknown(NOT_HERE))})
    facts.put("filesystems_total", len(rows) + len(silent) + len(forbidden))
    facts.put("filesystems_silent", len(silent))
    stopped = [clean(name, 120) for name in reading.state.read_only]
    facts.put("filesystems_read_only", stopped[: reading.top] if reading.state.mounts_read else Unknown("the mounts may not be read"))
    # btrfs and others make inodes as they need them: they cannot run out (case N-18)
    counted = [row["inodes_used_ratio"] for row in rows if not isinstance(row["inodes_used_ratio"], Unknown)]
    facts.put("filesystem_inodes_used_ratio", largest(counted, f"no filesystem here can run out of inodes ({NO_INODES})") if rows else none)
    full = [row["metadata_used_ratio"] for row in rows if row["metadata_used_ratio"] != Unknown(btrfs.NOT_BTRFS)]
    facts.put("filesystem_metadata_used_ratio", largest(full, btrfs.NOT_BTRFS) if rows else none)
    facts.put("filesystems_btrfs", sum(row["kind"] == "btrfs" for row in rows))


def arrays(facts: Facts, reading: Reading) -> None:
    """Software RAID: how many disks each array misses."""
    found = {name: measured(missing, "the kernel does not report it") for name, missing in reading.state.arrays.items()}
    facts.put("raid", [{"name": clean(name, 40), "missing": missing} for name, missing in found.items()])
    facts.put("raid_total", len(found))
    facts.put("raid_degraded", count_of(missing if isinstance(missing, Unknown) else missing > 0 for missing in found.values()))


def _filesystem(found: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    inodes = 0 if found["kind"] in _NO_FIXED_INODES else found["inodes"]
    return {
        "name": found["name"],
        "kind": found["kind"],
        "size_bytes": found["size_bytes"],
        "used_bytes": found["used_bytes"],
        "available_bytes": found["available_bytes"],
        "used_ratio": share(found["used_bytes"], found["used_bytes"] + found["available_bytes"], "it has no space for ordinary users"),
        "inodes_used_ratio": share(inodes - found["inodes_free"], inodes, NO_INODES),
        "metadata_used_ratio": found.get("metadata", Unknown(btrfs.NOT_BTRFS)),
    }


def disks(facts: Facts, reading: Reading) -> None:
    """Whole devices, busiest first. `await_milliseconds` is the mean time of an operation, queue included."""
    second = reading.second
    if second is None or not second.disks:
        facts.put("disks", None, ONE_SAMPLE if second is None else "this system shows no disk of its own")
        facts.put("disks_total", 0)
        return
    rows = [_disk(name, reading.devices("disks", name)) for name in second.disks if name in reading.first.disks]
    rows.sort(key=lambda row: -(known(row["util_ratio"]) or 0))
    facts.rows("disks", rows, reading.top)


def _disk(name: str, window: Window) -> dict[str, t.Any]:
    operations = total([window.moved("read_count"), window.moved("write_count")])
    waited = total([window.moved("read_time"), window.moved("write_time")])
    busy, depth = window.rate("busy_time"), rate(waited, window.seconds)
    wait = per(waited, operations, "no operation ended in the window")
    return {
        "name": name,
        "util_ratio": busy if isinstance(busy, Unknown) else min(1.0, round(busy / 1000, 4)),
        "await_milliseconds": wait if isinstance(wait, Unknown) else round(wait, 3),
        "queue_depth": depth if isinstance(depth, Unknown) else round(depth / 1000, 3),
        "operations_per_second": rate(operations, window.seconds),
        "read_bytes_per_second": window.rate("read_bytes"),
        "write_bytes_per_second": window.rate("write_bytes"),
    }


def network(facts: Facts, reading: Reading) -> None:
    """Traffic, errors and drops per interface, and TCP's own signs of loss."""
    second = reading.second
    if second is None or not second.nics:
        why = Unknown(ONE_SAMPLE if second is None else "this system shows no network interface")
        facts.update(dict.fromkeys(_NETWORK, why))
        facts.put("network_total", 0)
        return
    rows = [_nic(name, reading.devices("nics", name)) for name in second.nics if name in reading.first.nics and name != "lo"]
    rows.sort(key=lambda row: -(known(total([row["received_bytes_per_second"], row["sent_bytes_per_second"]])) or 0))
    facts.rows("network", rows, reading.top)
    facts.put("network_packets", max((known(row["packets"]) or 0 for row in rows), default=0))
    carried = [row for row in rows if known(row["packets"]) != 0]
    facts.put("network_errors_ratio", largest([row["errors_ratio"] for row in carried], "no interface carried a packet in the window"))
    facts.put("network_errors", largest([row["errors"] for row in carried], "no interface carried a packet in the window"))
    tcp = reading.window("tcp", "this kernel does not count {}")
    sent, again = tcp.moved("OutSegs"), tcp.moved("RetransSegs")
    facts.put("tcp_segments", sent)
    facts.put("tcp_retransmits", again)
    facts.put("tcp_retransmit_ratio", share(again, sent, "no TCP segment was sent in the window", slack=1.0))


def _nic(name: str, window: Window) -> dict[str, t.Any]:
    packets = total([window.moved("packets_sent"), window.moved("packets_recv")])
    errors = total([window.moved("errin"), window.moved("errout")])
    return {
        "name": name,
        "packets": packets,
        "received_bytes_per_second": window.rate("bytes_recv"),
        "sent_bytes_per_second": window.rate("bytes_sent"),
        "errors_per_second": rate(errors, window.seconds),
        "drops_per_second": rate(total([window.moved("dropin"), window.moved("dropout")]), window.seconds),
        "errors": errors,
        "errors_ratio": share(errors, packets, "it carried no packet in the window", slack=1.0),
    }


def accept_queues(facts: Facts, reading: Reading) -> None:
    """Connections that a full accept queue turned away, and the kernel's ceilings."""
    tcp = reading.window("tcp", "this kernel does not count {}")
    facts.put("listen_overflows_per_second", tcp.rate("ListenOverflows"))
    facts.put("listen_drops_per_second", tcp.rate("ListenDrops"))
    facts.put("syn_drops_per_second", tcp.rate("TCPReqQFullDrop"))
    latest = tcp.now("ListenOverflows")
    facts.put("lifetime_listen_overflows", latest if isinstance(latest, Unknown) else int(latest))
    for name, setting in (("somaxconn", "net/core/somaxconn"), ("tcp_max_syn_backlog", "net/ipv4/tcp_max_syn_backlog")):
        value = reading.state.settings.get(setting)
        facts.put(name, None if value is None else int(value), f"this system does not show /proc/sys/{setting}")


def tables(facts: Facts, reading: Reading) -> None:
    """Open files of the system, and connections the firewall tracks, against their ceilings."""
    handles = reading.state.file_handles
    if len(handles) >= 3:
        facts.put("files", _table("open", handles[0], handles[2]))
    else:
        facts.put("files", None, "this kernel does not say how many files are open")
    tracked, most = reading.state.conntrack
    facts.put("conntrack", None if tracked is None or not most else _table("used", tracked, most), "no firewall tracks connections here")


def _table(name: str, used: Number, limit: Number) -> dict[str, Maybe[Number]]:
    return {name: int(used), "limit": int(limit), "used_ratio": share(used, limit, "it has no limit", slack=1.0)}
