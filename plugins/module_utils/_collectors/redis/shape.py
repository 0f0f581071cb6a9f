# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shape: two samples of one server as facts (documented in the module's RETURN). Pure."""

from __future__ import annotations

import typing as t

from ..._collect.derived import Window, all_of, at_most, rate, share, total
from ..._collect.facts import Facts, Maybe, Row, Unknown, known, measured
from ..._collect.sampling import Number, percentile
from . import blocking, commands, memory, overwrites, parse, state, uses
from .samples import Pings, Sample, window_of

#: Two counters are not read in the same instant: so much may be over.
SLACK = 0.25
#: Threads that work beside the main one (I/O threads, freeing, fsync), for what can be at most.
MOST_CORES = 1 + 16


def facts(first: Sample, second: t.Optional[Sample], seconds: t.Optional[float], pings: Pings, keep: int) -> Facts:
    """The measures of one instance."""
    latest = second or first
    window = window_of(first, second, seconds)
    result = Facts()
    _identity(result, latest, window)
    _reads(result, window)
    _traffic(result, first, latest, window)
    memory.put(result, latest, window)
    _uses(result, first, latest, keep)
    _connections(result, window, latest, keep)
    commands.put(result, first, latest, window, keep)
    blocking.put(result, first, latest, window, keep)
    state.put(result, latest, window, keep)
    _latency(result, pings)
    if window.broken:
        result.note(window.broken[0].upper() + window.broken[1:])
    for command, reason in sorted(latest.refused.items()):
        result.note(f"{command}: {reason}")
    return result


def _identity(facts_: Facts, latest: Sample, window: Window) -> None:
    facts_.put("mode", latest.mode if latest.mode in MODES else None, "it does not report its mode")
    facts_.put("product", latest.product)
    facts_.put("version", latest.version, "the server does not report its version")
    facts_.put("version_numbers", parse.version_numbers(latest.version), "its version is not a number")
    run = latest.info.get("run_id", "")
    facts_.put("identity", run if len(run) == 40 and run.isalnum() and run.isascii() else None, "it does not report its run id")
    facts_.put("uptime_seconds", window.now("uptime_in_seconds"))


MODES = ("standalone", "cluster", "sentinel")


def _reads(facts_: Facts, window: Window) -> None:
    hits, misses = window.moved("keyspace_hits"), window.moved("keyspace_misses")
    reads = total([hits, misses])
    lifetime = total([window.now("keyspace_hits"), window.now("keyspace_misses")])
    facts_.put("hit_ratio", share(hits, reads, "no key was read in the window"))
    facts_.put("misses", misses)
    facts_.put("reads", reads)
    facts_.put("reads_per_second", rate(reads, window.seconds))
    facts_.put("lifetime_reads", lifetime)
    facts_.put("lifetime_hit_ratio", share(window.now("keyspace_hits"), lifetime, "no key was read yet"))


def _traffic(facts_: Facts, first: Sample, latest: Sample, window: Window) -> None:
    done = window.moved("total_commands_processed")
    own = latest.own_commands - first.own_commands
    operations: Maybe[Number] = done if isinstance(done, Unknown) else max(0, done - own)
    facts_.put("operations", operations)
    facts_.put("operations_per_second", rate(operations, window.seconds))
    facts_.put("overwrites", overwrites.overwrites(first, latest, window))
    facts_.put("received_bytes_per_second", window.rate("total_net_input_bytes"))
    facts_.put("sent_bytes_per_second", window.rate("total_net_output_bytes"))
    threads = known(window.now("thread_count")) or MOST_CORES
    facts_.put("cpu_cores", at_most(rate(window.sum("used_cpu_user", "used_cpu_sys"), window.seconds), threads, "cores used", SLACK))
    main = window.sum("used_cpu_user_main_thread", "used_cpu_sys_main_thread")
    if latest.product == "dragonfly":  # what it calls its main thread runs no commands
        main = Unknown(f"its {threads} threads all run commands, and it does not report how busy each of them is")
    facts_.put("main_thread_busy_ratio", share(main, measured(window.seconds, "only one sample was taken"), "no time passed", SLACK))


def _uses(facts_: Facts, first: Sample, latest: Sample, keep: int) -> None:
    """By the names of keys, by clients that wait for messages, and by whether such commands were called in the window."""
    sizes = parse.databases(latest.info)
    by_client = uses.of_clients(latest.clients or ())
    names = latest.keys or {}
    rows = []
    for number, size in sorted(sizes.items(), key=lambda pair: -(parse.count(pair[1], "keys") or 0)):
        keys, expiring = (measured(parse.count(size, name), f"INFO does not report {name} of a database") for name in ("keys", "expires"))
        found = uses.of_keys(names.get(number, ())) | by_client.get(number, set())
        of_it: Maybe[list[str]] = uses.ordered(found) if number in names else Unknown(_why_no_keys(latest))
        rows.append({"name": f"db{number}", "key_count": keys, "expiring_ratio": share(expiring, keys, "it has no keys"), "uses": of_it})
    facts_.rows("databases", Unknown(latest.why_not("INFO")) if latest.is_sentinel else rows, keep)
    found = {use for number in names for use in uses.of_keys(names[number])} | {use for of_it in by_client.values() for use in of_it}
    if _waited(first, latest):
        found.add(uses.BROKER)
    why = _why_no_use(found, latest, bool(sizes))
    for use in uses.USES:
        missing = why or _unread(latest, use, bool(sizes))
        facts_.put(f"used_as.{use}", Unknown(missing) if missing and use not in found else use in found)
    facts_.put("tasks_evictable", all_of([facts_.value(f"used_as.{uses.BROKER}"), memory.evicts_any(facts_)]))
    facts_.put(
        "key_count", total(measured(parse.count(size, "keys"), "INFO does not report the keys of a database") for size in sizes.values())
    )


def _why_no_keys(latest: Sample) -> str:
    return (
        latest.refused.get("RANDOMKEY")
        or latest.refused.get("SELECT")
        or f"only the {len(latest.keys or ())} largest databases are looked at"
    )


def _why_no_use(found: t.Collection[str], latest: Sample, any_keys: bool) -> t.Optional[str]:
    """Why it is not known what it is used for; None when it is."""
    if found or (not any_keys and not latest.is_sentinel):
        return None
    if latest.is_sentinel or latest.keys is None:
        return latest.why_not("RANDOMKEY")
    return "neither the names of its keys nor what its clients do tells what it is for"


def _unread(latest: Sample, use: str, any_keys: bool) -> t.Optional[str]:
    """What was not read and could have shown this use."""
    if latest.keys is None and any_keys:
        return latest.why_not("RANDOMKEY")
    if use == uses.BROKER and latest.clients is None and parse.count(latest.info, "blocked_clients") != 0:
        return latest.why_not("CLIENT LIST")
    return None


def _waited(first: Sample, latest: Sample) -> bool:
    """Whether a client asked for a message to wait for within the window, or since the start when there was one sample."""

    def calls(sample: Sample) -> float:
        return sum(parse.count(sample.commands.get(name, {}), "calls") or 0 for name in uses.WAITS)

    return calls(latest) > (calls(first) if latest is not first else 0)


def _connections(facts_: Facts, window: Window, latest: Sample, keep: int) -> None:
    limit = window.now("maxclients")
    if isinstance(limit, Unknown):  # Dragonfly
        limit = window.now("max_clients")
    if isinstance(limit, Unknown):  # INFO tells it since 6.2
        limit = measured(parse.count(latest.config, "maxclients"), latest.why_not("CONFIG GET maxclients"))
    connections, opened = window.now("connected_clients"), window.moved("total_connections_received")
    facts_.put("connections", connections)
    facts_.put("connections_limit", limit)
    facts_.put("connections_ratio", share(connections, limit, "it has no limit", SLACK))
    facts_.put("connections_opened", opened)
    facts_.put("connections_per_second", rate(opened, window.seconds))
    facts_.put("waiting_clients", window.now("blocked_clients"))
    facts_.put("rejected", window.moved("rejected_connections"))
    facts_.put("lifetime_rejected", window.now("rejected_connections"))
    facts_.put("dropped_for_output", window.moved("client_output_buffer_limit_disconnections"))
    facts_.put("dropped_for_memory", window.moved("evicted_clients"))
    facts_.put("dropped_clients", window.sum("client_output_buffer_limit_disconnections", "evicted_clients"))
    counted: dict[str, int] = {}
    for row in latest.clients or ():
        name = parse.host(row.get("addr", "")) or "unix"
        counted[name] = counted.get(name, 0) + 1
    rows: list[Row] = [{"name": name, "connections": many} for name, many in sorted(counted.items(), key=lambda pair: -pair[1])]
    facts_.rows("clients", Unknown(latest.why_not("CLIENT LIST")) if latest.clients is None else rows, keep)


def _latency(facts_: Facts, pings: Pings) -> None:
    def milliseconds(seconds: t.Optional[Number]) -> Maybe[float]:
        return measured(None if seconds is None else round(seconds * 1000, 3), "no PING was measured: the window is 0")

    facts_.update(
        {
            "latency_milliseconds": {
                "connect": milliseconds(pings.connect),
                "median": milliseconds(percentile(pings.taken, 0.5)),
                "p95": milliseconds(percentile(pings.taken, 0.95)),
                "longest": milliseconds(max(pings.taken, default=None)),
                "samples": len(pings.taken),
            }
        }
    )
