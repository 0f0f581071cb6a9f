# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bring databases, caches and queue to what the stories ask for: seeded, indexed (or not), warm, empty."""

import json
import time
import typing as t

import psycopg
import redis
from django.conf import settings
from django.core.cache import cache
from django.core.management import BaseCommand, call_command
from django.db import OperationalError, connections, transaction
from psycopg import sql

from shop.direct import postgresql
from shop.management.commands.archive import ARCHIVE
from shop.models import OldAddress, OldProduct
from shop.views import CUSTOMERS, PRODUCTS

ORDERS = 200_000
#: Role → the roles that it is a member of, each after those.
ROLES: dict[str, tuple[str, ...]] = {
    "shop": (),
    "monitor": ("pg_monitor",),
    "reporting": ("pg_read_all_data",),
    "responder": ("pg_monitor", "pg_signal_backend", "shop"),
}
#: What acts may limit an unknown client; from PostgreSQL 16 on that takes the right to administer its role, too.
MAY_LIMIT = "ALTER ROLE responder CREATEROLE; GRANT reporting TO responder WITH ADMIN OPTION"
INDEX = "shop_order_customer_idx"


def eventually(connect: t.Callable[[], t.Any], seconds: float = 30) -> t.Any:
    """A server that accepts connections may still be starting up."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return connect()
        except (psycopg.OperationalError, OperationalError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


class Command(BaseCommand):
    help = __doc__

    def handle(self, *_args: t.Any, **_options: t.Any) -> str:
        self.changes: list[str] = []
        self.postgresql()
        self.tables()
        self.customers()
        self.legacy()
        self.index()
        self.archive()
        self.cached()
        self.queue()
        return json.dumps({"changed": self.changes})

    def postgresql(self) -> None:
        """Roles, database and pg_stat_statements."""
        with eventually(lambda: postgresql("postgres", "postgres")) as db:
            there = {name for (name,) in db.execute("SELECT rolname FROM pg_roles")}
            for role, groups in ROLES.items():
                if role not in there:
                    self.changes.append(f"role {role}")
                    name, password = sql.Identifier(role), sql.Literal(settings.CONFIG["password"])
                    db.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(name, password))
                    for group in groups:
                        db.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(group), name))
                    if role == "responder":
                        db.execute(MAY_LIMIT)
            if not db.execute("SELECT 1 FROM pg_database WHERE datname = 'shop'").fetchone():
                self.changes.append("database shop")
                db.execute("CREATE DATABASE shop OWNER shop")
        with postgresql("postgres") as db:
            db.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")

    def tables(self) -> None:
        for alias, table in (("default", "shop_order"), ("legacy", "shop_oldaddress")):
            if alias not in settings.DATABASES:
                continue
            connection = connections[alias]
            eventually(connection.ensure_connection)
            if table not in connection.introspection.table_names():
                self.changes.append(f"tables of {alias}")
                call_command("migrate", database=alias, verbosity=0)

    def customers(self) -> None:
        with connections["default"].cursor() as db:
            db.execute("SELECT 1 FROM shop_order LIMIT 1")
            if db.fetchone():
                return
            self.changes.append("customers and orders")
            db.execute("INSERT INTO shop_customer (name, points) SELECT 'Customer ' || n, 0 FROM generate_series(1, %s) n", [CUSTOMERS])
            db.execute(
                "INSERT INTO shop_order (customer_id, total, placed_at, paid)"
                " SELECT 1 + (n * 7919::bigint) %% %s, n %% 90 + 1, now() - n * interval '1 minute', true FROM generate_series(1, %s) n",
                [CUSTOMERS, ORDERS],
            )
            db.execute("VACUUM ANALYZE")

    def legacy(self) -> None:
        if OldAddress.objects.exists():
            return
        self.changes.append("old catalogue")
        OldProduct.objects.bulk_create(OldProduct(name=f"Old product {n}", category=n % 100, stock=n % 30) for n in range(8000))
        OldAddress.objects.bulk_create(OldAddress(old_number=n, target=f"/product/{n % PRODUCTS}/") for n in range(1000))
        if "legacy" in settings.DATABASES:
            with connections["legacy"].cursor() as db:
                db.execute("ANALYZE TABLE shop_oldproduct, shop_oldaddress")
                db.fetchall()

    def index(self) -> None:
        """missing_index drops the foreign key's index; every other story has it."""
        wanted = "missing_index" not in settings.STORIES
        # in one transaction: behind PgBouncer a setting must end with it
        with transaction.atomic(), connections["default"].cursor() as db:
            db.execute("SELECT 1 FROM pg_indexes WHERE indexname = %s", [INDEX])
            if bool(db.fetchone()) == wanted:
                return
            self.changes.append(f"index {INDEX}")
            # a statement that reads the table must not make everybody queue behind us
            db.execute("SET LOCAL lock_timeout = '10s'")
            db.execute(f"CREATE INDEX {INDEX} ON shop_order (customer_id)" if wanted else f"DROP INDEX {INDEX}")
            db.execute("ANALYZE shop_order")

    def archive(self) -> None:
        """What the story broker_full left behind: nothing could be written before it is gone."""
        if "broker_full" in settings.STORIES:
            return
        with redis.Redis(port=settings.PORTS["redis"]) as server:
            left = list(server.scan_iter(f"{ARCHIVE}*", count=1000))
            if left:
                self.changes.append("archive")
                server.unlink(*left)

    def cached(self) -> None:
        keys = {f"product:{number}": f"Product {number} " + "x" * 300 for number in range(PRODUCTS)}
        if len(cache.get_many(list(keys))) < len(keys):
            self.changes.append("cache")
            cache.set_many(keys)

    def queue(self) -> None:
        """What the story queue_backlog left behind goes with it."""
        if "queue_backlog" in settings.STORIES:
            return
        with redis.Redis(port=settings.PORTS["redis"]) as broker:
            if broker.llen("celery") > 50:
                self.changes.append("queue")
                broker.delete("celery")
