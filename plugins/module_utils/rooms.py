# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All rooms by service: what `launch_facts` can gather. A new service is added here once.

A room is imported when it is needed: on a host of one tier the others' code would cost more than the gathering.
(The imports are found by the packaging of modules all the same.)
"""

from __future__ import annotations

import typing as t

from .floor import options
from .floor.entry import finish
from .floor.room import Room
from .floor.tools import Tools


def _celery() -> Room:
    from .celery.room import ROOM

    return ROOM


def _memcached() -> Room:
    from .memcached.room import ROOM

    return ROOM


def _mysql() -> Room:
    from .mysql.room import ROOM

    return ROOM


def _postgresql() -> Room:
    from .postgresql.room import ROOM

    return ROOM


def _server() -> Room:
    from .server.room import ROOM

    return ROOM


def _uwsgi() -> Room:
    from .uwsgi.room import ROOM

    return ROOM


def _varnish() -> Room:
    from .varnish.room import ROOM

    return ROOM


def _varnish_traffic() -> Room:
    from .varnish_traffic.room import ROOM

    return ROOM


#: service → its room, and words of which at least one stands in the name or command line of any process that the room's
#: discovery can find (in any case of letters); no words: always worth a look.
_ROOMS: dict[str, tuple[t.Callable[[], Room], tuple[str, ...]]] = {
    "celery": (_celery, ("celery",)),
    "memcached": (_memcached, ("memcached", "mcrouter")),
    "mysql": (_mysql, ("mysqld", "mariadbd")),
    "postgresql": (_postgresql, ("postgres", "postmaster", "pgbouncer")),
    "server": (_server, ()),
    "uwsgi": (_uwsgi, ("uwsgi",)),
    "varnish": (_varnish, ("varnish", "vinyl")),
    "varnish_traffic": (_varnish_traffic, ("varnish", "vinyl")),
}

SERVICES = tuple(_ROOMS)


def room(service: str) -> Room:
    """The room of a service (one of SERVICES)."""
    return _ROOMS[service][0]()


def may_run(service: str, tools: Tools) -> bool:
    """Whether looking for instances of the service can find any: a cheap first look at the process table."""
    words = _ROOMS[service][1]
    if not words or tools.processes.filtered:
        return True
    processes = tools.processes
    titles = ((process.name + " " + " ".join(process.argv)).lower() for process in processes.rows)
    return any(word in title for title in titles for word in words)


def run_all(module: t.Any) -> None:
    """Gather the services named by the option `services` (or every service found here) and end the module."""
    services = module.params["services"]
    asked = list(services) if isinstance(services, dict) else []
    finish(module, lambda tools: list(_services(services, tools)), asked)


def _services(services: t.Any, tools: Tools) -> t.Iterator[tuple[Room, t.Any, t.Mapping[str, t.Any]]]:
    if services in (None, "", "auto"):
        services = dict.fromkeys(SERVICES, "auto")
    if not isinstance(services, dict):
        raise options.WrongOption("services must be auto or a dictionary of service: auto, list of instances, or options")
    for service, wish in services.items():
        if service not in SERVICES:
            raise options.WrongOption(f"services: there is no service {service!r}; known are {', '.join(sorted(SERVICES))}")
        if wish in (None, "", "auto"):
            if may_run(service, tools):
                yield room(service), None, {}
        elif isinstance(wish, dict):
            yield room(service), None, options.refined(room(service), wish)
        elif isinstance(wish, list) and all(isinstance(entry, dict) for entry in wish):
            yield room(service), wish, {}
        else:
            raise options.WrongOption(f"services: {service} must be auto, a list of dictionaries, or a dictionary")
