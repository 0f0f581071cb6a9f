# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError

from ..module_utils._texts.plain import plain
from ..plugin_utils._checks.catalogue import Catalogue, CatalogueError, load
from ..plugin_utils._checks.query import WrongQuery
from ..plugin_utils._checks.services import facts_of
from ..plugin_utils._diagnose.cause import Diagnosis
from ..plugin_utils._fleet.observed import Inventory
from ..plugin_utils._judge.pipeline import Asked, judge


def diagnose_filter(facts: t.Any, addresses: t.Any = None, known_clients: t.Any = None, phase: str = "during") -> list[Diagnosis]:
    """The causes over several hosts; documented in diagnose.yml."""
    facts_by_host, places = plain(facts), plain(addresses) or {}
    if not isinstance(facts_by_host, dict) or not all(isinstance(facts, dict) for facts in facts_by_host.values()):
        raise AnsibleFilterError("warroom.launch.diagnose needs the facts of each host, a dictionary of host: ansible_facts")
    if not isinstance(places, dict) or not all(isinstance(names, list) for names in places.values()):
        raise AnsibleFilterError("warroom.launch.diagnose: addresses must be a dictionary of host: list of names and addresses")
    hosts = [
        Asked(name, facts_of(host_facts), known_clients=plain(known_clients) or [], addresses=[name, *map(str, places.get(name, []))])
        for name, host_facts in facts_by_host.items()
    ]
    inventory: Inventory = {"groups": {}, "addresses": {**{host.name: host.addresses for host in hosts}, **places}}
    try:
        report = judge(hosts, Catalogue(load()), phase, inventory)
    except (CatalogueError, WrongQuery) as error:
        raise AnsibleFilterError(f"warroom.launch.diagnose: {error}") from error
    if report["problem"]:
        named = ", ".join(diagnosis["cause"] for diagnosis in report["diagnoses"]) or "none"
        raise AnsibleFilterError(f"warroom.launch.diagnose: {report['problem']} Causes that were named: {named}.")
    return report["diagnoses"]


class FilterModule:
    def filters(self) -> dict[str, t.Any]:
        return {"diagnose": diagnose_filter}
