# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Before the doors open, in both flavours of the practice stack: healthy is go, and a fault of its project has its check and no other."""

from __future__ import annotations

import pathlib
import shutil
import tempfile
import typing as t

from tests.support import practice_project as project
from tests.support.practice import Practice

NAME = "faults before the launch"
FAULTS = {fault.name: fault for fault in (*project.FAULTS, *project.WITH_SERVERS)}


class Row(t.NamedTuple):
    name: str
    passed: bool
    said: str


def cases() -> list[str]:
    return [f"before {flavour}: {name}" for flavour in ("classic", "modern") for name in ("healthy", *FAULTS)]


def rows(names: t.Sequence[str], _seed: int) -> t.Iterator[Row]:
    for flavour in ("classic", "modern"):
        wanted = [name for name in names if name.startswith(f"before {flavour}: ")]
        if wanted:
            yield from _of(flavour, wanted)


def _of(flavour: str, names: t.Sequence[str]) -> t.Iterator[Row]:
    stack = Practice(flavour)
    try:
        started = stack.start()
        for name in names:
            story = name.partition(": ")[2]
            if started.rc != 0:
                yield Row(name, False, f"it does not start: {started.output[-300:]}")
            elif story == "healthy":
                yield healthy(stack, name)
            else:
                yield fault(stack, name, FAULTS[story])
    finally:
        stack.stop()
        shutil.rmtree(stack.report, ignore_errors=True)


def healthy(stack: Practice, name: str) -> Row:
    """The load test is the healthy stack itself, stored as the baseline; no gap is accepted but those of the rehearsal's machine."""
    stack.check(launch_check_label="baseline")
    rc, report = stack.check(launch_check_phase="before")
    # with a baseline, what no visitor feels is a latent risk: stories played on this stack later are judged without one
    shutil.rmtree(stack.report, ignore_errors=True)
    bad = [
        f"{each['check']}: {each['finding']}"
        for each in report["findings"]
        if each["status"] in ("fail", "unknown", "warn") and not each["accepted"]
    ]
    judged = {each["service"] for each in report["findings"] if each["status"] != "skipped"}
    lacking = {"django", "site", "checklist", "server", "postgresql", "celery"} - judged
    return Row(name, (rc, report["verdict"], bad, lacking) == (0, "go", [], set()), f"{report['verdict']}, {bad}, not judged {lacking}")


def fault(stack: Practice, name: str, made: project.Fault) -> Row:
    """A copy of the stack's application with the fault, on the stack's own servers."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="warroom-test-before-", dir="/var/tmp"))
    folder.chmod(0o755)
    try:
        project.write(folder / "app", [made], stack.state, stack.flavour)
        wrong = project.wrong(made, project.findings(folder / "app"), {})
    finally:
        shutil.rmtree(folder)
    return Row(name, wrong is None, wrong or f"{', '.join(made.makes)}")
