# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The session that holds up others is ended in a real PostgreSQL, and no other ever is."""

from __future__ import annotations

import typing as t

import pytest

from tests.support.acts import Planned, act_at, planned
from tests.support.postgresql import Postgres


@pytest.fixture(scope="module")
def server() -> t.Iterator[Postgres]:
    with Postgres() as running:
        running.psql("create table child (id int); insert into child values (1)")
        for role in ("app", "bystander"):
            running.psql(f"create role {role} login; grant all on child to {role}")
        running.psql("create role responder login; grant pg_monitor, pg_signal_backend to responder")
        running.psql("create role watcher login; grant pg_monitor to watcher")
        running.psql("create role chief login superuser; create role standby login replication; grant all on child to standby")
        yield running


@pytest.fixture(autouse=True)
def alone(server: Postgres) -> t.Iterator[None]:
    yield
    server.leave()
    server.until("(select count(*) from pg_stat_activity where backend_type = 'client backend') = 1", "the clients are gone")


def blocked(server: Postgres, user: str = "app", idle: bool = True) -> int:
    """The pid of a session that holds a lock for which another waits."""
    work = "" if idle else " select pg_sleep(60);"
    server.client(f"begin; lock table child;{work}", user=user, application="migrate")
    state = "idle in transaction" if idle else "active"
    server.until(
        f"exists (select from pg_stat_activity a join pg_locks l using (pid) where application_name = 'migrate' and state = '{state}'"
        " and mode = 'AccessExclusiveLock' and granted)",
        "it holds the lock",
    )
    server.client("select * from child;", user="bystander", application="visitor")
    server.until("exists (select from pg_stat_activity where wait_event_type = 'Lock')", "a visitor waits")
    return int(server.psql("select pid from pg_stat_activity where application_name = 'migrate'"))


def plan(server: Postgres, pid: int, user: str = "responder") -> Planned:
    return planned(act_at("end_session", "postgresql", {**server.place, "login_user": user}, {"pid": pid}))


def alive(server: Postgres, application: str = "migrate") -> bool:
    return server.psql(f"select count(*) from pg_stat_activity where application_name = '{application}'") != "0"


def test_an_idle_session_is_ended_and_the_visitor_goes_on(server: Postgres) -> None:
    made = plan(server, blocked(server))
    assert made.broken == [] and "was ended" in made.run().says
    assert not alive(server) and alive(server, "visitor")
    assert made.refusal() == f"session {made.identity['pid']} is gone"


def test_one_that_works_is_cancelled_first(server: Postgres) -> None:
    made = plan(server, blocked(server, idle=False))
    assert "was cancelled" in made.run().says
    server.until("not exists (select from pg_stat_activity where wait_event_type = 'Lock')", "nobody waits")


def test_another_transaction_of_the_same_session_is_left_alone(server: Postgres) -> None:
    made = plan(server, blocked(server))
    assert "xact_start differs" in made._replace(identity={**made.identity, "xact_start": "2026-01-01T00:00:00.000000+00"}).refusal()
    assert "backend_start differs" in made._replace(identity={**made.identity, "backend_start": "2026-01-01T00:00:00.000000+00"}).refusal()
    assert "another one" in made._replace(identity={**made.identity, "pid": made.identity["pid"] + 1}).refusal()
    assert alive(server)


def test_a_session_that_no_longer_blocks_is_left_alone(server: Postgres) -> None:
    made = plan(server, blocked(server))
    server.psql("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'visitor'")
    server.until("not exists (select from pg_stat_activity where wait_event_type = 'Lock')", "nobody waits")
    assert "it blocks other sessions" in made.refusal() and alive(server)


@pytest.mark.parametrize(("user", "guard"), [("chief", "no superuser"), ("standby", "does not replicate")])
def test_a_superuser_and_who_replicates_are_left_alone(server: Postgres, user: str, guard: str) -> None:
    made = plan(server, blocked(server, user))
    assert any(guard in sentence for sentence in made.broken)
    assert guard in made.refusal() and alive(server)


def test_one_that_waits_itself_is_left_alone(server: Postgres) -> None:
    blocked(server)
    waiter = int(server.psql("select pid from pg_stat_activity where application_name = 'visitor'"))
    made = plan(server, waiter)
    assert any("waits for no other" in sentence for sentence in made.broken)
    assert "waits for no other" in made.refusal() and alive(server, "visitor")


def test_without_the_right_it_says_which(server: Postgres) -> None:
    made = plan(server, blocked(server), "watcher")
    assert any("pg_signal_backend" in sentence for sentence in made.broken)
    assert "pg_signal_backend" in made.refusal() and alive(server)
    with pytest.raises(Exception, match="pg_monitor"):
        plan(server, made.identity["pid"], "bystander")


def test_a_process_of_the_server_is_no_session(server: Postgres) -> None:
    pid = int(server.psql("select pid from pg_stat_activity where backend_type = 'checkpointer'"))
    made = plan(server, pid)
    assert any("client's session" in sentence for sentence in made.broken)
    assert made.refusal() and alive(server, "") is True
