#!/usr/bin/python
# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: checklist_stats
short_description: What people have ticked off before the launch, with name and day, and who is on call
version_added: 1.1.0
description:
  - Reads the items of a launch checklist that no program can check. An item is done once it has a name and a day, and not before.
  - The role P(warroom.launch.launch_check#role) reads C(launch_check_by_hand) and C(launch_check_on_call) in the phase C(before), and adds
    what the stored load test says.
author:
  - warroom.launch authors (@warroom-launch)
extends_documentation_fragment:
  - warroom.launch.launch
  - warroom.launch.launch.sampling
options:
  items:
    description: The lines, each a dictionary of C(item), and once it is done C(by) (a name) and C(day) (as V(2026-11-28)).
    type: list
    elements: dict
  file:
    description:
      - A Markdown file with a task list, whose lines count beside O(items).
      - V(- [x] The rollback was rehearsed (Ada Lovelace, 2026-11-28\)) is done. An item with a mark and no name and day is not.
    type: path
  on_call:
    description: Who is called when something breaks, as names with a way to reach them.
    type: list
    elements: str
"""

EXAMPLES = r"""
- name: What is left to do?
  warroom.launch.checklist_stats:
    file: launch.md
    items:
      - {item: The rollback was rehearsed, by: Ada Lovelace, day: '2026-11-28'}
      - {item: The support team knows the launch day}
    on_call: ['Ada, +44 20 7946 0000']
  delegate_to: localhost
  run_once: true
"""

RETURN = r"""
ansible_facts:
  description: The facts, under one key.
  returned: always
  type: dict
  contains:
    launch_checklist:
      description: C(schema) and C(instances).
      type: dict
      contains:
        schema: {type: int, description: Version of the structure of these facts.}
        instances:
          description:
            - One per list.
            - What every instance has beside these measures is documented by M(warroom.launch.launch_facts).
          type: list
          elements: dict
          contains:
            items_to_tick:
              description: 'The lines, at most 200, those that are open first.'
              type: list
              elements: dict
              contains:
                item: {type: str, description: What is to be done.}
                done: {type: bool, description: Whether it is ticked with a name and a day.}
                by: {type: str, description: 'Who ticked it, null when it is not done.'}
                day: {type: str, description: 'The day, null when it is not done.'}
                why: {type: str, description: 'Why it is not done, empty when it is.'}
            items_to_tick_total: {type: int, description: How many there are.}
            ticked_total: {type: int, description: How many are done.}
            open_total: {type: int, description: How many are not.}
            unsigned_total: {type: int, description: How many of these have a mark without a name and a day.}
            open_named: {type: str, description: 'The first that are open, as one text.'}
            oldest_tick_days: {type: int, description: 'Days since the first tick, null without one.'}
            on_call: {type: list, elements: str, description: 'O(on_call), at most ten.'}
            on_call_total: {type: int, description: How many there are.}
            load_test:
              description: 'The report that is stored as V(baseline). The role adds it; of the module alone each is null.'
              type: dict
              contains:
                stored: {type: bool, description: Whether there is one.}
                age_seconds: {type: float, description: 'How old it is, null without one.'}
                requests_per_second: {type: float, description: 'Requests in its window, null when nobody counted.'}
                busy_ratio: {type: float, description: 'How busy the workers of its busiest application server were, null when not known.'}
                busiest: {type: str, description: 'Which server that was, null when not known.'}
                headroom_factor: {type: float, description: 'How many times that load would fill it, null when not known.'}
      sample:
        schema: 1
        instances:
          - name: launch
            state: up
            items_to_tick: [{item: The support team knows the day, done: false, by: null, day: null, why: not ticked}]
            open_total: 1
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._collect.entry import run
from ..module_utils._collect.options import argument_spec
from ..module_utils._collectors.checklist.collector import COLLECTOR


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(COLLECTOR), supports_check_mode=True)
    run(module, COLLECTOR)


if __name__ == "__main__":
    main()
