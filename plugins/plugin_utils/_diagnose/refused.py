# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The application refuses what visitors ask for: pages that are a 400, which no count of errors has (ALLOWED_HOSTS)."""

from __future__ import annotations

import typing as t

from .._checks.units import numbered
from .._fleet.nodes import Key
from .._fleet.observed import Instance, Row
from .cause import Cause, look, percent, several
from .fleet_view import Fleet

BAD_REQUEST = 400
#: Of all refusals at least this part must be 400s: a mixture of 403s and 429s has other reasons.
MOSTLY = 0.5
#: And this part of all requests.
LEAST = 0.01


def requests_refused(fleet: Fleet) -> t.Iterator[Cause]:
    for view, finding in fleet.each_bad("visitors", "visitors_client_errors", "visitors_new_client_errors"):
        rows = [row for row in view.rows("refused_patterns") if row.get("status") == BAD_REQUEST and row.amount("backend_requests")]
        ratio = view.number("bad_request_ratio")
        if not rows or ratio is None or ratio < LEAST or ratio < MOSTLY * (view.number("refused_ratio") or 0.0):
            continue
        applications = _applications(view, fleet)
        hosts = sorted({host for host, _service, _name in applications}) or [str(host) for host in view.facts.get("accelerators") or []]
        names = list(dict.fromkeys(row.word("host") for row in rows if row.word("host")))
        most = f"most of them {rows[0].word('pattern')}" + (f" of {several(names)}" if names else "")
        yield Cause(
            hosts=hosts,
            statement=f"The application on {several(hosts)} refuses {percent(ratio)} of the requests with a 400 (Bad Request), {most}.",
            evidence=[*_evidence(rows)],
            first_fix=(
                "Compare ALLOWED_HOSTS of the running release with the hosts that visitors ask for"
                f"{f' ({several(names)})' if names else ''} and add what is missing: Django answers 400 to every other host. "
                "If the 400s began with a release, roll it back first."
            ),
            avoid="Do not change the accelerator and do not add servers: both pass on what visitors ask for, and no cache keeps a 400.",
            look=look(finding),
            rows=rows,
            of=tuple(applications),
        )


def _evidence(rows: list[Row]) -> t.Iterator[str]:
    for row in rows[:3]:
        asked_of = f" of {row.word('host')}" if row.word("host") else ""
        yield f"{row.word('pattern')}{asked_of}: {numbered(row.get('count'), 'response/responses')} with status {BAD_REQUEST}."


def _applications(view: Instance, fleet: Fleet) -> list[Key]:
    """The workers whose visitors they are."""
    listed = view.facts.get("of")
    known = {str(key) for key in listed} if isinstance(listed, list) else set()
    return [workers.key for workers in fleet.applications() if "/".join(workers.key) in known]
