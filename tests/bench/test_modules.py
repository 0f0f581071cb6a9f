# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a module costs on a real server with its window set to 0, against ansible.builtin.ping on the same host in the same run.

The price is processor time of everything the call starts, controller included: on a machine that does other things too, time on the
wall says little. It is compared as well where the machine is quiet.
"""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import subprocess
import sys
import time
import typing as t

import pytest

from tests.support.celery import Worker
from tests.support.memcached import Memcached
from tests.support.mysql import MariaDB
from tests.support.postgresql import Postgres
from tests.support.redis import Redis
from tests.support.server import ROOT, VENV
from tests.support.uwsgi import Uwsgi
from tests.support.varnish import Backend, Varnish

pytestmark = [pytest.mark.bench, pytest.mark.timeout(900)]

ROUNDS = 7
MOST_BYTES = 80 * 1024 * 1024
MOST_FACTS = 100_000


@contextlib.contextmanager
def _varnish() -> t.Iterator[dict[str, t.Any]]:
    with Backend() as backend, Varnish(backend) as server:
        yield {"instance": server.instance}


@contextlib.contextmanager
def _memcached() -> t.Iterator[dict[str, t.Any]]:
    with Memcached() as server:
        yield {"address": server.address}


@contextlib.contextmanager
def _mysql() -> t.Iterator[dict[str, t.Any]]:
    with MariaDB() as server:
        yield {"login_unix_socket": server.socket, "login_user": "root"}


@contextlib.contextmanager
def _postgresql() -> t.Iterator[dict[str, t.Any]]:
    with Postgres() as server:
        yield server.place


@contextlib.contextmanager
def _uwsgi() -> t.Iterator[dict[str, t.Any]]:
    with Uwsgi() as server:
        yield {"stats": server.stats}


@contextlib.contextmanager
def _celery() -> t.Iterator[dict[str, t.Any]]:
    # named: for workers that nobody named, Celery's own way is to wait a second for more of them
    with Redis() as broker, Worker(broker.url) as worker:
        yield {"broker_url": broker.url, "workers": [worker.node]}


@contextlib.contextmanager
def _server() -> t.Iterator[dict[str, t.Any]]:
    yield {"name": "bench"}


#: service → (its server, how many times the price of ping at most). Database and broker libraries are dear to import.
PRICES: dict[str, tuple[t.Callable[[], t.Any], float]] = {
    "server": (_server, 1.5),
    "varnish": (_varnish, 1.5),
    "uwsgi": (_uwsgi, 1.5),
    "memcached": (_memcached, 1.5),
    "postgresql": (_postgresql, 2.0),
    "mysql": (_mysql, 2.0),
    "celery": (_celery, 2.5),
}


def call(module: str, arguments: dict[str, t.Any]) -> tuple[float, float]:
    """(processor seconds, seconds on the wall) of one ad hoc call that succeeds."""
    command = [str(VENV / "ansible"), "localhost", "-m", module, "-e", f"ansible_python_interpreter={sys.executable}"]
    if arguments:
        command += ["-a", json.dumps(arguments)]
    begun = time.monotonic()
    with open(os.devnull, "wb") as nowhere:
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=nowhere, stderr=nowhere, env={**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")}
        )
        _pid, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, module
    return used.ru_utime + used.ru_stime, time.monotonic() - begun


@pytest.mark.parametrize("service", PRICES)
def test_price_of_a_module(service):
    server, most = PRICES[service]
    ping, ours = [], []
    with server() as place:
        for _round in range(ROUNDS):
            ping.append(call("ansible.builtin.ping", {}))
            ours.append(call(f"warroom.launch.{service}_stats", {"window": 0, **place}))
    quiet = os.getloadavg()[0] <= (os.cpu_count() or 1)
    used, wall = (statistics.median(one[n] for one in ours) / statistics.median(one[n] for one in ping) for n in (0, 1))
    print(f"{service}_stats: {used:.2f} times ping in processor time, {wall:.2f} on the wall ({'quiet' if quiet else 'busy'} machine)")
    assert used <= most
    assert wall <= most or not quiet


# What the module does on a target, in an interpreter of its own; prints its peak of memory and its facts.
_CHILD = """
import importlib, json, sys
import ansible.module_utils.basic
from ansible_collections.warroom.launch.plugins.module_utils._collect.run import gather
from ansible_collections.warroom.launch.plugins.module_utils._collect.options import _check
from tests.support.memory import peak
from tests.support.tools import RealCommands, tools_with
place = f"ansible_collections.warroom.launch.plugins.module_utils._collectors.{sys.argv[1]}.collector"
collector = importlib.import_module(place).COLLECTOR
facts = gather([(collector, _check(collector, json.loads(sys.argv[2])))], 1, tools_with(RealCommands(), timeout=10))
print(json.dumps({"memory": peak(), "facts": facts}))
"""


@pytest.mark.parametrize("service", PRICES)
def test_memory_and_facts_of_a_module(service):
    with PRICES[service][0]() as place:
        done = subprocess.run(
            [sys.executable, "-c", _CHILD, service, json.dumps(place)], check=True, capture_output=True, text=True, timeout=120, cwd=ROOT,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / ".collections"), str(ROOT)])},
        )  # fmt: skip
    result = json.loads(done.stdout.splitlines()[-1])
    [instance] = result["facts"][f"launch_{service}"]["instances"]
    assert instance["state"] == "up", instance["problem"]
    print(f"{service}: {result['memory'] / 1024 / 1024:.0f} MiB, {len(json.dumps(result['facts']))} bytes of facts")
    assert result["memory"] <= MOST_BYTES
    assert len(json.dumps(result["facts"])) <= MOST_FACTS
