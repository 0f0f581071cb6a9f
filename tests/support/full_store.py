# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Redis that is full, and runs of `launch_respond.yml` that raise its limit: they are killed on their way, or come two at once."""

from __future__ import annotations

import contextlib
import functools
import pathlib
import subprocess
import tempfile
import time
import typing as t

import redis

from ansible_collections.warroom.launch.plugins.module_utils._acts import timer

from .redis import Redis
from .respond_fleet import RespondFleet, kill
from .server import wait_until

LIMIT = 16 << 20
RAISED = LIMIT * 5 // 4
#: Longer than a run needs to verify its act.
REVERT_SECONDS = 20
#: What tells the one of two runs that does not act.
TOLD = ("another run acts right now", "the plan no longer applies", "nothing was done")


class FullStore:
    def __init__(self, revert_seconds: int = REVERT_SECONDS) -> None:
        self._revert_seconds = revert_seconds

    def __enter__(self) -> FullStore:
        with contextlib.ExitStack() as stack:
            self.store = stack.enter_context(Redis("", f"maxmemory {LIMIT}", "maxmemory-policy noeviction"))
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="wr-", dir="/tmp"))
            self.fleet = RespondFleet(
                pathlib.Path(folder),
                "queue1",
                launch_check_services={"redis": [{"address": f"127.0.0.1:{self.store.port}", "name": "store"}]},
                launch_respond_revert_seconds=self._revert_seconds,
            )
            self._fill()
            self._plan = self.fleet.plan()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_exc: t.Any) -> None:
        self._stack.close()

    def _fill(self) -> None:
        """As a broker of Celery, until it refuses a write."""
        client = self.store.client()
        client.sadd("_kombu.binding.celery", "celery")
        with contextlib.suppress(redis.OutOfMemoryError):
            while True:
                client.rpush("celery", b"x" * 16384)

    @functools.cached_property
    def seconds(self) -> float:
        """How long a run takes that nothing kills; it helps, so its act stays."""
        began = time.monotonic()
        ran = self.fleet.respond("-e", f"launch_respond={self.fleet.same_plan(self._plan)}")
        if ran.returncode or self.limit() != RAISED:
            raise AssertionError(ran.stdout + ran.stderr)
        return time.monotonic() - began

    def limit(self) -> int:
        return int(self.store.client().config_get("maxmemory")["maxmemory"])

    def killed_after(self, seconds: float, event: str = "", module_too: bool = True) -> tuple[bool, str]:
        """A run that is killed after so long, or at once when it recorded that event: it ends done and verified, or as before."""
        self.store.client().config_set("maxmemory", LIMIT)
        token, before = self.fleet.same_plan(self._plan), len(self.fleet.events())
        process = self.fleet.start(token)
        try:
            if event:
                wait_until(lambda: event in self.fleet.events()[before:], f"it recorded {event}", 150)
            else:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(seconds)
        finally:
            kill(process, module_too)
        left = timer.file_of(token[:16])
        wait_until(lambda: not left.exists(), "its timer is over", REVERT_SECONDS + 20.0)
        events, limit = self.fleet.events()[before:], self.limit()
        done = limit == RAISED and "verified" in events
        # the one that takes it back claims the timer's file first
        if not done and limit == RAISED:
            wait_until(lambda: self.limit() == LIMIT, "it was taken back", 20.0)
            limit = self.limit()
        how = f"killed after {seconds:.1f} s" if not event else f"killed when it had {event}"
        how += "" if module_too else ", the module went on"
        return done or limit == LIMIT, f"{how} ({', '.join(events) or 'before it acted'}): {limit >> 20} MiB"

    def two_at_once(self) -> tuple[bool, str]:
        self.store.client().config_set("maxmemory", LIMIT)
        before = len(self.fleet.events())
        runs = [self.fleet.start(self.fleet.same_plan(self._plan)) for _turn in range(2)]
        try:
            printed = [run.communicate(timeout=120)[0] for run in runs]
        finally:
            for run in runs:
                kill(run)
        acted = self.fleet.events()[before:].count("acted")
        losers = [text for run, text in zip(runs, printed) if run.returncode]
        why = next((word for text in losers for word in TOLD if word in text), "")
        passed = acted == 1 and len(losers) == 1 and bool(why) and self.limit() == RAISED
        return passed, f"{acted} acted, the other was told: {why or 'nothing'}; {self.limit() >> 20} MiB"
