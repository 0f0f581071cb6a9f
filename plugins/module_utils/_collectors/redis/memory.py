# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Memory against its limit and policy, what is evicted, what expires, and what is refused for want of memory."""

from __future__ import annotations

import math
import re
import typing as t

from ..._collect.derived import Window, rate, share, total
from ..._collect.facts import Facts, Maybe, Unknown, known, measured
from ..._collect.sampling import Number
from . import errors, parse
from .samples import NO_DATA, Sample

NO_LIMIT = "it has no limit of its own (maxmemory 0)"
#: The server may be over its limit while it evicts, by what one command adds.
SLACK = 0.25
#: With fewer keys than this that may be evicted, evicting them makes no room.
FEW_EXPIRE = 0.01
NO_KEYS = "INFO does not report the keys of a database"


def put(facts: Facts, latest: Sample, window: Window) -> None:
    _against_limit(facts, latest, window)
    facts.put("evictions", window.moved("evicted_keys"))
    facts.put("evictions_per_second", window.rate("evicted_keys"))
    facts.put("lifetime_evictions", window.now("evicted_keys"))
    facts.put("expired", window.moved("expired_keys"))
    facts.put("expired_per_second", window.rate("expired_keys"))
    refused = errors.moved(latest, window)
    full: Maybe[Number] = refused if isinstance(refused, Unknown) else refused.get("OOM", 0)
    if isinstance(full, Unknown) and "oom_rejections" in window.latest:  # Dragonfly
        full = window.moved("oom_rejections")
    facts.put("refused_writes", full)
    facts.put("refused_writes_per_second", rate(full, window.seconds))
    errors.put(facts, refused)


def _against_limit(facts: Facts, latest: Sample, window: Window) -> None:
    used, limit = window.now("used_memory"), window.now("maxmemory")
    counted = used
    uncounted = known(window.now("mem_not_counted_for_evict"))
    if not isinstance(used, Unknown) and uncounted is not None:
        counted = max(0, used - uncounted)  # buffers of replicas and of the append-only file
    facts.put("bytes", used)
    facts.put("limited", limit if isinstance(limit, Unknown) else limit > 0)
    facts.put("limit_bytes", Unknown(NO_LIMIT) if known(limit) == 0 else limit)
    facts.put("fill_ratio", share(counted, limit, NO_LIMIT, math.inf))  # a limit may be set below what is in use, and full is full
    facts.put("policy", _policy(latest))
    facts.put("refuses_when_full", _refuses_when_full(facts, latest))
    facts.put("rss_bytes", window.now("used_memory_rss"))
    facts.put("host_ratio", share(window.now("used_memory_rss"), window.now("total_system_memory"), "it does not say", SLACK))


#: Dragonfly's word for its cache mode, in which any key may go, and the mode itself, which is all that its older versions tell.
ANY_KEY = "eviction"
_MODES = {"cache": ANY_KEY, "store": "noeviction"}


def _policy(latest: Sample) -> Maybe[str]:
    found = latest.info.get("maxmemory_policy") or latest.config.get("maxmemory-policy") or _MODES.get(latest.info.get("cache_mode", ""))
    if latest.is_sentinel:
        return Unknown(NO_DATA)
    is_one = re.fullmatch(r"noeviction|eviction|(?:allkeys|volatile)-[a-z]{2,20}", found or "")
    return measured(found if is_one else None, "it does not report its policy (maxmemory_policy)")


def evicts_any(facts: Facts) -> Maybe[bool]:
    """Whether it evicts any key at its limit, also one that never expires."""
    limited, policy = facts.value("limited"), facts.value("policy")
    if isinstance(limited, Unknown) or limited is False:
        return t.cast("Maybe[bool]", limited)
    return policy if isinstance(policy, Unknown) else policy.startswith("allkeys") or policy == ANY_KEY


def _refuses_when_full(facts: Facts, latest: Sample) -> Maybe[bool]:
    """Whether it refuses writes at its limit: it evicts nothing, or only keys with a lifetime, of which it has none."""
    limited, policy = facts.value("limited"), facts.value("policy")
    if isinstance(limited, Unknown) or limited is False:
        return t.cast("Maybe[bool]", limited)
    if isinstance(policy, Unknown) or not policy.startswith("volatile"):
        return policy if isinstance(policy, Unknown) else policy == "noeviction"
    databases = parse.databases(latest.info).values()
    expire, keys = (total(measured(parse.count(size, name), NO_KEYS) for size in databases) for name in ("expires", "keys"))
    expiring = share(expire, keys, "it has no keys")
    return expiring if isinstance(expiring, Unknown) else expiring < FEW_EXPIRE
