# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of acts in the documentation is what the registry and the table of first aid say."""

from __future__ import annotations

import re
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._acts.registry import ACTS
from ansible_collections.warroom.launch.plugins.plugin_utils._respond.first_aid import AID
from tests.support.server import ROOT

PAGE = (ROOT / "docs/respond.md").read_text(encoding="utf-8")


class Row(t.NamedTuple):
    act: str
    services: set[str]
    causes: set[str]
    undo: str


def names(cell: str) -> list[str]:
    return re.findall(r"`(\w+)`", cell)


def rows() -> list[Row]:
    (head,) = re.findall(r"^\| act \| service \| for the cause .*\n\|[-|]+\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in head.splitlines()]
    return [Row(names(act)[0], set(names(services)), set(names(causes)), undo) for act, services, causes, _does, undo in cells]


def test_the_table_has_each_act_at_each_service_once() -> None:
    shown = [(row.act, service) for row in rows() for service in row.services]
    assert sorted(shown) == sorted(ACTS)


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.act)
def test_a_row_names_the_causes_that_its_act_serves_and_its_way_back(row: Row) -> None:
    assert row.causes == {cause for cause, aids in AID.items() for aid in aids if aid.act == row.act and set(aid.services) == row.services}
    classes = [ACTS[row.act, service] for service in row.services]
    assert {each.has_undo for each in classes} == {not row.undo.startswith("nothing")}
    assert {each.ends for each in classes} == {"`launch_respond_minutes`" in row.undo}
