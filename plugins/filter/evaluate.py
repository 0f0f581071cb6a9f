# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError

from ..module_utils._texts import moments
from ..module_utils._texts.plain import plain
from ..plugin_utils._checks.acceptance import accepted, tell_ended
from ..plugin_utils._checks.catalogue import Catalogue, CatalogueError, load, service_problems
from ..plugin_utils._checks.check import PHASES
from ..plugin_utils._checks.evaluate import evaluate
from ..plugin_utils._checks.finding import Finding
from ..plugin_utils._checks.plausible import soundly
from ..plugin_utils._checks.query import WrongQuery
from ..plugin_utils._checks.services import facts_of


def evaluate_filter(
    facts: t.Any,
    checks: t.Any = None,
    thresholds: t.Any = None,
    accept: t.Any = None,
    phase: str = "during",
    host: str = "localhost",
    services: t.Any = None,
) -> list[Finding]:
    """The findings of one host; documented in evaluate.yml."""
    facts = plain(facts)
    if not isinstance(facts, dict):
        raise AnsibleFilterError("warroom.launch.evaluate needs the facts of a host, a dictionary such as ansible_facts")
    if phase not in PHASES[:2]:
        raise AnsibleFilterError("warroom.launch.evaluate: phase must be before or during")
    try:
        catalogue = Catalogue(load() if checks is None else plain(checks))
        own = catalogue.checks(thresholds)
        configured = [str(service) for service in plain(services) or []]
        wrong = [*catalogue.accept_problems(accept), *service_problems(configured)]
    except (CatalogueError, WrongQuery) as error:
        raise AnsibleFilterError(f"warroom.launch.evaluate: {error}") from error
    if wrong:
        raise AnsibleFilterError("warroom.launch.evaluate: " + "\n".join(wrong))
    name = str(plain(host))
    gaps = accepted(accept, name, (), moments.today())
    findings = evaluate(name, soundly(facts_of(facts)), own, str(phase), gaps.valid, configured)
    tell_ended(findings, gaps.ended)
    return findings


class FilterModule:
    def filters(self) -> dict[str, t.Any]:
        return {"evaluate": evaluate_filter}
