# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Record cells: one practice stack, one watch of it every 10 s, and one fault after the other. Goes on where it stopped."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tarfile
import time
import typing as t

from tests.support.server import ROOT, VENV

from .cells import CELLS, felt, pack
from .kinds import Wanted, matrix
from .stack import Stack, dump
from .visitors import Visitors

OUT = ROOT / "tests" / "output" / "gameday"
WINDOWS, EVERY, WINDOW_SECONDS, BEFORE_SECONDS, PATIENCE = 6, 10, 5, 20.0, 240.0
#: What is kept of a report: the rest is made of it again.
KEPT = ("schema", "collection", "started_at", "duration_seconds", "phase", "hosts")


def record(only: str, minutes: float, again: bool) -> int:
    """Every cell of the matrix that is not there yet; the archives hold what was recorded."""
    signal.signal(signal.SIGTERM, lambda *_signal: sys.exit("stopped; the fault is healed, the next run goes on here"))
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
    OUT.mkdir(parents=True, exist_ok=True)
    with (OUT / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            print("another make gameday records in this checkout", file=sys.stderr)
            return 2
        return _record(only, minutes, again)


def _record(only: str, minutes: float, again: bool) -> int:
    ends = time.monotonic() + 60 * minutes
    done = set() if again else recorded()
    wanted = [cell for cell in matrix() if any(part in cell.name for part in only.split(",")) and cell.name not in done]
    print(f"{len(wanted)} cells to record, {len(done)} recorded", flush=True)
    stack = Stack()
    stack.start()
    with _watch(stack):
        for cell in wanted:
            if time.monotonic() > ends:
                print("out of time; the next run goes on here", flush=True)
                break
            try:
                print(f"{cell.name}: {_cell(stack, cell)}", flush=True)
            except Exception as error:  # what a fault breaks costs its cell
                shutil.rmtree(OUT / cell.name, ignore_errors=True)
                print(f"{cell.name}: not recorded: {type(error).__name__}: {error}", flush=True)
            stack.start()
    return 0


def stop() -> int:
    """Stop the stack that the recorder leaves running, and remove all of it."""
    practice = Stack().practice
    shutil.rmtree(practice.report, ignore_errors=True)
    return practice.stop().rc


def recorded() -> set[str]:
    """The names of the cells in the archives."""
    names = set()
    for archive in CELLS.glob("*.tar.xz"):
        with tarfile.open(archive) as packed:
            names |= {name.removesuffix("/truth.json") for name in packed.getnames() if name.endswith("/truth.json")}
    return names


def _cell(stack: Stack, cell: Wanted) -> str:
    """Record it and put it into its kind's archive; gives what was felt."""
    seed = random.Random(cell.name).randrange(10**6)
    _calm(stack)
    folder = OUT / cell.name
    shutil.rmtree(folder, ignore_errors=True)
    with Visitors(stack, seed) as visitors:
        time.sleep(BEFORE_SECONDS)
    before, load_without = visitors.view(), stack.machine()
    with Visitors(stack, seed) as visitors, contextlib.ExitStack() as faults:
        injected_at = time.time()
        for kind in cell.kinds:
            if kind.inject:
                faults.enter_context(kind.inject(stack, kind.knobs[cell.severity]))
        for number, report in enumerate(_reports(stack, injected_at), 1):
            dump(folder / "report" / f"{number}.json", {key: report[key] for key in KEPT})
    load = {"before": before, "during": visitors.view(), "machine": stack.machine(), "machine_before": load_without}
    dump(folder / "load.json", load)
    dump(folder / "report" / "hosts.json", stack.settings())
    dump(folder / "truth.json", {**cell.truth(), "injected_at": round(injected_at, 1)})
    _pack(cell.kind)
    return {True: "felt", False: "latent", None: "unknown"}[felt(load)]


def _pack(kind: str) -> None:
    """What is in the kind's archive already, and what was recorded now."""
    archive = CELLS / f"{kind}.tar.xz"
    if archive.exists():
        with tarfile.open(archive) as packed:
            for member in packed:
                if not (OUT / member.name).exists():
                    packed.extract(member, OUT, filter="data")
    CELLS.mkdir(exist_ok=True)
    pack(OUT / kind, archive)


def _calm(stack: Stack) -> None:
    """Until nothing is left of the fault before: two windows in a row name nothing."""
    ends = time.monotonic() + PATIENCE
    calm = 0
    for report in _reports(stack, time.time(), 30):
        calm = 0 if report["diagnoses"] else calm + 1
        if calm == 2:
            return
        if time.monotonic() > ends:
            break
    raise RuntimeError("the stack does not become calm: " + ", ".join(cause["cause"] for cause in report["diagnoses"]))


def _reports(stack: Stack, since: float, most: int = WINDOWS) -> t.Iterator[dict[str, t.Any]]:
    """The watch's next reports whose window began after that moment."""
    path = stack.practice.report / "launch.json"
    last = ""
    for _number in range(most):
        ends = time.monotonic() + PATIENCE
        while True:
            report = _read(path)
            if report and report["started_at"] != last and report["started_at"] >= _written(since):
                break
            if time.monotonic() > ends:
                raise RuntimeError(f"the watch writes no report: see {OUT}/watch.log")
            time.sleep(0.3)
        last = report["started_at"]
        yield report


def _written(since: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(since + 1))


def _read(path: pathlib.Path) -> t.Optional[dict[str, t.Any]]:
    try:
        content: dict[str, t.Any] = json.loads(path.read_text())
        return content
    except (OSError, ValueError):
        return None


@contextlib.contextmanager
def _watch(stack: Stack) -> t.Iterator[None]:
    """A watch of the stack, as people run it."""
    report = stack.practice.report
    report.mkdir(exist_ok=True)
    (report / "launch.json").unlink(missing_ok=True)
    settings = {
        "launch_check_report_dir": str(report),
        "launch_check_window": WINDOW_SECONDS,
        "launch_watch_every": EVERY,
        "launch_watch_minutes": 24 * 60,
    }
    book = ROOT / "playbooks" / "launch_watch.yml"
    argv = [VENV / "ansible-playbook", "-i", stack.practice.inventory, book, "-e", json.dumps(settings)]
    env = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}
    with (
        (OUT / "watch.log").open("wb") as log,
        subprocess.Popen(argv, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log) as process,
    ):
        try:
            yield
        finally:
            process.terminate()
