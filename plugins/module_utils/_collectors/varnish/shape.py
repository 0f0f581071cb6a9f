# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shape: two samples of the counters, and what the management CLI said, as facts (documented in the module's RETURN). Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from ..._collect.derived import all_of, any_of, per, rate, share, total
from ..._collect.facts import Facts, Maybe, Unknown, known, measured
from ..._collect.problem import Down, Ended
from ..._collect.sampling import ONE_SAMPLE, Number
from . import backends, outcomes
from .parse import Counters
from .window import Window

_REFUSED = ("backend_fail", "backend_unhealthy", "backend_busy")
#: A version that has this counter counts a fetch that got no connection among the failed fetches as well (since 5.1).
_COUNTS_ALL_FAILED = "MAIN.cache_hitmiss"
_DROPPED = ("sess_dropped", "req_dropped")
#: Connections that could not be accepted for lack of something. A client that left meanwhile (econnaborted) or a signal (eintr) is none.
_NOT_ACCEPTED = tuple(f"sess_fail_{why}" for why in ("emfile", "enomem", "ebadf", "other"))
NOT_ASKED = Unknown("the management CLI was not asked")


@dataclasses.dataclass(frozen=True)
class Told:
    """What the management CLI said; where it said nothing, why."""

    product: Maybe[str] = NOT_ASKED
    version: Maybe[str] = NOT_ASKED
    vcls: Maybe[t.Mapping[str, str]] = NOT_ASKED
    backends: Maybe[backends.Said] = NOT_ASKED
    parameters: Maybe[t.Mapping[str, t.Any]] = NOT_ASKED


def must_have_child(sample: Counters) -> None:
    """The manager answers while the cache itself is gone: only its own counters are left (case V-02)."""
    if sample and all(name.startswith("MGT.") for name in sample):
        raise Down(
            "manager up, child not running: nothing is served; run `varnishadm start`, then read the log and `varnishadm panic.show`"
        )


def must_be_alive(first: Counters, second: Counters, seconds: float) -> None:
    """The shared memory of a killed varnishd stays readable for ever: its clocks stand still while time goes by."""
    clocks = [name for name in ("MGT.uptime", "MAIN.uptime") if name in first and name in second]
    if clocks and seconds >= 3 and all(first[name] == second[name] for name in clocks):
        raise Ended(
            "varnishd was killed or is frozen: its clocks stand still, only its last counters are left; start it again, read the system log"
        )


def facts(
    first: Counters, second: t.Optional[Counters], seconds: t.Optional[float], told: Told, keep: int, replaced: bool = False
) -> Facts:
    """The measures of one instance."""
    window = Window(first, second, seconds, replaced)
    must_have_child(window.latest)
    result = Facts()
    if window.restarted and not replaced:  # a new manager is said by who saw it
        result.note("The child of varnishd was restarted within the window")
    result.put("product", told.product)
    result.put("version", told.version)
    active = backends.active_vcl(told.vcls, window.latest)
    result.put("active_vcl", active)
    outcomes.put(result, window)
    _backend_traffic(result, window)
    backends.put(result, window, active, told.vcls, told.backends, keep)
    _threads(result, window, told.parameters)
    _storage(result, window)
    _invalidations(result, window)
    result.put("child", _child(window))
    result.put("vcl_failures", window.moved("vcl_fail"))
    result.put("workspace_overflows", window.sum(*(f"ws_{name}_overflow" for name in ("backend", "client", "session", "thread"))))
    result.put("answered_500", window.moved("client_resp_500"))
    result.put("lifetime_vcl_failures", window.now("vcl_fail"))
    return result


def _backend_traffic(facts_: Facts, window: Window) -> None:
    sent, errors = window.moved("backend_req"), _errors(window, window.sum(*_REFUSED), window.moved("fetch_failed"))
    attempts = total([sent, errors])
    error_ratio: Maybe[float] = Unknown("no backend requests in the window")
    if known(attempts) != 0:
        # a fetch that failed was sent before, a backend that refused was not: errors may outnumber what was sent
        error_ratio = per(errors, sent if isinstance(sent, Unknown) else max(1, sent), "")
    facts_.put("backend_requests", sent)
    facts_.put("backend_requests_per_second", rate(sent, window.seconds))
    facts_.put("backend_errors", errors)
    facts_.put("backend_attempts", attempts)
    facts_.put("backend_error_ratio", error_ratio if isinstance(error_ratio, Unknown) else min(1.0, error_ratio))
    facts_.put("background_fetches", window.moved("s_bgfetch"))
    facts_.put("lifetime_backend_requests", window.now("backend_req"))
    facts_.put("lifetime_backend_errors", _errors(window, window.sum_now(*_REFUSED), window.now("fetch_failed")))
    facts_.put("uncacheable_responses", window.moved("beresp_uncacheable"))


def _errors(window: Window, refused: Maybe[Number], failed: Maybe[Number]) -> Maybe[Number]:
    """Each of them once. A retry is refused again, a body that breaks off was not refused: the larger one holds."""
    if isinstance(refused, Unknown) or isinstance(failed, Unknown) or _COUNTS_ALL_FAILED not in window.latest:
        return total([refused, failed])
    return max(refused, failed)


def _threads(facts_: Facts, window: Window, parameters: Maybe[t.Mapping[str, t.Any]]) -> None:
    running, waiting = window.now("threads"), window.now("thread_queue_len")
    maximum = parameters if isinstance(parameters, Unknown) else _most_threads(parameters)
    limited, dropped = window.moved("threads_limited"), window.sum(*_DROPPED)
    counts_drops = any("MAIN." + name in window.latest for name in _DROPPED)
    facts_.put(
        "threads",
        {
            "running": running,
            "maximum": maximum,
            "use_ratio": share(running, maximum, "no thread is allowed", slack=0.25),
            "queue_length": waiting,
            "limited": limited,
            "failed": window.moved("threads_failed"),
            "at_limit": _at_limit(window, running, maximum, [limited, dropped] if counts_drops else [limited]),
            "lifetime_limited": window.now("threads_limited"),
        },
    )
    failed = [window.moved("threads_failed")] if "MAIN.threads_failed" in window.latest else []
    facts_.put("thread_starved", _positive(limited, waiting, *failed, *([dropped] if counts_drops else [])))
    facts_.put(
        "sessions",
        {
            "accepted": window.moved("sess_conn"),
            "accepted_per_second": window.rate("sess_conn"),
            "queued": window.moved("sess_queued"),
            "dropped": dropped,
            "failed": window.moved("sess_fail"),
            "not_accepted": window.sum(*_NOT_ACCEPTED) if "MAIN.sess_fail_emfile" in window.latest else window.moved("sess_fail"),
            "lifetime_dropped": window.sum_now(*_DROPPED),
        },
    )


def _at_limit(window: Window, running: Maybe[Number], maximum: Maybe[int], signs: t.Sequence[Maybe[Number]]) -> Maybe[bool]:
    """Whether requests waited for a thread that may not be, or were dropped. A pool that was at its limit for a moment made nobody wait."""
    limited, *dropped = signs
    limits = [_positive(limited)]
    if not isinstance(running, Unknown) and not isinstance(maximum, Unknown):
        limits.append(running >= maximum)  # the counter stands still while every thread hangs
    waited = [window.now("thread_queue_len"), *([window.moved("sess_queued")] if "MAIN.sess_queued" in window.latest else [])]
    failed = [_positive(window.moved("threads_failed"))] if "MAIN.threads_failed" in window.latest else []
    return any_of([all_of([any_of(limits), _positive(*waited)]), *failed, *map(_positive, dropped)])


def _positive(*counts: Maybe[Number]) -> Maybe[bool]:
    return any_of(count if isinstance(count, Unknown) else count > 0 for count in counts)


def _most_threads(parameters: t.Mapping[str, t.Any]) -> Maybe[int]:
    pools, each = parameters.get("thread_pools"), parameters.get("thread_pool_max")
    if isinstance(pools, int) and isinstance(each, int):
        return pools * each
    return Unknown("varnishd does not report its parameters thread_pools and thread_pool_max")


def _stores(window: Window) -> list[dict[str, t.Any]]:
    rows = []
    for counter in window.latest:
        kind, _dot, rest = counter.partition(".")
        name, _dot, field = rest.rpartition(".")
        if field != "g_bytes" or not name:
            continue
        prefix = f"{kind}.{name}."
        used, free, failures = window.now(counter), known(window.now(prefix + "g_space")), window.now(prefix + "c_fail")
        # Storage without a limit counts no free space at all; a full one has refused something before.
        unlimited = free is None or (free == 0 and not known(failures))
        size = Unknown(UNLIMITED) if unlimited else total([used, free or 0])
        rows.append(
            {
                "name": name,
                "kind": kind,
                "used_bytes": used,
                "size_bytes": size,
                "use_ratio": share(used, size, "it has no room at all"),
                "unlimited": unlimited,
                "failures": window.moved(prefix + "c_fail"),
                "lifetime_failures": failures,
            }
        )
    return rows


UNLIMITED = "a storage without a size limit"


def _storage(facts_: Facts, window: Window) -> None:
    stores = _stores(window)
    kept = [row for row in stores if row["name"] != "Transient"]
    none = Unknown("this version shows no storage counters")
    size = total(row["size_bytes"] for row in kept) if kept else none
    used = total(row["used_bytes"] for row in kept) if kept else none
    transient: Maybe[Number] = next((row["used_bytes"] for row in stores if row["name"] == "Transient"), none)
    nuked, misses = window.moved("n_lru_nuked"), window.moved("cache_miss")
    facts_.rows("storage", stores, 20)
    facts_.put("storage_bytes", size)
    facts_.put("storage_used_bytes", used)
    facts_.put("storage_use_ratio", share(used, size, "the storage has no room at all"))
    facts_.put("transient_bytes", transient)
    facts_.put("transient_to_storage", per(transient, size, "the storage has no room at all"))
    facts_.put("objects", window.now("n_object"))
    facts_.put("expired", window.moved("n_expired"))
    facts_.put("nuked", nuked)
    facts_.put("nuked_per_second", rate(nuked, window.seconds))
    facts_.put("nuked_per_miss", per(nuked, misses if isinstance(misses, Unknown) else max(1, misses), ""))
    facts_.put("lifetime_nuked", window.now("n_lru_nuked"))


def _invalidations(facts_: Facts, window: Window) -> None:
    """Objects that bans and purges took out of the cache: what part of the lookups found nothing because of them."""
    killed = window.sum("bans_obj_killed", "bans_lurker_obj_killed")
    purged = window.moved("n_obj_purged")
    objects, misses = total([killed, purged]), window.moved("cache_miss")
    # the ban lurker also removes what nobody asks for
    lost = objects if isinstance(objects, Unknown) else misses if isinstance(misses, Unknown) else min(objects, misses)
    looked_up = total([window.moved("cache_hit"), misses])
    facts_.put(
        "invalidations",
        {
            "bans": window.moved("bans_added"),
            "bans_listed": window.now("bans"),
            "purges": window.moved("n_purges"),
            "objects": objects,
            "lost_ratio": share(lost, looked_up, "no request looked into the cache in the window"),
        },
    )


def _child(window: Window) -> dict[str, Maybe[t.Union[Number, bool]]]:
    """Deaths of the cache process. A panic also ends by a signal, so the two overlap: the larger one counts."""
    up, manager = window.now("MAIN.uptime"), window.now("MGT.uptime")
    died, panicked = window.now("MGT.child_died"), window.now("MGT.child_panic")
    counted = [value for value in (known(died), known(panicked)) if value is not None]
    age = total([manager, up if isinstance(up, Unknown) else -up])
    return {
        "uptime_seconds": up,
        "manager_uptime_seconds": manager,
        "starts": window.now("MGT.child_start"),
        "crashes": measured(max(counted, default=None), died.reason if isinstance(died, Unknown) else ""),
        "died": died,
        "panics": panicked,
        "unexpected_exits": window.now("MGT.child_stop"),
        "restarted_in_window": Unknown(ONE_SAMPLE) if window.seconds is None else window.restarted,
        # how long the manager ran before the present child: a cold cache behind calm numbers (case V-09)
        "younger_than_manager_seconds": age if isinstance(age, Unknown) else max(0, age),
    }
