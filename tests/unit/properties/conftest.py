# Copyright (c) 2026, the warroom.launch authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Spoiled facts are undocumented on purpose."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def nothing_undocumented() -> None:
    """In place of the fixture of all other unit tests."""
