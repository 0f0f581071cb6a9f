# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which URLs have to be cached and which must not be (`launch_check_urls`), handed to the service that reads the traffic."""

from __future__ import annotations

import typing as t

from .services import GATHERED

TRAFFIC = "varnish_traffic"


def with_urls(services: t.Any, urls: t.Mapping[str, t.Any]) -> t.Any:
    """What to gather from a host, with the expected URLs as options of its traffic; the traffic's own options win."""
    expected = {kind: patterns for kind, patterns in urls.items() if patterns}
    wanted = services if isinstance(services, t.Mapping) else dict.fromkeys(GATHERED, "auto")
    if not expected or TRAFFIC not in wanted:
        return services
    return {**wanted, TRAFFIC: _expecting(wanted[TRAFFIC], expected)}


def _expecting(traffic: t.Any, expected: dict[str, t.Any]) -> t.Any:
    """One dictionary of options for what is found, or one per instance that is named. What is neither is the module's to refuse."""
    if traffic in (None, "", "auto"):
        return expected
    if isinstance(traffic, t.Mapping):
        return {**expected, **traffic}
    if isinstance(traffic, list):
        return [{**expected, **instance} if isinstance(instance, t.Mapping) else instance for instance in traffic]
    return traffic
