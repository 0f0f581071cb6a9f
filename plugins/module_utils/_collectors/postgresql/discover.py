# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The PostgreSQL servers of this host, from the process table: their sockets, their port, their postmaster.pid."""

from __future__ import annotations

import os
import re
import typing as t

from ..._collect.host_tools import HostTools
from ..._linux import safe_files
from ..._linux.processes import Process

#: What a backend calls itself: `postgres: [cluster: ]user database address(port) state`.
_TITLE = re.compile(r"^postgres: (?:\S+: )?(?P<user>\S+) (?P<database>\S+) (?P<address>\[local\]|\S+?\(\d+\)) (?P<state>.+)$")
_SOCKET = re.compile(r"^(?P<folder>.*)/\.s\.PGSQL\.(?P<port>\d+)$")
#: Where distributions put the socket when nothing else is known.
_FOLDERS = ("/var/run/postgresql", "/run/postgresql", "/tmp")


def postmasters(tools: HostTools) -> list[Process]:
    """Processes named postgres whose parent is not one: the others are its children."""
    found = tools.named("postgres", "postmaster")
    pids = {process.pid for process in found}
    return [process for process in found if process.ppid not in pids]


def discover(tools: HostTools) -> list[dict[str, t.Any]]:
    places: list[dict[str, t.Any]] = []
    found = []
    for process in postmasters(tools):
        place = _place(tools, process)
        if place not in places:
            places.append(place)
            found.append({**place, **tools.guessed(process)})
    return found


def _place(tools: HostTools, process: Process) -> dict[str, t.Any]:
    return from_listeners(tools, process) or _from_pid_file(process) or _from_arguments(process)


def backends(tools: HostTools, port: int) -> t.Optional[list[dict[str, t.Any]]]:
    """Who holds the connections of the server on this host's port, as the process table shows it; None without one.

    For the moment in which the server itself has no connection left to ask over.
    """
    for process in postmasters(tools):
        if _place(tools, process)["login_port"] == port:
            titles = (_TITLE.match(" ".join(child.argv).strip()) for child in tools.processes.children(process.pid))
            return [title.groupdict() for title in titles if title]
    return None


def from_listeners(tools: HostTools, process: Process) -> t.Optional[dict[str, t.Any]]:
    """The sockets it listens on (readable by root and by itself). A UNIX socket is preferred: it needs no password."""
    tcp = None
    for listener in tools.processes.listening(process.pid):
        named = _SOCKET.match(listener.address) if listener.kind == "unix" else None
        if named:
            return {"login_unix_socket": named.group("folder") or "/", "login_port": int(named.group("port"))}
        if listener.kind == "tcp" and tcp is None:
            address = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(listener.address, listener.address)
            tcp = {"login_host": address, "login_port": listener.port}
    return tcp


def _from_pid_file(process: Process) -> t.Optional[dict[str, t.Any]]:
    """postmaster.pid: pid, data directory, start time, port, socket folder, listen address, shared memory key."""
    folder = process.option("-D") or process.link("cwd")
    lines = (safe_files.regular(os.path.join(folder or "/nonexistent", "postmaster.pid"), 4096) or "").splitlines()
    if len(lines) < 6 or not re.fullmatch("[0-9]{1,5}", lines[3].strip()) or lines[0].strip() != str(process.pid):
        return None
    port = int(lines[3])
    if lines[4].strip():
        return {"login_unix_socket": lines[4].strip(), "login_port": port}
    address = {"*": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(lines[5].strip(), lines[5].strip())
    return {"login_host": address, "login_port": port}


def _from_arguments(process: Process) -> dict[str, t.Any]:
    """What an ordinary user sees: the command line, and sockets in the distributions' usual places."""
    given = process.option("-p", "--port") or ""
    port = int(given) if re.fullmatch("[1-9][0-9]{0,4}", given) and int(given) < 65536 else 5432
    for folder in (process.option("-k", "--unix_socket_directories", "--unix-socket-directories"), *_FOLDERS):
        if folder and os.path.exists(f"{folder}/.s.PGSQL.{port}"):
            return {"login_unix_socket": folder, "login_port": port}
    return {"login_host": "127.0.0.1", "login_port": port}
