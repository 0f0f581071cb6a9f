# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A machine without memory, disk, file descriptors or CPU for its services: they are slow or down, whatever their own numbers say.

Only a cause when something suffers from it (see `causes`); alone, the finding says all there is to say.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .._checks.finding import Finding
from .._checks.services import TITLES
from .._fleet.observed import Instance, Row
from .cause import Cause, look, said, several
from .fleet_view import Fleet

HANGS, DISK, MEMORY, DESCRIPTORS, CPU = "filesystem hangs", "disk full", "out of memory", "out of descriptors", "CPU taken"
STOLEN, THROTTLED = "CPU stolen", "CPU throttled"
TASKS, PORTS, TABLES = "out of tasks", "out of local ports", "kernel table full"

#: The part of the busy CPU that a program of none of the site's services must use to be what fills a machine.
FOREIGN_SHARE = 0.5


#: Descriptors that one request may need for a moment: the client's connection, one to a server, a file. Whoever was seen with so few left
#: under a small limit runs out between two looks, at a ratio that is none for a limit of thousands.
NEEDED_DESCRIPTORS = 3


#: The part of the periods from which on a quota holds a service up, and not only a burst of it.
OFTEN_THROTTLED = 0.25


Bad = tuple[Instance, Finding]


@dataclasses.dataclass(frozen=True)
class Lack:
    """What a machine lacks: the checks that say so, in words, and what makes it worse."""

    variant: str
    checks: tuple[str, ...]
    words: str
    avoid: str


LACKS = (
    Lack(
        HANGS,
        ("server_filesystem_answers",),
        "A filesystem does not respond",
        "Do not restart what hangs there: it would wait for the same filesystem.",
    ),
    Lack(
        DISK,
        ("server_filesystems", "server_inodes", "server_filesystem_metadata"),
        "The disk is full",
        "Do not delete a database's own files (its transaction log least of all) to make room.",
    ),
    Lack(
        MEMORY,
        ("server_swapping", "server_memory_available"),
        "Memory is exhausted",
        "Do not add workers there: each of them takes more memory.",
    ),
    Lack(
        DESCRIPTORS,
        ("server_descriptors",),
        "File descriptors are exhausted",
        "Do not only restart the service: it would reach the same limit again.",
    ),
    Lack(
        TASKS,
        ("server_tasks_left",),
        "No further process or thread can be started",
        "Do not add workers there: none of them could be started.",
    ),
    Lack(
        PORTS,
        ("server_local_ports",),
        "Local ports are exhausted",
        "Do not restart the service that cannot be reached: it has room, and nobody there can dial it.",
    ),
    Lack(
        TABLES,
        ("server_kernel_tables",),
        "A table of the kernel is full",
        "Do not restart the services that report errors: they share the table with all others.",
    ),
    Lack(
        STOLEN,
        ("server_steal",),
        "The hypervisor takes the CPU away",
        "Do not add workers there, and do not tune what is only slow for want of CPU.",
    ),
    Lack(
        THROTTLED,
        ("server_throttled",),
        "A CPU quota is used up",
        "Do not add workers there: they share the same quota and make it worse.",
    ),
)


def exhausted(fleet: Fleet) -> t.Iterator[Cause]:
    of_their_own = {DESCRIPTORS: _descriptors_short, THROTTLED: _throttled}
    for lack in LACKS:
        short = of_their_own[lack.variant](fleet) if lack.variant in of_their_own else fleet.each_bad("server", *lack.checks)
        for of_site in _by_site(short, fleet):
            yield _cause(lack.variant, lack.words, of_site, str(of_site[0][1].get("advice") or ""), lack.avoid)
    busy = fleet.each_bad("server", "server_cpu_busy", "server_load")
    taken = [(machine, finding) for machine, finding in busy if _foreign_program(machine)]
    for of_site in _by_site(taken, fleet):
        yield _cpu_taken(of_site)


def _descriptors_short(fleet: Fleet) -> list[Bad]:
    """Machines with a process that is, or between two looks will be, without a descriptor."""
    return [
        (machine, finding)
        for machine, finding in fleet.each_bad("server", "server_descriptors", least="warn")
        if finding["status"] == "fail" or any(_few_left(row) for row in machine.rows("open_files"))
    ]


def _throttled(fleet: Fleet) -> list[Bad]:
    """Machines whose own quota, or that of a service of the stack, is used up: what is held back beside these is nobody's trouble."""
    return [
        (machine, finding)
        for machine, finding in fleet.each_bad("server", "server_throttled")
        if _often(machine.number("throttled_ratio"))
        or any(_often(row.number("throttled_ratio")) and row.get("name") in TITLES for row in machine.rows("services"))
    ]


def _often(ratio: t.Optional[float]) -> bool:
    return ratio is not None and ratio >= OFTEN_THROTTLED


def _few_left(row: Row) -> bool:
    opened, limit = row.number("open"), row.number("limit")
    return opened is not None and limit is not None and limit - opened <= NEEDED_DESCRIPTORS


def _by_site(short: list[Bad], fleet: Fleet) -> list[list[Bad]]:
    """The machines of each site; all together when one of them is of several, or of none that is known."""
    on_it = {machine.host: fleet.graph.on_hosts([machine.host]) for machine, _finding in short}
    sites = {host: {fleet.graph.sites.get(key) for key in keys} for host, keys in on_it.items()}
    if not short or any(len(of_host) != 1 or None in of_host for of_host in sites.values()):
        return [short] if short else []
    groups = fleet.graph.grouped(keys[0] for keys in on_it.values()) or [[keys[0] for keys in on_it.values()]]
    place = {key[0]: number for number, group in enumerate(groups) for key in group}
    found: list[list[Bad]] = [[] for _group in groups]
    for machine, finding in short:
        found[place[machine.host]].append((machine, finding))
    return found


def _cause(variant: str, words: str, short: list[Bad], fix: str, avoid: str) -> Cause:
    hosts = sorted({machine.host for machine, _finding in short})
    worst = short[0][1]
    return Cause(
        hosts=hosts,
        statement=f"{words} on {several(hosts)}: {said(worst) or said(worst, 'question')}.",
        evidence=[f"{machine.host}: {said(finding)}." for machine, finding in short[1:6]],
        first_fix=fix,
        avoid=avoid,
        look=look(worst),
        variant=variant,
    )


def _cpu_taken(taken: list[Bad]) -> Cause:
    process = t.cast(Row, _foreign_program(taken[0][0]))
    program = f"{process.get('kind')} (pid {process.get('pid')})"
    fix = f"Find out who runs {program}; stop it, move it, or lower its priority (renice, a CPU quota) until the launch is over."
    avoid = "Do not add workers there: they would share the CPU that it leaves."
    return _cause(CPU, f"{program} takes the CPU from the site", taken, fix, avoid)


def _foreign_program(machine: Instance) -> t.Optional[Row]:
    """The busiest program, when it belongs to no service and uses most of what is busy."""
    busy, cores = machine.number("cpu_busy_ratio"), machine.number("cores_effective")
    busiest = next(iter(machine.rows("processes_by_cpu")), None)
    if busiest is None or not busy or not cores or busiest.get("service"):
        return None
    return busiest if busiest.amount("cpu_cores") >= FOREIGN_SHARE * busy * cores else None
