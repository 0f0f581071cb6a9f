# Copyright (c) 2026, the warroom.launch authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every protocol with every kind of misbehaving port: in time, in memory, healthy neighbours unharmed, one true sentence each."""

from __future__ import annotations

import contextlib
import functools
import json
import pathlib
import re
import stat
import subprocess
import tempfile
import threading
import time
import typing as t

from tests.support import ports, replay
from tests.support.memcached import Memcached
from tests.support.mysql import MariaDB
from tests.support.postgresql import Postgres
from tests.support.redis import Redis
from tests.support.server import Server, self_signed
from tests.support.uwsgi_documents import core, document, worker

NAME = "ports"
WINDOW, TIMEOUT, MOST_MEMORY = 1.0, 2.0, 150 * 1024 * 1024
#: Long enough for a server to be killed and started within it, also where everything is slow.
RESTART_WINDOW = 14.0

#: What the sentence must say, by kind; whatever the protocol. "report this" is never right.
SENTENCES = {
    "hang": r"did not answer|does not answer|no (?:complete )?answer|nothing received|hangs",
    "drip": r"does not speak|no complete answer|only \d+ bytes|did not answer|not memcached|nothing",
    "reset": r"hangs up|closed|nothing received|reset|refused|connection",
    "refuse": r"refused",
    "flood": r"does not speak|longer than|is not uWSGI|not complete JSON|sends more|not memcached|no memcached|hangs up",
    "garbage": r"does not speak|not complete JSON|is not uWSGI|not memcached|no memcached|closed without|nothing received|hangs up",
    "greeted flood": r".",
    "tls": r"TLS|does not speak|does not answer|not complete JSON|hangs up|closed|nothing received|did not answer|no (?:complete )?answer",
    "http": r"does not speak|HTTP|hangs up",
    "restart": r"restart",
    "tool": r".",
}


#: Real servers that are restarted within the window.
SERVERS: dict[str, t.Any] = {"memcached": Memcached, "redis": Redis, "postgresql": Postgres, "mysql": MariaDB}


class Row(t.NamedTuple):
    name: str
    passed: bool
    said: str


def cases() -> list[str]:
    """The names of all rows."""
    table = [f"{protocol}: {kind}" for protocol in ports.PROTOCOLS for kind in ports.KINDS]
    table += [f"{protocol}: restart" for protocol in ("uwsgi", *SERVERS)]
    table += [f"{service}: tool {kind}" for service in ("varnish", "varnish_traffic") for kind in TOOLS]
    return table + [f"{protocol}: sixteen floods" for protocol in ports.PROTOCOLS]


TOOLS = {
    "hang": "sleep 60",
    "nothing": "exit 0",
    "garbage": "head -c 3000 /dev/urandom",
    "flood": "head -c 300000000 /dev/zero | tr '\\0' x",
    "flood of errors": "head -c 300000000 /dev/zero | tr '\\0' x >&2",
    "endless": "exec yes '{'",
    "crash": "kill -SEGV $$",
}


class Neighbours:
    """A healthy memcached, Redis and uWSGI, started once, and a certificate."""

    def __init__(self) -> None:
        self._stack = contextlib.ExitStack()
        self._memcached: t.Optional[Memcached] = None

    def __enter__(self) -> Neighbours:
        memcached = self._stack.enter_context(Memcached())
        redis = self._stack.enter_context(Redis())
        body = json.dumps(document(worker(1, "idle", [core()]))).encode()
        uwsgi = self._stack.enter_context(replay.peer(replay.sends(body)))
        self.healthy = [
            ("memcached", {"address": memcached.address, "name": "healthy"}),
            ("celery", {"broker_url": redis.url, "name": "healthy"}),
            ("uwsgi", {"stats": uwsgi, "name": "healthy"}),
        ]
        holder = self._stack.enter_context(_Folder())
        self.certificate = self_signed(holder)
        return self

    def __exit__(self, *exc: t.Any) -> None:
        self._stack.close()


class _Folder(Server):
    """Only a place for a certificate."""

    unprivileged = False

    def __enter__(self) -> _Folder:  # type: ignore[override]
        return self


def row(name: str, seed: int, neighbours: Neighbours) -> Row:
    """One row: what was wrong with it, or the sentence."""
    subject, _colon, kind = name.partition(": ")
    try:
        if kind == "restart":
            result, bad = _restarted(subject)
        elif kind.startswith("tool "):
            result, bad = _with_tool(subject, TOOLS[kind[5:]], neighbours)
        else:
            result, bad = _with_ports(subject, kind, seed, neighbours)
    except Exception as error:  # what the table is for
        return Row(name, False, f"{type(error).__name__}: {error}"[:200])
    said = bad[0]["problem"] or "; ".join(bad[0]["notes"]) or "up"
    wrong = _wrong(kind, result, bad, said)
    return Row(name, not wrong, f"{'; '.join(wrong)} | {said}"[:300] if wrong else said[:160])


def _with_ports(protocol: str, kind: str, seed: int, neighbours: Neighbours) -> tuple[dict[str, t.Any], list[dict[str, t.Any]]]:
    count, kind = (16, "flood") if kind == "sixteen floods" else (1, kind)
    service = ports.service_of(protocol)
    with ports.misbehaving(protocol, kind, seed, neighbours.certificate) as port:
        bad = [(service, {**ports.options_of(protocol, port), "name": f"bad{number}"}) for number in range(count)]
        result = ports.read([*bad, *neighbours.healthy], WINDOW, TIMEOUT)
    return result, _named(result, "bad")


def _with_tool(service: str, script: str, neighbours: Neighbours) -> tuple[dict[str, t.Any], list[dict[str, t.Any]]]:
    with tempfile.TemporaryDirectory() as folder:
        for tool in ("varnishstat", "varnishadm", "varnishncsa"):
            path = pathlib.Path(folder, tool)
            path.write_text(f"#!/bin/sh\n{script}\n")
            path.chmod(path.stat().st_mode | stat.S_IXUSR)
        result = ports.read([(service, {"name": "bad"}), *neighbours.healthy], WINDOW, TIMEOUT, f"{folder}:/usr/bin:/bin")
    return result, _named(result, "bad")


def _restarted(protocol: str) -> tuple[dict[str, t.Any], list[dict[str, t.Any]]]:
    """A server that is killed and started again while the window passes."""
    if protocol == "uwsgi":
        pids = iter(range(100, 10_000, 7))
        changing = [0.0, 0]

        def answer(conn: t.Any) -> None:
            if time.monotonic() - (changing[0] or time.monotonic()) > 1.0 and not changing[1]:
                changing[1] = next(pids)
            changing[0] = changing[0] or time.monotonic()
            conn.sendall(json.dumps({**document(worker(1, "idle", [core()])), "pid": 100 + changing[1]}).encode())

        with replay.peer(answer) as address:
            result = ports.read([("uwsgi", {"stats": address, "name": "bad"})], 3.0, TIMEOUT)
        return result, _named(result, "bad")
    server: t.Any = SERVERS[protocol]()
    with server:
        options = {
            "memcached": lambda: {"address": server.address},
            "redis": lambda: {"broker_url": server.url},
            "postgresql": lambda: server.place,
            "mysql": lambda: {"login_unix_socket": server.socket, "login_user": "root"},
        }[protocol]()

        def restart() -> None:
            time.sleep(7.0)
            server.process.kill()
            server.process.wait()
            silent = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            command = [str(word) for word in server.argv()]
            server.process = subprocess.Popen(command, cwd=server.dir, user=server.user, start_new_session=True, **silent)

        thread = threading.Thread(target=restart)
        thread.start()
        result = ports.read([(ports.service_of(protocol), {**options, "name": "bad"})], RESTART_WINDOW, TIMEOUT)
        thread.join()
    return result, _named(result, "bad")


def _named(result: dict[str, t.Any], begin: str) -> list[dict[str, t.Any]]:
    return [one for fact in result["facts"].values() for one in fact["instances"] if one["name"].startswith(begin)]


def _wrong(kind: str, result: dict[str, t.Any], bad: list[dict[str, t.Any]], said: str) -> list[str]:
    wrong = []
    limit = (RESTART_WINDOW if kind == "restart" else WINDOW) + 4 * TIMEOUT + 1
    if result["seconds"] > limit + 0.5:
        wrong.append(f"took {result['seconds']:.1f} s of {limit:g}")
    if result["peak"] > MOST_MEMORY:
        wrong.append(f"took {result['peak'] >> 20} MB")
    wrong += [f"a healthy {one['name']} is {one['state']}: {one['problem']}" for one in _named(result, "healthy") if one["state"] != "up"]
    pattern = SENTENCES[kind if kind in SENTENCES else "flood" if kind == "sixteen floods" else "tool"]
    if not re.search(pattern, said, re.IGNORECASE):
        wrong.append("the sentence does not say what happened")
    if "report this" in said or "EXAMPLE" in json.dumps(result["facts"]):
        wrong.append("an internal error or a secret is shown")
    if kind not in ("restart", "greeted flood") and not kind.startswith("tool") and any(one["state"] == "up" for one in bad):
        wrong.append("it is said to be up")
    return wrong


def rows(names: t.Sequence[str], seed: int) -> t.Iterator[Row]:
    """The rows of these names, one after the other."""
    with Neighbours() as neighbours:
        yield from map(functools.partial(row, seed=seed, neighbours=neighbours), names)
