#!/usr/bin/python
# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: gather
short_description: Gathers the launch facts of a host, with its settings, for judge
version_added: 1.0.0
description:
  - Runs M(warroom.launch.launch_facts) and returns O(settings) with the facts, templated for the host, for M(warroom.launch.judge)
    (its option C(facts_from)). The role P(warroom.launch.launch_check#role) uses it.
  - Takes every option of M(warroom.launch.launch_facts).
author:
  - warroom.launch authors (@warroom-launch)
requirements:
  - Python 3.11 or later (on the controller)
  - Python 3.9 or later (on the host that is gathered)
options:
  settings:
    description:
      - The host's own C(thresholds), C(visitors), C(extra_checks), C(accept), C(known_clients), C(services) (names of those that it must
        have), and C(at) (when it was begun with, in seconds since 1970).
    type: dict
    default: {}
  only:
    description: Services to gather; without it, all that the option C(services) means.
    type: list
    elements: str
    default: []
  phase:
    description: The phase of the check. A service that is read before the launch only (C(django), C(site), C(backup), C(checklist)) is left out of any other.
    type: str
    choices: [before, during]
    default: during
  urls:
    description:
      - Which URLs must come from the web accelerator's cache (C(cached)) and which must not (C(uncached)), as lists of regular
        expressions. Handed to C(varnish_traffic) where that is gathered; its own options win.
    type: dict
    default: {}
  answers:
    description:
      - What was typed for options of services (the variable C(launch_check_ask) of the role P(warroom.launch.launch_check#role)), as the
        registered results of M(ansible.builtin.pause). They stand above the options of the inventory.
    type: list
    elements: dict
    default: []
  probes:
    description: URLs that an accelerator's host visits (O(warroom.launch.varnish_stats#module:visits)).
    type: list
    elements: str
    default: []
  stacks:
    description:
      - Whether application servers read the Python stacks of their longest requests, with C(py-spy) where a host has it
        (O(warroom.launch.uwsgi_stats#module:stacks)).
    type: bool
    default: false
attributes:
  action:
    description: Runs partly on the control node.
    support: full
  check_mode:
    description: Returns the same facts; it only reads.
    support: full
  diff_mode:
    description: Returns no diff.
    support: none
"""

EXAMPLES = r"""
- name: Gather, and keep what became of it
  warroom.launch.gather:
    window: 5
    settings:
      accept: "{{ known_gaps }}"
  register: gathered
  ignore_errors: true
  ignore_unreachable: true
"""

RETURN = r"""
ansible_facts:
  description: What M(warroom.launch.launch_facts) returns.
  returned: success
  type: dict
settings:
  description: O(settings) as plain data.
  returned: always
  type: dict
"""
