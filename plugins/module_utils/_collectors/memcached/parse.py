# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parse: answers of the text protocol as plain dicts."""

from __future__ import annotations

import re
import typing as t

from ..._collect.problem import Problem
from ..._collect.sampling import Number, number
from ..._texts.plain import text
from ..._texts.redact import clean


class Refused(Problem):
    """The server does not know the command; the connection is fine."""


_ENDS = (b"END", b"ERROR", b"OK", b"RESET", b"STORED")
#: With these words it closes a connection that is one too many.
FULL = b"ERROR Too many open connections"
_STARTS = (FULL, b"CLIENT_ERROR", b"SERVER_ERROR", b"VERSION", b"-")  # a minus: an error of Redis, for `refuse_foreign`


def complete(data: t.Union[bytes, bytearray]) -> bool:
    """Whether the answer is whole: its last line is one that ends answers, an error included (case M-02)."""
    if not data.endswith(b"\n"):
        return False
    last = bytes(data[data.rfind(b"\n", 0, len(data) - 1) + 1 :]).strip()
    return last in _ENDS or last.startswith(_STARTS)


def wants_login(answer: bytes) -> bool:
    return answer.startswith(b"CLIENT_ERROR unauth")


def refuse_foreign(data: bytes, where: str) -> None:
    """A Problem for peers that speak another protocol (cases M-06, M-08); their bytes never reach the text."""
    start = bytes(data[:16]).lstrip()
    if start.startswith(b"{"):
        raise Problem(f"{where} is not a memcached server (JSON seen): is it the statistics port of a proxy?")
    if start.startswith((b"HTTP/", b"<")):
        raise Problem(f"{where} is not a memcached server (HTTP seen)")
    if data[:2] in (b"\x15\x03", b"\x16\x03"):
        raise Problem(f"{where} closed without an answer; it speaks TLS: set the option tls")
    if data[:1] in (b"\x80", b"\x81"):
        raise Problem(f"{where} speaks only memcached's binary protocol (option -B binary, or SASL); the text protocol is needed")
    if start.startswith((b"-ERR", b"-NOAUTH", b"-DENIED")):
        raise Problem(f"{where} is not a memcached server (Redis seen)")


def stats(answer: bytes, where: str) -> dict[str, str]:
    """The STAT lines: a value is the whole rest of its line (case M-01). A refusal is a Problem."""
    found: dict[str, str] = {}
    for line in answer.splitlines():
        if line.startswith(b"STAT "):
            name, _blank, value = line[5:].rstrip(b"\r").partition(b" ")
            found[text(name)] = text(value)
    if not found and not answer.startswith(b"END"):
        raise Refused(f"{where} answers {clean(answer[:80])!r} where statistics were expected")
    return found


_ROW = re.compile(r"^(?:items:)?(\d+):(.+)$")


def rows(found: t.Mapping[str, str]) -> dict[int, dict[str, str]]:
    """`items:14:evicted 3`, `14:chunk_size 96` or `23:addr tcp:…` as a dict for each slab class or connection."""
    result: dict[int, dict[str, str]] = {}
    for name, value in found.items():
        match = _ROW.match(name)
        if match:
            result.setdefault(int(match.group(1)), {})[match.group(2)] = value
    return result


def count(values: t.Mapping[str, str], name: str) -> t.Optional[Number]:
    """The count under `name`; None when it is missing or none that can be (case M-08). Only processor time has fractions."""
    value = number(values.get(name))
    if value is None or not 0 <= value < 2**64 or (isinstance(value, float) and not name.startswith("rusage_")):
        return None
    return value


def version_numbers(version: t.Optional[str]) -> t.Optional[list[int]]:
    """`1.4.14 (Ubuntu)` → [1, 4, 14]; None when it names no version (case M-01)."""
    match = re.match(r"\s*(\d+)\.(\d+)(?:\.(\d+))?", version or "")
    return [int(part or 0) for part in match.groups()] if match else None


_ADDRESS = re.compile(r"^tcp6?:(.+):\d+$")


def clients(connections: t.Mapping[int, t.Mapping[str, str]]) -> dict[str, int]:
    """Open connections by the client's address, from `stats conns`; listening sockets are no clients.

    A UDP socket is one of each worker thread that listens: it is never in the state of one, and its address is the server's own.
    """
    found: dict[str, int] = {}
    for row in connections.values():
        if row.get("state") == "conn_listening" or "addr" not in row or row["addr"].startswith("udp"):
            continue
        match = _ADDRESS.match(row["addr"])
        address = clean(match.group(1).strip("[]"), 64) if match else "unix"
        found[address] = found.get(address, 0) + 1
    return found
