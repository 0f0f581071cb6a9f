# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A way back is only offered where there is one."""

from __future__ import annotations

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._diagnose.shortly_before import _way_back


def release(host, before, after="3f2c"):
    return {
        "host": host,
        "service": "uwsgi",
        "instance": "app",
        "what": "release",
        "from": before,
        "to": after,
        "at": "2026-11-29T12:00:00Z",
    }


@pytest.mark.parametrize(
    "rows, offered",
    [
        ([release("web1", "1a2b"), release("web2", "1a2b")], "Roll back release 3f2c on web1 and web2"),
        ([release("web1", None), release("web2", None)], None),
        ([release("web1", "1a2b"), release("web2", None)], None),
        ([release("web1", "1a2b"), release("web2", "1a2b", "77aa")], None),
        ([release("web1", "1a2b")], None),
        ([], None),
    ],
)
def test_a_release_is_rolled_back_to_one_that_ran_before(rows, offered):
    assert _way_back({"hit": ["web1/uwsgi/app", "web2/uwsgi/app"]}, rows) == offered
