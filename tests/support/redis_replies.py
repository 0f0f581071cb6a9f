# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Recorded replies of Redis and Valkey (`tests/unit/fixtures/redis/`), and a peer that gives them."""

from __future__ import annotations

import contextlib
import json
import pathlib
import re
import socket
import typing as t

from ansible_collections.warroom.launch.plugins.module_utils._collect import resp
from ansible_collections.warroom.launch.plugins.module_utils._collectors.redis import fetch, shape
from ansible_collections.warroom.launch.plugins.module_utils._collectors.redis.samples import Pings

from . import replay
from .reply_source import Facts, Source, lines, part

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


class _Memory(fetch.Session):
    """Answers a pipeline from a document: command → reply; INFO and CLIENT LIST as rows of words."""

    def __init__(self, document: t.Any) -> None:  # pylint: disable=super-init-not-called
        self.document, self.asked, self._user = document, 0, ""

    @property
    def shown(self) -> str:
        return "192.0.2.1:6379"

    def ask(self, *commands: t.Sequence[fetch.Word]) -> list[t.Any]:
        self.asked += len(commands)
        return [self._reply(" ".join(map(str, words))) for words in commands]

    def _reply(self, command: str) -> t.Any:
        if command.startswith(("SELECT", "EXISTS")):
            return b"OK" if command.startswith("SELECT") else 0
        return _sent(part(self.document, _recorded_as(command)), command)


def _recorded_as(command: str) -> str:
    """The slow log is asked for one entry before the window."""
    return f"SLOWLOG GET {fetch.SLOW_ENTRIES}" if command.startswith("SLOWLOG GET") else command


def _sent(value: t.Any, command: str) -> t.Any:
    """A reply as the session gives it: texts as bytes, whatever was put in their place."""
    if isinstance(value, dict) or value is None:
        return resp.Refusal(str(part(value, "error") or "ERR").split(" ", maxsplit=1)[0])
    if isinstance(value, list) and _IN_LINES.match(command):
        if command == "CLIENT LIST":
            return lines(value).encode("utf-8", "replace")
        named = [[*row, ""][:2] if isinstance(row, list) else [row] for row in value]  # a value that is lost leaves its name
        return lines(named, ":").encode("utf-8", "replace")
    return _bytes(value)


#: Commands whose reply is a text of lines.
_IN_LINES = re.compile(r"(?:CLUSTER )?INFO|CLIENT LIST")


def _bytes(value: t.Any) -> t.Any:
    if isinstance(value, list):
        return [_bytes(each) for each in value]
    return value.encode("utf-8", "replace") if isinstance(value, str) else value if isinstance(value, int) else None


def _in_rows(command: str, reply: t.Any) -> t.Any:
    if not isinstance(reply, str) or not _IN_LINES.match(command):
        return reply
    return [line.split(" ") if command == "CLIENT LIST" else line.split(":", 1) for line in reply.splitlines() if line]


def read(first: t.Any, second: t.Any) -> Facts:
    """The facts of a server that answers so, first and then."""
    session = _Memory(first)
    before = fetch.sample(session, whole=False)
    session.document = second
    pings = Pings()
    pings.connect, pings.taken = 0.001, [0.0002, 0.0004]
    return shape.facts(before, fetch.sample(session, whole=True), 5.0, pings, 10).done()


def told(first: Replies, second: Replies) -> Facts:
    """The facts of these replies, as `recorded` has them, without a server."""
    first = {f"SLOWLOG GET {fetch.SLOW_ENTRIES}": first.get("SLOWLOG GET 1"), **first}
    return read(*({command: _in_rows(command, reply) for command, reply in replies.items()} for replies in (first, second)))


def sources() -> list[Source]:
    documents = {version: {command: _in_rows(command, reply) for command, reply in recorded(version)[1].items()} for version in VERSIONS}
    return [Source("redis", version, document, read) for version, document in documents.items()]
