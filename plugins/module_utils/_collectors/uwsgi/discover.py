# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Discovery: each uWSGI master on the host once, and where its stats server is, from its command line and configuration."""

from __future__ import annotations

import os
import re
import typing as t

from ..._collect.host_tools import HostTools
from ..._collect.sampling import number
from ..._linux import safe_files
from ..._linux.processes import Process
from ..._texts.redact import clean
from . import application, config

_NAME = re.compile(r"^(py)?uwsgi(-core|_python[\d.]*)?$")
#: One-off uses of the same program.
_CLIENTS = ("--connect-and-read", "--reload", "--stop", "--version", "--help", "--cflags", "--build-plugin")
#: Titles of processes that are no masters, set by auto-procname (a prefix may stand before them).
_HELPERS = re.compile(r"\buWSGI (worker|http|https|fastrouter|rawrouter|sslrouter|mule|spooler|signals|cheaper|cron|reaper)\b")
_FILE_LIMIT = 1 << 20
#: Stands among the options for the configuration files that could not be read.
_UNREAD = " unread"
#: The option of the FIFO that the master takes commands from.
FIFO = "master-fifo"
_STATS = ("stats", "stats-server")
#: Servers of one process that are instances of their own: the emperor's, the routers'.
_OTHER_STATS = (
    ("emperor-stats", "emperor-stats-server"),
    ("http-stats", "http-stats-server"),
    ("fastrouter-stats", "fastrouter-stats-server"),
)
_SETTINGS = {
    "processes": ("processes", "workers"),
    "threads": ("threads",),
    "cheaper": ("cheaper",),
    "harakiri_seconds": ("harakiri",),
    "listen": ("listen",),
}


def discover(tools: HostTools) -> list[dict[str, t.Any]]:
    """Instance options of every master and emperor here; one without a stats server says how to give it one."""
    found: dict[str, dict[str, t.Any]] = {}
    for process in masters(tools):
        options, source = configuration(process)
        for entry in _instances(process, options, source):
            found.setdefault(str(entry.get("stats") or f"pid {process.pid}"), entry)
    return list(found.values())


def masters(tools: HostTools) -> list[Process]:
    """uWSGI's own processes, without the workers and helpers that a master forked: those have its command line."""
    ours = {process.pid: process for process in tools.processes.rows if _is_uwsgi(process)}
    roots = []
    for process in ours.values():
        above = ours.get(process.ppid)
        forked = above is not None and above.argv == process.argv
        if not forked and not _HELPERS.search(" ".join(process.argv[:2])) and process.argv:
            roots.append(process)
    return roots


def _is_uwsgi(process: Process) -> bool:
    words = [os.path.basename(word) for word in process.argv[:2]]
    if set(_CLIENTS) & set(process.argv):
        return False
    # the wheel's program is run by Python, as its first argument
    script = words[1:2] if words and words[0].startswith("python") else []
    return any(_NAME.match(word) for word in [process.name, *words[:1], *script]) or "uWSGI " in " ".join(process.argv[:2])


def _instances(process: Process, options: config.Options, source: str) -> list[dict[str, t.Any]]:
    entries = [_placed(process, value) for names in (_STATS, *_OTHER_STATS) for value in _values(options, names)]
    if entries:
        return entries
    name = os.path.basename(source or (options.get(_UNREAD) or [""])[-1]) or f"pid {process.pid}"
    return [{"name": name, "problem": _lines_to_add(process, options, source)}]


def settings_of(process: Process) -> dict[str, t.Any]:
    """What the process was configured to do, as far as that can be read; empty when its configuration cannot."""
    options, _source = configuration(process)
    if _UNREAD in options:
        return {}
    return {**{ours: _number(options, names) for ours, names in _SETTINGS.items()}, "application": application.meant(options)}


def _lines_to_add(process: Process, options: config.Options, source: str) -> str:
    if _UNREAD in options:
        unread = clean(options[_UNREAD][-1], 120)
        return (
            f"the configuration of uWSGI (pid {process.pid}), {unread}, cannot be read (it is gone, or not for this user): "
            "use become, or give `stats: address`"
        )
    where = clean(source, 120) if source else "its configuration"
    if "emperor" in options:
        return f"the uWSGI emperor (pid {process.pid}) has no stats server: start it with `--emperor-stats 127.0.0.1:1716`"
    if process.argv and "uWSGI " in " ".join(process.argv[:2]):
        return f"uWSGI (pid {process.pid}) hides its command line (auto-procname), so its stats server was not found: give `stats: address`"
    return (
        f"uWSGI (pid {process.pid}) runs without a stats server: add the lines `stats = 127.0.0.1:1717` and `memory-report = true` "
        f"to [uwsgi] in {where} and reload it"
    )


def _values(options: config.Options, names: t.Sequence[str]) -> list[str]:
    return list(dict.fromkeys(value for name in names for value in options.get(name, []) if value))


def _number(options: config.Options, names: t.Sequence[str]) -> t.Optional[int]:
    given = _values(options, names)
    found = number(given[-1]) if given else None
    return int(found) if found is not None else None


def _placed(process: Process, value: str) -> dict[str, t.Any]:
    """The address as this process can reach it: relative paths from its directory, paths of a container through its root."""
    foreign = process.elsewhere("net")
    if value.startswith("@") or re.search(r":\d+$", value):
        if foreign:
            return {
                "name": value,
                "problem": f"uWSGI (pid {process.pid}) runs in a container with a network of its own: run the module in the container, "
                f"or publish its stats server {clean(value, 80)} and give that address",
            }
        return {"stats": value}
    path = os.path.join(process.link("cwd") or "/", value)
    if process.elsewhere("mnt") and process.link("root"):
        return {"name": value, "stats": process.reach(path)}
    return {"stats": path}


def configuration(process: Process) -> tuple[config.Options, str]:
    """The options of the process from its command line, its environment and the files they name; and the last file."""
    environment = _environment(process)
    options = _given(process, environment)
    wanted = config.files(process.argv) + [
        environment[key] for key in ("UWSGI_INI", "UWSGI_YAML", "UWSGI_XML", "UWSGI_JSON") if environment.get(key)
    ]
    source = ""
    seen: set[str] = set()
    while wanted and len(seen) < 20:
        file = wanted.pop(0)
        if file in seen:
            continue
        seen.add(file)
        path, _sep, section = file.partition(":")
        path = os.path.join(process.link("cwd") or "/", path)
        text = _contents(process, path)
        if text is None:
            options.setdefault(_UNREAD, []).append(path)
            continue
        source = path
        section = section or "uwsgi"
        own = config.parse(text, path, section)
        magic = config.placeholders(path, section)
        for name, values in own.items():
            known = [value for value in (config.expand(value, own, magic, environment) for value in values) if value is not None]
            options.setdefault(name, []).extend(known)
            if name in config.INCLUDES:
                wanted += known
    return options, source


def _given(process: Process, environment: t.Mapping[str, str]) -> config.Options:
    """What the command line and the environment say themselves."""
    options: config.Options = {}
    for name in {name for group in (*_SETTINGS.values(), _STATS, *_OTHER_STATS, application.NAMING) for name in group} | {"emperor", FIFO}:
        value = process.option("--" + name)
        if value is None:
            value = environment.get("UWSGI_" + name.upper().replace("-", "_"))
        if value:
            options.setdefault(name, []).append(value)
    for short, name in (("-l", "listen"), (application.SHORT, "module")):
        value = process.option(short)
        if value:
            options.setdefault(name, []).append(value)
    return options


def _contents(process: Process, path: str) -> t.Optional[str]:
    """A configuration file, as the process sees it."""
    for candidate in (process.reach(path), f"/proc/{process.pid}/root{path}", path):
        text = safe_files.regular(candidate, _FILE_LIMIT)
        if text is not None:
            return text
    return None


def _environment(process: Process) -> dict[str, str]:
    """The environment of the process, to fill placeholders in; it never becomes a fact."""
    try:
        with open(f"/proc/{process.pid}/environ", "rb") as handle:
            words = handle.read(_FILE_LIMIT).split(b"\0")
    except OSError:
        return {}
    pairs = (word.decode("utf-8", "replace").partition("=") for word in words)
    return {name: value for name, separator, value in pairs if separator}
