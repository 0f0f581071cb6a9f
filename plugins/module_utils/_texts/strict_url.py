# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Addresses of services that may hold a password: read strictly, or not at all.

An unquoted `/`, `@`, `#` or `?` in a password ends up in the host, the path or the query of a lenient parser, is shown there and
sent to a name server. What is not exactly scheme://user:password@host:port/path?name=value is refused, without a word of it.
"""

from __future__ import annotations

import dataclasses
import re
import socket
import typing as t
import unicodedata
import urllib.parse

_URL = re.compile(
    r"""\A(?P<scheme>[a-z][a-z0-9+.-]{0,30})://
    (?:(?P<user>[^\s/?\#@:\[\]\x00-\x20\x7f]*)(?::(?P<password>[^\s/?\#@\[\]\x00-\x20\x7f]*))?@)?
    (?:\[(?P<six>[0-9A-Fa-f:.]+)(?:%25[\w.-]+)?\]|(?P<host>[A-Za-z0-9_][A-Za-z0-9._-]{0,252}))?
    (?::(?P<port>[1-9][0-9]{0,4}))?
    (?P<path>/[A-Za-z0-9._~%!$&'()*+,=/-]*)?
    (?:\?(?P<query>[A-Za-z0-9._~%!$'()*+,=&:/-]*))?\Z""",
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)
LONGEST = 4096


@dataclasses.dataclass(frozen=True)
class Url:
    """A well-formed URL, decoded. Only `user` and `password` are secret; `query` holds paths and words."""

    scheme: str
    user: t.Optional[str]
    password: t.Optional[str]
    host: t.Optional[str]
    port: t.Optional[int]
    path: str
    query: dict[str, str] = dataclasses.field(default_factory=dict)

    @property
    def place(self) -> str:
        """host:port as people write it."""
        host = self.host or ""
        return (f"[{host}]" if ":" in host else host) + (f":{self.port}" if self.port else "")

    @property
    def has_login(self) -> bool:
        return bool(self.user or self.password)


def parse(text: str) -> t.Optional[Url]:
    """The URL, or None for what is none."""
    match = _URL.match(text) if len(text) <= LONGEST else None
    if match is None:
        return None
    host = match["six"] or match["host"]
    if match["port"] and (host is None or int(match["port"]) > 65535):
        return None
    if host is None and match["user"] is not None and not match["path"]:
        return None  # a host that is missing after a login, or a login that was cut
    if match["six"] and not _is_ipv6(match["six"]):
        return None
    query = dict(urllib.parse.parse_qsl(match["query"] or "", keep_blank_values=True))
    return Url(
        match["scheme"].lower(),
        _decoded(match["user"]),
        _decoded(match["password"]),
        host,
        int(match["port"]) if match["port"] else None,
        match["path"] or "",
        query,
    )


#: What is escaped in a path already, or need not be.
_KEPT = "%/:?#[]@!$&'()*+,;=~"


def in_ascii(url: str) -> str:
    """A URL of the web as a browser sends what people type: a name in another alphabet by its code, other letters escaped."""
    scheme, sign, rest = url.partition("://")
    if url.isascii() or not sign:
        return url
    place = re.split(r"[/?#]", rest, maxsplit=1)[0]
    name, colon, port = place.partition(":")
    try:
        return f"{scheme}{sign}{_name_in_ascii(name)}{colon}{port}{urllib.parse.quote(rest[len(place) :], safe=_KEPT)}"
    except UnicodeError:
        return url


def _name_in_ascii(name: str) -> str:
    """As browsers do (IDNA 2008): the codec of the standard library makes another name of one with ß."""
    name.encode("utf-8")  # half a character is none
    labels = unicodedata.normalize("NFKC", name.lower()).replace("\u3002", ".").split(".")
    return ".".join(label if label.isascii() else "xn--" + label.encode("punycode").decode("ascii") for label in labels)


def _decoded(text: t.Optional[str]) -> t.Optional[str]:
    return None if text is None else urllib.parse.unquote(text)


def _is_ipv6(text: str) -> bool:
    try:
        socket.inet_pton(socket.AF_INET6, text)
    except OSError:
        return False
    return True
