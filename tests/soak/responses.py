# Copyright (c) 2026, the warroom.launch authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""First aid under attack: a guard that breaks between plan and act is refused; what is killed on its way ends done or as before."""

from __future__ import annotations

import contextlib
import os
import random
import secrets
import signal
import subprocess
import sys
import time
import typing as t

from ansible_collections.warroom.launch.plugins.module_utils._acts.act import Refused
from tests.support.acts import Planned, act_at, planned
from tests.support.postgresql import Postgres
from tests.support.redis import Redis
from tests.support.server import ROOT, wait_until

NAME = "responses"
GUARDS, KILLS = 100, 60
LIMIT = 64 << 20


class Row(t.NamedTuple):
    name: str
    passed: bool
    said: str


def cases() -> list[str]:
    return [f"broken guard {number}" for number in range(GUARDS)] + [f"killed {number}" for number in range(KILLS)]


def rows(names: t.Sequence[str], seed: int) -> t.Iterator[Row]:
    guards = [name for name in names if name.startswith("broken guard")]
    if guards:
        with Postgres() as server:
            world = Blocked(server)
            for name in guards:
                yield world.row(name, random.Random(f"{seed} {name}"))
    kills = [name for name in names if name.startswith("killed")]
    if kills:
        with Redis("", f"maxmemory {LIMIT}") as store:
            for name in kills:
                yield killed(name, store, random.Random(f"{seed} {name}"))


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


# -- kills -------------------------------------------------------------------------------------------------------------

#: Arms the timer, acts, and (told so) lets the act stay: as the module does, in a process that is killed on its way.
CHILD = """
import sys
from tests.support.acts import act_at
from ansible_collections.warroom.launch.plugins.module_utils._acts import timer
port, name, stay = sys.argv[1:]
act = act_at("raise_maxmemory", "redis", {"address": "127.0.0.1:" + port}, {})
looked = act.look()
state = act.state_before(looked)
print("begun", flush=True)
timer.arm(name, 1.5, state, lambda: act.undo(state))
act.run(looked.identity, {"used_ratio": 0.0})
if stay == "stay":
    timer.stay(name)
    print("stays", flush=True)
sys.stdin.read()
"""


def killed(name: str, store: Redis, draw: random.Random) -> Row:
    stay, after = draw.choice(["stay", "go"]), draw.uniform(0.0, 0.12)
    path = os.pathsep.join([str(ROOT), str(ROOT / ".collections")])
    words = [sys.executable, "-c", CHILD, str(store.port), secrets.token_hex(8), stay]
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True, env={**os.environ, "PYTHONPATH": path}
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(after)
        os.killpg(process.pid, signal.SIGKILL)
        told = process.stdout.read()
    ends = LIMIT * 5 // 4 if "stays" in told else LIMIT
    # where the kill came between the act's being told to stay and the telling of it, both ends are right
    allowed = {ends} if "stays" in told or stay == "go" else {LIMIT, LIMIT * 5 // 4}
    with contextlib.suppress(AssertionError):
        wait_until(lambda: limit(store) == LIMIT, "it was taken back", 1.0 if "stays" in told else 8.0)
    found = limit(store)
    store.client().config_set("maxmemory", LIMIT)
    return Row(name, found in allowed, f"killed after {after * 1000:.0f} ms ({stay}): {found >> 20} MiB")


def limit(store: Redis) -> int:
    return int(store.client().config_get("maxmemory")["maxmemory"])
