#!/usr/bin/python
# Copyright: (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: uwsgi_stats
short_description: Workers, requests and backlog of uWSGI from its stats server
version_added: 1.0.0
description:
  - Reads uWSGI's stats server twice and computes what its own numbers hide.
author:
  - warroom.launch authors (@warroom-launch)
extends_documentation_fragment:
  - warroom.launch.launch
  - warroom.launch.launch.sampling
options:
  stats:
    description: Where the stats server listens.
    type: str
"""

EXAMPLES = r"""
- name: Look at the uWSGI instances found on each application server
  warroom.launch.uwsgi_stats:
"""

RETURN = r"""
ansible_facts:
  description: The facts, under one key.
  returned: always
  type: dict
  contains:
    launch_uwsgi:
      description: One entry per instance.
      type: dict
      returned: always
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.floor.entry import run
from ..module_utils.floor.options import argument_spec
from ..module_utils.uwsgi.room import ROOM


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(ROOM), supports_check_mode=True)
    run(module, ROOM)


if __name__ == "__main__":
    main()
