#!/usr/bin/python
# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_stats
short_description: Age and size of the newest backup, and whether a restore was tested
version_added: 1.1.0
description:
  - Looks at the names, times and sizes of the given files. No file is opened and no command is run.
  - With a window, a file that grows within it is being written, and the one before it is judged.
author:
  - warroom.launch authors (@warroom-launch)
extends_documentation_fragment:
  - warroom.launch.launch
  - warroom.launch.launch.sampling
options:
  files:
    description:
      - Absolute paths or shell patterns of the backups, one file or folder for each, as V(/srv/backups/shop-*.dump).
      - At most 10000 may match a pattern. Of a folder the sizes of its files are added up.
    type: list
    elements: str
  marker:
    description: A file that the job touches when a backup has succeeded, where the backups themselves are somewhere else.
    type: path
  restored:
    description: A file that you touch when a backup was restored for a test and its data were looked at.
    type: path
"""

EXAMPLES = r"""
- name: Is there a backup of today?
  warroom.launch.backup_stats:
    name: shop
    files: [/srv/backups/shop-*.dump]
    restored: /srv/backups/restore-tested

- name: Backups that go to another site
  warroom.launch.backup_stats:
    name: media
    marker: /var/lib/backup/media.done
"""

RETURN = r"""
ansible_facts:
  description: The facts, under one key.
  returned: always
  type: dict
  contains:
    launch_backup:
      description: C(schema) and C(instances).
      type: dict
      contains:
        schema: {type: int, description: Version of the structure of these facts.}
        instances:
          description:
            - One per backup. It is down when nothing matches O(files), or O(marker) does not exist.
            - What every instance has beside these measures is documented by M(warroom.launch.launch_facts).
          type: list
          elements: dict
          contains:
            writing: {type: bool, description: Whether the newest file grew within the window; the one before it is judged then.}
            copies_total: {type: int, description: 'How many there are, null with O(marker).'}
            newest_age_seconds: {type: float, description: 'Since the newest was written, null when the only one is being written.'}
            newest_name: {type: str, description: 'Its name without its folder, null with O(marker).'}
            newest_bytes: {type: int, description: 'Its size, null with O(marker) or when a part of a folder may not be seen.'}
            previous_bytes: {type: int, description: 'The size of the one before, null without one.'}
            size_factor: {type: float, description: 'The newest by the one before, null without one.'}
            comparable: {type: bool, description: Whether there is one before.}
            free_bytes: {type: int, description: 'What is free on its filesystem, null with O(marker).'}
            room_factor: {type: float, description: 'What is free by the size of the newest, null when one is.'}
            sized: {type: bool, description: Whether there are files rather than O(marker).}
            restore_recorded: {type: bool, description: 'Whether O(restored) is given and exists, null when it may not be seen.'}
            restore_tested_age_seconds: {type: float, description: 'Since O(restored) was touched, null without it.'}
      sample:
        schema: 1
        instances: [{name: shop, state: up, newest_age_seconds: 8211.0, newest_bytes: 1932735283, size_factor: 1.004}]
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._collect.entry import run
from ..module_utils._collect.options import argument_spec
from ..module_utils._collectors.backup.collector import COLLECTOR


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(COLLECTOR), supports_check_mode=True)
    run(module, COLLECTOR)


if __name__ == "__main__":
    main()
