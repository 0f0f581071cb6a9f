# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What `launch_facts` does: the collectors of the services that are wanted, run together."""

from __future__ import annotations

import typing as t

from .._collect import options
from .._collect.base import Collector
from .._collect.entry import finish
from .._collect.host_tools import HostTools
from .registry import GATHERED, collector, may_run


def run_all(module: t.Any) -> None:
    """Gather the services named by the option `services` (or every service found here) and end the module."""
    services = module.params["services"]
    named = list(services) if isinstance(services, dict) else []
    finish(module, lambda tools: list(requested(services, tools)), named)


def requested(services: t.Any, tools: HostTools) -> t.Iterator[tuple[Collector, t.Any, t.Mapping[str, t.Any]]]:
    """The option `services` as requests."""
    if services in (None, "", "auto"):
        services = dict.fromkeys(GATHERED, "auto")
    if not isinstance(services, dict):
        raise options.WrongOption("services must be auto or a dictionary of service: auto, list of instances, or options")
    for service, wish in services.items():
        if service not in GATHERED:
            raise options.WrongOption(f"services: there is no service {service!r}; known are {', '.join(sorted(GATHERED))}")
        if wish in (None, "", "auto"):
            if may_run(service, tools):
                yield collector(service), None, {}
        elif isinstance(wish, dict):
            yield collector(service), None, options.refined(collector(service), wish)
        elif isinstance(wish, list) and all(isinstance(entry, dict) for entry in wish):
            yield collector(service), wish, {}
        else:
            raise options.WrongOption(f"services: {service} must be auto, a list of dictionaries, or a dictionary")
