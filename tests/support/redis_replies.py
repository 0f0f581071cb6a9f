# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Recorded replies of Redis and Valkey (`tests/unit/fixtures/redis/`), and a peer that gives them."""

from __future__ import annotations

import contextlib
import json
import pathlib
import socket
import typing as t

from ansible_collections.warroom.launch.plugins.module_utils._collect import resp
from ansible_collections.warroom.launch.plugins.module_utils._collectors.redis import fetch

from . import replay

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "unit" / "fixtures" / "redis"
VERSIONS = sorted(path.stem for path in FOLDER.glob("*.json"))
#: What a session asks before and after the window, in the words of the keys of a recording.
FIRST = (["INFO"], ["INFO", "commandstats"], ["INFO", "errorstats"], ["SLOWLOG", "GET", "1"])
SECOND = (
    *FIRST[:3], ["SLOWLOG", "GET", str(fetch.SLOW_ENTRIES)], *(["CONFIG", "GET", name] for name in fetch.SETTINGS), ["LATENCY", "LATEST"],
    ["CLIENT", "LIST"], ["CLUSTER", "INFO"], ["RANDOMKEY"],
)  # fmt: skip

Replies = dict[str, t.Any]


def recorded(version: str) -> tuple[Replies, Replies]:
    """The replies before and after the window, by command."""
    both = json.loads((FOLDER / f"{version}.json").read_text(encoding="utf-8"))
    return both["first"], both["second"]


def encoded(value: t.Any) -> bytes:
    """A recorded reply as the server sends it; an error is `{"error": "NOPERM …"}`."""
    if isinstance(value, dict):
        return b"-" + str(value["error"]).encode() + b"\r\n"
    if value is None:
        return b"$-1\r\n"
    if isinstance(value, int):
        return b":%d\r\n" % value
    if isinstance(value, list):
        return b"*%d\r\n" % len(value) + b"".join(map(encoded, value))
    raw = str(value).encode()
    return b"$%d\r\n%s\r\n" % (len(raw), raw)


UNKNOWN: Replies = {"error": "ERR unknown command"}


def answers(*samples: Replies) -> replay.Answer:
    """A server: PING, SELECT, EXISTS and AUTH as usual, all else as recorded; the next sample begins with each INFO."""

    def answer(conn: socket.socket) -> None:
        pending, number = b"", -1
        while True:
            chunk = conn.recv(65536)
            if not chunk:
                return
            pending += chunk
            while pending:
                if pending.startswith(b"PING\r\n"):
                    pending = pending[6:]
                    conn.sendall(b"+PONG\r\n")
                    continue
                found = resp._reply(pending, 0, 0)
                if found is None:
                    break
                words, end = found
                pending = pending[end:]
                command = " ".join(word.decode() for word in words)
                number += command == "INFO"
                conn.sendall(_reply(samples[min(max(number, 0), len(samples) - 1)], command))

    return answer


def _reply(sample: Replies, command: str) -> bytes:
    if command in sample:
        return encoded(sample[command])
    usual = {"PING": b"+PONG\r\n", "SELECT": b"+OK\r\n", "EXISTS": b":0\r\n", "AUTH": b"+OK\r\n"}
    return usual.get(command.partition(" ")[0]) or encoded(UNKNOWN)


@contextlib.contextmanager
def server(*samples: Replies) -> t.Iterator[str]:
    """The address of a server that gives these replies."""
    with replay.peer(answers(*samples)) as address:
        yield address


def changed(sample: Replies, **lines: t.Any) -> Replies:
    """The sample with lines of INFO replaced, or added; None takes one away."""
    text = sample["INFO"]
    kept = [line for line in text.split("\r\n") if line.partition(":")[0] not in lines]
    added = [f"{name}:{value}" for name, value in lines.items() if value is not None]
    return {**sample, "INFO": "\r\n".join([*kept, *added])}
