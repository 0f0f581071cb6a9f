# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the module `respond_act` does: find the instance, then look, act, take back or let stay."""

from __future__ import annotations

import math
import time
import typing as t

from .._collect import libraries, options
from .._collect.base import Collector
from .._collect.command import Commands
from .._collect.entry import instances_wanted, speak_c
from .._collect.host_tools import HostTools
from .._collect.problem import Problem
from .._collectors.gather_services import requested
from .._linux.incarnation import boot_id
from .._texts.moments import written
from .._texts.plain import plain
from .._texts.redact import clean, hide_deep
from . import timer
from .act import Act, Refused, Target
from .guard import broken, judged
from .registry import ACTS

Result = dict[str, t.Any]

#: The step that names no act: it looks for those whose timer is gone.
LOST = "lost"
#: What of a plan is kept with its timer, for a run that has to take the act back in its place. No login is kept.
KEPT = ("cause", "act", "service", "instance", "about")


def respond(module: t.Any) -> None:
    """Do the step and end the module. A refusal is a result with a reason; only wrong options are a failure."""
    speak_c()
    params = dict(module.params)
    if params["step"] == LOST:
        options.take_over_masking(module)
        module.exit_json(changed=False, outcome="looked", why=None, lost=[*_lost()])
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
    looked = act.look()
    state = act.state_before(looked)
    plan = {**{name: params.get(name) for name in KEPT}, "undo": looked.undo, "armed_at": written(time.time())}
    timer.arm(params["timer"], params["revert_seconds"], state, lambda: act.undo(state), plan)


def _undo(act: Act, params: t.Mapping[str, t.Any], check: bool) -> Result:
    if check or not act.has_undo:
        return {"outcome": "nothing to undo"}
    kept = timer.claim(params["timer"])
    if kept is None:
        return {"outcome": "undone", "changed": False, "says": timer.ended(params["timer"])}
    state = kept.get("state") or {}
    try:
        said = act.undo(state)
    except Problem:
        # the timer is over, and nobody else would try again
        timer.arm(params["timer"], 0.0, state, lambda: act.undo(state), kept.get("plan"))
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


def _lost() -> t.Iterator[Result]:
    """The acts that should be taken back and whose timer is gone, except those that a restart of the machine undid."""
    boot = boot_id()
    for path, kept in timer.lost():
        plan, keeper = kept["plan"], kept.get("keeper")
        restarted = not isinstance(keeper, dict) or keeper.get("boot") != boot
        act = ACTS.get((str(plan.get("act")), str(plan.get("service"))))
        if act is not None and (act.survives_restart or not restarted):
            yield {**plain(plan), "timer": path.stem, "restarted": restarted, "file": str(path)}


_STEPS: dict[str, t.Callable[[Act, t.Mapping[str, t.Any], bool], Result]] = {
    "look": _look,
    "act": _act,
    "progress": _progress,
    "undo": _undo,
    "stay": _stay,
}
STEPS: t.Final = (*_STEPS, LOST)
