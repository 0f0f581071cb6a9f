# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Failures that people reported of other monitors of machines, as lines of the kernel, and what must be read from them."""

from __future__ import annotations

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collectors.server import fetch
from ansible_collections.warroom.launch.plugins.module_utils._linux import kernel_text


@pytest.mark.parametrize(
    ("line", "stopped"),
    [
        ("36 25 8:17 / /srv/data rw,relatime shared:1 - ext4 /dev/sdb1 ro,errors=remount-ro", True),
        ("36 25 8:17 / /srv/data rw,relatime shared:1 - ext4 /dev/sdb1 rw,emergency_ro", True),  # Linux 6.14 and later
        ("36 25 8:17 / /srv/data rw,relatime shared:1 - ext4 /dev/sdb1 rw,errors=remount-ro", False),
        ("36 25 8:17 / /srv/data ro,relatime shared:1 - ext4 /dev/sdb1 ro", False),  # mounted so by a person
        ("36 25 8:17 /www /srv/www ro,relatime shared:1 - ext4 /dev/sdb1 rw", False),  # a bind mount
        ("36 25 7:3 / /snap/core/6130 ro,nodev,relatime shared:1 - squashfs /dev/loop3 ro", False),
        ("36 25 7:3 / /snap/core/6130 rw,nodev,relatime shared:1 - squashfs /dev/loop3 ro", False),
        ("36 25 0:50 / / rw,relatime - overlay overlay ro,lowerdir=/l/A:/l/B", False),
    ],
)
def test_a_filesystem_that_became_read_only(line: str, stopped: bool) -> None:
    """https://github.com/prometheus/node_exporter/issues/591; squashfs: https://github.com/toolkits/nux/issues/25"""
    (mount,) = kernel_text.mounts(line)
    assert fetch._stopped_writing(mount) is stopped
