# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What busy workers waited for, as facts: the same names for every service that has workers."""

from __future__ import annotations

import collections
import typing as t

from .._linux import thread_wait
from .._linux.waits import CLIENT, Waits
from .._texts.redact import clean
from .facts import Facts, Unknown

#: Shares by kind; a wait for another service stands in the rows, by address.
KINDS = (thread_wait.CPU, thread_wait.DISK, thread_wait.LOCK, thread_wait.SLEEP, CLIENT, thread_wait.UNKNOWN)
NONE_BUSY = "no worker was busy when it was looked at"


def put(facts: Facts, waits: t.Optional[Waits], reason: str, keep: int) -> None:
    """`waits.samples`, a ratio per kind, `waits.edges` by address. `reason`: why nobody looked, where `waits` is None."""
    seen = waits.seen if waits is not None else collections.Counter()
    samples = sum(seen.values())
    why = reason if waits is None else waits.hindrance or NONE_BUSY
    facts.put("waits.samples", samples if waits is not None and not waits.hindrance else Unknown(why))
    by_kind: collections.Counter[str] = collections.Counter()
    by_address: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    for (kind, address, label), count in seen.items():
        if address is None:
            by_kind[kind] += count
        else:
            by_address[address][label] += count
    for kind in KINDS:
        facts.put(f"waits.{kind}_ratio", round(by_kind[kind] / samples, 6) if samples else None, why)
    other = sum(count for kind, count in by_kind.items() if kind not in KINDS)
    facts.put("waits.other_ratio", round(other / samples, 6) if samples else None, why)
    rows = [_row(address, labels, samples, waits) for address, labels in by_address.items()]
    rows.sort(key=lambda row: (-row["samples"], row["address"]))
    facts.rows("waits.edges", rows if samples else Unknown(why), keep)


def _row(address: str, labels: collections.Counter[str], samples: int, waits: t.Optional[Waits]) -> dict[str, t.Any]:
    count = sum(labels.values())
    trip = waits.round_trips.get(address) if waits is not None else None
    return {
        "address": clean(address, 120),  # a path is anybody's to name
        "samples": count,
        "share_ratio": round(count / samples, 6),
        "work": labels.most_common(1)[0][0],
        "round_trip_seconds": Unknown("no TCP connection: the kernel measures it on those only") if trip is None else round(trip / 1e6, 6),
    }
