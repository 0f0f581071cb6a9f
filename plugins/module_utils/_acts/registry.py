# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of acts: name and service → how it is done."""

from __future__ import annotations

import typing as t

from .act import Act
from .add_uwsgi_workers import AddUwsgiWorkers
from .add_wsgi_workers import AddWsgiWorkers
from .cache_urls import CacheUrls
from .consume_celery_queue import ConsumeCeleryQueue
from .create_mysql_index import CreateMysqlIndex
from .create_postgresql_index import CreatePostgresqlIndex
from .drain_haproxy_server import DrainHaproxyServer
from .end_mysql_session import EndMysqlSession
from .end_postgresql_session import EndPostgresqlSession
from .grow_celery_pool import GrowCeleryPool
from .limit_mysql_client import LimitMysqlClient
from .limit_postgresql_client import LimitPostgresqlClient
from .limit_task_rate import LimitTaskRate
from .raise_maxmemory import RaiseMaxmemory
from .raise_pool_size import RaisePoolSize

#: (act, service) → its class.
ACTS: dict[tuple[str, str], type[Act]] = {
    ("end_session", "postgresql"): EndPostgresqlSession,
    ("end_session", "mysql"): EndMysqlSession,
    ("create_index", "mysql"): CreateMysqlIndex,
    ("create_index", "postgresql"): CreatePostgresqlIndex,
    ("limit_client", "mysql"): LimitMysqlClient,
    ("limit_client", "postgresql"): LimitPostgresqlClient,
    ("add_workers", "uwsgi"): AddUwsgiWorkers,
    ("add_workers", "wsgi"): AddWsgiWorkers,
    ("cache_urls", "varnish"): CacheUrls,
    ("consume_queue", "celery"): ConsumeCeleryQueue,
    ("grow_pool", "celery"): GrowCeleryPool,
    ("rate_limit", "celery"): LimitTaskRate,
    ("drain_server", "haproxy"): DrainHaproxyServer,
    ("raise_maxmemory", "redis"): RaiseMaxmemory,
    ("raise_pool_size", "pgbouncer"): RaisePoolSize,
}

NAMES: t.Final = tuple(sorted({name for name, _service in ACTS}))
