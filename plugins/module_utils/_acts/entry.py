# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the module `respond_act` does: find the instance, then look, act, take back or let stay."""

from __future__ import annotations

import math
import typing as t

from .._collect import libraries, options
from .._collect.base import Collector
from .._collect.command import Commands
from .._collect.entry import instances_wanted, speak_c
from .._collect.host_tools import HostTools
from .._collect.problem import Problem
from .._collectors.gather_services import requested
from .._texts.redact import clean, hide_deep
from . import timer
from .act import Act, Refused, Target
from .guard import broken, judged
from .registry import ACTS

Result = dict[str, t.Any]


def respond(module: t.Any) -> None:
    """Do the step and end the module. A refusal is a result with a reason; only wrong options are a failure."""
    speak_c()
    params = dict(module.params)
    tools = HostTools(Commands(module), timeout=params["timeout"])
    try:
        chosen, instance = _instance(params, tools)
    except (options.WrongOption, Problem) as problem:
        options.take_over_masking(module)
        module.exit_json(changed=False, outcome="refused", why=tools.hide(str(problem)))
    libraries.move_to_interpreter_with(sorted(chosen.libraries))
    options.take_over_masking(module)
    result: Result = {"changed": False, "outcome": "refused", "why": None}
    try:
        for library, package in chosen.libraries.items():
            libraries.require(library, package)
        act = ACTS[params["act"], params["service"]](Target(instance, tools, params["about"] or {}, params["readings"] or {}))
        result.update(_STEPS[params["step"]](act, params, module.check_mode))
    except Problem as problem:
        result["why"] = str(problem)
    module.exit_json(**hide_deep(result, tools.secrets))


def _instance(params: t.Mapping[str, t.Any], tools: HostTools) -> tuple[Collector, dict[str, t.Any]]:
    """The instance by the name that it has in the facts, with the login that acts."""
    service, login = params["service"], params["login"] or {}
    tools.secrets |= {str(login[name]) for name in login if "password" in name and login[name]}
    services = params["services"] if isinstance(params["services"], dict) else {}
    found = instances_wanted(list(requested({service: services.get(service, "auto")}, tools)), tools)
    for chosen, entry in found:
        if chosen.sampler(entry, tools).name == params["instance"]:
            unknown = sorted(set(login) - set(chosen.options))
            if unknown:
                raise options.WrongOption(f"launch_respond_login: {service} has no option {', '.join(unknown)}")
            return chosen, {**entry, **login}
    raise Refused(f"there is no {service} {params['instance']} on this host any more")


def _look(act: Act, params: t.Mapping[str, t.Any], _check: bool) -> Result:
    looked = act.look()
    rows = judged(act.guards, looked.values, {})
    no_timer = act.holds_timer() if act.has_undo else None
    why = "; ".join([*broken(rows), *([no_timer] if no_timer else [])])
    return {
        "outcome": "refused" if why else "possible",
        "why": why or None,
        "identity": looked.identity,
        "guards": [row.as_dict() for row in rows],
        "commands": looked.commands,
        "cost": looked.cost,
        "undo": looked.undo,
        "ends": act.ends,
    }


def _act(act: Act, params: t.Mapping[str, t.Any], check: bool) -> Result:
    if check:
        looked = _look(act, params, check)
        differs = looked["identity"] != params["identity"]
        why = "the target is another one than the plan's" if differs else looked["why"]
        lines = [clean(line, 1000) for command in looked["commands"] for line in command.splitlines()]
        shown = {"prepared": "\n".join(lines) + "\n"}
        return {"outcome": "refused" if why else "would act", "why": why, "changed": not why, "diff": shown}
    _arm(act, params)
    try:
        done = act.run(params["identity"] or {}, params["limits"] or {})
    except Refused:
        if act.has_undo:
            timer.stay(params["timer"])
        raise
    if act.has_undo:
        timer.extend(params["timer"], params["revert_seconds"])  # the time to verify it begins now, however long it took
    return {"outcome": "acted", "changed": True, "says": done.says, "state": done.state}


def _arm(act: Act, params: t.Mapping[str, t.Any]) -> None:
    """Before anything is changed: from now on the act is taken back unless somebody says that it stays."""
    if not act.has_undo:
        return
    no_timer = act.holds_timer()
    if no_timer:
        raise Refused(no_timer)
    for name in ("revert_seconds", "minutes"):
        if not 0 < params[name] < math.inf:
            raise Refused(f"launch_respond_{name} must be above 0")
    state = act.state_before(act.look())
    timer.arm(params["timer"], params["revert_seconds"], state, lambda: act.undo(state))


def _undo(act: Act, params: t.Mapping[str, t.Any], check: bool) -> Result:
    if check or not act.has_undo:
        return {"outcome": "nothing to undo"}
    state = timer.claim(timer.file_of(params["timer"]))
    if state is None:
        return {"outcome": "undone", "changed": False, "says": timer.ended(params["timer"])}
    kept = state
    try:
        said = act.undo(kept)
    except Problem:
        # the timer is over, and nobody else would try again
        timer.arm(params["timer"], 0.0, kept, lambda: act.undo(kept))
        raise
    return {"outcome": "undone", "changed": True, "says": said}


def _stay(act: Act, params: t.Mapping[str, t.Any], check: bool) -> Result:
    """Its effect was verified: it stays, or ends by itself later on."""
    if check or not act.has_undo:
        return {"outcome": "stays", "says": "nothing is left that could be taken back"}
    name, ends = params["timer"], act.ends and not params["keep"]
    if not (timer.extend(name, 60.0 * params["minutes"]) if ends else timer.stay(name)):
        raise Refused(f"it was taken back before its effect was verified: {timer.ended(name)}")
    return {"outcome": "stays", "says": f"it ends by itself in {params['minutes']:g} minutes" if ends else "it stays"}


def _progress(act: Act, params: t.Mapping[str, t.Any], _check: bool) -> Result:
    """A look at an act that goes on: while the control node looks, the timer begins anew."""
    timer.extend(params["timer"], params["revert_seconds"])
    return {"outcome": "looked", "says": act.progress()}


_STEPS: dict[str, t.Callable[[Act, t.Mapping[str, t.Any], bool], Result]] = {
    "look": _look,
    "act": _act,
    "progress": _progress,
    "undo": _undo,
    "stay": _stay,
}
STEPS: t.Final = tuple(_STEPS)
