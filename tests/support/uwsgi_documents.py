# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documents of a stats server and what a probe makes of them, for unit tests."""

from __future__ import annotations

import copy
import json
import typing as t

from ansible_collections.warroom.launch.plugins.module_utils._collect import worker_host
from ansible_collections.warroom.launch.plugins.module_utils._collectors.uwsgi import host_view, parse, shape
from ansible_collections.warroom.launch.plugins.module_utils._collectors.uwsgi.samples import Glance, History, Look
from ansible_collections.warroom.launch.plugins.plugin_utils._checks.evaluate import evaluate
from tests.support.check_cases import checks_of

NOW = 1_800_000_000


def core(in_request: int = 0, variables: t.Sequence[str] = (), started: t.Optional[int] = None, **counters: int) -> dict[str, t.Any]:
    blank = dict.fromkeys(("requests", "static_requests", "routed_requests", "offloaded_requests", "write_errors", "read_errors"), 0)
    return {
        **blank,
        "id": 0,
        "in_request": in_request,
        "vars": [*variables, ""],
        "req_info": {"request_start": started} if started else {},
        **counters,
    }


def worker(number: int, status: str = "idle", cores: t.Any = None, **counters: t.Any) -> dict[str, t.Any]:
    cores = [core(int(status == "busy"))] if cores is None else cores
    blank = {name: 0 for name in ("requests", "exceptions", "harakiri_count", "running_time", "tx", "rss", "vsz")}
    known = {"id": number, "pid": 100 + number, "accepting": 1, "status": status, "respawn_count": 1}
    return {**known, **blank, "cores": cores, "apps": [{"id": 0, "mountpoint": "", "requests": 0}], **counters}


def document(*workers: dict[str, t.Any], queue: int = 0, limit: int = 100, **more: t.Any) -> dict[str, t.Any]:
    sockets = [{"name": "127.0.0.1:8000", "proto": "uwsgi", "queue": queue, "max_queue": limit}]
    return {"version": "2.0.30", "pid": 100, "uid": 33, "cwd": "/srv", "sockets": sockets, "workers": list(workers), **more}


def facts(*documents: t.Any, window: t.Optional[float] = None, usages: t.Any = None, **settings: t.Any) -> dict[str, t.Any]:
    """The measures of the documents (dicts or bytes), read one after the other by a probe on another host."""
    looks = []
    for one in documents:
        stats = parse.stats(one if isinstance(one, bytes) else json.dumps(one).encode())
        looks.append(Look(stats, tuple(host_view.queues(stats, False)), float(NOW)))
    blank: dict[str, t.Any] = {"memory": {}, "ours": False, "capacity": None, "somaxconn": None}
    glances = tuple(map(Glance.of, looks))
    usages = usages or tuple(worker_host.Usage() for _look in looks)
    history = History(looks[0], looks[-1], glances, window, usages, **{**blank, **settings})
    result = shape.facts(history).done()
    assert all(reason for reason in result["unknown"].values())
    return result


def changed(one: dict[str, t.Any], **by_worker: t.Any) -> dict[str, t.Any]:
    """A later document: `w1={"requests": 7}` changes worker 1."""
    later = copy.deepcopy(one)
    for row in later["workers"]:
        row.update(by_worker.get(f"w{row['id']}", {}))
    return later


def findings(measures: dict[str, t.Any], phase: str = "during") -> dict[str, dict[str, t.Any]]:
    """What the shipped checks say about one instance, by check."""
    instance = {"name": "shop", "state": "up", "problem": None, **measures}
    checks = checks_of("uwsgi")
    found = evaluate("app1", {"launch_uwsgi": {"schema": 1, "instances": [instance]}}, checks, phase)
    return {one["check"]: one for one in found}
