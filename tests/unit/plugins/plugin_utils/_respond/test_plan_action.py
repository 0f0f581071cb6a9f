# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action on the control node: which tokens it refuses before anything is gathered, and what it cleans up."""

from __future__ import annotations

import os
import pathlib
import subprocess
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.action.respond import BEFORE, ActionModule
from ansible_collections.warroom.launch.plugins.plugin_utils._respond.tokens import NoToken, Plans

PLAN = {"cause": "broker_full", "act": "raise_maxmemory", "host": "queue1", "service": "redis", "instance": "store"}


def token_step(folder: pathlib.Path, token: str, hosts: list[str], automatic: t.Any = ()) -> t.Any:
    args = {"report_dir": str(folder), "token": token, "automatic": list(automatic)}
    return ActionModule._token(object.__new__(ActionModule), args, {"ansible_play_hosts_all": hosts})["plan"]


def test_a_plan_for_a_host_of_the_run_is_taken(tmp_path: pathlib.Path) -> None:
    token = Plans(tmp_path).mint(dict(PLAN))
    assert token_step(tmp_path, token, ["db1", "queue1"])["host"] == "queue1"
    assert token_step(tmp_path, "", ["db1"]) is None


@pytest.mark.parametrize("hosts", [["db1"], []], ids=["--limit db1", "none"])
def test_a_plan_for_a_host_outside_of_the_run_is_refused_and_its_token_left(tmp_path: pathlib.Path, hosts: list[str]) -> None:
    token = Plans(tmp_path).mint(dict(PLAN))
    with pytest.raises(NoToken, match="the plan is for queue1, which is not among the hosts of this run"):
        token_step(tmp_path, token, hosts)
    assert Plans(tmp_path).check(token)


def test_a_wrong_list_is_refused_before_anything_is_gathered(tmp_path: pathlib.Path) -> None:
    with pytest.raises(NoToken, match=r"Nothing was gathered: .*lock_chain.*never automatic"):
        token_step(tmp_path, "", ["db1"], [{"cause": "lock_chain"}])


def test_the_reports_of_runs_that_were_killed_are_removed(tmp_path: pathlib.Path) -> None:
    with subprocess.Popen(["true"]) as ended:
        pass
    names = [BEFORE.format(pid) for pid in (ended.pid, os.getpid(), "notes")]
    for name in names:
        (tmp_path / name).write_text("{}")
    ActionModule._forget({"report_dir": str(tmp_path)})
    assert [name for name in names if (tmp_path / name).exists()] == names[1:]
