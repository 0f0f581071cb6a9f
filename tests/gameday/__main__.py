# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`make gameday-replay` judges the recorded cells by today's rules, `make gameday` records what is missing.

`.ci/gameday stop` removes its stack.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import json
import os
import pathlib
import sys
import typing as t

from . import table
from .cells import CELLS, Cell, CellError, cells
from .score import Outcome, outcome

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "gameday.md"
STORED = pathlib.Path(__file__).parent / "outcomes.json"
#: Below that many cells, starting processes takes longer than judging.
FEW = 24


def judged(recorded: t.Sequence[Cell]) -> list[Outcome]:
    """The outcome of every cell, on all cores when there are many."""
    if len(recorded) < FEW:
        return [outcome(cell) for cell in recorded]
    with concurrent.futures.ProcessPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(outcome, recorded, chunksize=4))


def replay(folder: pathlib.Path) -> int:
    """Print the table; for the recorded cells of the repository, also renew the page and the stored outcomes."""
    try:
        rows = judged(cells(folder))
    except CellError as error:
        print(error, file=sys.stderr)
        return 2
    print("\n".join(table.lines(rows)))
    if folder.resolve() == CELLS.resolve():
        PAGE.write_text(table.page(rows), encoding="utf-8")
        STORED.write_text(json.dumps(table.stored(rows), indent=1) + "\n", encoding="utf-8")
    print(table.last_line(rows))
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="make gameday", description=__doc__)
    actions = parser.add_subparsers(dest="action", required=True)
    again = actions.add_parser("replay")
    again.add_argument("folder", nargs="?", default=str(CELLS), type=pathlib.Path)
    live = actions.add_parser("record")
    live.add_argument("--only", default="", help="cells whose name holds this text, or one of several, separated by commas")
    live.add_argument("--minutes", type=float, default=24 * 60.0, help="begin no cell after that many minutes")
    live.add_argument("--again", action="store_true", help="record also what is recorded")
    live.add_argument("--live", type=int, default=0, metavar="N", help="inject N recorded cells once more and compare the verdicts")
    end = actions.add_parser("stop")
    for action in (live, end):
        action.add_argument("--stack", default="gameday", help="the name of the practice stack: one for each recorder")
        action.add_argument("--flavour", default="classic", choices=("classic", "modern"), help="of the practice stack")
    given = parser.parse_args()
    if given.action == "replay":
        return replay(given.folder)
    from . import record  # pylint: disable=import-outside-toplevel # needs the practice stack's libraries

    if given.action == "stop":
        return record.stop(given.stack, given.flavour)
    return record.record(record.Wish(given.only, given.minutes, given.again, given.live, given.flavour), given.stack)


if __name__ == "__main__":
    sys.exit(main())
