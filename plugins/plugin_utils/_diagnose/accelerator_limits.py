# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The web accelerator runs out of threads, or bans and purges empty it faster than it fills."""

from __future__ import annotations

import typing as t

from .._checks.units import numbered
from .._fleet.observed import Instance
from .cause import Cause, look, percent, said
from .fleet_view import Fleet

#: Bans and purges that cost hits.
INVALIDATIONS = "varnish_invalidations"


def threads_exhausted(fleet: Fleet) -> t.Iterator[Cause]:
    """New connections wait for a thread, or are dropped, however good the cache is. A pool that only grows is no cause."""
    for varnish, finding in fleet.each_bad("varnish", "varnish_threads", least="warn"):
        threads = varnish.part("threads")
        if threads.get("at_limit") is not True:
            continue
        running, maximum = varnish.number("threads.running"), varnish.number("threads.maximum")
        most = "" if maximum is None else f" of at most {maximum:.0f}"
        yield Cause(
            hosts=[varnish.host],
            statement=(
                f"Varnish on {varnish.host} has no thread for new requests: {running or 0:.0f}{most} run, "
                f"{numbered(int(varnish.number('threads.queue_length') or 0), 'request waits/requests wait')} for one, "
                f"{numbered(int(varnish.number('sessions.dropped') or 0), 'was/were')} dropped."
            ),
            evidence=[*_thread_evidence(varnish)],
            first_fix=_thread_fix(varnish),
            avoid="Do not restart Varnish: it would begin with an empty cache and the same limit.",
            look=look(finding),
            at=varnish,
        )


def _thread_evidence(varnish: Instance) -> t.Iterator[str]:
    queued, limited = varnish.number("sessions.queued"), varnish.number("threads.limited")
    if limited:
        yield f"A pool was at its limit {numbered(int(limited), 'time/times')} in the window."
    if varnish.number("threads.failed"):
        yield f"{numbered(int(varnish.number('threads.failed') or 0), 'thread/threads')} could not be made: the system refused."
    if queued:
        yield f"{numbered(int(queued), 'connection/connections')} waited for a thread in the window."


def _thread_fix(varnish: Instance) -> str:
    if varnish.number("threads.failed") and not varnish.number("threads.limited"):
        return "Raise what the system grants varnishd: TasksMax and LimitNPROC of its unit, and memory for the threads' stacks."
    pool = "`varnishadm param.show thread_pool_max`"
    return (
        f"Raise the limit while it runs (no restart, the cache stays): {pool}, then `varnishadm param.set thread_pool_max` with at least "
        "twice that number (the default is 5000). Write the same into the unit's `-p thread_pool_max`. "
        "If the new threads are taken at once, they wait for the backends or for slow clients: give the backends shorter timeouts."
    )


def bans_storm(fleet: Fleet) -> t.Iterator[Cause]:
    for varnish, finding in fleet.each_bad("varnish", INVALIDATIONS, least="warn"):
        bans, purges = int(varnish.number("invalidations.bans") or 0), int(varnish.number("invalidations.purges") or 0)
        kind = "purges" if purges > bans else "bans"
        yield Cause(
            hosts=[varnish.host],
            statement=f"{kind.capitalize()} empty the cache of Varnish on {varnish.host}: {said(finding)}.",
            evidence=[*_invalidation_evidence(varnish)],
            first_fix=(
                f"Stop what sends the {kind} until the rush is over: a deploy hook, a signal after each save, a crawler that may "
                f"send PURGE ({_WATCH[kind]} shows them as they come). "
                "Then make them name the pages that changed, not a pattern that matches everything."
            ),
            avoid="Do not restart Varnish: that empties it once more.",
            look=look(finding) if kind == "bans" else fleet.command(varnish, "varnishtop {login} -c -i ReqMethod"),
            at=varnish,
        )


#: What shows the senders.
_WATCH = {
    "bans": "`varnishlog -g raw -i CLI`, or `varnishlog -q 'ReqMethod eq \"BAN\"'` where they come as requests,",
    "purges": "`varnishlog -q 'ReqMethod eq \"PURGE\"'`",
}


def _invalidation_evidence(varnish: Instance) -> t.Iterator[str]:
    listed, hit = varnish.number("invalidations.bans_listed"), varnish.number("judged.hit_ratio_true")
    if hit is not None:
        yield f"{percent(hit)} of the requests came from the cache."
    if listed is not None and listed > 1:
        yield f"{numbered(int(listed), 'ban/bans')} are in the list that each lookup is tested against."
