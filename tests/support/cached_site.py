# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small real site: uWSGI workers that keep what PostgreSQL computes in memcached, and visitors of it."""

from __future__ import annotations

import contextlib
import sys
import threading
import typing as t

from ansible_collections.warroom.launch.plugins.module_utils._collect.host_tools import HostTools
from ansible_collections.warroom.launch.plugins.module_utils._collect.options import instances_of
from ansible_collections.warroom.launch.plugins.module_utils._collect.run import gather
from ansible_collections.warroom.launch.plugins.module_utils._collectors.memcached.collector import COLLECTOR as MEMCACHED
from ansible_collections.warroom.launch.plugins.module_utils._collectors.postgresql.collector import COLLECTOR as POSTGRESQL
from ansible_collections.warroom.launch.plugins.module_utils._collectors.uwsgi.collector import COLLECTOR as UWSGI

from .memcached import Memcached
from .postgresql import Postgres
from .tools import RealCommands
from .uwsgi import Uwsgi

SERVICES = ["uwsgi", "memcached", "postgresql"]

#: `/top`: an expensive list, kept for a second. `/guarded`: the same, which one worker computes while the others show the old one.
#: `/each`: the same for each visitor, with a session that is stored and a key that is never there. `/orders`: the orders of a customer.
APPLICATION = """
import random
import psycopg
from pymemcache.client.base import Client

PLACE = {place!r}
EXPENSIVE = "SELECT count(*), pg_sleep(0.4) FROM shop_day"
kept = {{}}

def database():
    if "database" not in kept:
        kept["database"] = psycopg.connect(PLACE, autocommit=True)
    return kept["database"]

def cache():
    if "cache" not in kept:
        kept["cache"] = Client(("127.0.0.1", {cache}), no_delay=True, timeout=10)
    return kept["cache"]

def compute():
    return str(database().execute(EXPENSIVE).fetchone()[0]).encode()

def top():
    value = cache().get("top")
    if value is None:
        value = compute()
        cache().set("top", value, expire=1, noreply=False)
    return value

def guarded():
    value = cache().get("guarded")
    if value is None and cache().add("guarded-lock", b"1", expire=5, noreply=False):
        value = compute()
        cache().set("guarded", value, expire=1, noreply=False)
        cache().set("guarded-old", value, expire=60, noreply=False)
        cache().delete("guarded-lock")
    return value or cache().get("guarded-old") or b"soon"

def each():
    cache().get("throttle-%d" % random.randrange(10**9))
    cache().get("short")
    value = compute()
    cache().set("session-%d" % random.randrange(3), value, expire=60, noreply=False)
    cache().set("short", value, expire=1, noreply=False)
    return value

def orders():
    number = random.randrange(5000)
    return str(database().execute("SELECT count(note) FROM shop_order WHERE customer_id = %s", (number,)).fetchone()[0]).encode()

PAGES = {{"/top": top, "/guarded": guarded, "/each": each, "/orders": orders}}

def application(environ, start_response):
    page = PAGES.get(environ["PATH_INFO"])
    body = page() if page else b"ok"
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [body]
"""

INDEX = "create index shop_order_customer on shop_order (customer_id);"

TABLES = f"""
create extension if not exists pg_stat_statements;
create table shop_day (day int primary key); insert into shop_day select generate_series(1, 31);
create table shop_order (id int primary key, customer_id int, note text);
insert into shop_order select n, n % 5000, repeat('x', 100) from generate_series(1, 150000) n; {INDEX} analyze shop_order, shop_day;
"""


class Site(Uwsgi):
    def __init__(self, database: Postgres, cache: Memcached, processes: int = 6) -> None:
        packages = next(path for path in sys.path if path.endswith("site-packages"))
        super().__init__(f"pythonpath = {packages}", processes=processes)
        self.database, self.cache = database, cache

    def prepare(self) -> None:
        super().prepare()
        place = f"host=127.0.0.1 port={self.database.port} user=warroom dbname=postgres application_name=uwsgi"
        (self.dir / "app.py").write_text(APPLICATION.format(place=place, cache=self.cache.port))

    @contextlib.contextmanager
    def visited(self, path: str, visitors: int = 12) -> t.Iterator[None]:
        """So many visitors ask again and again, and take a moment to read."""
        over = threading.Event()

        def visit() -> None:
            while not over.wait(0.02):
                with contextlib.suppress(OSError):
                    self.get(path)

        threads = [threading.Thread(target=visit) for _each in range(visitors)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            over.set()
            for thread in threads:
                thread.join()

    def facts(self, window: float = 4.0) -> dict[str, t.Any]:
        """What the modules say of its three services."""
        places = [(UWSGI, {"stats": self.stats}), (MEMCACHED, {"address": self.cache.address}), (POSTGRESQL, self.database.place)]
        asked = [(collector, entry) for collector, options in places for entry in instances_of(collector, [options], {}) or ()]
        return gather(asked, window, HostTools(RealCommands(), timeout=5.0))


@contextlib.contextmanager
def site(**settings: t.Any) -> t.Iterator[Site]:
    with Postgres(**settings) as database, Memcached() as cache:
        database.psql(TABLES)
        with Site(database, cache) as running:
            yield running
