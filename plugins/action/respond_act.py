# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import os
import typing as t

from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure
from ansible.plugins.action import ActionBase

from ..module_utils._acts.registry import ACTS
from ..module_utils._linux.incarnation import start_of
from ..module_utils._texts.plain import plain
from ..module_utils._texts.redact import clean
from ..plugin_utils._judge.hostvars import message_of
from ..plugin_utils._respond import progress, taken_back, words
from ..plugin_utils._respond.effect import BETTER
from ..plugin_utils._respond.tokens import NoToken, Plans
from ..plugin_utils._store import responses
from .judge import tell

MODULE = "warroom.launch.respond_act"
#: Fields of a plan that the record repeats. Of the token only its beginning: it was good for an act.
RECORDED = ("cause", "act", "host", "service", "instance", "about", "identity", "limits", "what")
SHOWN = 8
#: The timer on the host is named by more of it.
TIMER = 16


class ActionModule(ActionBase):
    """On the host of a plan: looks at the targets of its proposals, or uses a token and acts."""

    TRANSFERS_FILES = False

    def run(self, tmp: t.Any = None, task_vars: t.Optional[dict[str, t.Any]] = None) -> dict[str, t.Any]:
        task_vars = task_vars or {}
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        args = plain(dict(self._task.args))
        try:
            if args.get("renew"):
                return {**result, **self._renew(args, task_vars)}
            if args.get("effect"):
                return {**result, **self._settle(args, task_vars)}
            if args.get("plan"):
                return {**result, **self._act(args, task_vars)}
        except OSError as error:
            raise AnsibleActionFail(f"what respond keeps beside the report cannot be written: {error}") from error
        lost = self._module("lost", {}, args, task_vars).get("lost")
        looks = [*taken_back.looks(str(task_vars.get("inventory_hostname")), lost)]
        looks += [
            {"proposal": proposal, "looked": self._module("look", proposal, args, task_vars)}
            for proposal in args.get("proposals") or []
            if proposal["host"] == task_vars.get("inventory_hostname")
        ]
        return {**result, "changed": False, "looks": looks}

    def _act(self, args: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        plan, token, folder = args["plan"], str(args["token"]), str(args["report_dir"])
        if taken_back.TAKES_BACK in plan:
            return self._take_back(args, task_vars)
        if self._task.check_mode:
            shown = self._module("act", plan, args, task_vars)
            if shown["outcome"] == "refused":
                raise AnsibleActionFail(f"nothing would be done on {plan['host']}: {clean(str(shown.get('why')), 600)}")
            return shown
        # what the fleet shows is of this run, everything else of the plan
        plan = {**_used(folder, token), "readings": plan.get("readings")}
        entry = {"who": words.user(), "token": token[:SHOWN], **{name: plan.get(name) for name in RECORDED}}
        responses.record(folder, {"event": "acting", **entry})
        with self._progress(plan, args, task_vars):
            outcome = self._module("act", plan, args, task_vars)
        acted = outcome.get("outcome") == "acted"
        said = clean(str(outcome.get("says") if acted else outcome.get("why")), 600)
        responses.record(folder, {"event": "acted" if acted else "refused", "says": said, **entry})
        tell(["", f"{'ACTED' if acted else 'REFUSED'} on {plan['host']}: {said}"])
        if not acted:
            Plans(folder).done(token)
            raise AnsibleActionFail(f"nothing was done on {plan['host']}: {said}")
        return {"changed": True, "acted": {**entry, "says": said, "state": outcome.get("state") or {}}}

    def _take_back(self, args: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """Do what the lost timer of an act before would have done. What cannot be undone now has a timer again, which goes on trying."""
        token, folder = str(args["token"]), str(args["report_dir"])
        if self._task.check_mode:
            return {"changed": True, "outcome": "would take back", "diff": {"prepared": clean(str(args["plan"]["what"]), 400) + "\n"}}
        plan = _used(folder, token)
        outcome = self._module("undo", plan, {**args, "token": plan[taken_back.TAKES_BACK]}, task_vars)
        undone, said = outcome["outcome"] == "undone", clean(str(outcome.get("says") or outcome.get("why")), 600)
        # recorded as the end of the act itself, or as a try of its own
        of = plan[taken_back.TAKES_BACK] if undone else token
        entry = {"who": words.user(), "token": of[:SHOWN], **{name: plan.get(name) for name in RECORDED}}
        responses.record(folder, {"event": outcome["outcome"], "says": said, **entry})
        Plans(folder).done(token)
        tell(["", f"{'UNDONE' if undone else 'REFUSED'} on {plan['host']}: {said}"])
        if not undone:
            raise AnsibleActionFail(f"it was not taken back on {plan['host']}: {said}; where it was begun, a timer tries again")
        return {"changed": bool(outcome.get("changed"))}

    def _progress(self, plan: dict[str, t.Any], args: dict[str, t.Any], task_vars: dict[str, t.Any]) -> t.ContextManager[None]:
        """Look at an act that takes long, which renews its timer, and print how far it is.

        Only over connections that are made anew for each command.
        """
        if not ACTS[plan["act"], plan["service"]].takes_long or self._connection.transport not in ("local", "ssh"):
            return contextlib.nullcontext()

        def look() -> t.Optional[str]:
            # files of its own, so that it never writes over those of the module that acts
            self._connection._shell.tmpdir = None
            try:
                said = self._module("progress", plan, args, task_vars).get("says")
            finally:
                self._remove_tmp_path(self._connection._shell.tmpdir)
            return clean(str(said), 300) if said else None

        return progress.shown(look, tell)

    def _renew(self, args: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """Its effect is not clear yet: the time until it is taken back begins anew. Where that does not come about, it does not."""
        return {"changed": False, "outcome": self._module("progress", args["plan"], args, task_vars)["outcome"]}

    def _settle(self, args: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """What helped stays; what did not is taken back at once. The timer does so anyway when this does not come about."""
        plan, step = args["plan"], "stay" if args["effect"] == BETTER else "undo"
        outcome = self._module(step, plan, args, task_vars)
        said = clean(str(outcome.get("says") or outcome.get("why") or ""), 600)
        entry = {"who": words.user(), "token": str(args["token"])[:SHOWN], **{name: plan.get(name) for name in RECORDED}}
        responses.record(str(args["report_dir"]), {"event": outcome["outcome"], "says": said, **entry})
        Plans(str(args["report_dir"])).done(str(args["token"]))
        if said:
            tell([f"{str(outcome['outcome']).upper()}: {said}"])
        if outcome["outcome"] == "refused":
            raise AnsibleActionFail(f"it could not be settled: {said}; its timer takes it back")
        return {"changed": bool(outcome.get("changed")), "says": said}

    def _module(self, step: str, plan: t.Mapping[str, t.Any], args: t.Mapping[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """What the module says; a host that cannot be reached, or a module that failed, is a refusal with its reason."""
        arguments = {
            "step": step,
            **{
                name: plan.get(name)
                for name in ("cause", "act", "service", "instance", "about", "readings", "identity", "limits")
                if plan.get(name) is not None
            },
            "services": args.get("services"),
            "login": (args.get("login") or {}).get(plan.get("service")) or {},
            "timer": str(args.get("token") or "")[:TIMER],
            **{name: args[name] for name in ("timeout", "revert_seconds", "minutes", "keep") if args.get(name) is not None},
        }
        try:
            result: dict[str, t.Any] = self._execute_module(module_name=MODULE, module_args=arguments, task_vars=task_vars)
        except AnsibleConnectionFailure as error:
            return {"outcome": "refused", "why": f"the host cannot be reached: {error}"}
        if "outcome" not in result:
            return {"outcome": "refused", "why": message_of(result)}
        return result


def _used(folder: str, token: str) -> dict[str, t.Any]:
    """The plan of the token, which is used up by this run."""
    try:
        return Plans(folder).use(token, {"pid": os.getppid(), "start": start_of(os.getppid()), "user": words.user()})
    except NoToken as error:
        raise AnsibleActionFail(str(error)) from error
