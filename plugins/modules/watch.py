#!/usr/bin/python
# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: watch
short_description: Stores rounds of the launch check, announces changes, compares reports
version_added: 1.0.0
description:
  - Stores the last report (C(launch.json)) as a round of a watch in one SQLite file on the control node, prints what changed since the
    last announcement, and adds the history (trends and time series) to the report page. A change is announced once, when two consecutive rounds
    agree on it; a single deviating round is not announced.
  - With O(label) the whole report is kept under that name; this is not a round of a watch and announces no changes.
  - With O(compare_with) two reports are compared and nothing is stored.
  - Runs on the control node, without a connection, on an existing report. M(warroom.launch.judge) takes the same options and
    does both at once; this action is for reports that exist already.
author:
  - warroom.launch authors (@warroom-launch)
extends_documentation_fragment:
  - warroom.launch.launch.store
requirements:
  - Python 3.11 or later (on the controller)
options:
  report_dir:
    description: Directory on the control node with the report of the round.
    type: path
    default: launch-report
  report:
    description:
      - What to label or compare instead of the C(launch.json) in O(report_dir).
      - Named in the same way as O(compare_with).
    type: str
attributes:
  action:
    description: Runs on the control node.
    support: full
  check_mode:
    description: Does the same; it changes no managed host.
    support: full
  diff_mode:
    description: Returns no diff.
    support: none
"""

EXAMPLES = r"""
- name: Keep the load test as the baseline
  warroom.launch.watch:
    label: baseline
  run_once: true

- name: Print what the fix changed
  warroom.launch.watch:
    compare_with: before-the-fix/launch.json
  run_once: true

- name: Compare two rounds that were stored
  warroom.launch.watch:
    compare_with: '2026-11-25T14:02:11Z'
    report: after-the-fix
  run_once: true
"""

RETURN = r"""
changes:
  description: What is announced in this round.
  returned: always
  type: list
  elements: dict
  contains:
    subject:
      description: C(verdict), C(cause) with its name, or C(finding) with check, host, service and instance.
      type: str
    before:
      description: The state that was last announced.
      type: str
    after:
      description: The new state.
      type: str
    since:
      description: When the old state was announced, in seconds since 1970.
      type: float
lines:
  description: The changes in words, as they are printed.
  returned: always
  type: list
  elements: str
comparison:
  description: What differs from O(compare_with), in words.
  returned: always
  type: list
  elements: str
compared_with:
  description: O(compare_with), where something was compared.
  returned: with O(compare_with)
  type: str
over:
  description: Whether the condition (O(until)) is met or time is up.
  returned: always
  type: bool
ended:
  description: Why the watch has ended, in words, or null.
  returned: for a round of a watch
  type: str
wait_seconds:
  description: How long to wait for the next round.
  returned: for a round of a watch
  type: int
cause:
  description: The deepest cause that the round names, or null.
  returned: for a round of a watch
  type: str
files:
  description: The rewritten report files, with the history.
  returned: for a round of a watch
  type: list
  elements: str
rounds:
  description: Rounds in the store.
  returned: when something was stored
  type: int
verdict:
  description: The verdict of this round.
  returned: always
  type: str
"""
