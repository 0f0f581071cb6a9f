# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What can change between two checks: start, release and configuration of an instance; packages and boot of a machine."""

from __future__ import annotations

import typing as t

from ...module_utils._texts import moments
from ...module_utils._texts.redact import clean
from .._checks.finding import natural
from .nodes import SERVICES, Key
from .observed import Hosts, Instance, instances_up

#: A change, as launch.json has it. `from` is null when no earlier check is known, `at` is UTC.
Change = t.TypedDict("Change", {"host": str, "service": str, "instance": str, "what": str, "from": t.Optional[str], "to": str, "at": str})

STARTED, RELEASE, CONFIGURATION, VCL, VERSION, BOOTED, PACKAGES, RESPONSE = (
    "started", "release", "configuration", "vcl", "version", "booted", "packages", "response"
)  # fmt: skip
#: `RESPONSE`: what launch_respond did; it is told by the record, not by the state of anything.
WHAT = (STARTED, RELEASE, CONFIGURATION, VCL, VERSION, BOOTED, PACKAGES, RESPONSE)
#: These states are times themselves. Clocks and rounding move them a little.
TIMES = (STARTED, BOOTED, PACKAGES)
SLACK = 10.0
#: Seconds: what changed so long before trouble is worth knowing.
SHORTLY = 900.0

#: what → measure, and the measure that says since when.
_MEASURES = {
    STARTED: ("started_at", "started_at"),
    RELEASE: ("release", "release_at"),
    CONFIGURATION: ("configuration_digest", "configuration_at"),
    VCL: ("active_vcl", ""),
    VERSION: ("version", ""),
    PACKAGES: ("packages_changed_at", "packages_changed_at"),
}


class State(t.NamedTuple):
    """What something is, and since when (seconds since the epoch), where that is known."""

    value: str
    at: t.Optional[float]


#: (host, service, name, what) → its state.
Subject = tuple[str, str, str, str]
States = dict[Subject, State]


def states(hosts: Hosts) -> States:
    """The states of every instance that is up."""
    found: States = {}
    for service in (*SERVICES, "server"):
        for instance in instances_up(hosts, service):
            for what, state in _of(instance):
                found[(*instance.key, what)] = state
    return found


def _of(instance: Instance) -> t.Iterator[tuple[str, State]]:
    started, put_there = moment(instance.facts.get("started_at")), moment(instance.facts.get("release_at"))
    # code that was put there after the start is not what runs
    is_loaded = started is None or put_there is None or put_there <= started + SLACK
    for what, (measure, since) in _MEASURES.items():
        value = instance.facts.get(measure)
        if isinstance(value, str) and value and (what != RELEASE or is_loaded):
            yield what, State(clean(value, 80), moment(instance.facts.get(since)))
    uptime, collected = instance.number("uptime_seconds"), moment(instance.facts.get("collected_at"))
    if instance.service == "server" and uptime is not None and collected is not None:
        yield BOOTED, State(moments.written(collected - uptime), collected - uptime)


def moment(text: t.Any) -> t.Optional[float]:
    """A time of the facts, None when it is none."""
    try:
        return moments.read(text)
    except (TypeError, ValueError):
        return None


def differs(what: str, before: str, after: str) -> bool:
    first, second = moment(before), moment(after)
    if what in TIMES and first is not None and second is not None:
        return abs(second - first) > SLACK
    return before != after


def change(subject: Subject, before: t.Optional[str], after: str, at: float) -> Change:
    host, service, instance, what = subject
    return {"host": host, "service": service, "instance": instance, "what": what, "from": before, "to": after, "at": moments.written(at)}


def recent(now_states: States, now: float) -> list[Change]:
    """What times alone tell: what changed within the last minutes. A release counts where it is known to be what runs."""
    found = []
    for subject, state in now_states.items():
        counts = subject[3] != RELEASE or (*subject[:3], STARTED) in now_states
        if counts and state.at is not None and now - SHORTLY <= state.at <= now + SLACK:
            found.append(change(subject, None, state.value, state.at))
    return found


def key_of(row: Change) -> Key:
    return row["host"], row["service"], row["instance"]


def subject_of(row: Change) -> Subject:
    return (*key_of(row), row["what"])


def in_order(changes: t.Iterable[Change]) -> list[Change]:
    """The newest first."""
    named_first = sorted(changes, key=lambda row: (natural(row["host"]), row["service"], row["instance"], row["what"]))
    return sorted(named_first, key=lambda row: row["at"], reverse=True)


# -- in words --------------------------------------------------------------------------------------------------------

_MOST_HOSTS = 3


def sentences(changes: t.Iterable[Change], until: float, when: str = "before") -> list[str]:
    """`web1, web2 and web3 uwsgi: restarted, release 3f2c (was 1a2b), 40 s before`; like changes together, the newest first."""
    by_instance: dict[Key, dict[str, Change]] = {}
    for row in in_order(changes):
        by_instance.setdefault(key_of(row), {}).setdefault(row["what"], row)
    groups: dict[tuple[str, ...], list[Key]] = {}
    for key, rows in by_instance.items():
        groups.setdefault((key[1], *(_words(rows[what]) for what in WHAT if what in rows)), []).append(key)
    found = []
    for (service, *words), keys in groups.items():
        hosts = list(dict.fromkeys(clean(key[0], 60) for key in keys))
        at = max(moment(row["at"]) or 0.0 for key in keys for row in by_instance[key].values())
        found.append(f"{named(hosts)}{'' if service == 'server' else ' ' + service}: {', '.join(words)}, {_age(until - at)} {when}")
    return found


def named(hosts: t.Sequence[str]) -> str:
    """`web1, web2 and web3`; of many the first, and how many more."""
    if len(hosts) > _MOST_HOSTS:
        return f"{', '.join(hosts[:_MOST_HOSTS])} and {len(hosts) - _MOST_HOSTS} more"
    return " and ".join([", ".join(hosts[:-1]), hosts[-1]]) if len(hosts) > 1 else "".join(hosts)


def _words(row: Change) -> str:
    what, before, after = row["what"], row["from"], clean(row["to"], 80)
    was = f" (was {clean(before, 80)})" if before else ""
    words = {
        STARTED: "restarted" if before else "started",
        RELEASE: f"release {after}{was}",
        CONFIGURATION: "configuration changed",
        VCL: f"VCL {after}{was}",
        VERSION: f"version {after}{was}",
        BOOTED: "rebooted" if before else "booted",
        PACKAGES: "packages changed",
        RESPONSE: f"launch_respond: {clean(row['to'], 200)}",
    }
    return words.get(what, what)


def _age(seconds: float) -> str:
    seconds = max(0.0, seconds)
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"
