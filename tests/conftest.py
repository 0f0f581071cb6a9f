# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures that every test may use."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from tests.support.tools import FakeCommands, tools_with

CASES = pathlib.Path(__file__).parent / "unit" / "fixtures" / "cases"
FIXTURES = CASES.parent


@pytest.fixture
def case() -> t.Callable[[str], bytes]:
    """The bytes of a case input by its file name."""
    return lambda name: (CASES / name).read_bytes()


@pytest.fixture
def fixture_file() -> t.Callable[[str], bytes]:
    """The bytes of a recorded output: `fixture_file("varnish/7.1/varnishstat-1-j.json")`."""
    return lambda name: (FIXTURES / name).read_bytes()


@pytest.fixture
def commands() -> FakeCommands:
    """A stand-in for the command runner: give it answers by program name."""
    return FakeCommands()


@pytest.fixture
def tools(commands: FakeCommands) -> t.Any:
    """HostTools of the fetch layer over the stand-in command runner."""
    return tools_with(commands)
