# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From Ansible's variables of every host to what the judgement needs: raw, in one walk, never templated.

A thousand hosts' facts are a million values; read through `hostvars[host]` each of them would be templated.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ...module_utils._texts.plain import plain
from ...module_utils._texts.redact import clean
from .._checks.services import fact_key, facts_of
from .._checks.visitor_limits import with_visitors
from .._fleet.observed import Inventory
from .._reach import settings as reach_settings
from .._reach.way import Way
from .pipeline import Asked
from .spool import Spool

#: Settings of a host by the names that the inventory gives them.
OF_INVENTORY = {
    "services": "launch_check_services",
    "thresholds": "launch_check_thresholds",
    "visitors": "launch_check_visitors",
    "extra_checks": "launch_check_extra_checks",
    "accept": "launch_check_accept",
    "known_clients": "launch_check_known_clients",
}

Variables = t.Mapping[str, t.Any]
Groups = t.Mapping[str, t.Sequence[str]]


@dataclasses.dataclass(frozen=True)
class Source:
    """Where a host's facts are found (and beside them its settings), and what holds for hosts without settings of their own."""

    facts_from: t.Optional[str] = None
    common: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)
    #: What the command line and the play say of connections (fields of Way), for hosts whose variables do not.
    connection: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)
    #: Where the hosts have sent their facts themselves; then no variable holds them.
    spool: t.Optional[Spool] = None


def raw(hostvars: t.Any, name: str) -> Variables:
    """The host's variables without templating; nothing for a host that the inventory does not have."""
    variables = hostvars.raw_get(name) if hasattr(hostvars, "raw_get") else hostvars.get(name)
    return variables if isinstance(variables, t.Mapping) else {}


def asked_hosts(names: t.Sequence[str], hostvars: t.Any, groups: Groups, source: Source) -> tuple[list[Asked], t.Optional[float]]:
    """Every named host, and when the first of them was begun with."""
    member_of: dict[str, list[str]] = {}
    for group, members in groups.items():
        for member in members:
            member_of.setdefault(str(member), []).append(str(group))
    hosts, begun = [], []
    for name in names:
        variables = raw(hostvars, name)
        settings = _settings(str(name), variables, hostvars, source)
        if isinstance(settings.get("at"), (int, float)):
            begun.append(float(settings["at"]))
        facts, problem = _facts(variables, source) if source.spool is None else source.spool.of(str(name))
        hosts.append(
            Asked(
                name=str(name),
                facts=facts,
                problem=problem,
                services=[str(service) for service in settings.get("services") or []],
                thresholds=with_visitors(settings.get("thresholds"), settings.get("visitors")) or None,
                extra_checks=settings.get("extra_checks") or None,
                accept=settings.get("accept") or None,
                known_clients=settings.get("known_clients") or [],
                addresses=addresses(str(name), variables, hostvars, facts if source.spool is not None else None),
                groups=sorted(member_of.get(str(name), [])),
                way=way(str(name), variables, hostvars, source.connection),
            )
        )
    return hosts, min(begun, default=None)


def way(name: str, variables: Variables, hostvars: t.Any, common: t.Mapping[str, t.Any]) -> Way:
    """How a person gets onto the host: as Ansible does."""
    return reach_settings.way(name, lambda key: plain(_value(hostvars, name, key, variables)) if key in variables else None, common)


def _settings(name: str, variables: Variables, hostvars: t.Any, source: Source) -> dict[str, t.Any]:
    """What was noted while the host was gathered; else (not gathered yet, or given up) what the inventory says of it."""
    result = variables.get(source.facts_from) if source.facts_from else None
    noted = result.get("settings") if isinstance(result, t.Mapping) else None
    if isinstance(noted, t.Mapping):
        return {**plain(source.common), **plain(noted)}
    own = {key: _value(hostvars, name, variable, variables) for key, variable in OF_INVENTORY.items() if variable in variables}
    services = own.pop("services", None)
    if isinstance(services, t.Mapping):
        own["services"] = list(services)
    return {**plain(source.common), **plain(own)}


def _value(hostvars: t.Any, name: str, variable: str, variables: Variables) -> t.Any:
    """A variable of the host, templated only when there is something to template."""
    value = variables[variable]
    return _templated(hostvars, name, variable) if "{{" in repr(value) else value


def _facts(variables: Variables, source: Source) -> tuple[dict[str, t.Any], t.Optional[str]]:
    """The host's facts of this run, or why there are none.

    The registered result is preferred to `ansible_facts`: a fact cache would give yesterday's for a host that is gone.
    """
    result: t.Any = variables
    if source.facts_from:
        result = variables.get(source.facts_from)
        if not isinstance(result, t.Mapping):
            return {}, "nothing was gathered on it: it was left out by --limit, or the run stopped for it with an error further up"
    given = result.get("ansible_facts")
    facts = plain(facts_of(given)) if isinstance(given, t.Mapping) else {}
    if facts or not source.facts_from:
        return facts, None if facts else "no launch facts were gathered on it"
    return {}, _why(result)


def _why(result: Variables) -> t.Optional[str]:
    message = message_of(result)
    if result.get("unreachable"):
        return f"not reachable: {message}"
    if result.get("failed"):
        return f"gathering failed: {message}"
    if result.get("skipped"):
        return "gathering was skipped on it"
    return None


#: What a shell says of a program that is not there, or that it cannot start.
_NO_PROGRAM = re.compile(r"not found|no such file|cannot execute|exec format error|bad interpreter|permission denied", re.IGNORECASE)


def message_of(result: Variables) -> str:
    """Why a task failed, in one line."""
    message, errors = str(result.get("msg") or ""), str(result.get("module_stderr") or "").strip()
    if errors and "deserialization failed" in message and "SyntaxError" in errors:
        message = (
            f"its Python is too old for the modules ({errors.splitlines()[-1]}): set ansible_python_interpreter to Python 3.9 or later"
        )
    elif errors and "deserialization failed" in message and _NO_PROGRAM.search(errors.splitlines()[0]):
        message = f"its Python did not run the module ({errors.splitlines()[0]}): set ansible_python_interpreter to a Python that does"
    elif errors and ("deserialization failed" in message or message.startswith("MODULE FAILURE")):
        message = f"the module ended without a result ({errors.splitlines()[-1]})"
    line = clean(message or errors or "it does not say why", 300)
    return line.removeprefix("Task failed: ").removeprefix("Action failed: ")


def addresses(name: str, variables: Variables, hostvars: t.Any, own: t.Optional[Variables] = None) -> list[str]:
    """What the host is called by others: its name, the address Ansible uses, and those its facts know."""
    names = [name]
    for key in ("ansible_host", "ansible_ssh_host"):
        value = _value(hostvars, name, key, variables) if key in variables else None
        if isinstance(value, str):
            names.append(str(value))
    facts = variables.get("ansible_facts") if own is None else own
    facts = facts if isinstance(facts, t.Mapping) else {}
    names += machine_addresses(facts)
    for key in ("all_ipv4_addresses", "all_ipv6_addresses"):
        names += [str(address) for address in facts.get(key) or [] if isinstance(address, str)]
    names += [str(facts[key]) for key in ("hostname", "fqdn") if isinstance(facts.get(key), str)]
    return list(dict.fromkeys(names))


def machine_addresses(facts: Variables) -> list[str]:
    """What the machine's own facts say; of them only this is made plain, since a large fleet has megabytes of the rest."""
    fact = facts.get(fact_key("server"))
    rows = fact.get("instances") if isinstance(fact, t.Mapping) else None
    rows = rows if isinstance(rows, t.Sequence) and not isinstance(rows, str) else []
    listed = [plain(row.get("addresses")) for row in rows if isinstance(row, t.Mapping)]
    return [str(address) for addresses_ in listed if isinstance(addresses_, list) for address in addresses_]


def _templated(hostvars: t.Any, name: str, key: str) -> t.Any:
    try:
        return hostvars[name][key]
    except Exception:  # pylint: disable=broad-exception-caught # what cannot be made out is as good as not there
        return None


def inventory(hostvars: t.Any, groups: Groups, known: t.Iterable[Asked]) -> Inventory:
    """Groups, and the addresses of every host of the inventory, checked or not: known clients of the fleet."""
    by_host = {host.name: host.addresses for host in known}
    for name in hostvars:
        if str(name) not in by_host:
            by_host[str(name)] = addresses(str(name), raw(hostvars, name), hostvars)
    return {"groups": {str(group): [str(member) for member in members] for group, members in groups.items()}, "addresses": by_host}
