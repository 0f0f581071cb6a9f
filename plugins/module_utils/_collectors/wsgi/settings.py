# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a server was told to run: its command line, for Gunicorn its environment and the plain values of its configuration file. Pure."""

from __future__ import annotations

import ast
import dataclasses
import re
import shlex
import typing as t

from ..._collect.edges import BECOME
from ..._collect.facts import Maybe, Unknown
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
    "granian": {
        "workers": ("--workers",),
        "threads": ("--blocking-threads",),
        "interface": ("--interface",),
        "backlog": ("--backlog",),
        "backpressure": ("--backpressure",),
    },
    "daphne": {},
    "hypercorn": {
        "workers": ("-w", "--workers"),
        "worker_class": ("-k", "--worker-class"),
        "max_requests": ("--max-requests",),
        "backlog": ("--backlog",),
    },
}
_NUMBERS = ("workers", "threads", "timeout", "max_requests", "backlog", "backpressure")
#: Those that take each option from the environment as well: UVICORN_WORKERS, GRANIAN_BLOCKING_THREADS.
_BY_ENVIRONMENT = ("uvicorn", "granian")
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
NOT_TOLD = "its control socket does not report all of its settings"
COMPUTED = "its configuration file computes it"
NO_ENVIRONMENT = f"its environment may not be read: {BECOME}"
OWN_FILE = "its configuration file is not read here: say it on its command line"


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
    #: Connections that a worker takes at once, those kept alive included: Granian's backpressure.
    connections: t.Optional[int] = None

    @property
    def ends_after(self) -> t.Optional[int]:
        """Seconds without a heartbeat after which Gunicorn ends a worker; None when not known, or never."""
        if self.server != "gunicorn" or (self.timeout is None and self.unread):
            return None
        return (_TIMEOUT if self.timeout is None else self.timeout) or None


def of(server: str, argv: t.Sequence[str], environment: t.Optional[t.Mapping[str, str]], file: Maybe[t.Optional[str]]) -> Settings:
    """`environment`: None where it may not be read; `file`: the text of Gunicorn's configuration file, where it has one."""
    if len(argv) <= 1 or " " in argv[0]:
        return Settings(server, unread=HIDDEN)
    told = environment or {}
    values: dict[str, t.Any] = {}
    open_names: set[str] = set()
    why = NO_ENVIRONMENT
    if server == "gunicorn":
        assigned: dict[str, t.Any] = {}
        if isinstance(file, Unknown):
            open_names, why = set(_FLAGS[server]), file.reason
        else:
            assigned, open_names = _assigned(file or "")
            why = COMPUTED if open_names else why
        values = {"workers": told.get("WEB_CONCURRENCY"), **assigned, **_options(server, environment_words(told))}
    elif server in _BY_ENVIRONMENT:
        own = not _by_fastapi(argv)  # which has options of its own, and no variables for them
        values = {} if not own else {name: told.get(_variable(server, flags)) for name, flags in _FLAGS[server].items()}
        if server == "uvicorn" and not values.get("workers"):
            values["workers"] = told.get("WEB_CONCURRENCY")
    elif server == "hypercorn" and any(word in ("-c", "--config") or word.startswith("--config=") for word in argv):
        open_names, why = set(_FLAGS[server]), OWN_FILE
    if environment is None and server in ("gunicorn", *_BY_ENVIRONMENT):
        open_names |= set(_FLAGS[server])
    values.update(_options(server, argv))
    open_names = {name for name in open_names if values.get(name) is None}
    return _settled(server, values, why if open_names else None, open_names)


def reloads(argv: t.Sequence[str]) -> bool:
    """Whether the server watches its files, and has a process for that."""
    return "--reload" in argv or ("dev" in argv and "--no-reload" not in argv and _by_fastapi(argv))


def _by_fastapi(argv: t.Sequence[str]) -> bool:
    """`fastapi run`, `python3 /usr/bin/fastapi dev`, `python3 -m fastapi run`: it starts uvicorn within its own process."""
    return any(word.rpartition("/")[2] == "fastapi" for word in argv[:3])


def environment_words(environment: t.Mapping[str, str]) -> list[str]:
    """What Gunicorn takes from its environment, as words of a command line."""
    try:
        return shlex.split(environment.get("GUNICORN_CMD_ARGS", ""))
    except ValueError:  # with a quote that does not end it does not start
        return []


def _variable(server: str, flags: t.Sequence[str]) -> str:
    return f"{server}_{flags[-1].lstrip('-')}".upper().replace("-", "_")


def in_force(config: t.Mapping[str, t.Any], read: Settings) -> Settings:
    """As Gunicorn itself tells it over its control socket, wherever it was set. `read`: what it was told, for what it does not say."""
    given = config.get("worker_class")
    values: dict[str, t.Any] = {name: _whole(config.get(name)) for name in _NUMBERS}
    values["worker_class"] = given.strip("<>' ").rpartition("class '")[2] if isinstance(given, str) else None
    untold = [name for name in ("workers", "threads", "timeout") if values[name] is None]
    # more than one thread is of one kind of worker
    untold += [] if values["worker_class"] or (values["threads"] or 1) > 1 else ["worker_class"]
    for name in untold:
        values[name] = getattr(read, name)
    open_names = {name for name in untold if read.unread and values[name] is None}
    return _settled("gunicorn", {**values, "statsd_host": read.statsd}, NOT_TOLD if open_names else None, open_names)


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
        plain = _plain(statement)
        for name in _set_by(statement):
            if plain is not None:
                values[name] = plain.value
                computed.discard(name)
            else:
                values.pop(name, None)
                computed.add(name)
    return values, computed


def _plain(statement: ast.stmt) -> t.Optional[ast.Constant]:
    """The constant that a simple assignment assigns."""
    targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target] if isinstance(statement, ast.AnnAssign) else []
    value = statement.value if isinstance(statement, (ast.Assign, ast.AnnAssign)) else None
    return value if isinstance(value, ast.Constant) and all(isinstance(target, ast.Name) for target in targets) else None


def _set_by(statement: ast.stmt) -> set[str]:
    """Names of ours that a statement, or one inside of it, may set. What a function sets is its own."""
    names: set[str] = set()
    if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return names
    for node in ast.walk(statement):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.alias):
            names |= set(_FLAGS["gunicorn"]) if node.name == "*" else {node.asname or node.name}
    return names & set(_FLAGS["gunicorn"])


def _settled(server: str, values: t.Mapping[str, t.Any], unread: t.Optional[str], open_names: t.Collection[str]) -> Settings:
    """`open_names`: those whose value may stand where it was not read."""
    figures = {name: _whole(values.get(name)) for name in _NUMBERS}
    workers, threads = figures["workers"], figures["threads"]
    worker_class, model = _class(server, values, threads)
    if {"worker_class", "interface"} & set(open_names):
        worker_class, model = None, None
    elif worker_class == "sync" and "threads" in open_names:
        worker_class, model = None, None  # with threads it is another class
    if "workers" not in open_names and server != "daphne":
        workers = 1 if workers is None else workers
    sure = not {"workers", "backlog", "backpressure"} & set(open_names)
    connections = _backpressure(figures, workers) if server == "granian" and (sure or figures["backpressure"]) else None
    if model == THREADS and threads is None and sure and "threads" not in open_names:
        threads = max(1, connections // 2) if connections else 1
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
        connections,
    )


def _backpressure(figures: t.Mapping[str, t.Optional[int]], workers: t.Optional[int]) -> int:
    """What Granian makes of its other options."""
    return max(1, figures["backpressure"] or (figures["backlog"] or _GRANIAN_BACKLOG) // max(1, workers or 1))


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
