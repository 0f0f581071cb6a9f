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

FLOOD = 200 * 1024 * 1024

_START = b"\x00\x0a\x00\x0a\x00\x09" + struct.pack("!I", 0) + struct.pack("!I", 14) + b"PLAIN AMQPLAIN" + struct.pack("!I", 5) + b"en_US"
_MYSQL_HELLO = (
    b"\x0a8.0.36\0" + struct.pack("<I", 7) + b"saltsalt\0" + b"\xff\xf7\x2d\x02\x00\xff\xdf\x15" + b"\0" * 10
    + b"saltsaltsalt\0mysql_native_password\0"
)  # fmt: skip
_HTTP_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n"


def _packet(number: int, body: bytes) -> bytes:
    """A packet of MySQL; its number counts from 0 to 255 and begins anew."""
    return struct.pack("<I", len(body))[:3] + bytes([number % 256]) + body


_MYSQL_OK = b"\0\0\0\x02\0\0\0"
_MYSQL_COLUMN = b"\x03def\0\0\0\x01x\0\x0c\x3f\0\xff\xff\0\0\xfd\0\0\0\0\0"
_MYSQL_COLUMNS = _packet(1, b"\x01") + _packet(2, _MYSQL_COLUMN) + _packet(3, b"\xfe\0\0\x02\0")
_MYSQL_ROW = b"\xfc" + struct.pack("<H", 4000) + b"x" * 4000
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
    "mysql": (
        (_packet(2, _MYSQL_OK), _packet(1, _MYSQL_OK), _MYSQL_COLUMNS),  # the login, SET NAMES, and the first statement
        b"".join(_packet(4 + row, _MYSQL_ROW) for row in range(256)),
    ),
    "redis": ((b"+PONG\r\n",), b"$100000000\r\n" + b"x" * 10**8 + b"\r\n"),
    "haproxy": ((b"1.Version.1:POS:str:2.6.12\n",), b"9.Uptime_sec.1:MDP:u32:7\n"),
    "web": ((_HTTP_HEAD,), b"x" * 4096),
    "amqp": ((b"\x01\0\0" + struct.pack("!I", len(_START)) + _START + b"\xce",), b"\x03\0\0\0\x01\0\0" + b"x" * 65536 + b"\xce"),
}
_FIRST = {"mysql": _packet(0, _MYSQL_HELLO), "uwsgi": b'{"version":"2.0.30","workers":['}


class Subject(t.NamedTuple):
    """Something that connects: the service, its options at a port, and what is spoken there.

    `note`: the sentence is not the instance's problem, as the port is a further source of a service that is up.
    """

    service: str
    protocol: str
    options: t.Callable[[int], dict[str, t.Any]]
    encrypted: bool = False
    note: t.Optional[str] = None

    @property
    def kinds(self) -> tuple[str, ...]:
        if not self.encrypted:
            return PLAIN_KINDS
        return tuple(kind for kind in ENCRYPTED_KINDS if kind != "untrusted" or self.protocol not in ("postgresql", "mysql"))


PLAIN_KINDS = ("hang", "drip", "reset", "refuse", "flood", "garbage", "greeted flood", "greeted garbage", "tls", "http")
ENCRYPTED_KINDS = ("hang", "drip", "reset", "refuse", "flood", "garbage", "plain", "untrusted")
#: Any file of certificates: the handshake fails before one is looked at.
_AUTHORITIES = ssl.get_default_verify_paths().cafile or "/etc/ssl/certs/ca-certificates.crt"
_LOGIN = {"login_host": "127.0.0.1", "login_user": "monitor", "login_password": "EXAMPLEPW"}
_PROBE = {"probe_urls": ["http://shop.example.com/"]}

#: By name. `HEALTHY` in an option is the URL of a broker that is well, of the family that it names.
SUBJECTS = {
    "memcached": Subject("memcached", "memcached", lambda port: {"address": f"127.0.0.1:{port}"}),
    "uwsgi": Subject("uwsgi", "uwsgi", lambda port: {"stats": f"127.0.0.1:{port}"}),
    "nginx": Subject("nginx", "web", lambda port: {"status_url": f"http://127.0.0.1:{port}/nginx_status"}),
    "nginx over tls": Subject("nginx", "web", lambda port: {"status_url": f"https://127.0.0.1:{port}/nginx_status"}, True),
    "haproxy": Subject("haproxy", "haproxy", lambda port: {"socket": f"127.0.0.1:{port}"}),
    "haproxy by its page": Subject("haproxy", "web", lambda port: {"stats_url": f"http://127.0.0.1:{port}/stats"}),
    "haproxy by its page over tls": Subject("haproxy", "web", lambda port: {"stats_url": f"https://127.0.0.1:{port}/stats"}, True),
    "uwsgi over http": Subject("uwsgi", "web", lambda port: {"stats": f"http://127.0.0.1:{port}"}),
    "postgresql": Subject("postgresql", "postgresql", lambda port: {**_LOGIN, "login_port": port}),
    "mysql": Subject("mysql", "mysql", lambda port: {**_LOGIN, "login_port": port}),
    "redis": Subject("celery", "redis", lambda port: {"broker_url": f"redis://127.0.0.1:{port}/0"}),
    "amqp": Subject("celery", "amqp", lambda port: {"broker_url": f"amqp://127.0.0.1:{port}/"}),
    "flower": Subject(
        "celery", "web", lambda port: {"broker_url": "HEALTHY redis", "flower_url": f"http://127.0.0.1:{port}"}, note="flower"
    ),
    "management": Subject(
        "celery", "web", lambda port: {"broker_url": "HEALTHY amqp", "management_url": f"http://127.0.0.1:{port}"}, note="management"
    ),
    "probe": Subject("varnish_traffic", "web", lambda port: {**_PROBE, "address": f"127.0.0.1:{port}"}, note="probes"),
    "memcached over tls": Subject("memcached", "memcached", lambda port: {"address": f"127.0.0.1:{port}", "tls": True}, True),
    "postgresql over tls": Subject("postgresql", "postgresql", lambda port: {**_LOGIN, "login_port": port, "ssl_mode": "require"}, True),
    "mysql over tls": Subject("mysql", "mysql", lambda port: {**_LOGIN, "login_port": port, "ca_cert": _AUTHORITIES}, True),
    "redis itself": Subject("redis", "redis", lambda port: {"address": f"127.0.0.1:{port}"}),
    "redis itself over tls": Subject("redis", "redis", lambda port: {"address": f"127.0.0.1:{port}", "tls": True}, True),
    "redis over tls": Subject("celery", "redis", lambda port: {"broker_url": f"rediss://127.0.0.1:{port}/0?ssl_cert_reqs=required"}, True),
    "amqp over tls": Subject(
        "celery",
        "amqp",
        lambda port: {
            "broker_url": f"amqps://127.0.0.1:{port}/",
            # without it the library checks no certificate
            "broker_use_ssl": {"cert_reqs": "required", "ca_certs": _AUTHORITIES},
        },
        True,
    ),
    "flower over tls": Subject(
        "celery", "web", lambda port: {"broker_url": "HEALTHY redis", "flower_url": f"https://127.0.0.1:{port}"}, True, "flower"
    ),
    "management over tls": Subject(
        "celery", "web", lambda port: {"broker_url": "HEALTHY amqp", "management_url": f"https://127.0.0.1:{port}"}, True, "management"
    ),
}
#: What a server without TLS answers to a request for it.
_PLAIN: dict[str, bytes] = {
    "memcached": b"ERROR\r\n",
    "postgresql": b"N",
    "mysql": _FIRST["mysql"],
    "redis": b"-ERR Protocol error\r\n",
    "amqp": b"AMQP\0\0\x09\x01",
    "web": b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
}


def _pour(conn: socket.socket, block: bytes) -> None:
    block *= max(1, 1_000_000 // len(block))
    sent = 0
    while sent < FLOOD:
        conn.sendall(block)
        sent += len(block)


def _greeted(protocol: str, then: t.Callable[[socket.socket, bytes], None]) -> replay.Answer:
    """A valid beginning, and `then` what is given what this protocol would never end with."""
    replies, endless = _GREETINGS[protocol]

    def answer(conn: socket.socket) -> None:
        conn.sendall(_FIRST.get(protocol, b""))
        for reply in replies:
            if not conn.recv(65536):
                return
            conn.sendall(reply)
        if protocol not in ("uwsgi", "web", "mysql") and not conn.recv(65536):
            return
        then(conn, endless)

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


def _plain(protocol: str) -> replay.Answer:
    """A server without TLS: it speaks first, or answers the first bytes of a handshake."""

    def answer(conn: socket.socket) -> None:
        if protocol == "mysql" or conn.recv(65536):
            conn.sendall(_PLAIN[protocol])

    return answer


@contextlib.contextmanager
def misbehaving(protocol: str, kind: str, seed: int, certificate: tuple[t.Any, t.Any]) -> t.Iterator[int]:
    """A port of 127.0.0.1 where this protocol is expected, and something else happens."""
    if kind == "refuse":
        yield free_port()
        return
    noise = random.Random(seed).randbytes(65536)
    answers: dict[str, t.Callable[[], replay.Answer]] = {
        "hang": lambda: replay.silent,
        "drip": lambda: _drip,
        "reset": lambda: _reset,
        "flood": lambda: lambda conn: _pour(conn, noise),
        "garbage": lambda: replay.sends(noise[:3000]),
        "greeted flood": lambda: _greeted(protocol, _pour),
        "greeted garbage": lambda: _greeted(protocol, lambda conn, _endless: conn.sendall(noise[:3000])),
        "tls": lambda: _tls(*certificate),
        "untrusted": lambda: _tls(*certificate),
        "plain": lambda: _plain(protocol),
        "http": lambda: replay.sends(
            b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n<html>no</html>\r\n"
        ),
    }
    with replay.peer(answers[kind]()) as address:
        yield int(address.rpartition(":")[2])


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
tools._processes, tools.secrets = None, {"EXAMPLEPW"}
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
