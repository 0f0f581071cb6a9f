# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One round of a watch: store it, tell what changed, give the report its past, say whether the watch is over."""

from __future__ import annotations

import time
import typing as t

from ..module_utils.floor.redact import clean
from .store import trends
from .store.changes import ABSENT, VERDICT, State, changed, subjects
from .store.past import add_past
from .store.rounds import Store, key_of

Data = t.Mapping[str, t.Any]

#: When a watch ends by itself.
UNTIL = ("never", "go", "no-go", "corner")


def one_round(store: Store, report: dict[str, t.Any], at: float, keep_seconds: float) -> tuple[list[dict[str, t.Any]], dict[str, State]]:
    """Store the report and give it its past; gives the changes to tell, and what to `announce` to the store once they are told.

    Told first and remembered afterwards: who is killed in between tells it again, and swallows nothing.
    """
    store.add(report, at)
    store.prune(at - keep_seconds)
    add_past(store, report, at - keep_seconds)
    return changed(store.announced(), subjects(report), at)


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
    """What to print: one line per kind of change, with the finding's words, and its advice when it got worse."""
    findings = {"finding " + " ".join(part for part in key_of(one) if part): one for one in report.get("findings") or []}
    causes = {"cause " + one["cause"]: one for one in report.get("diagnoses") or []}
    lines: list[str] = []
    groups: dict[tuple[str, str, str], list[str]] = {}
    for change in changes:
        subject, before, after = change["subject"], change["before"], change["after"]
        if subject == VERDICT:
            lines.insert(0, f"{before.upper()} → {after.upper()}")
        elif subject.startswith("cause "):
            lines += _cause_lines(subject, after, causes.get(subject))
        elif after == ABSENT or (before, after) == (ABSENT, "ok"):
            # a host that is lost takes all its checks with it, and brings them back
            groups.setdefault((f"{subject}  ".split(" ")[2], before if after == ABSENT else ABSENT, after), []).append(subject)
        else:
            groups.setdefault((subject.split(" ")[1], before, after), []).append(subject)
    for (name, before, after), subjects_ in groups.items():
        lines += _group_lines(name, before, after, subjects_, findings)
    clock = time.strftime("%H:%M:%S", time.localtime(at))
    return [f"          {line}" if line.startswith("→") else f"{clock}  {line}" for line in lines]


def _cause_lines(subject: str, after: str, cause: t.Optional[Data]) -> list[str]:
    name = subject.partition(" ")[2]
    if after == ABSENT or cause is None:
        return [f"cause {name} is gone"]
    return [f"CAUSE {name}: {clean(str(cause['statement']), 400)}", f"→ first: {clean(str(cause['first_fix']), 600)}"]


def _group_lines(name: str, before: str, after: str, group: t.Sequence[str], findings: t.Mapping[str, Data]) -> list[str]:
    """One check that changed alike in some places; or all that a host does not report any more, or reports now and is fine."""
    count = len(group)
    checks = group[0].split(" ")[1] if count == 1 else f"{count} checks"
    if after == ABSENT:
        return [f"{name}: {checks} {'was' if count == 1 else 'were'} {before} and {'is' if count == 1 else 'are'} not reported any more"]
    if before == ABSENT and after == "ok":
        return [f"{name}: {checks} {'is' if count == 1 else 'are'} reported and fine"]
    finding = findings[group[0]]
    where = " ".join(clean(part, 80) for part in (finding.get("host"), finding.get("instance")) if part)
    more = f" and {count - 1} more" if count > 1 else ""
    said = clean(finding.get("finding") or finding.get("reason") or "", 400)
    lines = [f"{name} on {where}{more}: {'new' if before == ABSENT else before} → {after}: {said}"]
    if after in ("warn", "fail") and finding.get("advice"):
        lines.append(f"→ {clean(finding['advice'], 600)}")
    return lines
