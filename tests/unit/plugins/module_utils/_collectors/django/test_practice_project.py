# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each fault of the practice stack's own project is named by its check; those that need servers are played with the stack."""

from __future__ import annotations

import pathlib

import pytest

from tests.support import practice_project as project

pytest.importorskip("django", reason="the project needs Django")
pytest.importorskip("celery", reason="the project needs Celery")

BATCHES = project.batches(project.FAULTS)
COVERED = {check for fault in (*project.FAULTS, *project.WITH_SERVERS) for check in fault.makes}


def test_every_check_of_a_project_has_its_fault() -> None:
    assert {check.id for check in project.catalogue().checks() if check.service == "django"} == COVERED


def test_without_a_fault_only_the_servers_are_missing(tmp_path: pathlib.Path) -> None:
    project.write(tmp_path / "app", [])
    assert project.not_well(project.findings(tmp_path / "app")) == project.OF_SERVERS


@pytest.mark.parametrize("batch", BATCHES, ids=[f"{batch[0].name} and {len(batch) - 1} more" for batch in BATCHES])
def test_each_fault_is_named_by_its_check(tmp_path: pathlib.Path, batch: list[project.Fault]) -> None:
    project.write(tmp_path / "app", batch)
    assert project.wrong(project.together(batch), project.findings(tmp_path / "app"), project.OF_SERVERS) is None
