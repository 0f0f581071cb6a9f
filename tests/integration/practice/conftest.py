# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One practice stack for all tests of this directory: starting it takes most of the time.

It runs in another time zone and language than the rest of the tests, its databases in a third: no result may depend on that.
"""

from __future__ import annotations

import pathlib
import shutil
import tempfile
import typing as t

import pytest

from tests.support import abroad
from tests.support.practice import Practice
from tests.support.printed import Printed


@pytest.fixture(scope="package")
def travels() -> t.Iterator[t.Iterator[dict[str, str]]]:
    """Environments of control nodes, one after the other."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="warroom-test-languages-", dir="/var/tmp"))
    folder.chmod(0o755)  # the servers are another user's
    try:
        yield abroad.travels(folder)
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="package")
def stack(travels: t.Iterator[dict[str, str]]) -> t.Iterator[Practice]:
    practice = Practice()
    practice.surroundings = next(travels, {})
    try:
        started = practice.start()
        assert started.rc == 0, started.output
        assert started.changed > 0
        password = practice.state["password"]
        abroad.move_postgresql(practice.state["ports"]["postgresql"], password, None if abroad.MISSING else "de_DE.UTF-8")
        abroad.move_mariadb(practice.dir / "run" / "mariadb.sock", password)
        yield practice
    finally:
        practice.stop()
        shutil.rmtree(practice.report, ignore_errors=True)


@pytest.fixture(scope="package")
def printed() -> Printed:
    """What was pasted of the reports about this stack."""
    return Printed()
