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
import tempfile
import typing as t

from tests.support import ports, replay
from tests.support.memcached import Memcached
from tests.support.rabbitmq import RabbitMQ
from tests.support.redis import Redis
from tests.support.server import Folder, self_signed
from tests.support.uwsgi_documents import core, document, worker

from . import restarts

NAME = "ports"
WINDOW, TIMEOUT, MOST_MEMORY = 1.0, 2.0, 150 * 1024 * 1024
#: Where floods run beside the others, so that what answers is not taken for silent on a busy machine.
PATIENCE = 10.0

#: What the sentence must say, by kind; where that differs, by subject and kind. "report this" is never right.
SENTENCES = {
    "hang": r"(?:did|does) not answer|no answer from|nothing received .* within|did not finish the TLS handshake",
    "drip": r"does not speak|no complete answer|only \d+ bytes|did not finish the TLS handshake",
    "reset": r"hangs up|reset by peer|closed without",
    "refuse": r"refused",
    "flood": r"does not speak|is not uWSGI|longer than",
    "garbage": r"does not speak|is not uWSGI|closed without a complete answer",
    "greeted flood": r"without end|does not end|longer than|frames that no broker sends",
    "greeted garbage": r"does not (?:speak|keep to|answer as)|is not (?:uWSGI|MySQL's protocol)|not uWSGI's stats|not complete JSON",
    "tls": r"speaks TLS",
    "http": r"speaks HTTP|HTTP seen|answer(?:s|ed)(?: HTTP)? 400",
    "plain": r"does not speak TLS|does not offer TLS|does not support SSL",
    "untrusted": r"certificate of .* is not trusted",
    "restart": r"restarted within the window",
    "tool hang": r"gave (?:no answer|nothing) within",
    "tool nothing": r"is not readable|no hold of|no requests in the log|no request ended within the window",
    "tool garbage": r"not complete JSON|none of the \d+ lines|without one whole line",
    "tool flood": r"prints more than|without one whole line",
    "tool flood of errors": r"prints more than|gave nothing within",
    "tool endless": r"prints more than|none of the \d+ lines",
    "tool crash": r"crashed \(signal 11\)",
}
#: A page that is fetched is judged by its headers: these are valid, and its first part is enough.
SPECIAL = {
    ("probe", "greeted flood"): "neither X-Varnish nor Age",
    ("probe", "greeted garbage"): "neither X-Varnish nor Age",
    ("probe", "http"): "neither X-Varnish nor Age",
    ("management", "greeted garbage"): "is not a list of queues",
    ("flower", "greeted garbage"): "does not hold its metrics",
    ("amqp", "greeted flood"): "does not speak",  # its frames are of no open channel
    ("nginx", "greeted garbage"): "is no stub_status page",
    ("haproxy by its page", "greeted garbage"): "is no statistics of HAProxy",
    ("haproxy", "greeted garbage"): "does not end",  # HAProxy hangs up after an answer, this one does not
    ("redis", "greeted garbage"): "hangs up",  # in the middle of a line
}
#: It gives statistics to every first question, and garbage to the second: it is up, and what that connection asked for is unknown.
ANSWERS_ONCE = ("memcached", "greeted garbage")


class Row(t.NamedTuple):
    name: str
    passed: bool
    said: str


def cases() -> list[str]:
    """The names of all rows."""
    table = [f"{name}: {kind}" for name, subject in ports.SUBJECTS.items() for kind in subject.kinds]
    table += [f"{name}: sixteen floods" for name, subject in ports.SUBJECTS.items() if not subject.encrypted and subject.note is None]
    table += [f"{protocol}: restart" for protocol in restarts.SERVERS]
    return table + [f"{service}: tool {kind}" for service in ("varnish", "varnish_traffic") for kind in TOOLS]


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
        self._rabbitmq: t.Optional[RabbitMQ] = None

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
        self.redis = redis.url
        holder = self._stack.enter_context(Folder())
        self.certificate = self_signed(holder)
        return self

    def options(self, options: dict[str, t.Any]) -> dict[str, t.Any]:
        """With the broker that is well. RabbitMQ is started when it is wanted first: that takes long."""
        wanted = options.get("broker_url")
        if wanted == "HEALTHY redis":
            return {**options, "broker_url": self.redis}
        if wanted == "HEALTHY amqp":
            if self._rabbitmq is None:
                self._rabbitmq = self._stack.enter_context(RabbitMQ())
            return {**options, "broker_url": self._rabbitmq.url}
        return options

    def __exit__(self, *exc: t.Any) -> None:
        self._stack.close()


def row(name: str, seed: int, neighbours: Neighbours) -> Row:
    """One row: what was wrong with it, or the sentence."""
    subject, _colon, kind = name.partition(": ")
    try:
        if kind == "restart":
            result = restarts.read(subject, TIMEOUT)
            bad = _named(result, "bad")
        elif kind.startswith("tool "):
            result, bad = _with_tool(subject, TOOLS[kind[5:]], neighbours)
        else:
            result, bad = _with_ports(subject, kind, seed, neighbours)
    except Exception as error:  # what the table is for
        return Row(name, False, f"{type(error).__name__}: {error}"[:200])
    return _judged(name, result, bad)


def together(names: t.Sequence[str], seed: int, neighbours: Neighbours) -> list[Row]:
    """Rows of ports, read side by side in one process. How long that takes is the machine's matter, and is not judged."""
    wanted = []
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(_tools("exit 0"))
        for number, name in enumerate(names):
            subject, kind = ports.SUBJECTS[name.partition(": ")[0]], name.partition(": ")[2]
            port = stack.enter_context(ports.misbehaving(subject.protocol, kind, seed, neighbours.certificate))
            wanted.append((subject.service, {**neighbours.options(subject.options(port)), "name": f"bad{number}"}))
        result = ports.read([*wanted, *neighbours.healthy], WINDOW, PATIENCE, f"{folder}:/usr/bin:/bin")
    result["seconds"] = 0.0
    return [_judged(name, result, [_instance(result, f"bad{number}")]) for number, name in enumerate(names)]


def _instance(result: dict[str, t.Any], name: str) -> dict[str, t.Any]:
    return next(one for one in _named(result, "bad") if one["name"] == name)


def _judged(name: str, result: dict[str, t.Any], bad: list[dict[str, t.Any]]) -> Row:
    subject, _colon, kind = name.partition(": ")
    said = _sentences(bad[0], ports.SUBJECTS[subject].note if subject in ports.SUBJECTS and kind != "restart" else None)
    wrong = _wrong(subject, kind, result, bad, said)
    text = "; ".join(said) or "up"
    return Row(name, not wrong, f"{'; '.join(wrong)} | {text}"[:400] if wrong else text[:160])


def _sentences(instance: dict[str, t.Any], source: t.Optional[str]) -> list[str]:
    """What is said of the port: the instance's problem, what is noted of a further source, or all notes."""
    if source == "probes":
        probes = instance["probes"] or [{"problem": instance["unknown"].get("probes")}]
        return [str(probe["problem"]) for probe in probes]
    if source is not None:
        return [note for note in instance["notes"] if note.startswith(f"{source}: ")]
    return [instance["problem"]] if instance["problem"] else list(instance["notes"])


def _with_ports(name: str, kind: str, seed: int, neighbours: Neighbours) -> tuple[dict[str, t.Any], list[dict[str, t.Any]]]:
    count, kind = (16, "flood") if kind == "sixteen floods" else (1, kind)
    subject = ports.SUBJECTS[name]
    with ports.misbehaving(subject.protocol, kind, seed, neighbours.certificate) as port, _tools("exit 0") as folder:
        options = neighbours.options(subject.options(port))
        bad = [(subject.service, {**options, "name": f"bad{number}"}) for number in range(count)]
        result = ports.read([*bad, *neighbours.healthy], WINDOW, TIMEOUT, f"{folder}:/usr/bin:/bin")
    return result, _named(result, "bad")


@contextlib.contextmanager
def _tools(script: str) -> t.Iterator[str]:
    """A folder with Varnish's tools, which run this."""
    with tempfile.TemporaryDirectory() as folder:
        for tool in ("varnishstat", "varnishadm", "varnishncsa"):
            path = pathlib.Path(folder, tool)
            path.write_text(f"#!/bin/sh\n{script}\n")
            path.chmod(path.stat().st_mode | stat.S_IXUSR)
        yield folder


def _with_tool(service: str, script: str, neighbours: Neighbours) -> tuple[dict[str, t.Any], list[dict[str, t.Any]]]:
    with _tools(script) as folder:
        result = ports.read([(service, {"name": "bad"}), *neighbours.healthy], WINDOW, TIMEOUT, f"{folder}:/usr/bin:/bin")
    return result, _named(result, "bad")


def _named(result: dict[str, t.Any], begin: str) -> list[dict[str, t.Any]]:
    return [one for fact in result["facts"].values() for one in fact["instances"] if one["name"].startswith(begin)]


def _wrong(subject: str, kind: str, result: dict[str, t.Any], bad: list[dict[str, t.Any]], said: list[str]) -> list[str]:
    wrong = []
    limit = (restarts.WINDOW if kind == "restart" else WINDOW) + 4 * TIMEOUT + 1
    if result["seconds"] > limit + 0.5:
        wrong.append(f"took {result['seconds']:.1f} s of {limit:g}")
    if result["peak"] > MOST_MEMORY:
        wrong.append(f"took {result['peak'] >> 20} MB")
    wrong += [f"a healthy {one['name']} is {one['state']}: {one['problem']}" for one in _named(result, "healthy") if one["state"] != "up"]
    if (subject, kind) == ANSWERS_ONCE and [one["state"] for one in bad] == ["up"]:
        return wrong
    if len(said) != 1 or not re.search(_pattern(subject, kind), said[0], re.IGNORECASE):
        wrong.append("the sentence does not say what happened" if len(said) == 1 else f"{len(said)} sentences in place of one")
    if "report this" in str(said) or "EXAMPLE" in json.dumps(result["facts"]):
        wrong.append("an internal error or a secret is shown")
    if kind == "restart":
        return wrong + [what for one in bad for what in _wrong_after_restart(one)]
    expected_up = subject in ports.SUBJECTS and ports.SUBJECTS[subject].note is not None
    if not kind.startswith("tool") and any((one["state"] == "up") != expected_up for one in bad):
        wrong.append("it is said to be up" if not expected_up else f"it is said to be {bad[0]['state']}: {bad[0]['problem']}")
    return wrong


def _pattern(subject: str, kind: str) -> str:
    return SPECIAL.get((subject, kind)) or SENTENCES["flood" if kind == "sixteen floods" else kind]


def _wrong_after_restart(instance: dict[str, t.Any]) -> t.Iterator[str]:
    """It is measured: what it counted since its start is known, what is compared over the window is not."""
    if instance["state"] != "up":
        yield f"it is {instance['state']}"
    if not any("restarted within the window" in reason for reason in instance["unknown"].values()):
        yield "no measure is unknown for the restart"


def rows(names: t.Sequence[str], seed: int) -> t.Iterator[Row]:
    """The rows of these names, one after the other."""
    with Neighbours() as neighbours:
        yield from map(functools.partial(row, seed=seed, neighbours=neighbours), names)
