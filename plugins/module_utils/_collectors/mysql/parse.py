# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parse: what the server says of itself, and the texts of its counters as numbers."""

from __future__ import annotations

import math
import re
import typing as t

from ..._collect.sampling import Number, number


class Identity(t.NamedTuple):
    flavour: str  # mysql | mariadb | percona
    version: tuple[int, ...]
    text: str
    login: str  # the account the server took us for, as 'user'@'host'
    pid: t.Optional[int]

    @property
    def name(self) -> str:
        return {"mysql": "MySQL", "mariadb": "MariaDB", "percona": "Percona Server"}[self.flavour]


_REPLICATION_PREFIX = re.compile(r"^5\.5\.5-(?=\d+\.\d+)")
_VERSION = re.compile(r"(\d{1,9})\.(\d{1,9})(?:\.(\d{1,9}))?")


def version(seen: t.Optional[str], comment: t.Optional[str] = None) -> tuple[str, tuple[int, ...]]:
    """(flavour, version). MariaDB says `5.5.5-10.11…` where an old replica might listen (case Y-10)."""
    seen, comment = seen or "", comment or ""
    both = f"{seen} {comment}".lower()
    flavour = "mariadb" if "mariadb" in both else "percona" if "percona" in both else "mysql"
    found = _VERSION.search(_REPLICATION_PREFIX.sub("", seen) if flavour == "mariadb" else seen)
    return flavour, tuple(int(part) for part in found.groups() if part) if found else ()


def identity(row: t.Mapping[str, t.Optional[str]]) -> Identity:
    flavour, numbers = version(row.get("version"), row.get("version_comment"))
    pid = number(row.get("id"))
    return Identity(flavour, numbers, ".".join(map(str, numbers)), account(row.get("login")), None if pid is None else int(pid))


def account(login: t.Optional[str]) -> str:
    """`mon@127.0.0.1` as a GRANT wants it: 'mon'@'127.0.0.1'."""
    user, _sep, host = (login or "").rpartition("@")
    return f"'{user}'@'{host}'" if user or host else "the user"


#: Counters are unsigned: what is above this went below zero (case Y-12).
_WRAPPED = 1 << 63


def counter(value: t.Any) -> t.Optional[Number]:
    """A status value as a number; keys, dates, lists and wrapped counters are None."""
    found = number(value)
    wrong = found is None or found >= _WRAPPED or (isinstance(found, float) and math.isnan(found))
    return None if wrong else found


def counters(status: t.Mapping[str, t.Any]) -> dict[str, t.Optional[Number]]:
    return {name.lower(): counter(value) for name, value in status.items()}


def unpacked(row: t.Mapping[str, t.Optional[str]], names: t.Sequence[str]) -> dict[str, t.Optional[str]]:
    """A row whose values came joined by bars, the last of them (a name, which may hold bars itself) last."""
    values = str(row.get("packed") or "").split("|", len(names) - 1)
    found: dict[str, t.Optional[str]] = {name: value or None for name, value in zip(names, values)}
    if row.get("unnamed") == "0" and found.get("schema_name") is None:
        found["schema_name"] = ""
    return found
