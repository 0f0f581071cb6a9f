# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fetch: a session with Redis or Valkey that only reads. No KEYS, no SCAN; what grows with the clients is read while they are few."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import time
import typing as t

from ..._collect import resp, stream, tls
from ..._collect.problem import Problem
from ..._texts.plain import text
from . import parse, uses
from .samples import Sample

DEFAULT_PORT = 6379
#: With more clients than this their list would cost the server more than it tells.
MOST_CLIENTS = 500
#: Entries of the slow log that are read, and names of keys in each of so many databases.
SLOW_ENTRIES, KEYS, DATABASES = 32, 12, 4
SETTINGS = ("maxmemory-policy", "maxclients", "slowlog-log-slower-than", "latency-monitor-threshold", "save", "stop-writes-on-bgsave-error")
_IF_TLS = "set the option tls"
_PLAIN_NAME = re.compile(r"[\w.@+-]{1,64}", re.ASCII)
#: What reading needs, for the line that allows it. Keys are named so that EXISTS of a broker's own is allowed, and none can be read.
_NEEDS = (
    "+ping +info +config|get +slowlog|get +latency|latest +client|list +cluster|info +select +randomkey +exists ~_kombu.binding* ~unacked*"
)

Word = t.Union[str, int]


class Session:
    """One connection, logged in where that is needed."""

    def __init__(self, options: t.Mapping[str, t.Any], seconds: float) -> None:
        self.address = stream.parse_address(options["address"], DEFAULT_PORT)
        self.seconds = seconds
        self._user, self._password = options.get("login_user") or "", options.get("login_password")
        self.asked = 0
        begun = time.perf_counter()
        self.conn = stream.connect(self.address, seconds)
        self.connect_seconds = time.perf_counter() - begun
        try:
            if self.conn.family != socket.AF_UNIX:
                self.conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if options.get("tls"):
                self.conn = _wrapped(self.conn, self.address, options)
            resp.greet(self.conn, self.address, seconds, self.shown, "Redis", _IF_TLS)
            self._log_in()
        except BaseException:
            self.close()
            raise

    @property
    def shown(self) -> str:
        return stream.shown(self.address)

    def ask(self, *commands: t.Sequence[Word]) -> list[t.Any]:
        """The replies of a pipeline; a Refusal in place of one that the server does not give."""
        self.asked += len(commands)
        replies = resp.Pipeline(commands).run(self.conn, self.address, self.seconds, self.shown)
        codes = {reply.code for reply in replies if isinstance(reply, resp.Refusal)}
        for code in codes:
            resp.refuse(code, self.shown)
        if "NOAUTH" in codes:
            raise Problem(f"{self.shown} wants a login: give the options login_password, and login_user where it is not the default user")
        return replies

    def _log_in(self) -> None:
        """A server without a password refuses one (ERR); that it lets us in all the same is found out by the first command."""
        if self._password is None:
            return
        words = ["AUTH", *([self._user] if self._user else []), str(self._password)]
        (reply,) = resp.Pipeline([words]).run(self.conn, self.address, self.seconds, self.shown)
        if isinstance(reply, resp.Refusal) and reply.code != "ERR":
            raise Problem(f"{self.shown} refuses the login: check login_user and login_password")

    def why_refused(self, command: str, refusal: resp.Refusal) -> str:
        """Why a part of the reading is missing, with the line that mends it."""
        if refusal.code == "NOPERM":
            return f"this user may not run {command}: ACL SETUSER {self.user} {_NEEDS}"
        if refusal.code == "ERR":
            return (
                f"this server does not know {command} (its version, or a renamed command); a managed service shows it in its console"
                " (the parameter group of ElastiCache, the configuration of others)"
            )
        return f"{command} was refused ({refusal.code})"

    @property
    def user(self) -> str:
        name = self._user or "default"
        return name if _PLAIN_NAME.fullmatch(name) else "USER"

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.conn.close()


def _wrapped(conn: socket.socket, address: stream.Address, options: t.Mapping[str, t.Any]) -> socket.socket:
    context = tls.trusted(options.get("ca_cert") or None)
    if not options.get("validate_certs", True):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif isinstance(address, str):
        context.check_hostname = False  # the path of a UNIX socket is no name in a certificate
    return tls.wrapped(
        conn, address, context, "give its authority in ca_cert, or set validate_certs to false", "set the option tls to false"
    )


def sample(session: Session, whole: bool) -> Sample:
    """One reading. `whole`: also what is read once, at the end of the window."""
    result = Sample(_info(session))
    result.own_commands = session.asked
    if not result.is_sentinel:
        _counters(session, result, SLOW_ENTRIES if whole else 1)
        if whole:
            _once(session, result)
    return result


def _info(session: Session) -> dict[str, str]:
    (reply,) = session.ask(["INFO"])
    if isinstance(reply, resp.Refusal):
        raise Problem(f"{session.shown} does not report its state: {session.why_refused('INFO', reply)}")
    found = parse.info(reply)
    if "redis_version" not in found and "valkey_version" not in found:
        raise Problem(f"what answers at {session.shown} does not answer as Redis does: is it another service's port?")
    return found


def _counters(session: Session, into: Sample, entries: int) -> None:
    commands, errors, slow = session.ask(["INFO", "commandstats"], ["INFO", "errorstats"], ["SLOWLOG", "GET", entries])
    told = parse.prefixed(parse.info(_kept(session, into, "INFO commandstats", commands)), "cmdstat_")
    # commands of modules are told as they were registered, FT.SEARCH for example
    into.commands = {name.lower(): values for name, values in told.items()}
    into.info.update(parse.info(_kept(session, into, "INFO errorstats", errors)))
    entries_read = _kept(session, into, "SLOWLOG GET", slow)
    into.slow = None if entries_read is None else parse.slow_log(entries_read)


def _kept(session: Session, into: Sample, command: str, reply: t.Any) -> t.Any:
    """The reply; None, and the reason beside it, when it was refused."""
    if isinstance(reply, resp.Refusal):
        into.refused[command] = session.why_refused(command, reply)
        return None
    return reply


def _once(session: Session, into: Sample) -> None:
    *settings, events = session.ask(*(["CONFIG", "GET", name] for name in SETTINGS), ["LATENCY", "LATEST"])
    for name, reply in zip(SETTINGS, settings):
        into.config.update(parse.config(_kept(session, into, f"CONFIG GET {name}", reply)))
    rows = _kept(session, into, "LATENCY LATEST", events)
    into.latency = None if rows is None else parse.latency(rows)
    if into.info.get("cluster_enabled") == "1":
        (cluster,) = session.ask(["CLUSTER", "INFO"])
        into.cluster = parse.info(_kept(session, into, "CLUSTER INFO", cluster))
    _clients(session, into)
    _keys(session, into)


def _clients(session: Session, into: Sample) -> None:
    connected = parse.count(into.info, "connected_clients")
    if connected is None:
        into.refused["CLIENT LIST"] = (
            "it does not report how many clients are connected, and the list of many would cost the server too much"
        )
        return
    if connected > MOST_CLIENTS:
        into.refused["CLIENT LIST"] = f"more than {MOST_CLIENTS} clients are connected: their list would cost the server too much"
        return
    (reply,) = session.ask(["CLIENT", "LIST"])
    rows = _kept(session, into, "CLIENT LIST", reply)
    into.clients = None if rows is None else parse.clients(rows)


def _keys(session: Session, into: Sample) -> None:
    """Names of a few keys of the largest databases, by chance, and those that a broker leaves behind."""
    rows = parse.databases(into.info)
    largest = sorted(rows, key=lambda number: -(parse.count(rows[number], "keys") or 0))[:DATABASES]
    found: dict[int, list[str]] = {}
    for number in largest:
        replies = session.ask(["SELECT", number], *(["EXISTS", marker] for marker in uses.MARKERS), *[["RANDOMKEY"]] * KEYS)
        selected, markers, names = replies[0], replies[1 : 1 + len(uses.MARKERS)], replies[1 + len(uses.MARKERS) :]
        if _kept(session, into, "SELECT", selected) is None or _kept(session, into, "RANDOMKEY", names[0]) is None:
            continue
        there = [marker for marker, reply in zip(uses.MARKERS, markers) if reply == 1]
        found[number] = there + [text(name) for name in names if isinstance(name, bytes)]
    into.keys = found if found or not largest else None
