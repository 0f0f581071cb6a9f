# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The practice stack in both flavours: a row for each story, which must have its own cause and no other."""

from __future__ import annotations

import typing as t

from tests.support.practice import Practice

NAME = "stories"
#: Story → its cause; of ordinary traffic none.
_EITHER: dict[str, t.Optional[str]] = {
    "healthy": None,
    "missing_index": "missing_index",
    "rogue_client": "unknown_client",
    "workers_exhausted": "workers_exhausted",
    "queue_backlog": "queue_growth",
    "idle_in_transaction": "idle_in_transaction",
    "table_lock": "lock_chain",
    "bad_release": "application_errors",
}
CAUSES: dict[str, dict[str, t.Optional[str]]] = {
    "classic": {**_EITHER, "cold_cache": "accelerator_fault", "unbalanced_cache": "unbalanced_pool"},
    "modern": {**_EITHER, "broker_full": "broker_full", "pool_too_small": "pool_too_small"},
}


class Row(t.NamedTuple):
    name: str
    passed: bool
    said: str


def cases() -> list[str]:
    return [f"{flavour}: {story}" for flavour, causes in CAUSES.items() for story in causes]


def rows(names: t.Sequence[str], _seed: int) -> t.Iterator[Row]:
    for flavour in CAUSES:
        wanted = [name for name in names if name.startswith(f"{flavour}: ")]
        stack = Practice(flavour)
        try:
            yield from (row(stack, name) for name in wanted)
        finally:
            if wanted:
                stack.stop()


def row(stack: Practice, name: str) -> Row:
    flavour, _colon, story = name.partition(": ")
    cause = CAUSES[flavour][story]
    started = stack.start(*([] if cause is None else [story]))
    if started.rc != 0:
        return Row(name, False, f"it does not start: {started.output[-300:]}")
    rc, report = stack.check()
    causes = [one["cause"] for one in report["diagnoses"]]
    if cause is not None:
        return Row(name, (rc, causes) == (2, [cause]), f"{report['verdict']}, {causes}")
    bad = [one["check"] for one in report["findings"] if one["status"] in ("fail", "unknown") and not one["accepted"]]
    return Row(name, (rc, causes, bad) == (0, [], []), f"{report['verdict']}, {causes}, {bad}")
