# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Discovery: each HAProxy on the host once, by its main process, and where its stats socket is by its configuration."""

from __future__ import annotations

import glob
import os
import typing as t

from ..._collect.host_tools import HostTools
from ..._linux import safe_files
from ..._linux.processes import Process

NAMES = ("haproxy", "hapee-lb")
DEFAULT_FILE = "/etc/haproxy/haproxy.cfg"
#: Options of an instance that was found: its main process.
PID = "_pid"
MOST_BYTES, MOST_FILES = 4 << 20, 200
#: Options with a value that take several words: files to read.
_FILES = ("-f", "--")


def masters(tools: HostTools) -> list[Process]:
    """The processes that no other HAProxy started; in master-worker mode their children serve."""
    found = {process.pid: process for process in tools.named(*NAMES) if process.state != "Z"}
    return [process for process in found.values() if process.ppid not in found]


def serving(master: Process, rows: t.Iterable[Process]) -> list[Process]:
    """The workers of a master, or the process itself."""
    return [process for process in rows if process.ppid == master.pid and process.name in NAMES] or [master]


def discover(tools: HostTools) -> list[dict[str, t.Any]]:
    found = []
    for process in masters(tools):
        settings = configuration(process)
        place = next(iter(settings.sockets), None) or _listening_socket(process, tools)
        entry: dict[str, t.Any] = {PID: process.pid, "name": name_of(process, tools), "socket": place}
        if place and place.startswith("/"):
            entry["socket"] = process.reach(place)
        found.append(entry)
    return found


def name_of(process: Process, tools: HostTools) -> str:
    """Where it listens for visitors first; its process id where that may not be read."""
    sockets = [
        each
        for pid in [process.pid, *(child.pid for child in tools.processes.children(process.pid))]
        for each in tools.processes.listening(pid)
    ]
    first = min((each for each in sockets if each.port), key=lambda each: (each.port or 0, ":" in each.address), default=None)
    if first is None:
        return f"haproxy {process.pid}"
    return f"[{first.address}]:{first.port}" if ":" in first.address else f"{first.address}:{first.port}"


def _listening_socket(process: Process, tools: HostTools) -> t.Optional[str]:
    """A UNIX socket of it whose name says that it is for statistics."""
    pids = [process.pid, *(child.pid for child in tools.processes.children(process.pid))]
    paths = [each.address for pid in pids for each in tools.processes.listening(pid) if each.kind == "unix"]
    return next((path for path in paths if any(word in os.path.basename(path) for word in ("admin", "stats", "haproxy"))), None)


class Settings(t.NamedTuple):
    """`sockets`: places of stats sockets; `servers`: their addresses as the configuration has them; `templates`: how the names of servers
    begin that are made as addresses come."""

    sockets: tuple[str, ...] = ()
    servers: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    encrypts: t.Optional[bool] = None
    templates: tuple[str, ...] = ()


def configuration(process: Process) -> Settings:
    """What its files say; nothing where they may not be read."""
    sockets: list[str] = []
    servers: list[str] = []
    files: list[str] = []
    templates: list[str] = []
    encrypts = False
    for path in _paths(process):
        text = safe_files.regular(process.reach(path), MOST_BYTES)
        if text is None:
            continue
        files.append(path)
        for line in text.splitlines():
            words = line.split("#", 1)[0].split()
            if words[:2] == ["stats", "socket"] and len(words) > 2:
                place = _socket(words[2])
                sockets += [place] if place else []
            elif words[:1] == ["server"] and len(words) > 2:
                servers.append(words[2])
            elif words[:1] == ["server-template"] and len(words) > 3:
                templates.append(words[1])
            encrypts = encrypts or (words[:1] == ["bind"] and "ssl" in words)
    listed = [tuple(dict.fromkeys(words)) for words in (sockets, servers, templates)]
    return Settings(listed[0], listed[1], tuple(files), encrypts if files else None, listed[2])


def _paths(process: Process) -> list[str]:
    """The files after each -f; of a folder its files that end in .cfg."""
    given: list[str] = []
    taking = False
    for word in process.argv[1:]:
        if word in _FILES:
            taking = True
        elif word.startswith("-f") and len(word) > 2:
            given.append(word[2:])
        elif word.startswith("-"):
            taking = False
        elif taking:
            given.append(word)
    folder = process.link("cwd") or "/"
    paths = [os.path.normpath(os.path.join(folder, path)) for path in given or [DEFAULT_FILE]]
    found: list[str] = []
    for path in paths:
        inside = sorted(glob.glob(f"{glob.escape(process.reach(path))}/*.cfg"))[:MOST_FILES]
        found += [os.path.join(path, os.path.basename(each)) for each in inside] or [path]
    return found[:MOST_FILES]


def _socket(word: str) -> t.Optional[str]:
    """A path, `unix@/path`, `ipv4@127.0.0.1:9999`, `127.0.0.1:9999`, `abns@name`; a descriptor that it inherited is none."""
    kind, separator, rest = word.partition("@")
    if not separator:
        return word
    if kind in ("unix", "ipv4", "ipv6"):
        return rest
    return f"@{rest}" if kind == "abns" else None
