# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What tests of acts share: an act at a real server, planned and done as the module does it."""

from __future__ import annotations

import typing as t

from ansible_collections.warroom.launch.plugins.module_utils._acts.act import Act, Done, Refused, Target
from ansible_collections.warroom.launch.plugins.module_utils._acts.guard import broken, judged, limits_of
from ansible_collections.warroom.launch.plugins.module_utils._acts.registry import ACTS
from ansible_collections.warroom.launch.plugins.module_utils._collect.host_tools import HostTools
from ansible_collections.warroom.launch.plugins.module_utils._collect.options import instances_of
from ansible_collections.warroom.launch.plugins.module_utils._collectors.registry import collector

from .tools import RealCommands


def act_at(
    name: str,
    service: str,
    options: t.Mapping[str, t.Any],
    about: t.Mapping[str, t.Any],
    readings: t.Optional[dict[str, t.Any]] = None,
    seconds: float = 5.0,
) -> Act:
    checked = instances_of(collector(service), [dict(options)], {})
    assert checked is not None
    return ACTS[name, service](Target(checked[0], HostTools(RealCommands(), timeout=seconds), dict(about), dict(readings or {})))


class Planned(t.NamedTuple):
    """A look, as a plan keeps it."""

    act: Act
    identity: dict[str, t.Any]
    limits: dict[str, t.Any]
    broken: list[str]

    def run(self) -> Done:
        return self.act.run(self.identity, self.limits)

    def refusal(self) -> str:
        """Why the act is refused; fails when it is done."""
        try:
            done = self.run()
        except Refused as refused:
            return str(refused)
        raise AssertionError(f"it acted: {done.says}")


def planned(act: Act) -> Planned:
    looked = act.look()
    assert looked.commands and looked.cost
    return Planned(act, looked.identity, limits_of(act.guards), broken(judged(act.guards, looked.values, {})))
