# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From causes to first aid: which act a cause has, and what of the report it is about. One act per cause, at one place."""

from __future__ import annotations

import collections
import dataclasses
import typing as t

from .._checks.services import instances_in

Data = t.Mapping[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Proposal:
    """An act that a cause calls for, before its target was looked at."""

    cause: str
    act: str
    host: str
    service: str
    instance: str
    about: dict[str, t.Any]
    what: str
    why: str

    def as_dict(self) -> dict[str, t.Any]:
        return dataclasses.asdict(self)


class Aid(t.NamedTuple):
    """A cause's act. `checks`: the findings it stands on, `{service}` being the target's; `about` gives what the act is about, and in words
    what is done, or None when the report does not name it well enough."""

    act: str
    services: tuple[str, ...]
    checks: tuple[str, ...]
    about: t.Callable[[Data, Data], t.Optional[tuple[dict[str, t.Any], str]]]


def _root_blocker(diagnosis: Data, _facts: Data) -> t.Optional[tuple[dict[str, t.Any], str]]:
    """The session that holds up most. 0 is a prepared transaction, which has no session."""
    rows = [row for row in diagnosis["rows"] if _whole(row.get("pid")) and row.get("blocks_total")]
    if not rows:
        return None
    worst = max(rows, key=lambda row: (row.get("blocks_total") or 0, row.get("longest_wait_seconds") or row.get("age_seconds") or 0))
    who = worst.get("application") or worst.get("user") or "unknown"
    return {"pid": worst["pid"]}, f"end session {worst['pid']} of {who}, which holds up {worst['blocks_total']}"


def _whole(value: t.Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


_DATABASES = ("postgresql", "mysql")

#: cause → its act. A cause without a row has none: its line is for a person.
AID: dict[str, Aid] = {
    "lock_chain": Aid("end_session", _DATABASES, ("{service}_lock_waits",), _root_blocker),
    "idle_in_transaction": Aid(
        "end_session", _DATABASES, ("{service}_idle_in_transaction", "{service}_idle_transaction_blocks"), _root_blocker
    ),
}


def proposals(report: Data) -> tuple[list[Proposal], list[str]]:
    """One proposal per cause that has an act, and a sentence for each cause for which nothing is proposed."""
    found, left = [], []
    tiers = collections.Counter(diagnosis["tier"] for diagnosis in report["diagnoses"])
    for diagnosis in report["diagnoses"]:
        cause, aid = diagnosis["cause"], AID.get(diagnosis["cause"])
        if aid is None:
            left.append(f"{cause}: no act of this collection mends it; see its first fix")
        elif tiers[diagnosis["tier"]] > 1:
            left.append(f"{cause}: nothing is done while two causes of one tier compete ({diagnosis['tier']})")
        else:
            proposal = _proposal(report, diagnosis, aid)
            if isinstance(proposal, Proposal):
                found.append(proposal)
            else:
                left.append(f"{cause}: {proposal}")
    return found, left


def _proposal(report: Data, diagnosis: Data, aid: Aid) -> t.Union[Proposal, str]:
    host, service, instance = target_of(diagnosis, aid.services)
    facts = _facts(report, host, service, instance)
    if facts is None:
        return "its target is not among the instances that were read"
    standing = [finding for finding in report["findings"] if _is_of(finding, aid, host, service, instance)]
    if any(finding.get("accepted") for finding in standing):
        return "its finding is accepted (launch_check_accept)"
    if not any(finding["status"] in ("warn", "fail") for finding in standing):
        return "the finding it stands on is not beyond its limit"
    named = aid.about(diagnosis, facts)
    if named is None:
        return "the report does not name what to act on"
    about, what = named
    return Proposal(diagnosis["cause"], aid.act, host, service, instance, about, what, diagnosis["statement"])


def target_of(diagnosis: Data, services: t.Collection[str]) -> tuple[str, str, str]:
    """The instance that the cause is about: the first that it hits of a service that its act knows."""
    for shown in diagnosis.get("hit") or []:
        host, _, rest = str(shown).partition("/")
        service, _, instance = rest.partition("/")
        if service in services:
            return host, service, instance
    return "", "", ""


def _facts(report: Data, host: str, service: str, instance: str) -> t.Optional[Data]:
    facts = (report["hosts"].get(host) or {}).get("facts") or {}
    return next((row for row in instances_in(facts, service) if row.get("name") == instance and row.get("state") == "up"), None)


def _is_of(finding: Data, aid: Aid, host: str, service: str, instance: str) -> bool:
    checks = [name.format(service=service) for name in aid.checks]
    return finding["check"] in checks and (finding["host"], finding["service"], finding["instance"]) == (host, service, instance)
