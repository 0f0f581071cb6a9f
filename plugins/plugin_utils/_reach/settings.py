# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the variables of a host to the way onto it, for the printed commands and the cockpit alike."""

from __future__ import annotations

import os
import pwd
import typing as t

from .way import LOCAL, Way

#: Fields of Way by the variables that set them; the first that is set holds.
VARIABLES: dict[str, tuple[str, ...]] = {
    "connection": ("ansible_connection",),
    "address": ("ansible_host", "ansible_ssh_host"),
    "port": ("ansible_port", "ansible_ssh_port"),
    "user": ("ansible_user", "ansible_ssh_user"),
    "private_key": ("ansible_ssh_private_key_file", "ansible_private_key_file"),
    "become": ("ansible_become",),
    "become_method": ("ansible_become_method",),
    "become_user": ("ansible_become_user",),
    "python": ("ansible_python_interpreter",),
    "ssh_args": ("ansible_ssh_args",),
    "ssh_common_args": ("ansible_ssh_common_args",),
    "ssh_extra_args": ("ansible_ssh_extra_args",),
}
_SSH_ARGS = ("ssh_args", "ssh_common_args", "ssh_extra_args")


def way(name: str, value: t.Callable[[str], t.Any], common: t.Mapping[str, t.Any], own: t.Optional[t.Mapping[str, t.Any]] = None) -> Way:
    """How a person gets onto the host, as Ansible does.

    `value`: a variable of the host, or None; `common`: what holds without one; `own`: fields that are known better than by variables.
    """
    settings = dict(common)
    for field, names in VARIABLES.items():
        given = next((given for given in map(value, names) if given not in (None, "")), None)
        if given is not None:
            settings[field] = given
    settings.update(own or {})
    # the three kinds of ssh's arguments in one
    settings["ssh_args"] = " ".join(str(part) for part in (settings.get(kind) for kind in _SSH_ARGS) if part)
    if settings.get("connection") in LOCAL:
        settings["user"] = _me()  # whatever the inventory says, here one stays who one is
    return Way.of({**settings, "name": name})


def _me() -> t.Optional[str]:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return None
