#!/usr/bin/python
# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: postgresql_stats
short_description: Connections, transactions, statements, locks and missing indexes of PostgreSQL
version_added: 1.0.0
description:
  - Reads the activity, statement and table statistics of PostgreSQL twice and computes what happened in between.
author:
  - warroom.launch authors (@warroom-launch)
"""

EXAMPLES = ""

RETURN = ""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.floor.entry import run
from ..module_utils.floor.options import argument_spec
from ..module_utils.postgresql.room import ROOM


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(ROOM), supports_check_mode=True)
    run(module, ROOM)


if __name__ == "__main__":
    main()
