# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From an instance's options to a connection, or to one sentence that says why there is none and what to do."""

from __future__ import annotations

import contextlib
import os
import pwd
import shlex
import socket
import ssl as tls
import time
import typing as t

from ..._collect import stream
from ..._collect.problem import Down, Hangs, HungUp, Problem
from ..._texts.redact import clean
from . import option_file
from .refusal import Exhausted, Wish, explained

APPLICATION = "warroom.launch"
DEFAULT_PORT = 3306
#: Our default schema: the digests of our own statements then carry its name and are easily left out.
SCHEMA = "information_schema"


class Login(t.NamedTuple):
    """Where and as whom, after the option file had its say."""

    socket: t.Optional[str]
    host: str
    port: int
    user: str
    password: t.Optional[str]
    tls: dict[str, t.Any]
    fallback: bool  # found on this host: when the socket refuses the user, the port may let it in
    named: bool = True  # the user was given

    @property
    def address(self) -> stream.Address:
        return self.socket or (self.host, self.port)

    @property
    def place(self) -> str:
        return stream.shown(self.address)

    @property
    def wish(self) -> Wish:
        return Wish(self.place, self.user, bool(self.socket), bool(self.password), self.named)

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
    stream.check_host(host, "login_host")
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
        bool(options.get("login_user") or said.get("user")),
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
    conn = _dialled(wanted.address, seconds)
    try:
        if wanted.tls and not _capabilities(conn) & _OFFERS_TLS:
            # the driver would go on in the clear
            raise Problem(
                f"{wanted.place} does not offer TLS, which ca_cert, client_cert or check_hostname asks for, so nothing was sent: "
                "set ssl_cert and ssl_key on the server, or leave these options out"
            )
        return _logged_in(conn, wanted, seconds)
    except BaseException:
        conn.close()
        raise


def _logged_in(conn: socket.socket, wanted: Login, seconds: float) -> t.Any:
    import pymysql
    from pymysql import converters

    # no decoders: every value stays the server's bytes, so that no odd text can break the read of a whole answer
    encoders = {kind: how for kind, how in converters.conversions.items() if not isinstance(kind, int)}
    try:
        connection = pymysql.connect(
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
            read_timeout=max(1.0, seconds),
            write_timeout=max(1.0, seconds),
            program_name=APPLICATION,
            defer_connect=True,
            **wanted.tls,
        )
        # as the driver marks a UNIX socket that it opened itself: passwords may pass over it in the clear
        t.cast(t.Any, connection)._secure = bool(wanted.socket)
        connection.connect(conn)
        return connection
    except pymysql.err.MySQLError as error:
        raise explained(error, wanted.wish) from None
    except RuntimeError as error:  # the driver's way to say that a library of its own is missing
        raise _no_cryptography(error, wanted) from None
    except (OSError, tls.SSLError, EOFError) as error:
        raise Problem(
            f"{wanted.place}: the connection could not be set up: {clean(str(error))}; check ca_cert, client_cert, client_key"
        ) from None


#: The first packet of a server: number 0, and a handshake (version 10) or an error (255); no handshake is longer than this.
_FIRST_PACKETS, _LONGEST_HANDSHAKE = (10, 255), 8192


#: MySQL greets in the clear before it begins to encrypt.
_IF_TLS = "is this MySQL's own address, and not that of a proxy? See login_host, login_port"
#: A capability that a server tells in its greeting.
_OFFERS_TLS = 0x0800


def _dialled(address: stream.Address, seconds: float) -> socket.socket:
    """A connection to what greets as MySQL does."""
    conn = stream.connect(address, seconds)
    try:
        _check_greeting(conn, address, seconds)
    except BaseException:
        conn.close()
        raise
    return conn


def _check_greeting(conn: socket.socket, address: stream.Address, seconds: float) -> None:
    """Look at the server's first bytes and leave them to the driver: what is no MySQL never gets near it."""
    where, deadline = stream.shown(address), time.monotonic() + seconds
    conn.settimeout(seconds)
    try:
        first = conn.recv(5, socket.MSG_PEEK)
        while 0 < len(first) < 5 and time.monotonic() < deadline:
            time.sleep(0.005)
            first = conn.recv(5, socket.MSG_PEEK)
    except TimeoutError:
        raise Hangs(
            f"{where} accepts connections and does not answer within {seconds:g} s: it hangs, or is no MySQL", address, _IF_TLS
        ) from None
    except OSError:
        first = b""
    if not first:
        raise HungUp(f"what answers at {where} hangs up: is this MySQL's own address? See login_host, login_port", address, _IF_TLS)
    if len(first) < 5 or first[3] != 0 or first[4] not in _FIRST_PACKETS or int.from_bytes(first[:3], "little") > _LONGEST_HANDSHAKE:
        raise Problem(
            f"what answers at {where} does not speak MySQL's protocol{stream.instead(first)}: is this its own address? "
            "See login_host, login_port"
        )


def _capabilities(conn: socket.socket) -> int:
    """The lower half of what the server is capable of, from the greeting that waits; all of it where that has another form."""
    greeting = conn.recv(512, socket.MSG_PEEK)
    place = greeting.find(b"\0", 5) + 14  # after the version: a number, eight bytes of salt, and a zero
    return int.from_bytes(greeting[place : place + 2], "little") if 14 <= place <= len(greeting) - 2 and greeting[4] == 10 else 0xFFFF


def _no_cryptography(error: RuntimeError, wanted: Login) -> Problem:
    return Problem(
        f"{wanted.place}: the driver needs the Python library cryptography for the password method of {wanted.user!r}: install "
        f"python3-cryptography on the target, or connect by login_unix_socket or with ca_cert (TLS) [{clean(str(error), 80)}]"
    )
