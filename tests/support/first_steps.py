# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which causes' first steps are applied to a real server, after which the cause is gone; and of which not, and why."""

from __future__ import annotations

#: cause → the test that applies what is printed.
APPLIED: dict[str, str] = {
    **dict.fromkeys(
        (
            "idle_in_transaction", "lock_chain", "missing_index", "connection_budget", "cache_flushed", "service_down",
        ),
        "tests/integration/judge/test_applied_steps.py",
    ),
    "stale_statistics": "tests/integration/postgresql/test_postgresql_live_causes.py",
}  # fmt: skip

_SEVERAL = "needs several tiers under load: the rehearsals of the practice stack show the fault and its healing"
_CODE = "its first step is another release of the application, which the injected fault takes back in the game day"
_HOST = "its first step is about the machine or the network, which a test must not change"

#: cause → why no test applies its first step.
NOT_APPLIED: dict[str, str] = {
    **dict.fromkeys(
        (
            "accelerator_fault", "accelerator_bypassed", "bans_storm", "application_and_database_overload", "database_overload",
            "unbalanced_pool", "cache_exhausted", "queue_growth", "backend_unreachable", "threads_exhausted", "unknown_client", "outlier",
            "edge_exhausted", "edge_unbalanced", "upstream_failing", "upstream_slow",
        ),
        _SEVERAL,
    ),
    **dict.fromkeys(
        (
            "application_errors", "application_overload", "cache_stampede", "memory_leak", "missing_migration", "query_per_row",
            "requests_refused", "tasks_failing", "tasks_stuck", "broker_blocked", "redis_blocked",
        ),
        _CODE,
    ),
    **dict.fromkeys(("machine_exhausted", "foreign_disk", "network_slow", "names_slow", "outside_slow"), _HOST),
    "workers_stopped": "kill is what it says, and whom it names is what the test would have stopped itself",
    "workers_stuck": "needs workers that wait for a lock that nobody holds any more",
    "workers_exhausted": "whether workers or servers are advised depends on the CPU that the test's machine has left",
    **dict.fromkeys(("cluster_member_out", "pool_too_small", "broker_evicts", "broker_full"), "needs servers that no short test can start"),
}  # fmt: skip
