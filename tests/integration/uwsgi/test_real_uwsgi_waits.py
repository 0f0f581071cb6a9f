# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What real workers wait for, held against what the application says of itself."""

from __future__ import annotations

import collections
import contextlib
import fcntl
import json
import random
import threading
import time

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collectors.uwsgi import host_view, parse
from ansible_collections.warroom.launch.plugins.module_utils._linux.waits import Waits
from tests.support.server import wait_until
from tests.support.waiting_app import Full, Slow, WaitingApp

#: How the application waits for an answer, each as drivers of databases and clients of HTTP do.
WAYS = ["block", "timeout", "poll", "epoll"]


def kinds(measures):
    """The measures that are not 0, shortly."""
    waits = measures["waits"]
    shares = {name[: -len("_ratio")]: waits[name] for name in waits if name.endswith("_ratio") and waits[name]}
    return {**shares, **{row["address"]: row["share_ratio"] for row in waits["edges"]}}


@pytest.fixture(scope="module")
def waiting():
    with WaitingApp() as server:
        yield server


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", ["tcp", "unix"])
def test_an_answer_that_does_not_come_is_told_by_its_address_and_page(way, kind, waiting, observe):
    place = str(waiting.dir / f"{way}.sock") if kind == "unix" else None
    with Slow(place) as slow, waiting.running(f"/{way}?s=60&as=a&to={slow.place}", 2):
        wait_until(lambda: waiting.said() == "aa", "both workers to wait")
        measures = observe(waiting.stats)
        assert waiting.said() == "aa"
    wait_until(lambda: not waiting.said(), "the workers to be free")
    assert kinds(measures) == {slow.address: 1.0}
    assert measures["waits"]["edges"][0]["work"].startswith(f"GET /{way}")
    assert measures["waits"]["samples"] >= 2


@pytest.mark.parametrize("way", ["timeout", "poll", "greeting"])
def test_what_was_told_before_and_owes_no_answer_is_not_waited_for(way, waiting, observe):
    """memcached's noreply, a log over TCP: the last that was sent there stays without an answer."""
    with Slow() as log, Slow() as slow:
        with waiting.running(f"/{way}?s=60&as=a&to={slow.place}&told={log.place}", 2):
            wait_until(lambda: waiting.said() == "aa", "both workers to wait")
            measures = observe(waiting.stats)
            assert waiting.said() == "aa"
        slow.end()
        wait_until(lambda: not waiting.said(), "the workers to be free")
    assert kinds(measures) == {slow.address: 1.0}


@pytest.mark.parametrize("way", ["block", "greeting"])
def test_a_connection_that_nobody_accepts_is_waited_for(way, observe):
    """What a firewall drops, with a time limit of the client (greeting) and without."""
    with Full() as full, WaitingApp() as server, server.running(f"/{way}?s=60&as=a&to={full.place}", 2):
        wait_until(lambda: server.said() == "aa", "both workers to wait")
        measures = observe(server.stats)
        assert server.said() == "aa"
    assert kinds(measures) == {full.address: 1.0}


@pytest.mark.parametrize("way", ["timeout", "poll"])
def test_each_thread_of_one_process_has_a_connection_of_its_own(way, observe):
    """All of them poll, and no call says which connection: two answers and one greeting that do not come."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(WaitingApp("threads = 3", processes=1))
        asked, greets = stack.enter_context(Slow()), stack.enter_context(Slow())
        stack.enter_context(server.running(f"/{way}?s=60&as=a&to={asked.place}", 2))
        stack.enter_context(server.running(f"/greeting?as=a&to={greets.place}", 1))
        wait_until(lambda: asked.waiting == 2 and len(greets.connections) == 1, "three threads to wait")
        measures = observe(server.stats)
        assert asked.waiting == 2
        asked.end()
        greets.end()
    assert kinds(measures) == pytest.approx({asked.address: 2 / 3, greets.address: 1 / 3}, abs=0.01)


def test_processor_sleep_and_lock(observe):
    with WaitingApp(processes=3) as server, open(server.dir / "lock", "w", encoding="utf-8") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with server.running("/sleep?s=20&as=s", 1), server.running("/lock?as=l", 1), server.running("/burn?s=20&as=c", 1):
            wait_until(lambda: sorted(server.said()) == ["c", "l", "s"], "three busy workers")
            found = kinds(observe(server.stats))
        assert found == pytest.approx({"cpu": 1 / 3, "sleep": 1 / 3, "lock": 1 / 3})


def test_idle_workers_are_not_looked_at(waiting, observe):
    measures = observe(waiting.stats)
    assert measures["waits"]["samples"] == 0 and measures["waits"]["cpu_ratio"] is None
    assert measures["unknown"]["waits.cpu_ratio"] == "no worker was busy when it was looked at"


def test_shares_agree_with_the_application():
    """At nearly all looks the count of each kind is within one of what the workers say, while the mix changes all the time."""
    looks = 40
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(WaitingApp(processes=8))
        first, second = stack.enter_context(Slow()), stack.enter_context(Slow())
        acts = [f"/{way}?as={letter}&to={slow.place}" for way in WAYS for letter, slow in (("a", first), ("b", second))] + ["/sleep?as=s"]
        ended = threading.Event()

        def visit(number):
            chosen = random.Random(number)
            while not ended.is_set():
                server.get(f"{chosen.choice(acts)}&s={chosen.uniform(0.2, 0.9)}")

        visitors = [threading.Thread(target=visit, args=(number,)) for number in range(7)]
        for visitor in visitors:
            visitor.start()
        try:
            agreed = [_agrees(server, {"a": first.address, "b": second.address}) for _turn in range(looks)]
        finally:
            ended.set()
            for visitor in visitors:
                visitor.join()
    assert agreed.count(True) >= 0.95 * looks


def _agrees(server, addresses):
    """One look that no worker's change fell into: by what the workers say before and after it."""
    said = ours = None
    while said is None or said != server.said():
        time.sleep(0.05)
        document = parse.stats(_document(server))
        said, waits = server.said(), Waits(budget=10.0)  # whatever the machine has to do beside
        waits.look(host_view.busy(document))
        ours = collections.Counter({seen.address or seen.kind: count for seen, count in _by_place(waits).items()})
    counts = collections.Counter(said)
    return all(abs(ours[addresses.get(letter, "sleep")] - counts[letter]) <= 1 for letter in (*addresses, "s"))


def _by_place(waits):
    found = collections.Counter()
    for seen, count in waits.seen.items():
        found[seen._replace(label="")] += count
    return found


def _document(server):
    return json.dumps(server.raw()).encode()
