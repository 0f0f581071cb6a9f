# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reports for tests of boards and pages: a fleet of any size, a hostile one."""

from __future__ import annotations

import typing as t

from ansible_collections.warroom.launch.plugins.plugin_utils._checks.catalogue import Catalogue
from ansible_collections.warroom.launch.plugins.plugin_utils._judge.pipeline import Asked, judge
from ansible_collections.warroom.launch.plugins.plugin_utils._report.host_files import chosen, file_name
from ansible_collections.warroom.launch.plugins.plugin_utils._report.publish import FILES, edition
from tests.support.facts import check, facts, instance

CATALOGUE = Catalogue(
    [
        check(),
        check(id="server_load", service="server", value="load1", unit="count", warn="> 1", fail="> 2", finding="load {load1}", look="htop"),
    ]
)

#: What strangers put into URLs, user agents, SQL and names.
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{ 777*777 }}{% raw %}\x1b[31m\x07\u202e]]>&amp;\\n\n#\ud800"


def host(name: str, busy: t.Any = 0.1, load: t.Any = 0.2, **settings: t.Any) -> Asked:
    return Asked(name, facts(server=[instance(name, load1=load)], uwsgi=[instance("127.0.0.1:1717", busy_ratio=busy)]), **settings)


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

TIMES = {"count": 3, "p50_seconds": 0.001, "p95_seconds": 0.2, "buckets": [{"from_seconds": 0.001, "to_seconds": 0.00158, "count": 3}]}
EVERY_TIER = facts(
    server=[instance("h", load_ratio=2.5, cpu_user_ratio=0.5, cpu_system_ratio=0.2, iowait_ratio=0.1, memory_available_ratio=0.2)],
    varnish=[instance("v", hits=90, misses=5, passes=5, pipes=0, synths=0, storage=[{"name": "s0", "use_ratio": 0.5}])],
    varnish_traffic=[
        instance(
            "v", response_times={"hit": TIMES, "miss": TIMES, "pass": None}, passes=[{"pattern": "/me/", "count": 5, "reason": "Cookie"}]
        )
    ],
    uwsgi=[instance("u", busy_ratio=0.9, mean_response_seconds=0.2, listen_queue=4, in_flight=[{"pattern": "/old/<id>/", "count": 6}])],
    memcached=[instance("m", operations_per_second=5, hit_ratio=0.9, latency_milliseconds={"median": 0.1})],
    celery=[
        instance(
            "c",
            queues=[{"name": "mails", "ready": 40, "growth_per_second": 3.5}],
            workers=[{"name": "w@h", "active": 2, "concurrency": 4}],
            tasks=[{"name": "send", "succeeded": 5, "retried": 1, "failed": 2}],
        )
    ],
    postgresql=[
        instance(
            "p",
            connections={"active": 3, "idle": 10, "idle_in_transaction": 1, "free": 80},
            clients=[{"application": "bi", "user": "report", "address": "10.0.0.9", "sessions": 4}],
            statements=[{"text": "SELECT * FROM shop WHERE id = $1", "share_ratio": 0.7, "calls_per_second": 12, "mean_milliseconds": 30}],
        )
    ],
    mysql=[instance("y", connections={"active": 1, "idle": 2, "free": 3})],
)


#: What a watch adds to its report.
HISTORY = {
    "live": True,
    "rounds": [
        {"at": "2026-11-25T14:00:00Z", "verdict": "go", "causes": []},
        {"at": "2026-11-25T14:00:30Z", "verdict": "no-go", "causes": ["missing_index"]},
    ],
    "series": [
        {"check": "uwsgi_busy", "host": "web2", "service": "uwsgi", "instance": "u", "unit": "ratio", "points": [[0, 0.5], [30, 0.1]]},
        {
            "check": "uwsgi_busy",
            "host": "web1",
            "service": "uwsgi",
            "instance": "u",
            "unit": "ratio",
            "points": [[0, 0.1], [10, None], [20, 0.5], [30, 0.9]],
        },
    ],
}


def hostile() -> dict[str, t.Any]:
    """A report in which everything that strangers can write is hostile."""
    cause = {**CAUSE, **{key: HOSTILE for key in ("cause", "tier", "statement", "first_fix", "avoid", "look")}, "hosts": [HOSTILE]}
    cause.update(evidence=[HOSTILE], rows=[{HOSTILE: HOSTILE}])
    given = report(host(HOSTILE, 1.0), Asked(HOSTILE + "2", problem=HOSTILE), diagnoses=[cause])
    for one in given["findings"]:
        one.update(
            finding=HOSTILE, advice=HOSTILE, look=HOSTILE, instance=HOSTILE, reason=HOSTILE, evidence=[{HOSTILE: HOSTILE}], question=HOSTILE
        )
    names = facts(
        uwsgi=[instance(HOSTILE, busy_ratio=1, in_flight=[{"pattern": HOSTILE, "count": 1}])],
        postgresql=[instance(HOSTILE, statements=[{"text": HOSTILE, "share_ratio": 1}], clients=[{"user": HOSTILE, "sessions": 1}])],
    )
    given["hosts"][HOSTILE] = {"reached": True, "tiers": [], "facts": names}
    return given


def texts(given: t.Any, facts: str = "trouble") -> dict[str, str]:
    """Every file of the report, as a text."""
    made = edition(given, facts, {name: f"hosts/{file_name(name)}" for name in chosen(given, facts)})
    return {name: "".join(render(made)) for name, render in FILES.items()}
