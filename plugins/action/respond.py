# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ..module_utils._linux.incarnation import start_of
from ..module_utils._texts.plain import plain
from ..plugin_utils._checks.catalogue import Catalogue, CatalogueError, load
from ..plugin_utils._checks.query import WrongQuery
from ..plugin_utils._judge.hostvars import raw
from ..plugin_utils._judge.report import Report
from ..plugin_utils._report import atomic_files
from ..plugin_utils._report.model import model
from ..plugin_utils._report.publish import publish
from ..plugin_utils._respond import automatic, effect, first_aid, taken_back, words
from ..plugin_utils._respond.tokens import NoToken, Plans
from ..plugin_utils._store import before_after, responses
from .judge import COMMON, judged, tell
from .judge import SPEC as JUDGED

display = Display()

#: The report before the act, beside the report and named by the run: the one after the act is compared with it.
BEFORE = "respond-before-{}.json"

SPEC: dict[str, t.Any] = {
    "step": {"type": "str", "required": True, "choices": ["token", "propose", "plan", "verify"]},
    "token": {"type": "str", "default": "", "no_log": False},
    "looked_from": {"type": "str", "default": ""},
    "acted": {"type": "dict", "default": {}},
    "last": {"type": "bool", "default": True},
    "automatic": {"type": "raw", "default": []},
    "stop_file": {"type": "path", "default": ""},
    **{name: JUDGED[name] for name in (*COMMON, "facts_from", "catalogue", "only", "probes", "phase", "report_dir")},
}


class ActionModule(ActionBase):
    """Plans and verifies on the control node; see plugins/modules/respond.py for its documentation."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: t.Any = None, task_vars: t.Optional[dict[str, t.Any]] = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars or {})
        _validated, args = self.validate_argument_spec(argument_spec=SPEC)
        if not args["report_dir"]:
            raise AnsibleActionFail("plans are kept beside the report: set launch_check_report_dir")
        if args["catalogue"] and not os.path.isdir(args["catalogue"]):
            args["catalogue"] = None
        step: t.Callable[..., dict[str, t.Any]] = getattr(self, f"_{args['step']}")
        try:
            return {"changed": False, **result, **step(args, task_vars or {})}
        except (NoToken, before_after.NoReport) as error:
            raise AnsibleActionFail(str(error)) from error
        except (CatalogueError, WrongQuery) as error:
            raise AnsibleActionFail(f"The checks are wrong, nothing was judged:\n{error}") from error
        except OSError as error:
            raise AnsibleActionFail(f"what respond keeps beside the report cannot be written: {error}") from error

    # -- steps -------------------------------------------------------------------------------------------------

    def _token(self, args: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """Refuse a token that is wrong, used, too old or of a host outside of the run before anything is gathered."""
        wrong = automatic.problems(plain(args["automatic"]))
        if wrong:
            raise NoToken("Nothing was gathered: " + "; ".join(wrong))
        plan = Plans(args["report_dir"]).check(args["token"]) if args["token"] else None
        if plan is not None and plan["host"] not in task_vars.get("ansible_play_hosts_all", []):
            raise NoToken(f"the plan is for {plan['host']}, which is not among the hosts of this run")
        return {"plan": plan}

    def _propose(self, args: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """Look afresh. Without a token: what could be done. With one: whether its cause is still there."""
        report = self._report(args, task_vars)
        found, left = first_aid.proposals(report)
        if args["token"] or args["automatic"]:
            self._forget(args)
            atomic_files.write(self._before(args), atomic_files.launch_json(report))
        if not args["token"]:
            died = [] if Plans(args["report_dir"]).is_acting() else responses.unfinished(args["report_dir"])
            tell(["", model(report)["headline"], *left, *map(words.unfinished_line, died)])
            return {"proposals": [proposal.as_dict() for proposal in found], "left": left, "plan": None}
        plan = Plans(args["report_dir"]).check(args["token"])
        if taken_back.TAKES_BACK in plan:
            return {"proposals": [], "left": left, "plan": plan}
        names = ("cause", "act", "host", "service", "instance")
        fresh = next((proposal for proposal in found if all(getattr(proposal, name) == plan[name] for name in names)), None)
        if fresh is None:
            why = "; ".join(left) or "nothing is wrong there by now"
            raise NoToken(
                f"the plan no longer applies: {plan['cause']} is no longer a cause on {plan['host']} that may be acted on ({why})"
            )
        return {"proposals": [], "left": left, "plan": {**plan, "readings": fresh.readings}}

    def _plan(self, args: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """Print one plan per cause, with a token where every guard holds; use the token of what the user's list names."""
        looks = taken_back.first(_looks(args["looked_from"], task_vars))
        pick, said = automatic.chosen(plain(args["automatic"]), looks, args["report_dir"], args["stop_file"])
        plans, chosen = [], None
        for looked in looks:
            proposal, seen = looked["proposal"], looked["looked"]
            token = None
            if seen.get("outcome") == "possible":
                limits = {row["name"]: row["limit"] for row in seen["guards"]}
                token = Plans(args["report_dir"]).mint({**proposal, "identity": seen["identity"], "limits": limits})
            tell(words.plan_lines(proposal, seen, token))
            plans.append({"cause": proposal["cause"], "host": proposal["host"], "token": token, "why": seen.get("why")})
            if looked is pick and token is not None:
                chosen = {"token": token, "plan": Plans(args["report_dir"]).check(token)}
                said.append(f"{proposal['cause']} on {proposal['host']}: done now, as launch_respond_automatic says")
        if not plans:
            tell(["", "Nothing to do: no cause has an act. Nothing was changed."])
        tell(said)
        return {"plans": plans, "chosen": chosen}

    def _verify(self, args: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """Compare the report after the act with the one before; record and print what came of it."""
        acted = args["acted"]
        before, after = before_after.load(str(self._before(args))), self._report(args, task_vars)
        came = effect.effect(before, after, acted, args["last"])
        settled = came.kind != effect.SAME or args["last"]
        if settled:
            self._before(args).unlink(missing_ok=True)
            responses.record(args["report_dir"], {**_entry(acted, "verified"), "effect": came.kind, "says": came.says})
            responses.tell(after, args["report_dir"])
            for problem in publish(after, args["report_dir"])[1]:
                display.warning(problem)
            lines = [line for line in before_after.compare_lines(before, after) if not line.startswith("moved: ")]
            tell(["", f"{came.kind.upper()}: {came.says}", *lines])
        return {"effect": came.kind, "says": came.says, "settled": settled, "verdict": after["verdict"]}

    # -- helpers -----------------------------------------------------------------------------------------------

    def _report(self, args: dict[str, t.Any], task_vars: dict[str, t.Any]) -> Report:
        names = task_vars.get("ansible_play_hosts_all", [])
        return judged(
            names,
            {**{name: spec.get("default") for name, spec in JUDGED.items()}, **args},
            Catalogue(load(args["catalogue"])),
            task_vars,
            self._task.get_play(),
        )

    @staticmethod
    def _forget(args: dict[str, t.Any]) -> None:
        """Reports that runs left behind which were killed, or had nothing to do."""
        for path in Plans(args["report_dir"]).folder.glob(BEFORE.format("*")):
            pid = path.stem.rpartition("-")[2]
            if pid.isdecimal() and start_of(int(pid)) is None:
                path.unlink(missing_ok=True)

    @staticmethod
    def _before(args: dict[str, t.Any]) -> t.Any:
        return Plans(args["report_dir"]).folder / BEFORE.format(os.getppid())


def _looks(name: str, task_vars: dict[str, t.Any]) -> t.Iterator[dict[str, t.Any]]:
    """What each host said of the proposals about it."""
    for host in task_vars.get("ansible_play_hosts_all", []):
        result = raw(task_vars["hostvars"], host).get(name)
        if isinstance(result, t.Mapping):
            yield from result.get("looks") or []


def _entry(acted: t.Mapping[str, t.Any], event: str) -> dict[str, t.Any]:
    return {
        "event": event,
        **{name: acted.get(name) for name in ("token", "cause", "act", "host", "service", "instance")},
        "who": words.user(),
    }
