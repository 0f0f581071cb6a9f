# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reports of fleets whose instances say whom they talk to and wait for: sites of any size, from one host to hundreds."""

from __future__ import annotations

import typing as t

from ansible_collections.warroom.launch.plugins.plugin_utils._judge.pipeline import Asked
from tests.support.facts import facts, instance
from tests.support.report import report


def _talks(*rows: tuple[str, t.Optional[int]]) -> dict[str, t.Any]:
    return {"talks_to": [{"address": address, "connections": count} for address, count in rows], "talks_to_total": len(rows)}


def _waits(**shares: t.Any) -> dict[str, t.Any]:
    rows = [{"address": address, "samples": int(40 * share), "share_ratio": share, "work": "GET /"} for address, share in shares.items()]
    return {"waits": {"samples": 40, "edges": rows, "edges_total": len(rows), "unknown_ratio": 0.0}}


def site(name: str = "", applications: int = 4, waits: float = 0.62, busy: t.Any = 0.1, outside: str = "203.0.113.9:443") -> list[Asked]:
    """An accelerator or two, applications, a worker host, a cache and a database; the applications wait for the database."""
    database, cache = f"{name}db1:5432", f"{name}cache1:11211"
    names = [f"{name}app{at}" for at in range(1, applications + 1)]
    web = instance(
        "default", listens=["0.0.0.0:80"], hits=90, misses=10, passes=0, pipes=0, synths=0, **_talks(*((f"{app}:1717", 4) for app in names))
    )
    made = [Asked(f"{name}web1", facts(varnish=[web]))]
    for at, app in enumerate(names, 1):
        talks = _talks((database, 8), (cache, 16), (outside, 2))
        waiting = _waits(**{database: waits, outside: 0.05})
        uwsgi = instance("127.0.0.1:1717", listens=["0.0.0.0:1717"], busy_ratio=1.0 if at == 2 else busy, **talks, **waiting)
        made.append(Asked(app, facts(uwsgi=[uwsgi])))
    celery = instance("celery", **_talks((database, 4), (f"{name}queue1:6379", None)))
    celery.update(talks_to_total=3, broker={"transport": "redis", "port": 6379})
    made.append(Asked(f"{name}queue1", facts(celery=[celery])))
    made.append(
        Asked(f"{name}cache1", facts(memcached=[instance("11211", listens=["0.0.0.0:11211"], operations_per_second=5, hit_ratio=0.9)]))
    )
    made.append(Asked(f"{name}db1", facts(postgresql=[instance("5432", listens=["0.0.0.0:5432"], connections={"active": 3, "idle": 9})])))
    return made


def cause_at(tier: str, *hosts: str, **more: t.Any) -> dict[str, t.Any]:
    return {
        "cause": "missing_index", "tier": tier, "hosts": list(hosts), "statement": f"An index is missing on {', '.join(hosts)}.",
        "evidence": [], "first_fix": "Add it.", "avoid": "Do not add servers.", "look": None, "rows": [], "path": [], **more,
    }  # fmt: skip


def one_host() -> dict[str, t.Any]:
    """All of the stack on one machine."""
    talks = _talks(("127.0.0.1:5432", 8), ("unix:/run/memcached.sock", 16))
    given = facts(
        varnish=[
            instance("default", listens=["0.0.0.0:80"], hits=9, misses=1, passes=0, pipes=0, synths=0, **_talks(("127.0.0.1:1717", 8)))
        ],
        uwsgi=[instance("127.0.0.1:1717", listens=["127.0.0.1:1717"], busy_ratio=1.0, **talks, **_waits(**{"127.0.0.1:5432": 0.8}))],
        memcached=[instance("m", listens=["unix:/run/memcached.sock"], hit_ratio=0.9)],
        postgresql=[instance("5432", listens=["127.0.0.1:5432"], connections={"active": 3, "idle": 9})],
    )
    return report(Asked("web1", given), diagnoses=[cause_at("postgresql", "web1")])


def ten_hosts() -> dict[str, t.Any]:
    return report(*site(applications=5), diagnoses=[cause_at("postgresql", "db1")])


def two_sites() -> dict[str, t.Any]:
    hosts = [*site("a-", 3), *site("b-", 2, waits=0.1, busy=0.2)]
    return report(*hosts, diagnoses=[cause_at("postgresql", "a-db1")])


def many_hosts(size: int = 300) -> dict[str, t.Any]:
    """Three sites, most of the hosts are applications."""
    each = size // 3 - 4
    hosts = [*site("shop-", each), *site("blog-", each, waits=0.1), *site("api-", each, waits=0.0)]
    return report(*hosts, diagnoses=[cause_at("postgresql", "shop-db1"), cause_at("uwsgi", "blog-app2", statement="Too few workers.")])


def many_sites(count: int = 60) -> dict[str, t.Any]:
    return report(*(host for at in range(count) for host in site(f"s{at}-", 1, waits=0.5 if at == 7 else 0.0)), diagnoses=[])
