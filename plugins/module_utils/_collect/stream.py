# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bytes from a TCP, UNIX or abstract socket: bounded in time and size as a whole, not per read."""

from __future__ import annotations

import contextlib
import re
import socket
import sys
import time
import typing as t

from .problem import NothingThere, Problem

Address = t.Union[tuple[str, int], str]


def is_hang_up(error: OSError) -> bool:
    """Whether the peer ended the connection, in the clear or over TLS (whose library is loaded only where something is encrypted)."""
    tls = sys.modules.get("ssl")
    return isinstance(error, ConnectionError) or (tls is not None and isinstance(error, tls.SSLError))


def parse_address(value: str, default_port: t.Optional[int] = None) -> Address:
    """`host:port`, `[v6]:port`, `host`, `/path`, `unix:/path`, `unix:///path` or `@abstract` as (host, port) or a path.

    A bare IPv6 address is taken with the default port; one that may end in a port is refused with the form to use.
    """
    value = value.strip()
    if ("@" in value[1:] and value[:1] not in "/@") or ("://" in value and not value.startswith("unix://")):
        # neither shown nor connected to: what stands before the @ may be a password
        raise Problem("the address is a URL or holds an @: write host:port, [IPv6]:port or the path of a UNIX socket, without a login")
    for prefix in ("unix://", "unix:"):
        if value.startswith(prefix):
            value = value[len(prefix) :]
    if value.startswith(("/", "@")):
        return value
    host, port = _host_and_port(value)
    if port is None and default_port is None:
        raise Problem(f"the address {value!r} has no port; write host:port, [IPv6]:port or the path of a UNIX socket")
    return host, int(port if port is not None else default_port)  # type: ignore[arg-type]


def check_host(value: t.Optional[str], option: str) -> None:
    """Refuse what is no host name, without showing it: a URL or a connection string holds its password."""
    if value and re.search(r"[@=?#]|://", value):
        raise Problem(f"{option} is no host name or address: give host, port, user, password and database as options of their own")


def _host_and_port(value: str) -> tuple[str, t.Optional[int]]:
    port: t.Optional[str] = None
    if value.startswith("["):
        host, bracket, rest = value[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise Problem(f"the address {value!r} is not [IPv6]:port")
        port = rest[1:] or None
    elif value.count(":") > 1:
        if _bare_ipv6(value):
            return value, None
        raise Problem(f"the address {value!r} is ambiguous; write IPv6 in brackets: [{value}] or [address]:port")
    else:
        host, _sep, text = value.partition(":")
        port = text or None
    if not host or (port is not None and not (re.fullmatch("[0-9]{1,5}", port) and 0 < int(port) < 65536)):
        raise Problem(f"the address {value!r} is not host:port with a port from 1 to 65535")
    return host, None if port is None else int(port)


def _bare_ipv6(value: str) -> bool:
    """Whether this can only be an IPv6 address: `::1:11211` and `::1:2222` may be an address with a port."""
    front, _sep, last = value.rpartition(":")
    return _is_ipv6(value) and not (last.isdigit() and _is_ipv6(front))


def _is_ipv6(value: str) -> bool:
    try:
        socket.inet_pton(socket.AF_INET6, value.partition("%")[0])
    except OSError:
        return False
    return True


def is_local(address: Address) -> bool:
    """Whether it is an address of this host, so that its process is one of this host's."""
    if isinstance(address, str):
        return True
    try:
        with socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET) as probe:
            probe.bind((address[0], 0))
        return True
    except OSError:
        return False


def shown(address: Address) -> str:
    """The address as people write it: `127.0.0.1:1717`, `[::1]:1717`, `/run/x.sock`."""
    if isinstance(address, str):
        return address
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def resolve(address: Address) -> None:
    """Raise a Problem when the host's name does not resolve: that is about us and our resolver, and says nothing about the service."""
    if isinstance(address, str):
        return
    try:
        socket.getaddrinfo(address[0], address[1], type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        raise _unresolved(address, error) from None


def _unresolved(address: Address, error: socket.gaierror) -> Problem:
    return Problem(f"the host name in {shown(address)} does not resolve ({error.strerror})")


def connect(address: Address, seconds: float) -> socket.socket:
    """A connected socket; who refuses is Down, who may not be reached is a Problem, each with the way out."""
    try:
        if isinstance(address, str):
            conn = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            conn.settimeout(seconds)
            conn.connect("\0" + address[1:] if address.startswith("@") else address)
            return conn
        return _over_tcp(address, seconds)
    except FileNotFoundError:
        raise NothingThere(f"there is no socket {shown(address)}: the service is not running, or it listens elsewhere") from None
    except PermissionError:
        raise Problem(
            f"permission denied on the socket {shown(address)}: use become, or let the service give its socket a wider mode"
        ) from None
    except ConnectionRefusedError:
        raise NothingThere(f"connection to {shown(address)} refused: nothing listens there") from None
    except socket.gaierror as error:
        raise _unresolved(address, error) from None
    except (socket.timeout, TimeoutError):
        raise NothingThere(f"no connection to {shown(address)} within {seconds:g} s: the host is down or a firewall drops it") from None
    except OSError as error:
        raise NothingThere(f"no connection to {shown(address)}: {error.strerror or error}") from None


def _over_tcp(address: tuple[str, int], seconds: float) -> socket.socket:
    try:
        return socket.create_connection(address, timeout=seconds)
    except ConnectionRefusedError:
        if address[0] != "localhost":
            raise
        with contextlib.suppress(OSError):  # many machines know the name for one family only (case M-10)
            return socket.create_connection(("::1", address[1]), timeout=seconds)
        raise


def read_all(
    conn: socket.socket,
    seconds: float,
    limit: int = 16 * 1024 * 1024,
    enough: t.Optional[t.Callable[[bytearray], bool]] = None,
) -> bytes:
    """All bytes until the peer closes (or `enough` says so), within `seconds` in all and `limit` bytes.

    Raises TimeoutError when the time is up (its argument: the bytes so far) and Problem over the limit.
    """
    deadline = time.monotonic() + seconds
    data = bytearray()
    while True:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError(bytes(data))
        conn.settimeout(left)
        try:
            chunk = conn.recv(65536)
        except (socket.timeout, TimeoutError):
            raise TimeoutError(bytes(data)) from None
        except ConnectionResetError:
            chunk = b""
        if not chunk:
            return bytes(data)
        data += chunk
        if len(data) > limit:
            size = f"{limit >> 20} MiB" if limit >> 20 else f"{limit >> 10} KiB"
            raise Problem(f"the answer is longer than {size}; that is not what this service sends")
        if enough is not None and enough(data):
            return bytes(data)


#: How other services begin, and what they are called.
_TONGUES = (
    (b"HTTP/", "HTTP"),
    (b"<html", "HTML"),
    (b"\x15\x03", "TLS"),
    (b"\x16\x03", "TLS"),
    (b"SSH-", "SSH"),
    (b"AMQP", "AMQP"),
    (b"220", "SMTP or FTP"),
    (b"* OK", "IMAP"),
    (b"+PONG", "Redis"),
    (b"-ERR", "Redis"),
    (b"-NOAUTH", "Redis"),
    (b"-DENIED", "Redis"),
    (b"ERROR\r\n", "memcached"),
    (b"STAT ", "memcached"),
    (b"E\0\0", "PostgreSQL"),
)


def tongue(data: bytes) -> t.Optional[str]:
    """What other service speaks like this, by its first bytes; None when that is unknown."""
    begin = data.lstrip()[:16]
    for start, name in _TONGUES:
        if begin.lower().startswith(start.lower()):
            return name
    return "MySQL" if len(data) > 4 and data[3] == 0 and data[4] in (10, 255) and data[2] == 0 else None


def instead(data: bytes) -> str:
    """` (it speaks HTTP)` where that can be told by what was received, for sentences that say what it does not speak."""
    name = tongue(data)
    return f" (it speaks {name})" if name else ""
