# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shape: what the probe saw, as facts (documented in the module's RETURN). Pure."""

from __future__ import annotations

import typing as t

from ..._collect import wait_facts
from ..._collect.derived import moved, share, total
from ..._collect.facts import Facts, Unknown
from ..._collect.sampling import ONE_SAMPLE, top
from . import application, capacity, in_flight, pressure, traffic
from .samples import History


def facts(history: History) -> Facts:
    """The measures of one instance. Emperors and routers have no workers, so they have no measures of workers either."""
    stats = history.last.stats
    found = Facts()
    found.put("kind", stats.kind)
    found.put("version", stats.version, "uWSGI did not tell its version")
    found.put("address", history.address, "not read over a socket")
    found.put("transport", history.transport)
    found.put("http", history.http)
    found.put("pid", stats.pid, "uWSGI did not tell its process id")
    if stats.kind == "emperor":
        _emperor(found, history)
    elif stats.kind == "router":
        _router(found, history)
    else:
        _app(found, history)
    return found


def _app(found: Facts, history: History) -> None:
    traffic.put(found, history)
    pressure.put(found, history)
    in_flight.put(found, history)
    here = ONE_SAMPLE if history.ours else "what the workers wait for is only seen on the host that uWSGI runs on"
    wait_facts.put(found, history.waits, here, history.top)
    capacity.put(found, history)
    stats = history.last.stats
    found.put("signal_queue", stats.signal_queue, "uWSGI did not tell it")
    caches = [
        {**cache, "hit_ratio": share(cache["hits"], cache["hits"] + cache["misses"], "nobody asked it yet")} for cache in stats.caches
    ]
    found.rows("caches", top(caches, "hits", len(caches)), history.top)
    spoolers = {name: sum(one[name] for one in stats.spoolers) for name in ("tasks", "running")}
    found.put("spoolers", {"total": len(stats.spoolers), **spoolers})
    settings = history.settings
    why = "the configuration could not be read" if settings is not None else "the master is not a process of the host that was asked"
    for name in ("processes", "threads", "cheaper", "harakiri_seconds", "listen", "application"):
        found.put(f"configured.{name}", (settings or {}).get(name), "not set in its configuration" if settings else why)
    limited = None if not settings else settings.get("harakiri_seconds") is not None
    found.put("configured.harakiri", limited, why)
    found.put("workers.without_application", application.missing(stats, (settings or {}).get("application")))


def _emperor(found: Facts, history: History) -> None:
    vassals = history.last.stats.vassals
    found.note("this is an emperor: it has vassals and no workers; read each vassal's own stats server for its workers")
    found.put("vassals.total", len(vassals))
    for state in ("loyal", "ready", "starting", "asleep", "cursed"):
        found.put(f"vassals.{state}", sum(vassal.state == state for vassal in vassals))
    found.put("vassals.cursed_names", ", ".join(vassal.name for vassal in vassals if vassal.state == "cursed")[:400])
    found.put("vassals.respawns", sum(vassal.respawns for vassal in vassals))
    order = {"cursed": 0, "starting": 1, "ready": 2, "loyal": 3, "asleep": 4}
    rows: list[dict[str, t.Any]] = [{"name": one.name, "state": one.state, "lifetime_respawns": one.respawns} for one in vassals]
    found.put("vassal_list", sorted(rows, key=lambda row: (order[row["state"]], -row["lifetime_respawns"]))[: history.top])
    found.put("vassal_list_total", len(rows))


def _router(found: Facts, history: History) -> None:
    stats = history.last.stats
    found.note("this is uWSGI's router: it has no workers; read the stats server of the instances behind it for those")
    found.put("sessions", stats.sessions, "the router did not tell its sessions")
    found.put("nodes", top(stats.nodes, "failures", history.top))
    found.put("nodes_total", len(stats.nodes))
    before = {node["name"]: node["failures"] for node in history.first.stats.nodes}
    changes = [moved(before.get(node["name"], 0), node["failures"], "", f"of failures of {node['name']}") for node in stats.nodes]
    found.put("node_failures", Unknown(ONE_SAMPLE) if history.window is None else total(changes))
