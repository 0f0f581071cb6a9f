# Copyright (c) 2026, the warroom.launch authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What takes long, as tables: `make soak`. Goes on where it stopped; every part gives rows and ends in one line."""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import random
import sys
import typing as t

from . import (
    any_facts,
    any_replies,
    before_faults,
    counting_table,
    event_driven,
    example_lines,
    first_aid_stories,
    port_table,
    practice_stories,
    responses,
    role_table,
    strangers,
)

#: The parts: a name, the names of all rows, and a generator of rows for some of them and a seed.
PARTS: t.Sequence[t.Any] = (
    any_facts,
    any_replies,
    before_faults,
    counting_table,
    event_driven,
    example_lines,
    first_aid_stories,
    port_table,
    practice_stories,
    responses,
    role_table,
    strangers,
)
STATE = pathlib.Path(__file__).parents[1] / "output" / "soak" / "state.json"


def main() -> int:
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--seed", type=int, help="of what is random; by default that of the run that was stopped, or a new one")
    parser.add_argument("--only", default="", help="rows whose name holds this text")
    given = parser.parse_args()
    state = _state(given.seed)
    print(f"seed {state['seed']}; state in {STATE}", flush=True)
    failed = 0
    for part in PARTS:
        done: dict[str, t.Any] = state["rows"].setdefault(part.NAME, {})
        wanted = [name for name in part.cases() if given.only in name]
        for row in part.rows([name for name in wanted if name not in done], state["seed"]):
            done[row.name] = [row.passed, row.said]
            _keep(state)
            print(_line(row.name, *done[row.name]), flush=True)
        failed += _table(part.NAME, {name: done[name] for name in wanted}, state["seed"])
    if not given.only:
        STATE.unlink(missing_ok=True)  # a run that is complete is not gone on with
    return 1 if failed else 0


def _state(seed: t.Optional[int]) -> dict[str, t.Any]:
    try:
        state: dict[str, t.Any] = json.loads(STATE.read_text())
    except (OSError, ValueError):
        state = {}
    if not state or (seed is not None and state["seed"] != seed):
        state = {"seed": random.randrange(10**6) if seed is None else seed, "rows": {}}
    return state


def _keep(state: dict[str, t.Any]) -> None:
    STATE.parent.mkdir(parents=True, exist_ok=True)
    new = STATE.with_suffix(".new")
    new.write_text(json.dumps(state, indent=1))
    os.replace(new, STATE)


def _line(name: str, passed: bool, said: str) -> str:
    return f"{'ok  ' if passed else 'FAIL'}  {name:<32}  {said}"


def _table(part: str, done: dict[str, t.Any], seed: int) -> int:
    """The rows that failed once more, and the summary; gives how many failed."""
    failed = {name: row for name, row in done.items() if not row[0]}
    for name, row in failed.items():
        print(_line(name, *row))
    print(f"{part} {len(done) - len(failed)}/{len(done)} (seed {seed})", flush=True)
    return len(failed)


sys.exit(main())
