# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A report as a run wrote it, with the facts of its hosts. A test that looks at what is ok sets `EVERYTHING`."""

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._store import before_after

#: Every finding, and the facts of every host.
EVERYTHING = {"launch_check_report_facts": "all"}


def written(folder: pathlib.Path) -> dict[str, t.Any]:
    """The content of its launch.json, which must be strict JSON."""
    json.loads((folder / "launch.json").read_text(encoding="utf-8"), parse_constant=pytest.fail)
    return before_after.load(str(folder / "launch.json"))
