# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Redis and Valkey: a command that holds up all others, a broker that evicts its messages, a server that is full."""

from __future__ import annotations

import typing as t

from .._checks.finding import Finding
from .._fleet.observed import Instance, Row
from .cause import Cause, look, percent, said, several
from .fleet_view import Fleet

SLOW = ("redis_blocked", "redis_slow_time")
BUSY = "redis_main_thread"
FULL = ("redis_refused_writes", "redis_memory_left")
#: What the queue's own facts say of the same.
QUEUE_FULL = ("celery_queue_broker_refuses", "celery_queue_memory_left")


def commands_block(fleet: Fleet) -> t.Iterator[Cause]:
    """A command that takes long, or many that fill the one thread: whoever uses the server waits."""
    for server in fleet.instances("redis"):
        slow = fleet.bad(server, *SLOW)
        finding = slow or fleet.bad(server, BUSY)
        rows = server.rows("slow_commands") if slow else server.rows("commands")
        if finding is None:
            continue
        worst = rows[0] if rows else Row()
        yield Cause(
            hosts=[server.host],
            statement=f"{_sent(worst)} up every client of {server} (Redis runs one command at a time): {said(finding)}.",
            evidence=[*_times(server, rows, slow)],
            first_fix=str(finding.get("advice") or ""),
            avoid="Do not add clients, workers or cores: one thread runs all commands.",
            look=look(finding),
            rows=rows[:10],
            at=server,
        )


def _sent(row: Row) -> str:
    """`KEYS * from 10.0.0.7 holds`"""
    if not row.get("name"):
        return "Its commands hold"
    about = f" {row.word('key')}" if row.get("key") else ""
    client = row.word("client_name") if row.get("client_name") else row.word("client") if row.get("client") else ""
    return f"{row.word('name')}{about}{f' from {client}' if client else ''} holds"


def _times(server: Instance, rows: list[Row], slow: t.Optional[Finding]) -> t.Iterator[str]:
    for row in rows[:3]:
        if slow:
            yield f"{row.word('name')}: {row.amount('calls'):.0f} times, the longest {row.amount('longest_milliseconds'):.0f} ms."
        else:
            yield f"{row.word('name')}: {row.amount('calls_per_second'):.0f} per second, {row.amount('milliseconds'):.0f} ms in the window."
    longest = server.number("latency_milliseconds.longest")
    if longest is not None and longest >= 100:
        yield f"A PING of this check waited {longest:.0f} ms."


def broker_evicts(fleet: Fleet) -> t.Iterator[Cause]:
    """One server for cache and broker that evicts any key: messages go with the cache's entries, and nobody gets an error."""
    for server, finding in fleet.each_bad("redis", "redis_tasks_evictable"):
        others = [use for use in ("cache", "sessions", "results") if server.part("used_as").get(use) is True]
        also = f", which is {several(others)} as well," if others else ""
        yield Cause(
            hosts=[server.host],
            statement=f"The broker {server}{also} evicts keys, messages among them: {said(finding)}.",
            evidence=[*_databases(server)],
            first_fix=str(finding.get("advice") or ""),
            avoid="Do not only raise the limit: the next time that it is full, tasks are lost again.",
            look=look(finding),
            rows=server.rows("databases")[:10],
            at=server,
        )


def _databases(server: Instance) -> t.Iterator[str]:
    for row in server.rows("databases")[:4]:
        uses = row.get("uses")
        what = f" ({', '.join(map(str, uses))})" if isinstance(uses, list) and uses else ""
        yield f"{row.word('name')}{what}: {row.amount('key_count'):.0f} keys, {percent(row.number('expiring_ratio'))} of them expire."


def servers_full(fleet: Fleet) -> t.Iterator[Cause]:
    """A server at its limit that evicts nothing. Where the queues' facts say so of a broker, it is that cause already."""
    named = {str(broker.part("broker").get("identity")) for broker, _finding in fleet.each_bad("celery_queue", *QUEUE_FULL)}
    for server, finding in fleet.each_bad("redis", *FULL):
        run = str(server.facts.get("identity"))
        if any(identity.startswith(f"redis {run}/") for identity in named):
            continue
        is_broker = server.part("used_as").get("broker") is True
        yield Cause(
            tier="redis",
            hosts=[server.host],
            statement=f"{'The broker' if is_broker else 'Redis on'} {server} is full and refuses {_what(is_broker)}: {said(finding)}.",
            evidence=[*_databases(server)],
            first_fix=str(finding.get("advice") or "Raise maxmemory."),
            avoid=(
                "Do not set an eviction policy and do not purge the queues: both drop tasks that visitors wait for."
                if is_broker
                else "Do not restart it: what it holds is lost or loaded again, and it is as full as before."
            ),
            look=look(finding),
            rows=server.rows("databases")[:10],
            at=server,
        )


def is_named(broker: Instance, fleet: Fleet) -> bool:
    """Whether the server behind a broker is named for its commands by its own facts, which know the client and the kind of key."""
    identity = str(broker.part("broker").get("identity"))
    servers = [server for named, server in fleet.once(_blocking) if identity.startswith(named)]
    return bool(servers)


def _blocking(fleet: Fleet) -> list[tuple[str, Instance]]:
    return [(f"redis {server.facts.get('identity')}/", server) for server, _finding in fleet.each_bad("redis", *SLOW, BUSY)]


def _what(is_broker: bool) -> str:
    return "new messages" if is_broker else "every write"
