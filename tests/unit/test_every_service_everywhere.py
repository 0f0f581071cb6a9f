# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is keyed by service and cannot be derived from the table of services is tied to it: a row, or an explicit none with its reason."""

from __future__ import annotations

import re
import typing as t

import pytest
import yaml

from ansible_collections.warroom.launch.plugins.module_utils._collectors.registry import GATHERED, ROWS
from ansible_collections.warroom.launch.plugins.module_utils._collectors.server import process_kinds
from ansible_collections.warroom.launch.plugins.plugin_utils._checks.catalogue import load
from ansible_collections.warroom.launch.plugins.plugin_utils._checks.measures import measures
from ansible_collections.warroom.launch.plugins.plugin_utils._checks.services import FLEET, FOLLOWED, MODULES, TIERS, TITLES
from ansible_collections.warroom.launch.plugins.plugin_utils._cockpit.session import NO_PANE
from ansible_collections.warroom.launch.plugins.plugin_utils._cockpit.tool_commands import TOOLS
from ansible_collections.warroom.launch.plugins.plugin_utils._diagnose.causes import KINDS
from ansible_collections.warroom.launch.plugins.plugin_utils._diagnose.service_down import PART_OF_ANOTHER
from ansible_collections.warroom.launch.plugins.plugin_utils._fleet.fleet_instances import SOURCES
from ansible_collections.warroom.launch.plugins.plugin_utils._report import panels
from tests.support.server import ROOT

CATALOGUE = load()
MONITORING = yaml.safe_load((ROOT / "roles/launch_monitoring/vars/main.yml").read_text())


def documented_services() -> set[str]:
    text = (ROOT / "plugins/modules/launch_facts.py").read_text()
    line = re.search(r"Services are ([^.]*)\.$", text, re.M)
    assert line is not None
    return set(re.findall(r"C\((\w+)\)", line[1]))


def process_services() -> set[str]:
    return {service for process in process_kinds._BY_NAME.items() for service in process[1:]} & set(GATHERED)


def services_with_consequences() -> set[str]:
    tiers = {variant for entry in KINDS["service_down"].explains for variant in entry.variants}
    return {service for service, tier in TIERS.items() if tier in tiers} - set(PART_OF_ANOTHER)


#: what → (services that it must have, services that it has, service: why it has none).
TABLES: dict[str, tuple[t.Iterable[str], t.Iterable[str], dict[str, str]]] = {
    "the catalogue": (TITLES, {check["service"] for check in CATALOGUE}, {}),
    "sources of what exists once for the fleet": (FLEET, SOURCES, {}),
    "panels of the page": (GATHERED, panels.PANELS, {}),
    "panes of the cockpit": (GATHERED, TOOLS, NO_PANE),
    "consequences of a service that is down": (
        GATHERED,
        services_with_consequences(),
        {
            "server": "a machine that cannot be read is a host that was not reached",
            "varnish_traffic": "its log is varnish's own",
            "django": "the application servers run it",
            "site": "it is all of the others, seen from outside",
            "checklist": "no request needs it",
            "backup": "no request needs it",
        },
    ),
    "names of processes": (
        GATHERED,
        process_services(),
        {
            "server": "the machine is no process",
            "varnish_traffic": "its processes are varnish's",
            "wsgi": "its processes have the names of their servers",
            "django": "it is no process",
            "site": "it is no process",
            "checklist": "it is a list",
            "backup": "it is files",
        },
    ),
    "tiers of the role launch_monitoring": (
        GATHERED,
        MONITORING["launch_monitoring__tiers"],
        {
            "server": "its tools are on every host (tier: all)",
            "varnish_traffic": "its tools are varnish's",
            "redis": "redis-cli comes with the server",
            "pgbouncer": "psql is among PostgreSQL's tools",
            "wsgi": "no tool shows it; ss and htop are on every host",
            "django": "its tool is the project's own",
            "site": "it is no service of a host; curl is everywhere",
            "checklist": "an editor shows it",
            "backup": "its files are looked at with ls",
        },
    ),
    "documentation of launch_facts": (GATHERED, documented_services(), {}),
}


@pytest.mark.parametrize("table", TABLES)
def test_each_service_has_a_row_or_an_explicit_none(table: str) -> None:
    services, rows, none = TABLES[table]
    assert set(rows).isdisjoint(none), f"{table}: has a row and a reason to have none"
    assert set(rows) | set(none) == set(services), table


def test_the_action_group_is_every_module_that_gathers() -> None:
    runtime = yaml.safe_load((ROOT / "meta/runtime.yml").read_text())
    assert set(runtime["action_groups"]["launch"]) == {"launch_facts", *MODULES.values()}


def test_the_readme_names_every_module() -> None:
    line = re.search(r"^Modules: (.*?)\. Filters", (ROOT / "README.md").read_text(), re.M | re.S)
    assert line is not None
    assert set(re.findall(r"`(\w+)`", line[1])) == {"launch_facts", *MODULES.values()}


@pytest.mark.parametrize("row", [row for row in ROWS if row.module], ids=lambda row: row.name)
def test_a_module_documents_the_fact_of_its_service(row: t.Any) -> None:
    text = (ROOT / f"plugins/modules/{row.module}.py").read_text()
    assert f"module: {row.module}\n" in text and f"launch_{row.name}:" in text


def test_followed_checks_are_numbers_of_their_service() -> None:
    checks = {check["id"]: check for check in CATALOGUE}
    for row in ROWS:
        for check in row.followed:
            assert checks[check]["service"] == row.name and checks[check].get("unit") not in ("text", "boolean"), check
    assert FOLLOWED


def test_compared_measures_are_documented_numbers() -> None:
    for row in ROWS:
        for compared in row.compared:
            shape: t.Any = measures(row.name)
            for part in compared.path.split("."):
                shape = shape[part]
            assert shape in ("float", "int"), compared
