# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action on the host of a plan: check mode leaves the token, a record that cannot be written is told, each step is recorded."""

from __future__ import annotations

import pathlib
import types
import typing as t

import pytest
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.warroom.launch.plugins.action import respond_act
from ansible_collections.warroom.launch.plugins.plugin_utils._respond.tokens import NoToken, Plans
from ansible_collections.warroom.launch.plugins.plugin_utils._store import responses

PLAN = {
    "cause": "broker_full",
    "act": "raise_maxmemory",
    "host": "queue1",
    "service": "redis",
    "instance": "store",
    "about": {},
    "identity": {"run_id": "a"},
    "limits": {"used_ratio": 0.9},
    "what": "raise its memory limit by a quarter",
}


class Action(respond_act.ActionModule):
    """`says`: the module's answer to each step, which are listed in `steps`."""

    def __init__(self, check: bool, says: t.Mapping[str, t.Any], **args: t.Any) -> None:
        self._task = types.SimpleNamespace(check_mode=check, args=args)
        self._connection = types.SimpleNamespace(transport="local")
        self.says, self.steps = says, []  # type: ignore[var-annotated]

    def _execute_module(self, *, module_name: str, module_args: dict[str, t.Any], **_rest: t.Any) -> dict[str, t.Any]:  # type: ignore[override]
        self.steps.append(module_args["step"])
        return dict(self.says[module_args["step"]])


@pytest.fixture(autouse=True)
def no_ansible(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ActionBase, "run", lambda _self, _tmp=None, _vars=None: {})


def acting(folder: pathlib.Path, token: str, check: bool = False, **says: t.Any) -> Action:
    return Action(check, {"act": says}, plan={**PLAN, "readings": {}}, token=token, report_dir=str(folder))


def events(folder: pathlib.Path) -> list[str]:
    return [entry["event"] for entry in responses.entries(str(folder))]


def test_check_mode_shows_what_would_run_and_leaves_the_token(tmp_path: pathlib.Path) -> None:
    token = Plans(tmp_path).mint(dict(PLAN))
    action = acting(tmp_path, token, True, outcome="would act", changed=True, diff={"prepared": "CONFIG SET maxmemory 20\n"})
    assert action.run()["diff"] == {"prepared": "CONFIG SET maxmemory 20\n"}
    assert Plans(tmp_path).check(token)["host"] == "queue1" and events(tmp_path) == []


def test_check_mode_says_why_it_would_be_refused(tmp_path: pathlib.Path) -> None:
    token = Plans(tmp_path).mint(dict(PLAN))
    with pytest.raises(AnsibleActionFail, match="nothing would be done on queue1: a guard no longer holds"):
        acting(tmp_path, token, True, outcome="refused", why="a guard no longer holds").run()
    assert Plans(tmp_path).check(token) and events(tmp_path) == []


@pytest.mark.parametrize(
    ("answer", "last"),
    [
        ({"outcome": "acted", "says": "raised"}, "acted"),
        ({"outcome": "refused", "why": "a guard no longer holds"}, "refused"),
        ({"failed": True, "msg": "MODULE FAILURE"}, "refused"),
    ],
    ids=["acted", "refused", "the module broke"],
)
def test_a_token_is_used_and_what_came_of_it_recorded(tmp_path: pathlib.Path, answer: dict[str, t.Any], last: str) -> None:
    token = Plans(tmp_path).mint(dict(PLAN))
    action = acting(tmp_path, token, **answer)
    if last == "refused":
        with pytest.raises(AnsibleActionFail, match="nothing was done on queue1"):
            action.run()
    else:
        assert action.run()["acted"]["token"] == token[:8]
    assert events(tmp_path) == ["acting", last]
    with pytest.raises(NoToken, match="was used"):
        Plans(tmp_path).check(token)


def test_a_module_that_dies_with_its_control_node_leaves_a_used_token(tmp_path: pathlib.Path) -> None:
    token = Plans(tmp_path).mint(dict(PLAN))
    action = acting(tmp_path, token)

    def killed(**_arguments: t.Any) -> t.Any:
        raise KeyboardInterrupt

    action._execute_module = killed  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        action.run()
    assert events(tmp_path) == ["acting"]
    with pytest.raises(NoToken, match="was used"):
        Plans(tmp_path).check(token)


def test_without_a_record_nothing_is_done(tmp_path: pathlib.Path) -> None:
    token = Plans(tmp_path).mint(dict(PLAN))
    (tmp_path / responses.FILE).symlink_to(tmp_path / "other")
    action = acting(tmp_path, token, outcome="acted", says="raised")
    with pytest.raises(AnsibleActionFail, match="cannot be written"):
        action.run()
    assert action.steps == [] and not (tmp_path / "other").exists()


def test_an_act_whose_effect_is_not_clear_yet_gets_more_time(tmp_path: pathlib.Path) -> None:
    action = Action(False, {"progress": {"outcome": "looked", "says": None}}, plan=dict(PLAN), token="0123456789abcdef", renew=True)
    assert action.run() == {"changed": False, "outcome": "looked"}
    assert action.steps == ["progress"] and events(tmp_path) == []


def test_a_plan_of_another_run_is_not_looked_at_here(tmp_path: pathlib.Path) -> None:
    proposals = [{**PLAN, "host": host} for host in ("queue1", "queue2")]
    action = Action(False, {"look": {"outcome": "possible"}}, proposals=proposals)
    looks = action.run(task_vars={"inventory_hostname": "queue2"})["looks"]
    assert [look["proposal"]["host"] for look in looks] == ["queue2"] and action.steps == ["look"]
