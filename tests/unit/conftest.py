# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whatever facts a test shapes are held against what the modules document; what came is remembered for the way back."""

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._checks.services import GATHERED
from tests.support.documented import PARTS, Recorder

RECORDER = Recorder()
for place, names, service in PARTS:
    RECORDER.watch(place, names, service)
RECORDER.watch_builder()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--shaped",
        type=pathlib.Path,
        metavar="FOLDER",
        help="where the processes of pytest-xdist leave what their tests shaped, and where a run of the tests that look back finds it",
    )


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A process of pytest-xdist leaves what its tests shaped."""
    worker, folder = getattr(session.config, "workerinput", None), session.config.getoption("shaped")
    if worker is not None and folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{worker['workerid']}.json").write_text(json.dumps(RECORDER.kept()), encoding="utf-8")


@pytest.fixture(scope="session")
def shaped(pytestconfig: pytest.Config) -> Recorder:
    """What the tests have shaped so far, here and in processes that left it."""
    folder = pytestconfig.getoption("shaped")
    for path in sorted(folder.glob("*.json")) if folder is not None else ():
        RECORDER.add(json.loads(path.read_text(encoding="utf-8")))
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


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests that look back at what the others shaped come last; a process of pytest-xdist does not know what the other ones shaped."""
    back = [item for item in items if item.get_closest_marker("looks_back")]
    items[:] = [item for item in items if not item.get_closest_marker("looks_back")]
    if hasattr(config, "workerinput"):
        config.hook.pytest_deselected(items=back)
    else:
        items += back
