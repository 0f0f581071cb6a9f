# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What it costs to see what busy workers wait for: our processor time, and the application's requests."""

from __future__ import annotations

import contextlib
import json
import statistics
import threading
import time

from ansible_collections.warroom.launch.plugins.module_utils._collectors.uwsgi import host_view, parse
from ansible_collections.warroom.launch.plugins.module_utils._linux.waits import Waits
from tests.support.server import wait_until
from tests.support.waiting_app import Slow, WaitingApp

#: Seconds, and looks within them.
WINDOW, LOOKS = 5.0, 20


def test_sixty_four_busy_workers_cost_under_50_ms():
    with WaitingApp(processes=64) as server, Slow() as slow, contextlib.ExitStack() as stack:
        stack.enter_context(server.running(f"/poll?s=60&as=a&to={slow.place}", 64))
        wait_until(lambda: slow.waiting == 64, "all workers to wait", 60)
        stats = parse.stats(json.dumps(server.raw()).encode())
        each = _cost_of_one(stats)
        waits, spent = Waits(), 0.0
        waits.begin(WINDOW)
        for _look in range(LOOKS):
            time.sleep(WINDOW / LOOKS)
            begun = time.thread_time()
            waits.look(host_view.busy(stats))
            spent += time.thread_time() - begun
    seen = sum(waits.seen.values())
    print(f"{1000 * spent:.1f} ms of CPU for {seen} looks at 64 workers, {1000 * each:.2f} ms for one of many")
    # the limit holds on any machine; how much is seen within it is held against what a look costs in this very run
    assert spent < 0.05 and seen * each > spent / 3
    assert {one.address for one in waits.seen} == {slow.address}


def _cost_of_one(stats):
    """Seconds of CPU for one worker, where all are looked at and nothing limits that."""
    waits, begun = Waits(budget=60.0), time.thread_time()
    waits.look(host_view.busy(stats))
    return (time.thread_time() - begun) / sum(waits.seen.values())


def test_the_application_serves_as_many_requests_while_it_is_looked_at():
    """Turns with and without looks, one after the other: their medians."""
    rates = {True: [], False: []}
    with WaitingApp(processes=4) as server:
        for turn in range(14):
            rates[turn % 2 == 0].append(_rate(server, looked_at=turn % 2 == 0))
    share = statistics.median(rates[True]) / statistics.median(rates[False])
    print(f"{share:.3f} of the requests while it is looked at")
    assert share > 0.98


def _rate(server, looked_at, seconds=2.0):
    served = []
    ends = time.monotonic() + seconds

    def visit():
        while time.monotonic() < ends:
            server.get("/sleep?s=0.01&as=s")
            served.append(1)

    visitors = [threading.Thread(target=visit) for _number in range(4)]
    for visitor in visitors:
        visitor.start()
    waits = Waits()
    while time.monotonic() < ends:
        time.sleep(0.25)
        stats = parse.stats(json.dumps(server.raw()).encode())  # as a check does anyway
        if looked_at:
            waits.look(host_view.busy(stats))
    for visitor in visitors:
        visitor.join()
    return len(served) / seconds
