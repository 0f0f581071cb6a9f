# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

from ansible import constants, context
from ansible.errors import AnsibleFilterError
from ansible.plugins.loader import connection_loader

from ..module_utils._texts.plain import plain
from ..plugin_utils._cockpit import cockpit
from ..plugin_utils._reach import command_line


def cockpit_filter(hosts: t.Any, report: t.Any = None, name: str = "launch", panes: int = 6, environment: t.Any = None) -> dict[str, t.Any]:
    """A session for tmuxp; documented in cockpit.yml."""
    hosts, report, environment = plain(hosts), plain(report) or {}, plain(environment) or {}
    if not isinstance(hosts, list) or not all(isinstance(host, dict) and host.get("name") for host in hosts):
        raise AnsibleFilterError("warroom.launch.cockpit needs a list of hosts, dictionaries with a name, their connection and their facts")
    if not isinstance(report, dict) or not isinstance(environment, dict):
        raise AnsibleFilterError("warroom.launch.cockpit: report and environment must be dictionaries")
    if not 1 <= int(panes) <= 20:
        raise AnsibleFilterError("warroom.launch.cockpit: panes must be from 1 to 20")
    run = command_line.of(context.CLIARGS, constants, configured=command_line.configured(constants, connection_loader))
    return cockpit(hosts, report, str(plain(name)), int(panes), environment, run.settings)


class FilterModule:
    def filters(self) -> dict[str, t.Any]:
        return {"cockpit": cockpit_filter}
