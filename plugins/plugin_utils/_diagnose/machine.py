# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A machine without memory, disk, open files or CPU for its services: they are slow or gone, whatever their own numbers say.

Only a cause when something suffers from it; alone, the finding says all there is to say.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .cause import APPLICATION, ERRORS, Cause, several
from .fleet_view import Data, Fleet, Seen

#: The part of the busy CPU that a program of none of the site's services must use to be what fills a machine.
STRANGE_SHARE = 0.5

_SLOW = frozenset({*APPLICATION, *ERRORS, "database_overload", "connection_budget", "queue_growth"})


@dataclasses.dataclass(frozen=True)
class Want:
    """What a machine lacks: the checks that say so, in words, what that looks like from elsewhere, and what makes it worse."""

    checks: tuple[str, ...]
    what: str
    consequences: frozenset[str]
    avoid: str


WANTS = (
    Want(
        ("server_filesystem_answers",),
        "a filesystem does not answer",
        _SLOW | {"service_down"},
        "Do not restart what hangs there: it would wait for the same filesystem.",
    ),
    Want(
        ("server_filesystems", "server_inodes"),
        "the disk is full",
        ERRORS | {"service_down"},
        "Do not delete a database's own files (its transaction log least of all) to make room.",
    ),
    Want(
        ("server_swapping", "server_memory_available"),
        "there is no memory left",
        _SLOW | {"service_down"},
        "Do not add workers there: each of them takes more memory.",
    ),
    Want(
        ("server_descriptors",),
        "there are no open files left",
        frozenset({*APPLICATION, *ERRORS, "service_down"}),
        "Do not only restart it: it would reach the same limit again.",
    ),
)


def exhausted(fleet: Fleet) -> t.Iterator[Cause]:
    machines = fleet.seen("server")
    for want in WANTS:
        short = [(one, finding) for one in machines if (finding := fleet.bad(one, *want.checks)) is not None]
        if short:
            yield _cause(want.what, short, str(short[0][1].get("advice") or ""), want.avoid, want.consequences)
    taken = [(one, finding) for one in machines if (finding := fleet.bad(one, "server_cpu_busy", "server_load")) and _strange(one)]
    if taken:
        yield _cpu_taken(taken)


def _cause(what: str, short: list[tuple[Seen, Data]], fix: str, avoid: str, consequences: frozenset[str]) -> Cause:
    hosts = sorted({one.host for one, _finding in short})
    first = short[0][1]
    return Cause(
        cause="machine_exhausted",
        tier="server",
        hosts=hosts,
        statement=f"On {several(hosts)} {what}: {str(first.get('finding') or first.get('question') or '').rstrip('.')}.",
        evidence=[f"{one.host}: {finding.get('finding')}." for one, finding in short[1:6]],
        first_fix=fix,
        avoid=avoid,
        look=str(first.get("look") or "htop"),
        consequences=consequences,
    )


def _cpu_taken(taken: list[tuple[Seen, Data]]) -> Cause:
    process = t.cast("dict[str, t.Any]", _strange(taken[0][0]))
    who = f"{process.get('kind')} (pid {process.get('pid')})"
    fix = f"Find out whose {who} is; stop it, move it or make it nicer (renice, a CPU quota) until the launch is over."
    avoid = "Do not add workers there: they would share what CPU it leaves."
    return _cause(f"{who} takes the CPU from the site", taken, fix, avoid, _SLOW)


def _strange(machine: Seen) -> t.Optional[dict[str, t.Any]]:
    """The busiest program, when it belongs to no service and uses most of what is busy."""
    busy, cores = machine.number("cpu_busy_ratio"), machine.number("cores_effective")
    first = next(iter(machine.rows("processes_by_cpu")), None)
    if first is None or not busy or not cores or first.get("service"):
        return None
    used = first.get("cpu_cores")
    return first if isinstance(used, (int, float)) and used >= STRANGE_SHARE * busy * cores else None


def explains(deep: Cause, other: Cause, stores: bool, waits: bool) -> bool:
    """Whether the other cause is on those machines only, or is what those get who need a database there.

    `stores`: there is a database on one of the machines; `waits`: and the busy workers are in it.
    """
    if other.cause not in deep.consequences:
        return False
    if set(other.hosts) <= set(deep.hosts):
        return True
    return waits if other.cause in APPLICATION else stores and other.cause in ERRORS
