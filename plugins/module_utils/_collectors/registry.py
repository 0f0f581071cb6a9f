# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All services, a row each: what is gathered, and all that boards, pages, cockpit and verdict know of a service by its name.

A collector is imported when it is needed: on a host of one tier the others' code would cost more than the gathering, and the control
node has no use for it. (The imports are found by the packaging of modules all the same, so a module of one service must not import this.)
"""

from __future__ import annotations

import dataclasses
import typing as t

if t.TYPE_CHECKING:
    from .._collect.base import Collector
    from .._collect.host_tools import HostTools

#: The tier of the machines themselves; it is no tier of a request's way.
MACHINES = "servers"


def _backup() -> Collector:
    from .backup.collector import COLLECTOR

    return COLLECTOR


def _celery() -> Collector:
    from .celery.collector import COLLECTOR

    return COLLECTOR


def _checklist() -> Collector:
    from .checklist.collector import COLLECTOR

    return COLLECTOR


def _django() -> Collector:
    from .django.collector import COLLECTOR

    return COLLECTOR


def _haproxy() -> Collector:
    from .haproxy.collector import COLLECTOR

    return COLLECTOR


def _memcached() -> Collector:
    from .memcached.collector import COLLECTOR

    return COLLECTOR


def _mysql() -> Collector:
    from .mysql.collector import COLLECTOR

    return COLLECTOR


def _nginx() -> Collector:
    from .nginx.collector import COLLECTOR

    return COLLECTOR


def _pgbouncer() -> Collector:
    from .pgbouncer.collector import COLLECTOR

    return COLLECTOR


def _postgresql() -> Collector:
    from .postgresql.collector import COLLECTOR

    return COLLECTOR


def _redis() -> Collector:
    from .redis.collector import COLLECTOR

    return COLLECTOR


def _server() -> Collector:
    from .server.collector import COLLECTOR

    return COLLECTOR


def _site() -> Collector:
    from .site.collector import COLLECTOR

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


def _wsgi() -> Collector:
    from .wsgi.collector import COLLECTOR

    return COLLECTOR


class Compared(t.NamedTuple):
    """A measure in which hosts of one kind are alike, and from where on one of them is an outlier: so far from their median."""

    path: str
    title: str
    share: float  # of the median
    least: float


@dataclasses.dataclass(frozen=True)
class Service:
    """One service. Without a collector it exists once for the fleet, made on the control node from the facts of several hosts."""

    name: str
    title: str
    #: The cockpit's window; an instance on a host makes the host one of this tier (MACHINES makes none).
    tier: str
    collector: t.Optional[t.Callable[[], Collector]] = None
    module: t.Optional[str] = None
    #: Words of which at least one stands in the name or command line of any process that the collector's discovery can find (in any case
    #: of letters); no words: always worth a look.
    process_words: tuple[str, ...] = ()
    #: The column of the board that its findings stand in, when it is not its own.
    under: t.Optional[str] = None
    #: Checks whose values a war room follows: the time series on the page of a watch.
    followed: tuple[str, ...] = ()
    #: Whether a host is searched for it, when its services are `auto`.
    searched: bool = True
    #: The only phase in which it is gathered by a check; None: in both.
    phase: t.Optional[str] = None
    #: None where hosts differ by their work: a primary and its replicas, the keys of a cache, the queues of a worker.
    compared: tuple[Compared, ...] = ()

    @property
    def fleet(self) -> bool:
        return self.collector is None

    @property
    def column(self) -> str:
        return self.under or self.name


#: In the order of a request's way through the stack, which is that of boards, panels and windows.
ROWS: tuple[Service, ...] = (
    Service(
        "server", "Server", MACHINES, _server, "server_stats",
        followed=("server_load",),
        compared=(Compared("load_ratio", "load per core", 1.5, 0.8),),
    ),
    Service("site", "Site from outside", "visitors", _site, "site_stats", under="visitors", searched=False, phase="before"),
    Service("visitors", "Visitors", "visitors"),
    Service(
        "haproxy", "HAProxy", "edge", _haproxy, "haproxy_stats", ("haproxy", "hapee-lb"), followed=("haproxy_queue", "haproxy_connections"),
        compared=(Compared("requests_per_second", "requests per second", 0.6, 5.0),),
    ),
    Service(
        "nginx", "nginx", "edge", _nginx, "nginx_stats", ("nginx", "angie", "openresty", "tengine"),
        followed=("nginx_connections", "nginx_response_time"),
        compared=(Compared("requests_per_second", "requests per second", 0.6, 5.0),),
    ),
    Service(
        "varnish", "Varnish", "accelerator", _varnish, "varnish_stats", ("varnish", "vinyl"),
        followed=("varnish_hit_ratio", "varnish_pass_ratio"),
        compared=(Compared("judged.hit_ratio_true", "hit ratio", 0.3, 0.2),),
    ),
    Service("varnish_traffic", "Varnish traffic", "accelerator", _varnish_traffic, "varnish_traffic", ("varnish", "vinyl"), "varnish"),
    Service("accelerator_bypass", "Traffic around Varnish", "accelerator", under="varnish"),
    Service(
        "uwsgi", "uWSGI", "application", _uwsgi, "uwsgi_stats", ("uwsgi",),
        followed=("uwsgi_workers_busy", "uwsgi_response_time"),
        compared=(
            Compared("mean_response_seconds", "response time", 1.5, 0.3),
            Compared("requests_per_second", "requests per second", 0.6, 5.0),
        ),
    ),
    Service("django", "Django", "application", _django, "django_stats", searched=False, phase="before"),
    Service(
        "wsgi", "Gunicorn and ASGI", "application", _wsgi, "wsgi_stats", ("gunicorn", "uvicorn", "granian", "daphne", "hypercorn"),
        followed=("wsgi_workers_busy",),
        compared=(Compared("busy_ratio", "busy workers", 1.5, 0.3),),
    ),
    Service(
        "memcached", "memcached", "cache", _memcached, "memcached_stats", ("memcached", "mcrouter"), followed=("memcached_hit_ratio",),
    ),
    Service("memcached_pool", "memcached pool", "cache", under="memcached"),
    Service("redis", "Redis", "store", _redis, "redis_stats", ("redis", "valkey"), followed=("redis_memory_left",)),
    Service("celery", "Celery", "queue", _celery, "celery_stats", ("celery",)),
    Service("celery_queue", "Celery queues", "queue", under="celery", followed=("celery_queue_growth",)),
    Service("pgbouncer", "PgBouncer", "database", _pgbouncer, "pgbouncer_stats", ("pgbouncer",), followed=("pgbouncer_waiting",)),
    Service(
        "postgresql", "PostgreSQL", "database", _postgresql, "postgresql_stats", ("postgres", "postmaster"),
        followed=("postgresql_connections",),
    ),
    Service("mysql", "MySQL", "database", _mysql, "mysql_stats", ("mysqld", "mariadbd"), followed=("mysql_connections",)),
    Service("database_clients", "Database clients", "database", under="database"),
    Service("connection_budget", "Connection budget", "database", under="database"),
    Service("checklist", "Launch checklist", MACHINES, _checklist, "checklist_stats", under="server", searched=False, phase="before"),
    Service("backup", "Backup", MACHINES, _backup, "backup_stats", under="server", searched=False, phase="before"),
    Service("django_servers", "Django servers compared", "application", under="django", phase="before"),
    Service("siblings", "Hosts of one kind", MACHINES, under="server"),
)  # fmt: skip

#: Those that are gathered on hosts.
GATHERED: dict[str, Service] = {row.name: row for row in ROWS if not row.fleet}


def collector(service: str) -> Collector:
    """The collector of a service (one of GATHERED)."""
    load = GATHERED[service].collector
    if load is None:
        raise KeyError(service)
    return load()


def may_run(service: str, tools: HostTools) -> bool:
    """Whether looking for instances of the service can find any: a cheap first look at the process table."""
    if not GATHERED[service].searched:
        return False
    words = GATHERED[service].process_words
    if not words or tools.processes.filtered:
        return True
    titles = ((process.name + " " + " ".join(process.argv)).lower() for process in tools.processes.rows)
    return any(word in title for title in titles for word in words)
