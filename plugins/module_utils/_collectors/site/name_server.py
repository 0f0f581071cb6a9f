# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Addresses of a name, and how long other name servers keep them."""

from __future__ import annotations

import importlib
import re
import socket
import typing as t

from ..._collect.facts import Maybe, Unknown
from ..._collect.host_tools import HostTools
from ..._collect.libraries import present
from ..._collect.problem import Down, Problem
from ..._collect.stream import parse_address

NO_LIBRARY = "the Python library dnspython is missing (install python3-dnspython), and dig is not here"
NO_ADDRESS = "the name has no address"
_ANSWER = re.compile(r"^\S+\s+(\d{1,10})\s+IN\s+A{1,4}\s+(\S{1,45})$", re.MULTILINE)
_DIG = "dig"


class Records(t.NamedTuple):
    """What a name resolves to."""

    addresses: list[str]
    ttl_seconds: Maybe[int]
    #: Whether a name server spoke, if only to say that there is none.
    answered: bool = True


def is_address(host: str) -> bool:
    """Whether it is no name but an address, or a name of this machine only."""
    return ":" in host or re.fullmatch(r"[0-9.]+", host) is not None or host == "localhost"


def look_up(host: str, resolver: t.Optional[str], seconds: float, tools: HostTools) -> Records:
    """The addresses as this machine's resolver tells them, or the name server that is named. Raises Problem for a name without any."""
    found: t.Optional[Records] = None
    if present("dns"):
        found = _by_library(host, resolver, seconds)
    elif tools.commands.which(_DIG):
        found = _by_dig(host, resolver, seconds, tools)
    if resolver is None:  # /etc/hosts counts too, as for everything that connects from here
        ttl = found.ttl_seconds if found else Unknown(NO_LIBRARY)
        return Records(_of_system(host), ttl)
    if found is None:
        raise Problem(NO_LIBRARY)
    if not found.addresses:
        raise Down(NO_ADDRESS) if found.answered else Problem(f"the name server {resolver} gave no answer")
    return found


def _of_system(host: str) -> list[str]:
    try:
        rows = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        if error.errno == socket.EAI_AGAIN:
            raise Problem("no name server gave an answer in time, ask again") from None
        raise Down(NO_ADDRESS) from None
    except UnicodeError:
        raise Down(NO_ADDRESS) from None
    return sorted({str(row[4][0]) for row in rows})


def _by_library(host: str, resolver: t.Optional[str], seconds: float) -> Records:
    library: t.Any = importlib.import_module("dns.resolver")
    errors: t.Any = importlib.import_module("dns.exception")
    addresses: list[str] = []
    ttls: list[int] = []
    why, answered = "no name server told how long it may be kept", True
    try:
        asked = library.Resolver(configure=resolver is None)
        if resolver is not None:
            place = parse_address(resolver, 53)
            asked.nameservers, asked.port = [str(place[0])], int(place[1])
        for kind in ("A", "AAAA"):
            answer = asked.resolve(host, kind, lifetime=max(0.2, seconds / 2), raise_on_no_answer=False, search=False)
            if answer.rrset is not None:
                addresses += [str(record) for record in answer]
                ttls.append(int(answer.rrset.ttl))
    except library.NXDOMAIN:
        pass
    except (errors.DNSException, OSError) as error:
        answered = False
        why = f"the name server gave no answer ({type(error).__name__})"
    return Records(sorted(addresses), max(ttls) if ttls else Unknown(why), answered)


def _by_dig(host: str, resolver: t.Optional[str], seconds: float, tools: HostTools) -> Records:
    at = []
    if resolver is not None:
        place = parse_address(resolver, 53)
        at = [f"@{place[0]}", "-p", str(place[1])]
    query = ["-q", host, "-t", "A", "-q", host, "-t", "AAAA"]
    ran = tools.commands.run([_DIG, *at, "+noall", "+answer", "+time=2", "+tries=1", *query], seconds)
    rows = _ANSWER.findall(ran.out.decode("ascii", "replace"))
    why = "dig got no answer of a name server"
    return Records(
        sorted(address for _ttl, address in rows), max(int(ttl) for ttl, _address in rows) if rows else Unknown(why), ran.rc == 0
    )
