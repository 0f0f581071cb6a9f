# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""IP addresses as the kernel writes them: in tables of sockets, in the routing table, in the list of IPv6 addresses."""

from __future__ import annotations

import functools
import socket
import struct
import typing as t

PROC = "/proc"
#: A machine with the routes of the whole internet has as long a table of them.
MOST_BYTES = 1 << 20
_MAPPED = "::ffff:"


@functools.lru_cache(maxsize=4096)
def of_table(hexadecimal: str) -> str:
    """An address of /proc/net/tcp or tcp6: words in the byte order of the machine. What is IPv4 inside of IPv6 is IPv4."""
    words = [hexadecimal[start : start + 8] for start in range(0, len(hexadecimal), 8)]
    family = socket.AF_INET if len(words) == 1 else socket.AF_INET6
    return unmapped(socket.inet_ntop(family, b"".join(struct.pack("=I", int(word, 16)) for word in words)))


def unmapped(address: str) -> str:
    return address[len(_MAPPED) :] if address.startswith(_MAPPED) and "." in address else address


def with_port(address: str, port: t.Any) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def ipv4_local(fib_trie: t.Iterable[str]) -> set[str]:
    """The local addresses of the kernel's routing table: each `/32 host LOCAL` follows a line with its address."""
    found, last = set(), ""
    for line in fib_trie:
        words = line.split()
        if "LOCAL" in words and "/32" in words:
            found.add(last)
        elif words[:1] == ["|--"]:
            last = words[1]
    return found


def ipv6_local(if_inet6: t.Iterable[str]) -> t.Iterator[str]:
    for line in if_inet6:
        digits = line.split()[0] if line.split() else ""
        if len(digits) == 32:
            yield socket.inet_ntop(socket.AF_INET6, bytes.fromhex(digits))


def is_loopback(address: str) -> bool:
    return address.startswith("127.") or address == "::1"


def own(pid: t.Union[int, str]) -> set[str]:
    """Those under which others reach the network namespace of a process."""
    found = ipv4_local(_lines(f"{PROC}/{pid}/net/fib_trie")).union(ipv6_local(_lines(f"{PROC}/{pid}/net/if_inet6")))
    return {address for address in found if not is_loopback(address)}


def _lines(path: str) -> list[str]:
    try:
        with open(path, encoding="ascii", errors="replace") as handle:
            return handle.read(MOST_BYTES).splitlines()
    except OSError:  # no IPv6, or hidden
        return []
