# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One practice stack for all tests of this directory: starting it is the dear part."""

from __future__ import annotations

import shutil
import typing as t

import pytest

from tests.support.practice import Practice


@pytest.fixture(scope="package")
def stack() -> t.Iterator[Practice]:
    practice = Practice()
    try:
        started = practice.start()
        assert started.rc == 0, started.output
        assert started.changed > 0
        yield practice
    finally:
        practice.stop()
        shutil.rmtree(practice.report, ignore_errors=True)
