#!/usr/bin/python
# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: respond
short_description: Plans first aid for each cause, and verifies what was done
version_added: 1.0.0
description:
  - The steps of the role P(warroom.launch.launch_respond#role) that run on the control node. It changes nothing on a host;
    M(warroom.launch.respond_act) does, and only with the token of a plan.
  - A token covers the act, its target, its parameters and the limits of its guards. It is good once and for ten minutes, and is kept beside
    the report in a file that its owner alone can read.
author:
  - warroom.launch authors (@warroom-launch)
requirements:
  - Python 3.11 or later (on the controller)
options:
  step:
    description:
      - V(token) refuses a token that is not good. V(propose) judges the fleet and proposes an act for each cause that has one.
        V(plan) prints what was looked at, with a token. V(verify) compares the report after the act with the one before, and records it.
    type: str
    required: true
    choices: [token, propose, plan, verify]
  token:
    description: The token that was given back.
    type: str
    default: ''
  looked_from:
    description: Name of the registered result of M(warroom.launch.respond_act) in the variables of each host.
    type: str
    default: ''
  acted:
    description: What M(warroom.launch.respond_act) did.
    type: dict
    default: {}
  last:
    description: Whether no further look at the effect follows.
    type: bool
    default: true
  automatic:
    description:
      - Causes whose act is done without a token, a list of C(cause) and C(once_within) (minutes, 60). Never an act that cannot be taken back.
    type: raw
    default: []
  stop_file:
    description: While this file is there, nothing is done without a token; by default C(respond.stop) beside the report.
    type: path
    default: ''
  report_dir:
    description: Directory on the control node with the report. Plans, tokens and the record (C(responses.jsonl)) are beside it.
    type: path
  facts_from:
    description: As in M(warroom.launch.judge), with the options that follow.
    type: str
  catalogue:
    description: As in M(warroom.launch.judge).
    type: path
  thresholds:
    description: As in M(warroom.launch.judge).
    type: dict
    default: {}
  extra_checks:
    description: As in M(warroom.launch.judge).
    type: list
    elements: dict
    default: []
  accept:
    description: As in M(warroom.launch.judge).
    type: dict
    default: {}
  only:
    description: As in M(warroom.launch.judge).
    type: list
    elements: str
    default: []
  known_clients:
    description: As in M(warroom.launch.judge).
    type: list
    elements: raw
    default: []
  probes:
    description: As in M(warroom.launch.judge).
    type: list
    elements: str
    default: []
  phase:
    description: As in M(warroom.launch.judge).
    type: str
    choices: [before, during]
    default: during
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
- name: Propose an act for each cause
  warroom.launch.respond:
    step: propose
    facts_from: launch_check_gathered
    report_dir: launch-report
  register: proposed
  run_once: true
"""

RETURN = r"""
plan:
  description: The plan of the token, null without one.
  returned: O(step=token) and O(step=propose)
  type: dict
proposals:
  description: What could be done, one entry per cause that has an act.
  returned: O(step=propose)
  type: list
  elements: dict
left:
  description: A sentence for each cause for which nothing is proposed.
  returned: O(step=propose)
  type: list
  elements: str
plans:
  description: The plans that were printed.
  returned: O(step=plan)
  type: list
  elements: dict
chosen:
  description: Token and plan of what O(automatic) names, null without one.
  returned: O(step=plan)
  type: dict
effect:
  description: C(better), C(same) or C(worse).
  returned: O(step=verify)
  type: str
says:
  description: What came of the act, in a sentence.
  returned: O(step=verify)
  type: str
"""
