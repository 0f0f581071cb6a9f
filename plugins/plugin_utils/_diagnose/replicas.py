# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Replicas of PostgreSQL that the application reads from although they are far behind, or no longer follow their primary."""

from __future__ import annotations

import typing as t

from .._checks.services import DATABASE_USERS, in_tiers
from .._fleet.database_clients import is_own, named
from .._fleet.observed import Instance, Row
from .cause import Cause, look, said, several
from .fleet_view import Fleet

LAG = "postgresql_replica_own_lag"


def behind(fleet: Fleet, variant: str) -> t.Iterator[Cause]:
    """A replica that nobody reads from may be as old as it likes: then its finding says all there is to say."""
    for replica, finding in fleet.each_bad("postgresql", LAG, least="warn"):
        state = replica.part("replication")
        cut_off = state.get("streaming") is False
        # a few seconds are a warning, unless they grow for ever
        if finding["status"] != "fail" and not cut_off:
            continue
        readers, sessions = _readers(fleet, replica), _sessions(fleet, replica)
        if not readers and not sessions:
            continue
        yield Cause(
            hosts=[replica.host],
            statement=f"{_named(readers, sessions)} read old data from the PostgreSQL replica {replica}: {said(finding)}.",
            evidence=[
                *_why(replica, cut_off),
                *(f"{named(row)}: {int(row.amount('sessions'))} sessions." for row in sessions[:3]),
            ],
            first_fix=str(finding.get("advice") or "Take it out of the read pool until it has caught up."),
            avoid="Do not restart or rebuild it first: as long as it is in the read pool, visitors do not see what they have just saved.",
            look=look(finding) or fleet.command(replica, "psql {login} -c 'SELECT * FROM pg_stat_wal_receiver'"),
            rows=[Row(state)],
            at=replica,
            variant=variant,
        )


def _readers(fleet: Fleet, replica: Instance) -> list[str]:
    """The applications and workers that are connected to it."""
    keys = fleet.graph.in_order(fleet.graph.needed_by(replica.key))
    users = [fleet.instance(key) for service in in_tiers(*DATABASE_USERS) for key in keys if key[1] == service]
    return [str(user) for user in users if user is not None]


def _sessions(fleet: Fleet, replica: Instance) -> list[Row]:
    """Its sessions from hosts that run the application: what counts where their sockets could not be read."""
    places = fleet.once(_places)
    return [row for row in replica.rows("clients") if row.get("sessions") and not is_own(row) and row.word("address") in places]


def _places(fleet: Fleet) -> set[str]:
    hosts = {user.host for service in in_tiers(*DATABASE_USERS) for user in fleet.instances(service)}
    return {address for host in hosts for address in (host, *_addresses(fleet, host))}


def _addresses(fleet: Fleet, host: str) -> list[str]:
    entry = fleet.hosts.get(host)
    return [str(address) for address in entry.get("addresses") or []] if isinstance(entry, dict) else []


def _named(readers: list[str], sessions: list[Row]) -> str:
    return several(readers) if readers else several(list(dict.fromkeys(f"Clients on {row.word('address')}" for row in sessions)))


def _why(replica: Instance, cut_off: bool) -> t.Iterator[str]:
    state, unread = replica.part("replication"), replica.number("replication.behind_bytes")
    if cut_off:
        yield f"It receives nothing from its primary: its receiver is {state.get('receiver')}."
    if state.get("paused") is True:
        yield "Its replay is paused."
    if unread:
        yield f"It has received {unread / 2**20:.1f} MiB that it has not replayed."
