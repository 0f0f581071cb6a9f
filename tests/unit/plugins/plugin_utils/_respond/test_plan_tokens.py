# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tokens: good once, for ten minutes, for the plan that they were made of, and for one run at a time."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._respond import tokens
from ansible_collections.warroom.launch.plugins.plugin_utils._respond.tokens import NoToken, Plans

PLAN = {
    "cause": "lock_chain",
    "act": "end_session",
    "host": "db1",
    "service": "postgresql",
    "instance": "shop",
    "about": {"pid": 7},
    "identity": {"pid": 7, "backend_start": "2026-11-30T03:03:59.668044+00"},
    "limits": {"blocks": 1},
}
NOBODY = {"pid": 0, "start": None, "user": "jo"}


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def plans(tmp_path: pathlib.Path, clock: Clock) -> Plans:
    return Plans(tmp_path / "report", clock)


def test_a_token_is_good_once(plans: Plans) -> None:
    token = plans.mint(dict(PLAN))
    assert len(token) >= 16 and plans.check(token)["about"] == {"pid": 7}
    assert plans.use(token, NOBODY)["host"] == "db1"
    for take in (plans.check, lambda each: plans.use(each, NOBODY)):
        with pytest.raises(NoToken, match="was used"):
            take(token)


def test_a_token_is_good_for_ten_minutes(plans: Plans, clock: Clock) -> None:
    token = plans.mint(dict(PLAN))
    clock.now += 599
    plans.check(token)
    clock.now += 2
    with pytest.raises(NoToken, match="too old"):
        plans.use(token, NOBODY)


def test_a_clock_that_was_set_back_makes_no_token_good_again(plans: Plans, clock: Clock) -> None:
    token = plans.mint(dict(PLAN))
    clock.now -= 3600
    with pytest.raises(NoToken, match="too old"):
        plans.check(token)


@pytest.mark.parametrize("token", ["", "0" * 16, "zz", "\udcff", "../../etc/passwd", "0" * 10_000])
def test_any_other_token_is_refused(plans: Plans, token: str) -> None:
    plans.mint(dict(PLAN))
    with pytest.raises(NoToken, match="no plan with this token"):
        plans.use(token, NOBODY)


@pytest.mark.parametrize("part", ["act", "host", "about", "identity", "limits", "nonce", "made_at"])
def test_the_token_covers_every_part_of_its_plan(plans: Plans, part: str) -> None:
    token = plans.mint(dict(PLAN))
    file = plans.folder / tokens.FILE
    kept = json.loads(file.read_text())
    kept[token][part] = {"pid": 8} if part in ("about", "identity", "limits") else 1_000_001.0 if part == "made_at" else "another"
    file.write_text(json.dumps(kept))
    with pytest.raises(NoToken, match="was changed"):
        plans.use(token, NOBODY)


def test_two_plans_alike_have_two_tokens_in_a_file_of_the_owner(plans: Plans) -> None:
    assert plans.mint(dict(PLAN)) != plans.mint(dict(PLAN))
    assert (plans.folder / tokens.FILE).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("text", ["{", "[]", '{"a": 1}', "\x00", "[" * 100_000])
def test_damaged_plans_cost_one_sentence(plans: Plans, text: str) -> None:
    plans.mint(dict(PLAN))
    (plans.folder / tokens.FILE).write_text(text)
    with pytest.raises(NoToken, match="remove the file"):
        plans.check("0" * 32)


def test_plans_behind_a_link_are_not_taken_and_what_it_leads_to_stays(plans: Plans, tmp_path: pathlib.Path) -> None:
    token = plans.mint(dict(PLAN))
    file, other = plans.folder / tokens.FILE, tmp_path / "other"
    file.rename(other)
    file.symlink_to(other)
    kept = other.read_text()
    for take in (plans.check, lambda each: plans.use(each, NOBODY), lambda _each: plans.mint(dict(PLAN))):
        with pytest.raises(NoToken, match="remove the file"):
            take(token)
    assert other.read_text() == kept


def test_a_lock_that_is_a_link_is_not_followed(plans: Plans, tmp_path: pathlib.Path) -> None:
    plans.mint(dict(PLAN))
    (plans.folder / tokens.LOCK).unlink()
    (plans.folder / tokens.LOCK).symlink_to(tmp_path / "made")
    with pytest.raises(OSError, match="symbolic link"):
        plans.mint(dict(PLAN))
    assert not (tmp_path / "made").exists()


def test_while_one_run_acts_another_is_told(plans: Plans) -> None:
    first, second = plans.mint(dict(PLAN)), plans.mint(dict(PLAN))
    plans.use(first, {"pid": os.getpid(), "start": tokens.start_of(os.getpid()), "user": "jo"})
    with pytest.raises(NoToken, match=f"another run acts right now.*{os.getpid()} of jo"):
        plans.use(second, NOBODY)
    plans.done(first)
    plans.use(second, NOBODY)


def test_a_run_that_was_killed_acts_no_more(plans: Plans) -> None:
    first, second = plans.mint(dict(PLAN)), plans.mint(dict(PLAN))
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        plans.use(first, {"pid": process.pid, "start": tokens.start_of(process.pid), "user": "jo"})
        process.kill()
    assert plans.use(second, NOBODY)["nonce"]
    # the token of the run that was killed stays used
    with pytest.raises(NoToken, match="was used"):
        plans.use(first, NOBODY)


def test_of_many_runs_with_one_token_one_acts(tmp_path: pathlib.Path) -> None:
    import concurrent.futures

    token = Plans(tmp_path).mint(dict(PLAN))

    def take(_number: int) -> t.Optional[str]:
        try:
            return str(Plans(tmp_path).use(token, NOBODY)["nonce"])
        except NoToken:
            return None

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(take, range(24)))
    assert sum(each is not None for each in taken) == 1
