# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What this collector asks of psutil, read from /proc: for targets that have no library at all. Linux only.

The names and units are psutil's, because it stands in psutil's place; what a kernel does not report is left out or raises.
"""

from __future__ import annotations

import os
import socket
import types
import typing as t

from ..._linux import addresses

_TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
_SECTOR = 512
_CPU = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
_DISK = {"read_count": 0, "read_bytes": 2, "read_time": 3, "write_count": 4, "write_bytes": 6, "write_time": 7, "busy_time": 9}
_NIC = {
    "bytes_recv": 0, "packets_recv": 1, "errin": 2, "dropin": 3, "bytes_sent": 8, "packets_sent": 9, "errout": 10, "dropout": 11,
}  # fmt: skip
#: The kernel's letter of a state → psutil's word, as far as they matter here.
_STATES = {"Z": "zombie", "R": "running", "S": "sleeping", "D": "disk-sleep", "T": "stopped", "t": "tracing-stop", "I": "idle"}


class ProcSource:
    """Stands in psutil's place. `root` is replaced in tests."""

    def __init__(self, root: str = "") -> None:
        self._proc = root + "/proc"

    def _text(self, name: str) -> str:
        with open(f"{self._proc}/{name}", encoding="utf-8", errors="replace") as handle:
            return handle.read(1 << 22)

    def _lines(self, name: str) -> list[str]:
        return self._text(name).splitlines()

    def cpu_times(self, percpu: bool = False) -> t.Any:
        rows = [line.split() for line in self._lines("stat") if line.startswith("cpu")]
        wanted = rows[1:] if percpu else rows[:1]
        found = [_record(zip(_CPU, (int(word) / _TICKS for word in row[1:]))) for row in wanted]
        return found if percpu else found[0]

    def cpu_count(self, logical: bool = True) -> t.Optional[int]:
        return sum(line.startswith("cpu") and not line.startswith("cpu ") for line in self._lines("stat")) if logical else None

    def boot_time(self) -> float:
        return next(float(line.split()[1]) for line in self._lines("stat") if line.startswith("btime"))

    def getloadavg(self) -> tuple[float, ...]:
        return tuple(float(word) for word in self._text("loadavg").split()[:3])

    def virtual_memory(self) -> t.Any:
        pairs = (line.split() for line in self._lines("meminfo"))
        told = {words[0].rstrip(":"): int(words[1]) * 1024 for words in pairs if len(words) == 3 and words[1].isdigit()}
        names = {"total": "MemTotal", "available": "MemAvailable", "cached": "Cached", "buffers": "Buffers", "shared": "Shmem"}
        return _record((ours, told[theirs]) for ours, theirs in names.items() if theirs in told)

    def disk_io_counters(self, perdisk: bool = True) -> dict[str, t.Any]:
        found = {}
        for words in (line.split() for line in self._lines("diskstats")):
            values = [int(word) for word in words[3:] if word.isdigit()]
            if len(values) > max(_DISK.values()):
                row = {name: values[place] * (_SECTOR if name.endswith("bytes") else 1) for name, place in _DISK.items()}
                found[words[2]] = _record(row.items())
        return found

    def net_io_counters(self, pernic: bool = True) -> dict[str, t.Any]:
        found = {}
        for line in self._lines("net/dev"):
            name, colon, rest = line.partition(":")
            values = [int(word) for word in rest.split() if word.isdigit()]
            if colon and len(values) > max(_NIC.values()):
                found[name.strip()] = _record((ours, values[place]) for ours, place in _NIC.items())
        return found

    def net_if_addrs(self) -> dict[str, list[t.Any]]:
        """All under one name: which card has which address does not matter here."""
        found = [(socket.AF_INET, address) for address in addresses.ipv4_local(self._optional_lines("net/fib_trie"))]
        found += [(socket.AF_INET6, address) for address in addresses.ipv6_local(self._optional_lines("net/if_inet6"))]
        return {"all": [_record((("family", family), ("address", address))) for family, address in found]}

    def _optional_lines(self, name: str) -> list[str]:
        try:
            return self._lines(name)
        except OSError:  # no IPv6, or hidden
            return []

    def process_iter(self, attrs: t.Any = None, ad_value: t.Any = None) -> t.Iterator[t.Any]:
        """Objects with `info` and `ppid()`, for every process that can be seen. What vanishes is left out."""
        boot = self.boot_time()
        for entry in os.listdir(self._proc):
            if entry.isdigit():
                try:
                    row = self._process(int(entry), boot)
                except (OSError, ValueError, IndexError):
                    continue
                yield row

    def _process(self, pid: int, boot: float) -> t.Any:
        text = self._text(f"{pid}/stat")
        end = text.rindex(")")  # the name may hold blanks and brackets
        fields = text[end + 1 :].split()
        parent = int(fields[1])
        info = {
            "pid": pid,
            "name": text[text.index("(") + 1 : end],
            "status": _STATES.get(fields[0], fields[0]),
            "cpu_times": _record((("user", int(fields[11]) / _TICKS), ("system", int(fields[12]) / _TICKS))),
            "create_time": boot + int(fields[19]) / _TICKS,
            "memory_info": _record((("rss", int(fields[21]) * _PAGE), ("shared", self._shared(pid)))),
        }
        return types.SimpleNamespace(info=info, ppid=lambda: parent)

    def _shared(self, pid: int) -> int:
        words = self._text(f"{pid}/statm").split()
        return int(words[2]) * _PAGE if len(words) > 2 else 0


def _record(values: t.Iterable[tuple[str, t.Any]]) -> t.Any:
    return types.SimpleNamespace(**dict(values))
