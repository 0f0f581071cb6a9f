# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ..plugin_utils._judge.report import Report
from ..plugin_utils._report.publish import publish
from ..plugin_utils._store import before_after, keep
from ..plugin_utils._store.rounds import StoreError
from .judge import tell

display = Display()

SPEC: dict[str, t.Any] = {
    "report_dir": {"type": "path", "default": "launch-report"},
    "report": {"type": "str"},
    **keep.SPEC,
}


class ActionModule(ActionBase):
    """Keeps a written report as a round of a watch, or under a label, or compares two; see plugins/modules/watch.py."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: t.Any = None, task_vars: t.Optional[dict[str, t.Any]] = None) -> dict[str, t.Any]:
        result = super().run(tmp, task_vars or {})
        _validated, args = self.validate_argument_spec(argument_spec=SPEC)
        try:
            result.update(_kept(args))
        except (StoreError, before_after.NoReport, keep.CannotKeep) as error:
            raise AnsibleActionFail(str(error)) from error
        except OSError as error:
            raise AnsibleActionFail(f"the round cannot be kept: {error}") from error
        return {"changed": False, **result}


def _kept(args: dict[str, t.Any]) -> dict[str, t.Any]:
    if not args["report_dir"]:
        raise keep.CannotKeep(keep.NOWHERE)
    keeping = keep.Keeping.of(args)
    path = os.path.join(args["report_dir"], "launch.json")
    loaded = before_after.find(args["report"], keeping.store) if args["report"] else before_after.load(path)
    report = t.cast(Report, loaded)  # of this collection, as `load` has seen to
    as_round = not keeping.label and not keeping.compare_with
    kept = keep.keep(report, keeping, as_round, tell)
    tell(keep.closing_lines(kept))
    if as_round:
        kept["files"], problems = publish(report, args["report_dir"])
        for problem in problems:
            display.warning(problem)
    return {"verdict": report["verdict"], "over": False, **kept}
