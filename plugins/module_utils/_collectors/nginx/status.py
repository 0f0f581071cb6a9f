# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""stub_status: fetched as a visitor would, and parsed."""

from __future__ import annotations

import re
import typing as t

from ..._collect import http_get, stream
from ..._collect.facts import Maybe, Unknown
from ..._collect.problem import Problem
from ..._texts.strict_url import parse as strict
from .settings import StatusPlace

MOST_BYTES = 1 << 16
_COUNTS = re.compile(
    rb"Active connections: *(\d{1,20}) *\r?\nserver accepts handled requests[ \w]*\r?\n *(\d{1,20}) +(\d{1,20}) +(\d{1,20})[ \d]*\r?\n"
    rb"Reading: *(\d{1,20}) +Writing: *(\d{1,20}) +Waiting: *(\d{1,20})",
)
_NAMES = ("connections", "accepts", "handled", "requests", "reading", "writing", "waiting")
ALLOW = "location = /nginx_status { stub_status; allow 127.0.0.1; allow ::1; deny all; }"


class Status(t.NamedTuple):
    counts: dict[str, int]
    seconds: float
    server: str


def fetch(place: StatusPlace, seconds: float) -> Status:
    """One look. Raises a Problem with the way out."""
    answer = http_get.get(
        place.address, place.path, {"Host": place.host}, seconds, what="nginx's status page", limit=MOST_BYTES, encrypted=place.encrypted
    )
    where = f"{stream.shown(place.address)}{place.path}"
    if answer.status in (401, 403):
        raise Problem(f"the status page at {where} refuses this host ({answer.status}): allow it, {ALLOW}")
    if answer.status != 200:
        raise Problem(f"the status page at {where} answers {answer.status}: give its address as status_url")
    return Status(parse(answer.body, where), answer.seconds, str(answer.headers.get("Server") or ""))


def parse(body: bytes, where: str) -> dict[str, int]:
    found = _COUNTS.match(body)
    if found is None:
        raise Problem(f"what answers at {where} is no stub_status page: give its address as status_url")
    return {name: int(value) for name, value in zip(_NAMES, found.groups())}


def url_of(place: StatusPlace) -> Maybe[str]:
    """For people and their tools."""
    if isinstance(place.address, str):
        return Unknown(f"its status page is on a UNIX socket: curl --unix-socket {place.address} http://localhost{place.path}")
    return f"http{'s' if place.encrypted else ''}://{stream.shown(place.address)}{place.path}"


def place_of(url: str) -> StatusPlace:
    """The option status_url."""
    address = strict(url)
    if address is None or address.scheme not in ("http", "https") or address.user or address.password or not address.host:
        raise Problem("status_url is not http://host:port/path without a login")
    encrypted = address.scheme == "https"
    path = address.path if address.path.startswith("/") else f"/{address.path}"
    return StatusPlace((address.host, address.port or (443 if encrypted else 80)), address.host, path, encrypted)
