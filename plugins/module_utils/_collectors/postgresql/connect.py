# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From an instance's options to a connection, or to one sentence that says why there is none."""

from __future__ import annotations

import os
import pwd
import re
import stat
import typing as t

from ..._collect import stream
from ..._collect.problem import Down, Problem
from . import driver, refusal, startup
from .identity import acting_as

APPLICATION = "warroom.launch"
DEFAULT_PORT = 5432
CONSOLE = startup.CONSOLE


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


def address_of(options: t.Mapping[str, t.Any]) -> stream.Address:
    """Where the server listens: a socket's path, or host and port."""
    directory, port = socket_of(options)
    return f"{directory.rstrip('/')}/.s.PGSQL.{port}" if directory else (options.get("login_host") or "127.0.0.1", port)


def shown(options: t.Mapping[str, t.Any]) -> str:
    """The place as people write it: `127.0.0.1:5432` or `/run/postgresql:5432`."""
    directory, port = socket_of(options)
    return f"{directory}:{port}" if directory else stream.shown(address_of(options))


def connection(options: dict[str, t.Any], seconds: float, database: t.Optional[str] = None) -> driver.Connection:
    """Connect as the user given, or as those who are usual: ourselves, then (for root, on a socket) the server's owner.

    `database`: a further one of a server that has let us in before. Raises Down, Exhausted or Problem with what to do. A password means
    nothing to a socket that goes by the system's users: the same port over TCP may ask for it, and then it is what `options` say.
    """
    try:
        return _connected(options, seconds, database)
    except Problem as refused:
        if not _may_want_the_password(options) or isinstance(refused, (Down, refusal.Exhausted)):
            raise
        over_port = {**options, "login_unix_socket": None, "login_host": "127.0.0.1", "login_port": socket_of(options)[1]}
        try:
            made = _connected(over_port, seconds, database)
        except Problem as denied:
            # who is not listening there has said nothing about the password
            raise (refused if isinstance(denied, Down) else denied) from None
        options.update(over_port)
        return made


def _may_want_the_password(options: t.Mapping[str, t.Any]) -> bool:
    return bool(socket_of(options)[0] and options.get("login_password") and not options.get("login_host"))


def _connected(options: t.Mapping[str, t.Any], seconds: float, database: t.Optional[str]) -> driver.Connection:
    stream.check_host(options.get("login_host"), "login_host")
    params = parameters(options, seconds)
    if database is None:
        startup.greet(address_of(options), seconds)
    else:
        params["dbname"] = database
    refused, user = startup.Refusal("no user to connect as"), ""
    for user, uid in _users(options):
        with acting_as(uid):
            try:
                return driver.connect(**params, user=user)
            except driver.SqlError as error:
                refused = _refusal(error, options, user, params["dbname"], seconds)
        if not refusal.about_the_user(refused):
            break
    wish = refusal.Wish(shown(options), user, params["dbname"], bool(options.get("login_user")), bool(options.get("login_password")))
    raise refusal.explained(refused, wish)


def _refusal(error: driver.SqlError, options: t.Mapping[str, t.Any], user: str, database: str, seconds: float) -> startup.Refusal:
    """What the driver met, with the server's code for it: libpq does not expose it, so we ask the server once more."""
    said = refusal.libpq(str(error))
    encrypted = options.get("ssl_mode") != "disable"
    asked = startup.refusal(address_of(options), user, database, options.get("login_password"), seconds, encrypted)
    if asked is None:
        return startup.Refusal(said, error.code)
    # the words of the attempt that counts: libpq may have tried with and without TLS
    return asked._replace(message=said if asked.message == startup.NO_PASSWORD else asked.message or said)


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


def owner_of(options: t.Mapping[str, t.Any]) -> t.Optional[str]:
    """The system user whose UNIX socket it is; None over TCP."""
    directory, port = socket_of(options)
    owner = _owner(f"{directory}/.s.PGSQL.{port}") if directory else None
    return None if owner is None else _name(owner)


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
