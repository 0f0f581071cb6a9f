# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real PostgreSQL, and psql as the second opinion."""

from __future__ import annotations

import glob
import os
import pathlib
import signal
import subprocess
import typing as t

from ansible_collections.warroom.launch.plugins.module_utils._collect.base import Collector
from ansible_collections.warroom.launch.plugins.module_utils._collect.host_tools import HostTools
from ansible_collections.warroom.launch.plugins.module_utils._collect.options import instances_of, secrets_in
from ansible_collections.warroom.launch.plugins.module_utils._collect.run import gather
from ansible_collections.warroom.launch.plugins.module_utils._collectors.postgresql.collector import COLLECTOR

from .meanwhile import with_meanwhile
from .server import Server, accepts, free_port, wait_until
from .tools import RealCommands


def bin_dir() -> pathlib.Path:
    """Where the newest installed server of the distribution has its programs."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"), key=lambda path: int(path.split("/")[4]))
    if not found:
        raise AssertionError("no PostgreSQL server is installed: apt-get install postgresql")
    return pathlib.Path(found[-1]).parent


SETTINGS = {
    "listen_addresses": "'127.0.0.1'",
    "fsync": "off",
    "shared_buffers": "16MB",
    "max_connections": "40",
    "autovacuum": "off",
    "shared_preload_libraries": "'pg_stat_statements'",
    "track_io_timing": "on",
    "max_wal_size": "128MB",
    "wal_keep_size": "0",
}


class Postgres(Server):
    """`postgres` in a private directory; its superuser is `warroom`, everybody is trusted."""

    def __init__(self, bin: t.Optional[pathlib.Path] = None, **settings: t.Any) -> None:
        super().__init__()
        self.bin = bin or bin_dir()
        self.port = free_port()
        self.data = self.dir / "data"
        self.settings = {**SETTINGS, **settings}
        self.clients: list[subprocess.Popen[str]] = []

    @property
    def place(self) -> dict[str, t.Any]:
        """The module's options for this server."""
        return {"login_host": "127.0.0.1", "login_port": self.port, "login_user": "warroom", "login_db": "postgres"}

    def prepare(self) -> None:
        self.run(self.bin / "initdb", "-D", self.data, "-U", "warroom", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8")
        self.configure()

    def configure(self) -> None:
        lines = [
            f"port = {self.port}",
            f"unix_socket_directories = '{self.dir}'",
            *(f"{name} = {value}" for name, value in self.settings.items()),
        ]
        with (self.data / "postgresql.auto.conf").open("a") as handle:
            handle.write("\n".join(lines) + "\n")

    def argv(self) -> list[str]:
        return [str(self.bin / "postgres"), "-D", str(self.data)]

    def ready(self) -> bool:
        return self.run(self.bin / "pg_isready", "-h", "127.0.0.1", "-p", str(self.port), check=False).returncode == 0

    def psql(self, sql: str, database: str = "postgres", user: str = "warroom") -> str:
        """The unaligned output of one psql run; fails with psql's own message."""
        done = subprocess.run(
            self._psql(database, user),
            check=False,
            input=sql,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=120,
            env={**os.environ, "PGAPPNAME": "psql"},
        )
        if done.returncode:
            raise AssertionError(f"psql: {done.stderr}")
        return done.stdout.strip()

    def _psql(self, database: str, user: str) -> list[str]:
        place = ["-h", "127.0.0.1", "-p", str(self.port), "-U", user, "-d", database]
        return ["psql", *place, "-XqAt", "-v", "ON_ERROR_STOP=1"]

    def client(self, sql: str, database: str = "postgres", user: str = "warroom", application: str = "shop-web") -> subprocess.Popen[str]:
        """A session that runs the SQL and stays connected until the server stops (or `leave`)."""
        env = {**os.environ, "PGAPPNAME": application}
        process = subprocess.Popen(
            self._psql(database, user), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True, env=env
        )
        assert process.stdin is not None
        process.stdin.write(sql + "\n")
        process.stdin.flush()
        self.clients.append(process)
        return process

    def until(self, condition: str, what: str, database: str = "postgres") -> None:
        """Wait until the SQL condition holds."""
        wait_until(lambda: self.psql(f"select 1 where {condition}", database) == "1", what)

    def leave(self, *processes: subprocess.Popen[str]) -> None:
        for process in processes or tuple(self.clients):
            if process.poll() is None:
                process.kill()
            process.wait(10)
            if process.stdin is not None and not process.stdin.closed:
                process.stdin.close()
            self.clients.remove(process)

    def stop(self, with_signal: int = signal.SIGQUIT) -> None:
        self.leave()
        super().stop(with_signal)


class Replica(Postgres):
    """A streaming replica of a running server."""

    def __init__(self, primary: Postgres, **settings: t.Any) -> None:
        super().__init__(primary.bin, **{**primary.settings, **settings})
        self.primary = primary

    def prepare(self) -> None:
        place = ["-h", "127.0.0.1", "-p", str(self.primary.port), "-U", "warroom"]
        self.run(self.bin / "pg_basebackup", *place, "-D", self.data, "-R", "-X", "stream", "-c", "fast")
        self.configure()


class PgBouncer(Server):
    """PgBouncer in transaction mode in front of a server; everyone is trusted, `warroom` may see the console."""

    def __init__(self, behind: Postgres, pool_size: int = 5, max_client_conn: int = 20) -> None:
        super().__init__()
        self.port = free_port()
        self.behind = behind
        self.pool_size = pool_size
        self.max_client_conn = max_client_conn
        #: More lines of its configuration.
        self.extra = ""

    def prepare(self) -> None:
        lines = [
            "[databases]",
            f"* = host=127.0.0.1 port={self.behind.port}",
            "[pgbouncer]",
            f"listen_addr = 127.0.0.1\nlisten_port = {self.port}\nunix_socket_dir = {self.dir}",
            f"auth_type = trust\nauth_file = {self.dir}/users\nadmin_users = warroom\npool_mode = transaction",
            f"default_pool_size = {self.pool_size}\nmax_client_conn = {self.max_client_conn}",
            self.extra,
        ]
        (self.dir / "users").write_text('"warroom" ""\n"app" ""\n')
        (self.dir / "pgbouncer.ini").write_text("\n".join(lines) + "\n")

    def argv(self) -> list[str]:
        return ["/usr/sbin/pgbouncer", str(self.dir / "pgbouncer.ini")]

    def ready(self) -> bool:
        return accepts(self.port)


def gathered(
    options: dict[str, t.Any],
    window: float = 0.0,
    top: int = 20,
    timeout: float = 5.0,
    meanwhile: t.Optional[t.Callable[[], t.Any]] = None,
    collector: Collector = COLLECTOR,
) -> dict[str, t.Any]:
    """The facts of one instance by the module's own code in this process: a second faster than a run of Ansible.

    `meanwhile` runs in the window.
    """
    checked = instances_of(collector, [options], {})
    assert checked is not None
    tools = HostTools(RealCommands(), top=top, timeout=timeout)
    tools.secrets |= secrets_in(collector, checked[0])
    return gather([(with_meanwhile(collector, meanwhile), checked[0])], window, tools)[collector.key]["instances"][0]
