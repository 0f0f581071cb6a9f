# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What stands between the check and a verdict: the unknowns by what mends them, as few lines as possible for all hosts at once."""

from __future__ import annotations

import typing as t

from ...module_utils._texts.redact import clean
from .._checks import remedies
from .._checks.command import ad_hoc, asking, installing, reading, setting
from .._checks.finding import Finding, natural
from .._checks.remedies import Kind
from .._checks.services import FLEET_HOST, TITLES
from .._reach.hosts import Reach
from .._reach.quoting import Line, is_line

#: More lines than this are no summary.
MOST = 5
#: Hosts that a sentence names.
NAMED = 4


class Obstacle(t.TypedDict):
    """One line of the summary."""

    #: Of what kind the reasons are (`remedies.KINDS`).
    kind: str
    #: Whose unknowns they are and why.
    sentence: str
    #: What mends it on all of these hosts, from the control node; null where no command does.
    command: t.Optional[Line]
    hosts: list[str]
    #: How many findings wait for it.
    findings: int


class _Group(t.NamedTuple):
    kind: Kind
    findings: list[Finding]

    @property
    def hosts(self) -> list[str]:
        return sorted({finding["host"] for finding in self.findings}, key=natural)

    @property
    def services(self) -> list[str]:
        return [title for service, title in TITLES.items() if any(finding["service"] == service for finding in self.findings)]


def obstacles(findings: t.Iterable[Finding], reach: Reach) -> list[Obstacle]:
    """The summary, in the order in which to follow it."""
    unknown = [finding for finding in findings if finding["status"] == "unknown" and not finding["accepted"]]
    return [_obstacle(group, reach) for group in _groups(unknown)]


def _groups(unknown: t.Sequence[Finding]) -> list[_Group]:
    """By kind, and by what is said where each reason needs its own remedy; only by kind when that would be too many."""
    fine = _grouped(unknown, lambda kind, finding: "" if kind.one_line else remedies.template(f"{finding['service']} {finding['reason']}"))
    return fine if len(fine) <= MOST else _grouped(unknown, lambda _kind, _finding: "")


def _grouped(unknown: t.Sequence[Finding], apart: t.Callable[[Kind, Finding], str]) -> list[_Group]:
    groups: dict[tuple[str, str], _Group] = {}
    for finding in unknown:
        kind = remedies.kind_of(finding["reason"] or "")
        groups.setdefault((kind.name, apart(kind, finding)), _Group(kind, [])).findings.append(finding)
    order = {kind.name: place for place, kind in enumerate(remedies.KINDS)}
    return sorted(groups.values(), key=lambda group: (order[group.kind.name], -len(group.findings)))


def _obstacle(group: _Group, reach: Reach) -> Obstacle:
    return {
        "kind": group.kind.name,
        "sentence": _sentence(group),
        "command": _command(group, reach),
        "hosts": group.hosts,
        "findings": len(group.findings),
    }


#: Kinds that are about the host, whatever runs on it.
_OF_HOSTS = ("unreachable", "python", "empty", "room", "sudo", "refused setting", "broken off")
#: A verb of a title, of one host.
_OF_ONE = {"lack": "lacks", "need": "needs", "have": "has", "refuse": "refuses", "run": "runs", "are": "is", "want": "wants", "do": "does",
           "answer": "answers"}  # fmt: skip


def _sentence(group: _Group) -> str:
    hosts = group.hosts
    named = ", ".join(clean(host, 60) for host in hosts[:NAMED]) + (f" and {len(hosts) - NAMED} more" if len(hosts) > NAMED else "")
    reasons = {remedies.template(finding["reason"] or "") for finding in group.findings}
    if not group.kind.one_line and len(reasons) == 1:
        first = group.findings[0]
        return f"{TITLES[first['service']]} on {named}: {clean(first['reason'] or '', 300)}"
    verb, _blank, rest = group.kind.title.partition(" ")
    title = f"{_OF_ONE.get(verb, verb)} {rest}" if len(hosts) == 1 else group.kind.title
    about = f" ({', '.join(group.services)})" if group.kind.name not in _OF_HOSTS else ""
    if hosts == [FLEET_HOST] and group.kind.name == "nobody":
        return f"the fleet {title}"
    if hosts == [FLEET_HOST]:
        return f"the fleet {title}{about}"
    return f"{len(hosts)} host{'' if len(hosts) == 1 else 's'} {title}{about}: {named}"


def _command(group: _Group, reach: Reach) -> t.Optional[Line]:
    kind, pattern = group.kind, ",".join(group.hosts)
    line: t.Optional[Line] = None
    if kind.command == remedies.INSTALL:
        packages = sorted({name for finding in group.findings for name in remedies.packages(finding["reason"] or "")})
        line = installing(reach, pattern, packages) if packages else None
    elif kind.command == remedies.PING:
        line = ad_hoc(reach, pattern, "ansible.builtin.ping") if FLEET_HOST not in group.hosts else group.findings[0]["look"]
    elif kind.command == remedies.BECOME:
        line = reach.again(become=True)
    elif kind.name in ("traffic", "again"):
        line = reach.again()
    elif kind.command in (remedies.SET, remedies.ASK):
        line = setting(reach, pattern, {finding["reason"] or "" for finding in group.findings})
    if line is None and kind.command == remedies.ASK and FLEET_HOST not in group.hosts:
        line = asking(reach, [(finding["host"], finding["service"], finding["reason"] or "") for finding in group.findings])
    if line is None and kind.command in (remedies.SET, remedies.ASK, remedies.READ) and FLEET_HOST not in group.hosts:
        line = _reading(group, reach, pattern)
    return line if is_line(line) else None


def _reading(group: _Group, reach: Reach, pattern: str) -> t.Optional[Line]:
    """What asks these hosts alone once more, and shows each reason whole."""
    services = {finding["service"] for finding in group.findings}
    return reading(reach, pattern, services.pop()) if len(services) == 1 else ad_hoc(reach, pattern, "warroom.launch.launch_facts")
