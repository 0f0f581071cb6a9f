# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults of what only the modern stack has: nginx, Gunicorn, PgBouncer, and a Redis that is cache and broker. A knob is how bad it gets."""

from __future__ import annotations

import contextlib
import typing as t

from .faults_data import FLOOD, Fault
from .faults_web import SLOW_CLIENTS, slow_page, visits
from .stack import Stack


@contextlib.contextmanager
def sync_workers(stack: Stack, seconds: float) -> Fault:
    """Workers of one request each, and a page that waits."""
    one_each = ("--workers 2 --worker-class gthread --threads 3", "--workers 6 --worker-class sync")
    with stack.commanded("gunicorn", one_each), slow_page(stack, seconds):
        yield


@contextlib.contextmanager
def small_pool(stack: Stack, size_and_seconds: tuple[int, float]) -> Fault:
    """A pooler with few connections to the database, and a page that keeps its own while it waits for somebody else."""
    size, seconds = size_and_seconds
    story = 'if "pool_too_small" in settings.STORIES else'
    kept = (f"with transaction.atomic() {story} contextlib.nullcontext():", "with transaction.atomic():")
    asked = (f'.count() {story} "done"', ".count()")
    with (
        stack.configured("pgbouncer.ini", ("default_pool_size = 15", f"default_pool_size = {size}"), program="pgbouncer"),
        stack.release("shop/views.py", kept, asked, ("time.sleep(", f"time.sleep({seconds} or ")),
        visits(stack, "/report/", 8, clients=12, cookie="sessionid=analyst-2"),
    ):
        yield


@contextlib.contextmanager
def unreachable_upstream(stack: Stack, _knob: float) -> Fault:
    """The address of the application is mistyped."""
    place = "upstream shop {\n        server 127.0.0."
    with stack.configured("nginx.conf", (f"{place}1", f"{place}2"), program="nginx"):
        yield


@contextlib.contextmanager
def few_edge_connections(stack: Stack, clients: int) -> Fault:
    """Clients that never end their request hold nearly all connections that the edge may have."""
    fewer = ("worker_connections 512", "worker_connections 100")
    with stack.configured("nginx.conf", fewer, program="nginx"), stack.running(SLOW_CLIENTS, stack.ports["nginx"], clients):
        yield


@contextlib.contextmanager
def evicting_broker(stack: Stack, sets_per_second: int) -> Fault:
    """One Redis for cache and tasks, at its limit, that throws out what was not used for long."""
    with stack.broker() as broker:
        broker.config_set("maxmemory", int(broker.info("memory")["used_memory"]) + 2**19)
        broker.config_set("maxmemory-policy", "allkeys-lru")
    try:
        with stack.running(FLOOD, sets_per_second // 10):
            yield
    finally:
        with stack.broker() as broker:
            broker.config_set("maxmemory", 0)
            broker.config_set("maxmemory-policy", "noeviction")


def emptied_cache(stack: Stack, every: float) -> contextlib.AbstractContextManager[None]:
    """The cache's database is emptied again and again; the tasks are in another one."""

    def flush() -> None:
        with stack.broker(1) as cache:
            cache.flushdb()

    return stack.repeated(flush, every)


@contextlib.contextmanager
def renewed(stack: Stack, program: str) -> t.Iterator[None]:
    """A program reads its configuration again."""
    stack.supervisor("signal", "HUP", program)
    yield
