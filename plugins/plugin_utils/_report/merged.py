# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Causes that differ only in their hosts and figures, and have the same fix, are shown as one. launch.json keeps each."""

from __future__ import annotations

import re
import typing as t

from .._diagnose.cause import Diagnosis

_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


Named = t.TypeVar("Named", bound=Diagnosis)


def alike(diagnoses: t.Iterable[Named]) -> list[list[Named]]:
    """The causes in their order, each with those that say the same of other hosts."""
    groups: dict[tuple[str, ...], list[Named]] = {}
    for diagnosis in diagnoses:
        groups.setdefault(_form(diagnosis), []).append(diagnosis)
    return list(groups.values())


def _form(diagnosis: Diagnosis) -> tuple[str, ...]:
    """What a cause says, without its hosts and figures. A fix is a thing to do: it has to be the same to the letter."""
    return (_NUMBER.sub("0", _without_hosts(diagnosis)), *(str(diagnosis.get(key)) for key in ("cause", "tier", "first_fix", "avoid")))


def _without_hosts(diagnosis: Diagnosis) -> str:
    """Its statement with a mark in place of its hosts."""
    names = sorted(map(str, diagnosis.get("hosts") or []), key=len, reverse=True)
    hosts = re.compile("|".join(rf"(?<![\w.-]){re.escape(name)}(?![\w-])" for name in names if name) or r"(?!)")
    return hosts.sub("\0", str(diagnosis.get("statement") or ""))


def hosts_of(group: t.Sequence[Diagnosis]) -> list[str]:
    return list(dict.fromkeys(str(host) for diagnosis in group for host in diagnosis.get("hosts") or []))


def evidence_of(group: t.Sequence[Diagnosis]) -> list[t.Any]:
    """The evidence of the first; of the others their statements, where these differ by more than the host."""
    evidence = list(group[0].get("evidence") or [])
    for diagnosis in group[1:]:
        if _without_hosts(diagnosis) != _without_hosts(group[0]):
            evidence.append({"text": f"Likewise: {diagnosis.get('statement')}", "ref": ""})
    return evidence


def rows_of(group: t.Sequence[Diagnosis]) -> list[dict[str, t.Any]]:
    """The rows behind each; where they are of several hosts, each row names its own."""
    if len(group) == 1:
        return list(group[0].get("rows") or [])
    return [
        {"host": ", ".join(map(str, diagnosis.get("hosts") or [])), **row}
        for diagnosis in group
        for row in diagnosis.get("rows") or []
        if isinstance(row, dict)
    ]
