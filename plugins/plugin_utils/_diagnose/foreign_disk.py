# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A program that takes the disk from the database on the same machine: a backup, an import, a log that runs over."""

from __future__ import annotations

import typing as t

from .._checks.services import in_tiers
from .._fleet.observed import Instance, Row
from .cause import Cause, look, percent, said
from .fleet_view import Fleet

SLOW_DISK = ("server_iowait_database", "server_iowait")
#: What is a database's own, besides the servers that are checked.
DATABASES = ("mariadb", "mongodb", "elasticsearch")
#: The program moves this part of all bytes, and this many in a second.
SHARE, BYTES_PER_SECOND = 0.5, 1 << 20
#: A disk that is busy all the time and slow is one, whatever the share of time in which the CPU had nothing else to do.
UTILISED, SLOW_MILLISECONDS = 0.9, 10.0


def foreign_disk(fleet: Fleet) -> t.Iterator[Cause]:
    for host in sorted({database.host for database in fleet.databases()}):
        machine = fleet.machine(host)
        finding = fleet.machine_shown(host, *SLOW_DISK)
        program = _foreign(machine)
        if program is None or (finding is None and not _is_slow(machine)):
            continue
        name = f"{program.word('kind') or program.word('name')} (pid {program.get('pid')})"
        disk = next(iter(machine.rows("disks")), Row())
        yield Cause(
            hosts=[host],
            statement=f"{name} takes the disk from the database on {host}: it {_moves(program)}, {percent(program.number('share_ratio'))} "
            "of all that is read and written there.",
            evidence=[
                *([f"{said(finding)}."] if finding is not None and said(finding) else []),
                *_disk(disk),
                *(f"{row.word('kind')} (pid {row.get('pid')}) {_moves(row)}." for row in machine.rows("processes_by_disk")[1:4]),
            ],
            first_fix=f"Find out who runs {name}; stop it until the rush is over, or throttle it (ionice -c 3 -p {program.get('pid')}; "
            "where the disk has the I/O scheduler none, IOReadBandwidthMax= and IOWriteBandwidthMax= of its unit). "
            "Then give it a disk of its own.",
            avoid="Do not tune the database's statements or its memory: they are slow because of it.",
            look=(look(finding) if finding is not None else None) or fleet.command(machine, "htop --sort-key IO_RATE"),
            rows=machine.rows("processes_by_disk")[:10],
            of=tuple(database.key for database in fleet.databases_on([host])),
        )


def _foreign(machine: Instance) -> t.Optional[Row]:
    """The program that moves most, when it is no database."""
    program = next(iter(machine.rows("processes_by_disk")), None)
    if program is None or program.get("service") in (*in_tiers("database"), *DATABASES):
        return None
    moved = program.amount("read_bytes_per_second") + program.amount("write_bytes_per_second")
    return program if program.amount("share_ratio") >= SHARE and moved >= BYTES_PER_SECOND else None


def _is_slow(machine: Instance) -> bool:
    disk = next(iter(machine.rows("disks")), Row())
    return disk.amount("util_ratio") >= UTILISED and disk.amount("await_milliseconds") >= SLOW_MILLISECONDS


def _moves(program: Row) -> str:
    read, write = (program.amount(f"{way}_bytes_per_second") / 2**20 for way in ("read", "write"))
    parts = [f"reads {read:.1f} MiB/s"] if read >= 0.05 else []
    parts += [f"writes {write:.1f} MiB/s"] if write >= 0.05 else []
    return " and ".join(parts) or "moves little"


def _disk(disk: Row) -> t.Iterator[str]:
    wait = disk.number("await_milliseconds")
    if disk.get("name") and wait is not None:
        yield f"The disk {disk.word('name')} is busy {percent(disk.number('util_ratio'))} of the time, {wait:.1f} ms per operation."
