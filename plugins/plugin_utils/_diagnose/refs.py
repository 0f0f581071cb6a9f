# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which row of the report shows a line of evidence: `host/service/instance`, and where it is of a list also `/queues[0]`."""

from __future__ import annotations

import functools
import re
import typing as t

from .._checks.services import FLEET_HOST, instances_in
from .._fleet.paths import shown
from .cause import Cause
from .extent import keys_of
from .fleet_view import Fleet

#: Instances of a cause and rows of a list in which a line is looked for.
MOST = 100
#: Measures by which rows are called.
_NAMES = ("name", "pattern", "table", "worker", "address", "host", "user", "database", "text", "service", "measure")
#: What stands for the same server: the log of an accelerator.
_BESIDE = {"varnish": "varnish_traffic"}
_ROW = re.compile(r"^(?P<name>.*?)/(?P<list>[a-z_]+)\[(?P<place>\d+)\]$", re.DOTALL)


class Refs:
    """The rows that a cause's lines may point at."""

    def __init__(self, cause: Cause, fleet: Fleet) -> None:
        keys = [*([cause.at.key] if cause.at is not None else []), *keys_of(cause, fleet)]
        hosts = {key[0] for key in keys[:MOST]}
        beside = [(host, _BESIDE[service], name) for host, service, name in keys[:MOST] if service in _BESIDE]
        self._places = list(dict.fromkeys([*keys[:MOST], *beside]))
        self._instances = [each for key in self._places if (each := fleet.instance(key)) is not None]
        machines = [fleet.machine(host) for host in [*cause.hosts, *sorted(hosts)] if host != FLEET_HOST]
        self._machines = [machine for machine in machines if machine.facts]
        host = next(iter(cause.hosts), FLEET_HOST)
        whole = [*self._instances, *self._machines]
        self.default = shown(self._places[0]) if self._places else shown(whole[0].key) if whole else f"{host}/server/{host}"

    def of(self, line: str) -> str:
        """The instance that the line names, the row whose name it begins with, else what the cause is about."""
        for instance in [*self._instances, *self._machines]:
            if line.startswith((f"{instance}: ", f"{instance} has ", f"{instance.host}: ")) and str(instance) != FLEET_HOST:
                return shown(instance.key)
        begins = (line[:end] for end in self._lengths if not line[end : end + 1].isalnum())
        return min((self._rows[word] for word in begins if word in self._rows), default=(0, self.default))[1]

    @functools.cached_property
    def _rows(self) -> dict[str, tuple[int, str]]:
        """What rows are called → the first row of that name, with its place among all: a walk over all of them, so done once."""
        found: dict[str, tuple[int, str]] = {}
        for instance in self._instances:
            for listed in instance.facts:
                for place, row in enumerate(instance.rows(listed)[:MOST]):
                    ref = (len(found), f"{shown(instance.key)}/{listed}[{place}]")
                    found.update((word, ref) for key in _NAMES if len(word := row.word(key)) > 1 and word not in found)
        return found

    @functools.cached_property
    def _lengths(self) -> list[int]:
        return sorted({len(word) for word in self._rows})


def resolve(report: t.Mapping[str, t.Any], ref: str) -> t.Any:
    """What a ref points at in a report: the instance's facts, the row, or the finding of what gave no facts; None for nothing."""
    host, _slash, rest = ref.partition("/")
    service, _slash, name = rest.partition("/")
    facts = report["fleet"] if host == FLEET_HOST else (report["hosts"].get(host) or {}).get("facts") or {}
    listed = _ROW.match(name)
    for instance in instances_in(facts, service):
        if str(instance.get("name")) == name:
            return instance
        if listed and str(instance.get("name")) == listed["name"]:
            rows = instance.get(listed["list"])
            place = int(listed["place"])
            return rows[place] if isinstance(rows, list) and place < len(rows) else None
    findings = [row for row in report["findings"] if row["host"] == host and row.get("service") == service]
    return next((row for row in findings if str(row.get("instance")) == name), None)
