# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules that hold for the whole catalogue: what is too little to judge, and that the window decides.

A share of events needs a minimum of them: `needs` (unknown during the launch, skipped before), or a limit that names a count, a rate or
a time as well, and so can be judged at any traffic. A share of a capacity or of the time needs none.
"""

from __future__ import annotations

import re
import typing as t

import jmespath
import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._checks.check import Check
from ansible_collections.warroom.launch.plugins.plugin_utils._checks.limit import Limit
from tests.support.check_cases import catalogue

CHECKS = {check.id: check for check in catalogue().checks()}
SHARES = [check for check in CHECKS.values() if check.unit == "ratio"]

TIME = "a share of the time, however much happens in it"
CAPACITY = "a share of what there is room for"
#: Shares that need no minimum, and why.
NO_MINIMUM = {
    "celery_local_workers": "a share of the processes that run here",
    "celery_queue_tasks_failing": "one failed task warns, and the failure names a count",
    "celery_queue_task_broken": "the module gives it for tasks that finished three times or more",
    "celery_queue_redelivery": "a share of the time after which the broker redelivers",
    "uwsgi_worker_memory_limit": "a share of the memory that one worker may have",
    "wsgi_worker_memory_limit": "a share of the memory that one worker may have",
    "varnish_traffic_cached_urls": "the inventory says that not one of them may bypass the cache",
    "visitors_new_client_errors": "compared only where this window and the baseline hold enough requests each (comparable.errors)",
    "postgresql_stale_statistics": "a share of the rows of large tables",
    **dict.fromkeys(
        ("server_load", "server_cpu_busy", "server_iowait", "server_iowait_database", "server_steal", "server_throttled",
         "server_pressure_cpu", "haproxy_idle", "server_pressure_io", "server_pressure_memory", "uwsgi_workers_busy", "wsgi_workers_busy",
         "mysql_galera_flow_control", "redis_main_thread", "redis_slow_time"), TIME
    ),
    **dict.fromkeys(
        ("celery_queue_memory_left", "database_connection_budget", "memcached_connections", "mysql_connections",
         "mysql_connections_peak", "postgresql_connections",
         "postgresql_limits", "pgbouncer_connections", "postgresql_wraparound", "server_descriptors", "server_filesystems",
         "server_disk_growth", "server_inodes",
         "server_conntrack", "server_local_ports", "server_tasks_left", "server_kernel_tables", "server_filesystem_metadata",
         "server_memory_available", "server_swap_full", "server_memory_put_to_use",
         "server_memory_limit", "uwsgi_listen_queue_full", "wsgi_connections", "wsgi_listen_queue_full",
         "varnish_transient",
         "redis_memory_left", "redis_connections", "redis_host_memory",
         "nginx_connections", "nginx_descriptors", "nginx_listen_queue",
         "haproxy_connections", "haproxy_frontends", "haproxy_listen_queue", "haproxy_rate_limits"), CAPACITY
    ),
}  # fmt: skip

#: Checks of different services that ask the same, and so must judge too little traffic alike.
SIBLINGS = (
    ("varnish_hit_ratio", "memcached_hit_ratio", "redis_hit_ratio", "varnish_pass_ratio", "varnish_hit_for_miss", "varnish_hit_ratio_drop"),
    ("mysql_buffer_pool", "postgresql_cache_hit"),
    ("mysql_rollbacks", "postgresql_rollbacks"),
    ("mysql_expensive_statement", "postgresql_expensive_statement"),
    ("mysql_frequent_statement", "postgresql_frequent_statement"),
    ("mysql_deadlocks", "postgresql_deadlocks"),
    ("varnish_traffic_slow", "varnish_traffic_slow_passes"),
    ("varnish_traffic_bypass", "varnish_traffic_redirect_url", "varnish_traffic_not_found"),
    ("uwsgi_exceptions", "varnish_backend_errors", "varnish_traffic_errors", "nginx_errors", "haproxy_errors"),
    ("server_network_errors", "server_retransmits"),
)

#: Checks that read what was counted since a start, and why that is right.
SINCE_A_START = {
    "varnish_child_crashed": "a crash counts while the cache is young because of it (its uptime is a part of both limits)",
    "mysql_connections_peak": "the rehearsal asks for the peak of an ordinary day",
}
#: Measures that are counted since a start and whose names do not say so, by the last part of their path.
UNNAMED_SINCE_A_START = {"crashes", "failures"}


def _limits(check: Check) -> list[Limit]:
    return [limit for limit in (check.warn, check.fail) if limit is not None]


def _absolute(limit: Limit) -> bool:
    """Whether one of its terms is about a count, a rate or a time, and not about a share."""
    return any(query is not None and not re.search(r"_ratio\b", query.text) for query, _comparison in limit.terms)


def _form(check: Check) -> str:
    """How the check judges too little traffic."""
    if check.needs is not None:
        return "needs"
    return "absolute" if all(map(_absolute, _limits(check))) else "some limit absolute" if any(map(_absolute, _limits(check))) else "none"


@pytest.mark.parametrize("check", SHARES, ids=lambda check: check.id)
def test_a_share_has_a_minimum_or_a_reason_for_none(check: Check) -> None:
    assert (check.id in NO_MINIMUM) is (_form(check) not in ("needs", "absolute"))


@pytest.mark.parametrize("names", SIBLINGS, ids=lambda names: names[0])
def test_siblings_judge_too_little_alike(names: tuple[str, ...]) -> None:
    assert len({_form(CHECKS[name]) for name in names}) == 1, {name: _form(CHECKS[name]) for name in names}


@pytest.mark.parametrize("check", CHECKS.values(), ids=list(CHECKS))
def test_what_applies_is_no_minimum_of_traffic(check: Check) -> None:
    """A check applies or not by what is there. How much traffic there must be is said in `needs` or in the limits."""
    if check.applies is not None:
        literals = [value for value in _compared(jmespath.compile(check.applies.text).parsed) if isinstance(value, (int, float))]
        assert set(literals) <= {0, 1}, check.applies.text


def _compared(node: t.Mapping[str, t.Any]) -> t.Iterator[t.Any]:
    if node["type"] == "literal":
        yield node["value"]
    for child in node.get("children", ()):
        if isinstance(child, dict):
            yield from _compared(child)


@pytest.mark.parametrize("check", CHECKS.values(), ids=list(CHECKS))
def test_the_window_decides(check: Check) -> None:
    """No verdict stands on what was counted since a start: the past is context, told in the sentences."""
    texts = [check.value.text, *(query.text for limit in (*_limits(check), check.needs) if limit for query, _c in limit.terms if query)]
    words = {word for text in texts for word in re.findall(r"\w+", text)}
    old = {word for word in words if word.startswith("lifetime_") or word in UNNAMED_SINCE_A_START}
    assert bool(old) is (check.id in SINCE_A_START), old
    if check.id in SINCE_A_START and check.phase == "during":
        pytest.fail("during the launch the window decides")
