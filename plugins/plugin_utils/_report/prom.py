# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""launch.prom: OpenMetrics text for the node exporter's textfile collector and whatever else reads it."""

from __future__ import annotations

import collections
import typing as t

from ...module_utils._texts import moments
from .._checks.finding import Finding
from .._checks.services import FOLLOWED
from .._judge.report import Report
from .condensed import expanded

Samples = t.Iterable[tuple[dict[str, t.Any], t.Any]]

STATUSES = ("ok", "warn", "unknown", "fail", "skipped")
_VERDICTS = ("go", "go with warnings", "unknown", "no-go")


def launch_prom(report: Report, every: t.Sequence[Finding] = ()) -> t.Iterator[str]:
    """Verdict, counts, causes, hosts, and each finding that is written; a value that is no number has its status only.

    Of what is fine on many hosts (`count`) there are numbers of findings; the key figures of `every` host are there nevertheless.
    """
    listed = list(expanded(report["findings"]))
    findings = [finding for finding in listed if not finding.get("count")]
    if len(findings) < len(listed):
        findings += [finding for finding in every if finding["status"] == "ok" and finding["check"] in FOLLOWED]
    checks = collections.Counter[tuple[str, str]]()
    for finding in report["findings"]:
        checks[finding["check"], finding["status"]] += finding.get("count") or 1
    causes = [({"cause": cause.get("cause"), "tier": cause.get("tier")}, rank) for rank, cause in enumerate(report["diagnoses"], 1)]
    values = [
        ({**_labels(finding), "unit": finding["unit"] or ""}, finding["value"]) for finding in findings if is_number(finding["value"])
    ]
    started = moments.read(report["started_at"])
    verdicts = [({"verdict": name}, name == report["verdict"]) for name in _VERDICTS]
    counts = [({"status": name}, count) for name, count in report["counts"].items()]
    reached = [({"host": name}, host["reached"]) for name, host in report["hosts"].items()]
    accepted = [(_labels(finding), 1) for finding in findings if finding["accepted"]]
    families: tuple[tuple[str, str, Samples], ...] = (
        ("launch_verdict", "The verdict; 1 for the one that holds.", verdicts),
        ("launch_findings", "Findings by status; accepted ones are counted apart.", counts),
        (
            "launch_check_findings",
            "Findings of a check by status, accepted ones included.",
            [({"check": check, "status": status}, count) for (check, status), count in checks.items()],
        ),
        ("launch_cause", "A cause that was named, with its rank (1 is the deepest).", causes),
        ("launch_host_reached", "Whether the host gave facts.", reached),
        (
            "launch_check_status",
            "0 ok, 1 warn, 2 unknown, 3 fail, 4 skipped; accepted findings keep their status.",
            [(_labels(finding), STATUSES.index(finding["status"])) for finding in findings],
        ),
        ("launch_check_accepted", "1 for findings that were accepted and do not count.", accepted),
        ("launch_check_value", "The value that was judged, in its unit.", values),
        ("launch_check_started_seconds", "When the check began.", [({}, started)]),
        ("launch_check_duration_seconds", "How long it took.", [({}, report["duration_seconds"])]),
    )
    for name, text, samples in families:
        yield from _family(name, text, samples)
    yield "# EOF\n"


def _labels(finding: Finding) -> dict[str, t.Any]:
    return {"check": finding["check"], "host": finding["host"], "service": finding["service"], "instance": finding["instance"] or ""}


def is_number(value: t.Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e300


def _family(name: str, text: str, samples: Samples) -> t.Iterator[str]:
    """One sample per set of labels: two instances of one name would make the whole file unreadable."""
    yield f"# TYPE {name} gauge\n# HELP {name} {_escaped(text)}\n"
    given: set[str] = set()
    for labels, value in samples:
        inside = ",".join(f'{label}="{_escaped(str(content))}"' for label, content in labels.items())
        if inside not in given:
            given.add(inside)
            yield f"{name}{{{inside}}} {float(value)!r}\n" if inside else f"{name} {float(value)!r}\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
