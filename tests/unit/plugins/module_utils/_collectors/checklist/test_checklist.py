# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A line is done when a name and a day stand beside it; nothing else ticks one."""

from __future__ import annotations

import datetime
import pathlib
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect.options import WrongOption
from ansible_collections.warroom.launch.plugins.module_utils._collectors import from_here
from ansible_collections.warroom.launch.plugins.module_utils._collectors.checklist.parse import of_inventory
from ansible_collections.warroom.launch.plugins.module_utils._collectors.checklist.shape import shape

LIST = """# Launch

- [x] The way back was rehearsed (Ada Lovelace, 2026-11-28)
- [X] Monitoring shows the new servers
- [ ] Support knows the day (Bob, 2026-11-01)
* [x] The old site has a banner (Eve, last week)
- no task
- [x] Prices (net) were read twice (Ada Lovelace, 2026-11-20)
"""


def read(**options: t.Any) -> dict[str, t.Any]:
    instance: dict[str, t.Any] = from_here.read({"checklist": [{"name": "launch", **options}]})["launch_checklist"]["instances"][0]
    return instance


def test_a_mark_without_a_name_and_a_day_ticks_nothing(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "launch.md"
    path.write_text(LIST)
    facts = read(file=str(path), on_call=["Ada, +44 20 7946 0000"])
    assert (facts["items_to_tick_total"], facts["ticked_total"], facts["open_total"], facts["unsigned_total"]) == (5, 2, 3, 2)
    rows = {row["item"]: (row["done"], row["by"], row["day"], row["why"]) for row in facts["items_to_tick"]}
    assert rows["The way back was rehearsed"] == (True, "Ada Lovelace", "2026-11-28", "")
    assert rows["Prices (net) were read twice"] == (True, "Ada Lovelace", "2026-11-20", "")
    assert rows["Monitoring shows the new servers"] == (False, None, None, "ticked without a name and a day")
    assert rows["Support knows the day"][0] is False and rows["The old site has a banner (Eve, last week)"][0] is False
    assert facts["open_named"].startswith("Monitoring shows the new servers; ") and facts["on_call_total"] == 1


def test_lines_of_the_inventory() -> None:
    facts = read(items=[{"item": "A", "by": "Ada", "day": datetime.date(2026, 11, 28)}, {"item": "B"}, {"item": "C", "by": "Ada"}])
    assert [(row["item"], row["done"]) for row in facts["items_to_tick"]] == [("B", False), ("C", False), ("A", True)]
    assert facts["unsigned_total"] == 1 and facts["load_test"]["stored"] is None


def test_the_oldest_tick_and_a_day_to_come() -> None:
    entries = [{"item": "A", "by": "x", "day": "2026-10-01"}, {"item": "B", "by": "x", "day": "2026-12-24"}]
    facts = shape(of_inventory(entries), [], datetime.date(2026, 11, 30)).done()
    assert facts["oldest_tick_days"] == 60 and facts["items_to_tick"][1]["why"] == "its day lies in the future"


def test_nothing_is_named() -> None:
    facts = read()
    assert facts["state"] == "up" and facts["items_to_tick_total"] == 0 and facts["oldest_tick_days"] is None


@pytest.mark.parametrize("entry", [{"by": "Ada"}, {"item": " "}, {"item": "A", "done": True}])
def test_what_is_no_line(entry: dict[str, t.Any]) -> None:
    facts = read(items=[entry])
    assert facts["state"] == "unreadable" and "give items" in facts["problem"]


def test_what_is_no_list_is_refused() -> None:
    with pytest.raises(WrongOption, match="items"):
        read(items=["a line"])


def test_a_file_that_is_none(tmp_path: pathlib.Path) -> None:
    assert "cannot be read" in read(file=str(tmp_path / "gone.md"))["problem"]
    (tmp_path / "empty.md").write_text("# Launch\n")
    assert "no task list" in read(file=str(tmp_path / "empty.md"))["problem"]
