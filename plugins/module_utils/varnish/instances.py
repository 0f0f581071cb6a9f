# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which varnishd runs here, where its working directory is, and why one cannot be read."""

from __future__ import annotations

import os
import typing as t

from ..floor.processes import PROC, Process
from ..floor.redact import clean
from ..floor.tools import Tools

DAEMONS = ("varnishd", "vinyld")
# What the manager keeps in its working directory since 6.0: the index of its shared memory.
_MARK = "_.vsm_mgt"


def managers(tools: Tools) -> list[Process]:
    """The management processes: every varnishd that is not the child of another one."""
    found = tools.named(*DAEMONS)
    pids = {process.pid for process in found}
    return [process for process in found if process.ppid not in pids]


def discover(tools: Tools) -> list[dict[str, t.Any]]:
    """One entry per manager: the name it was given, and the directory that its tools must be pointed to."""
    found, seen = [], set()
    for process in managers(tools):
        wanted = process.option("-n")
        instance = _directory(process, wanted)
        if instance not in seen:
            seen.add(instance)
            found.append({"instance": instance, "name": wanted or "varnish", "address": _listens(process)})
    return found


def _directory(process: Process, wanted: t.Optional[str]) -> t.Optional[str]:
    """The working directory as this process can reach it.

    The manager's current directory is its working directory: that holds after a change of the host name (the default
    of -n before 7.0), in a chroot and in a container, where the name given to it would mislead.
    """
    for path in (process.link("cwd"), f"{PROC}/{process.pid}/cwd"):
        if path and os.path.exists(os.path.join(path, _MARK)):
            return path
    return wanted


def _listens(process: Process) -> t.Optional[str]:
    """The first address that varnishd was told to listen on (`-a name=address,PROTO`), when it is host:port."""
    for place, word in enumerate(process.argv):
        value = process.argv[place + 1] if word == "-a" and place + 1 < len(process.argv) else word[2:] if word.startswith("-a") else ""
        address = value.split("=", 1)[-1].split(",", 1)[0]
        if value and "PROXY" not in value and not address.startswith("/"):
            host, _sep, port = address.rpartition(":")
            return f"{host or '127.0.0.1'}:{port or 80}" if host or port else None
    return None


def runs(tools: Tools, instance: t.Optional[str]) -> t.Optional[bool]:
    """Whether the manager of this instance is among the processes; None when that cannot be told from here."""
    if any(_is(process, instance) for process in managers(tools)):
        return True
    if tools.processes.filtered or not instance or not os.path.exists(os.path.join(instance, _MARK)):
        return None
    return False


def _is(process: Process, instance: t.Optional[str]) -> bool:
    wanted = process.option("-n")
    return instance in (wanted, _directory(process, wanted))


def why_no_access(tools: Tools, instance: t.Optional[str]) -> str:
    """The tools say the same for three different causes (case V-03): name them, and the one that can be seen."""
    named = f"the instance {instance}" if instance else "the default instance"
    running = managers(tools)
    if running and (instance is None or any(_is(process, instance) for process in running)):
        who = ", ".join(str(process.pid) for process in running[:3])
        return (
            f"varnishd is running (pid {who}) but {named} is not readable: use become (root, or a member of varnishd's group: varnish), "
            "or set instance to its -n name"
        )
    if running:
        others = ", ".join(f"{process.option('-n') or 'without -n'} (pid {process.pid})" for process in running[:3])
        return (
            f"varnishd is running as {clean(others, 120)}, but {named} is not readable: it has another name (set instance), or it is not "
            "running, or this user may not read its shared memory (use become)"
        )
    return (
        f"no hold of {named}: varnishd is not running, or it has another name (its -n; set instance), "
        "or this user may not read its shared memory (use become, or add the user to the group varnish)"
    )
