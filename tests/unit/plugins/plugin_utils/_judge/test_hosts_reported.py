# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Ansible says of a host that gave nothing, as people reported it, and what it is told to be."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._checks import remedies
from ansible_collections.warroom.launch.plugins.plugin_utils._judge.hostvars import _why

TEMPORARY = (
    "Failed to create temporary directory. In some cases, you may have been able to authenticate and did not have permissions on the"
)


def stderr(text: str) -> dict[str, t.Any]:
    return {"failed": True, "msg": "Module result deserialization failed: No start of json char found", "module_stderr": text}


@pytest.mark.parametrize(
    ("result", "kind", "says"),
    [
        ({"unreachable": True, "msg": "Failed to connect to the host via ssh: Connection refused"}, "unreachable", "Log in to it"),
        # https://github.com/ansible/ansible/issues/73179, https://github.com/ansible/ansible/issues/25401: a full disk is "UNREACHABLE!"
        ({"unreachable": True, "msg": f"{TEMPORARY} target directory."}, "room", "takes no file"),
        ({"unreachable": True, "msg": "mkdir: cannot create directory '/home/x/.ansible': No space left on device"}, "room", "free space"),
        (stderr("OSError: [Errno 28] No space left on device"), "room", "free space"),
        (stderr("OSError: [Errno 30] Read-only file system: '/root/.ansible'"), "room", "mount it for writing"),
        # https://github.com/ansible/ansible/issues/28978, https://github.com/ansible/ansible/issues/85835, .../74760
        ({"failed": True, "msg": "Missing sudo password"}, "sudo", "--ask-become-pass"),
        ({"failed": True, "msg": "Incorrect sudo password"}, "sudo", "--ask-become-pass"),
        (stderr("sudo: a password is required"), "sudo", "--ask-become-pass"),
        (stderr("Sorry, user app is not allowed to execute '/bin/sh' as root on web1."), "sudo", "become root"),
        ({"failed": True, "msg": "Timeout (12s) waiting for privilege escalation prompt: "}, "sudo", "--ask-become-pass"),
        # a setting of the inventory that the module refuses
        ({"failed": True, "msg": "services must be auto or a dictionary of service: auto"}, "refused setting", "Correct the setting"),
        # killed for lack of memory, or out of time
        (stderr("Killed"), "broken off", "lack of memory"),
        ({"failed": True, "msg": "Timed out after 60 second(s)."}, "broken off", "out of time"),
        # https://github.com/ansible/ansible/issues/18846
        (stderr("/bin/sh: 1: /foo/bar: not found"), "python", "ansible_python_interpreter"),
    ],
)
def test_a_host_that_answers_is_not_said_to_be_unreachable(result: dict[str, t.Any], kind: str, says: str) -> None:
    reason = _why(result) or ""
    found = remedies.kind_of(reason)
    assert (found.name, says in found.how) == (kind, True), (reason, found.how)
