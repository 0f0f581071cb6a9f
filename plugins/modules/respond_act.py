#!/usr/bin/python
# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: respond_act
short_description: Looks at the target of one act, or does the act if its guards hold
version_added: 1.0.0
description:
  - What P(warroom.launch.respond#module) runs on the host of a plan. It is not meant to be called by hand.
  - Looking changes nothing. Acting reads every guard again in the session that acts, and refuses when one no longer holds or when the
    target is no longer the one of the plan. It never restarts or stops a server and never edits a file that a person owns.
  - A refusal is a result with a reason, not a failure of the task.
author:
  - warroom.launch authors (@warroom-launch)
requirements:
  - Python 3.9 or later (on the host that executes the module)
options:
  act:
    description: Which act. Required, as O(service) and O(instance) are, for every O(step) but V(lost).
    type: str
    choices:
      - add_workers
      - cache_urls
      - consume_queue
      - create_index
      - drain_server
      - end_session
      - grow_pool
      - limit_client
      - raise_maxmemory
      - raise_pool_size
      - rate_limit
  step:
    description:
      - V(look) reads identity and guards. V(act) arms the timer that takes the act back, and does it. V(undo) takes it back now.
        V(progress) says how far an act is that another process is doing.
        V(stay) ends the timer, or lets it run for O(minutes) where the act is one that ends.
        V(lost) names the acts whose timer was lost before it took them back, as by a restart of the machine.
    type: str
    required: true
    choices: [look, act, progress, undo, stay, lost]
  service:
    description: Service of the target.
    type: str
  instance:
    description: Name of the target in the facts.
    type: str
  cause:
    description: The cause that the act is done for; it is kept with the timer.
    type: str
  services:
    description: What M(warroom.launch.launch_facts) takes as O(ignore:services). Hidden in output because it may hold passwords.
    type: raw
  login:
    description: Options of the service by which to act in place of those by which it is read.
    type: dict
  about:
    description: What the act is about, for example the number of a session.
    type: dict
  readings:
    description: What the fleet shows at this moment, for guards that one host cannot read.
    type: dict
  identity:
    description: The target as the plan has it.
    type: dict
  limits:
    description: Limits of the guards as the plan has them.
    type: dict
  timer:
    description: Name of the timer, from the token of the plan.
    type: str
  revert_seconds:
    description: Seconds after which the timer takes the act back, unless it is told that the act stays.
    type: float
    default: 300
  minutes:
    description: Minutes after which an act ends that is not for good.
    type: float
    default: 30
  keep:
    description: Whether such an act stays.
    type: bool
    default: false
  timeout:
    description: Seconds that one answer may take.
    type: float
    default: 5
attributes:
  check_mode:
    description: Reads the guards and returns what would be done.
    support: full
  diff_mode:
    description: Shows the statements or commands that would run.
    support: full
"""

EXAMPLES = r"""
- name: Look whether a session may be ended
  warroom.launch.respond_act:
    act: end_session
    step: look
    service: postgresql
    instance: shop
    about: {pid: 4711}
"""

RETURN = r"""
outcome:
  description: C(possible) or C(refused) of a look, C(acted), C(would act) or C(refused) of an act, C(looked) of its progress and of V(lost),
    C(undone) or C(stays) afterwards.
  returned: always
  type: str
why:
  description: Why it was refused, null when it was not.
  returned: always
  type: str
identity:
  description: What tells the target from another one.
  returned: O(step=look)
  type: dict
guards:
  description: Every guard with its value.
  returned: O(step=look)
  type: list
  elements: dict
commands:
  description: Exactly what would run.
  returned: O(step=look)
  type: list
  elements: str
cost:
  description: What the act costs, in words.
  returned: O(step=look)
  type: str
undo:
  description: What takes it back, null when nothing can.
  returned: O(step=look)
  type: str
lost:
  description: The acts that should be taken back and whose timer is gone, with what their plan was, except those that a restart undid.
  returned: O(step=lost)
  type: list
  elements: dict
says:
  description: What was done, or how far it is, in a sentence.
  returned: when it acted
  type: str
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._acts.entry import LOST, STEPS, respond
from ..module_utils._acts.registry import NAMES


def main() -> None:
    spec = {
        "act": {"type": "str", "choices": list(NAMES)},
        "step": {"type": "str", "required": True, "choices": list(STEPS)},
        **{name: {"type": "str"} for name in ("service", "instance", "cause")},
        "services": {"type": "raw", "no_log": True},
        "login": {"type": "dict", "no_log": True},
        **{name: {"type": "dict"} for name in ("about", "readings", "identity", "limits")},
        "timer": {"type": "str"},
        "revert_seconds": {"type": "float", "default": 300.0},
        "minutes": {"type": "float", "default": 30.0},
        "keep": {"type": "bool", "default": False},
        "timeout": {"type": "float", "default": 5.0},
    }
    needed = [("step", step, ("act", "service", "instance")) for step in STEPS if step != LOST]
    respond(AnsibleModule(argument_spec=spec, required_if=needed, supports_check_mode=True))


if __name__ == "__main__":
    main()
