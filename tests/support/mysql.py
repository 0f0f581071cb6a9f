# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real MariaDB of its own, and sessions of it that stay in the middle of something."""

from __future__ import annotations

import contextlib
import shutil
import threading
import typing as t

import pymysql

from .server import Server, free_port, wait_until
from .tools import RealCommands, tools_with

SCHEMA = """
CREATE DATABASE shop; USE shop;
CREATE TABLE shop.customer (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(60) NOT NULL) ENGINE=InnoDB;
CREATE TABLE shop.orders (id INT PRIMARY KEY AUTO_INCREMENT, customer_id INT NOT NULL, status_id INT NOT NULL, note VARCHAR(60),
  KEY by_status (status_id, customer_id)) ENGINE=InnoDB;
INSERT INTO shop.customer SELECT seq, CONCAT('customer ', seq) FROM seq_1_to_2000;
INSERT INTO shop.orders SELECT seq, 1 + seq % 2000, seq % 7, 'note' FROM seq_1_to_15000;
ANALYZE TABLE shop.customer, shop.orders;
CREATE USER app@'%' IDENTIFIED BY 'EXAMPLEapp'; GRANT ALL ON shop.* TO app@'%';
CREATE USER mon@'%' IDENTIFIED BY 'EXAMPLEmon';
GRANT PROCESS, REPLICATION CLIENT, REPLICA MONITOR ON *.* TO mon@'%'; GRANT SELECT ON performance_schema.* TO mon@'%';
CREATE USER blind@'%' IDENTIFIED BY 'EXAMPLEblind'
"""


class MariaDB(Server):
    """`extra`: further options of the server; `performance_schema` is off unless asked for, as MariaDB has it."""

    def __init__(self, *extra: str, performance_schema: bool = False) -> None:
        super().__init__()
        self.port = free_port()
        self.socket = str(self.dir / "s.sock")
        self.extra = [*extra, *(["--performance-schema=ON"] if performance_schema else [])]

    def prepare(self) -> None:
        self.run(
            "mariadb-install-db", "--no-defaults", f"--datadir={self.dir}/my", "--auth-root-authentication-method=normal", "--skip-test-db"
        )

    def argv(self) -> list[str]:
        program = shutil.which("mariadbd") or "/usr/sbin/mariadbd"
        own = ["--no-defaults", f"--datadir={self.dir}/my", f"--socket={self.socket}", f"--port={self.port}", f"--pid-file={self.dir}/pid"]
        return [
            program,
            *own,
            "--bind-address=127.0.0.1",
            "--innodb-buffer-pool-size=32M",
            "--innodb-flush-log-at-trx-commit=0",
            *self.extra,
        ]

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


def rows_of(connection: t.Any, sql: str) -> list[tuple[t.Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


def read(server: MariaDB, window: float = 0.0, room: t.Any = None, **options: t.Any) -> dict[str, t.Any]:
    """The facts of the server as the monitoring user sees it over TCP, unless `options` say otherwise."""
    from ansible_collections.warroom.launch.plugins.module_utils.floor.gather import gather
    from ansible_collections.warroom.launch.plugins.module_utils.floor.options import instances_of, secrets_in
    from ansible_collections.warroom.launch.plugins.module_utils.mysql.room import ROOM

    login = {"login_host": "127.0.0.1", "login_port": server.port, "login_user": "mon", "login_password": "EXAMPLEmon"}
    instance = (instances_of(ROOM, [options if "login_unix_socket" in options else {**login, **options}], {}) or [])[0]
    tools = tools_with(RealCommands(), timeout=10.0)
    tools.secrets |= secrets_in(ROOM, instance)
    return gather([(room or ROOM, instance)], window, tools)[ROOM.key]["instances"][0]
