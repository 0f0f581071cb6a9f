# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a look at Redis costs its single thread, by its own account: it serves nobody else meanwhile."""

from __future__ import annotations

import contextlib
import statistics

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect.options import _check
from ansible_collections.warroom.launch.plugins.module_utils._collect.run import gather
from ansible_collections.warroom.launch.plugins.module_utils._collectors.redis.collector import COLLECTOR
from tests.support.redis import Redis
from tests.support.tools import RealCommands, tools_with

pytestmark = [pytest.mark.bench, pytest.mark.timeout(120)]

CLIENTS, KEYS, ROUNDS, WINDOW = 200, 20_000, 9, 1.0
#: Microseconds of the server's time in a window.
MOST = 5000


def test_a_look_costs_under_5_ms_of_server_time():
    with Redis("", "slowlog-log-slower-than 0", "slowlog-max-len 1000") as server, contextlib.ExitStack() as stack:
        clients = [stack.enter_context(server.client()) for _each in range(CLIENTS)]
        for number, client in enumerate(clients):
            client.set(f"page:{number}", "x" * 1000)
            client.set(f"session:{number}", "x", ex=3600)
        with clients[0].pipeline(transaction=False) as pipe:
            for number in range(KEYS):
                pipe.set(f"key:{number}", number)
            pipe.execute()
        own = statistics.median(spent_on(clients[0], lambda: None) for _round in range(ROUNDS))
        spent = [spent_on(clients[0], lambda: look(server)) - own for _round in range(ROUNDS)]
    print(f"{statistics.median(spent):.0f} µs of server time for a window, {max(spent):.0f} at the most")
    assert 0 < statistics.median(spent) < MOST


def look(server: Redis) -> None:
    entry = _check(COLLECTOR, {"address": f"127.0.0.1:{server.port}"})
    (found,) = gather([(COLLECTOR, entry)], WINDOW, tools_with(RealCommands(), timeout=5.0))["launch_redis"]["instances"]
    assert found["state"] == "up" and found["window"], found["problem"]


def spent_on(client, act) -> float:
    """Microseconds that commands took while `act` ran, with those of looking."""
    before = total(client)
    act()
    return total(client) - before


def total(client) -> float:
    return sum(row["usec"] for row in client.info("commandstats").values())
