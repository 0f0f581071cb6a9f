# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All collectors by service: what `launch_facts` can gather. A new service is added here once.

A collector is imported when it is needed: on a host of one tier the others' code would cost more than the gathering.
(The imports are found by the packaging of modules all the same.)
"""

from __future__ import annotations

import typing as t

from .._collect import options
from .._collect.base import Collector
from .._collect.entry import finish
from .._collect.host_tools import HostTools


def _celery() -> Collector:
    from .celery.collector import COLLECTOR

    return COLLECTOR


def _memcached() -> Collector:
    from .memcached.collector import COLLECTOR

    return COLLECTOR


def _mysql() -> Collector:
    from .mysql.collector import COLLECTOR

    return COLLECTOR


def _postgresql() -> Collector:
    from .postgresql.collector import COLLECTOR

    return COLLECTOR


def _server() -> Collector:
    from .server.collector import COLLECTOR

    return COLLECTOR


def _uwsgi() -> Collector:
    from .uwsgi.collector import COLLECTOR

    return COLLECTOR


def _varnish() -> Collector:
    from .varnish.collector import COLLECTOR

    return COLLECTOR


def _varnish_traffic() -> Collector:
    from .varnish_traffic.collector import COLLECTOR

    return COLLECTOR


#: service → its collector, and words of which at least one stands in the name or command line of any process that the collector's
#: discovery can find (in any case of letters); no words: always worth a look.
_ROWS: dict[str, tuple[t.Callable[[], Collector], tuple[str, ...]]] = {
    "celery": (_celery, ("celery",)),
    "memcached": (_memcached, ("memcached", "mcrouter")),
    "mysql": (_mysql, ("mysqld", "mariadbd")),
    "postgresql": (_postgresql, ("postgres", "postmaster", "pgbouncer")),
    "server": (_server, ()),
    "uwsgi": (_uwsgi, ("uwsgi",)),
    "varnish": (_varnish, ("varnish", "vinyl")),
    "varnish_traffic": (_varnish_traffic, ("varnish", "vinyl")),
}

SERVICES = tuple(_ROWS)


def collector(service: str) -> Collector:
    """The collector of a service (one of SERVICES)."""
    return _ROWS[service][0]()


def may_run(service: str, tools: HostTools) -> bool:
    """Whether looking for instances of the service can find any: a cheap first look at the process table."""
    words = _ROWS[service][1]
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


def _services(services: t.Any, tools: HostTools) -> t.Iterator[tuple[Collector, t.Any, t.Mapping[str, t.Any]]]:
    if services in (None, "", "auto"):
        services = dict.fromkeys(SERVICES, "auto")
    if not isinstance(services, dict):
        raise options.WrongOption("services must be auto or a dictionary of service: auto, list of instances, or options")
    for service, wish in services.items():
        if service not in SERVICES:
            raise options.WrongOption(f"services: there is no service {service!r}; known are {', '.join(sorted(SERVICES))}")
        if wish in (None, "", "auto"):
            if may_run(service, tools):
                yield collector(service), None, {}
        elif isinstance(wish, dict):
            yield collector(service), None, options.refined(collector(service), wish)
        elif isinstance(wish, list) and all(isinstance(entry, dict) for entry in wish):
            yield collector(service), wish, {}
        else:
            raise options.WrongOption(f"services: {service} must be auto, a list of dictionaries, or a dictionary")
