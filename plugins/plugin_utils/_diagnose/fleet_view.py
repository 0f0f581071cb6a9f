# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fleet as the rules see it: instances with their host, findings by check, the machine under a service."""

from __future__ import annotations

import functools
import operator
import typing as t

from .._checks.catalogue import ANSWERS
from .._checks.command import Look, reading
from .._checks.finding import Finding
from .._checks.services import FLEET_HOST, GATHERED, in_tiers
from .._fleet.graph import Graph
from .._fleet.growth import Growths
from .._fleet.observed import Data, Instance, figure, instances_up
from .._reach.hosts import NOWHERE, Reach
from .._reach.quoting import Line
from .edges_before import edges_before
from .sites import Sites

#: Celery itself is only its broker and its workers: these live and do nothing.
SILENT_WORKERS = "celery_local_workers"

#: What makes a finding bad enough for a rule.
BAD = {"fail": ("fail",), "warn": ("fail", "warn")}

#: What shows the workers of an application server.
LOOKS = {"uwsgi": ("uwsgitop {login}",), "wsgi": ("ss -tn state established state close-wait sport = :{port}",)}

#: The question that some application servers cannot answer themselves.
TIME, TIMES_ITS_RESPONSES = "response_time", ("uwsgi",)

T = t.TypeVar("T")
Place = tuple[str, str, t.Optional[str]]
#: Findings by what they share, each with its position among all.
Index = dict[tuple[t.Any, ...], list[tuple[int, Finding]]]


@functools.lru_cache(maxsize=256)
def _compiled(templates: tuple[str, ...]) -> Look:
    return Look.parse(list(templates))


class Fleet:
    """Facts and findings of every host of the check.

    An accepted finding is a known gap and no cause by itself, so `bad` leaves it out; `shown` has it too, for rules that prove
    by other facts what it says.
    """

    def __init__(
        self,
        hosts: Data,
        findings: t.Iterable[Finding],
        inventory: Data,
        reach: Reach = NOWHERE,
        graph: t.Optional[Graph] = None,
        growing: t.Optional[Growths] = None,
    ) -> None:
        self.hosts = hosts
        self.growing = growing or {}
        self.graph = Graph(hosts) if graph is None else graph
        self._reach = reach
        self.inventory = inventory
        self._findings: dict[Place, Finding] = {}
        self._accepted: dict[Place, Finding] = {}
        for finding in findings:
            kept = self._accepted if finding.get("accepted") else self._findings
            kept[(finding["check"], finding["host"], finding.get("instance"))] = finding
        self._instances: dict[str, list[Instance]] = {}
        #: Rules ask the same of every database; in a large fleet each answer is a walk over all hosts.
        self._bad_workers: dict[tuple[tuple[str, ...], str], list[tuple[Instance, Finding]]] = {}
        self._once: dict[tuple[t.Any, int], tuple[t.Any, t.Any]] = {}

    def once(self, compute: t.Callable[..., T], of: t.Any = None) -> T:
        """What this gives for the fleet, or for this very object in it (which must not change): computed when it is first asked for."""
        place = (compute, id(of))
        if place not in self._once:
            self._once[place] = (of, compute(self) if of is None else compute(self, of))
        return t.cast("T", self._once[place][1])

    def instances(self, service: str) -> list[Instance]:
        """The instances of a service that are up."""
        if service not in self._instances:
            self._instances[service] = list(instances_up(self.hosts, service))
        return self._instances[service]

    def instance(self, key: tuple[str, str, str]) -> t.Optional[Instance]:
        """The instance of this host, service and name, if it is up."""
        return next((each for each in reversed(self.on_host(key[0], key[1])) if each.name == key[2]), None)

    def on_host(self, host: str, service: str) -> list[Instance]:
        """The instances of a service on this host that are up."""
        return self.once(_by_host, self.instances(service)).get(host, [])

    def applications(self) -> list[Instance]:
        """The workers of every application server, whichever program it is."""
        return self._applications

    @functools.cached_property
    def _applications(self) -> list[Instance]:
        return [workers for service in in_tiers("application") for workers in self.instances(service)]

    def bad_workers(self, workers: Instance, *questions: str, least: str = "fail") -> t.Optional[Finding]:
        """As `bad`, by questions that every application server has: `saturated` is the check `uwsgi_saturated` of uWSGI.

        Where a server times no responses, the edge in front of it does.
        """
        own = self.bad(workers, *(f"{workers.service}_{question}" for question in questions), least=least)
        if own is not None or TIME not in questions or workers.service in TIMES_ITS_RESPONSES:
            return own
        edges = self.once(edges_before).get(workers.key, ())
        return next((late for edge in edges if (late := self.bad(edge, f"{edge.service}_{TIME}", least=least))), None)

    def each_bad_workers(self, *questions: str, least: str = "fail") -> list[tuple[Instance, Finding]]:
        """Every application's workers for which one of these questions has a bad enough answer, with the finding."""
        asked = (questions, least)
        if asked not in self._bad_workers:
            bad = ((workers, self.bad_workers(workers, *questions, least=least)) for workers in self.applications())
            self._bad_workers[asked] = [(workers, finding) for workers, finding in bad if finding]
        return self._bad_workers[asked]

    def look_at_workers(self, workers: Instance, *more: str) -> t.Optional[Line]:
        """The command that shows them."""
        return self.command(workers, *LOOKS.get(workers.service, ()), *more)

    def troubled_workers(self, *questions: str, least: str = "fail") -> list[Instance]:
        """As `each_bad_workers`, without the findings."""
        return self.once(_instances_of, self.each_bad_workers(*questions, least=least))

    def databases(self) -> list[Instance]:
        return self._databases

    @functools.cached_property
    def _databases(self) -> list[Instance]:
        return [database for service in in_tiers("database") for database in self.instances(service)]

    def databases_on(self, hosts: t.Iterable[str]) -> list[Instance]:
        """Those of these hosts, host by host."""
        return [database for service in in_tiers("database") for host in hosts for database in self.on_host(host, service)]

    @functools.cached_property
    def sites(self) -> Sites:
        return Sites(self.hosts, self.databases())

    def bad(self, instance: Instance, *checks: str, least: str = "fail") -> t.Optional[Finding]:
        """The first of these checks whose finding for the instance is bad enough, or None."""
        return _first_bad(self._findings, instance, checks, least)

    def each_bad(self, service: str, *checks: str, least: str = "fail") -> list[tuple[Instance, Finding]]:
        """Every instance of the service for which one of these checks is bad enough, with the finding."""
        return [(instance, finding) for instance in self.instances(service) if (finding := self.bad(instance, *checks, least=least))]

    def shown(self, instance: Instance, *checks: str, least: str = "fail") -> t.Optional[Finding]:
        """As `bad`, accepted or not."""
        return self.bad(instance, *checks, least=least) or _first_bad(self._accepted, instance, checks, least)

    def status(self, instance: Instance, check: str) -> t.Optional[str]:
        """The status of this check of the instance, accepted or not; None when it was not made."""
        place = (check, instance.host, instance.facts.get("name"))
        finding = self._findings.get(place) or self._accepted.get(place)
        return None if finding is None else finding["status"]

    def bad_at(self, places: t.Collection[tuple[str, t.Any]]) -> list[Finding]:
        """What warns or fails, and was not accepted, at these places: (host, instance)."""
        return _in_order(self._bad_by_place, set(places))

    def suffers(self) -> bool:
        """Whether anything above the machines fails and was not accepted."""
        return self._suffers

    @functools.cached_property
    def _suffers(self) -> bool:
        return any(finding["status"] == "fail" and finding.get("service") != "server" for finding in self._findings.values())

    def down(self, service: str) -> list[Finding]:
        """Findings about instances of the service that are down, or whose processes do nothing (not: that could not be read)."""
        checks = (service + ANSWERS, *((SILENT_WORKERS,) if service == "celery" else ()))
        return self._with_status("fail", checks)

    def unread(self, *services: str) -> list[Finding]:
        """Findings about instances of these services that could not be read: they may be well or not."""
        return self._with_status("unknown", {service + ANSWERS for service in services})

    def _with_status(self, status: str, checks: t.Iterable[str]) -> list[Finding]:
        return _in_order(self._by_check_and_status, [(check, status) for check in checks])

    # Rules ask for one service after the other, and once for each cause: a walk over all findings for each answer would
    # grow with the square of a fleet in trouble.

    @functools.cached_property
    def _by_check_and_status(self) -> Index:
        wanted = {place: finding for place, finding in self._findings.items() if finding["status"] in ("fail", "unknown")}
        return _index(wanted, lambda place, finding: (place[0], finding["status"]))

    @functools.cached_property
    def _bad_by_place(self) -> Index:
        bad = {place: finding for place, finding in self._findings.items() if finding["status"] in BAD["warn"]}
        return _index(bad, lambda place, _finding: place[1:])

    def command(self, instance: Instance, *templates: str) -> t.Optional[Line]:
        """The first of these commands that is complete for the instance, on its host; else its module, ad hoc (see `_checks.command`)."""
        place = None if instance.host == FLEET_HOST else instance.host
        line = _compiled(templates).render(place, instance.facts, self._reach) if templates else None
        return line or reading(self._reach, place, instance.service)

    def machine(self, host: str) -> Instance:
        """The machine under a host's services; without its facts every measure is None."""
        return self._machines.get(host) or Instance(host, "server", {})

    @functools.cached_property
    def _machines(self) -> dict[str, Instance]:
        return {machine.host: machine for machine in reversed(self.instances("server"))}

    def machine_bad(self, host: str, *checks: str, least: str = "fail") -> t.Optional[Finding]:
        return self.bad(self.machine(host), *checks, least=least)

    def machine_shown(self, host: str, *checks: str) -> t.Optional[Finding]:
        return self.shown(self.machine(host), *checks)

    def cores_used(self, host: str, *services: str) -> t.Optional[float]:
        """Cores that the processes of these services use on the host, or None when they were not measured."""
        rows = self.machine(host).rows("services")
        used = [figure(row, "cpu_cores") for row in rows if row.word("name") in services]
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

    def share_of_workers(self, workers: Instance) -> t.Optional[float]:
        """What part of the host's busy CPU the workers' processes are: by what they run as, or by their own account where it is more."""
        share, used = self.share_of_cpu(workers.host, *GATHERED[workers.service].process_words), workers.number("cpu_cores")
        machine = self.machine(workers.host)
        busy, cores = machine.number("cpu_busy_ratio"), machine.number("cores_effective")
        if used is None or not busy or not cores:
            return share
        return max(share or 0.0, min(1.0, used / (busy * cores)))


def _instances_of(_fleet: Fleet, bad: list[tuple[Instance, Finding]]) -> list[Instance]:
    return [instance for instance, _finding in bad]


def _by_host(_fleet: Fleet, instances: list[Instance]) -> dict[str, list[Instance]]:
    found: dict[str, list[Instance]] = {}
    for each in instances:
        found.setdefault(each.host, []).append(each)
    return found


def _first_bad(findings: t.Mapping[Place, Finding], instance: Instance, checks: t.Iterable[str], least: str) -> t.Optional[Finding]:
    for check in checks:
        finding = findings.get((check, instance.host, instance.facts.get("name")))
        if finding is not None and finding["status"] in BAD[least]:
            return finding
    return None


def _index(findings: t.Mapping[Place, Finding], key: t.Callable[[Place, Finding], tuple[t.Any, ...]]) -> Index:
    index: Index = {}
    for at, (place, finding) in enumerate(findings.items()):
        index.setdefault(key(place, finding), []).append((at, finding))
    return index


def _in_order(index: Index, keys: t.Iterable[tuple[t.Any, ...]]) -> list[Finding]:
    """The findings of these keys in the order of the report."""
    rows = sorted((row for key in keys for row in index.get(key, ())), key=operator.itemgetter(0))
    return [finding for _at, finding in rows]


def accelerator_of(log: Instance) -> Instance:
    """A log of Varnish stands for the accelerator that wrote it: the graph knows that one only. Any other front is itself."""
    return Instance(log.host, "varnish", log.facts) if log.service == "varnish_traffic" else log
