# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fetch: two questions to the stats socket, or one to the stats page. Both only read."""

from __future__ import annotations

import base64
import contextlib
import re
import socket
import typing as t

from ..._collect import http_get, stream
from ..._collect.problem import HungUp, Problem, Silent
from ..._texts.strict_url import parse as strict
from . import parse

#: Some kilobytes per server: more than thousands of them.
MOST_BYTES = 16 << 20
#: What a socket that may only be entered by its group wants.
RIGHTS = "stats socket /run/haproxy/admin.sock mode 660 group haproxy level user"

#: How a typed answer begins: `1.Version.1:…` of the process, `F.2.0.0.pxname.1:…` of a proxy.
_TYPED = re.compile(rb"\A\s*(?:\d+\.|[A-Z]\.\d+\.)")
_UNKNOWN = b"Unknown command"
#: What only a master has, among the commands that it lists, and how its newest worker is addressed.
_OF_MASTERS, _TO_WORKER = b"show proc", b"@1 "


class Reading(t.NamedTuple):
    """`info` is empty where only the page was read."""

    info: parse.Row
    rows: list[parse.Row]


def from_socket(address: stream.Address, seconds: float) -> Reading:
    """Typed, as every version since 1.7 has it."""
    return Reading(parse.info(_ask(address, b"show info typed\n", seconds)), parse.stat(_ask(address, b"show stat typed\n", seconds)))


def exchange(address: stream.Address, command: bytes, seconds: float) -> bytes:
    """What the stats socket says to a command; nothing when it just does it, or hangs up.

    The socket of a master (-S) knows few commands and passes on what is for its worker.
    """
    answer = _say(address, command, seconds)
    return _say(address, _TO_WORKER + command, seconds) if answer.startswith(_UNKNOWN) and _OF_MASTERS in answer else answer


def _say(address: stream.Address, command: bytes, seconds: float) -> bytes:
    shown = stream.shown(address)
    conn = stream.connect(address, seconds)
    with contextlib.closing(conn):
        try:
            conn.sendall(command)
            # a master keeps the connection for more commands until none can come
            with contextlib.suppress(OSError):
                conn.shutdown(socket.SHUT_WR)
            return stream.read_all(conn, seconds, MOST_BYTES)
        except TimeoutError as late:
            if late.args and isinstance(late.args[0], bytes) and late.args[0]:
                raise Problem(f"no complete answer of the stats socket {shown} within {seconds:.2g} s: it does not end") from None
            raise Silent(f"the stats socket {shown} did not answer within {seconds:.2g} s", address) from None
        except OSError:
            return b""


def _ask(address: stream.Address, command: bytes, seconds: float) -> bytes:
    shown, answer = stream.shown(address), exchange(address, command, seconds)
    if not answer.strip():
        raise HungUp(f"the stats socket {shown} hangs up without an answer", address)
    if answer.startswith((_UNKNOWN, b"Permission denied")):
        raise Problem(f"the stats socket {shown} may not be asked for statistics: {RIGHTS}")
    if not _TYPED.match(answer):
        raise Problem(f"what listens at {shown} does not speak as HAProxy's stats socket does")
    return answer


def from_page(url: str, user: t.Optional[str], password: t.Optional[str], seconds: float) -> Reading:
    """The CSV form of the page that `stats enable` or `stats uri` gives."""
    page = url.partition(";")[0]  # as people copy it, with ;csv or ;norefresh
    place = strict(page)
    if place is None or place.scheme not in ("http", "https") or place.has_login or not place.host:
        raise Problem("stats_url is not http://host:port/path without a login: give login_user and login_password as options")
    encrypted = place.scheme == "https"
    address = (place.host, place.port or (443 if encrypted else 80))
    headers = {"Host": place.place}
    if password is not None:
        headers["Authorization"] = "Basic " + base64.b64encode(f"{user or ''}:{password}".encode()).decode("ascii")
    # without a word of it in the configuration the page is at /haproxy?stats
    query = page.partition("?")[1:]
    path = f"{place.path or '/'}{''.join(query)};csv"
    answer = http_get.get(address, path, headers, seconds, what="HAProxy's stats page", limit=MOST_BYTES, encrypted=encrypted)
    where = f"{place.place}{place.path or '/'}"
    if answer.status == 401:
        raise Problem(f"the stats page at {where} wants a login: give the options login_user and login_password")
    if answer.status != 200:
        raise Problem(f"the stats page at {where} answers {answer.status}: give its address as stats_url")
    return Reading({}, parse.stat(answer.body))
