# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who reads from and writes to disks: the kernel's own account of each process, which only root may read of others."""

from __future__ import annotations

import typing as t

from ..._collect.facts import Facts, Unknown, measured
from ..._collect.sampling import ONE_SAMPLE
from ..._texts.redact import clean
from .fetch import Host
from .process_table import Table

#: Processes that are looked at; each costs one small file per sample.
MOST_PROCESSES = 4000
#: Up to this part of them may be closed to us.
MOST_UNREAD = 0.1
#: What moves less is noise.
LEAST_BYTES_PER_SECOND = 64 << 10
NOT_ROOT = "only root may see what other users' processes read and write: run with become"

#: (pid, creation) → bytes read from and written to disks since the process began.
Account = dict[tuple[int, float], tuple[int, int]]


def read(host: Host, table: Table) -> t.Optional[Account]:
    """None without the right to see (nearly) all accounts: a busy disk would be blamed on who happens to be ours."""
    rows = list(table.rows.values())[:MOST_PROCESSES]
    accounts = {(row.pid, row.created): _bytes(host.read(f"/proc/{row.pid}/io")) for row in rows}
    found: Account = {process: moved for process, moved in accounts.items() if moved is not None}
    # some vanish meanwhile, and a container's first process may be closed to its root
    few = len(rows) - len(found) <= max(1.0, MOST_UNREAD * len(rows))
    return found if found and few and not table.filtered else None


def _bytes(told: t.Optional[str]) -> t.Optional[tuple[int, int]]:
    """What was written and then dropped before it reached a disk (cancelled) counts as not written."""
    fields = dict(line.split(": ", 1) for line in (told or "").splitlines() if ": " in line)
    try:
        read_bytes, written, dropped = (int(fields[name]) for name in ("read_bytes", "write_bytes", "cancelled_write_bytes"))
    except (KeyError, ValueError):
        return None
    return read_bytes, max(0, written - dropped)


def put(facts: Facts, table: Table, first: t.Optional[Account], last: t.Optional[Account], seconds: t.Optional[float], keep: int) -> None:
    """The processes that moved most bytes in the window."""
    if seconds is None or seconds <= 0:
        facts.put("processes_by_disk", Unknown(ONE_SAMPLE))
    elif first is None or last is None:
        facts.put("processes_by_disk", Unknown(NOT_ROOT))
    else:
        moved = [(key, *_moved(first.get(key, (0, 0)), now)) for key, now in last.items()]
        busy = [(key, back, out) for key, back, out in moved if back + out >= LEAST_BYTES_PER_SECOND * seconds and key[0] in table.rows]
        whole = sum(back + out for _key, back, out in moved)
        busy.sort(key=lambda one: -(one[1] + one[2]))
        rows = [_row(table, pid, back / seconds, out / seconds, (back + out) / whole) for (pid, _created), back, out in busy[:keep]]
        facts.put("processes_by_disk", rows)


def _moved(before: tuple[int, int], now: tuple[int, int]) -> tuple[int, int]:
    """What is dropped later can make the account run backwards."""
    return max(0, now[0] - before[0]), max(0, now[1] - before[1])


def _row(table: Table, pid: int, back: float, out: float, share: float) -> dict[str, t.Any]:
    row = table.rows[pid]
    return {
        "pid": pid,
        "name": clean(row.name, 60),
        "kind": clean(row.kind, 60),
        "service": measured(row.service, "it belongs to none of the services that are known"),
        "read_bytes_per_second": round(back, 1),
        "write_bytes_per_second": round(out, 1),
        "share_ratio": round(share, 4),
    }
