# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Brokers that are up and keep everybody waiting (a slow command of Redis, an alarm of RabbitMQ), or are emptied again and again."""

from __future__ import annotations

import typing as t

from .._checks.services import in_tiers
from .._checks.units import numbered
from .._fleet.nodes import Place
from .._fleet.observed import Instance, Row
from .cause import Cause, look, percent, said
from .extent import keys_of
from .fleet_view import Fleet
from .stores import is_named
from .task_queues import hosts_of

BLOCKED, ALARM, EMPTIED = "celery_queue_broker_blocked", "celery_queue_broker_alarm", "celery_queue_broker_emptied"
#: The part of the looks at busy workers from which they wait for the broker.
MOSTLY = 0.5

#: What to use in place of a command that blocks.
INSTEAD = {
    "keys": "SCAN goes through the keys in small steps; or keep what you look for in a set of its own.",
    "del": "UNLINK frees a large key in the background.",
    "flushall": "FLUSHALL ASYNC frees in the background; better not to empty a broker at all.",
    "flushdb": "FLUSHDB ASYNC frees in the background; better not to empty a broker at all.",
    "save": "BGSAVE writes from a process of its own.",
    "sort": "Sort in the application, on a copy.",
    **dict.fromkeys(("eval", "evalsha", "fcall"), "Let the script do little at a time: no loop over many keys, no waiting."),
    **dict.fromkeys(
        ("smembers", "hgetall", "hkeys", "hvals", "lrange", "zrange"), "Read a large key in parts (SSCAN, HSCAN, LRANGE of 100)."
    ),
}


def broker_blocked(fleet: Fleet) -> t.Iterator[Cause]:
    for broker, finding in fleet.each_bad("celery_queue", BLOCKED):
        if is_named(broker, fleet):
            continue
        yield _slow_command(fleet, broker, said(finding))
    for broker, finding in fleet.each_bad("celery_queue", ALARM):
        yield Cause(
            hosts=hosts_of(broker),
            statement=f"The broker {broker.name} takes no messages: {said(finding)}.",
            evidence=[],
            first_fix=str(finding.get("advice") or "End the alarm: memory or disk for RabbitMQ."),
            avoid="Do not restart RabbitMQ and do not purge its queues: messages that are not durable are lost, and the alarm comes back.",
            look=look(finding),
            at=broker,
        )


def _slow_command(fleet: Fleet, broker: Instance, words: str) -> Cause:
    part = Instance(broker.host, broker.service, broker.part("broker"))
    slow, commands = part.rows("slow_commands"), part.rows("commands")
    busiest = commands[0] if commands else Row()
    slowest = next((row for row in slow if row.get("name") == busiest.get("name")), slow[0] if slow else busiest)
    name = slowest.word("name").upper() or "A command"
    client = f" from {slowest.word('client')}" if slowest.get("client") else ""
    took = slowest.number("milliseconds") or slowest.number("mean_milliseconds") or part.number("slowest_milliseconds") or 0.0
    return Cause(
        hosts=hosts_of(broker),
        statement=(
            f"A slow command blocks the broker {broker.name}: {name}{client} takes {took:.0f} ms, "
            f"and {percent(busiest.number('share_ratio'))} of its time goes to {busiest.word('name').upper()}. "
            "Redis does nothing else meanwhile."
        ),
        evidence=[
            *(_command(row) for row in commands[:3]),
            *([f"{words}."] if words else []),
        ],
        first_fix=(
            f"Stop what sends {name}{client} until the rush is over (redis-cli slowlog get shows its arguments, client list who it is). "
            + INSTEAD.get(slowest.word("name"), "Give it a Redis of its own.")
        ),
        avoid="Do not add workers: they would wait for the same Redis, which runs one command at a time.",
        look=fleet.command(broker, "redis-cli {login} slowlog get"),
        rows=slow or commands,
        at=broker,
    )


def _command(row: Row) -> str:
    calls, share = numbered(int(row.amount("calls")), "call/calls"), percent(row.number("share_ratio"))
    return f"{row.word('name').upper()}: {calls} of {row.amount('mean_milliseconds'):.1f} ms, {share} of the window."


def emptied(fleet: Fleet, variant: str) -> t.Iterator[Cause]:
    """What was cached in this Redis does not stay, and tasks that waited in it are lost."""
    for broker, finding in fleet.each_bad("celery_queue", EMPTIED):
        flushes = int(broker.number("broker.flushes") or 0)
        yield Cause(
            hosts=hosts_of(broker),
            statement=(
                f"The Redis of {broker.name} was emptied {numbered(flushes, 'time/times')} (FLUSHALL or FLUSHDB) in the window: what it "
                "caches is computed again, and tasks that waited in it may be gone."
            ),
            evidence=[],
            first_fix=(
                "Stop what empties it: `cache.clear()` in a signal or a view, a deploy hook or a cron job. Where it is not found at once, "
                "take the command from the application's user (ACL SETUSER … -flushall -flushdb). Then give the cache a Redis of its own."
            ),
            avoid="Do not send lost tasks again before it has stopped, and do not tune the database first: what is cached does not stay.",
            look=look(finding),
            at=broker,
            tier="celery",
            variant=variant,
        )


def workers_wait_for(broker: Instance, shallow: Cause, fleet: Fleet) -> bool:
    """Whether most looks at the busy workers saw them wait for the broker's address. It need not be an instance of the check."""
    port, host = broker.part("broker").get("port"), str(broker.part("broker").get("host"))
    shares = []
    keys = [key for key in keys_of(shallow, fleet) if key[1] in (*in_tiers("application"), "celery")]
    for workers in (each for each in map(fleet.instance, keys) if each is not None):
        edges = Instance(workers.host, workers.service, {"rows": workers.part("waits").get("edges")}).rows("rows")
        shares.append(sum(row.amount("share_ratio") for row in edges if _is_there(row.word("address"), host, port)))
    return bool(shares) and max(shares) >= MOSTLY


def _is_there(address: str, host: str, port: t.Any) -> bool:
    place = Place.of(address)
    return place.port == str(port) if isinstance(port, int) else address == f"unix:{host}"
