# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the facts of every host to the report, over the whole fleet. Pure; the action `judge` calls it."""

from __future__ import annotations

import dataclasses
import datetime
import time
import typing as t

from ...module_utils._texts import moments
from ...module_utils._texts.plain import plain
from ...module_utils._texts.redact import clean
from .._checks import only as only_
from .._checks.acceptance import Accepted, accepted, tell_ended, unknown_hosts
from .._checks.catalogue import CAUSES_SEARCHED, HOSTS_ASKED, Catalogue, CatalogueError, service_problems
from .._checks.evaluate import evaluate, unreached
from .._checks.finding import Finding, finding, urgency
from .._checks.finding import accept as mark_accepted
from .._checks.only import facts_in
from .._checks.plausible import soundly
from .._checks.services import FLEET_HOST, TITLES, instances_in, tiers_of
from .._checks.verdict import verdict
from .._diagnose import engine, shortly_before
from .._diagnose.engine import Search
from .._fleet.database_clients import known_problems
from .._fleet.fleet_instances import fleet_facts, fleet_findings
from .._fleet.graph import Graph
from .._fleet.growth import NO_GROWTHS, Growths
from .._fleet.observed import HostSummary, Inventory
from .._fleet.provenance import in_order, recent, states
from .._fleet.visitors_before import add_before
from .._fleet.visits import add_visits
from .._reach.command_line import UNKNOWN, CommandLine
from .._reach.hosts import Reach
from .._reach.way import Way
from .obstacles import obstacles
from .report import SCHEMA, Report
from .version import version


@dataclasses.dataclass
class Asked:
    """One host of the check and its own settings, in plain types."""

    name: str
    facts: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    problem: t.Optional[str] = None  # why there are no facts; None when the host was reached
    services: list[str] = dataclasses.field(default_factory=list)  # those it is configured to have
    thresholds: t.Any = None
    extra_checks: t.Any = None
    accept: t.Any = None
    known_clients: t.Any = dataclasses.field(default_factory=list)
    addresses: list[str] = dataclasses.field(default_factory=list)
    groups: list[str] = dataclasses.field(default_factory=list)
    way: t.Optional[Way] = None  # how to log in to it, as far as the inventory says

    @property
    def reached(self) -> bool:
        return self.problem is None

    @property
    def tiers(self) -> list[str]:
        return tiers_of(self.facts, self.services)

    def summary(self) -> HostSummary:
        """The host as the diagnosis sees it."""
        return {
            "facts": self.facts,
            "tiers": self.tiers,
            "reached": self.reached,
            "addresses": self.addresses,
            "groups": self.groups,
            "known_clients": self.known_clients,
        }


class Beside(t.NamedTuple):
    """What is known beside the hosts' facts."""

    #: `fleet` of the stored report that visitors are compared with.
    baseline: t.Optional[t.Mapping[str, t.Any]] = None
    #: URLs as they were fetched from the control node.
    visits: t.Sequence[dict[str, t.Any]] = ()
    #: Facts that were gathered on the control node, in the form that a module gives them.
    gathered: t.Mapping[str, t.Any] = {}
    #: Workers whose memory grew over the stored rounds.
    growing: Growths = NO_GROWTHS


NOTHING_BESIDE = Beside()


def notes(hosts: t.Iterable[Asked], inventory: Inventory) -> list[str]:
    """What in the hosts' settings has no effect, and was probably meant to have one."""
    names = {*inventory["groups"], *inventory["addresses"]}
    return list(dict.fromkeys(note for host in hosts for note in unknown_hosts(host.accept, names)))


def validate(hosts: t.Iterable[Asked], catalogue: Catalogue, only: t.Iterable[str] = ()) -> int:
    """Raise CatalogueError for everything that is wrong in any host's settings; return the number of checks."""
    wrong: list[str] = only_.problems(only)
    most = len(catalogue.entries)
    checked: set[str] = set()
    for host in hosts:
        settings = repr((host.thresholds, host.extra_checks, host.accept, host.known_clients, host.services))
        if settings in checked:
            continue
        checked.add(settings)
        wrong += service_problems(host.services)
        try:
            most = max(most, len(catalogue.checks(host.thresholds, host.extra_checks)))
        except CatalogueError as error:
            wrong += error.lines
            continue
        wrong += [*catalogue.accept_problems(host.accept, host.extra_checks), *known_problems(host.known_clients)]
    if wrong:
        raise CatalogueError(wrong)
    return most


def judge(
    hosts: t.Sequence[Asked],
    catalogue: Catalogue,
    phase: str = "during",
    inventory: t.Optional[Inventory] = None,
    started: t.Optional[float] = None,
    run: CommandLine = UNKNOWN,
    only: t.Sequence[str] = (),
    beside: Beside = NOTHING_BESIDE,
) -> Report:
    """The report, in the form of launch.json. `run`: what printed Ansible commands repeat of this run.

    `only`: the services to judge; none for all.
    """
    ended = time.time()
    started = ended if started is None else min(started, ended)
    inventory = inventory or {"groups": {}, "addresses": {}}
    reach = Reach({host.name: _knowing_tools(host.way, host.facts) for host in hosts if host.way is not None}, run)
    today = moments.today(ended)
    findings: list[Finding] = []
    sound: list[Asked] = []
    for asked in hosts:
        # host by host, as the processor's caches hold the facts of one host and not of ten thousand
        host = _asked_only(asked, only)
        sound.append(dataclasses.replace(host, facts=soundly(host.facts)))
        findings += _host_findings(sound[-1], catalogue, phase, reach, today, only)
    hosts = sound
    summaries = {host.name: host.summary() for host in hosts}
    graph, graph_failure = _graph(summaries)
    shared = soundly(fleet_facts(summaries, inventory, graph))
    if hosts:  # a look from the control node alone is no check of a fleet
        shared.update(soundly(dict(beside.gathered)))
    add_visits(shared, summaries, beside.visits)
    add_before(shared, beside.baseline)
    gaps = _fleet_accepted(hosts, today)
    of_fleet = fleet_findings(shared, _fleet_checks(hosts, catalogue), phase, gaps.valid, reach)
    tell_ended(of_fleet, gaps.ended)
    findings += of_fleet
    if not findings:
        findings.append(_nobody_asked(only if hosts else (), reach))
    findings.sort(key=urgency)
    search = _searched({**summaries, FLEET_HOST: {"facts": shared}}, findings, inventory, reach, graph, beside.growing)
    search.failures.update(graph_failure)
    problem = _problem(search.failures)
    if problem is not None:
        findings.append(_not_searched(search.failures, problem))
        mark_accepted(findings[-1:], gaps.valid)
        findings.sort(key=urgency)
    outcome = verdict(findings)
    changes = in_order(recent(states(summaries), ended))[:MOST_CHANGES]
    shortly_before.tell([*search.diagnoses, *search.latent], changes, {}, ended)
    return {
        "schema": SCHEMA,
        "collection": f"warroom.launch {version()}",
        "started_at": moments.written(started),
        "duration_seconds": round(ended - started, 3),
        "phase": phase,
        "only": list(only),
        "verdict": outcome["verdict"],
        "status": outcome["status"],
        "counts": outcome["counts"],
        "hosts": {host.name: {"reached": host.reached, "tiers": host.tiers, "facts": host.facts} for host in hosts},
        "fleet": shared,
        "findings": findings,
        "diagnoses": search.diagnoses,
        "latent_risks": search.latent,
        "topology": graph.as_dict(),
        "changes": changes,
        "problem": problem,
        "obstacles": obstacles(findings, reach),
    }


#: Changes that the report lists.
MOST_CHANGES = 200
#: Stands for all rules when what they share failed.
ALL_CAUSES = "all"
#: Stands for what causes are told apart by.
TOPOLOGY = "who talks to whom"


def _graph(hosts: t.Mapping[str, HostSummary]) -> tuple[Graph, dict[str, str]]:
    """Who talks to whom; what went wrong with that costs the graph, and the causes go by sessions and hosts."""
    try:
        return Graph(hosts), {}
    except Exception as error:  # pylint: disable=broad-exception-caught # facts of a form that was not foreseen
        return Graph({}), {TOPOLOGY: f"{type(error).__name__}: {error}"}


def _searched(
    hosts: t.Mapping[str, t.Any], findings: list[Finding], inventory: Inventory, reach: Reach, graph: Graph, growing: Growths
) -> Search:
    """The causes. Every rule is guarded by itself; this guards what they share."""
    try:
        search = engine.diagnose(hosts, findings, inventory, reach, graph, growing)
        return Search(plain(search.diagnoses), search.failures, plain(search.latent))
    except Exception as error:  # pylint: disable=broad-exception-caught # the findings stand on their own
        return Search(failures={ALL_CAUSES: f"{type(error).__name__}: {error}"})


def _problem(failures: t.Mapping[str, str]) -> t.Optional[str]:
    """What went wrong with the search for causes, in a sentence."""
    if not failures:
        return None
    if ALL_CAUSES in failures:
        return f"The search for causes failed ({clean(failures[ALL_CAUSES], 200)}). Please report this. The findings are complete."
    named = "; ".join(f"{cause} ({clean(why, 200)})" for cause, why in failures.items())
    return f"The search for these causes failed: {named}. Please report this. All other causes, and the findings, are complete."


def _not_searched(failures: t.Mapping[str, str], problem: str) -> Finding:
    return finding(
        CAUSES_SEARCHED, FLEET_HOST, "server", None, "unknown", value=len(failures), unit="count",
        question="Was every cause searched for?",
        finding=problem,
        advice="This is a fault of the check, not of the fleet: report it with launch.json. Judge by the findings and the other causes.",
        evidence=[{"cause": cause, "problem": clean(why, 200)} for cause, why in failures.items()],
        reason="a rule failed on these facts",
    )  # fmt: skip


def _knowing_tools(way: Way, facts: t.Mapping[str, t.Any]) -> Way:
    """The way with the programs that the host was seen to lack."""
    rows = [machine.get("tools_absent") for machine in instances_in(facts, "server")]
    return dataclasses.replace(way, absent=frozenset(str(tool) for row in rows if isinstance(row, list) for tool in row))


def _asked_only(host: Asked, only: t.Sequence[str]) -> Asked:
    """The host as if it had nothing but the services that were asked for."""
    if not only:
        return host
    return dataclasses.replace(host, facts=facts_in(host.facts, only), services=[name for name in host.services if name in only])


def _host_findings(
    host: Asked, catalogue: Catalogue, phase: str, reach: Reach, today: datetime.date, only: t.Sequence[str]
) -> list[Finding]:
    gaps = accepted(host.accept, host.name, host.groups, today)
    checks = catalogue.checks(host.thresholds, host.extra_checks)
    findings = evaluate(host.name, host.facts, checks, phase, gaps.valid, host.services, reach) if host.reached else []
    if not findings and not (host.reached and only):
        problem = host.problem or "it was reached, and none of the services that are judged was found on it"
        findings = [unreached(host.name, problem, reach)]
        mark_accepted(findings, gaps.valid)
    tell_ended(findings, gaps.ended)
    return findings


def _fleet_checks(hosts: t.Sequence[Asked], catalogue: Catalogue) -> t.Any:
    """The checks for what belongs to no single host: the first host's say in each limit holds."""
    thresholds: dict[str, t.Any] = {}
    extra: dict[str, t.Any] = {}
    for host in hosts:
        for name, change in (host.thresholds or {}).items():
            thresholds.setdefault(name, change)
        for check in host.extra_checks or []:
            extra.setdefault(check["id"], check)
    # as a host without settings of its own has them: compiled once
    return catalogue.checks(thresholds or None, list(extra.values()) or None)


def _fleet_accepted(hosts: t.Sequence[Asked], today: datetime.date) -> Accepted:
    """What belongs to no single host is accepted by the setting of any; an entry for some hosts must name `fleet`."""
    result = Accepted({}, {})
    for host in hosts:
        gaps = accepted(host.accept, FLEET_HOST, (), today)
        for name, reason in gaps.valid.items():
            result.valid.setdefault(name, reason)
        for name, words in gaps.ended.items():
            result.ended.setdefault(name, words)
    return result


def _nobody_asked(only: t.Sequence[str], reach: Reach) -> Finding:
    if only:
        titles = " or ".join(TITLES[name] for name in only)
        return finding(
            HOSTS_ASKED, FLEET_HOST, only[0], None, "unknown",
            question="Was any host checked?",
            finding=f"No host runs {titles}, which is all that was asked for (launch_check_only).",
            advice="Say where it is (its options in launch_check_services), or ask for another service.",
            reason=f"no host was checked: none runs {titles}",
        )  # fmt: skip
    return finding(
        HOSTS_ASKED, FLEET_HOST, "server", None, "unknown",
        question="Was any host checked?",
        finding="No host was checked: the pattern (launch_check_hosts, --limit) matches nothing in the inventory.",
        advice="Correct the pattern or the inventory; a check of nothing is not a go.",
        look=reach.inventory(),
        reason="no host was checked",
    )  # fmt: skip
