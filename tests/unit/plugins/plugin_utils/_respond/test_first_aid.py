# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which act a cause calls for, and when none is proposed."""

from __future__ import annotations

import copy
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._acts.registry import ACTS
from ansible_collections.warroom.launch.plugins.plugin_utils._diagnose.causes import KINDS
from ansible_collections.warroom.launch.plugins.plugin_utils._respond.first_aid import AID, proposals

BLOCKERS = [
    {"pid": 11, "application": "cron", "blocks_total": 1, "longest_wait_seconds": 90.0},
    {"pid": 12, "application": "migrate", "blocks_total": 8, "longest_wait_seconds": 40.0},
]
REPORT: dict[str, t.Any] = {
    "hosts": {"db1": {"reached": True, "facts": {"launch_postgresql": {"instances": [{"name": "shop", "state": "up"}]}}}},
    "findings": [
        {"check": "postgresql_lock_waits", "host": "db1", "service": "postgresql", "instance": "shop", "status": "fail", "accepted": None}
    ],
    "diagnoses": [
        {
            "cause": "lock_chain",
            "tier": "database",
            "hosts": ["db1"],
            "statement": "A session blocks 8 others.",
            "rows": BLOCKERS,
            "hit": ["app1/uwsgi/shop", "db1/postgresql/shop"],
        }
    ],
}


def report(**changes: t.Any) -> dict[str, t.Any]:
    made = copy.deepcopy(REPORT)
    made["diagnoses"][0].update(changes)
    return made


def test_the_session_that_holds_up_most_is_to_end() -> None:
    found, left = proposals(report())
    assert [(each.act, each.host, each.service, each.instance, each.about) for each in found] == [
        ("end_session", "db1", "postgresql", "shop", {"pid": 12})
    ]
    assert not left and "migrate" in found[0].what


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [{"pid": 0, "blocks_total": 4}],
        [{"pid": "1; DROP", "blocks_total": 4}],
        [{"pid": True, "blocks_total": 1}],
        [{"blocks_total": 2}],
    ],
    ids=["none", "a prepared transaction", "text", "a truth value", "no pid"],
)
def test_what_the_report_does_not_name_is_left_alone(rows: list[dict[str, t.Any]]) -> None:
    found, left = proposals(report(rows=rows))
    assert not found and "does not name what to act on" in left[0]


def test_an_accepted_finding_is_left_alone() -> None:
    made = report()
    made["findings"][0]["accepted"] = "known"
    assert proposals(made) == ([], ["lock_chain: its finding is accepted (launch_check_accept)"])


@pytest.mark.parametrize("status", ["unknown", "ok", "skipped"])
def test_what_is_unknown_is_never_acted_on(status: str) -> None:
    made = report()
    made["findings"][0]["status"] = status
    found, left = proposals(made)
    assert not found and "not beyond its limit" in left[0]


def test_two_causes_of_one_tier_compete() -> None:
    made = report()
    made["diagnoses"].append({**made["diagnoses"][0], "cause": "missing_index"})
    found, left = proposals(made)
    assert not found and all("compete" in sentence or "no act" in sentence for sentence in left)


def test_a_target_that_was_not_read_is_left_alone() -> None:
    made = report()
    made["hosts"]["db1"]["facts"]["launch_postgresql"]["instances"][0]["state"] = "down"
    found, left = proposals(made)
    assert not found and "not among the instances" in left[0]


def test_every_row_of_the_table_is_of_a_cause_and_has_its_act() -> None:
    assert set(AID) <= set(KINDS)
    assert {(aid.act, service) for aids in AID.values() for aid in aids for service in aid.services} == set(ACTS)


WORKERS: dict[str, t.Any] = {
    "name": "shop",
    "state": "up",
    "workers": {"active": 2},
    "concurrency": 6,
    "addable": {"workers": 9, "advised": 3},
}


def exhausted(facts: dict[str, t.Any], *budgets: dict[str, t.Any]) -> dict[str, t.Any]:
    finding = {"check": "wsgi_saturated", "host": "app1", "service": "wsgi", "instance": "shop", "status": "fail", "accepted": None}
    cause = {"cause": "workers_exhausted", "tier": "wsgi", "hosts": ["app1"], "statement": "s", "rows": [], "hit": ["app1/wsgi/shop"]}
    return {
        "hosts": {"app1": {"reached": True, "facts": {"launch_wsgi": {"instances": [{**WORKERS, **facts}]}}}},
        "findings": [finding],
        "diagnoses": [cause],
        "fleet": {"launch_connection_budget": {"instances": list(budgets)}},
    }


OWN = {"left": 10, "users": [{"name": "app1"}]}
POOLED = {"left": 1, "users": [{"name": "PgBouncer db1"}]}


@pytest.mark.parametrize(
    ("facts", "budgets", "add", "left"),
    [
        ({}, [OWN, POOLED], 2, 4),
        ({}, [POOLED], 2, 1),
        ({}, [], 2, None),
        ({"concurrency": None}, [OWN], 2, None),
        ({"addable": {"workers": 1, "advised": None}}, [OWN], 1, 7),
    ],
    ids=["its own database", "behind a pooler", "no database is known", "an event loop", "room for one"],
)
def test_workers_are_added_within_what_the_database_has_left(
    facts: dict[str, t.Any], budgets: list[dict[str, t.Any]], add: int, left: t.Optional[int]
) -> None:
    (found,), _left = proposals(exhausted(facts, *budgets))
    assert (found.act, found.about, found.readings) == ("add_workers", {"add": add}, {"connections_left": left})


CLIENTS = [{"address": "10.0.0.7"}, {"address": "10.0.0.9"}]


@pytest.mark.parametrize(
    ("pooler", "left"),
    [
        ({"client_connections": 90, "max_client_connections": 100, "clients": CLIENTS}, 1),
        ({"client_connections": 97, "max_client_connections": 100, "clients": CLIENTS}, -3),
        ({"client_connections": 97, "max_client_connections": 100, "clients": CLIENTS[1:]}, 1),
        ({"client_connections": 97, "max_client_connections": None, "clients": CLIENTS}, None),
        ({"client_connections": 97, "max_client_connections": 100, "clients": None}, -3),
        ({"client_connections": 97, "max_client_connections": 100, "clients": CLIENTS, "state": "down"}, 1),
        ({"client_connections": 97, "max_client_connections": 100, "clients": [{"address": "127.0.0.1"}]}, 1),
    ],
    ids=["room", "no room", "of another host", "no limit is known", "its clients are not known", "it is down", "of its own host"],
)
def test_workers_are_added_within_what_their_pooler_has_left(pooler: dict[str, t.Any], left: t.Optional[int]) -> None:
    made = exhausted({}, POOLED)
    made["hosts"]["app1"]["facts"]["launch_server"] = {"instances": [{"addresses": ["10.0.0.7"]}]}
    made["hosts"]["db1"] = {"reached": True, "facts": {"launch_pgbouncer": {"instances": [{"name": "6432", "state": "up", **pooler}]}}}
    assert proposals(made)[0][0].readings == {"connections_left": left}


def test_a_pooler_beside_the_application_counts_as_well() -> None:
    made = exhausted({}, POOLED)
    pooler = {"name": "6432", "state": "up", "client_connections": 98, "max_client_connections": 100, "clients": [{"address": "127.0.0.1"}]}
    made["hosts"]["app1"]["facts"]["launch_pgbouncer"] = {"instances": [pooler]}
    assert proposals(made)[0][0].readings == {"connections_left": -4}


@pytest.mark.parametrize("addable", [None, {}, {"workers": 0}, {"workers": None}, {"workers": True}])
def test_no_worker_is_added_where_there_is_no_room(addable: t.Any) -> None:
    found, left = proposals(exhausted({"addable": addable}, OWN))
    assert not found and "does not name what to act on" in left[0]


def server(name: str, **measures: t.Any) -> dict[str, t.Any]:
    return {"backend": "app", "name": name, "state": "up", "address": f"192.0.2.{len(name)}:8000", **measures}


def edge(cause: str, check: str, *servers: dict[str, t.Any], **behind: t.Any) -> dict[str, t.Any]:
    finding = {"check": check, "host": "lb1", "service": "haproxy", "instance": "web", "status": "fail", "accepted": None}
    diagnosis = {"cause": cause, "tier": "haproxy", "hosts": ["lb1"], "statement": "s", "rows": [], "hit": ["lb1/haproxy/web"]}
    workers = {"name": "shop", "state": "up", "port": 8000, "busy_ratio": 0.3, "workers": {"active": 4}, **behind}
    addresses = {"instances": [{"addresses": ["192.0.2.4", "192.0.2.5"]}]}
    balancer = {"name": "web", "state": "up", "servers": list(servers)}
    return {
        "hosts": {
            "lb1": {
                "reached": True,
                "facts": {"launch_haproxy": {"instances": [balancer]}},
            },
            "app1": {"reached": True, "facts": {"launch_server": addresses, "launch_wsgi": {"instances": [workers]}}},
        },
        "findings": [finding],
        "diagnoses": [diagnosis],
    }


FAILS, SLOW = ("upstream_failing", "haproxy_server_failing"), ("upstream_slow", "haproxy_response_time")


@pytest.mark.parametrize(
    ("cause", "servers", "drained"),
    [
        (FAILS, [server("good"), server("worse", response_errors=9), server("bad", retries=2)], "worse"),
        (FAILS, [server("good"), server("worse", state="down", response_errors=9)], None),
        (FAILS, [server("good", response_errors=None)], None),
        (SLOW, [server("good", response_seconds=0.2), server("worse", response_seconds=2.0)], "worse"),
        (SLOW, [server("good", response_seconds=1.5), server("worse", response_seconds=2.0)], None),
        (SLOW, [server("worse", response_seconds=2.0)], None),
        (SLOW, [], None),
    ],
    ids=["the one that fails most", "down already", "not counted", "the slow one", "equally slow", "the only one", "none"],
)
def test_the_server_to_drain(cause: tuple[str, str], servers: list[dict[str, t.Any]], drained: t.Optional[str]) -> None:
    found, left = proposals(edge(*cause, *servers))
    assert [each.about["server"] for each in found] == ([drained] if drained else [])
    assert drained or "does not name what to act on" in left[0]


@pytest.mark.parametrize(
    ("behind", "busy"), [({}, 0.6), ({"busy_ratio": None}, None), ({"port": 9000}, None), ({"workers": {}}, None)], ids=str
)
def test_how_busy_the_rest_becomes_is_read_from_the_workers_behind_it(behind: dict[str, t.Any], busy: t.Optional[float]) -> None:
    ((found,), _left) = proposals(edge(*FAILS, server("good"), server("worse", response_errors=9), **behind))
    assert found.readings == {"busy_of_rest": busy}


@pytest.mark.parametrize(
    ("row", "about"),
    [
        ({"database": "shop", "table": "orders"}, {"database": "shop", "table": "orders", "columns": ["a"]}),
        (
            {"database": "shop", "schema": "public", "table": "orders"},
            {"database": "shop", "schema": "public", "table": "orders", "columns": ["a"]},
        ),
        ({"database": "shop", "schema": None, "table": "orders"}, None),
        ({"database": "shop", "table": ""}, None),
        ({"database": "shop", "table": "orders", "being_built": True}, None),
    ],
    ids=["MySQL", "PostgreSQL", "no schema", "no table", "being built"],
)
def test_the_index_that_is_missing(row: dict[str, t.Any], about: t.Any) -> None:
    made = report(cause="missing_index", rows=[{"columns": ["a"], "confirmed_by": ["plan"], **row}])
    made["findings"][0]["check"] = "postgresql_missing_index"
    found, _left = proposals(made)
    assert [each.about for each in found] == ([about] if about else [])


def queue(unconsumed: list[str]) -> dict[str, t.Any]:
    finding = {"check": "celery_queue_no_consumer", "host": "app1", "service": "celery", "instance": "shop", "status": "fail"}
    rows = [{"name": "mails", "growth_per_second": 2.0}, {"name": "celery"}]
    cause = {"cause": "queue_growth", "tier": "queue", "hosts": ["app1"], "statement": "s", "rows": rows, "hit": ["app1/celery/shop"]}
    workers = [
        {"name": "busy@a", "answers": True, "active": 4, "concurrency": 4, "queues": ["celery", "mails"]},
        {"name": "idle@a", "answers": True, "active": 0, "concurrency": 4, "queues": ["celery"]},
    ]
    application = {"name": "shop", "state": "up", "workers": workers}
    return {
        "hosts": {"app1": {"reached": True, "facts": {"launch_celery": {"instances": [application]}}}},
        "findings": [finding, {**finding, "check": "celery_queue_growth"}],
        "diagnoses": [cause],
        "fleet": {"launch_celery_queue": {"instances": [{"name": "b", "unconsumed": [{"name": name} for name in unconsumed]}]}},
    }


def test_a_queue_without_a_consumer_gets_the_worker_that_has_least_to_do() -> None:
    (found,), _left = proposals(queue(["mails"]))
    assert (found.act, found.about) == ("consume_queue", {"worker": "idle@a", "queue": "mails"})


@pytest.mark.parametrize(
    ("unconsumed", "elsewhere", "worker"),
    [(["mails"], ["idle@a"], "busy@a"), (["mails"], ["idle@a", "busy@a"], None), ([], ["busy@a"], None)],
    ids=["another consumes", "none is here to consume", "none is here to grow"],
)
def test_a_worker_on_another_host_is_left_alone(unconsumed: list[str], elsewhere: list[str], worker: t.Optional[str]) -> None:
    made = queue(unconsumed)
    for row in made["hosts"]["app1"]["facts"]["launch_celery"]["instances"][0]["workers"]:
        row["here"] = row["name"] not in elsewhere
    found, left = proposals(made)
    # a queue that nobody here could consume is still no reason to add processes elsewhere
    assert [each.about["worker"] for each in found if each.act == "consume_queue"] == ([worker] if worker else [])
    assert not any(each.about["worker"] in elsewhere for each in found) and (found or "does not name" in left[0])


def test_a_queue_that_is_consumed_gets_more_processes() -> None:
    (found,), _left = proposals(queue([]))
    assert (found.act, found.about) == ("grow_pool", {"worker": "busy@a", "add": 4})


TASK = {"task": "shop.reindex", "host": "app1", "application": "shop", "task_sessions": 6, "sessions_at_work": 8}


def overloaded(rows: list[t.Any], check: str = "server_cpu_busy", of: str = "db1", **celery: t.Any) -> dict[str, t.Any]:
    server = {"check": check, "host": of, "service": "server", "instance": of, "status": "fail", "accepted": None}
    cause = {"cause": "database_overload", "tier": "database", "hosts": ["db1"], "statement": "s", "rows": rows, "hit": ["db1/mysql/shop"]}
    running = [{"name": name, "worker": worker} for name, worker in [("shop.reindex", "w1@a"), ("shop.reindex", "w2@a"), ("mail", "w2@a")]]
    rates = {"w1@a": {"active": 1, "accepted_per_second": 2.0}, "w2@a": {"active": 2, "accepted_per_second": 3.0}}
    workers = [{"name": name, "answers": True, **each} for name, each in rates.items()]
    tasks = [{"name": "shop.reindex", "runtime_seconds": {"median": 0.5}}]
    application = {"name": "shop", "state": "up", "running": running, "workers": workers, "tasks": tasks, **celery}
    database = {"name": "shop", "state": "up"}
    return {
        "hosts": {
            "db1": {"reached": True, "facts": {"launch_mysql": {"instances": [database]}}},
            "app1": {"reached": True, "facts": {"launch_celery": {"instances": [application]}}},
        },
        "findings": [server],
        "diagnoses": [cause],
    }


@pytest.mark.parametrize(
    ("celery", "worker", "rate"),
    [
        ({}, "w1@a", "60/m"),
        ({"running": [{"name": "shop.reindex", "worker": "w2@a"}, {"name": "mail", "worker": "w2@a"}]}, "w2@a", "60/m"),
        ({"tasks": None}, "w1@a", "60/m"),
        ({"tasks": [{"name": "shop.reindex", "runtime_seconds": {"median": 90.0}}]}, "w1@a", "20/h"),
    ],
    ids=["by how long it runs", "its share of the worker", "by what the worker begins", "a slow one"],
)
def test_a_task_that_loads_a_database_is_begun_half_as_often(celery: dict[str, t.Any], worker: str, rate: str) -> None:
    (found,), _left = proposals(overloaded([{"text": "SELECT 1"}, TASK], **celery))
    assert (found.act, found.host, found.service, found.instance) == ("rate_limit", "app1", "celery", "shop")
    assert found.about == {"worker": worker, "task": "shop.reindex", "rate": rate}


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (overloaded([{"text": "SELECT 1"}]), "does not name what to act on"),
        (overloaded([{**TASK, "task": 3}]), "does not name what to act on"),
        (overloaded([TASK], running=[]), "does not name what to act on"),
        (overloaded([TASK], tasks=[], workers=[{"name": "w1@a", "answers": True}]), "does not name what to act on"),
        (overloaded([TASK], workers=[{"name": "w1@a", "answers": True, "here": False, "active": 1}]), "does not name what to act on"),
        (overloaded([{**TASK, "host": "gone"}]), "not among the instances"),
        (overloaded([TASK], check="server_swap"), "not beyond its limit"),
        (overloaded([TASK], of="app1"), "not beyond its limit"),
    ],
    ids=[
        "no task",
        "no name",
        "none runs",
        "no rate is known",
        "on another host",
        "its host was not read",
        "another finding",
        "another machine",
    ],
)
def test_a_database_that_no_known_task_loads_is_left_alone(made: dict[str, t.Any], words: str) -> None:
    found, left = proposals(made)
    assert not found and words in left[0]


def test_what_was_accepted_at_the_database_forbids_the_act_at_the_worker() -> None:
    made = overloaded([TASK])
    made["findings"][0]["accepted"] = "known"
    assert proposals(made) == ([], ["database_overload: its finding is accepted (launch_check_accept)"])
