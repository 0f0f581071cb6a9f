# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pools of a real PgBouncer are given more connections while clients wait, and are taken back."""

from __future__ import annotations

import contextlib
import threading
import typing as t

import psycopg
import pytest

from tests.support.acts import Planned, act_at, planned
from tests.support.postgresql import PgBouncer, Postgres
from tests.support.server import wait_until


@pytest.fixture(scope="module")
def pooler() -> t.Iterator[PgBouncer]:
    with Postgres() as server, PgBouncer(server, pool_size=1) as running:
        yield running


def client(pooler: PgBouncer, database: str = "postgres", user: str = "app") -> psycopg.Connection[t.Any]:
    return psycopg.connect(host="127.0.0.1", port=pooler.port, dbname=database, user=user, autocommit=True, prepare_threshold=None)


def size(pooler: PgBouncer) -> str:
    with client(pooler, "pgbouncer", "warroom") as console:
        return next(str(row[1]) for row in console.execute("SHOW CONFIG") if row[0] == "default_pool_size")


@pytest.fixture
def waits(pooler: PgBouncer) -> t.Iterator[threading.Thread]:
    """A client that holds the one connection of the pool, and another that waits for it; it ends when it was served."""
    pooler.behind.psql("do $$begin create role app superuser login; exception when duplicate_object then null; end$$")
    with contextlib.closing(client(pooler)) as holder:
        holder.execute("BEGIN")

        def wait() -> None:
            with contextlib.closing(client(pooler)) as waiting:
                waiting.execute("SELECT 1")

        thread = threading.Thread(target=wait)
        thread.start()
        yield thread
        holder.execute("ROLLBACK")
    thread.join(10)


def act(pooler: PgBouncer, **about: t.Any) -> Planned:
    place = {"login_host": "127.0.0.1", "login_port": pooler.port, "login_user": "warroom"}
    about = {"database": "postgres", "user": "app", "size": 2, **about}
    return planned(act_at("raise_pool_size", "pgbouncer", place, about, {"connections_left": 10}))


def test_a_waiting_client_is_served_and_the_size_is_taken_back(pooler: PgBouncer, waits: threading.Thread) -> None:
    wait_until(lambda: not act(pooler).broken, "a client waits")
    made = act(pooler)
    assert made.identity == {"default_pool_size": 1} and made.act.holds_timer() is None
    done = made.run()
    assert size(pooler) == "2"
    waits.join(10)
    assert not waits.is_alive(), "it was served while the first still holds its connection"
    assert "is 1 again" in made.act.undo(done.state) and size(pooler) == "1"
    assert "left alone" in made.act.undo(done.state)


def test_a_guard_refuses(pooler: PgBouncer) -> None:
    idle = act(pooler)
    assert "clients wait for a connection" in idle.refusal() and size(pooler) == "1"
    assert "another one than when the plan was made" in idle._replace(identity={"default_pool_size": 9}).refusal()
    assert any("new size is larger" in sentence for sentence in act(pooler, size=1).broken)


def test_without_the_right_it_says_which(pooler: PgBouncer) -> None:
    place = {"login_host": "127.0.0.1", "login_port": pooler.port, "login_user": "app"}
    with pytest.raises(Exception, match="stats_users|admin_users"):
        act_at("raise_pool_size", "pgbouncer", place, {"database": "postgres", "user": "app", "size": 2}).look()
