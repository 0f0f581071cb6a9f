# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From an instance's options to a connection, or to one sentence that says why there is none."""

from __future__ import annotations

import os
import pwd
import re
import stat
import struct
import typing as t

from ..._collect import stream
from ..._collect.problem import Down, Problem
from . import driver
from .identity import acting_as

APPLICATION = "warroom.launch"
DEFAULT_PORT = 5432
#: PgBouncer's own database, and its user there.
CONSOLE = "pgbouncer"


class Exhausted(Problem):
    """The server is up and has no connection left for us: that is a fact about it, the worst one."""


def parameters(options: t.Mapping[str, t.Any], seconds: float) -> dict[str, t.Any]:
    """libpq's parameters. No `options`: poolers refuse them (case P-12)."""
    directory, port = socket_of(options)
    params = {
        "host": directory or options.get("login_host") or "127.0.0.1",
        "port": port,
        "dbname": options.get("login_db") or "postgres",
        "password": options.get("login_password"),
        "sslmode": options.get("ssl_mode"),
        "sslrootcert": options.get("ca_cert"),
        "application_name": APPLICATION,
        "connect_timeout": max(2, int(seconds)),
        "keepalives_idle": 5,
    }
    return {name: value for name, value in params.items() if value is not None}


def socket_of(options: t.Mapping[str, t.Any]) -> tuple[t.Optional[str], int]:
    """The folder of the UNIX socket (None for TCP) and the port; a socket may be given by its folder or its own path."""
    path = options.get("login_unix_socket")
    port = int(options.get("login_port") or DEFAULT_PORT)
    if path:
        named = re.match(r"^(.*)/\.s\.PGSQL\.(\d+)$", path)
        return (named.group(1) or "/", int(named.group(2))) if named else (path.rstrip("/") or "/", port)
    return None, port


def shown(options: t.Mapping[str, t.Any]) -> str:
    """The place as people write it: `127.0.0.1:5432` or `/run/postgresql:5432`."""
    directory, port = socket_of(options)
    return f"{directory}:{port}" if directory else stream.shown((options.get("login_host") or "127.0.0.1", port))


def connection(options: t.Mapping[str, t.Any], seconds: float, database: t.Optional[str] = None) -> driver.Connection:
    """Connect as the user given, or as those who are usual: ourselves, then (for root, on a socket) the server's owner.

    Raises Down, Exhausted or Problem with what to do.
    """
    params = parameters(options, seconds)
    if database is not None:
        params["dbname"] = database
    refused: t.Optional[driver.SqlError] = None
    for user, uid in _users(options):
        try:
            with acting_as(uid):
                return driver.connect(**params, user=user)
        except driver.SqlError as error:
            refused = error
            if not _about_the_user(str(error)):
                break
    raise _explained(refused or driver.SqlError("no user to connect as"), options, params["dbname"])


def _users(options: t.Mapping[str, t.Any]) -> t.Iterator[tuple[str, t.Optional[int]]]:
    if options.get("login_user"):
        yield options["login_user"], None
        return
    ourselves = _name(os.geteuid())
    directory, port = socket_of(options)
    owner = _owner(f"{directory}/.s.PGSQL.{port}") if directory else None
    if owner is not None and options.get("login_db") == CONSOLE:
        # the pooler lets its own system user in as `pgbouncer`, over its socket and without a password
        yield CONSOLE, owner if os.geteuid() == 0 else None
    elif owner and os.geteuid() == 0:
        # peer authentication knows the process's user: as root we may be the server's own for the time of the handshake
        yield _name(owner), owner
    if ourselves != "root":
        yield ourselves, None
    yield "postgres", None


def _owner(path: str) -> t.Optional[int]:
    """Whose socket it is."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_uid if stat.S_ISSOCK(status.st_mode) else None


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


_USER_TROUBLE = re.compile(
    r"role .* does not exist|authentication failed|no password supplied|no pg_hba\.conf entry|no such user", re.IGNORECASE
)


def _about_the_user(message: str) -> bool:
    return bool(_USER_TROUBLE.search(message))


_NO_SLOT = re.compile(
    r"too many clients|remaining connection slots|too many connections for (?:role|database)|no more connections allowed"
    r"|query_wait_timeout|connection limit exceeded",
    re.IGNORECASE,
)
_NOT_YET = re.compile(r"the database system is (starting|shutting|in recovery|not yet)|not accepting connections", re.IGNORECASE)
_NOBODY = re.compile(
    r"connection refused|no such file or directory|timeout|timed out|no route to host|network is unreachable|resolve host|translate host"
    r"|closed the connection unexpectedly|connection reset",
    re.IGNORECASE,
)
_ADVICE = (
    (re.compile(r"peer authentication failed", re.I), "set become_user to that system user, or give login_user and login_password"),
    (re.compile(r"password authentication failed|no password supplied|fe_sendauth", re.I), "check login_user and login_password"),
    (re.compile(r"no pg_hba\.conf entry", re.I), "allow this user and address in pg_hba.conf, or connect by login_unix_socket"),
    (
        re.compile(r"role .* does not exist|no such user", re.I),
        "CREATE ROLE launch LOGIN; GRANT pg_monitor TO launch; then give login_user: launch",
    ),
    (re.compile(r"database .* does not exist|no such database", re.I), "check login_db"),
    (re.compile(r"permission denied for database", re.I), "GRANT CONNECT ON DATABASE … TO the user"),
    (re.compile(r"ssl|certificate|tls", re.I), "check ssl_mode and ca_cert"),
    (re.compile(r"permission denied", re.I), "use become, or connect over TCP with login_host"),
)


def _explained(error: driver.SqlError, options: t.Mapping[str, t.Any], database: str) -> Problem:
    where, message = shown(options), _short(str(error))
    code = error.code or (None if _known(message) else _code_at_startup(options, database))
    if code == "53300" or _NO_SLOT.search(message):
        return Exhausted(f"{where} is up and refuses connections: {message}")
    if code == "57P03" or _NOT_YET.search(message):
        return Down(f"{where} runs and does not accept connections: {message}; see its log")
    if _NOBODY.search(message):
        return Down(f"no PostgreSQL at {where}: {message}")
    for pattern, advice in _ADVICE:
        if pattern.search(message):
            return Problem(f"{where} refuses us: {message}: {advice}")
    return Problem(f"{where} refuses us: {message}")


def _known(message: str) -> bool:
    patterns = (_NO_SLOT, _NOT_YET, _NOBODY, *(pattern for pattern, _advice in _ADVICE))
    return any(pattern.search(message) for pattern in patterns)


def _short(message: str) -> str:
    """libpq's sentence without its prefixes: it names the place a second time.

    A name with several addresses has a sentence for each attempt: what a server said counts more than that another is not there.
    """
    attempts = re.split(r"Multiple connection attempts failed\. All failures were:| - host: ", message)
    message = next((attempt for attempt in attempts if "FATAL" in attempt), attempts[0])
    message = re.sub(r"^.*?(?:failed|expected): (?=\S)", "", re.sub(r"^connection (?:failed|is bad): ", "", message))
    return re.sub(r"^FATAL:\s*|\s*Is the server running.*$", "", message) or "no reason was given"


def _code_at_startup(options: t.Mapping[str, t.Any], database: str) -> t.Optional[str]:
    """The SQLSTATE of a refusal before the login. libpq gives only its text, which speaks the server's language."""
    directory, port = socket_of(options)
    address: stream.Address = f"{directory}/.s.PGSQL.{port}" if directory else (options.get("login_host") or "127.0.0.1", port)
    words = ["user", str(options.get("login_user") or "postgres"), "database", database, ""]
    body = struct.pack("!I", 196608) + b"".join(word.encode() + b"\0" for word in words)
    try:
        with stream.connect(address, 2) as conn:
            conn.sendall(struct.pack("!I", len(body) + 4) + body)
            answer = stream.read_all(conn, 2, 65536, enough=lambda data: len(data) > 8 and data[:1] != b"E")
    except (Problem, OSError):
        return None
    found = re.search(rb"\0C([0-9A-Z]{5})\0", answer) if answer[:1] == b"E" else None
    return found.group(1).decode() if found else None
