# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tables of the kernel that all programs of a machine share, each with a limit: sockets, neighbours, asynchronous I/O."""

from __future__ import annotations

import typing as t

from ..._collect.derived import largest, share
from ..._collect.facts import Facts
from ..._collect.sampling import count
from ..._linux.cgroup import Read
from ..._linux.kernel_text import first_numbers


class Full(t.NamedTuple):
    """`setting`: the sysctl that limits it."""

    name: str
    used: int
    limit: int
    setting: str


class _Table(t.NamedTuple):
    """What is used: the word after `field` on the line of `line` in `file` (its first number where there is no line)."""

    name: str
    setting: str
    file: str
    line: str = ""
    field: str = ""


_TABLES = (
    _Table("memory of TCP sockets", "net.ipv4.tcp_mem", "/proc/net/sockstat", "TCP:", "mem"),
    _Table("TCP sockets without a program", "net.ipv4.tcp_max_orphans", "/proc/net/sockstat", "TCP:", "orphan"),
    _Table("memory of UDP sockets", "net.ipv4.udp_mem", "/proc/net/sockstat", "UDP:", "mem"),
    _Table("IPv4 neighbours", "net.ipv4.neigh.default.gc_thresh3", "/proc/net/stat/arp_cache"),
    _Table("IPv6 neighbours", "net.ipv6.neigh.default.gc_thresh3", "/proc/net/stat/ndisc_cache"),
    _Table("requests of asynchronous I/O", "fs.aio-max-nr", "/proc/sys/fs/aio-nr"),
)


def read(text: Read) -> list[Full]:
    """Those that this kernel reports. A setting of several numbers has the limit last."""
    found = []
    for table in _TABLES:
        limits = first_numbers(text("/proc/sys/" + table.setting.replace(".", "/")))
        used = _used(table, text(table.file) or "")
        if used is not None and limits and limits[-1] > 0:
            found.append(Full(table.name, used, int(limits[-1]), table.setting))
    return found


def _used(table: _Table, text: str) -> t.Optional[int]:
    lines = [line.split() for line in text.splitlines()]
    if table.line:
        words = next((words for words in lines if words[:1] == [table.line]), [])
        return count(words[words.index(table.field) + 1]) if table.field in words[1:-1] else None
    if "/stat/" in table.file:
        # a line of names, then one for each processor, in hexadecimal; each has the number of the whole table
        return int(lines[1][0], 16) if len(lines) > 1 and lines[0][:1] == ["entries"] and _is_hexadecimal(lines[1][0]) else None
    return count(lines[0][0]) if lines and lines[0] else None


def _is_hexadecimal(word: str) -> bool:
    return 0 < len(word) <= 16 and not set(word) - set("0123456789abcdef")


def put(facts: Facts, tables: t.Sequence[Full], top: int) -> None:
    fullest = sorted(tables, key=lambda table: -table.used / table.limit)
    rows = [{**table._asdict(), "used_ratio": share(min(table.used, table.limit), table.limit, "it has no limit")} for table in fullest]
    facts.rows("kernel_tables", rows, top)
    facts.put("kernel_tables_used_ratio", largest((row["used_ratio"] for row in rows), "this kernel does not report them"))
