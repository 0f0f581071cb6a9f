# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError

from ..module_utils._texts.plain import plain
from ..plugin_utils._checks.services import facts_of
from ..plugin_utils._fleet.drift import NAMES, Drift


def drift_filter(facts: t.Any, others: t.Any = None, names: t.Any = NAMES, databases: t.Any = None) -> list[dict[str, t.Any]]:
    """What two environments' databases do not have in common; documented in drift.yml."""
    facts, others, names, databases = plain(facts), plain(others), plain(names), plain(databases)
    if not isinstance(facts, dict) or not isinstance(others, dict):
        raise AnsibleFilterError("warroom.launch.drift needs the facts of two hosts, dictionaries such as ansible_facts")
    if not isinstance(names, list) or len(names) != 2 or names[0] == names[1]:
        raise AnsibleFilterError("warroom.launch.drift: names must be two different names")
    if databases is not None and not isinstance(databases, dict):
        raise AnsibleFilterError("warroom.launch.drift: databases must be a dictionary of the other's database name: ours")
    if not any(key in side for side in (facts, others) for key in ("launch_postgresql", "launch_mysql")):
        raise AnsibleFilterError("warroom.launch.drift: neither side has launch_postgresql or launch_mysql; gather them first")
    return Drift(names, databases).rows(facts_of(facts), facts_of(others))


class FilterModule:
    def filters(self) -> dict[str, t.Any]:
        return {"drift": drift_filter}
