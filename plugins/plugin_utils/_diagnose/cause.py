# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a diagnosis is, and which cause explains which: the deepest comes first, its consequences become evidence."""

from __future__ import annotations

import dataclasses
import typing as t

from .fleet_view import Seen

#: Deepest first. What stands later is often only a consequence of what stands earlier.
CAUSES = (
    "machine_exhausted",
    "service_down",
    "accelerator_fault",
    "accelerator_bypassed",
    "idle_in_transaction",
    "lock_chain",
    "missing_index",
    "unknown_client",
    "connection_budget",
    "application_and_database_overload",
    "database_overload",
    "workers_exhausted",
    "application_overload",
    "application_errors",
    "backend_unreachable",
    "queue_growth",
    "tasks_failing",
    "unbalanced_pool",
    "cache_exhausted",
    "outlier",
)

#: Causes inside a database.
DATABASE = frozenset({"idle_in_transaction", "lock_chain", "missing_index", "unknown_client", "database_overload"})
#: Causes that are only the application tier's view of something that waits or works too much.
APPLICATION = frozenset({"workers_exhausted", "application_overload"})
#: From here on errors are all there is to say of what an accelerator fetches: what cannot be fetched cannot be kept.
MOSTLY = 0.5
#: Causes that are what visitors and tasks get when something behind them does not answer in time.
ERRORS = frozenset({"application_errors", "backend_unreachable", "tasks_failing"})


class Diagnosis(t.TypedDict):
    """A cause as launch.json has it."""

    cause: str
    tier: str
    hosts: list[str]
    statement: str
    evidence: list[str]
    first_fix: str
    avoid: str
    look: str
    rows: list[dict[str, t.Any]]


@dataclasses.dataclass
class Cause:
    """One named cause. Texts are whole sentences; `rows` are the facts behind the statement, for the page."""

    cause: str
    tier: str
    hosts: list[str]
    statement: str
    evidence: list[str]
    first_fix: str
    avoid: str
    look: str
    rows: list[dict[str, t.Any]] = dataclasses.field(default_factory=list)
    #: Instance it was found on, for the question whether it explains another cause.
    at: t.Optional[Seen] = None
    #: URL patterns that an accelerator lets through, likewise.
    patterns: frozenset[str] = frozenset()
    #: Causes that it can look like from elsewhere, when that is not the same for every cause of its name.
    consequences: frozenset[str] = frozenset()

    def as_dict(self) -> Diagnosis:
        return {
            "cause": self.cause,
            "tier": self.tier,
            "hosts": self.hosts,
            "statement": self.statement,
            "evidence": self.evidence,
            "first_fix": self.first_fix,
            "avoid": self.avoid,
            "look": self.look,
            "rows": self.rows,
        }


def percent(value: t.Optional[float]) -> str:
    return "an unknown share" if value is None else f"{100 * value:.0f} %"


def several(names: t.Sequence[t.Any], most: int = 3) -> str:
    """`a, b and 4 more`"""
    shown = ", ".join(str(name) for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
