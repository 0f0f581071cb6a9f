# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import time
import typing as t

from ansible import constants
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ..plugin_utils._judge.report import Report
from ..plugin_utils._report.publish import publish
from ..plugin_utils._store import before_after, watch_round
from ..plugin_utils._store.past import STORE
from ..plugin_utils._store.rounds import Store, StoreError

display = Display()

SPEC: dict[str, t.Any] = {
    "report_dir": {"type": "path", "default": "launch-report"},
    "report": {"type": "str"},
    "store": {"type": "path"},
    "label": {"type": "str"},
    "compare_with": {"type": "str"},
    "keep_hours": {"type": "float", "default": 24.0},
    "every": {"type": "float", "default": 0.0},
    "since": {"type": "float", "default": 0.0},
    "minutes": {"type": "float"},
    "until": {"type": "str", "choices": list(watch_round.UNTIL), "default": "never"},
}

OVER = {
    "go": "The watch is over: a go in two rounds running.",
    "no-go": "The watch is over: a no-go in two rounds running.",
    "corner": "The watch is over: the load turned the corner.",
    "time": "The watch is over: its time is up.",
}

Args = dict[str, t.Any]


class ActionModule(ActionBase):
    """Keeps a round of a watch, or a labelled one, or compares two; see plugins/modules/watch.py for its documentation."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: t.Any = None, task_vars: t.Optional[dict[str, t.Any]] = None) -> dict[str, t.Any]:
        result = super().run(tmp, task_vars or {})
        _validated, args = self.validate_argument_spec(argument_spec=SPEC)
        if not args["report_dir"]:
            raise AnsibleActionFail("rounds are stored and compared beside the report: set launch_check_report_dir")
        args["store"] = args["store"] or os.path.join(args["report_dir"], STORE)
        try:
            result.update(self._done(args))
        except (StoreError, before_after.NoReport) as error:
            raise AnsibleActionFail(str(error)) from error
        except OSError as error:
            raise AnsibleActionFail(f"the round cannot be kept: {error}") from error
        return {"changed": False, **result}

    def _done(self, args: Args) -> dict[str, t.Any]:
        path = os.path.join(args["report_dir"], "launch.json")
        after = before_after.find(args["report"], args["store"]) if args["report"] else before_after.load(path)
        result = {"changes": [], "lines": [], "comparison": [], "over": False, "verdict": after["verdict"]}
        # read before anything is stored: the label may be the one that is about to move
        before = before_after.find(args["compare_with"], args["store"]) if args["compare_with"] else None
        if args["label"]:
            with Store(args["store"]) as store:
                store.add(after, label=args["label"])
                result["rounds"] = store.count()
        if before is not None:
            result["comparison"] = before_after.compare_lines(before, after)
            _show([f"Compared with {args['compare_with']}:", *result["comparison"]])
        if before is None and not args["label"]:
            result.update(self._round(args, t.cast(Report, after)))
        return result

    def _round(self, args: Args, report: Report) -> dict[str, t.Any]:
        """A round of a watch."""
        at = time.time()
        with Store(args["store"]) as store:
            changes, states = watch_round.one_round(store, report, at, args["keep_hours"] * 3600)
            pace = watch_round.pace(report, at, args["every"], args["since"], args["minutes"])
            over = args["until"] if watch_round.is_over(store, report, args["until"], args["since"]) else "time" if pace is None else None
            lines = watch_round.change_lines(changes, report, at)
            _show(lines + ([OVER[over]] if over else []))
            store.announce(states)
            rounds = store.count()
        report["history"]["live"] = over is None
        files, problems = publish(report, args["report_dir"])
        for problem in problems:
            display.warning(problem)
        done = {"over": over is not None, "wait_seconds": pace or 0, "rounds": rounds, "cause": _cause(report), "files": files}
        return {"changes": changes, "lines": lines, **done}


def _cause(report: Report) -> t.Optional[str]:
    return report["diagnoses"][0]["cause"] if report.get("diagnoses") else None


def _show(lines: list[str]) -> None:
    """For people; output that a machine reads has it in the result."""
    if lines and "json" not in str(constants.DEFAULT_STDOUT_CALLBACK):
        display.display("\n".join(lines))
