# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fixed part of what `make soak` does hundreds of times: a run that is killed after it acted, guards that break after the plan."""

from __future__ import annotations

import random
import typing as t

import pytest

from tests.soak.responses import BREAKS, Blocked
from tests.support.full_store import LIMIT, FullStore
from tests.support.postgresql import Postgres


@pytest.mark.timeout(200)
def test_what_a_killed_run_did_is_taken_back_by_its_timer() -> None:
    with FullStore(revert_seconds=4) as store:
        passed, said = store.killed_after(0.0, "acted")
        assert passed and store.limit() == LIMIT, said


@pytest.fixture(scope="module")
def blocked() -> t.Iterator[Blocked]:
    with Postgres() as server:
        yield Blocked(server)


@pytest.mark.parametrize("way", ["nobody waits", "a superuser", "another transaction"])
def test_a_guard_that_breaks_after_the_plan_is_refused(blocked: Blocked, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for other in set(BREAKS) - {way}:
        monkeypatch.delitem(BREAKS, other)
    found = blocked.row(way, random.Random(1))
    assert found.passed, found.said
