# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings of a run, handed to the service that has to know them: what has to be cached and what must not be (`launch_check_urls`) to the
one that reads the traffic, what to visit (`launch_check_probes`) to the accelerator, whether to read stacks to the application servers.
"""

from __future__ import annotations

import typing as t

from .services import GATHERED

TRAFFIC, ACCELERATOR = "varnish_traffic", "varnish"
WITH_WORKERS = ("uwsgi", "wsgi")


def with_urls(services: t.Any, urls: t.Mapping[str, t.Any]) -> t.Any:
    """What to gather from a host, with the expected URLs as options of its traffic; the traffic's own options win."""
    expected = {kind: patterns for kind, patterns in urls.items() if patterns}
    return with_options(services, TRAFFIC, expected)


def with_visits(services: t.Any, urls: t.Sequence[t.Any]) -> t.Any:
    """What to gather from a host, with the URLs that an accelerator's host is to visit."""
    return with_options(services, ACCELERATOR, {"visits": list(urls)} if urls else {})


def with_answers(services: t.Any, answers: t.Mapping[str, t.Mapping[str, t.Any]]) -> t.Any:
    """What to gather from a host, with the options that a person has typed, by service. They correct what the inventory has."""
    for service, typed in answers.items():
        services = with_options(services, service, dict(typed), stand_above=True)
    return services


def with_stacks(services: t.Any, asked: bool) -> t.Any:
    """What to gather from a host, with the application servers reading the stacks of their longest requests."""
    for service in WITH_WORKERS if asked else ():
        services = with_options(services, service, {"stacks": True})
    return services


def with_options(services: t.Any, service: str, given: dict[str, t.Any], stand_above: bool = False) -> t.Any:
    """What to gather from a host, with these options of a service beside its own. `stand_above`: they win."""
    wanted = services if isinstance(services, t.Mapping) else dict.fromkeys(GATHERED, "auto")
    if not given or service not in wanted:
        return services
    return {**wanted, service: _beside(wanted[service], given, stand_above)}


def _beside(own: t.Any, given: dict[str, t.Any], stand_above: bool) -> t.Any:
    """One dictionary of options for what is found, or one per instance that is named. What is neither is the module's to refuse."""
    if own in (None, "", "auto"):
        return given
    if isinstance(own, t.Mapping):
        return {**own, **given} if stand_above else {**given, **own}
    if isinstance(own, list):
        # of several instances each has its own login and place: only what one lacks is meant for it
        above = stand_above and len(own) == 1
        return [_beside(instance, given, above) if isinstance(instance, t.Mapping) else instance for instance in own]
    return own
