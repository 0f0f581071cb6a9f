# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whatever facts a test shapes are held against what the modules document; what came is remembered for the way back."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._checks.services import GATHERED
from tests.support.documented import PARTS, Recorder

RECORDER = Recorder()
for place, names, service in PARTS:
    RECORDER.watch(place, names, service)
RECORDER.watch_builder()


@pytest.fixture(scope="session")
def shaped() -> Recorder:
    """What the tests have shaped so far."""
    return RECORDER


@pytest.fixture(autouse=True)
def nothing_undocumented(request: pytest.FixtureRequest) -> t.Iterator[None]:
    """Fail every test in which a service's facts hold something that its module does not document, or of another type."""
    folder = request.path.parent.name
    RECORDER.service = folder if folder in GATHERED and request.path.parent.parent.name == "_collectors" else None
    RECORDER.problems.clear()
    yield
    RECORDER.service = None
    RECORDER.files.add(str(request.path))
    if RECORDER.problems:
        pytest.fail("\n".join(dict.fromkeys(RECORDER.problems)))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that look back at what the others shaped come last."""
    items.sort(key=lambda item: item.get_closest_marker("looks_back") is not None)
