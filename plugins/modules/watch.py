#!/usr/bin/python
# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: watch
short_description: Keeps rounds of the launch check, announces what changed, compares
version_added: 1.0.0
description:
  - Stores the last report (C(launch.json)) as a round of a watch in one SQLite file on the control node, prints what changed since the
    last announcement, and gives the report page its past (trends and time series). A change is announced once, when two rounds running
    agree on it; a single odd round is not announced.
  - With O(label) the report is kept whole under that name; that is no round of a watch and announces no changes.
  - With O(compare_with) two reports are compared; that stores nothing.
  - Runs on the control node, without any connection, over a report that is written. M(warroom.launch.judge) takes the same options and
    does it in one with the judgement; this action is for what was judged before.
author:
  - warroom.launch authors (@warroom-launch)
extends_documentation_fragment:
  - warroom.launch.launch.store
options:
  report_dir:
    description: Directory on the control node with the report of the round.
    type: path
    default: launch-report
  report:
    description:
      - What to label or to compare, in place of the C(launch.json) in O(report_dir).
      - Named in the same way as O(compare_with).
    type: str
attributes:
  action:
    description: Runs on the control node.
    support: full
  check_mode:
    description: Does the same; nothing that is managed is changed.
    support: full
  diff_mode:
    description: Returns nothing to compare.
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
  description: Whether what the watch waits for (O(until)) has come, or its time is up.
  returned: always
  type: bool
ended:
  description: What has ended the watch, in words, or null.
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
  description: The report files written anew, with their past.
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
