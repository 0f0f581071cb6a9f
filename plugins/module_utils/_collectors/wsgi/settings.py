# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a server was told to run: its command line, for Gunicorn its environment and the plain values of its configuration file. Pure."""

from __future__ import annotations

import ast
import dataclasses
import re
import typing as t

from ..._collect.sampling import number
from ..._texts.redact import clean

#: How a worker takes requests: one at a time, as many as it has threads, or any number in one event loop.
ONE, THREADS, LOOP = "one", "threads", "loop"

SERVERS = ("gunicorn", "uvicorn", "granian", "daphne", "hypercorn")

#: setting → its names on the command line, by server.
_FLAGS: dict[str, dict[str, tuple[str, ...]]] = {
    "gunicorn": {
        "workers": ("-w", "--workers"),
        "worker_class": ("-k", "--worker-class"),
        "threads": ("--threads",),
        "timeout": ("-t", "--timeout"),
        "max_requests": ("--max-requests",),
        "backlog": ("--backlog",),
        "statsd_host": ("--statsd-host",),
    },
    "uvicorn": {"workers": ("--workers",), "max_requests": ("--limit-max-requests",), "backlog": ("--backlog",)},
    "granian": {"workers": ("--workers",), "threads": ("--blocking-threads",), "interface": ("--interface",), "backlog": ("--backlog",)},
    "daphne": {},
    "hypercorn": {
        "workers": ("-w", "--workers"),
        "worker_class": ("-k", "--worker-class"),
        "max_requests": ("--max-requests",),
        "backlog": ("--backlog",),
    },
}
_NUMBERS = ("workers", "threads", "timeout", "max_requests", "backlog")
_CLASSES = (
    (re.compile(r"gthread|\bThreadWorker"), "gthread", THREADS),
    (re.compile(r"gevent"), "gevent", LOOP),
    (re.compile(r"eventlet"), "eventlet", LOOP),
    (re.compile(r"tornado", re.IGNORECASE), "tornado", LOOP),
    (re.compile(r"uvicorn", re.IGNORECASE), "uvicorn", LOOP),
    (re.compile(r"asgi|asyncio|uvloop|trio", re.IGNORECASE), "asgi", LOOP),
    (re.compile(r"^sync$|\bSyncWorker$"), "sync", ONE),
)
#: Granian's own defaults: the length of its listen queue, a half of a worker's share of it for threads.
_GRANIAN_BACKLOG = 1024
#: Gunicorn's own default.
_TIMEOUT = 30
HIDDEN = "its title hides its command line (setproctitle)"
COMPUTED = "its configuration file computes it"


@dataclasses.dataclass(frozen=True)
class Settings:
    """`None`: not set, or not to be read; `unread` then says why."""

    server: str
    model: t.Optional[str] = None
    worker_class: t.Optional[str] = None
    workers: t.Optional[int] = None
    threads: t.Optional[int] = None
    timeout: t.Optional[int] = None
    max_requests: t.Optional[int] = None
    unread: t.Optional[str] = None
    #: Where Gunicorn sends its own counters.
    statsd: t.Optional[str] = None

    @property
    def ends_after(self) -> t.Optional[int]:
        """Seconds without a heartbeat after which Gunicorn ends a worker; None when not known, or never."""
        if self.server != "gunicorn" or (self.timeout is None and self.unread):
            return None
        return (_TIMEOUT if self.timeout is None else self.timeout) or None


def of(server: str, argv: t.Sequence[str], environment: t.Mapping[str, str], file: t.Optional[str]) -> Settings:
    """`file`: the text of Gunicorn's configuration file, where it has one."""
    if len(argv) <= 1 or " " in argv[0]:
        return Settings(server, unread=HIDDEN)
    values: dict[str, t.Any] = {}
    computed: set[str] = set()
    if server == "gunicorn":
        assigned, computed = _assigned(file or "")
        values = {"workers": environment.get("WEB_CONCURRENCY"), **assigned}
        values.update(_options(server, environment.get("GUNICORN_CMD_ARGS", "").split()))
    elif server == "uvicorn":
        values = {"workers": environment.get("WEB_CONCURRENCY")}
    elif server == "granian":
        values = {name: environment.get(f"GRANIAN_{name.upper()}") for name in ("workers", "interface")}
    values.update(_options(server, argv))
    return _settled(server, values, COMPUTED if any(values.get(name) is None for name in computed) else None)


def in_force(config: t.Mapping[str, t.Any], read: Settings) -> Settings:
    """As Gunicorn itself tells it over its control socket, wherever it was set. `read`: what it was told, for what it does not tell."""
    worker_class = str(config.get("worker_class") or "").strip("<>' ").rpartition("class '")[2]
    return _settled(
        "gunicorn", {**{name: config.get(name) for name in _NUMBERS}, "worker_class": worker_class, "statsd_host": read.statsd}, None
    )


def _options(server: str, words: t.Sequence[str]) -> dict[str, str]:
    """The last value of each option, given as `-x VALUE`, `-xVALUE`, `--long VALUE` or `--long=VALUE`."""
    found = {}
    for name, flags in _FLAGS[server].items():
        for place, word in enumerate(words):
            for flag in flags:
                if word == flag and place + 1 < len(words):
                    found[name] = words[place + 1]
                elif flag.startswith("--") and word.startswith(flag + "="):
                    found[name] = word[len(flag) + 1 :]
                elif len(flag) == 2 and word.startswith(flag) and len(word) > 2:
                    found[name] = word[2:]
    return found


def _assigned(text: str) -> tuple[dict[str, t.Any], set[str]]:
    """Names of ours that a Python file gives plain values, and those that it computes. Nothing of it is run."""
    try:
        body = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}, set(_FLAGS["gunicorn"])
    values: dict[str, t.Any] = {}
    computed: set[str] = set()
    for statement in body:
        if not isinstance(statement, (ast.Assign, ast.AnnAssign)):
            continue
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        for name in (target.id for target in targets if isinstance(target, ast.Name) and target.id in _FLAGS["gunicorn"]):
            if isinstance(statement.value, ast.Constant):
                values[name] = statement.value.value
                computed.discard(name)
            else:
                values.pop(name, None)
                computed.add(name)
    return values, computed


def _settled(server: str, values: t.Mapping[str, t.Any], unread: t.Optional[str]) -> Settings:
    figures = {name: _whole(values.get(name)) for name in _NUMBERS}
    workers, threads = figures["workers"], figures["threads"]
    worker_class, model = _class(server, values, threads)
    if unread is None and server != "daphne":
        workers = 1 if workers is None else workers
    if model == THREADS and threads is None and unread is None:
        threads = max(1, (figures["backlog"] or _GRANIAN_BACKLOG) // max(1, workers or 1) // 2) if server == "granian" else 1
    if model == ONE or (model == LOOP and server != "granian"):
        threads = None
    return Settings(
        server,
        model,
        worker_class,
        1 if server == "daphne" else workers,
        threads,
        figures["timeout"],
        figures["max_requests"],
        unread,
        clean(str(values["statsd_host"]), 80) if values.get("statsd_host") else None,
    )


def _class(server: str, values: t.Mapping[str, t.Any], threads: t.Optional[int]) -> tuple[t.Optional[str], t.Optional[str]]:
    """The kind of worker, in a word, and how it takes requests; None for a class that is not known here."""
    if server == "granian":
        interface = clean(str(values.get("interface") or "rsgi").lower(), 20)
        return interface, THREADS if interface == "wsgi" else LOOP
    if server in ("uvicorn", "daphne"):
        return "asgi", LOOP
    given = str(values.get("worker_class") or ("sync" if server == "gunicorn" else "asyncio"))
    for pattern, name, model in _CLASSES:
        if pattern.search(given):
            return ("gthread", THREADS) if name == "sync" and (threads or 1) > 1 else (name, model)
    return clean(given.rpartition(".")[2], 40), None


def _whole(value: t.Any) -> t.Optional[int]:
    found = number(value)
    return int(found) if found is not None and 0 <= found < 1e6 else None
