# Copyright (c) 2026, the warroom.launch authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""First aid under attack: a guard that breaks between plan and act is refused; a run that is killed ends done or as before; of two runs
at once one acts."""

from __future__ import annotations

import random
import typing as t

from ansible_collections.warroom.launch.plugins.module_utils._acts.act import Refused
from tests.support.acts import Planned, act_at, planned
from tests.support.full_store import FullStore
from tests.support.postgresql import Postgres

NAME = "responses"
GUARDS, KILLS, PAIRS = 100, 60, 3


class Row(t.NamedTuple):
    name: str
    passed: bool
    said: str


def cases() -> list[str]:
    counts = {"broken guard": GUARDS, "killed": KILLS, "two at once": PAIRS}
    return [f"{name} {number}" for name, count in counts.items() for number in range(count)]


def rows(names: t.Sequence[str], seed: int) -> t.Iterator[Row]:
    guards = [name for name in names if name.startswith("broken guard")]
    if guards:
        with Postgres() as server:
            world = Blocked(server)
            for name in guards:
                yield world.row(name, random.Random(f"{seed} {name}"))
    runs = [name for name in names if not name.startswith("broken guard")]
    if runs:
        with FullStore() as store:
            for name in runs:
                yield Row(name, *_played(name, store, random.Random(f"{seed} {name}")))


def _played(name: str, store: FullStore, draw: random.Random) -> tuple[bool, str]:
    try:
        if name.startswith("two"):
            return store.two_at_once()
        return store.killed_after(draw.uniform(0.2, store.seconds), module_too=draw.random() < 0.5)
    except AssertionError as error:
        return False, str(error)[-300:]


# -- guards ------------------------------------------------------------------------------------------------------------


class Blocked:
    """A server where a session holds up another, and the ways in which that stops being what the plan says."""

    def __init__(self, server: Postgres) -> None:
        self.server = server
        server.psql("create table child (id int); create role app login; create role visitor login; grant all on child to app, visitor")
        server.psql("create role responder login; grant pg_monitor, pg_signal_backend to responder")
        self.holder: t.Any = None

    def row(self, name: str, draw: random.Random) -> Row:
        way = draw.choice(sorted(BREAKS))
        plan = self.plan()
        mend = BREAKS[way](self)
        try:
            said = plan.run().says
            return Row(name, False, f"{way}: it acted: {said}")
        except Refused as refused:
            alive = way == "the session ended" or self.server.psql("select count(*) from pg_stat_activity where usename = 'app'") == "1"
            return Row(name, alive, f"{way}: {refused}" if alive else f"{way}: refused, and the session is gone")
        finally:
            mend()
            self.server.leave()
            self.server.until("not exists (select from pg_stat_activity where usename in ('app', 'visitor'))", "all are gone")

    def plan(self) -> Planned:
        self.holder = self.server.client("begin; lock table child;", user="app", application="migrate")
        self.server.until("exists (select from pg_locks where mode = 'AccessExclusiveLock' and granted)", "it holds the lock")
        self.server.client("select * from child;", user="visitor", application="web")
        self.server.until("exists (select from pg_stat_activity where wait_event_type = 'Lock')", "a visitor waits")
        pid = int(self.server.psql("select pid from pg_stat_activity where usename = 'app'"))
        made = planned(act_at("end_session", "postgresql", {**self.server.place, "login_user": "responder"}, {"pid": pid}))
        assert made.broken == []
        return made

    def alter(self, broken: str, mended: str) -> t.Callable[[], None]:
        self.server.psql(broken)
        return lambda: (self.server.psql(mended), None)[1]

    def tell(self, sql: str, until: str) -> t.Callable[[], None]:
        """What the session itself does next."""
        self.holder.stdin.write(sql + "\n")
        self.holder.stdin.flush()
        self.server.until(until, sql)
        return lambda: None


_STILL = "exists (select from pg_stat_activity where usename = 'app' and state = 'idle in transaction' and {})"
BREAKS: dict[str, t.Callable[[Blocked], t.Callable[[], None]]] = {
    "nobody waits": lambda world: world.alter(
        "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'visitor'", "select 1"
    ),
    "a superuser": lambda world: world.alter("alter role app superuser", "alter role app nosuperuser"),
    "it replicates": lambda world: world.alter("alter role app replication", "alter role app noreplication"),
    "no right": lambda world: world.alter("revoke pg_signal_backend from responder", "grant pg_signal_backend to responder"),
    "another transaction": lambda world: world.tell(
        "commit; begin; lock table child; select txid_current();", _STILL.format("query like '%txid_current%'")
    ),
    "one of ours": lambda world: world.tell(
        "set application_name = 'warroom.launch';",
        "exists (select from pg_stat_activity where usename = 'app' and application_name like 'war%')",
    ),
    "the session ended": lambda world: world.alter(
        "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'app'", "select 1"
    ),
}
