# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure
from ansible.module_utils.common.validation import check_type_bool, check_type_list
from ansible.plugins.action import ActionBase

from ..module_utils._texts.plain import plain
from ..plugin_utils._checks.expected_urls import with_answers, with_stacks, with_urls, with_visits
from ..plugin_utils._checks.only import asked_of, in_phase
from ..plugin_utils._reach.asked import answers

FACTS = "warroom.launch.launch_facts"


class ActionModule(ActionBase):
    """The module launch_facts, with the host's own settings beside its facts; see plugins/modules/gather.py.

    One task per host instead of two: on a large fleet the second would cost as much as the gathering.
    """

    TRANSFERS_FILES = False

    def run(self, tmp: t.Any = None, task_vars: t.Optional[dict[str, t.Any]] = None) -> dict[str, t.Any]:
        task_vars = task_vars or {}
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        settings = plain(arguments.pop("settings", None) or {})
        urls = plain(arguments.pop("urls", None) or {})
        probes = check_type_list(plain(arguments.pop("probes", None) or []))
        typed = answers(plain(arguments.pop("answers", None) or []), str(task_vars.get("inventory_hostname")))
        stacks = check_type_bool(plain(arguments.pop("stacks", None) or False))
        only = check_type_list(plain(arguments.pop("only", None) or []))
        if not isinstance(urls, dict):
            raise AnsibleActionFail("urls must be a dictionary of cached and uncached, each a list of regular expressions")
        phase = str(arguments.pop("phase", None) or "during")
        services = in_phase(asked_of(plain(arguments.get("services", "auto")), only), phase)
        told = with_stacks(with_visits(with_urls(services, urls), probes), stacks)
        arguments["services"] = with_answers(told, typed)
        if isinstance(services, dict) and isinstance(settings.get("services"), list):
            settings["services"] = [name for name in settings["services"] if name in services]
        try:
            result.update(self._execute_module(module_name=FACTS, module_args=arguments, task_vars=task_vars))
        except AnsibleConnectionFailure as error:
            # said as data, so that the settings of a host that is away are known too
            result.update(unreachable=True, msg=str(error))
        result["settings"] = settings
        return result
