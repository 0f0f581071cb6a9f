# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shape: disks, filesystems, network, and the kernel's tables that can be full."""

from __future__ import annotations

import typing as t

from ..._collect.sampling import delta, rate, ratio, top, total
from ..._linux.kernel_text import Counters
from .sample import ONE_SAMPLE, Reading

#: Fewer packets than this in a window say nothing about loss.
ENOUGH_PACKETS = 500


def filesystems(reading: Reading) -> dict[str, t.Any]:
    """Space as df shows it: of what ordinary users may fill. Fullest first."""
    rows = []
    for one in reading.state.filesystems:
        usable = one["used_bytes"] + one["available_bytes"]
        inodes = one["inodes"]
        rows.append({
            "name": one["name"],
            "kind": one["kind"],
            "size_bytes": one["size_bytes"],
            "used_bytes": one["used_bytes"],
            "available_bytes": one["available_bytes"],
            "used_ratio": ratio(one["used_bytes"], usable),
            "inodes_used_ratio": ratio(inodes - one["inodes_free"], inodes) if inodes else None,
        })  # fmt: skip
    if reading.state.silent_mounts:
        names = ", ".join(reading.state.silent_mounts[:5])
        reading.notes.append(f"a filesystem does not answer; not read: {names}")
    if not rows:
        reading.why("filesystems", "no writable filesystem answered")
    return {
        "filesystems": top(rows, "used_ratio", reading.top) if rows else None,
        "filesystems_total": len(rows) + len(reading.state.silent_mounts),
        "filesystems_silent": len(reading.state.silent_mounts),
        "filesystem_inodes_used_ratio": max((row["inodes_used_ratio"] or 0.0 for row in rows), default=None),
    }


def disks(reading: Reading) -> dict[str, t.Any]:
    """Whole devices, busiest first. `await_milliseconds` is the mean time of an operation, queue included."""
    second = reading.second
    if second is None or not second.disks:
        reading.why("disks", ONE_SAMPLE if second is None else "this system shows no disk of its own")
        return {"disks": None, "disks_total": 0}
    rows = [
        _disk(name, reading.first.disks[name], after, reading.seconds)
        for name, after in second.disks.items()
        if name in reading.first.disks
    ]
    return {"disks": top(rows, "util_ratio", reading.top), "disks_total": len(rows)}


def _disk(name: str, before: Counters, after: Counters, seconds: t.Optional[float]) -> dict[str, t.Any]:
    moved = {field: delta(before.get(field), after.get(field)) for field in after}
    operations = total(moved.get("read_count"), moved.get("write_count"))
    waited = total(moved.get("read_time"), moved.get("write_time"))
    busy = rate(moved.get("busy_time"), seconds)
    wait = ratio(waited, operations)
    depth = rate(waited, seconds)
    return {
        "name": name,
        "util_ratio": None if busy is None else min(1.0, round(busy / 1000, 4)),
        "await_milliseconds": None if wait is None else round(wait, 3),
        "queue_depth": None if depth is None else round(depth / 1000, 3),
        "operations_per_second": rate(operations, seconds),
        "read_bytes_per_second": rate(moved.get("read_bytes"), seconds),
        "write_bytes_per_second": rate(moved.get("write_bytes"), seconds),
    }


_NETWORK = ("network", "network_packets", "network_errors_ratio", "tcp_segments", "tcp_retransmit_ratio")


def network(reading: Reading) -> dict[str, t.Any]:
    """Traffic, errors and drops per interface, and TCP's own signs of loss."""
    second = reading.second
    found: dict[str, t.Any] = {**dict.fromkeys(_NETWORK), "network_total": 0}
    if second is None or not second.nics:
        for name in _NETWORK:
            reading.why(name, ONE_SAMPLE if second is None else "this system shows no network interface")
        return found
    rows = [
        _nic(name, reading.first.nics[name], after, reading.seconds) for name, after in second.nics.items() if name in reading.first.nics
    ]
    rows = [row for row in rows if row["name"] != "lo"]
    ranked = sorted(rows, key=lambda row: -(total(row["received_bytes_per_second"], row["sent_bytes_per_second"]) or 0))
    found.update(network=ranked[: reading.top], network_total=len(rows))
    found["network_packets"] = max((row["packets"] or 0 for row in rows), default=0)
    found["network_errors_ratio"] = max((row["errors_ratio"] for row in rows if row["errors_ratio"] is not None), default=None)
    if found["network_errors_ratio"] is None:
        reading.why("network_errors_ratio", f"no interface carried {ENOUGH_PACKETS} packets in the window")
    sent = delta(reading.first.tcp.get("OutSegs"), second.tcp.get("OutSegs"))
    again = delta(reading.first.tcp.get("RetransSegs"), second.tcp.get("RetransSegs"))
    found["tcp_segments"] = sent
    if sent is None:
        reading.why("tcp_segments", "this kernel does not count them")
    if sent is not None and sent >= ENOUGH_PACKETS:
        found["tcp_retransmit_ratio"] = _share(again, sent)
    if found["tcp_retransmit_ratio"] is None:
        reading.why("tcp_retransmit_ratio", f"fewer than {ENOUGH_PACKETS} TCP segments were sent in the window")
    return found


def _share(part: t.Optional[float], whole: t.Optional[float]) -> t.Optional[float]:
    found = ratio(part, whole)
    return None if found is None else min(1.0, found)


def _nic(name: str, before: Counters, after: Counters, seconds: t.Optional[float]) -> dict[str, t.Any]:
    moved = {field: delta(before.get(field), after.get(field)) for field in after}
    packets = total(moved.get("packets_sent"), moved.get("packets_recv"))
    errors = total(moved.get("errin"), moved.get("errout"))
    return {
        "name": name,
        "packets": packets,
        "received_bytes_per_second": rate(moved.get("bytes_recv"), seconds),
        "sent_bytes_per_second": rate(moved.get("bytes_sent"), seconds),
        "errors_per_second": rate(errors, seconds),
        "drops_per_second": rate(total(moved.get("dropin"), moved.get("dropout")), seconds),
        "errors_ratio": _share(errors, packets) if packets is not None and packets >= ENOUGH_PACKETS else None,
    }


def accept_queues(reading: Reading) -> dict[str, t.Any]:
    """Connections that a full accept queue turned away, and the kernel's ceilings."""
    second, settings = reading.second, reading.state.settings
    found: dict[str, t.Any] = {}
    for name, counter in (
        ("listen_overflows_per_second", "ListenOverflows"),
        ("listen_drops_per_second", "ListenDrops"),
        ("syn_drops_per_second", "TCPReqQFullDrop"),
    ):
        found[name] = None if second is None else rate(delta(reading.first.tcp.get(counter), second.tcp.get(counter)), reading.seconds)
        if found[name] is None:
            reading.why(name, ONE_SAMPLE if second is None else "this kernel does not count it")
    latest = (second or reading.first).tcp.get("ListenOverflows")
    found["lifetime_listen_overflows"] = None if latest is None else int(latest)
    for name, setting in (("somaxconn", "net/core/somaxconn"), ("tcp_max_syn_backlog", "net/ipv4/tcp_max_syn_backlog")):
        value = settings.get(setting)
        found[name] = None if value is None else int(value)
    return found


def tables(reading: Reading) -> dict[str, t.Any]:
    """Open files of the system, and connections the firewall tracks, against their ceilings."""
    handles = reading.state.file_handles
    opened, ceiling = (handles[0], handles[2]) if len(handles) >= 3 else (None, None)
    if opened is None:
        reading.why("files", "this kernel does not say how many files are open")
    tracked, most = reading.state.conntrack
    return {
        "files": None if opened is None else {"open": int(opened), "limit": int(ceiling or 0), "used_ratio": ratio(opened, ceiling)},
        "conntrack": None
        if tracked is None or not most
        else {"used": int(tracked), "limit": int(most), "used_ratio": ratio(tracked, most)},
    }
