# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How many tests ran in `make test`: read from the parts' own records, never assumed."""

from __future__ import annotations

import pathlib
import re
import sys
from xml.etree import ElementTree

PARTS = ("unit", "measures", "services", "runs", "hosts", "practice", "practice-beside")


def pytest_counts(record: pathlib.Path) -> str:
    """`120 tests, 0 failed, 2 skipped` from a JUnit file; skipped tests are listed with their reasons."""
    total = failed = 0
    skipped = []
    for suite in ElementTree.parse(record).getroot().iter("testsuite"):
        total += int(suite.get("tests", 0))
        failed += int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        skipped += [(case.get("name"), case[0].get("message")) for case in suite.iter("testcase") if case.find("skipped") is not None]
    reasons = "".join(f"\n    skipped {name}: {reason}" for name, reason in skipped)
    return f"{total - len(skipped)} tests ran, {failed} failed, {len(skipped)} skipped{reasons}"


def slowest(folder: pathlib.Path, count: int = 20) -> list[tuple[float, str]]:
    """The tests that took longest, with their servers' starts as far as they waited for them."""
    cases = (
        case for part in PARTS for record in folder.glob(f"{part}.xml") for case in ElementTree.parse(record).getroot().iter("testcase")
    )
    return sorted(((float(case.get("time") or 0), f"{case.get('classname')}::{case.get('name')}") for case in cases), reverse=True)[:count]


def main(folder: pathlib.Path) -> None:
    print("=== What ran")
    for part in PARTS:
        record = folder / f"{part}.xml"
        print(f"{part}: {pytest_counts(record) if record.exists() else 'left no record'}")
        if (alone := folder / f"{part}-alone.xml").exists():
            print(f"{part}, what failed there once more and alone: {pytest_counts(alone)}")
    for part, mark in (("sanity", r"^Running sanity test "), ("lint", r"^nox > Running session ")):
        log = folder / f"{part}.log"
        count = len(re.findall(mark, log.read_text(errors="replace"), re.M)) if log.exists() else 0
        print(f"{part}: {count} checks ran")
    print("=== The slowest tests, seconds")
    for seconds, name in slowest(folder):
        print(f"{seconds:6.1f} {name}")


main(pathlib.Path(sys.argv[1]))
