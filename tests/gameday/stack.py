# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The practice stack as a fault injector reaches it: from outside, as an operator or another program could."""

from __future__ import annotations

import contextlib
import functools
import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess
import threading
import time
import typing as t

import psycopg
import pymysql
import redis
import yaml

from tests.support.practice import Practice
from tests.support.server import VENV

#: The inventory's only host.
HOST = "practice"
#: Flavour → where visitors come in, and what answers them.
FRONT = {"classic": "varnish", "modern": "nginx"}
APPLICATION = {"classic": "uwsgi", "modern": "gunicorn"}
REFILL = "import django\ndjango.setup()\nfrom django.core.management import call_command\ncall_command('prepare')"


class Stack:
    """One practice stack with ordinary traffic. What it gives away as context managers is undone at their end."""

    def __init__(self, name: str = "gameday", flavour: str = "classic") -> None:
        place = pathlib.Path("/var/tmp") / f"warroom-{name}-{flavour}"
        self.practice = Practice(flavour)
        self.front, self.application = FRONT[flavour], APPLICATION[flavour]
        self.practice.dir = place
        self.practice.inventory = place.with_suffix(".yml")
        self.practice.report = place.with_suffix(".report")
        self.dir = place

    def start(self) -> None:
        if " RUNNING " in self.supervisor("status"):
            self.heal()
            return
        # of a recording that was killed: the numbers in them may be other processes' by now
        for left in (*self.dir.glob("data/postgresql/postmaster.pid"), *self.dir.glob("run/.s.PGSQL.*.lock")):
            left.unlink()
        started = self.practice.start()
        if started.rc:
            raise RuntimeError(f"the practice stack does not start: {started.output[-2000:]}")

    def heal(self) -> None:
        """What a fault left behind: programs that ended, empty caches, tasks that nobody waits for."""
        self.supervisor("start", "all")
        if self.front == "varnish":
            self.varnishadm("vcl.use", "boot")
        with self.running(REFILL) as process:
            process.wait(60)

    def shut_down(self) -> None:
        """End its programs; what it holds stays for the next start."""
        self.supervisor("shutdown")
        for _second in range(40):
            if not (self.dir / "run" / "supervisor.sock").exists():
                return
            time.sleep(1)

    @property
    def ports(self) -> dict[str, int]:
        return dict(self.practice.state["ports"])

    @functools.cached_property
    def inventory(self) -> dict[str, t.Any]:
        """The host's variables."""
        host: dict[str, t.Any] = yaml.safe_load(self.practice.inventory.read_text())["launch"]["hosts"][HOST]
        return host

    def settings(self) -> dict[str, dict[str, t.Any]]:
        """The host's settings that a report does not repeat, without anything secret."""
        return {
            HOST: {
                "services": list(self.inventory["launch_check_services"]),
                "known_clients": self.inventory["launch_check_known_clients"],
                "accept": self.inventory["launch_check_accept"],
                "groups": ["launch"],
            }
        }

    # its servers

    def postgresql(self, user: str = "shop", name: str = "shop", **more: t.Any) -> psycopg.Connection[t.Any]:
        place = {"host": "127.0.0.1", "port": self.ports["postgresql"], "password": self.practice.state["password"], "dbname": "shop"}
        return psycopg.connect(user=user, application_name=name, autocommit=True, **place, **more)

    def mariadb(self) -> t.Any:
        return pymysql.connect(
            host="127.0.0.1", port=self.ports["mariadb"], user="shop", password=self.practice.state["password"], database="legacy",
            autocommit=True,
        )  # fmt: skip

    def broker(self, database: int = 0) -> t.Any:
        return redis.Redis(port=self.ports["redis"], db=database, socket_timeout=30)

    def memcached(self, number: int, command: str) -> bytes:
        with socket.create_connection(("127.0.0.1", self.ports[f"memcached_{number}"]), 5) as conn:
            conn.sendall(command.encode())
            return conn.recv(4096)

    def varnishadm(self, *words: str) -> str:
        argv = ["varnishadm", "-t", "30", "-n", str(self.dir / "run" / "varnish"), *words]
        return subprocess.run(argv, check=True, capture_output=True, text=True, timeout=60).stdout

    # its programs

    def supervisor(self, *words: str) -> str:
        argv = [str(VENV / "python"), "-m", "supervisor.supervisorctl", "-c", str(self.dir / "etc" / "supervisord.conf"), *words]
        return subprocess.run(argv, check=False, capture_output=True, text=True, timeout=60).stdout

    def pids(self, program: str) -> list[int]:
        """The program's own process and all below it."""
        found = [int(self.supervisor("pid", program))]
        for pid in found:
            with contextlib.suppress(OSError):
                for children in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
                    found += [int(child) for child in children.read_text().split()]
        return found

    @contextlib.contextmanager
    def frozen(self, program: str) -> t.Iterator[None]:
        pids = self.pids(program)
        try:
            for pid in pids:
                os.kill(pid, signal.SIGSTOP)
            yield
        finally:
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    def release(self, file: str, *changes: tuple[str, str], program: str = "") -> contextlib.AbstractContextManager[None]:
        """Another release of the application: a file of it with these replacements, and its program reloaded."""
        return self._changed(self.dir / "app" / file, changes, lambda: self.reload(program or self.application))

    def configured(self, file: str, *changes: tuple[str, str], program: str) -> contextlib.AbstractContextManager[None]:
        """A program's own configuration with these replacements, and the program started anew; nginx reads it while it serves."""
        return self._changed(self.dir / "etc" / file, changes, lambda: self.reload(program))

    def commanded(self, program: str, *changes: tuple[str, str]) -> contextlib.AbstractContextManager[None]:
        """The program with other options."""

        def renew() -> None:
            self.supervisor("update", program)
            self.supervisor("start", program)
            self._answers()

        return self._changed(self.dir / "etc" / "supervisord.conf", changes, renew)

    @contextlib.contextmanager
    def _changed(self, path: pathlib.Path, changes: t.Iterable[tuple[str, str]], use: t.Callable[[], None]) -> t.Iterator[None]:
        before = path.read_text()
        after = before
        for old, new in changes:
            if old not in after:
                raise RuntimeError(f"{path.name} has no {old!r}")
            after = after.replace(old, new, 1)
        try:
            path.write_text(after)
            use()
            yield
        finally:
            path.write_text(before)
            use()

    def reload(self, program: str) -> None:
        if program in (self.application, "nginx"):
            self.supervisor("signal", "HUP", program)
            time.sleep(1)
            self._answers()
        else:
            self.supervisor("restart", program)

    def _answers(self, seconds: float = 60.0) -> None:
        """Until the application answers again, whatever it says."""
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            conn = http.client.HTTPConnection("127.0.0.1", self.ports[self.application], timeout=5)
            try:
                conn.request("GET", "/product/1/")
                conn.getresponse()
                return
            except (OSError, http.client.HTTPException):
                time.sleep(0.2)
            finally:
                conn.close()

    @contextlib.contextmanager
    def running(self, code: str, *words: t.Any, name: str = "program") -> t.Iterator[subprocess.Popen[bytes]]:
        """A Python program of our own beside the stack, with the application on its path."""
        env = {
            **os.environ, "PRACTICE_CONFIG": str(self.dir / "etc" / "practice.json"), "PRACTICE_PROGRAM": name, "PRACTICE_STORIES": "",
            "PYTHONPATH": str(self.dir / "app"), "DJANGO_SETTINGS_MODULE": "shop.settings", "PYTHONDONTWRITEBYTECODE": "1",
        }  # fmt: skip
        argv = [str(VENV / "python"), "-c", code, *map(str, words)]
        with subprocess.Popen(argv, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/") as process:
            try:
                yield process
            finally:
                process.kill()

    @contextlib.contextmanager
    def repeated(self, action: t.Callable[[], t.Any], every: float) -> t.Iterator[None]:
        """The action again and again until the end; what it raises is the fault's own doing."""
        over = threading.Event()

        def repeat() -> None:
            while not over.is_set():
                with contextlib.suppress(Exception):
                    action()
                over.wait(every)

        thread = threading.Thread(target=repeat, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join(30)

    def machine(self) -> dict[str, t.Any]:
        """What a cell says of the machine it was recorded on."""
        memory = pathlib.Path("/proc/meminfo").read_text().split()[1]
        return {
            "cores": os.cpu_count(),
            "memory_kilobytes": int(memory),
            "load1": round(os.getloadavg()[0], 2),
            "kernel": os.uname().release,
        }


def vcl(stack: Stack, change: t.Callable[[str], str], name: str) -> contextlib.AbstractContextManager[None]:
    """The stack's VCL with a change, loaded and used beside the old one."""
    return _vcl(stack, change, f"{name}_{int(time.time())}")


@contextlib.contextmanager
def _vcl(stack: Stack, change: t.Callable[[str], str], name: str) -> t.Iterator[None]:
    text = (stack.dir / "etc" / "default.vcl").read_text()
    path = stack.dir / "etc" / f"{name}.vcl"
    path.write_text(change(text))
    path.chmod(0o644)
    try:
        stack.varnishadm("vcl.load", name, str(path))
        stack.varnishadm("vcl.use", name)
        yield
    finally:
        stack.varnishadm("vcl.use", "boot")
        stack.varnishadm("vcl.discard", name)
        path.unlink()


def dump(path: pathlib.Path, content: t.Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, separators=(",", ":"), sort_keys=True, ensure_ascii=False))
