# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A missing index is created in a real PostgreSQL, and nothing half built is left behind; a client is limited and let go again."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._acts import create_postgresql_index
from ansible_collections.warroom.launch.plugins.module_utils._acts.act import Refused
from tests.support.acts import Planned, act_at, planned
from tests.support.postgresql import PgBouncer, Postgres

ABOUT = {"database": "postgres", "schema": "public", "table": "Child's", "columns": ["parent id"]}


@pytest.fixture(scope="module")
def server() -> t.Iterator[Postgres]:
    with Postgres() as running:
        running.psql("create role shop login; create role responder login createrole; grant pg_monitor, shop to responder")
        running.psql(
            "create role watcher login; grant pg_monitor to watcher; create role reporting login; grant create on schema public to shop"
        )
        running.psql('set role shop; create table "Child\'s" (id int primary key, "parent id" int)')
        running.psql('insert into "Child\'s" select n, n % 9 from generate_series(1, 2000) n; analyze')
        yield running


@pytest.fixture(autouse=True)
def without_index(server: Postgres) -> t.Iterator[None]:
    yield
    server.leave()
    server.psql('drop index if exists "Child\'s_parent id_idx"; alter role reporting connection limit -1; alter role reporting reset all')


def index(server: Postgres, user: str = "responder", **about: t.Any) -> Planned:
    return planned(act_at("create_index", "postgresql", {**server.place, "login_user": user}, {**ABOUT, **about}))


def there(server: Postgres) -> str:
    return server.psql(
        "select c.relname || ' ' || i.indisvalid from pg_index i join pg_class c on c.oid = indexrelid where relname like 'Child%_idx%'"
    )


def test_an_index_is_created_and_dropped_again(server: Postgres) -> None:
    made = index(server)
    assert made.broken == []
    done = made.run()
    assert there(server) == "Child's_parent id_idx true"
    assert any("no index covers" in sentence for sentence in index(server).broken)
    assert "was dropped" in made.act.undo(done.state) and there(server) == ""
    assert "nothing is left behind" in made.act.undo(done.state)


def test_an_invalid_index_of_that_name_is_dropped_first(server: Postgres) -> None:
    server.psql('create index "Child\'s_parent id_idx" on "Child\'s" ("parent id")')
    server.psql("update pg_index set indisvalid = false where indexrelid = '\"Child''s_parent id_idx\"'::regclass")
    made = index(server)
    assert made.broken == [] and made.identity["invalid"] == "Child's_parent id_idx"
    made.run()
    assert there(server) == "Child's_parent id_idx true"


def test_a_build_says_how_far_it_is(server: Postgres) -> None:
    made = index(server)
    assert made.act.progress() is None
    # it waits for the transaction that wrote to the table before it
    server.client('begin; insert into "Child\'s" values (-1);', application="older")
    server.until("exists (select from pg_stat_activity where application_name = 'older' and state like 'idle in%')", "it is older")
    server.client('create index concurrently "Child\'s_parent id_idx" on "Child\'s" ("parent id");', application="warroom.launch")
    server.until("exists (select from pg_stat_progress_create_index)", "it is being built")
    said = made.act.progress()
    assert said is not None and said.startswith("index build on public.Child's: ") and "waits for 1 older transaction" in said


def test_a_table_that_changed_is_left_alone(server: Postgres) -> None:
    made = index(server)
    assert "table_id" in made._replace(identity={**made.identity, "table_id": 1}).refusal()
    assert there(server) == ""


def test_an_old_transaction_would_hold_up_the_build(server: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(create_postgresql_index, "OLDEST_SECONDS", 0)
    made = index(server)
    server.client("begin isolation level repeatable read; select count(*) from pg_class;", application="report")
    server.until(
        "exists (select from pg_stat_activity where application_name = 'report' and backend_xmin is not null)", "it has a snapshot"
    )
    limits = {**made.limits, "oldest_transaction_seconds": 0}
    assert "no transaction has been open" in made._replace(limits=limits).refusal() and there(server) == ""


@pytest.mark.parametrize(("guard", "limit"), [("free_for_estimate", 1e15), ("prepared", -1), ("being_built", -1)])
def test_a_guard_whose_limit_is_not_met_refuses(server: Postgres, guard: str, limit: float) -> None:
    made = index(server)
    assert "a guard no longer holds" in made._replace(limits={**made.limits, guard: limit}).refusal()
    assert there(server) == ""


def test_without_the_right_it_says_which(server: Postgres) -> None:
    made = index(server, "watcher")
    assert any("member of the table's owner" in sentence for sentence in made.broken)
    assert "member of the table's owner" in made.refusal() and there(server) == ""


def test_a_build_that_fails_leaves_nothing(server: Postgres) -> None:
    server.psql("create function public.fails(int) returns int immutable language plpgsql as $$begin raise 'no'; end$$")
    made = index(server)
    act = made.act
    act._create = lambda name: f'CREATE INDEX CONCURRENTLY "{name}" ON "Child\'s" (public.fails("parent id"))'  # type: ignore[attr-defined,method-assign]
    assert "the build failed" in made.refusal() and there(server) == ""


def client(server: Postgres, **about: t.Any) -> Planned:
    place = {**server.place, "login_user": "responder"}
    return planned(act_at("limit_client", "postgresql", place, {"role": "reporting", "connections": 2, "known": ["shop"], **about}))


def limit(server: Postgres) -> str:
    return server.psql(
        "select rolconnlimit || coalesce(' ' || array_to_string(rolconfig, ','), '') from pg_roles where rolname = 'reporting'"
    )


def test_a_client_is_limited_and_let_go_again(server: Postgres) -> None:
    made = client(server)
    assert made.broken == []
    done = made.run()
    assert limit(server) == "2 statement_timeout=5s"
    assert "limit of before" in made.act.undo(done.state) and limit(server) == "-1"


def test_a_limit_that_a_person_set_meanwhile_is_left_alone(server: Postgres) -> None:
    made = client(server)
    done = made.run()
    server.psql("alter role reporting connection limit 7")
    assert "left alone" in made.act.undo(done.state) and limit(server).startswith("7 ")


@pytest.mark.parametrize(
    ("role", "known", "guard"),
    [
        ("reporting", ["reporting"], "no known client"),
        ("shop", [], "owns no table"),
        ("warroom", [], "no superuser"),
        ("responder", [], "not our own"),
    ],
)
def test_the_applications_role_is_never_limited(server: Postgres, role: str, known: list[str], guard: str) -> None:
    made = client(server, role=role, known=known)
    assert any(guard in sentence for sentence in made.broken)
    assert guard in made.refusal()


def test_a_role_with_a_timeout_of_its_own_is_left_alone(server: Postgres) -> None:
    server.psql("alter role reporting set statement_timeout = '1min'")
    assert "statement_timeout of its own" in client(server).refusal()


def test_an_act_through_pgbouncer_is_refused(server: Postgres) -> None:
    with PgBouncer(server, pool_size=1) as bouncer:
        place = {
            "login_host": "127.0.0.1",
            "login_port": bouncer.port,
            "login_user": "warroom",
            "login_password": "x",
            "login_db": "postgres",
        }
        with pytest.raises(Refused, match="leads through a pooler"):
            act_at("end_session", "postgresql", place, {"pid": 1}).look()
