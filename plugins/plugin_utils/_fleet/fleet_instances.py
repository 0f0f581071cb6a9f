# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What exists once for the fleet, from the facts of several hosts: pools, queues, a database's clients and budget, hosts of one kind."""

from __future__ import annotations

import itertools
import typing as t

from .._checks.evaluate import evaluate
from .._checks.finding import Finding
from .._checks.services import FLEET, FLEET_HOST, TITLES, fact_key
from .._reach.hosts import NOWHERE, Reach
from .accelerator_bypass import traffic
from .broker import brokers
from .connection_budget import budgets
from .database_clients import databases
from .django_servers import django_servers
from .graph import Graph
from .memcached_pool import pools
from .siblings import alike
from .visitors import visitors

if t.TYPE_CHECKING:
    from .._checks.check import Check

Data = t.Mapping[str, t.Any]

Source = t.Callable[[Data, Data, t.Optional[Graph]], t.Iterable[dict[str, t.Any]]]

#: service (each of FLEET) → what gives its instances from `{host: {"facts": …}}`, the inventory, and who talks to whom where that is known.
SOURCES: dict[str, Source] = {
    "visitors": lambda hosts, _inventory, graph: visitors(hosts, graph),
    "accelerator_bypass": lambda hosts, _inventory, graph: traffic(hosts, graph),
    "memcached_pool": lambda hosts, _inventory, graph: pools(hosts, graph),
    "celery_queue": lambda hosts, _inventory, _graph: brokers(hosts),
    "database_clients": lambda hosts, inventory, _graph: databases(hosts, inventory),
    "connection_budget": lambda hosts, _inventory, graph: budgets(hosts, graph),
    "django_servers": lambda hosts, _inventory, _graph: django_servers(hosts),
    "siblings": lambda hosts, _inventory, graph: alike(hosts, graph),
}


def fleet_facts(hosts: Data, inventory: Data, graph: t.Optional[Graph] = None) -> dict[str, t.Any]:
    """Facts of the pseudo-host `fleet`, in the form that a module's facts have."""
    facts: dict[str, t.Any] = {}
    for service in FLEET:
        instances = _instances(service, hosts, inventory, graph)
        if instances:
            facts[fact_key(service)] = {"schema": 1, "instances": instances}
    return facts


def _instances(service: str, hosts: Data, inventory: Data, graph: t.Optional[Graph]) -> list[dict[str, t.Any]]:
    try:
        return told_apart(list(SOURCES[service](hosts, inventory, graph)))
    except Exception as error:  # pylint: disable=broad-exception-caught # facts of an unexpected form cost this view, not the verdict
        problem = f"could not make sense of the facts for {TITLES[service]} ({type(error).__name__}: {error}); please report this"
        return [{"name": service, "state": "unreadable", "problem": problem}]


def told_apart(views: list[dict[str, t.Any]]) -> list[dict[str, t.Any]]:
    """Each by a name of its own: a finding goes by the check and the name, so that of two of one name one would hide the other's.

    Servers of several kinds on one host may have the name of their site, brokers the address of their host's loopback, and two sites
    the same hosts. What they are of tells them apart, else their order.
    """
    for word in (_title, _host):
        views = _with_what_differs(views, word)
    taken = {view["name"] for view in views}
    numbers: dict[t.Any, t.Iterator[int]] = {}
    found = []
    for view in views:
        name = view["name"]
        if name in numbers:
            name = next(other for number in numbers[name] if (other := f"{name} ({number})") not in taken)
            taken.add(name)
        else:
            numbers[name] = itertools.count(2)
        found.append(view if name == view["name"] else {**view, "name": name})
    return found


def _title(view: Data) -> t.Optional[str]:
    title = TITLES.get(str(view.get("service")))
    return f" ({title})" if title else None


def _host(view: Data) -> t.Optional[str]:
    return f" on {view['host']}" if view.get("host") else None


def _with_what_differs(views: list[dict[str, t.Any]], word: t.Callable[[Data], t.Optional[str]]) -> list[dict[str, t.Any]]:
    """Those of one name with the word that each has, where they have several."""
    words: dict[t.Any, list[t.Optional[str]]] = {}
    for view in views:
        words.setdefault(view["name"], []).append(word(view))
    apart = {name for name, each in words.items() if None not in each and len(set(each)) > 1}
    return [{**view, "name": f"{view['name']}{word(view)}"} if view["name"] in apart else view for view in views]


def fleet_findings(
    facts: dict[str, t.Any], checks: t.Iterable[Check], phase: str, accepted: t.Mapping[str, str], reach: Reach = NOWHERE
) -> list[Finding]:
    return evaluate(FLEET_HOST, facts, checks, phase, accepted, reach=reach)
