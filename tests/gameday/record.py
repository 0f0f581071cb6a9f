# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Record cells: one practice stack, a window of it every 10 s, and one fault after the other. Goes on where it stopped.

Several recorders of one checkout share the matrix, each with a stack of its own. A live run injects what is recorded once more and says
whether it is judged as its recording is.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import pathlib
import random
import shutil
import signal
import sys
import tarfile
import time
import typing as t

from tests.support.server import ROOT

from . import judged
from .cells import CELLS, cell_in, cells, pack, unpacked
from .kinds import Wanted, matrix
from .score import outcome
from .stack import Stack, dump
from .visitors import Visitors
from .windows import EVERY, Gatherer

OUT = ROOT / "tests" / "output" / "gameday"
LIVE = ROOT / "tests" / "output" / "gameday-live"
WINDOWS, CALM_SECONDS = 6, 240.0


@dataclasses.dataclass(frozen=True)
class Wish:
    """What of the matrix is to be recorded. `live`: so many of the recorded cells once more, to compare them. `flavour`: of the stack."""

    only: str = ""
    minutes: float = 24 * 60.0
    again: bool = False
    live: int = 0
    flavour: str = "classic"

    def cells(self) -> list[Wanted]:
        own = [cell for cell in matrix() if cell.flavour == self.flavour]
        chosen = [cell for cell in own if any(part in cell.name for part in self.only.split(","))]
        if self.live:
            there = [cell for cell in chosen if cell.name in recorded(cell.kind)]
            return there[:: max(1, len(there) // self.live)][: self.live]
        return [cell for cell in chosen if self.wants(cell)]

    def wants(self, cell: Wanted) -> bool:
        return bool(self.live) or self.again or cell.name not in recorded(cell.kind)


def record(wish: Wish, name: str) -> int:
    """Every wanted cell; the archives hold what was recorded. `name`: of the stack, one for each recorder."""
    signal.signal(signal.SIGTERM, lambda *_signal: sys.exit("stopped; the fault is healed, the next run goes on here"))
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
    stack = Stack(name, wish.flavour)
    with _alone(f"stack {name} {wish.flavour}") as is_alone, (OUT / "recorders.lock").open("w") as recorders:
        if not is_alone:
            print(f"another make gameday uses the stack {name}", file=sys.stderr)
            return 2
        fcntl.flock(recorders, fcntl.LOCK_SH)
        try:
            stack.start()
            with Gatherer(stack) as gatherer:
                return _record(stack, gatherer, wish, recorders)
        finally:
            stack.shut_down()


def _record(stack: Stack, gatherer: Gatherer, wish: Wish, recorders: t.IO[str]) -> int:
    ends, same = time.monotonic() + 60 * wish.minutes, []
    for cell in wish.cells():
        if time.monotonic() > ends:
            print("out of time; the next run goes on here", flush=True)
            break
        with _alone(cell.name) as is_alone, _machine(recorders, cell.alone) as is_ours:
            if not is_ours:
                print(f"{cell.name}: left out, it needs the machine alone and another recorder is at work", flush=True)
            elif is_alone and wish.wants(cell):
                same.append(_try(stack, gatherer, cell, _compare if wish.live else _keep))
    if wish.live:
        print(f"live {sum(same)}/{len(same)} judged as recorded", flush=True)
    return 0 if all(same) else 1


@contextlib.contextmanager
def _machine(recorders: t.IO[str], alone: bool) -> t.Iterator[bool]:
    """Whether the cell may have the machine. While it has it alone, no other recorder begins."""
    try:
        if alone:
            fcntl.flock(recorders, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        fcntl.flock(recorders, fcntl.LOCK_SH)
        yield False
        return
    try:
        yield True
    finally:
        fcntl.flock(recorders, fcntl.LOCK_SH)


def _try(stack: Stack, gatherer: Gatherer, cell: Wanted, settle: t.Callable[[Wanted, pathlib.Path], tuple[bool, str]]) -> bool:
    """Whether it came about and is right; what a fault breaks costs its cell."""
    began = time.strftime("%H:%M:%S")
    try:
        folder = (LIVE if settle is _compare else OUT) / cell.name
        _cell(stack, gatherer, cell, folder)
        is_right, said = settle(cell, folder)
        stack.heal()
    except Exception as error:  # as above
        shutil.rmtree(folder, ignore_errors=True)
        is_right, said = False, f"not recorded: {type(error).__name__}: {error}"
        stack.start()
    print(f"{began} {cell.name}: {said}", flush=True)
    return is_right


def _keep(cell: Wanted, folder: pathlib.Path) -> tuple[bool, str]:
    """Put it into its kind's archive."""
    _pack(cell.kind)
    return True, cell_in(folder, cell.name).role


def _compare(cell: Wanted, folder: pathlib.Path) -> tuple[bool, str]:
    """Whether today's rules say of it what they say of its recording."""
    recorded_cell = next(each for each in cells(CELLS) if each.name == cell.name)
    before, now = outcome(recorded_cell), outcome(cell_in(folder, cell.name))
    if (before.named, before.right) == (now.named, now.right):
        return True, "as recorded"
    return False, f"{', '.join(now.named) or 'nothing'} is named; in its recording {', '.join(before.named) or 'nothing'}"


@contextlib.contextmanager
def _alone(name: str, patient: bool = False) -> t.Iterator[bool]:
    """Whether no other recorder of this checkout has it."""
    OUT.mkdir(parents=True, exist_ok=True)
    with (OUT / f"{name.replace('/', ' ')}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | (0 if patient else fcntl.LOCK_NB))
        except OSError:
            yield False
            return
        yield True


def stop(name: str, flavour: str) -> int:
    """Remove a stack of the recorder."""
    return Stack(name, flavour).practice.stop().rc


def recorded(kind: str) -> set[str]:
    """The names of the kind's cells in the archives."""
    archive = CELLS / f"{kind}.tar.xz"
    if not archive.exists():
        return set()
    with tarfile.open(archive) as packed:
        return {name.removesuffix("/truth.json") for name in packed.getnames() if name.endswith("/truth.json")}


def _cell(stack: Stack, gatherer: Gatherer, cell: Wanted, folder: pathlib.Path) -> None:
    """Inject it and write what happens into the folder."""
    settings = stack.settings()
    shutil.rmtree(folder, ignore_errors=True)
    chance = random.Random(cell.name)
    with Visitors(stack, chance.randrange(10**6)) as visitors:
        _calm(stack, gatherer, visitors)
        before, machine_before = visitors.view(), stack.machine()
        with contextlib.ExitStack() as faults:
            for kind in cell.kinds:
                if kind.inject:
                    faults.enter_context(kind.inject(stack, kind.knobs[cell.severity]))
            injected_at = time.time()  # it is in place: the program of a release has been reloaded
            visitors.forget()
            time.sleep(chance.uniform(0, EVERY))  # a fault does not wait for a round of the watch
            for number, report in enumerate(gatherer.windows(WINDOWS), 1):
                dump(folder / "report" / f"{number}.json", report)
            load = {"before": before, "during": visitors.view(), "machine": stack.machine(), "machine_before": machine_before}
    dump(folder / "load.json", load)
    dump(folder / "report" / "hosts.json", settings)
    dump(folder / "truth.json", {**cell.truth(), "injected_at": round(injected_at, 1)})


def _pack(kind: str) -> None:
    """What is in the kind's archive already, and what was recorded now."""
    archive = CELLS / f"{kind}.tar.xz"
    with _alone(f"archive {kind}", patient=True):
        for name, files in unpacked(archive).items() if archive.exists() else ():
            for path, content in files.items():
                if not (OUT / name / path).exists():
                    (OUT / name / path).parent.mkdir(parents=True, exist_ok=True)
                    (OUT / name / path).write_bytes(content)
        CELLS.mkdir(exist_ok=True)
        pack(OUT / kind, archive)


def _calm(stack: Stack, gatherer: Gatherer, visitors: Visitors) -> None:
    """Until nothing is left of the fault before: two windows in a row name nothing. What visitors felt in these two is kept."""
    ends = time.monotonic() + CALM_SECONDS
    calm, named = 0, [""]
    while calm < 2:
        if time.monotonic() > ends:
            raise RuntimeError(f"the stack does not become calm: {', '.join(named)}")
        if not calm:
            visitors.forget()
        named = [cause["cause"] for cause in judged.judged(gatherer.window(), stack.settings())["diagnoses"]]
        calm = 0 if named else calm + 1
