# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One round of a watch: store it, tell what changed, give the report its past, say whether the watch is over."""

from __future__ import annotations

import time
import typing as t

from .store import trends
from .store.changes import ABSENT, VERDICT, changed, subjects
from .store.compare import compare
from .store.rounds import Key, Store, key_of

Data = t.Mapping[str, t.Any]

#: Rounds that a trend looks at.
RECENT = 12
#: Series on the page: the figures that a war room follows, as far as the fleet has them.
FOLLOWED = (
    "varnish_hit_ratio",
    "varnish_pass_ratio",
    "uwsgi_workers_busy",
    "uwsgi_response_time",
    "server_load",
    "memcached_hit_ratio",
    "celery_queue_growth",
    "postgresql_connections",
    "mysql_connections",
)
MOST_SERIES = 60

#: When a watch ends by itself.
UNTIL = ("never", "go", "no-go", "corner")


def one_round(
    store: Store, report: dict[str, t.Any], at: float, keep_seconds: float, label: t.Optional[str] = None
) -> list[dict[str, t.Any]]:
    """Store the report and give what changed since people were last told.

    The report gets `history` (rounds and series for the page) and its findings a `trend`.
    """
    store.add(report, at, label)
    store.prune(at - keep_seconds)
    changes, states = changed(store.announced(), subjects(report), at)
    store.announce(states)
    with_past(store, report, at - keep_seconds)
    return changes


def with_past(store: Store, report: dict[str, t.Any], since: float) -> None:
    """Give the report its past: a trend per finding, the rounds, and the series of the followed figures."""
    numbers = store.keys()
    keys = {key_of(finding): finding for finding in report.get("findings") or [] if isinstance(finding.get("value"), (int, float))}
    recent = store.rounds(since, last=RECENT)
    rows = [(one.at, store.row(one.id)) for one in recent]
    for key, finding in keys.items():
        finding["trend"] = trends.direction([(at, row.value(numbers[key])) for at, row in rows])
    report["history"] = {
        "rounds": [{"at": _iso(one.at), "verdict": one.verdict, "causes": one.causes} for one in store.rounds(since)[-500:]],
        "series": _series(store, numbers, [key for key in keys if key[0] in FOLLOWED][:MOST_SERIES], keys, since),
    }


def _series(
    store: Store, numbers: t.Mapping[Key, int], keys: list[Key], findings: t.Mapping[Key, Data], since: float
) -> list[dict[str, t.Any]]:
    points = store.series([numbers[key] for key in keys], since)
    return [
        {
            "check": key[0],
            "host": key[1],
            "service": key[2],
            "instance": key[3],
            "unit": findings[key].get("unit"),
            "points": [[round(at, 3), value] for at, value in points[numbers[key]]],
        }
        for key in keys
    ]


def _iso(at: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))


def is_over(store: Store, report: Data, until: str, since: float) -> bool:
    """Whether what the watch waits for has come: a verdict in two rounds running, or a load that turned the corner."""
    if until in ("go", "no-go"):
        last = store.rounds(since, last=2)
        wanted = ("go", "go with warnings") if until == "go" else ("no-go",)
        return len(last) == 2 and all(one.verdict in wanted for one in last)
    if until != "corner":
        return False
    numbers = store.keys()
    loads = [key_of(finding) for finding in report.get("findings") or [] if finding["check"] == "server_load"]
    series = store.series([numbers[key] for key in loads if key in numbers], since)
    risen = [points for points in series.values() if max((value or 0 for _at, value in points), default=0) >= 1]
    return bool(risen) and all(trends.turned_the_corner(points) for points in risen)


def change_lines(changes: t.Sequence[Data], report: Data, at: float) -> list[str]:
    """What to print: one line per change, with the finding's words and its advice when it got worse."""
    findings = {"finding " + " ".join(part for part in key_of(one) if part): one for one in report.get("findings") or []}
    causes = {"cause " + one["cause"]: one for one in report.get("diagnoses") or []}
    clock = time.strftime("%H:%M:%S", time.localtime(at))
    lines = []
    for change in sorted(changes, key=lambda one: _rank(one["subject"])):
        subject, before, after = change["subject"], change["before"], change["after"]
        if subject == VERDICT:
            lines.append(f"{clock}  {before.upper()} → {after.upper()}")
        elif subject.startswith("cause "):
            lines += _cause_lines(clock, subject, after, causes.get(subject))
        else:
            lines += _finding_lines(clock, change, findings.get(subject))
    return lines


def _rank(subject: str) -> tuple[int, str]:
    return (0 if subject == VERDICT else 1 if subject.startswith("cause ") else 2), subject


def _cause_lines(clock: str, subject: str, after: str, cause: t.Optional[Data]) -> list[str]:
    name = subject.partition(" ")[2]
    if after == ABSENT or cause is None:
        return [f"{clock}  cause {name} is gone"]
    return [f"{clock}  CAUSE {name}: {cause['statement']}", f"          → first: {cause['first_fix']}"]


def _finding_lines(clock: str, change: Data, finding: t.Optional[Data]) -> list[str]:
    before, after = change["before"], change["after"]
    if finding is None:
        return [f"{clock}  {change['subject'].partition(' ')[2]}: was {before}, is not reported any more"]
    where = " ".join(part for part in (finding.get("host"), finding.get("instance")) if part)
    came = "new" if before == ABSENT else before
    lines = [f"{clock}  {finding['check']} on {where}: {came} → {after}: {finding.get('finding') or finding.get('reason') or ''}"]
    if after in ("warn", "fail") and finding.get("advice"):
        lines.append(f"          → {finding['advice']}")
    return lines


def compare_lines(before: Data, after: Data) -> list[str]:
    """Before and after a fix, in words; with the servers that could be dropped once all is calm."""
    result = compare(before, after)
    lines = [f"verdict: {result['verdict'][0]} → {result['verdict'][1]}"]
    lines += [f"cause {name}: gone" for name in result["causes"]["gone"]]
    lines += [f"cause {name}: new" for name in result["causes"]["new"]]
    lines += [f"cause {name}: still there" for name in result["causes"]["same"]]
    for kind in ("worse", "better", "moved"):
        lines += [f"{kind}: {_moved(row)}" for row in result[kind]]
    spare = droppable(after)
    if spare:
        lines.append(f"you may drop {spare[0]} of {spare[1]} application servers: the rest carries the present traffic with room to spare")
    return lines


def _moved(row: Data) -> str:
    where = " ".join(part for part in (row["host"], row["instance"]) if part)
    statuses = " → ".join(status or ABSENT for status in row["status"])
    values = " → ".join(_shown(value) for value in row["value"])
    return f"{row['check']} on {where}: {values} ({statuses})"


def _shown(value: t.Any) -> str:
    if value is None:
        return "unknown"
    return f"{value:.4g}" if isinstance(value, (int, float)) else str(value)


#: What an application server should be busy for at most, and how many must stay in any case.
COMFORT = 0.7
FEWEST = 2


def droppable(report: Data) -> t.Optional[tuple[int, int]]:
    """(how many application servers could go, how many there are), or None when that cannot or should not be said."""
    if report["verdict"] not in ("go", "go with warnings"):
        return None
    busy = []
    for host in (report.get("hosts") or {}).values():
        instances = ((host.get("facts") or {}).get("launch_uwsgi") or {}).get("instances") or []
        known = [one["utilisation"] for one in instances if isinstance(one.get("utilisation"), (int, float))]
        if instances and len(known) < len(instances):
            return None
        if known:
            busy.append(max(known))
    needed = max(FEWEST, -(-int(sum(busy) * 1000) // int(COMFORT * 1000)))
    return (len(busy) - needed, len(busy)) if len(busy) > needed else None
