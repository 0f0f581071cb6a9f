# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reports for tests of boards and pages: a fleet of any size, a hostile one."""

from __future__ import annotations

import typing as t

from ansible_collections.warroom.launch.plugins.plugin_utils.catalogue import Catalogue
from ansible_collections.warroom.launch.plugins.plugin_utils.judgement import Asked, judge
from tests.support.facts import check, facts, instance

CATALOGUE = Catalogue(
    [
        check(),
        check(id="server_load", service="server", value="load", unit="count", warn="> 1", fail="> 2", finding="load {load}", look="htop"),
    ]
)

#: What strangers put into URLs, user agents, SQL and names.
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{ 7*7 }}{% raw %}\x1b[31m\x07\u202e]]>&amp;\\n\n#\ud800"


def host(name: str, busy: t.Any = 0.1, load: t.Any = 0.2, **settings: t.Any) -> Asked:
    return Asked(name, facts(server=[instance(name, load=load)], uwsgi=[instance("127.0.0.1:1717", busy_ratio=busy)]), **settings)


def report(*hosts: Asked, **changes: t.Any) -> dict[str, t.Any]:
    return {**judge(list(hosts), CATALOGUE), **changes}


def fleet(size: int) -> dict[str, t.Any]:
    """Hosts `web1` …: every tenth is busy, every twentieth at its limit, one is gone."""
    hosts = [host(f"web{at}", 0.97 if at % 20 == 0 else 0.8 if at % 10 == 0 else 0.1) for at in range(1, size)]
    return report(*hosts, Asked(f"web{size}", problem="not reachable: timed out"))


CAUSE = {
    "cause": "workers_exhausted",
    "tier": "application",
    "hosts": ["web1", "web2"],
    "statement": "All the workers of the application are busy while its CPUs are idle.",
    "evidence": ["web1: 8 of 8 workers busy", "web2: 8 of 8 workers busy"],
    "first_fix": "Add 4 workers to each host.",
    "avoid": "Do not add servers yet: these have room.",
    "look": "uwsgitop 127.0.0.1:1717",
    "rows": [{"host": "web1", "busy": 8}],
}
