# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two real sites in one inventory, told apart by their sockets, with a fault each: every cause is named on its own instances."""

from __future__ import annotations

import concurrent.futures
import contextlib
import json
import threading
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._checks.catalogue import Catalogue, load
from ansible_collections.warroom.launch.plugins.plugin_utils._judge.pipeline import Asked, judge
from ansible_collections.warroom.launch.plugins.plugin_utils._judge.report import Report
from tests.support.cached_site import INDEX, SERVICES, Site, site

CATALOGUE = Catalogue(load())
HOSTS = ("east1", "west1")


@pytest.fixture(scope="module")
def sites() -> t.Iterator[list[Site]]:
    with site() as east, site() as west:
        yield [east, west]


@contextlib.contextmanager
def well(shop: Site) -> t.Iterator[None]:
    with shop.visited("/guarded", 4):
        yield


@contextlib.contextmanager
def missing_index(shop: Site) -> t.Iterator[None]:
    shop.database.psql("drop index shop_order_customer")
    try:
        with shop.visited("/orders", 8):
            yield
    finally:
        shop.database.psql(INDEX)


@contextlib.contextmanager
def cache_stampede(shop: Site) -> t.Iterator[None]:
    with shop.visited("/top"):
        yield


@contextlib.contextmanager
def every_request(shop: Site) -> t.Iterator[None]:
    """As busy as in a stampede, with as many misses and values written over others: but each visitor gets a value of their own."""
    with shop.visited("/each"):
        yield


@contextlib.contextmanager
def lock_chain(shop: Site) -> t.Iterator[None]:
    locker = shop.database.client("begin; lock table shop_order in access exclusive mode; select pg_sleep(120);", application="migrate")
    shop.database.until("exists (select from pg_locks where mode = 'AccessExclusiveLock' and granted)", "the lock")
    try:
        with shop.visited("/orders", 8):
            waiting = "select from pg_stat_activity where wait_event_type = 'Lock' and query_start < clock_timestamp() - interval '1.2 s'"
            shop.database.until(f"exists ({waiting})", "a second of waiting")
            try:
                yield
            finally:
                shop.database.psql("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'migrate'")
    finally:
        shop.database.leave(locker)


@contextlib.contextmanager
def cache_flushed(shop: Site) -> t.Iterator[None]:
    over = threading.Event()

    def empty() -> None:
        with shop.cache.connected() as conn:
            while not over.wait(0.3):
                conn.sendall(b"flush_all\r\n")
                conn.recv(100)

    emptying = threading.Thread(target=empty)
    emptying.start()
    try:
        with shop.visited("/guarded", 4):
            yield
    finally:
        over.set()
        emptying.join()


Fault = t.Callable[[Site], contextlib.AbstractContextManager[None]]


def report(sites: list[Site], *faults: Fault) -> Report:
    """Both faults are there while both sites are looked at, as hosts are in a check."""
    with contextlib.ExitStack() as stack:
        for shop, fault in zip(sites, faults):
            stack.enter_context(fault(shop))
        with concurrent.futures.ThreadPoolExecutor() as pool:
            facts = list(pool.map(lambda shop: shop.facts(3.0), sites))
    return judge([Asked(name, each, services=SERVICES, known_clients=["*"]) for name, each in zip(HOSTS, facts)], CATALOGUE)


def said(found: Report) -> list[str]:
    return [cause["statement"] for cause in found["diagnoses"]]


@pytest.mark.parametrize(
    "faults",
    [(missing_index, cache_stampede), (cache_flushed, lock_chain), (cache_stampede, cache_stampede)],
    ids=lambda faults: " and ".join(fault.__name__ for fault in faults),
)
def test_each_cause_is_named_on_its_own_site(sites: list[Site], faults: tuple[Fault, ...]) -> None:
    found = report(sites, *faults)
    assert not found["problem"]
    named = sorted((cause["hosts"], cause["cause"]) for cause in found["diagnoses"])
    assert named == [([host], fault.__name__) for host, fault in zip(HOSTS, faults)], said(found)
    for cause in found["diagnoses"]:
        [other] = set(HOSTS) - set(cause["hosts"])
        assert other not in json.dumps(cause), "of the other site it says nothing"
        if cause["cause"] == "cache_stampede":
            shop = sites[HOSTS.index(cause["hosts"][0])]
            assert f"memcached {cause['hosts'][0]} ({shop.cache.address})" in cause["statement"] and "pg_sleep" in cause["statement"]
            assert "/top" in str(cause["evidence"]), "its page"


def test_a_fault_of_one_is_none_of_the_other_and_who_is_only_busy_has_no_stampede(sites: list[Site]) -> None:
    found = report(sites, lock_chain, well)
    assert [(cause["cause"], cause["hosts"]) for cause in found["diagnoses"]] == [("lock_chain", ["east1"])], said(found)
    found = report(sites, well, every_request)
    assert [cause["cause"] for cause in found["diagnoses"] if cause["cause"] == "cache_stampede" or "east1" in cause["hosts"]] == [], said(
        found
    )
    graph = found["topology"]
    assert "east1" in json.dumps(graph) and "west1" in json.dumps(graph)
