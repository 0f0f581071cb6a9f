# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures that every test may use."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect.facts import UNEXPLAINED, Facts
from ansible_collections.warroom.launch.plugins.plugin_utils._checks import reads
from tests.support.facts import AnyMeasure
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


@pytest.fixture
def invented_measures(monkeypatch: pytest.MonkeyPatch) -> t.Iterator[None]:
    """Checks may read measures that no module has: for tests of the engine alone."""
    monkeypatch.setattr(reads, "measures", lambda _service: AnyMeasure())
    reads._read.cache_clear()
    yield
    reads._read.cache_clear()


@pytest.fixture(autouse=True)
def no_null_without_a_reason(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> t.Iterator[None]:
    """Fail every test in which a collector's facts hold a null and do not say why (marker `allow_unexplained`: it tests just that)."""
    unexplained: set[str] = set()
    done = Facts.done

    def watched(facts: Facts) -> dict[str, t.Any]:
        result = done(facts)
        unexplained.update(name for name, reason in result["unknown"].items() if UNEXPLAINED in reason)
        return result

    monkeypatch.setattr(Facts, "done", watched)
    yield
    if unexplained and request.node.get_closest_marker("allow_unexplained") is None:
        pytest.fail(f"null without a reason: {', '.join(sorted(unexplained))}")
