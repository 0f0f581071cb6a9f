# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Causes over the whole fleet: every rule, then the deepest cause first and its consequences as its evidence."""

from __future__ import annotations

import typing as t

from . import accelerator, application, database, errors, machine, others, service_down
from .cause import CAUSES, DATABASE, Cause, Diagnosis
from .explain import explains
from .fleet_view import Fleet

Data = t.Mapping[str, t.Any]

RULES: tuple[t.Callable[[Fleet], t.Iterator[Cause]], ...] = (
    machine.exhausted,
    service_down.service_down,
    accelerator.fault,
    accelerator.bypassed,
    database.idle_in_transaction,
    database.lock_chain,
    database.missing_index,
    database.unknown_client,
    database.overload,
    application.workers_exhausted,
    application.overload,
    errors.application_errors,
    errors.backend_unreachable,
    others.queue_growth,
    errors.tasks_failing,
    others.unbalanced_pool,
    errors.cache_exhausted,
    others.connection_budget,
    others.outlier,
)


def diagnose(hosts: Data, findings: t.Sequence[Data], inventory: Data) -> list[Diagnosis]:
    """The causes, deepest first.

    `hosts`: name → {facts, tiers, reached, addresses, groups, known_clients}, and `fleet` → {facts: what exists once};
    `inventory`: {groups: {name: hosts}, addresses: {host of the inventory, asked or not: [its names and addresses]}}.
    Each: {cause, tier, hosts, statement, evidence, first_fix, avoid, look, rows}.
    """
    fleet = Fleet(hosts, findings, inventory)
    causes = [cause for rule in RULES for cause in rule(fleet)]
    causes = _both_on_fire(sorted(causes, key=lambda one: CAUSES.index(one.cause)), fleet)
    return [cause.as_dict() for cause in _deepest(causes, fleet)]


def _deepest(causes: t.Sequence[Cause], fleet: Fleet) -> t.Iterator[Cause]:
    """The causes that no other explains; a consequence of a consequence belongs to the same deepest one."""
    groups: list[list[Cause]] = []
    for cause in causes:
        group = next((one for one in groups if any(explains(deep, cause, fleet) for deep in one)), None)
        if group is None:
            groups.append([cause])
        else:
            group.append(cause)
    for deepest, *consequences in groups:
        deepest.evidence += [f"Its consequence: {one.statement}" for one in consequences]
        if consequences or deepest.cause != "machine_exhausted":
            yield deepest


def _both_on_fire(causes: list[Cause], fleet: Fleet) -> list[Cause]:
    """Application and database at their limits on their own account: one cause, and no help from more servers."""
    application_at_limit = next((one for one in causes if one.cause == "application_overload"), None)
    database_at_limit = next((one for one in causes if one.cause == "database_overload"), None)
    deeper = any(one.cause in DATABASE - {"database_overload"} or one.cause.startswith("accelerator") for one in causes)
    if application_at_limit is None or database_at_limit is None or deeper:
        return causes
    both = Cause(
        cause="application_and_database_overload",
        tier="database",
        hosts=sorted({*database_at_limit.hosts, *application_at_limit.hosts}),
        statement="Application and database are both at their limits.",
        evidence=[database_at_limit.statement, application_at_limit.statement, *database_at_limit.evidence],
        first_fix=f"The database first. {database_at_limit.first_fix}",
        avoid="Do not add application servers: a database at its limit would only get more work.",
        look=database_at_limit.look,
        rows=database_at_limit.rows,
        at=database_at_limit.at,
    )
    rest = [one for one in causes if one.cause not in ("application_overload", "database_overload")]
    return sorted([*rest, both], key=lambda one: CAUSES.index(one.cause))
