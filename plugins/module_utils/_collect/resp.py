# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Redis' protocol (RESP2) on a connection of ours: the first words, and pipelines whose replies are bounded in time and size."""

from __future__ import annotations

import re
import socket
import typing as t

from . import stream
from .problem import Down, Full, Hangs, HungUp, Lost, Problem

#: Redis answers PING with PONG, or with an error: a code in capitals, and words.
_PONG = re.compile(rb"\+PONG\r\n")
_ERROR = re.compile(rb"-([A-Z][A-Z0-9]*)[ \r]")
#: The same words in Redis, Valkey, KeyDB and Dragonfly, with which they close the connection.
_FULL = re.compile(rb"-ERR max number of clients\b")
#: No reply that is asked for here is longer, has more members or is nested deeper.
MOST_BYTES = 4 * 1024 * 1024
_MOST_MEMBERS, _DEEPEST, _LONGEST_LINE = 100_000, 6, 16 * 1024


class Refusal(t.NamedTuple):
    """An error in place of a reply. Its text may repeat what was sent, so only the code is kept."""

    code: str


class Foreign(ValueError):
    """Bytes that are none of the protocol's."""


def greet(conn: socket.socket, address: stream.Address, seconds: float, who: str, service: str, if_tls: str) -> None:
    """Raise Down, Hangs or Problem unless Redis answers. `who`: how it is called; `service`: as what it should speak."""
    try:
        conn.settimeout(seconds)
        conn.sendall(b"PING\r\n")  # a server that requires a login responds with an error, which is a response
        answer = stream.read_all(conn, seconds, enough=_is_greeting)
    except TimeoutError as late:
        answer = late.args[0] if late.args and isinstance(late.args[0], bytes) else b""
        if not answer:
            raise Hangs(f"{who} did not answer within {seconds:g} s: it hangs, or is no Redis", address, if_tls) from None
    except OSError:
        answer = b""
    if not answer:
        raise HungUp(f"{who} hangs up without an answer: is it another service's port?", address, if_tls)
    error = _ERROR.match(answer)
    if error is None and not _PONG.match(answer):
        where = who.rpartition(" ")[2]
        raise Problem(f"what answers at {where} does not speak as {service} does{stream.instead(answer)}: is it another service's port?")
    if _FULL.match(answer):
        raise Full(who, "as many are connected as maxclients allows")
    refuse(error.group(1).decode() if error is not None else "", who)


def _is_greeting(data: bytearray) -> bool:
    """Whether enough was received: a reply, of an error its whole line, so that nothing of it is left for the next reply."""
    return len(data) >= 7 and (data[:1] != b"-" or b"\r\n" in data or len(data) > 1024)


def refuse(code: str, who: str) -> None:
    """Raise for the errors with which a server refuses every command."""
    if code == "DENIED":
        raise Problem(f"{who} is in protected mode: it has no password and lets only its own host in")
    if code == "LOADING":
        raise Down(f"{who} loads its data from disk, and takes no command until it is done")
    if code == "BUSY":
        raise Down(
            f"{who} is busy with a script and takes no other command: end it by SCRIPT KILL (FUNCTION KILL for a function), which "
            "works as long as it has written nothing"
        )


class Pipeline:
    """Commands in one request, and their replies as plain values: bytes, int, None, lists, and Refusal for errors."""

    def __init__(self, commands: t.Sequence[t.Sequence[t.Union[str, int]]]) -> None:
        self.commands = commands
        self.request = b"".join(_encoded(command) for command in commands)
        self.replies: list[t.Any] = []
        self._at = 0

    def feed(self, data: t.Union[bytes, bytearray]) -> bool:
        """Whether all replies are in what was received so far. Raises Foreign."""
        while len(self.replies) < len(self.commands):
            found = _reply(data, self._at, 0)
            if found is None:
                return False
            value, self._at = found
            self.replies.append(value)
        return True

    def run(self, conn: socket.socket, address: stream.Address, seconds: float, who: str) -> list[t.Any]:
        """The replies, within `seconds` in all. Raises Hangs, Lost or a Problem."""
        try:
            conn.settimeout(seconds)
            conn.sendall(self.request)
            stream.read_all(conn, seconds, MOST_BYTES, self.feed)
        except Foreign:
            raise Problem(f"what answers at {who} does not keep to Redis' protocol: is it another service's port?") from None
        except TimeoutError:
            raise Hangs(
                f"{who} answered before and then did not answer within {seconds:g} s: a command blocks it, or it hangs", address
            ) from None
        except OSError:
            pass
        if len(self.replies) < len(self.commands):
            raise Lost(f"{who} hangs up while it is asked: is it being restarted, or is it another service's port?")
        return self.replies


def _encoded(command: t.Sequence[t.Union[str, int]]) -> bytes:
    words = [str(word).encode() for word in command]
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)


def _reply(data: t.Union[bytes, bytearray], at: int, depth: int) -> t.Optional[tuple[t.Any, int]]:
    """(the value that begins at this place, where the next one begins); None when it is not complete yet."""
    end = data.find(b"\r\n", at)
    if data[at : at + 1] not in (b"", b"+", b"-", b":", b"$", b"*"):
        raise Foreign
    if end < 0:
        if len(data) - at > _LONGEST_LINE:
            raise Foreign
        return None
    kind, line, end = data[at : at + 1], bytes(data[at + 1 : end]), end + 2
    if kind == b"+":
        return line, end
    if kind == b"-":
        return Refusal(line.split(b" ", 1)[0].decode("ascii", "replace")[:40]), end
    count = _count(line)
    if kind == b":":
        return count, end
    if kind == b"$":
        return _text(data, end, count)
    return _members(data, end, count, depth)


def _count(line: bytes) -> int:
    if not re.fullmatch(rb"[+-]?[0-9]{1,19}", line):
        raise Foreign
    return int(line)


def _text(data: t.Union[bytes, bytearray], at: int, size: int) -> t.Optional[tuple[t.Optional[bytes], int]]:
    if size == -1:
        return None, at
    if not 0 <= size <= MOST_BYTES:
        raise Problem(f"a reply is longer than {MOST_BYTES >> 20} MiB; that is not what Redis sends")
    if len(data) < at + size + 2:
        return None
    if data[at + size : at + size + 2] != b"\r\n":
        raise Foreign
    return bytes(data[at : at + size]), at + size + 2


def _members(data: t.Union[bytes, bytearray], at: int, count: int, depth: int) -> t.Optional[tuple[t.Optional[list[t.Any]], int]]:
    if count == -1:
        return None, at
    if not 0 <= count <= _MOST_MEMBERS or depth >= _DEEPEST:
        raise Foreign
    members = []
    for _member in range(count):
        found = _reply(data, at, depth + 1)
        if found is None:
            return None
        value, at = found
        members.append(value)
    return members, at
