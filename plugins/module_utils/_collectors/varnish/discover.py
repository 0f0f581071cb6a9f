# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which varnishd runs here, where its working directory is, and why one cannot be read."""

from __future__ import annotations

import os
import shlex
import time
import typing as t

from ..._collect.host_tools import HostTools
from ..._collect.problem import Ended
from ..._linux.processes import PROC, Process, Processes
from ..._texts.redact import clean

DAEMONS = ("varnishd", "vinyld")
# What the manager keeps in its working directory since 6.0: the index of its shared memory.
_MARK = "_.vsm_mgt"
#: Between two looks for the successor of a manager that is gone.
_LOOK_SECONDS = 0.5


def client_options(instance: t.Optional[str]) -> str:
    """What the varnish tools need to reach the same instance, ready for a shell: `-n /path`, or nothing for the default one."""
    return f"-n {shlex.quote(instance)}" if instance else ""


def managers(tools: HostTools) -> list[Process]:
    """The management processes: every varnishd that is not the child of another one."""
    found = tools.named(*DAEMONS)
    pids = {process.pid for process in found}
    return [process for process in found if process.ppid not in pids]


def discover(tools: HostTools) -> list[dict[str, t.Any]]:
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
    """host:port of the first `-a name=address,PROTO` that speaks HTTP over TCP; port 80 of everything without `-a`."""
    given = [address for address in _addresses(process) if "PROXY" not in address]
    if not given:
        return None if any(_addresses(process)) else "127.0.0.1:80"
    address = given[0].split("=", 1)[-1].split(",", 1)[0]
    if address.startswith(("/", "@", "uds:")):
        return None
    host, colon, port = (address, "", "") if address.endswith("]") else address.rpartition(":")
    if not colon:
        host, port = host or port, "80"
    return f"{'127.0.0.1' if host in ('', '*', '0.0.0.0') else host}:{port or '80'}"


def _addresses(process: Process) -> list[str]:
    words = process.argv
    apart = [words[place + 1] for place, word in enumerate(words[:-1]) if word == "-a"]
    return apart + [word[2:] for word in words if word.startswith("-a") and len(word) > 2]


def runs(tools: HostTools, instance: t.Optional[str]) -> t.Optional[bool]:
    """Whether the manager of this instance is among the processes; None when that cannot be told from here."""
    if any(_is(process, instance) for process in managers(tools)):
        return True
    if tools.processes.filtered or not instance or not os.path.exists(os.path.join(instance, _MARK)):
        return None
    return False


def pids(tools: HostTools, instance: t.Optional[str]) -> list[int]:
    """The managers of this instance among the processes that were seen."""
    return [process.pid for process in managers(tools) if _is(process, instance)]


def must_run_still(instance: t.Optional[str], seen: t.Collection[int], patience: float = 0.0) -> t.Optional[str]:
    """What became of the managers that were seen: None when one still runs, a sentence when another took their place.

    Raise Ended when they are gone and no other comes within `patience` seconds. Their shared memory stays readable for ever.
    """
    until = time.monotonic() + patience
    while True:
        # a dead one whose parent did not collect it has no command line left
        running = [process for process in Processes.read().rows if process.argv]
        if not seen or {process.pid for process in running} & set(seen):
            return None
        successor = next((process for process in running if process.name in DAEMONS and _is(process, instance)), None)
        if successor is not None:
            break
        if time.monotonic() >= until:
            raise Ended("varnishd ended within the window, only its last counters are left: start it again, read the system log")
        time.sleep(_LOOK_SECONDS)
    return f"varnishd was restarted within the window (pid {min(seen)} is gone, pid {successor.pid} took its place)"


def _is(process: Process, instance: t.Optional[str]) -> bool:
    wanted = process.option("-n")
    return instance in (wanted, _directory(process, wanted))


def has_ended(tools: HostTools, instance: t.Optional[str]) -> bool:
    """Whether a varnishd ran in this directory and has ended: its remains can be read, without the index, and no manager has it."""
    if not instance or not os.path.isabs(instance) or tools.processes.filtered:
        return False
    try:
        left = os.listdir(instance) if os.access(instance, os.X_OK) else []
    except OSError:
        return False
    # a mistyped directory holds none of these, and says nothing about Varnish
    was_here = any(name == "vmod_cache" or name.startswith(("_.", "vcl_")) for name in left)
    return was_here and _MARK not in left and not pids(tools, instance)


def why_no_access(tools: HostTools, instance: t.Optional[str]) -> str:
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
