# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One round of a watch: store it, announce changes, add the history to the report, decide whether the watch is over."""

from __future__ import annotations

import math
import typing as t

from ...module_utils._texts import moments
from ...module_utils._texts.redact import clean
from .._checks.units import numbered
from .._judge.report import Report
from . import trends
from .changes import ABSENT, VERDICT, State, changed, subjects
from .past import add_past
from .rounds import Store, key_of
from .state_changes import add_changes, remember

Data = t.Mapping[str, t.Any]

#: When a watch ends by itself.
UNTIL = ("never", "go", "no-go", "corner")


def one_round(store: Store, report: Report, at: float, keep_seconds: float) -> tuple[list[dict[str, t.Any]], dict[str, State]]:
    """Store the report and give it its past; gives the changes to print, and what to `announce` to the store afterwards.

    Printed first and stored afterwards: a watch that is killed in between prints them again, and loses none.
    """
    store.add(report, at)
    remember(store, report, at)
    store.prune(at - keep_seconds)
    add_past(store, report, at - keep_seconds)
    add_changes(store, report, at)
    return changed(store.announced(), subjects(report), at, report.get("only") or [])


def is_over(store: Store, report: Data, until: str, since: float) -> bool:
    """Whether what the watch waits for has come: a verdict in two rounds running, or a load that turned the corner."""
    if until in ("go", "no-go"):
        last = store.rounds(since, last=2)
        wanted = ("go", "go with warnings") if until == "go" else ("no-go",)
        return len(last) == 2 and all(round_.verdict in wanted for round_ in last)
    if until != "corner":
        return False
    numbers = store.keys()
    loads = [key_of(finding) for finding in report.get("findings") or [] if finding["check"] == "server_load"]
    series = store.series([numbers[key] for key in loads if key in numbers], since)
    risen = [points for points in series.values() if max((value or 0 for _at, value in points), default=0) >= 1]
    return bool(risen) and all(trends.turned_the_corner(points) for points in risen)


def pace(report: Data, at: float, every: float, since: float, minutes: t.Optional[float]) -> t.Optional[int]:
    """Whole seconds to wait for the next round, or None when it would begin after the end of the watch."""
    began = min(at, moments.read(report["started_at"]))
    if minutes is not None and max(began + every, at) >= since + minutes * 60:
        return None
    return max(0, math.ceil(began + every - at))


def change_lines(changes: t.Sequence[Data], report: Data, at: float) -> list[str]:
    """What to print: one line per kind of change, with the finding's words, and its advice when it got worse."""
    findings = {"finding " + " ".join(part for part in key_of(finding) if part): finding for finding in report.get("findings") or []}
    causes = {"cause " + cause["cause"]: cause for cause in report.get("diagnoses") or []}
    latent = {risk["cause"] for risk in report.get("latent_risks") or []}
    lines: list[str] = []
    loud: dict[tuple[str, str, str], list[str]] = {}
    quiet: dict[tuple[str, str, str], list[str]] = {}
    for change in changes:
        subject, before, after = change["subject"], change["before"], change["after"]
        if subject == VERDICT:
            lines.insert(0, f"{before.upper()} → {after.upper()}")
        elif subject.startswith("cause "):
            lines += _cause_lines(subject, after, causes.get(subject), latent)
        elif after == ABSENT or (before, after) == (ABSENT, "ok"):
            # a host that is lost takes all its checks with it, and brings them back
            quiet.setdefault((f"{subject}  ".split(" ")[2], before, after), []).append(subject.split(" ")[1])
        else:
            loud.setdefault((subject.split(" ")[1], before, after), []).append(subject)
    for (check, before, after), subjects_ in loud.items():
        lines += _loud_lines(check, before, after, subjects_, findings)
    lines += _quiet_lines(quiet)
    clock = moments.clock(at)
    return [f"          {line}" if line.startswith("→") else f"{clock} {line}" for line in lines]


def _cause_lines(subject: str, after: str, cause: t.Optional[Data], latent: t.Collection[str]) -> list[str]:
    name = subject.partition(" ")[2]
    if after == ABSENT and name in latent:
        return [f"cause {name} is a latent risk now: visitors are well again"]
    if after == ABSENT or cause is None:
        return [f"cause {name} is gone"]
    return [f"CAUSE {name}: {clean(str(cause['statement']), 400)}", f"→ first: {clean(str(cause['first_fix']), 600)}"]


def _loud_lines(check: str, before: str, after: str, group: t.Sequence[str], findings: t.Mapping[str, Data]) -> list[str]:
    """One check that changed alike in some places: the first of them, and how many more."""
    finding = findings[group[0]]
    where = " ".join(clean(part, 80) for part in (finding.get("host"), finding.get("instance")) if part)
    words = clean(finding.get("finding") or finding.get("reason") or "", 400)
    lines = [f"{check} on {where}{_more(group)}: {'new' if before == ABSENT else before} → {after}: {words}"]
    if after in ("warn", "fail") and finding.get("advice"):
        lines.append(f"→ {clean(finding['advice'], 600)}")
    return lines


def _quiet_lines(groups: t.Mapping[tuple[str, str, str], list[str]]) -> t.Iterator[str]:
    """What a host does not report any more, or reports now and is fine; hosts of which the same is to be said together."""
    alike: dict[tuple[str, str, tuple[str, ...]], list[str]] = {}
    for (host, before, after), checks in groups.items():
        alike.setdefault((before, after, tuple(sorted(checks))), []).append(host)
    for (before, after, names), hosts in alike.items():
        single = len(names) == 1
        what = names[0] if single else numbered(len(names), "check/checks")
        words = f"{'was' if single else 'were'} {before} and {'is' if single else 'are'} not reported any more"
        if after != ABSENT:
            words = f"{'is' if single else 'are'} reported and fine"
        yield f"{clean(hosts[0], 80)}{_more(hosts)}: {what} {words}"


def _more(places: t.Sequence[str]) -> str:
    return f" and {len(places) - 1} more" if len(places) > 1 else ""
