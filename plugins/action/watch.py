# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import time
import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ..plugin_utils import watching
from ..plugin_utils.report.publish import publish
from ..plugin_utils.store.rounds import Store, StoreError

display = Display()

SPEC: dict[str, t.Any] = {
    "report_dir": {"type": "path", "default": "launch-report"},
    "store": {"type": "path"},
    "label": {"type": "str"},
    "compare_with": {"type": "str"},
    "keep_hours": {"type": "float", "default": 24.0},
    "since": {"type": "float", "default": 0.0},
    "until": {"type": "str", "choices": list(watching.UNTIL), "default": "never"},
}


class ActionModule(ActionBase):
    """Keeps a round of a watch, on the control node; see plugins/modules/watch.py for its documentation."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: t.Any = None, task_vars: t.Optional[dict[str, t.Any]] = None) -> dict[str, t.Any]:
        result = super().run(tmp, task_vars or {})
        _validated, args = self.validate_argument_spec(argument_spec=SPEC)
        report = _load(os.path.join(args["report_dir"], "launch.json"))
        before = _load(args["compare_with"]) if args["compare_with"] else None
        try:
            with Store(args["store"] or os.path.join(args["report_dir"], "rounds.db")) as store:
                at = time.time()
                changes = watching.one_round(store, report, at, args["keep_hours"] * 3600, args["label"])
                result["over"] = watching.is_over(store, report, args["until"], args["since"])
                rounds = len(store.rounds())
        except StoreError as error:
            raise AnsibleActionFail(str(error)) from error
        publish(report, args["report_dir"])
        lines = watching.change_lines(changes, report, at)
        comparison = watching.compare_lines(before, report) if before else []
        if lines or comparison:
            display.display("\n".join([*lines, *comparison]))
        result.update(changed=False, changes=changes, lines=lines, comparison=comparison, verdict=report["verdict"], rounds=rounds)
        return result


def _load(path: str) -> dict[str, t.Any]:
    try:
        with open(path, encoding="utf-8") as handle:
            report = json.load(handle)
    except FileNotFoundError:
        raise AnsibleActionFail(f"there is no report {path}: run the check with launch_check_report_dir first") from None
    except (OSError, ValueError) as error:
        raise AnsibleActionFail(f"the report {path} cannot be read: {error}") from None
    if not isinstance(report, dict) or "verdict" not in report:
        raise AnsibleActionFail(f"{path} is not a report of this collection")
    return report
