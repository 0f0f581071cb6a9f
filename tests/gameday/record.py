# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Record cells: one practice stack, a window of it every 10 s, and one fault after the other. Goes on where it stopped.

Several recorders of one checkout share the matrix, each with a stack of its own.
"""

from __future__ import annotations

import contextlib
import fcntl
import random
import shutil
import signal
import sys
import tarfile
import time
import typing as t

from tests.support.server import ROOT

from . import judged
from .cells import CELLS, felt, pack
from .kinds import Wanted, matrix
from .stack import Stack, dump
from .visitors import Visitors
from .windows import EVERY, Gatherer

OUT = ROOT / "tests" / "output" / "gameday"
WINDOWS, CALM_SECONDS = 6, 240.0


def record(only: str, minutes: float, again: bool, name: str) -> int:
    """Every cell of the matrix that is not there yet; the archives hold what was recorded. `name`: of the stack, one for each recorder."""
    signal.signal(signal.SIGTERM, lambda *_signal: sys.exit("stopped; the fault is healed, the next run goes on here"))
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
    stack = Stack(name)
    with _alone(f"stack {name}") as is_alone:
        if not is_alone:
            print(f"another make gameday uses the stack {name}", file=sys.stderr)
            return 2
        try:
            stack.start()
            with Gatherer(stack) as gatherer:
                _record(stack, gatherer, only, time.monotonic() + 60 * minutes, again)
        finally:
            stack.shut_down()
    return 0


def _record(stack: Stack, gatherer: Gatherer, only: str, ends: float, again: bool) -> None:
    for cell in matrix():
        if time.monotonic() > ends:
            print("out of time; the next run goes on here", flush=True)
            return
        if not any(part in cell.name for part in only.split(",")) or (not again and cell.name in recorded(cell.kind)):
            continue
        with _alone(cell.name) as is_alone:
            if is_alone:
                _try(stack, gatherer, cell)


def _try(stack: Stack, gatherer: Gatherer, cell: Wanted) -> None:
    try:
        print(f"{time.strftime('%H:%M:%S')} {cell.name}: {_cell(stack, gatherer, cell)}", flush=True)
        stack.heal()
    except Exception as error:  # what a fault breaks costs its cell
        shutil.rmtree(OUT / cell.name, ignore_errors=True)
        print(f"{time.strftime('%H:%M:%S')} {cell.name}: not recorded: {type(error).__name__}: {error}", flush=True)
        stack.start()


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


def stop(name: str) -> int:
    """Remove a stack of the recorder."""
    practice = Stack(name).practice
    return practice.stop().rc


def recorded(kind: str) -> set[str]:
    """The names of the kind's cells in the archives."""
    archive = CELLS / f"{kind}.tar.xz"
    if not archive.exists():
        return set()
    with tarfile.open(archive) as packed:
        return {name.removesuffix("/truth.json") for name in packed.getnames() if name.endswith("/truth.json")}


def _cell(stack: Stack, gatherer: Gatherer, cell: Wanted) -> str:
    """Record it and put it into its kind's archive; gives what was felt."""
    settings = stack.settings()
    folder = OUT / cell.name
    shutil.rmtree(folder, ignore_errors=True)
    chance = random.Random(cell.name)
    with Visitors(stack, chance.randrange(10**6)) as visitors:
        _calm(stack, gatherer, visitors)
        before, machine_before = visitors.view(), stack.machine()
        with contextlib.ExitStack() as faults:
            injected_at = time.time()
            for kind in cell.kinds:
                if kind.inject:
                    faults.enter_context(kind.inject(stack, kind.knobs[cell.severity]))
            visitors.forget()
            time.sleep(chance.uniform(0, EVERY))  # a fault does not wait for a round of the watch
            for number, report in enumerate(gatherer.windows(WINDOWS), 1):
                dump(folder / "report" / f"{number}.json", report)
            load = {"before": before, "during": visitors.view(), "machine": stack.machine(), "machine_before": machine_before}
    is_felt = felt(load)
    dump(folder / "load.json", load)
    dump(folder / "report" / "hosts.json", settings)
    dump(folder / "truth.json", {**cell.truth(), "injected_at": round(injected_at, 1)})
    _pack(cell.kind)
    return {True: "felt", False: "latent", None: "unknown"}[is_felt]


def _pack(kind: str) -> None:
    """What is in the kind's archive already, and what was recorded now."""
    archive = CELLS / f"{kind}.tar.xz"
    with _alone(f"archive {kind}", patient=True):
        if archive.exists():
            with tarfile.open(archive) as packed:
                for member in packed:
                    if not (OUT / member.name).exists():
                        packed.extract(member, OUT, filter="data")
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
