# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Known gaps (`launch_check_accept`): for which hosts, and until when.

    server_load: the machine also builds packages                      a reason, for every host that has the setting
    server_load: {reason: …, hosts: [db1, replicas], until: 2026-12-31}
    server_load: [{reason: …, hosts: [db1]}, {reason: …, hosts: [db2], until: 2026-12-31}]

A gap is accepted up to and including the day `until`, in UTC, whatever the zone of the control node.
"""

from __future__ import annotations

import datetime
import typing as t

from ...module_utils._texts.plain import plain
from .finding import Finding
from .near import near
from .services import FLEET_HOST

KEYS = ("reason", "hosts", "until")


class Accepted(t.NamedTuple):
    """Check id → reason, for one host today."""

    valid: dict[str, str]
    #: Those that have ended: with the last day.
    ended: dict[str, str]


def accepted(accept: t.Any, host: str, groups: t.Collection[str], today: datetime.date) -> Accepted:
    """What of the setting holds for the host."""
    result = Accepted({}, {})
    for check, given in (plain(accept) or {}).items():
        for entry in _entries(given):
            if entry.get("hosts") is not None and not {host, *groups} & set(_names(entry["hosts"])):
                continue
            until = _day(entry.get("until"))
            if until is None or today <= until:
                result.valid.setdefault(check, entry["reason"])
            else:
                result.ended.setdefault(check, f"it was accepted until {until} ({entry['reason']})")
    for check in result.valid:
        result.ended.pop(check, None)
    return result


def tell_ended(findings: t.Iterable[Finding], ended: t.Mapping[str, str]) -> None:
    """A gap whose time is over counts again, and says so."""
    for each in findings:
        if each["check"] in ended and each["status"] in ("fail", "unknown", "warn") and not each["accepted"]:
            each["finding"] = f"{(each['finding'] or '').rstrip('.')}; {ended[each['check']]}"


def problems(accept: t.Any, known: t.Collection[str]) -> t.Iterator[str]:
    """What is wrong with the setting. `known`: ids of checks."""
    accept = plain(accept)
    if accept in (None, {}, []):
        return
    if not isinstance(accept, dict):
        yield "launch_check_accept: must be a mapping of check id: reason"
        return
    for check, given in accept.items():
        if check not in known:
            yield f"launch_check_accept: there is no check {check}{near(check, known)}"
        for entry in _entries(given):
            for wrong in _wrong(entry):
                yield f"launch_check_accept: check {check} {wrong}"


def unknown_hosts(accept: t.Any, known: t.Collection[str]) -> t.Iterator[str]:
    """Hosts and groups that the inventory does not have. `known`: its hosts and groups."""
    for check, given in (plain(accept) or {}).items() if isinstance(plain(accept), dict) else ():
        for entry in _entries(given):
            for name in _names(entry.get("hosts")):
                if name not in known and name != FLEET_HOST:
                    yield f"launch_check_accept: check {check}: the inventory has no host or group {name}{near(name, known)}"


def _entries(given: t.Any) -> list[dict[str, t.Any]]:
    """The acceptances of one check; a text is the reason of one without limits."""
    listed = given if isinstance(given, list) else [given]
    return [each if isinstance(each, dict) else {"reason": each} for each in listed]


def _names(hosts: t.Any) -> list[str]:
    return [hosts] if isinstance(hosts, str) else [str(name) for name in hosts or []] if isinstance(hosts, list) else []


def _wrong(entry: t.Mapping[str, t.Any]) -> t.Iterator[str]:
    for key in entry:
        if key not in KEYS:
            yield f"has no key {key}{near(key, KEYS) or '; known are ' + ', '.join(KEYS)}"
    reason = entry.get("reason")
    if not isinstance(reason, str) or not reason.strip():
        yield "needs its reason as a text"
    hosts = entry.get("hosts")
    if hosts is not None and (
        not _names(hosts) or not all(isinstance(name, str) for name in ([hosts] if isinstance(hosts, str) else hosts))
    ):
        yield "needs hosts as a list of names of hosts or groups"
    if entry.get("until") is not None and _day(entry["until"]) is None:
        yield f"needs until as a date such as 2026-12-31, not {str(entry['until'])[:40]!r}"


def _day(value: t.Any) -> t.Optional[datetime.date]:
    """A date, as YAML reads it or as it is written; None for what is none."""
    try:
        return datetime.date.fromisoformat(str(value).strip())
    except ValueError:
        return None
