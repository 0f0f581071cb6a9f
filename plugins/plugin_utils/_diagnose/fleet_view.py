# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fleet as the rules see it: instances with their host, findings by check, the machine under a service."""

from __future__ import annotations

import dataclasses
import typing as t

from .._checks.catalogue import ANSWERS
from .._fleet.observed import figure, seen

Data = t.Mapping[str, t.Any]

#: Celery itself is only its broker and its workers: these live and do nothing.
SILENT_WORKERS = "celery_local_workers"

#: What makes a finding bad enough for a rule.
BAD = {"fail": ("fail",), "warn": ("fail", "warn")}


@dataclasses.dataclass(frozen=True)
class Seen:
    """One instance that is up, and the host that reported it."""

    host: str
    service: str
    facts: Data

    @property
    def name(self) -> str:
        return str(self.facts.get("name"))

    def number(self, path: str) -> t.Optional[float]:
        """A measure by its dotted path when it is a number, else None."""
        *parents, last = path.split(".")
        place: t.Any = self.facts
        for part in parents:
            place = place.get(part) if isinstance(place, dict) else None
        return figure(place, last) if isinstance(place, dict) else None

    def part(self, name: str) -> dict[str, t.Any]:
        """A dictionary of the facts; empty when it is unknown."""
        value = self.facts.get(name)
        return value if isinstance(value, dict) else {}

    def rows(self, name: str) -> list[dict[str, t.Any]]:
        """A list of the facts as rows; empty when it is unknown."""
        value = self.facts.get(name)
        return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []

    def __str__(self) -> str:
        return f"{self.host} ({self.name})" if self.name not in ("default", self.host) else self.host


class Fleet:
    """Facts and findings of every host that was asked. Accepted findings are known gaps and never a cause."""

    def __init__(self, hosts: Data, findings: t.Iterable[Data], inventory: Data) -> None:
        self.hosts = hosts
        self.inventory = inventory
        self._findings: dict[tuple[str, str, t.Optional[str]], Data] = {}
        for one in findings:
            if not one.get("accepted"):
                self._findings[(one["check"], one["host"], one.get("instance"))] = one
        self._seen: dict[str, list[Seen]] = {}

    def seen(self, service: str) -> list[Seen]:
        if service not in self._seen:
            self._seen[service] = [Seen(host, service, facts) for host, facts in seen(self.hosts, service)]
        return self._seen[service]

    def bad(self, one: Seen, *checks: str, least: str = "fail") -> t.Optional[Data]:
        """The first of these checks whose finding for the instance is bad enough, or None."""
        for check in checks:
            finding = self._findings.get((check, one.host, one.facts.get("name")))
            if finding is not None and finding["status"] in BAD[least]:
                return finding
        return None

    def down(self, service: str) -> list[Data]:
        """Findings about instances of the service that are down, or whose processes do nothing (not: that could not be read)."""
        checks = (service + ANSWERS, *((SILENT_WORKERS,) if service == "celery" else ()))
        return [one for (check, _host, _name), one in self._findings.items() if check in checks and one["status"] == "fail"]

    def unread(self, *services: str) -> list[Data]:
        """Findings about instances of these services that nobody could read: they may be well or not."""
        checks = {service + ANSWERS for service in services}
        return [one for (check, _host, _name), one in self._findings.items() if check in checks and one["status"] == "unknown"]

    def machine(self, host: str) -> Seen:
        """The machine under a host's services; without its facts every measure is None."""
        for one in self.seen("server"):
            if one.host == host:
                return one
        return Seen(host, "server", {})

    def machine_bad(self, host: str, *checks: str, least: str = "fail") -> t.Optional[Data]:
        return self.bad(self.machine(host), *checks, least=least)

    def cores_used(self, host: str, *services: str) -> t.Optional[float]:
        """Cores that the processes of these services use on the host, or None when nobody measured it."""
        rows = self.machine(host).rows("services")
        used = [figure(row, "cpu_cores") for row in rows if row.get("name") in services]
        known = [value for value in used if value is not None]
        return sum(known) if known else (0.0 if rows else None)

    def share_of_cpu(self, host: str, *services: str) -> t.Optional[float]:
        """What part of the host's busy CPU these services are."""
        machine = self.machine(host)
        busy, cores = machine.number("cpu_busy_ratio"), machine.number("cores_effective")
        used = self.cores_used(host, *services)
        if used is None or not busy or not cores:
            return None
        return min(1.0, used / (busy * cores))
