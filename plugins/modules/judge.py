#!/usr/bin/python
# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: judge
short_description: Judges the facts of the whole fleet and writes the report
version_added: 1.0.0
description:
  - Holds the launch facts of every host against the checks of the catalogue, looks for the cause over all hosts together,
    gives one verdict, prints the board and writes the report files.
  - Runs on the control node, without any connection. Use it once, with C(run_once), after the facts were gathered.
  - The role P(warroom.launch.launch_check#role) gathers and judges; this action is for playbooks of your own.
author:
  - warroom.launch authors (@warroom-launch)
requirements:
  - jmespath (on the controller)
options:
  hosts:
    description: The hosts to judge. Defaults to all hosts of the play; none of them is left out of the verdict.
    type: list
    elements: str
  facts_from:
    description:
      - Name of the variable that the gathering task was registered in. What it says is taken, also that a host was not reachable.
      - When the task was M(warroom.launch.gather), the host's own settings are taken from it too. Without it, and for a host that was given
        up, its variables C(launch_check_thresholds), C(launch_check_extra_checks), C(launch_check_accept), C(launch_check_known_clients)
        and C(launch_check_services) are.
      - With this, a play in batches (C(serial)) is judged as a whole with its last batch, and a strategy without a common pace is refused.
      - By default C(ansible_facts) of each host is taken, of whatever age.
    type: str
  catalogue:
    description: Directory on the control node with the checks. Defaults to those of the role C(launch_check).
    type: path
  thresholds:
    description: Changed limits by check id, for hosts without settings of their own.
    type: dict
    default: {}
  extra_checks:
    description: Checks in the form of the catalogue, for hosts without settings of their own.
    type: list
    elements: dict
    default: []
  accept:
    description: "Known gaps as check id: reason, for hosts without settings of their own. Shown, and not counted."
    type: dict
    default: {}
  known_clients:
    description:
      - Database clients that belong. A text is a user, an application or an address.
        A dictionary of C(user), C(application), C(address) and C(database) (shell patterns) has to match in all it names.
    type: list
    elements: raw
    default: []
  phase:
    description: V(before) judges the rehearsal, when there is no traffic yet, V(during) the launch.
    type: str
    choices: [before, during]
    default: during
  fail_on:
    description: The mildest status that sets RV(stop).
    type: str
    choices: [warn, unknown, fail, never]
    default: unknown
  report_dir:
    description:
      - Directory on the control node for the report files. Nothing is written without it.
      - When a watch has stored its rounds there (M(warroom.launch.watch)), the board and the page show trends.
    type: path
  report_files:
    description: Which of the report's files to write.
    type: list
    elements: str
    choices: [index.html, launch.json, junit.xml, launch.prom]
    default: [index.html, launch.json, junit.xml, launch.prom]
  show:
    description: Print the board. Callbacks for machines (whose name has C(json) in it) get it in RV(board) only.
    type: bool
    default: true
  validate_only:
    description: Only validate the checks and the settings of all hosts; nothing needs to be gathered for that.
    type: bool
    default: false
attributes:
  action:
    description: Runs on the control node.
    support: full
  check_mode:
    description: Gives the same verdict and writes the same report; it changes nothing that is managed.
    support: full
  diff_mode:
    description: Returns nothing to compare.
    support: none
"""

EXAMPLES = r"""
- name: Gather, and keep what became of it
  warroom.launch.launch_facts:
  register: gathered
  ignore_errors: true
  ignore_unreachable: true

- name: Are we go?
  warroom.launch.judge:
    facts_from: gathered
    thresholds:
      uwsgi_workers_busy:
        warn: '>= 0.6'
    accept:
      server_load: the rehearsal machine is small
    report_dir: launch-report
  register: launch
  run_once: true

- name: Hold the deployment
  ansible.builtin.fail:
    msg: "{{ launch.message }}"
  when: launch.stop
  run_once: true
"""

RETURN = r"""
verdict:
  description: V(go), V(go with warnings), V(unknown) or V(no-go).
  returned: when judged
  type: str
  sample: no-go
status:
  description: The worst status that counts, of V(fail), V(unknown), V(warn), V(ok).
  returned: when judged
  type: str
  sample: fail
counts:
  description: Findings by status, and those accepted.
  returned: when judged
  type: dict
  sample: {"fail": 1, "unknown": 0, "warn": 3, "ok": 87, "skipped": 12, "accepted": 1}
diagnoses:
  description: Causes over the whole fleet, deepest first.
  returned: when judged
  type: list
  elements: dict
stop:
  description: Whether O(fail_on) says that the run should end with an error.
  returned: when judged
  type: bool
message:
  description: The verdict, its cause and where the report is, in one line.
  returned: when judged
  type: str
board:
  description: The lines of the board.
  returned: when judged
  type: list
  elements: str
shown:
  description: Whether the board was to be printed (O(show)).
  returned: when judged
  type: bool
summary:
  description: What the board shows, as data, of bounded size however large the fleet is.
  returned: when judged
  type: dict
files:
  description: The report files written.
  returned: when judged
  type: list
  elements: str
checks:
  description: How many checks the catalogue and the settings have.
  returned: with O(validate_only)
  type: int
"""
