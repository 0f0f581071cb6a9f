# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The servers of a host: from their processes, what these listen on, their command lines and option files."""

from __future__ import annotations

import os
import re
import typing as t

from ..._collect.host_tools import HostTools
from ..._linux.processes import Process
from . import option_file

_ANY = ("0.0.0.0", "::", "*", "")
#: The port of the X protocol, and of Group Replication: not what we speak.
_OTHER_PORTS = (33060, 33061, 33062)


def discover(tools: HostTools) -> list[dict[str, t.Any]]:
    """Each server once, by its socket (which lets the administrator in without a password) and its port."""
    places: list[dict[str, t.Any]] = []
    found: list[dict[str, t.Any]] = []
    for process in tools.named("mysqld", "mariadbd"):
        place = _place(process, tools)
        if place and place not in places:
            places.append(place)
            found.append({**place, **tools.guessed(process)})
    return found


def _place(process: Process, tools: HostTools) -> dict[str, t.Any]:
    listening = tools.processes.listening(process.pid)
    sockets = [one.address for one in listening if one.kind == "unix" and "mysqlx" not in one.address and not one.address.startswith("@")]
    ports = [(one.address, one.port) for one in listening if one.kind == "tcp" and one.port not in _OTHER_PORTS]
    said = _said(process)
    place: dict[str, t.Any] = {}
    # what it listens on is certain; its options come second (descriptors of other users' processes may be hidden from us)
    socket = _absolute(sockets[0] if sockets else said.get("socket"), process, said)
    if socket:
        place["login_unix_socket"] = socket
    address, port = ports[0] if ports else (said.get("bind-address") or "", said.get("port"))
    if re.fullmatch("[0-9]{1,5}", str(port)) and 0 < int(str(port)) < 65536:
        place["login_port"] = int(str(port))
        if address.split(",")[0] not in _ANY:
            place["login_host"] = address.split(",")[0]
    if not place and not listening:
        place["login_port"] = 3306
    return place


def _said(process: Process) -> dict[str, t.Any]:
    said: dict[str, t.Any] = {}
    if "--no-defaults" not in process.argv:
        said.update(option_file.server(process.option("--defaults-file")))
    for name, flags in (
        ("socket", ("--socket", "-S")),
        ("port", ("--port", "-P")),
        ("bind-address", ("--bind-address",)),
        ("datadir", ("--datadir", "-h")),
    ):
        value = process.option(*flags)
        if value:
            said[name] = value
    return said


def _absolute(path: t.Optional[str], process: Process, said: t.Mapping[str, t.Any]) -> t.Optional[str]:
    if not path:
        return None
    if not os.path.isabs(path):
        path = os.path.join(said.get("datadir") or process.link("cwd") or "/", path)
    # a server in a container or a chroot has a root of its own; the kernel gives us a way in
    if process.elsewhere("mnt"):
        return process.reach(path)  # whatever is there of ours may be another server's
    inside = f"/proc/{process.pid}/root{path}"
    return inside if not os.path.exists(path) and os.path.exists(inside) else path
