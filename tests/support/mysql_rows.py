# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server from memory: answers by what a question reads from, recorded from real servers or written by a test."""

from __future__ import annotations

import json
import pathlib
import re
import typing as t

from ansible_collections.warroom.launch.plugins.module_utils._collectors.mysql import parse
from ansible_collections.warroom.launch.plugins.module_utils._collectors.mysql.collector import MysqlSampler
from ansible_collections.warroom.launch.plugins.module_utils._collectors.mysql.fetch import Reader
from ansible_collections.warroom.launch.plugins.module_utils._collectors.mysql.session import Refused, Session

from .tools import FakeCommands, tools_with

Answer = t.Union[list[dict[str, t.Any]], Refused]


def subject(sql: str) -> str:
    """What a question is about: the first table it reads, or the words of a SHOW or SET."""
    line = " ".join(sql.split())
    table = re.search(r"\bFROM (?:\w+\.)?(\w+)", line)
    if line.startswith(("SHOW", "SET", "EXPLAIN")) or table is None:
        function = re.match(r"SELECT \w+", line)
        return function.group() if function else line.split(" FROM ", maxsplit=1)[0][:60]
    return table.group(1)


class FakeSession(Session):
    """`answers` by subject: rows, a refusal, or a list of these for successive questions. What it lacks does not exist."""

    def __init__(self, answers: t.Mapping[str, t.Any]) -> None:  # pylint: disable=super-init-not-called
        self.answers = dict(answers)
        self.asked: list[str] = []
        self.lost = False

    def rows(self, sql: str) -> list[dict[str, t.Optional[str]]]:
        self.asked.append(" ".join(sql.split()))
        answer = self.answers.get(subject(sql), Refused("absent", f"Table '{subject(sql)}' doesn't exist", 1146))
        if isinstance(answer, tuple):
            answer, self.answers[subject(sql)] = answer[0], answer[1:] or answer[0]
        if isinstance(answer, Refused):
            raise answer
        return [
            {str(name).lower(): None if value is None else value if isinstance(value, str) else str(value) for name, value in row.items()}
            for row in answer
        ]

    def close(self) -> None:
        self.lost = True


class Recorder(Session):
    """A real session that keeps what it was told, for a recording."""

    kept: list[dict[str, t.Any]]

    def rows(self, sql: str) -> list[dict[str, t.Optional[str]]]:
        kept = self.__dict__.setdefault("kept", [])
        try:
            rows = super().rows(sql)
        except Refused as refused:
            kept.append({"subject": subject(sql), "refused": [refused.why, refused.said, refused.code]})
            raise
        kept.append({"subject": subject(sql), "rows": rows})
        return rows


def recorded(path: pathlib.Path) -> FakeSession:
    """A session that answers as the recorded one did, question by question."""
    answers: dict[str, tuple[t.Any, ...]] = {}
    for entry in json.loads(path.read_text()):
        answer = Refused(*entry["refused"]) if "refused" in entry else entry["rows"]
        answers[entry["subject"]] = (*answers.get(entry["subject"], ()), answer)
    return FakeSession(answers)


def reader(answers: t.Mapping[str, t.Any], version: str = "10.11.6-MariaDB", **variables: str) -> Reader:
    session = FakeSession(answers)
    who = parse.identity({"version": version, "version_comment": "", "login": "mon@127.0.0.1", "id": "9"})
    return Reader(session, who, {"max_connections": "400", "performance_schema": "OFF", **variables})


def facts(session: FakeSession, window: t.Optional[float] = 1.0, **options: t.Any) -> dict[str, t.Any]:
    """What the probe makes of the session: two samples when there is a window."""
    probe = MysqlSampler({"login_host": "192.0.2.1", **options}, tools_with(FakeCommands()))
    probe._session = session
    probe._reader = Reader.of(session)
    probe._first = probe._sample(None)
    if window is not None:
        probe.look()
        probe._second = probe._sample(probe._first.now)
    return probe.facts(window).done()
