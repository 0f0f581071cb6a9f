# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each act at each service says which right is missing: by the guard that reads it, or by its refusal."""

from __future__ import annotations

import contextlib
import types
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._acts import (
    celery_worker,
    end_mysql_session,
    mysql,
    postgresql,
    raise_pool_size,
)
from ansible_collections.warroom.launch.plugins.module_utils._acts.act import Refused, Target
from ansible_collections.warroom.launch.plugins.module_utils._acts.raise_maxmemory import RaiseMaxmemory
from ansible_collections.warroom.launch.plugins.module_utils._acts.registry import ACTS
from ansible_collections.warroom.launch.plugins.module_utils._collect import resp
from ansible_collections.warroom.launch.plugins.module_utils._collect.command import Ran
from ansible_collections.warroom.launch.plugins.module_utils._collectors.mysql.session import Refused as Denied
from ansible_collections.warroom.launch.plugins.module_utils._collectors.postgresql import driver
from tests.support.tools import FakeCommands, tools_with

#: Enough of `about` for any act to be made.
ABOUT = {
    "pid": 7,
    "database": "shop",
    "schema": "public",
    "table": "orders",
    "columns": ["a"],
    "role": "report",
    "connections": 2,
    "add": 1,
    "regexes": ["^/a"],
    "worker": "w1@a",
    "queue": "mails",
    "task": "shop.mail",
    "rate": "30/m",
    "backend": "app",
    "server": "s1",
    "user": "app",
    "size": 9,
}


def act_of(key: tuple[str, str], commands: t.Optional[FakeCommands] = None, **options: t.Any) -> t.Any:
    return ACTS[key](Target(options, tools_with(commands or FakeCommands()), dict(ABOUT)))


def guard(name: str) -> t.Callable[[tuple[str, str]], str]:
    return lambda key: next(guard.says for guard in ACTS[key].guards if guard.name == name)


def refused(ask: t.Callable[[], t.Any]) -> str:
    with pytest.raises(Refused) as told:
        ask()
    return str(told.value)


class Closed:
    """A session of MySQL and of Redis, and a connection to a broker, that may not do what is asked."""

    user = "reader"

    def rows(self, statement: str) -> t.Any:
        raise Denied("denied", "Access denied", 1227)

    def ask(self, *_commands: t.Any) -> t.Any:
        return [resp.Refusal("NOPERM")]


class NoPermissionError(Exception):
    """As the client library of Redis calls it."""


class Broker:
    refusals = (NoPermissionError,)

    def __init__(self, *_arguments: t.Any) -> None:
        self.connect = self.close = lambda: None


class Mailbox:
    def __init__(self, *_arguments: t.Any) -> None:
        pass

    def ask(self, *_question: t.Any, **_arguments: t.Any) -> t.Any:
        raise NoPermissionError("NOPERM")


def celery(key: tuple[str, str]) -> str:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(celery_worker, "Connection", Broker)
        patched.setattr(celery_worker, "Remote", Mailbox)
        return refused(act_of(key, broker_url="redis://reader:pw@127.0.0.1:6379/0").look)


def varnish(key: tuple[str, str]) -> str:
    commands = FakeCommands()
    commands.answers["varnishadm"] = Ran(2, b"", b"Authentication required")
    return refused(act_of(key, commands).look)


def kill(_key: tuple[str, str]) -> str:
    return refused(lambda: end_mysql_session.EndMysqlSession._kill(t.cast(t.Any, Closed()), "KILL 7"))


def pooler(key: tuple[str, str]) -> str:
    def run(sql: str) -> t.Any:
        raise driver.SqlError("permission denied" if sql.startswith("SET") else f"it was asked {sql}")

    with pytest.MonkeyPatch.context() as patched:
        connection = types.SimpleNamespace(run=run, close=lambda: None)
        patched.setattr(raise_pool_size.connect, "connection", lambda *_arguments: connection)
        act = act_of(key)

        def change() -> None:
            with act._console() as console:
                act._set(console, 3)

        return refused(change)


#: (act, service) → what tells that the right is missing, and the right.
RIGHTS: dict[tuple[str, str], tuple[t.Callable[[tuple[str, str]], str], str]] = {
    ("end_session", "postgresql"): (guard("may_signal"), "GRANT pg_signal_backend"),
    ("end_session", "mysql"): (kill, "GRANT CONNECTION ADMIN"),
    ("create_index", "postgresql"): (guard("may_create"), "member of the table's owner"),
    ("create_index", "mysql"): (guard("may_create"), "GRANT INDEX"),
    ("limit_client", "postgresql"): (guard("may_alter"), "CREATEROLE"),
    ("limit_client", "mysql"): (guard("may_alter"), "GRANT CREATE USER"),
    ("add_workers", "uwsgi"): (guard("is_ours_to_tell"), "the server's user, or root"),
    ("add_workers", "wsgi"): (guard("is_ours_to_tell"), "the server's user, or root"),
    ("cache_urls", "varnish"): (varnish, "secret file"),
    ("consume_queue", "celery"): (celery, "ACL SETUSER reader"),
    ("grow_pool", "celery"): (celery, "ACL SETUSER reader"),
    ("rate_limit", "celery"): (celery, "ACL SETUSER reader"),
    ("drain_server", "haproxy"): (guard("may_change"), "level admin"),
    ("raise_pool_size", "pgbouncer"): (pooler, "admin_users"),
    ("raise_maxmemory", "redis"): (
        lambda _key: refused(lambda: RaiseMaxmemory._set(t.cast(t.Any, Closed()), 1)),
        "ACL SETUSER reader +config|set",
    ),
}


@pytest.mark.parametrize("key", ACTS, ids=" ".join)
def test_an_act_without_the_right_says_which(key: tuple[str, str]) -> None:
    told, right = RIGHTS[key]
    assert right in told(key)


def test_a_table_that_mysql_does_not_show_is_a_missing_right(monkeypatch: pytest.MonkeyPatch) -> None:
    said = "SELECT command denied to user 'reader'@'localhost' for table 'user'"

    class Session:
        def __init__(self, *_arguments: t.Any) -> None:
            self.close = lambda: None

        def one(self, _sql: str) -> dict[str, str]:
            return {"pid": "7"}

    monkeypatch.setattr(mysql, "Session", Session)
    monkeypatch.setattr(mysql.connect, "login", lambda *_arguments: {})
    connection = types.SimpleNamespace(thread_id=lambda: 7)
    monkeypatch.setattr(mysql.connect, "connection", lambda *_arguments: connection)
    for why, words in (("denied", "a right is missing"), ("lost", "the server does not answer")):
        with pytest.raises(Refused, match=f"{words}: SELECT command denied"), mysql.session(act_of(("limit_client", "mysql")).target):
            raise Denied(why, said, 1142)
    connection.thread_id = lambda: 1_000_007
    with pytest.raises(Refused, match="leads through a proxy"), mysql.session(act_of(("end_session", "mysql")).target):
        raise AssertionError("it would end the session of another")


@pytest.mark.parametrize("told", [7, 4711, None])
def test_no_act_goes_through_a_pooler(monkeypatch: pytest.MonkeyPatch, told: t.Optional[int]) -> None:
    """PgBouncer tells a client a number of its own in place of the server process."""
    said: list[str] = []

    def run(sql: str) -> list[dict[str, t.Any]]:
        said.append(sql)
        return [{"pid": 7}]

    connection = types.SimpleNamespace(pid_at_login=told, run=run, close=lambda: said.append("closed"))
    monkeypatch.setattr(postgresql.connect, "connection", lambda *_arguments: connection)
    outcome: t.Any = contextlib.nullcontext() if told == 7 else pytest.raises(Refused, match="leads through a pooler")
    with outcome, postgresql.session(act_of(("end_session", "postgresql")).target):
        pass
    assert said[-1] == "closed" and any("set_config" in sql for sql in said) is (told == 7)
