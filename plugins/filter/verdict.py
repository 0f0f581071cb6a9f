# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError

from ..module_utils._texts.plain import plain
from ..plugin_utils._checks.verdict import Verdict, verdict


def verdict_filter(findings: t.Any) -> Verdict:
    """The verdict over findings; documented in verdict.yml."""
    findings = plain(findings)
    if not isinstance(findings, list) or not all(isinstance(finding, dict) and "status" in finding for finding in findings):
        raise AnsibleFilterError("warroom.launch.verdict needs a list of findings, as warroom.launch.evaluate gives them")
    return verdict(findings)


class FilterModule:
    def filters(self) -> dict[str, t.Any]:
        return {"verdict": verdict_filter}
