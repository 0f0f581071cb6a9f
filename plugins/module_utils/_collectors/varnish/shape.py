# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shape: two samples of the counters, and what the management CLI said, as facts."""

from __future__ import annotations

import typing as t

from ..._collect.problem import Down
from ..._collect.sampling import Number, rate, ratio, total
from . import backends, outcomes
from .parse import Counters
from .window import Window

_ERRORS = ("backend_fail", "backend_unhealthy", "backend_busy", "fetch_failed")


def must_have_child(sample: Counters) -> None:
    """The manager answers while the cache itself is gone: only its own counters are left (case V-02)."""
    if sample and all(name.startswith("MGT.") for name in sample):
        raise Down(
            "manager up, child not running: nothing is served; run `varnishadm start`, then read the log and `varnishadm panic.show`"
        )


def must_be_alive(first: Counters, second: Counters, seconds: t.Optional[float]) -> None:
    """The shared memory of a killed varnishd stays readable for ever: its clocks stand still while time goes by."""
    clocks = [name for name in ("MGT.uptime", "MAIN.uptime") if name in first and name in second]
    if clocks and seconds is not None and seconds >= 3 and all(first[name] == second[name] for name in clocks):
        raise Down(
            "varnishd was killed or is frozen: its clocks stand still, only its last counters are left; start it again, read the system log"
        )


def facts(
    first: Counters, second: t.Optional[Counters], seconds: t.Optional[float], told: t.Mapping[str, t.Any], keep: int
) -> dict[str, t.Any]:
    """The measures of one instance (documented in the module's RETURN).

    `told`: what the management CLI said: {product, version, vcls, backends, parameters, unknown}; parts may lack.
    """
    window = Window(first, second, seconds)
    must_have_child(window.latest)
    unknown: dict[str, str] = dict(told.get("unknown") or {})
    notes: list[str] = []
    if window.restarted:
        notes.append("varnishd's child restarted during the sample")
    active = backends.active_vcl(told.get("vcls") or {}, window.latest)
    if active is not None:
        unknown.pop("active_vcl", None)
    result = {
        "product": told.get("product"),
        "version": told.get("version"),
        "active_vcl": active,
        **outcomes.measures(window, unknown, notes),
        **_backend_traffic(window, unknown),
        **backends.measures(window, active, told.get("backends") or {}, keep, unknown),
        **_threads(window, told.get("parameters") or {}, unknown),
        **_storage(window, unknown),
        "child": _child(window, unknown),
        **_trouble(window),
    }
    _explain(result, window, unknown)
    return {**result, "unknown": unknown, "notes": notes}


def _backend_traffic(window: Window, unknown: dict[str, str]) -> dict[str, t.Any]:
    sent = window.moved("backend_req")
    errors = _known_sum(window.moved(name) for name in _ERRORS)
    attempts = total(sent, errors)
    share = None if sent is None or errors is None or not attempts else round(min(1.0, errors / max(1, sent)), 6)
    if attempts == 0:
        unknown["backend_error_ratio"] = "no backend requests in the window"
    return {
        "backend_requests": sent,
        "backend_requests_per_second": rate(sent, window.seconds),
        "backend_errors": errors,
        "backend_attempts": attempts,
        "backend_error_ratio": share,
        "background_fetches": window.moved("s_bgfetch"),
        "lifetime_backend_requests": window.since_start("backend_req"),
        "lifetime_backend_errors": _known_sum(window.since_start(name) for name in _ERRORS),
        "uncacheable_responses": window.moved("beresp_uncacheable"),
    }


def _known_sum(values: t.Iterable[t.Optional[Number]]) -> t.Optional[Number]:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _threads(window: Window, parameters: t.Mapping[str, t.Any], unknown: dict[str, str]) -> dict[str, t.Any]:
    running, waiting = window.since_start("threads"), window.since_start("thread_queue_len")
    pools, each = parameters.get("thread_pools"), parameters.get("thread_pool_max")
    maximum = pools * each if isinstance(pools, int) and isinstance(each, int) else None
    limited = window.moved("threads_limited")
    dropped = _known_sum(window.moved(name) for name in ("sess_dropped", "req_dropped"))
    signs = [limited, dropped, waiting]
    if maximum is None:
        unknown["threads.maximum"] = unknown.get("parameters", "the management CLI was not readable")
        unknown["threads.use_ratio"] = unknown["threads.maximum"]
    unknown.pop("parameters", None)
    return {
        "threads": {
            "running": running,
            "maximum": maximum,
            "use_ratio": None if maximum is None or running is None else min(1.0, ratio(running, maximum) or 0.0),
            "queue_length": waiting,
            "limited": limited,
            "failed": window.moved("threads_failed"),
            "lifetime_limited": window.since_start("threads_limited"),
        },
        "thread_starved": None if limited is None and not waiting else any(bool(sign) for sign in signs),
        "sessions": {
            "accepted": window.moved("sess_conn"),
            "accepted_per_second": rate(window.moved("sess_conn"), window.seconds),
            "queued": window.moved("sess_queued"),
            "dropped": dropped,
            "failed": window.moved("sess_fail"),
            "lifetime_dropped": _known_sum(window.since_start(name) for name in ("sess_dropped", "req_dropped")),
        },
    }


def _stores(window: Window) -> list[dict[str, t.Any]]:
    rows = []
    for counter, used in window.latest.items():
        kind, _dot, rest = counter.partition(".")
        name, _dot, field = rest.rpartition(".")
        if field != "g_bytes" or not name:
            continue
        prefix = f"{kind}.{name}."
        free = window.since_start(prefix + "g_space")
        failures = window.since_start(prefix + "c_fail")
        # Storage without a limit counts no free space at all; a full one has refused something before.
        unlimited = free is None or (free == 0 and not failures)
        rows.append(
            {
                "name": name,
                "kind": kind,
                "used_bytes": used,
                "size_bytes": None if unlimited else used + (free or 0),
                "use_ratio": None if unlimited else ratio(used, used + (free or 0)),
                "unlimited": unlimited,
                "failures": window.moved(prefix + "c_fail"),
                "lifetime_failures": failures,
            }
        )
    return rows


def _storage(window: Window, unknown: dict[str, str]) -> dict[str, t.Any]:
    stores = _stores(window)
    kept = [row for row in stores if row["name"] != "Transient"]
    size = total(*(row["size_bytes"] for row in kept)) if kept else None
    used = sum(row["used_bytes"] for row in kept) if kept else None
    transient = next((row["used_bytes"] for row in stores if row["name"] == "Transient"), None)
    nuked, misses = window.moved("n_lru_nuked"), window.moved("cache_miss")
    why = "a storage without a size limit" if kept else "this version shows no storage counters"
    for name, value in (("storage_bytes", size), ("storage_use_ratio", size), ("transient_to_storage", size)):
        if value is None:
            unknown[name] = why
    return {
        "storage": stores[:20],
        "storage_total": len(stores),
        "storage_bytes": size,
        "storage_used_bytes": used,
        "storage_use_ratio": ratio(used, size),
        "transient_bytes": transient,
        "transient_to_storage": None if transient is None or not size else round(transient / size, 6),
        "objects": window.since_start("n_object"),
        "expired": window.moved("n_expired"),
        "nuked": nuked,
        "nuked_per_second": rate(nuked, window.seconds),
        "nuked_per_miss": None if nuked is None or misses is None else round(nuked / max(1, misses), 6),
        "lifetime_nuked": window.since_start("n_lru_nuked"),
    }


def _child(window: Window, unknown: dict[str, str]) -> dict[str, t.Any]:
    """Deaths of the cache process. A panic also ends by a signal, so the two overlap: the larger one counts."""
    up, manager = window.since_start("MAIN.uptime"), window.since_start("MGT.uptime")
    died, panicked = window.since_start("MGT.child_died"), window.since_start("MGT.child_panic")
    known = [value for value in (died, panicked) if value is not None]
    if not known:
        unknown["child.crashes"] = "varnishstat shows no counters of the management process"
    if manager is None:
        unknown["child.manager_uptime_seconds"] = "varnishstat shows no counters of the management process"
    return {
        "uptime_seconds": up,
        "manager_uptime_seconds": manager,
        "starts": window.since_start("MGT.child_start"),
        "crashes": max(known) if known else None,
        "died": died,
        "panics": panicked,
        "unexpected_exits": window.since_start("MGT.child_stop"),
        "restarted_in_window": window.restarted,
        # how long the manager ran before the present child: a cold cache behind calm numbers (case V-09)
        "younger_than_manager_seconds": None if up is None or manager is None else max(0, manager - up),
    }


def _trouble(window: Window) -> dict[str, t.Any]:
    return {
        "vcl_failures": window.moved("vcl_fail"),
        "workspace_overflows": _known_sum(window.moved(f"ws_{name}_overflow") for name in ("backend", "client", "session", "thread")),
        "answered_500": window.moved("client_resp_500"),
        "lifetime_vcl_failures": window.since_start("vcl_fail"),
    }


def _explain(result: t.Mapping[str, t.Any], window: Window, unknown: dict[str, str], prefix: str = "") -> None:
    """Give every measure that is null, and has no better reason yet, the general one."""
    for name, value in result.items():
        path = prefix + name
        if isinstance(value, dict):
            _explain(value, window, unknown, path + ".")
        elif value is None and path not in unknown and path not in ("judged.basis", "judged.period"):
            unknown[path] = window.why_none or "this version of Varnish has no such counter"
