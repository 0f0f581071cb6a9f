# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults of caches, queues, databases and the machine: other programs, commands and signals. A knob is how bad it gets."""

from __future__ import annotations

import contextlib
import os
import signal
import typing as t

from .stack import Stack

Fault = t.Iterator[None]


@contextlib.contextmanager
def frozen(stack: Stack, programs: str) -> Fault:
    """Processes that are stopped: they hold their ports and do not answer."""
    with contextlib.ExitStack() as frozen_ones:
        for program in programs.split():
            frozen_ones.enter_context(stack.frozen(program))
        yield


@contextlib.contextmanager
def stopped(stack: Stack, program: str) -> Fault:
    stack.supervisor("stop", program)
    try:
        yield
    finally:
        stack.supervisor("start", program)


# memcached

FLOOD = """
import random, sys, time, django
django.setup()
from django.core.cache import cache
while True:
    cache.set_many({f"flood:{random.randrange(10**9)}": "x" * 8000 for _each in range(int(sys.argv[1]))})
    time.sleep(0.1)
"""


@contextlib.contextmanager
def small_cache(stack: Stack, sets_per_second: int) -> Fault:
    """The application puts more into its pool than fits."""
    with stack.running(FLOOD, sets_per_second // 10):
        yield


@contextlib.contextmanager
def emptied(stack: Stack, every: float) -> Fault:
    def flush() -> None:
        for number in (1, 2, 3):
            stack.memcached(number, "flush_all\r\n")

    with stack.repeated(flush, every):
        yield


@contextlib.contextmanager
def other_servers(stack: Stack, known: int) -> Fault:
    """A client that knows fewer of the servers, and one hot key."""
    names = repr([f"memcached_{number}" for number in range(1, known + 1)])
    hot = "for _each in range(60):\n        cache.get('product:0')\n    orders = Order"
    old = 'else ["memcached_1", "memcached_2", "memcached_3"]'
    with stack.release("shop/settings.py", (old, f"else {names}")), stack.release("shop/views.py", ("orders = Order", hot)):
        yield


# queues

PRODUCER = """
import sys, time, itertools, django
django.setup()
from shop.tasks import charge_card
for number in itertools.count():
    charge_card.delay(number * 4 + int(sys.argv[2]))
    time.sleep(float(sys.argv[1]))
"""


@contextlib.contextmanager
def producer(stack: Stack, per_second: float) -> Fault:
    """Tasks of 0.4 s each; the worker has two slots."""
    with stack.running(PRODUCER, 1 / per_second, 1, name="producer"):  # none of them fails
        yield
    stack.broker().delete("celery")


@contextlib.contextmanager
def failing_tasks(stack: Stack, per_second: float) -> Fault:
    with stack.running(PRODUCER, 1 / per_second, 0, name="producer"):
        yield


@contextlib.contextmanager
def no_consumer(stack: Stack, _knob: float) -> Fault:
    """The worker is told to leave the queue."""
    control = "import django, sys\ndjango.setup()\nfrom shop.tasks import app\napp.control.{}_consumer('celery')"
    with stack.running(control.format("cancel")) as process:
        process.wait(60)
    try:
        yield
    finally:
        with stack.running(control.format("add")) as process:
            process.wait(60)


@contextlib.contextmanager
def stuck_slots(stack: Stack, each: int) -> Fault:
    """One task of so many waits for what never comes; the worker has two slots."""
    change = f"time.sleep(600 if order % {each} == 0 else 0)\n    Order.objects"
    with stack.release("shop/tasks.py", ("Order.objects", change), program="celery"):
        yield
        for pid in stack.pids("celery"):  # it would wait for its tasks
            os.kill(pid, signal.SIGKILL)
    stack.broker().delete("celery", "unacked", "unacked_index")


@contextlib.contextmanager
def full_broker(stack: Stack, headroom: int) -> Fault:
    with stack.broker() as broker:
        broker.config_set("maxmemory", int(broker.info("memory")["used_memory"]) + headroom)
    try:
        yield
    finally:
        with stack.broker() as broker:
            broker.config_set("maxmemory", 0)


BUSY = """
local began = redis.call('TIME')
repeat
    local now = redis.call('TIME')
    local passed = (now[1] - began[1]) * 1000 + (now[2] - began[2]) / 1000
until passed > tonumber(ARGV[1])
"""


@contextlib.contextmanager
def slow_broker(stack: Stack, milliseconds: int) -> Fault:
    """A script that keeps the broker busy, every second."""
    with stack.repeated(lambda: stack.broker().eval(BUSY, 0, milliseconds), 1):
        yield


# databases


@contextlib.contextmanager
def no_index(stack: Stack, visits_per_second: float) -> Fault:
    from .faults_web import visits  # pylint: disable=import-outside-toplevel # the one thing that is shared

    with stack.postgresql() as db:
        db.execute("DROP INDEX IF EXISTS shop_order_customer_idx")
    try:
        with visits(stack, "/account/", visits_per_second, cookie="sessionid=member-7"):
            yield
    finally:
        with stack.postgresql() as db:
            db.execute("CREATE INDEX IF NOT EXISTS shop_order_customer_idx ON shop_order (customer_id)")


REPORTING = """
import sys, threading
from shop.direct import postgresql
QUERY = '''SELECT count(*), sum(o.total) FROM shop_order o JOIN shop_customer c ON c.id = o.customer_id,
LATERAL (SELECT pg_sleep(CASE WHEN o.id % 40000 = 0 THEN 0.05 ELSE 0 END)) pause'''
def run():
    with postgresql("reporting", application_name="warehouse-sync") as db:
        while True:
            db.execute(QUERY).fetchone()
for _each in range(int(sys.argv[1])):
    threading.Thread(target=run).start()
"""


@contextlib.contextmanager
def unknown_client(stack: Stack, sessions: int) -> Fault:
    with stack.running(REPORTING, sessions):
        yield


@contextlib.contextmanager
def forgotten_commit(stack: Stack, share: float) -> Fault:
    """A session that holds the locks of a share of the customers in a transaction that it does not end: their orders wait."""
    with stack.postgresql("shop", "invoices") as leaking:
        leaking.execute("BEGIN")
        leaking.execute("SELECT 1 FROM shop_customer WHERE id <= %s FOR UPDATE", [max(1, round(20_000 * share))])
        yield
        leaking.execute("ROLLBACK")


@contextlib.contextmanager
def locked_table(stack: Stack, share: float) -> Fault:
    """A migration that holds a table for this share of the time, 4 s in turn."""
    with stack.postgresql("shop", "migrate") as db:

        def migrate() -> None:
            with db.transaction():
                db.execute("LOCK TABLE shop_order IN ACCESS EXCLUSIVE MODE")
                db.execute("SELECT pg_sleep(%s)", [4 * share])

        with stack.repeated(migrate, 4 * (1 - share)):
            yield


@contextlib.contextmanager
def mariadb_locked(stack: Stack, share: float) -> Fault:
    """A maintenance job that holds the old catalogue for this share of the time, 4 s in turn."""
    with stack.mariadb() as db:
        cursor = db.cursor()

        def maintain() -> None:
            cursor.execute("LOCK TABLES shop_oldproduct WRITE")
            cursor.execute("SELECT SLEEP(%s)", [4 * share])
            cursor.execute("UNLOCK TABLES")

        with stack.repeated(maintain, 4 * (1 - share)):
            yield


@contextlib.contextmanager
def idle_sessions(stack: Stack, left: int) -> Fault:
    """A pool of clients keeps nearly all connections, and the application, reloaded, finds these few."""
    with _taken(stack, lambda: stack.postgresql("shop", "pool"), left):
        yield


@contextlib.contextmanager
def mariadb_sessions(stack: Stack, left: int) -> Fault:
    with _taken(stack, stack.mariadb, left):
        yield


@contextlib.contextmanager
def _taken(stack: Stack, connect: t.Callable[[], t.Any], left: int) -> t.Iterator[None]:
    """All connections that can be had but so many, those that the application gives back as well."""
    taken: list[t.Any] = []

    def take() -> None:
        while True:
            taken.append(connect())

    try:
        with stack.repeated(take, 0.02):
            stack.reload(stack.application)
        for _each in range(min(left, len(taken))):
            taken.pop().close()
        yield
    finally:
        for session in taken:
            session.close()


# the machine

WRITER = """
import os, sys, time
fd = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_DSYNC)
block = b"x" * 2**20
while True:
    os.pwrite(fd, block, 0)
    time.sleep(1 / float(sys.argv[2]))
"""


@contextlib.contextmanager
def cpu_hog(stack: Stack, processes: int) -> Fault:
    hogs = [stack.running("while True: pass") for _each in range(processes)]
    with contextlib.ExitStack() as running:
        for hog in hogs:
            running.enter_context(hog)
        yield


@contextlib.contextmanager
def disk_writer(stack: Stack, megabytes_per_second: float) -> Fault:
    path = stack.dir / "data" / "writer"
    with stack.running(WRITER, path, megabytes_per_second):
        yield
    path.unlink(missing_ok=True)


# ordinary, planned work: nothing to name


@contextlib.contextmanager
def log_rotation(stack: Stack, _knob: float) -> Fault:
    for program in (stack.application, "celery", stack.front):
        stack.supervisor("clear", program)
    yield


@contextlib.contextmanager
def known_report(stack: Stack, every: float) -> Fault:
    """The daily report of a known client."""
    with (
        stack.postgresql("shop", "shop") as db,
        stack.repeated(lambda: db.execute("SELECT customer_id, sum(total) FROM shop_order GROUP BY 1 ORDER BY 2 DESC LIMIT 10"), every),
    ):
        yield


@contextlib.contextmanager
def backup(stack: Stack, _knob: float) -> Fault:
    with stack.postgresql("shop", "shop") as db, db.cursor() as cursor, cursor.copy("COPY shop_order TO STDOUT") as rows:
        for _row in rows:
            pass
    yield


@contextlib.contextmanager
def housekeeping(stack: Stack, statement: str) -> Fault:
    with stack.postgresql("shop", "shop") as db:
        db.execute(statement)  # type: ignore[call-overload]
        yield
        db.execute("DROP INDEX IF EXISTS points_now")


@contextlib.contextmanager
def graceful_reload(stack: Stack, _knob: float) -> Fault:
    stack.reload(stack.application)
    yield


@contextlib.contextmanager
def published_page(stack: Stack, every: float) -> Fault:
    """An editor publishes: one URL is banned."""
    with stack.repeated(lambda: stack.varnishadm("ban", "req.url == /product/7/"), every):
        yield


@contextlib.contextmanager
def burst_of_tasks(stack: Stack, count: int) -> Fault:
    code = (
        "import django, sys\ndjango.setup()\nfrom shop.tasks import send_receipt\nfor n in range(int(sys.argv[1])): send_receipt.delay(n)"
    )
    with stack.running(code, count, name="newsletter") as process:
        process.wait(60)
        yield


@contextlib.contextmanager
def background_save(stack: Stack, _knob: float) -> Fault:
    with stack.broker() as broker:
        broker.bgsave()
    yield


@contextlib.contextmanager
def health_checks(stack: Stack, every: float) -> Fault:
    with stack.repeated(lambda: stack.memcached(1, "version\r\n"), every), stack.repeated(lambda: stack.broker().ping(), every):
        yield


@contextlib.contextmanager
def more_visitors(stack: Stack, per_second: float) -> Fault:
    from .faults_web import visits  # pylint: disable=import-outside-toplevel # the one thing that is shared

    with visits(stack, "/", per_second):
        yield
