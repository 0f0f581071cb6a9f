# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The board in README.md is what the board prints for a fleet whose cache went cold."""

from __future__ import annotations

import os
import pathlib

from ansible_collections.warroom.launch.plugins.plugin_utils._checks.catalogue import Catalogue
from ansible_collections.warroom.launch.plugins.plugin_utils._judge.pipeline import Asked, judge
from ansible_collections.warroom.launch.plugins.plugin_utils._report import board
from ansible_collections.warroom.launch.plugins.plugin_utils._report.model import model
from tests.support.check_cases import catalogue
from tests.support.stored import RENEW
from tests.unit.plugins.plugin_utils._diagnose.world import World

README = pathlib.Path(__file__).resolve().parents[3] / "README.md"
COMMAND = "$ ansible-playbook -i inventory warroom.launch.launch_check\n"
WIDTH = 80
HOSTS = ("web1", "app1", "db1")
CHECKS = {"varnish_hit_ratio", "uwsgi_saturated", "server_load", "server_iowait", "postgresql_connections"}


def sample() -> str:
    """The board of the disaster, over few checks so that it fits into a README."""
    world = World()
    world.cold_cache()
    world.of("web1", "varnish")["judged"] = {
        "requests": 1111,
        "period": "in the window",
        "basis": "window",
        "hit_ratio_true": 0.04,
        "hit_ratio_shown": 0.28,
        "pass_ratio": 0.86,
        "hit_for_miss_request_ratio": 0.0,
    }
    world.of("app1", "uwsgi").update(kind="app", saturated=False)
    world.of("db1", "postgresql").update(kind="server", connections_exhausted=False, connections_ratio=0.2)
    for name in HOSTS:
        world.of(name, "server")["stores"] = {"database": name == "db1"}
    shipped = Catalogue([entry for entry in catalogue().entries if entry["id"] in CHECKS])
    report = judge([Asked(name, facts=world.facts[name]) for name in HOSTS], shipped)
    report["started_at"], report["duration_seconds"] = "2026-11-25T14:02:11Z", 7.2
    return "\n".join(board.lines(model(report), WIDTH)) + "\n"


def test_the_board_is_a_real_one() -> None:
    text = README.read_text(encoding="utf-8")
    before, command, rest = text.partition(COMMAND)
    assert command, "README.md shows the command and what it prints"
    shown, fence, after = rest.partition("```\n")
    made = sample()
    if os.environ.get("UPDATE_STORED_REPORTS"):
        README.write_text(before + command + made + fence + after, encoding="utf-8")
        shown = made
    assert shown == made, RENEW
