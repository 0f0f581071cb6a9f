# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Wait until the traffic flows, the caches are warm and the symptom of each story shows."""

import json
import subprocess
import time
import typing as t
import urllib.error
import urllib.request

import redis
from django.conf import settings
from django.core.management import BaseCommand, CommandError
from psycopg.rows import dict_row

from shop.direct import postgresql

Sample = dict[str, float]

ANSWERED = ("cache_hit", "cache_miss", "s_pass", "s_pipe")
#: A thread of Varnish adds up what its clients did when it comes to rest: while they never let it, only its fetches are counted.
COUNTERS = (*ANSWERED, "backend_req")


def nginx() -> Sample:
    """Requests that it has begun to answer, our own for this among them."""
    with urllib.request.urlopen(f"http://127.0.0.1:{settings.PORTS['nginx_status']}/status", timeout=5) as page:
        words = page.read().decode().split()
    return {"requests": float(words[words.index("requests") + 3])}


def varnish() -> Sample:
    command = ["varnishstat", "-n", settings.CONFIG["varnish_dir"], "-t", "0", "-1", "-j"]
    done = subprocess.run(command, capture_output=True, check=True, timeout=10)
    counters = json.loads(done.stdout)["counters"]
    return {name: counters[f"MAIN.{name}"]["value"] for name in COUNTERS}


def sessions(condition: str) -> int:
    """Sessions of PostgreSQL that are as described; only a monitor sees those of others."""
    with postgresql("monitor") as db:
        return db.execute(f"SELECT count(*) FROM pg_stat_activity WHERE {condition}").fetchone()[0]


def delta(after: Sample, before: Sample) -> Sample:
    return {name: after[name] - before[name] for name in after}


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: t.Any) -> None:
        parser.add_argument("--seconds", type=float, default=120)

    def handle(self, *_args: t.Any, **options: t.Any) -> None:
        deadline = time.monotonic() + options["seconds"]
        for what, condition in self.conditions():
            while not self.holds(condition):
                if time.monotonic() > deadline:
                    raise CommandError(f"not within {options['seconds']:.0f} s: {what}")

    @staticmethod
    def holds(condition: t.Callable[[], bool]) -> bool:
        try:
            return condition()
        except (subprocess.SubprocessError, urllib.error.URLError, KeyError, ValueError):  # the front is still starting
            time.sleep(0.5)
            return False

    def conditions(self) -> t.Iterator[tuple[str, t.Callable[[], bool]]]:
        if "table_lock" in settings.STORIES:
            # first: soon every visitor waits behind one who waits for the table, and traffic stops
            waiting = "wait_event_type = 'Lock' AND now() - query_start > '2s'"
            yield "sessions wait for the table that the migration has locked", lambda: self.seen(waiting)
        else:
            yield "requests flow", self.flows
        if not (settings.MODERN or {"cold_cache", "table_lock"} & set(settings.STORIES)):
            yield "nine of ten requests are answered by Varnish's cache", self.warm
        if "broker_full" in settings.STORIES:
            yield "Redis takes nothing more", self.full
        if "pool_too_small" in settings.STORIES:
            yield "clients wait for a connection of PgBouncer", self.queues_for_a_connection
        if "queue_backlog" in settings.STORIES:
            yield "tasks wait in the queue", lambda: self.queued() > 60
        elif "pool_too_small" not in settings.STORIES:  # there tasks, too, wait for a connection
            yield "the queue is drained", lambda: self.queued() < 20
        if "rogue_client" in settings.STORIES:
            running = "usename = 'reporting' AND state = 'active' AND now() - query_start > '1s'"
            yield "the rogue client's queries run", lambda: self.seen(running)
        if "idle_in_transaction" in settings.STORIES:
            leaked = "state = 'idle in transaction' AND now() - state_change > '6s'"
            yield "a leaked transaction blocks others", lambda: self.seen(leaked)

    def over(self, seconds: float, look: t.Callable[[], Sample]) -> Sample:
        before = look()
        time.sleep(seconds)
        return delta(look(), before)

    def flows(self) -> bool:
        if settings.MODERN:
            # who waits for a worker asks nothing else meanwhile
            return self.over(1, nginx)["requests"] > 4
        # when every request needs a worker and all workers are busy, hardly any gets through: that is the disaster itself
        least = 2 if {"cold_cache", "workers_exhausted"} <= set(settings.STORIES) else 20
        now = self.over(1, varnish)
        return max(sum(now[name] for name in ANSWERED), now["backend_req"]) > least

    def warm(self) -> bool:
        now = self.over(2, varnish)
        return now["cache_hit"] >= 0.9 * sum(now[name] for name in ANSWERED) > 0

    @staticmethod
    def queued() -> float:
        time.sleep(0.2)
        with redis.Redis(port=settings.PORTS["redis"]) as broker:
            return float(broker.llen("celery"))

    @staticmethod
    def full() -> bool:
        time.sleep(0.3)
        with redis.Redis(port=settings.PORTS["redis"]) as server:
            memory = server.info("memory")
        return bool(memory["used_memory"] >= 0.99 * memory["maxmemory"])

    @staticmethod
    def queues_for_a_connection() -> bool:
        time.sleep(0.3)
        with postgresql("monitor", "pgbouncer", port=settings.PORTS["pgbouncer"]) as console:
            rows = console.cursor(row_factory=dict_row).execute("SHOW POOLS").fetchall()
        return any(row["cl_waiting"] and row["maxwait"] >= 1 for row in rows)

    @staticmethod
    def seen(condition: str) -> bool:
        time.sleep(0.3)
        return sessions(condition) > 0
