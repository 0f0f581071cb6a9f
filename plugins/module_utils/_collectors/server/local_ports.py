# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether this machine runs out of ports for connections that it opens: each to one address needs a port of its own.

A connection that was closed keeps its port for a minute (TIME_WAIT), unless the kernel may use it again.
"""

from __future__ import annotations

import collections
import ipaddress
import socket
import typing as t

from ..._collect.derived import put_largest, share
from ..._collect.facts import Facts, Maybe, Unknown
from ..._collect.problem import Problem
from ..._linux import sock_diag, unanswered
from ..._linux.kernel_text import first_numbers

ABOUT = "which local ports are in use"
NO_RANGE = "this system does not show /proc/sys/net/ipv4/ip_local_port_range"
_TIME_WAIT = 6
#: All states of a connection, but for those of one that a client opened to us and that is not accepted yet.
_STATES = sum(1 << state for state in (1, 2, 4, 5, _TIME_WAIT, 8, 9, 11))
#: tcp_tw_reuse: for all connections, or for those within the machine (the default since Linux 4.19).
_ALL, _WITHIN = 1, 2

Read = t.Callable[[str], t.Optional[str]]


class Ports(t.NamedTuple):
    """The ports that are in use for connections to `peer`, of those that there are."""

    peer: str
    used: int
    limit: int


def read(text: Read) -> Maybe[list[Ports]]:
    """Most used first."""
    span, reuse = first_numbers(text("/proc/sys/net/ipv4/ip_local_port_range")), first_numbers(text("/proc/sys/net/ipv4/tcp_tw_reuse"))
    if len(span) < 2 or not 0 < span[0] <= span[1]:
        return Unknown(NO_RANGE)
    first, last = int(span[0]), int(span[1])
    try:
        rows = [
            (body[1], *unanswered.ends(body, family))
            for family in (socket.AF_INET, socket.AF_INET6)
            for body in sock_diag.inet_sockets(family, socket.IPPROTO_TCP, _STATES, ABOUT, least_port=first, greatest_port=last)
        ]
    except Problem as problem:
        return Unknown(str(problem))
    return counted(rows, int(reuse[0]) if reuse else 0, last - first + 1)


def counted(rows: t.Iterable[tuple[int, str, str]], reuse: int, limit: int) -> list[Ports]:
    """`rows`: state, own end and the other end of each connection."""
    ports: dict[tuple[str, str], set[str]] = collections.defaultdict(set)
    for state, local, peer in rows:
        host, _colon, port = local.rpartition(":")
        if state != _TIME_WAIT or not (reuse == _ALL or (reuse == _WITHIN and _is_loopback(host))):
            ports[(host, peer)].add(port)
    return sorted((Ports(peer, len(used), limit) for (_host, peer), used in ports.items()), key=lambda each: -each.used)


def _is_loopback(host: str) -> bool:
    return ipaddress.ip_address(host.strip("[]").partition("%")[0]).is_loopback


def put(facts: Facts, ports: Maybe[list[Ports]], top: int) -> None:
    if isinstance(ports, Unknown):
        facts.put("local_ports", ports)
        facts.put("local_ports_used_ratio", ports)
        return
    rows = [{**each._asdict(), "used_ratio": share(each.used, each.limit, "", slack=1.0)} for each in ports[:top]]
    facts.put("local_ports", rows)
    put_largest(facts, "local_ports_used_ratio", [0.0, *(row["used_ratio"] for row in rows)], "")
