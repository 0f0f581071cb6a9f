# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings about URLs, handed to the service that has to know them: what has to be cached and what must not be (`launch_check_urls`) to
the one that reads the traffic, what to visit (`launch_check_probes`) to the accelerator.
"""

from __future__ import annotations

import typing as t

from .services import GATHERED

TRAFFIC, ACCELERATOR = "varnish_traffic", "varnish"


def with_urls(services: t.Any, urls: t.Mapping[str, t.Any]) -> t.Any:
    """What to gather from a host, with the expected URLs as options of its traffic; the traffic's own options win."""
    expected = {kind: patterns for kind, patterns in urls.items() if patterns}
    return _with_options(services, TRAFFIC, expected)


def with_visits(services: t.Any, urls: t.Sequence[t.Any]) -> t.Any:
    """What to gather from a host, with the URLs that an accelerator's host is to visit."""
    return _with_options(services, ACCELERATOR, {"visits": list(urls)} if urls else {})


def _with_options(services: t.Any, service: str, given: dict[str, t.Any]) -> t.Any:
    wanted = services if isinstance(services, t.Mapping) else dict.fromkeys(GATHERED, "auto")
    if not given or service not in wanted:
        return services
    return {**wanted, service: _expecting(wanted[service], given)}


def _expecting(traffic: t.Any, expected: dict[str, t.Any]) -> t.Any:
    """One dictionary of options for what is found, or one per instance that is named. What is neither is the module's to refuse."""
    if traffic in (None, "", "auto"):
        return expected
    if isinstance(traffic, t.Mapping):
        return {**expected, **traffic}
    if isinstance(traffic, list):
        return [{**expected, **instance} if isinstance(instance, t.Mapping) else instance for instance in traffic]
    return traffic
