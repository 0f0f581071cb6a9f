# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long workers are waited for: as long as one may be missing, and no longer when the user has named them all."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collectors.celery import remote
from ansible_collections.warroom.launch.plugins.module_utils._collectors.celery.collector import CelerySampler


class Slow(remote.Remote):
    """Workers by the silence that they need to be heard."""

    def __init__(self, **workers: float) -> None:
        self.workers, self.rounds, self.twins = workers, [], set()
        self.addressed: list[t.Optional[list[str]]] = []

    def ask(self, command: str, to: t.Optional[list[str]] = None, seconds: float = 1.0, **_arguments: t.Any) -> dict[str, t.Any]:
        self.rounds.append(seconds)
        self.addressed.append(to)
        return {name: {"ok": "pong"} for name, needs in self.workers.items() if needs <= seconds and name in (to or self.workers)}


@pytest.mark.parametrize(
    "workers, expected, named, rounds, heard",
    [
        ({"a": 0.1}, 1, ["a"], [0.1], ["a"]),
        ({"a": 0.1, "b": 0.9}, 1, [], [1.0], ["a", "b"]),
        ({"a": 0.1, "b": 3.0}, 2, ["a", "b"], [0.1, 4.9], ["a", "b"]),
        ({"a": 0.1, "stranger": 0.1, "b": 3.0}, 2, ["a", "b"], [0.1, 4.9], ["a", "b", "stranger"]),
        ({}, 1, [], [1.0, 4.0], []),
    ],
)
def test_rounds(workers: dict[str, float], expected: int, named: list[str], rounds: list[float], heard: list[str]) -> None:
    asked = Slow(**workers)
    assert asked.ping(expected, 5.0, named)[0] == heard
    assert asked.rounds == pytest.approx(rounds)
    # by name the wait ends with the last of them, not with silence
    assert asked.addressed == [None, *([["b"]] if named else [None])][: len(rounds)]


def test_who_may_not_ask_for_heartbeats_listens_all_the_same(tools: t.Any) -> None:
    class Refused:
        asked = 0

        def wake(self) -> None:
            self.asked += 1
            raise OSError("access to exchange celery.pidbox refused")

    probe = CelerySampler({}, tools)
    probe._listener, probe._remote = listener, refused = object(), Refused()  # type: ignore[assignment]
    probe._wake()
    assert probe._listener is listener and refused.asked == 1
