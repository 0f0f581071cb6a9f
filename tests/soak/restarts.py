# Copyright (c) 2026, the warroom.launch authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real servers that are killed and started again while the window passes: they are measured, and the restart is said."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import threading
import time
import typing as t

from tests.support import ports
from tests.support.memcached import Memcached
from tests.support.mysql import MariaDB
from tests.support.postgresql import Postgres
from tests.support.redis import Redis
from tests.support.server import Server
from tests.support.uwsgi import Uwsgi
from tests.support.varnish import Backend, Varnish

#: Long enough for a server to be killed and started within it, also where everything is slow; and when it is killed.
WINDOW, KILLED_AFTER = 10.0, 5.0


class Restarted(t.NamedTuple):
    service: str
    server: t.Callable[[contextlib.ExitStack], t.Any]
    options: t.Callable[[t.Any], dict[str, t.Any]]


SERVERS = {
    "memcached": Restarted("memcached", lambda _stack: Memcached(), lambda server: {"address": server.address}),
    "redis": Restarted("celery", lambda _stack: Redis(), lambda server: {"broker_url": server.url}),
    "redis itself": Restarted("redis", lambda _stack: Redis(), lambda server: {"address": f"127.0.0.1:{server.port}"}),
    "postgresql": Restarted("postgresql", lambda _stack: Postgres(), lambda server: dict(server.place)),
    "mysql": Restarted("mysql", lambda _stack: MariaDB(), lambda server: {"login_unix_socket": server.socket, "login_user": "root"}),
    "uwsgi": Restarted("uwsgi", lambda _stack: Uwsgi(), lambda server: {"stats": server.stats}),
    "varnish": Restarted("varnish", lambda stack: Varnish(stack.enter_context(Backend())), lambda server: {"instance": server.instance}),
}


def read(name: str, timeout: float) -> dict[str, t.Any]:
    """{facts, seconds, peak} of an instance called `bad`."""
    row = SERVERS[name]
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(row.server(stack))
        thread = threading.Thread(target=_restart_later, args=(server,))
        thread.start()
        try:
            return ports.read([(row.service, {**row.options(server), "name": "bad"})], WINDOW, timeout)
        finally:
            thread.join()


def _restart_later(server: Server) -> None:
    time.sleep(KILLED_AFTER)
    restart(server)


def restart(server: Server) -> None:
    """Kill it and start it again; it may not be ready yet."""
    process = t.cast("subprocess.Popen[bytes]", server.process)
    process.send_signal(signal.SIGKILL)
    process.wait()
    silent: dict[str, t.Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
    command = [str(word) for word in server.argv()]
    server.process = subprocess.Popen(command, cwd=server.dir, user=server.user, start_new_session=True, **silent)
