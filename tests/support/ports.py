# Copyright (c) 2026, the warroom.launch authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ports that misbehave, by service and kind, and one reading of a service in a process of its own."""

from __future__ import annotations

import contextlib
import json
import random
import socket
import ssl
import struct
import subprocess
import sys
import time
import typing as t

from . import replay
from .server import ROOT, free_port

#: Services by the protocol of their port.
PROTOCOLS = ("memcached", "uwsgi", "postgresql", "mysql", "redis", "amqp")
KINDS = ("hang", "drip", "reset", "refuse", "flood", "garbage", "greeted flood", "tls", "http")
FLOOD = 200 * 1024 * 1024

_START = b"\x00\x0a\x00\x0a\x00\x09" + struct.pack("!I", 0) + struct.pack("!I", 14) + b"PLAIN AMQPLAIN" + struct.pack("!I", 5) + b"en_US"
_MYSQL_HELLO = (
    b"\x0a8.0.36\0" + struct.pack("<I", 7) + b"saltsalt\0" + b"\xff\xf7\x2d\x02\x00\xff\xdf\x15" + b"\0" * 10
    + b"saltsaltsalt\0mysql_native_password\0"
)  # fmt: skip
#: What a real service says first (after the peer's first bytes, None: at once), and what then never ends.
_GREETINGS: dict[str, tuple[t.Sequence[bytes], bytes]] = {
    "memcached": (
        (b"STAT pid 7\r\nSTAT uptime 9\r\nSTAT version 1.6.18\r\nSTAT cmd_get 5\r\nEND\r\n",),
        b"STAT x yyyyyyyyyyyyyyyyyyyyy\r\n",
    ),
    "uwsgi": ((), b'{"id":1,"status":"idle","requests":3,"cores":[]},'),
    "postgresql": (
        (b"N", b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I"),
        b"T\0\0\0\x1a\0\x01x\0\0\0\0\0\0\0\0\0\0\x19\xff\xff\xff\xff\xff\xff\0\0" + b"D\0\0\x04\x0a\0\x01\0\0\x04\0" + b"x" * 1024,
    ),
    "mysql": ((b"\x07\0\0\x02\0\0\0\x02\0\0\0",), b"\x01\0\0\x01\x01" + b"\xff\xff\x0f\x02" + b"x" * 4096),
    "redis": ((b"+PONG\r\n", b"$1000000000\r\n"), b"x" * 4096),
    "amqp": ((b"\x01\0\0" + struct.pack("!I", len(_START)) + _START + b"\xce",), b"\x03\0\0\0\x01\0\0" + b"x" * 65536 + b"\xce"),
}
_FIRST = {"mysql": struct.pack("<I", len(_MYSQL_HELLO))[:3] + b"\0" + _MYSQL_HELLO, "uwsgi": b'{"version":"2.0.30","workers":['}


def _pour(conn: socket.socket, block: bytes) -> None:
    block *= max(1, 1_000_000 // len(block))
    sent = 0
    while sent < FLOOD:
        conn.sendall(block)
        sent += len(block)


def _greeted(protocol: str) -> replay.Answer:
    replies, endless = _GREETINGS[protocol]

    def answer(conn: socket.socket) -> None:
        conn.sendall(_FIRST.get(protocol, b""))
        for reply in replies:
            if not conn.recv(65536):
                return
            conn.sendall(reply)
        if protocol != "uwsgi" and not conn.recv(65536):
            return
        _pour(conn, endless)

    return answer


def _reset(conn: socket.socket) -> None:
    conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    conn.close()


def _tls(certificate: t.Any, key: t.Any) -> replay.Answer:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    def answer(conn: socket.socket) -> None:
        with contextlib.suppress(OSError), context.wrap_socket(conn, server_side=True) as wrapped:
            wrapped.recv(4096)

    return answer


def _drip(conn: socket.socket) -> None:
    while True:
        conn.sendall(b"x")
        time.sleep(0.2)


@contextlib.contextmanager
def misbehaving(protocol: str, kind: str, seed: int, certificate: tuple[t.Any, t.Any]) -> t.Iterator[int]:
    """A port of 127.0.0.1 where this protocol is expected, and something else happens."""
    if kind == "refuse":
        yield free_port()
        return
    noise = random.Random(seed).randbytes(65536)
    answers: dict[str, replay.Answer] = {
        "hang": replay.silent,
        "drip": _drip,
        "reset": _reset,
        "flood": lambda conn: _pour(conn, noise),
        "garbage": replay.sends(noise[:3000]),
        "greeted flood": _greeted(protocol),
        "tls": _tls(*certificate),
        "http": replay.sends(b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n<html>no</html>\r\n"),
    }
    with replay.peer(answers[kind]) as address:
        yield int(address.rpartition(":")[2])


def options_of(protocol: str, port: int) -> dict[str, t.Any]:
    """The options of an instance at that port."""
    if protocol in ("postgresql", "mysql"):
        return {"login_host": "127.0.0.1", "login_port": port, "login_user": "monitor", "login_password": "EXAMPLEPW"}
    if protocol == "memcached":
        return {"address": f"127.0.0.1:{port}"}
    if protocol == "uwsgi":
        return {"stats": f"127.0.0.1:{port}"}
    return {"broker_url": f"{protocol}://127.0.0.1:{port}/" + ("0" if protocol == "redis" else "")}


def service_of(protocol: str) -> str:
    return "celery" if protocol in ("redis", "amqp") else protocol


_READ = """
import json, sys, time
from ansible.module_utils import basic
from tests.support.memory import peak
from tests.support.tools import tools_with
from ansible_collections.warroom.launch.plugins.module_utils._collect.command import Commands
from ansible_collections.warroom.launch.plugins.module_utils._collect.options import _check
from ansible_collections.warroom.launch.plugins.module_utils._collect.run import gather
from ansible_collections.warroom.launch.plugins.module_utils._collectors import registry
wanted, window, timeout = json.loads(sys.argv[1])
basic._ANSIBLE_ARGS, basic._ANSIBLE_PROFILE = b'{"ANSIBLE_MODULE_ARGS": {}}', "legacy"
tools = tools_with(Commands(basic.AnsibleModule({})), timeout=timeout)
tools.secrets = {"EXAMPLEPW"}
jobs = [(registry.collector(service), _check(registry.collector(service), options)) for service, options in wanted]
begun = time.monotonic()
facts = gather(jobs, window, tools)
took = time.monotonic() - begun
print("\\nRESULT" + json.dumps({"facts": facts, "seconds": took, "peak": peak()}), flush=True)
import os
os._exit(0)
"""


def read(
    wanted: t.Sequence[tuple[str, dict[str, t.Any]]], window: float = 1.0, timeout: float = 2.0, path: t.Optional[str] = None
) -> dict[str, t.Any]:
    """{facts, seconds, peak}: the instances (service, options) gathered side by side in one process of its own."""
    argv = [sys.executable, "-c", _READ, json.dumps([wanted, window, timeout])]
    surroundings = {"PYTHONPATH": f"{ROOT / '.collections'}:{ROOT}", "PATH": path or "/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL": "C"}
    done = subprocess.run(argv, cwd=ROOT, env=surroundings, capture_output=True, text=True, timeout=window + 4 * timeout + 60, check=False)
    lines = [line[6:] for line in done.stdout.splitlines() if line.startswith("RESULT")]
    if not lines:
        raise AssertionError(f"no result (status {done.returncode}): {done.stdout[-500:]}{done.stderr[-1500:]}")
    result: dict[str, t.Any] = json.loads(lines[0])
    return result
