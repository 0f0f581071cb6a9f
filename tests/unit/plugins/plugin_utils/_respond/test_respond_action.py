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
    action = Action(False, {"look": {"outcome": "possible"}, "lost": {"outcome": "looked", "lost": []}}, proposals=proposals)
    looks = action.run(task_vars={"inventory_hostname": "queue2"})["looks"]
    assert [look["proposal"]["host"] for look in looks] == ["queue2"] and action.steps == ["lost", "look"]


LOST = {
    **{name: PLAN[name] for name in ("cause", "act", "service", "instance", "about")},
    "timer": "0123456789abcdef",
    "undo": "CONFIG SET maxmemory 10",
    "armed_at": "2026-11-30T03:03:59Z",
    "restarted": True,
    "file": "/var/tmp/x/0123456789abcdef.json",
}


def taking_back(folder: pathlib.Path, check: bool = False, **says: t.Any) -> tuple[Action, str]:
    """A run with the token of the plan that an earlier run printed for a timer that was lost."""
    look = Action(False, {"lost": {"outcome": "looked", "lost": [LOST, {"timer": 7}, None]}}, proposals=[])
    (found,) = look.run(task_vars={"inventory_hostname": "queue1"})["looks"]
    assert found["looked"]["commands"] == [LOST["undo"]] and str(LOST["file"]) in found["looked"]["undo"]
    plan = {**found["proposal"], "identity": found["looked"]["identity"], "limits": {}}
    token = Plans(folder).mint(plan)
    return Action(check, {"undo": says}, plan=Plans(folder).check(token), token=token, report_dir=str(folder)), token


def test_what_a_lost_timer_left_is_taken_back_and_recorded_as_the_end_of_the_act(tmp_path: pathlib.Path) -> None:
    timer = str(LOST["timer"])
    responses.record(str(tmp_path), {"event": "acted", "token": timer[:8], **{name: PLAN[name] for name in ("act", "host")}})
    assert [entry["token"] for entry in responses.unfinished(str(tmp_path))] == [timer[:8]]
    action, token = taking_back(tmp_path, outcome="undone", changed=True, says="it is 10 again")
    assert action.run() == {"changed": True} and action.steps == ["undo"]
    assert events(tmp_path) == ["acted", "undone"] and responses.unfinished(str(tmp_path)) == []
    with pytest.raises(NoToken, match="was used"):
        Plans(tmp_path).check(token)


def test_what_cannot_be_taken_back_now_is_said_and_the_act_stays_unfinished(tmp_path: pathlib.Path) -> None:
    responses.record(str(tmp_path), {"event": "acted", "token": str(LOST["timer"])[:8]})
    action, _token = taking_back(tmp_path, outcome="refused", why="connection refused")
    with pytest.raises(AnsibleActionFail, match="was not taken back on queue1: connection refused"):
        action.run()
    assert len(responses.unfinished(str(tmp_path))) == 1


def test_check_mode_takes_nothing_back_and_leaves_the_token(tmp_path: pathlib.Path) -> None:
    action, token = taking_back(tmp_path, True)
    assert "take back the act raise_maxmemory" in action.run()["diff"]["prepared"]
    assert action.steps == [] and Plans(tmp_path).check(token) and events(tmp_path) == []
