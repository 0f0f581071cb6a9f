# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real MariaDB (or MySQL) of its own, and sessions of it that stay in the middle of something."""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
import typing as t

import pymysql

from . import roots
from .meanwhile import with_meanwhile
from .server import Server, free_port, wait_until
from .tools import RealCommands, tools_with

SCHEMA = """
CREATE DATABASE shop; USE shop;
CREATE TABLE digit (d INT PRIMARY KEY) ENGINE=InnoDB;
INSERT INTO digit VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9);
CREATE TABLE customer (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(60) NOT NULL) ENGINE=InnoDB;
CREATE TABLE orders (id INT PRIMARY KEY AUTO_INCREMENT, customer_id INT NOT NULL, status_id INT NOT NULL, note VARCHAR(60),
  KEY by_status (status_id, customer_id)) ENGINE=InnoDB;
INSERT INTO customer SELECT NULL, CONCAT('customer ', a.d) FROM digit a, digit b, digit c;
INSERT INTO orders SELECT NULL, 1 + a.d + 10 * b.d, e.d, 'note' FROM digit a, digit b, digit c, digit d, digit e WHERE e.d < 2;
ANALYZE TABLE customer, orders;
CREATE USER app@'%' IDENTIFIED BY 'EXAMPLEapp'; GRANT ALL ON shop.* TO app@'%';
CREATE USER report@'%' IDENTIFIED BY 'EXAMPLEreport'; GRANT SELECT ON shop.* TO report@'%';
CREATE USER mon@'%' IDENTIFIED BY 'EXAMPLEmon'; GRANT PROCESS, REPLICATION CLIENT ON *.* TO mon@'%';
GRANT SELECT ON performance_schema.* TO mon@'%';
CREATE USER blind@'%' IDENTIFIED BY 'EXAMPLEblind'
"""


class Database(Server):
    """What both have in common; `extra`: further options of the server."""

    def __init__(self, *extra: str) -> None:
        super().__init__()
        self.port = free_port()
        self.socket = str(self.dir / "s.sock")
        self.extra = list(extra)

    def ready(self) -> bool:
        try:
            self.connect().close()
        except pymysql.err.MySQLError:
            return False
        return True

    def connect(self, user: str = "root", password: str = "", tcp: bool = False, **options: t.Any) -> t.Any:
        place = {"host": "127.0.0.1", "port": self.port} if tcp else {"unix_socket": self.socket}
        return pymysql.connect(user=user, password=password, charset="utf8mb4", **place, **options)

    def query(self, sql: str) -> list[tuple[t.Any, ...]]:
        """The rows, as an administrator."""
        with contextlib.closing(self.connect()) as connection:
            return rows_of(connection, sql)

    def shop(self) -> None:
        with contextlib.closing(self.connect()) as connection:
            for statement in SCHEMA.split(";"):
                rows_of(connection, statement)

    @contextlib.contextmanager
    def session(self, *statements: str, user: str = "app", **options: t.Any) -> t.Iterator[t.Any]:
        """A client that ran these statements and is now idle."""
        connection = self.connect(user, f"EXAMPLE{user}", tcp=True, database="shop", **options)
        try:
            for statement in statements:
                rows_of(connection, statement)
            yield connection
        finally:
            connection.close()

    @contextlib.contextmanager
    def busy(self, *statements: str, **options: t.Any) -> t.Iterator[t.Any]:
        """A client that is still running the last of these statements; it is ended by killing its session."""
        with self.session(*statements[:-1], **options) as connection:
            pid = connection.thread_id()

            def work() -> None:
                with contextlib.suppress(Exception):
                    rows_of(connection, statements[-1])

            worker = threading.Thread(target=work, daemon=True)
            worker.start()
            try:
                wait_until(
                    lambda: self.query(f"SELECT 1 FROM information_schema.processlist WHERE id = {pid} AND command = 'Query'"), "it runs"
                )
                yield connection
            finally:
                with contextlib.suppress(pymysql.err.MySQLError):
                    self.query(f"KILL {pid}")
                worker.join(10)


class MariaDB(Database):
    """`performance_schema` is off unless asked for, as MariaDB has it."""

    def __init__(self, *extra: str, performance_schema: bool = False) -> None:
        super().__init__(*extra, *(["--performance-schema=ON"] if performance_schema else []))

    def prepare(self) -> None:
        login = "--auth-root-authentication-method=normal"
        self.run("mariadb-install-db", "--no-defaults", f"--datadir={self.dir}/my", login, "--skip-test-db")

    def argv(self) -> list[str]:
        program = shutil.which("mariadbd") or "/usr/sbin/mariadbd"
        place = [f"--datadir={self.dir}/my", f"--socket={self.socket}", f"--port={self.port}", f"--pid-file={self.dir}/pid"]
        light = ["--innodb-buffer-pool-size=32M", "--innodb-flush-log-at-trx-commit=0"]
        return [program, "--no-defaults", *place, "--bind-address=127.0.0.1", *light, *self.extra]

    def shop(self) -> None:
        super().shop()
        self.query("GRANT REPLICA MONITOR ON *.* TO mon@'%'")


GALERA = "/usr/lib/galera/libgalera_smm.so"


def without_galera() -> t.Optional[str]:
    """Why no node of Galera can be run here, or None."""
    return None if os.path.exists(GALERA) else "Galera is not installed: apt-get install galera-4"


class GaleraNode(MariaDB):
    """The only node of its cluster."""

    def __init__(self) -> None:
        port, transfer = free_port(), free_port()
        options = f"gmcast.listen_addr=tcp://127.0.0.1:{port};ist.recv_addr=127.0.0.1:{transfer};gcache.size=1M"
        cluster = ["--wsrep-on=ON", f"--wsrep-provider={GALERA}", "--wsrep-cluster-address=gcomm://", "--wsrep-node-address=127.0.0.1"]
        rows = ["--binlog-format=ROW", "--innodb-autoinc-lock-mode=2"]
        super().__init__(*cluster, *rows, f"--wsrep-provider-options={options}")

    def until_ready(self, state: str) -> None:
        wait_until(lambda: ("wsrep_ready", state) in self.query("SHOW STATUS LIKE 'wsrep_ready'"), f"wsrep_ready is {state}")

    def leave(self) -> None:
        """Out of its primary component: it waits for another node, which is not there."""
        self.query("SET GLOBAL wsrep_provider_options = 'pc.weight=0'")
        self.query("SET GLOBAL wsrep_cluster_address = 'gcomm://127.0.0.1:1?pc.wait_prim=no'")
        self.until_ready("OFF")

    def rejoin(self) -> None:
        self.query("SET GLOBAL wsrep_cluster_address = 'gcomm://'")
        self.until_ready("ON")


@contextlib.contextmanager
def galera_node() -> t.Iterator[GaleraNode]:
    with GaleraNode() as node:
        node.until_ready("ON")
        yield node


class Other(Database):
    """A server of another Debian release, inside its root folder."""

    unprivileged = False
    suite: str
    package: str
    mariadb: bool

    def __init__(self, *extra: str) -> None:
        self.root = roots.root_of("mysql", self.suite, self.package)
        super().__init__(*extra)
        self.inside = f"/tmp/{self.dir.name}"
        self.socket = f"{self.root}{self.inside}/s.sock"

    def chroot(self, program: str, *options: str) -> list[str]:
        account = ["chroot", "--userspec=mysql:mysql", str(self.root)]
        return [*account, program, "--no-defaults", f"--datadir={self.inside}/my", *options]

    def prepare(self) -> None:
        self.run("chroot", self.root, "install", "-d", "-o", "mysql", "-g", "mysql", self.inside)
        if self.mariadb:
            self.run(*self.chroot("mariadb-install-db", "--force", "--auth-root-authentication-method=normal", "--skip-test-db"))
        else:
            self.run(*self.chroot("mysqld", "--initialize-insecure"))

    def argv(self) -> list[str]:
        place = [f"--socket={self.inside}/s.sock", f"--port={self.port}", f"--pid-file={self.inside}/pid", "--bind-address=127.0.0.1"]
        return self.chroot("mariadbd" if self.mariadb else "mysqld", *place, *self.extra)

    def shop(self) -> None:
        super().shop()
        if self.mariadb:
            self.query("GRANT REPLICA MONITOR ON *.* TO mon@'%'")

    def stop(self, *args: t.Any) -> None:
        super().stop(*args)
        shutil.rmtree(f"{self.root}{self.inside}", ignore_errors=True)


class MySQL(Other):
    suite, package, mariadb = "sid", "mysql-server", False


class NewerMariaDB(Other):
    suite, package, mariadb = "trixie", "mariadb-server", True


def rows_of(connection: t.Any, sql: str) -> list[tuple[t.Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


def read(
    server: Database, window: float = 0.0, timeout: float = 10.0, meanwhile: t.Optional[t.Callable[[], t.Any]] = None, **options: t.Any
) -> dict[str, t.Any]:
    """The facts of the server as the monitoring user sees it over TCP, unless `options` say otherwise; `meanwhile` runs in the window."""
    from ansible_collections.warroom.launch.plugins.module_utils._collect.options import instances_of, secrets_in
    from ansible_collections.warroom.launch.plugins.module_utils._collect.run import gather
    from ansible_collections.warroom.launch.plugins.module_utils._collectors.mysql.collector import COLLECTOR

    login = {"login_host": "127.0.0.1", "login_port": server.port, "login_user": "mon", "login_password": "EXAMPLEmon"}
    instance = (instances_of(COLLECTOR, [options if "login_unix_socket" in options else {**login, **options}], {}) or [])[0]
    tools = tools_with(RealCommands(), timeout=timeout)
    tools.secrets |= secrets_in(COLLECTOR, instance)
    return gather([(with_meanwhile(COLLECTOR, meanwhile), instance)], window, tools)[COLLECTOR.key]["instances"][0]


@contextlib.contextmanager
def load(server: Database, statement: str) -> t.Iterator[None]:
    """A client that sends the statement again and again."""
    stop = threading.Event()
    done: list[int] = []
    connection = server.connect("app", "EXAMPLEapp", tcp=True, database="shop", program_name="shop")

    def work() -> None:
        while not stop.is_set():
            rows_of(connection, statement)
            done.append(1)

    worker = threading.Thread(target=work)
    worker.start()
    try:
        wait_until(lambda: len(done) > 3, "the load runs")
        yield
    finally:
        stop.set()
        worker.join(30)
        connection.close()
