# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Discovery: each nginx on the host once, by its main process, with its workers and where its configuration is."""

from __future__ import annotations

import os
import re
import typing as t

from ..._collect.host_tools import HostTools
from ..._collect.problem import Problem
from ..._linux.processes import Process

NAMES = ("nginx", "nginx-debug", "angie", "openresty", "tengine")
#: Options of an instance that was found: its main process.
PID = "_pid"
_TITLE = re.compile(r"^(?:nginx|angie): (master|worker|cache manager|cache loader|privileged agent) process ?(.*)", re.DOTALL)
#: What else calls itself so: monitors put helpers beside it that look as if they were nginx's.
_OTHER = re.compile(r"^\[?(?:nginx|angie): (?!single process )")
#: Angie's title: `angie: master process v1.10.0 #2 [/usr/sbin/angie -c /etc/angie/angie.conf]`, cut where there is no more room.
_ANGIES = re.compile(r"v[0-9]\S{0,40} (?:\S{1,80} )?#[0-9]{1,20} \[(.*?)\]?$", re.DOTALL)
#: Where packages and builds from source have it.
PLACES = (
    "/etc/nginx/nginx.conf",
    "/usr/local/nginx/conf/nginx.conf",
    "/usr/local/openresty/nginx/conf/nginx.conf",
    "/usr/local/etc/nginx/nginx.conf",
    "/etc/angie/angie.conf",
)
_CONFIGURED = re.compile(rb"--(conf-path|prefix|http-log-path|error-log-path)=(\S{1,400})")
_VERSION = re.compile(rb"(?:nginx|angie|openresty|tengine) version: (\S{1,60})", re.IGNORECASE)
_SECONDS = 2.0


def masters(tools: HostTools) -> list[Process]:
    """The main processes; one that has no workers serves by itself."""
    found = {process.pid: process for process in tools.named(*NAMES) if process.state != "Z"}
    return [process for process in found.values() if part_of(process) in ("master", "") and process.ppid not in found]


def part_of(process: Process) -> str:
    """What its title says that it is; empty when it has none (no workers, or not started yet)."""
    words = " ".join(process.argv)
    title = _TITLE.match(words)
    return title[1] if title else "other" if _OTHER.match(words) else ""


def workers(master: Process, rows: t.Iterable[Process]) -> list[Process]:
    """Those that take connections."""
    found = [process for process in rows if process.ppid == master.pid and part_of(process) == "worker" and not _leaves(process)]
    return found or ([master] if part_of(master) == "" else [])


def leaving(master: Process, rows: t.Iterable[Process]) -> list[Process]:
    """Workers that a reload replaced: they keep the connections that they have, and take none."""
    return [process for process in rows if process.ppid == master.pid and part_of(process) == "worker" and _leaves(process)]


def _leaves(process: Process) -> bool:
    return words_of(process)[:3] == ["is", "shutting", "down"]


def words_of(master: Process) -> list[str]:
    """Its command line: what follows in the title, or its own words."""
    title = _TITLE.match(" ".join(master.argv))
    if title is None:
        return list(master.argv)
    angies = _ANGIES.match(title[2])
    return (angies[1] if angies else title[2]).split()


def discover(tools: HostTools) -> list[dict[str, t.Any]]:
    found = []
    for process in masters(tools):
        listening = tools.processes.listening(process.pid)
        first = min(listening, key=lambda each: (each.kind != "tcp", each.port or 0, ":" in each.address), default=None)
        place = "" if first is None else first.address if first.port is None else f"{first.address}:{first.port}"
        found.append(
            {
                PID: process.pid,
                "name": (f"[{first.address}]:{first.port}" if first and first.port and ":" in first.address else place)
                or f"nginx {process.pid}",
            }
        )
    return found


class Built(t.NamedTuple):
    """What the program was built with; empty where it was not asked."""

    version: str = ""
    conf_path: str = ""
    prefix: str = ""
    http_log: str = ""
    error_log: str = ""


def built(master: Process, tools: HostTools) -> Built:
    """From `nginx -V`, which only prints. Never of a program that a title names: any user may write one."""
    words = words_of(master)
    name = os.path.basename(words[0]) if words else "nginx"
    path = tools.commands.which(name) if name in NAMES else None
    if path is None or master.elsewhere("mnt") or words[0] not in (name, path):
        return Built()
    try:
        ran = tools.commands.run([name, "-V"], _SECONDS)
    except Problem:
        return Built()
    said = ran.err + ran.out
    options = {found[1].decode(): found[2].decode("utf-8", "replace") for found in _CONFIGURED.finditer(said)}
    version = _VERSION.search(said)
    return Built(
        version[1].decode("utf-8", "replace") if version else "",
        options.get("conf-path", ""),
        options.get("prefix", ""),
        options.get("http-log-path", ""),
        options.get("error-log-path", ""),
    )


class Place(t.NamedTuple):
    """Where its configuration is, below the root folder `root`, and what relative paths of logs begin with; and its main process."""

    path: str
    prefix: str
    root: str
    pid: t.Optional[int] = None


def configuration(master: Process, given: t.Optional[str], built_with: Built) -> Place:
    """By the option, its command line, how it was built, or where it usually is."""
    root = f"/proc/{master.pid}/root" if master.elsewhere("mnt") else ""
    words = words_of(master)
    prefix = _option(words, "-p") or built_with.prefix or "/etc/nginx"
    path = given or _option(words, "-c") or built_with.conf_path
    if path:
        return Place(os.path.normpath(os.path.join(prefix, path)), prefix, root, master.pid)
    path = next((place for place in PLACES if os.path.exists(root + place)), PLACES[0])
    return Place(path, os.path.dirname(path) if path.startswith("/etc") else os.path.dirname(os.path.dirname(path)), root, master.pid)


def _option(words: t.Sequence[str], flag: str) -> str:
    return next((word for before, word in zip(words, words[1:]) if before == flag), "")
