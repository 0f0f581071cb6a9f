# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a process is, from its name and command line: a service, and its part in it. Only these words leave the host."""

from __future__ import annotations

import os
import re
import typing as t

Kind = tuple[t.Optional[str], str]  # service or None, and what it is in words

#: Kernel's process names (cut at 15 characters) that say the service by themselves.
_BY_NAME: dict[str, str] = {
    "varnishd": "varnish", "cache-main": "varnish", "vinyld": "varnish",
    "uwsgi": "uwsgi", "uwsgi-core": "uwsgi", "uwsgi_python3": "uwsgi", "pyuwsgi": "uwsgi",
    "memcached": "memcached",
    "postgres": "postgresql", "postmaster": "postgresql",
    "mysqld": "mysql", "mariadbd": "mysql", "mysqld_safe": "mysql", "mariadbd-safe": "mysql",
    "redis-server": "redis", "valkey-server": "redis", "redis-sentinel": "redis", "valkey-sentinel": "redis",
    "keydb-server": "redis", "dragonfly": "redis",
    "nginx": "nginx", "nginx-debug": "nginx", "angie": "nginx", "haproxy": "haproxy", "apache2": "apache", "httpd": "apache",
    "pgbouncer": "pgbouncer", "celery": "celery", "celeryd": "celery", "gunicorn": "gunicorn", "gunicorn3": "gunicorn",
    "rabbitmq-server": "rabbitmq", "flower": "flower",
}  # fmt: skip

#: Programs that are identified by what they run.
_INTERPRETER = re.compile(r"^(?:python[\d.]*|pypy[\d.]*|uv|sh|bash|dash|\[?celeryd|gunicorn)")
_PYTHON = re.compile(r"^(?:python|pypy)")
_SCRIPTS: dict[str, str] = {
    "celery": "celery", "flower": "flower", "gunicorn": "gunicorn", "uwsgi": "uwsgi",
    "uvicorn": "uvicorn", "granian": "granian", "daphne": "daphne", "hypercorn": "hypercorn", "waitress-serve": "waitress",
    "fastapi": "uvicorn", "manage.py": "django", "django-admin": "django",
    "rabbitmq-server": "rabbitmq", "mysqld_safe": "mysql", "mariadbd-safe": "mysql",
}  # fmt: skip

#: Services whose processes run the application's own Python, whatever their program is called.
PYTHON_SERVICES = frozenset({"uwsgi", "celery", "gunicorn", "uvicorn", "granian", "daphne", "hypercorn", "waitress", "django", "flower"})

#: Services of many processes that share what their first one loaded: resident sizes count that many times.
SHARING = PYTHON_SERVICES | {"postgresql", "nginx", "apache"}

#: Services that make a host a server of the application itself.
APPLICATION = frozenset({"uwsgi", "gunicorn", "uvicorn", "granian", "daphne", "hypercorn", "waitress", "django", "celery"})

#: Services that exist to keep data in memory.
STORES = frozenset({"varnish", "memcached", "postgresql", "mysql", "redis"})

DATABASES = frozenset({"postgresql", "mysql"})

_TITLES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"^\[?celeryd: .*:MainProcess"), "celery main process"),
    (re.compile(r"^\[?celeryd: "), "celery worker"),
    (re.compile(r"^\[?celery beat"), "celery beat"),
    (re.compile(r"^gunicorn: master"), "gunicorn master"),
    (re.compile(r"^gunicorn: worker"), "gunicorn worker"),
    (re.compile(r"^(?:nginx|angie): (master|worker|cache manager|cache loader) process"), "nginx {0}"),
    (re.compile(r"^uWSGI (master|worker|http|router|spooler|emperor|cheaper|mule)", re.IGNORECASE), "uwsgi {0}"),
    (re.compile(r"^postgres: (?:[\w./-]+: )?(checkpointer|background writer|walwriter|wal writer|autovacuum launcher)"), "postgresql {0}"),
    (re.compile(r"^postgres: (?:[\w./-]+: )?(autovacuum worker|parallel worker|startup|archiver|walsender|walreceiver)"), "postgresql {0}"),
    (re.compile(r"^postgres: (?:[\w./-]+: )?(stats collector|logger|logical replication \w+|io worker)"), "postgresql {0}"),
    (re.compile(r"^postgres: "), "postgresql backend"),
)

# What a title begins with tells the service even where the name is another program's.
_TITLE_SERVICE = {"celery": "celery", "gunicorn": "gunicorn", "nginx": "nginx", "uwsgi": "uwsgi", "postgresql": "postgresql"}


def needs_arguments(name: str) -> bool:
    """Whether the name alone does not say what the process is."""
    return (
        name in _BY_NAME or name in _SCRIPTS or name == "beam.smp" or bool(_INTERPRETER.match(name)) or name.startswith(("uWSGI", "java"))
    )


def classify(name: str, argv: t.Sequence[str]) -> Kind:
    """(service, kind): ("celery", "celery worker"), (None, "python"), (None, the name)."""
    title = argv[0] if len(argv) == 1 or (argv and " " in argv[0]) else ""
    for pattern, words in _TITLES:
        found = pattern.match(title)
        if found:
            kind = words.format(*found.groups()).lower()
            return _TITLE_SERVICE[kind.split()[0]], kind
    service = _BY_NAME.get(name)
    if name == "beam.smp":
        service = "rabbitmq" if any("rabbit" in word for word in argv) else None
    elif service in (None, "celery", "gunicorn", "flower"):
        service, kind = _interpreted(name, argv)
        return service, kind
    return service, _part(service, name, argv)


def _part(service: t.Optional[str], name: str, argv: t.Sequence[str]) -> str:
    if service == "varnish":
        return "varnish cache" if name == "cache-main" else "varnish"
    if service == "uwsgi" and "--emperor" in argv:
        return "uwsgi emperor"
    return service or name


def _interpreted(name: str, argv: t.Sequence[str]) -> Kind:
    """A script: which one, and which of its sub-commands. Only words of our own are given back."""
    program, rest = program_of(argv)
    service = _SCRIPTS.get(program)
    if program == "fastapi" and not {"run", "dev"} & set(rest):
        service = None  # its other commands serve nothing
    if service is not None:
        return service, _subcommand(service, rest)
    by_name = _BY_NAME.get(name)
    if by_name:
        return by_name, by_name
    return None, "python" if _PYTHON.match(name) else name


_WITH_VALUE = ("-W", "-X", "-o")


def program_of(argv: t.Sequence[str]) -> tuple[str, t.Sequence[str]]:
    """(what an interpreter runs: a script's name or the module of -m, the words after it)."""
    place = 1
    while place < len(argv):
        word = argv[place]
        if word == "-m" and place + 1 < len(argv):
            return argv[place + 1].partition(".")[0], argv[place + 2 :]
        if word == "-c":
            return "", ()
        if not word.startswith("-"):
            base = os.path.basename(word)
            if base == "__main__.py":
                base = os.path.basename(os.path.dirname(word))
            return base, argv[place + 1 :]
        place += 2 if word in _WITH_VALUE else 1
    return "", ()


_CELERY_COMMANDS = ("worker", "beat", "flower", "events", "inspect", "control", "multi")


def _subcommand(service: str, rest: t.Sequence[str]) -> str:
    if service == "celery":
        return next((f"celery {word}" for word in rest if word in _CELERY_COMMANDS), "celery")
    if service == "django":
        return "django runserver" if "runserver" in rest else "django command"
    return service


def is_python(name: str, service: t.Optional[str], kind: str) -> bool:
    """Whether the process runs Python: by its program, or by hosting the application."""
    return kind == "python" or service in PYTHON_SERVICES or bool(_PYTHON.match(name))
