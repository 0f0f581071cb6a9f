# Copyright (c) 2026, the warroom.launch authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""First aid on the practice stack: each cause is planned, acted on by a run that is killed (its timer takes the act back), and by one that
verifies it."""

from __future__ import annotations

import json
import re
import typing as t

from ansible_collections.warroom.launch.plugins.module_utils._acts import timer
from tests.support.practice import Practice
from tests.support.respond_fleet import RespondFleet, kill
from tests.support.server import wait_until

NAME = "first aid"
#: Seconds after which the timer of the run that is killed takes its act back.
REVERT = 5


class Story(t.NamedTuple):
    flavour: str
    cause: str
    act: str
    has_undo: bool = True


#: Story → its flavour, its cause, and the act.
STORIES: dict[str, Story] = {
    "missing_index": Story("classic", "missing_index", "create_index"),
    "rogue_client": Story("classic", "unknown_client", "limit_client"),
    "queue_backlog": Story("classic", "queue_growth", "grow_pool"),
    "idle_in_transaction": Story("classic", "idle_in_transaction", "end_session", has_undo=False),
    "table_lock": Story("classic", "lock_chain", "end_session", has_undo=False),
    "cold_cache": Story("classic", "accelerator_fault", "cache_urls"),
    "workers_exhausted": Story("modern", "workers_exhausted", "add_workers"),
    "broker_full": Story("modern", "broker_full", "raise_maxmemory"),
    "pool_too_small": Story("modern", "pool_too_small", "raise_pool_size"),
}


class Row(t.NamedTuple):
    name: str
    passed: bool
    said: str


def cases() -> list[str]:
    return [f"first aid: {story}" for story in STORIES]


def rows(names: t.Sequence[str], _seed: int) -> t.Iterator[Row]:
    for flavour in ("classic", "modern"):
        own = [name for name in names if STORIES[name.partition(": ")[2]].flavour == flavour]
        if not own:
            continue
        stack = Practice(flavour)
        try:
            for name in own:
                yield row(stack, name)
        finally:
            stack.stop()


def row(stack: Practice, name: str) -> Row:
    story = STORIES[name.partition(": ")[2]]
    started = stack.start(name.partition(": ")[2])
    if started.rc != 0:
        return Row(name, False, f"it does not start: {started.output[-300:]}")
    fleet = RespondFleet.of(stack.inventory, stack.report)
    try:
        undone = taken_back(fleet) if story.has_undo else "no undo"
        token = fleet.plan()
    except AssertionError as error:
        return Row(name, False, re.sub(r"\s+", " ", str(error))[:600])
    plan = json.loads((fleet.report / "respond-plans.json").read_text())[token]
    before = len(fleet.events())
    ran = fleet.respond("-e", f"launch_respond={token}")
    events = fleet.events()[before:]
    came = next((line for line in ran.stdout.splitlines() if line.startswith(("BETTER", "SAME", "WORSE", "REFUSED"))), ran.stdout[-200:])
    # one that did not help is taken back: that is right as well, and the row says so
    settled = events[-1:] in (["stays"], ["undone"]) if story.has_undo else "acted" in events
    right = (plan["cause"], plan["act"]) == (story.cause, story.act)
    return Row(name, right and settled and "verified" in events, f"{plan['act']}; killed: {undone}; {came} ({', '.join(events)})")


def taken_back(fleet: RespondFleet) -> str:
    """A run that is killed as soon as it acted: what its timer says of the act that it took back."""
    token, before = fleet.plan(), len(fleet.events())
    process = fleet.start(token, "-e", f"launch_respond_revert_seconds={REVERT}")
    try:
        wait_until(lambda: process.poll() is not None or "acted" in fleet.events()[before:], "it acted", 180)
    finally:
        printed = kill(process)
    if "acted" not in fleet.events()[before:]:
        raise AssertionError(printed)
    left = timer.file_of(token[:16])
    wait_until(lambda: not left.exists() and left.with_suffix(".done").exists(), "its timer took it back", 60.0)
    return timer.ended(token[:16])
