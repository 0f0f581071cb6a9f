# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Before the doors open: the findings of the rehearsal as a launch captain reads them out, and what is not looked at."""

from __future__ import annotations

import collections
import typing as t

from ...module_utils._collectors.registry import MACHINES
from ...module_utils._texts.redact import clean
from .._checks.finding import Finding, urgency
from .._checks.services import TITLES, WINDOWS, fact_key, instances_in
from .._checks.units import numbered
from .._judge.report import Report
from .model import place
from .records import LaunchGroup, LaunchLine

#: Lines of a group; what is more is in the list of all checks.
MOST_LINES = 12
_LONGEST = 220
_ORDER = ("fail", "unknown", "warn", "accepted", "ok")


class Topic(t.NamedTuple):
    """One part of the list. `named`: the service that is asked for and never found, and `named_by`: where the user names it.

    The findings are those of `checks`, of `named`, and of all other services of `tiers`.
    """

    title: str
    tiers: tuple[str, ...] = ()
    named: str = ""
    named_by: str = ""
    checks: tuple[str, ...] = ()


#: In the order in which they are read out.
TOPICS = (
    Topic("Ticked by hand", (), "checklist", "name its lines in launch_check_by_hand"),
    Topic("The site from outside", ("visitors",), "site", "name it in launch_check_sites"),
    Topic("The application", ("application",), "django", "name the project as django in launch_check_services"),
    Topic(
        "Safety nets", (), "backup", "name the backups as backup in launch_check_services",
        ("postgresql_archiving", "postgresql_failover", "postgresql_wal_kept", "postgresql_replica_lag", "mysql_replication_runs",
         "server_filesystems", "server_disk_growth", "server_logs_rotated", "server_monitoring_tools"),
    ),
    Topic("Proxies, caches, stores and queues", ("edge", "accelerator", "cache", "store", "queue")),
    Topic("Databases", ("pooler", "database")),
    Topic("Machines", (MACHINES,)),
)  # fmt: skip


def launch_list(report: Report) -> list[LaunchGroup]:
    """A group per topic; nothing during the launch."""
    if report["phase"] != "before":
        return []
    findings: dict[str, list[Finding]] = collections.defaultdict(list)
    for finding in report["findings"]:
        if finding["status"] != "skipped":
            findings[_topic(finding).title].append(finding)
    groups = [_group(topic, findings[topic.title], report) for topic in TOPICS]
    return [group for group in groups if group["lines"] or group["fine"] or group["not_named"]]


def _topic(finding: Finding) -> Topic:
    service = finding["service"]
    for topic in TOPICS:
        if finding["check"] in topic.checks or service == topic.named:
            return topic
    return next((topic for topic in TOPICS if WINDOWS.get(service) in topic.tiers), TOPICS[-1])


def _group(topic: Topic, findings: list[Finding], report: Report) -> LaunchGroup:
    states = [_state(finding) for finding in findings]
    wanting = sorted((each for each in findings if _state(each) != "ok"), key=lambda each: (_ORDER.index(_state(each)), urgency(each)))
    not_named = bool(topic.named) and not _is_named(topic.named, report)
    return {
        "title": topic.title,
        "status": _worst(states, not_named),
        "fine": states.count("ok"),
        "about": f"{states.count('ok')} of {numbered(len(states), 'line/lines')} fine" if states else "nothing was looked at",
        "lines": [_line(finding) for finding in wanting[:MOST_LINES]],
        "left": max(0, len(wanting) - MOST_LINES),
        "not_named": f"{TITLES[topic.named]}: not looked at, {topic.named_by}." if not_named else "",
    }


def _worst(states: list[str], not_named: bool) -> str:
    """That the rest is fine is no word about what was not looked at."""
    worst = min(states, key=_ORDER.index) if states else "unknown"
    return "skipped" if worst == "ok" and not_named else worst


def _is_named(service: str, report: Report) -> bool:
    """Whether the user has named what is asked for and never found. A checklist is there always, and may hold no line."""
    facts = [report["fleet"], *(entry["facts"] for entry in report["hosts"].values())]
    instances = [instance for each in facts for instance in instances_in(each, service)]
    asked = service != "checklist" or any(instance.get("items_to_tick_total") != 0 for instance in instances)
    return bool(instances or any(fact_key(service) in each for each in facts)) and asked


def _state(finding: Finding) -> str:
    return "accepted" if finding["accepted"] else finding["status"]


def _line(finding: Finding) -> LaunchLine:
    said = finding["finding"] or finding["reason"] or finding["question"] or finding["check"]
    return {
        "status": _state(finding),
        "question": clean(finding["question"] or finding["check"], 120),
        "said": clean(said, _LONGEST),
        "place": place(finding),
    }
