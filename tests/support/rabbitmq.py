# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real RabbitMQ: private node, ports, folders and epmd, all ended by pid."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import typing as t
import urllib.error
import urllib.parse
import urllib.request

from .server import Server, free_port, wait_until

PROGRAM = "/usr/lib/rabbitmq/bin/rabbitmq-server"  # Debian's wrapper in /usr/sbin insists on its own user
PASSWORD = "EXAMPLEPW/@:%?"  # a # would begin a comment in rabbitmq.conf


class RabbitMQ(Server):
    """With the management API. The user `shop` has a password that needs quoting."""

    patience = 120.0  # an Erlang node on a busy machine

    def __init__(self) -> None:
        super().__init__()
        self.port, self.distribution, self.api, self.mapper = (free_port() for _each in range(4))
        self.epmd: t.Optional[subprocess.Popen[bytes]] = None

    @property
    def login(self) -> str:
        return f"shop:{urllib.parse.quote(PASSWORD, safe='')}"

    @property
    def url(self) -> str:
        return f"amqp://{self.login}@127.0.0.1:{self.port}//"

    @property
    def management_url(self) -> str:
        return f"http://{self.login}@127.0.0.1:{self.api}"

    def prepare(self) -> None:
        (self.dir / "rabbitmq.conf").write_text(
            f"listeners.tcp.default = 127.0.0.1:{self.port}\n"
            f"management.tcp.port = {self.api}\nmanagement.tcp.ip = 127.0.0.1\n"
            "log.console = false\ndisk_free_limit.absolute = 50MB\ncollect_statistics_interval = 1000\n"
            f"default_user = shop\ndefault_pass = {PASSWORD}\n"
        )
        (self.dir / "plugins").write_text("[rabbitmq_management].\n")
        for path in self.dir.iterdir():
            if self.user:
                shutil.chown(path, self.user)
        # started here, so that it is ours to end; the node would start one that outlives it
        with self.log.open("ab") as log:
            command = ["epmd", "-address", "127.0.0.1", "-port", str(self.mapper)]
            self.epmd = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.dir, user=self.user)

    def argv(self) -> list[str]:
        settings = {
            "HOME": self.dir,
            "ERL_EPMD_PORT": self.mapper,
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": f"wr{self.port}@localhost",
            "RABBITMQ_DIST_PORT": self.distribution,
            "RABBITMQ_CONFIG_FILE": self.dir / "rabbitmq",
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_ENABLED_PLUGINS_FILE": self.dir / "plugins",
            "RABBITMQ_MNESIA_BASE": self.dir / "data",
            "RABBITMQ_LOG_BASE": self.dir / "log",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 2:2 +sbwt none -kernel inet_dist_use_interface {127,0,0,1}",
        }
        return ["env", *[f"{name}={value}" for name, value in settings.items()], PROGRAM]

    def ask(self, path: str, method: str = "GET", body: t.Any = None) -> t.Any:
        """The management API: the second opinion."""
        manager = urllib.request.HTTPPasswordMgrWithPriorAuth()
        url = f"http://127.0.0.1:{self.api}/api/{path}"
        manager.add_password(None, url, "shop", PASSWORD, is_authenticated=True)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPBasicAuthHandler(manager))
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data=data, method=method, headers={"content-type": "application/json"})
        with opener.open(request, timeout=10) as answer:
            content = answer.read()
        return json.loads(content) if content else None

    def ready(self) -> bool:
        return bool(self.ask("overview")["listeners"])

    def queues(self) -> list[str]:
        return sorted(str(queue["name"]) for queue in self.ask("queues"))

    def empty(self) -> None:
        for name in self.queues():
            try:
                self.ask(f"queues/%2F/{urllib.parse.quote(name, safe='')}", "DELETE")
            except urllib.error.HTTPError as error:
                if error.code != 404:  # it went with the connection that owned it
                    raise
        wait_until(lambda: not self.queues(), "no queues")

    def stop(self, with_signal: int = signal.SIGKILL) -> None:
        super().stop(with_signal)
        if self.epmd is not None and self.epmd.poll() is None:
            self.epmd.kill()
            self.epmd.wait(10)
