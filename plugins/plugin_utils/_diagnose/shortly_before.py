# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What changed shortly before a cause began, on the instances that it has to do with. A coincidence, and said as one."""

from __future__ import annotations

import typing as t

from .._checks.services import in_tiers
from .._fleet.paths import shown
from .._fleet.provenance import RELEASE, SHORTLY, SLACK, Change, key_of, moment, named, sentences
from .cause import Diagnosis

#: Services that run the application's code: these have releases.
RELEASED = (*in_tiers("application"), "celery")
MOST_SAID = 5
_OR = ", or: "


def tell(diagnoses: t.Iterable[Diagnosis], changes: t.Sequence[Change], began: t.Mapping[str, float], now: float) -> None:
    """Give each cause its `changes`. `began`: since when each is named by the stored rounds; others began now."""
    for diagnosis in diagnoses:
        since = began.get(diagnosis["cause"], now)
        about = {*(diagnosis.get("hit") or []), *(diagnosis.get("needs") or [])}
        hosts = {instance.partition("/")[0] for instance in about}
        before = [
            row
            for row in changes
            if since - SHORTLY <= (moment(row["at"]) or 0.0) <= since + SLACK
            and (shown(key_of(row)) in about or (row["service"] == "server" and row["host"] in hosts))
        ]
        diagnosis["changes"] = sentences(before, since)[:MOST_SAID]
        _offer(diagnosis, _way_back(diagnosis, before))


def _way_back(diagnosis: Diagnosis, before: t.Sequence[Change]) -> t.Optional[str]:
    """The release to roll back: one that all instances of the application that the cause hits got just before.

    There is a way back only where another release is known to have run: a first start has none.
    """
    hit = [instance for instance in diagnosis.get("hit") or [] if instance.split("/")[1] in RELEASED]
    releases = {shown(key_of(row)): row["to"] for row in before if row["what"] == RELEASE and row["from"] is not None}
    common = {releases.get(instance) for instance in hit}
    if len(common) != 1 or None in common:
        return None
    return f"Roll back release {common.pop()} on {named(list(dict.fromkeys(instance.partition('/')[0] for instance in hit)))}"


def _offer(diagnosis: Diagnosis, way_back: t.Optional[str]) -> None:
    offered = diagnosis.get("way_back")
    if way_back == offered:
        return
    fix = str(diagnosis["first_fix"])[len(offered + _OR) if offered else 0 :]
    diagnosis["first_fix"] = f"{way_back}{_OR}{fix}" if way_back else fix
    diagnosis["way_back"] = way_back
