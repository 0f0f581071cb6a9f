# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A bad launch day, judged by the whole catalogue: two accelerators that do not cache, an index that is missing, a host that is gone."""

from __future__ import annotations

import copy
import typing as t

from ansible_collections.warroom.launch.plugins.plugin_utils._checks.catalogue import Catalogue
from ansible_collections.warroom.launch.plugins.plugin_utils._judge.pipeline import Asked, judge
from tests.support.check_cases import catalogue
from tests.unit.plugins.plugin_utils._diagnose.world import World

#: Checks that the facts of this day can answer.
CHECKS = {
    "postgresql_missing_index",
    "server_cpu_busy",
    "server_iowait",
    "uwsgi_saturated",
    "uwsgi_workers_busy",
    "varnish_hit_ratio",
    "varnish_pass_ratio",
}
#: Wide evidence with long column names, as postgresql_stats gives it.
MISSING_INDEX = {
    "database": "shop",
    "schema": "public",
    "table": "shop_orderline",
    "columns": ["order_id", "created_at"],
    "rows_estimate": 200374,
    "table_bytes": 61865984,
    "sequential_scans": 412,
    "rows_read_sequentially": 82554088,
    "rows_scanned_per_second": 16510817.6,
    "lifetime_sequential_scans": 90412,
    "statement_share_ratio": 0.92,
    "confirmed_by": ["statements that filter on it", "sequential scans in the window"],
    "create_index": (
        "CREATE INDEX CONCURRENTLY shop_orderline_order_id_created_at_idx ON public.shop_orderline (order_id, created_at DESC NULLS LAST)"
    ),
}


def world() -> World:
    made = World()
    made.cold_cache()
    made.of("web1", "varnish")["judged"] = {
        "requests": 1111,
        "period": "in the window",
        "basis": "window",
        "hit_ratio_true": 0.04,
        "hit_ratio_shown": 0.28,
        "pass_ratio": 0.86,
        "hit_for_miss_request_ratio": 0.0,
    }
    made.facts["web2"] = copy.deepcopy(made.facts["web1"])
    made.facts["web2"]["launch_server"]["instances"][0]["name"] = "web2"
    made.missing_index()
    measures = {"missing_indexes_hurting": 1, "missing_indexes_hurting_rows": 200374, "missing_indexes_statement_share_ratio": 0.92}
    made.of("db1", "postgresql").update(missing_indexes=[MISSING_INDEX], kind="server", connections_exhausted=False, **measures)
    made.workers_exhausted()
    return made


def launch_day(**changes: t.Any) -> dict[str, t.Any]:
    """The report."""
    made = world()
    hosts = [Asked(name, facts=facts) for name, facts in made.facts.items()]
    hosts.append(Asked("queue1", problem="not reachable: connection timed out"))
    report = judge(hosts, Catalogue([entry for entry in catalogue().entries if entry["id"] in CHECKS]))
    report["started_at"], report["duration_seconds"] = "2026-11-25T14:02:11Z", 7.2
    return {**report, **changes}
