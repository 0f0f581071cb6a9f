# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From an instance's options to a connection, or to one sentence that says why there is none and what to do."""

from __future__ import annotations

import contextlib
import os
import pwd
import shlex
import ssl as tls
import typing as t

from ..._collect import stream
from ..._collect.problem import Down, Problem
from ..._text.redact import clean
from . import option_file

APPLICATION = "warroom.launch"
DEFAULT_PORT = 3306
#: Our default schema: the digests of our own statements then carry its name and are easily left out.
SCHEMA = "information_schema"


class Exhausted(Problem):
    """The server is up and has no connection left for us: that is a fact about it, the worst one."""


class Login(t.NamedTuple):
    """Where and as whom, after the option file had its say."""

    socket: t.Optional[str]
    host: str
    port: int
    user: str
    password: t.Optional[str]
    tls: dict[str, t.Any]
    fallback: bool  # found on this host: when the socket refuses the user, the port may let it in

    @property
    def place(self) -> str:
        return self.socket or stream.shown((self.host, self.port))

    @property
    def client_options(self) -> str:
        """How the field's own tools reach the same server (who logs in is their user's business)."""
        return f"-S {shlex.quote(self.socket)}" if self.socket else f"-h {shlex.quote(self.host)} -P {self.port}"


def login(options: t.Mapping[str, t.Any], secrets: t.Optional[set[str]] = None) -> Login:
    """Options win over the option file, and that is read only when it is asked for."""
    said = option_file.client(options["config_file"]) if options.get("config_file") else {}
    placed = any(options.get(name) for name in ("login_host", "login_port", "login_unix_socket"))
    socket = options.get("login_unix_socket") or (None if placed else said.get("socket"))
    host = options.get("login_host") or (None if placed else said.get("host"))
    port = options.get("login_port") or (None if placed else said.get("port"))
    password = options.get("login_password")
    if password is None:
        password = said.get("password")
        if password and secrets is not None:
            secrets.add(password)
    if not socket and host == "localhost" and not port:
        socket = _usual_socket()  # what the field's own clients understand by localhost
    return Login(
        socket,
        host or "127.0.0.1",
        int(port or DEFAULT_PORT),
        options.get("login_user") or said.get("user") or _ourselves(),
        password,
        _tls(options, said),
        bool(socket and port),
    )


def shown(options: t.Mapping[str, t.Any]) -> str:
    """The place of an instance before anything was read."""
    if not options.get("login_host") and not options.get("login_port") and options.get("config_file"):
        return "as " + str(options["config_file"])
    return stream.shown((options.get("login_host") or "127.0.0.1", int(options.get("login_port") or DEFAULT_PORT)))


def _usual_socket() -> t.Optional[str]:
    usual = ("/run/mysqld/mysqld.sock", "/var/lib/mysql/mysql.sock", "/var/run/mysqld/mysqld.sock", "/tmp/mysql.sock")
    return next((path for path in usual if os.path.exists(path)), None)


def _ourselves() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def _tls(options: t.Mapping[str, t.Any], said: t.Mapping[str, str]) -> dict[str, t.Any]:
    given = {
        "ssl_ca": options.get("ca_cert") or said.get("ssl-ca"),
        "ssl_cert": options.get("client_cert") or said.get("ssl-cert"),
        "ssl_key": options.get("client_key") or said.get("ssl-key"),
    }
    given = {name: value for name, value in given.items() if value}
    if "ssl_ca" in given:
        given["ssl_verify_cert"] = True
        given["ssl_verify_identity"] = options.get("check_hostname") is not False
    elif options.get("check_hostname"):
        given.update(ssl_verify_cert=True, ssl_verify_identity=True)
    return given


def connection(wanted: Login, seconds: float) -> t.Any:
    """A PyMySQL connection that gives bytes; raises Down, Exhausted or Problem."""
    try:
        return _connect(wanted, seconds)
    except Problem as refused:
        if not wanted.fallback or isinstance(refused, (Down, Exhausted)):
            raise
        with contextlib.suppress(Problem):
            return _connect(wanted._replace(socket=None), seconds)
        raise


def _connect(wanted: Login, seconds: float) -> t.Any:
    import pymysql
    from pymysql import converters

    # no decoders: every value stays the server's bytes, so that no odd text can break the read of a whole answer
    encoders = {kind: how for kind, how in converters.conversions.items() if not isinstance(kind, int)}
    try:
        return pymysql.connect(
            unix_socket=wanted.socket,
            host=wanted.host,
            port=wanted.port,
            user=wanted.user,
            password=wanted.password.encode() if wanted.password else "",
            database=SCHEMA,
            charset="utf8mb4",
            use_unicode=False,
            conv=t.cast(t.Any, encoders),
            autocommit=True,
            connect_timeout=max(1, int(seconds)),
            read_timeout=max(1.0, seconds),
            write_timeout=max(1.0, seconds),
            program_name=APPLICATION,
            **wanted.tls,
        )
    except pymysql.err.MySQLError as error:
        raise explained(error, wanted) from None
    except RuntimeError as error:  # the driver's way to say that a library of its own is missing
        raise _no_cryptography(error, wanted) from None
    except (OSError, tls.SSLError, EOFError) as error:
        raise Problem(
            f"{wanted.place}: the connection could not be set up: {clean(str(error))}; check ca_cert, client_cert, client_key"
        ) from None


def _no_cryptography(error: RuntimeError, wanted: Login) -> Problem:
    return Problem(
        f"{wanted.place}: the driver needs the Python library cryptography for the password method of {wanted.user!r}: install "
        f"python3-cryptography on the target, or connect by login_unix_socket or with ca_cert (TLS) [{clean(str(error), 80)}]"
    )


_FULL = {
    1040: "too many connections",
    1203: "this user has too many connections (max_user_connections)",
    1226: "a limit of this user is reached",
}
_ADVICE = {
    1130: "this host may not connect: CREATE USER … @ this address, or use login_unix_socket",
    1129: "the server blocked this host after too many connection errors: FLUSH HOSTS there, then look at Aborted_connects",
    1251: "the driver does not know this user's password method: update PyMySQL or give the user caching_sha2_password",
    1862: "the password has expired: ALTER USER … IDENTIFIED BY a new one",
    1820: "the password has expired: ALTER USER … IDENTIFIED BY a new one",
    3118: "the account is locked: ALTER USER … ACCOUNT UNLOCK",
    4151: "the account is locked: ALTER USER … ACCOUNT UNLOCK",
    3159: "the server accepts encrypted connections only: give ca_cert",
    1049: "information_schema cannot be used",
    1045: "give login_user and login_password of a user that exists for this address (or socket: 'localhost')",
    1044: "the user may not use information_schema",
}
_GONE = (2002, 2003, 2005, 2006, 2013, 2055)


def explained(error: Exception, wanted: Login) -> Problem:
    """The driver's error as what happened and what to do."""
    code = error.args[0] if error.args and isinstance(error.args[0], int) else 0
    said = clean(str(error.args[-1]) if error.args else str(error))
    if code in _FULL:
        return Exhausted(f"{wanted.place} is up and refuses connections: {_FULL[code]}")
    if code == 1053:
        return Down(f"{wanted.place} is shutting down")
    if code in _GONE:
        return _unreachable(said, wanted)
    if code == 1698 or (code == 1045 and not wanted.socket and wanted.user == "root" and not wanted.password):
        over = "the socket" if wanted.socket else "TCP"
        return Problem(
            f"{wanted.place}: access denied for {wanted.user} over {over}: this account is open to the operating system user of the same "
            "name on the server's own socket only: use login_unix_socket and become, or give another login_user"
        )
    if code in _ADVICE:
        return Problem(f"{wanted.place} refuses {wanted.user}: {said}: {_ADVICE[code]}")
    return Problem(
        f"{wanted.place} refuses us: {said}" if code else f"{wanted.place} does not answer as MySQL does: {said or type(error).__name__}"
    )


def _unreachable(said: str, wanted: Login) -> Problem:
    lowered = said.lower()
    if "permission denied" in lowered:
        return Problem(f"permission denied on the socket {wanted.place}: use become")
    if "ssl" in lowered or "certificate" in lowered:
        return Problem(f"{wanted.place}: no encrypted connection: {said}; check ca_cert and check_hostname")
    if "timed out" in lowered:
        return Down(f"no answer from {wanted.place}: {said}: it hangs, is down, or a firewall drops us")
    return Down(f"no MySQL or MariaDB at {wanted.place}: {said}")
