# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tests that failed in a JUnit file, a node id of pytest per line; none where more failed than a crowded machine explains."""

from __future__ import annotations

import pathlib
import sys
from xml.etree import ElementTree

#: More than these are a fault of the change, not of the machine.
MOST = 3


def failed(record: pathlib.Path) -> list[str]:
    cases = ElementTree.parse(record).getroot().iter("testcase")
    bad = [case for case in cases if case.find("failure") is not None or case.find("error") is not None]
    # a test whose fixture fails at its end, too, stands there twice
    return sorted({f"{case.get('classname', '').replace('.', '/')}.py::{case.get('name')}" for case in bad})


if __name__ == "__main__":
    names = failed(pathlib.Path(sys.argv[1]))
    print("\n".join(names if len(names) <= MOST else []))
