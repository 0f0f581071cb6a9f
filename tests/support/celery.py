# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Celery workers of the checkout's virtualenv on a small project of their own."""

from __future__ import annotations

import collections
import contextlib
import os
import signal
import threading
import typing as t
import urllib.request

from ansible_collections.warroom.launch.plugins.module_utils._collect.base import Collector
from ansible_collections.warroom.launch.plugins.module_utils._collect.options import _check
from ansible_collections.warroom.launch.plugins.module_utils._collect.run import gather
from ansible_collections.warroom.launch.plugins.module_utils._collectors.celery.collector import COLLECTOR
from ansible_collections.warroom.launch.plugins.module_utils._linux.processes import Processes

from .server import VENV, Server, free_port, wait_until
from .tools import RealCommands, tools_with

#: The project. It prints on import, as real ones do, and has secrets where real ones have them.
APP = """
import os, socket, time
from celery import Celery

print('noise of a settings module {"not": "ours"}')
app = Celery("shop", broker=os.environ["WR_BROKER"])
app.conf.update(result_backend=None, task_ignore_result=True, worker_hijack_root_logger=False, broker_connection_retry_on_startup=True,
                beat_schedule={"t": {"task": "shop.add", "schedule": 86400, "args": ["EXAMPLEPW-beat"]}})
app.conf.update(eval(os.environ.get("WR_CONF", "{}")))

@app.task(name="shop.add")
def add(x, y=0):
    return x + y

@app.task(name="shop.slow")
def slow(seconds):
    time.sleep(seconds)

@app.task(name="shop.asks")
def asks(port, seconds):
    with socket.create_connection(("127.0.0.1", int(port)), 60) as conn:
        conn.sendall(b"%f\\n" % seconds)
        conn.recv(10)

@app.task(name="shop.fails")
def fails(secret):
    raise ValueError("EXAMPLEPW-exception " + secret)

@app.task(name="shop.retries", bind=True, max_retries=1)
def retries(self):
    raise self.retry(exc=KeyError("EXAMPLEPW"), countdown=0)
"""


class Worker(Server):
    """One worker; `conf` are settings of the project, `args` of the command line."""

    unprivileged = False

    def __init__(self, broker: str, *args: str, name: str = "w1", conf: t.Optional[dict[str, t.Any]] = None, events: bool = True) -> None:
        super().__init__()
        self.broker = broker
        self.args = [*args, *(["-E"] if events else [])]
        self.node = f"{name}@wr-test"
        self.environment = {**os.environ, "WR_BROKER": broker, "WR_CONF": repr(conf or {}), "PYTHONWARNINGS": "ignore"}

    def prepare(self) -> None:
        (self.dir / "shop.py").write_text(APP)

    def argv(self) -> list[str]:
        words = [f"{key}={self.environment[key]}" for key in ("WR_BROKER", "WR_CONF", "PYTHONWARNINGS")]
        return ["env", *words, str(VENV / "celery"), "-A", "shop", "worker", "-n", self.node, "--without-mingle", "-l", "INFO", *self.args]

    def ready(self) -> bool:
        return " ready." in self.log.read_text(errors="replace")

    def stop(self, with_signal: int = signal.SIGKILL) -> None:
        super().stop(with_signal)  # a warm shutdown waits for its tasks

    def _stopped(self) -> bool:
        assert self.process is not None
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii", errors="replace") as handle:
            return handle.read().rpartition(")")[2].split()[0] == "T"

    @contextlib.contextmanager
    def frozen(self) -> t.Iterator[None]:
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGSTOP)
        try:
            wait_until(self._stopped, "the kernel to stop it")
            yield
        finally:
            os.killpg(self.process.pid, signal.SIGCONT)


class Flower(Server):
    """Flower beside a worker, for its project and broker."""

    unprivileged = False
    patience = 60.0

    def __init__(self, worker: Worker) -> None:
        super().__init__()
        self.worker = worker
        self.port = free_port()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def argv(self) -> list[str]:
        words = [f"{key}={self.worker.environment[key]}" for key in ("WR_BROKER", "WR_CONF", "PYTHONWARNINGS")]
        options = ["--address=127.0.0.1", f"--port={self.port}", "--persistent=False"]
        return ["env", "-C", str(self.worker.dir), *words, str(VENV / "celery"), "-A", "shop", "flower", *options]

    def metrics(self) -> str:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"{self.url}/metrics", timeout=10) as answer:
            return str(answer.read().decode())

    def ready(self) -> bool:
        return bool(self.metrics())

    def counted(self, kind: str) -> float:
        lines = [line for line in self.metrics().splitlines() if line.startswith("flower_events_total") and f'type="{kind}"' in line]
        return sum(float(line.rpartition(" ")[2]) for line in lines)


def sender(broker: str, **conf: t.Any) -> t.Any:
    """An application that only sends: `sender(url).send_task("shop.add", (1, 2), queue="celery")`."""
    from celery import Celery

    app = Celery("sender", broker=broker, set_as_current=False)
    app.conf.update(task_ignore_result=True, **conf)
    return app


def send(app: t.Any, name: str, count: int, *args: t.Any, **options: t.Any) -> None:
    with app.connection_for_write() as connection:
        for _number in range(count):
            app.send_task(name, args, connection=connection, **options)


def read(
    window: float = 0.0,
    meanwhile: t.Optional[t.Callable[[], t.Any]] = None,
    timeout: float = 5.0,
    processes: bool = False,
    **options: t.Any,
) -> dict[str, t.Any]:
    """One instance as the module reads it; `meanwhile` runs in a thread while the window passes."""
    tools = tools_with(RealCommands(), timeout=timeout)
    if processes:
        tools._processes = Processes.read()
    collector = COLLECTOR
    started: list[threading.Thread] = []
    if meanwhile is not None:

        class Sampler(COLLECTOR.sampler):  # type: ignore[name-defined,misc]
            def watch(self, seconds: float) -> None:
                started.append(threading.Thread(target=meanwhile))
                started[0].start()
                super().watch(seconds)
                started[0].join()

        collector = Collector(COLLECTOR.service, COLLECTOR.options, Sampler, COLLECTOR.discover, COLLECTOR.places, COLLECTOR.libraries)
    found = gather([(collector, _check(COLLECTOR, options))], window, tools)["launch_celery"]["instances"][0]
    assert meanwhile is None or started, found["problem"]
    return found


def done(worker: Worker) -> collections.Counter[str]:
    """What the worker's own log says: the second opinion on outcomes."""
    counter: collections.Counter[str] = collections.Counter()
    for line in worker.log.read_text(errors="replace").splitlines():
        for word in ("succeeded", "raised unexpected", "retry:", "received"):
            if f" {word}" in line and "Task shop." in line:
                counter[word] += 1
    return counter


def idle(worker: Worker, count: int) -> None:
    """Wait until the worker has finished that many tasks."""
    wait_until(lambda: sum(done(worker)[word] for word in ("succeeded", "raised unexpected")) >= count, f"{count} tasks done")
