# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Discovery: each application server on the host once, by its processes, with its workers and how it was told to run."""

from __future__ import annotations

import dataclasses
import os
import typing as t

from ..._collect.edges import BECOME
from ..._collect.facts import Maybe, Unknown
from ..._collect.host_tools import HostTools
from ..._linux import safe_files, usage
from ..._linux.processes import Process, children_now
from ..server.process_kinds import classify
from . import settings
from .settings import SERVERS, Settings

#: Options of an instance that was found: its main process.
PID = "_pid"
_FILE_LIMIT = 1 << 20
_GUNICORN_FILE = "gunicorn.conf.py"
#: What the title of Gunicorn's main process begins with.
_TITLE = "gunicorn: master"
#: Helpers of Python's multiprocessing that take no requests.
_HELPERS = ("resource_tracker", "forkserver")


def discover(tools: HostTools) -> list[dict[str, t.Any]]:
    """Instance options of every server here."""
    return [{PID: process.pid, "name": name_of(process, tools)} for process in masters(tools)]


def masters(tools: HostTools) -> list[Process]:
    """The servers' main processes: their workers have the same command line, or run inside of them."""
    ours = {process.pid: process for process in tools.processes.rows if server_of(process) is not None}
    return [process for process in ours.values() if process.state != "Z" and not _is_worker(process, ours.get(process.ppid))]


def _is_worker(process: Process, above: t.Optional[Process]) -> bool:
    if process.argv and process.argv[0].startswith("gunicorn: worker"):
        return True
    return above is not None and (above.argv == process.argv or above.argv[0].startswith(_TITLE))


def server_of(process: Process) -> t.Optional[str]:
    """Which of the servers it is, if any: by its own program, so that a shell, an editor or a tool that was given its name is none."""
    first = process.argv[0] if process.argv else ""
    program = first if first.startswith("gunicorn: ") else os.path.basename(first)
    if not program.startswith(("python", "pypy", *SERVERS)):
        return None
    service = classify(process.name, process.argv)[0]
    return service if service in SERVERS else None


def name_of(process: Process, tools: HostTools) -> str:
    """Where it, or else a worker, listens; the process id where that may not be read."""
    # what its workers have as well: the main process may have a control socket of its own
    own, *others = [tools.processes.listening(pid) for pid in [process.pid, *children_now(process.pid)]]
    shared = {each for listening in others for each in listening}
    sockets = [each for each in own if not shared or each in shared] or next((each for each in others if each), [])
    if not sockets:
        return f"{server_of(process)} {process.pid}"
    first = sockets[0]
    return (
        first.address
        if first.port is None
        else f"[{first.address}]:{first.port}"
        if ":" in first.address
        else f"{first.address}:{first.port}"
    )


def workers_of(master: Process, wanted: Settings) -> list[int]:
    """The processes that take its requests now; the main process itself where it has no others."""
    every = [pid for each in (master.pid, *upgraded(master)) for pid in children_now(each)]
    children = [pid for pid in every if _takes_requests(pid, master) and not _is_upgrade(pid, master)]
    # a single process may have children of the application's own
    supervises = settings.reloads(master.argv) or (wanted.workers or 1) > 1
    alone = wanted.server == "daphne" or (wanted.server == "uvicorn" and wanted.workers == 1 and not supervises)
    # one that supervises takes no request itself: it may outlive all of its workers
    if alone or (not children and wanted.server == "uvicorn" and not supervises):
        return [master.pid]
    return sorted(children)


def upgraded(master: Process) -> list[int]:
    """The main processes of Gunicorn that were started out of this one (USR2) and share its sockets, oldest first."""
    found = [pid for pid in children_now(master.pid) if _is_upgrade(pid, master)]
    return found + [later for pid in found for later in upgraded(dataclasses.replace(master, pid=pid))]


def _is_upgrade(pid: int, master: Process) -> bool:
    """Workers are forked, and a main process begins its program anew."""
    if server_of(master) != "gunicorn" or not usage.was_executed(pid):
        return False
    words = _words(pid, "cmdline") or [""]
    return tuple(words) == master.argv or words[0].startswith(_TITLE)


def _takes_requests(pid: int, master: Process) -> bool:
    words = _words(pid, "cmdline") or []
    title = words[0] if words else ""
    if title.startswith("gunicorn: "):
        return title.startswith("gunicorn: worker")
    if any(helper in word for word in words for helper in _HELPERS):
        return False
    return tuple(words) == master.argv or any("spawn_main" in word or word == "--multiprocessing-fork" for word in words)


def settings_of(process: Process) -> Settings:
    """How it was told to run, as far as that can be read."""
    server = server_of(process) or ""
    words = _words(process.pid, "environ")
    environment = None if words is None else dict(pair.partition("=")[::2] for pair in words)
    return settings.of(server, process.argv, environment, _file(process, environment or {}) if server == "gunicorn" else None)


def _file(process: Process, environment: t.Mapping[str, str]) -> Maybe[t.Optional[str]]:
    """The text of Gunicorn's configuration file, as the process sees it; None when it has none."""
    elsewhere = Process(process.pid, process.ppid, process.name, process.uid, ("", *settings.environment_words(environment)))
    given = process.option("-c", "--config") or elsewhere.option("-c", "--config") or environment.get("GUNICORN_CONFIG")
    if (given or "").startswith("python:"):
        return Unknown("its configuration is a module of the application, which is not run here: say it on its command line")
    folder = process.link("cwd")
    path = os.path.join(folder or "/", (given or _GUNICORN_FILE).rpartition("file:")[2])
    for candidate in (process.reach(path), f"/proc/{process.pid}/root{path}", path):
        text = safe_files.regular(candidate, _FILE_LIMIT)
        if text is not None:
            return text
    # without a word of it there may be one where it was started
    return Unknown(f"its configuration file may not be read: {BECOME}") if given or folder is None else None


def _words(pid: int, name: str) -> t.Optional[list[str]]:
    """The words of a process's command line or environment, None where they may not be read; the latter never becomes a fact."""
    try:
        with open(f"/proc/{pid}/{name}", "rb") as handle:
            words = handle.read(_FILE_LIMIT).split(b"\0")
    except OSError:
        return None
    return [word.decode("utf-8", "replace") for word in words if word]
