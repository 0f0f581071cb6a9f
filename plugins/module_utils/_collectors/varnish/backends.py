# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shape: the backends, each under the VCL that it belongs to, and which VCL is live."""

from __future__ import annotations

import re
import typing as t

from ..._collect.derived import put_total, share, total
from ..._collect.facts import Facts, Maybe, Unknown, known, measured
from ..._collect.sampling import Number
from ..._texts.redact import clean
from .parse import Counters
from .window import Window

# VBE.<vcl>.<backend>.<field>; a backend's name may hold dots and addresses: VBE.boot.goto.0000.(192.0.2.1).(http://x:80).req
_NAME = re.compile(r"^VBE\.(?P<vcl>[^.(]+)\.(?P<backend>.+)\.(?P<field>\w+)$")
# 4.0: VBE.<backend>(<ipv4>,<ipv6>,<port>).<field>, without the VCL
_OLD_NAME = re.compile(r"^VBE\.(?P<backend>[^.(]+\(.*\))\.(?P<field>\w+)$")
_REFUSED = ("unhealthy", "busy", "helddown")
#: What a probe without settings looks at (`.window`) and wants (`.threshold`).
_LAST, _THRESHOLD = 8, 3
#: `<vcl>.<backend>` → what `backend.list` says of it.
Said = t.Mapping[str, t.Mapping[str, t.Any]]


def names(counters: Counters) -> dict[tuple[t.Optional[str], str], None]:
    """(vcl, backend) of every backend in the counters, in their order."""
    found: dict[tuple[t.Optional[str], str], None] = {}
    for name in counters:
        match = _OLD_NAME.match(name) or _NAME.match(name)
        if match:
            found[(match.groupdict().get("vcl"), match["backend"])] = None
    return found


def active_vcl(loaded: Maybe[t.Mapping[str, str]], counters: Counters) -> Maybe[str]:
    """The live VCL by the management CLI, or the only one there is. Never guessed from its name (case V-08)."""
    if not isinstance(loaded, Unknown):
        return measured(next((name for name, status in loaded.items() if status == "active"), None), "no VCL is loaded")
    vcls = {vcl for vcl, _backend in names(counters) if vcl is not None}
    if counters.get("MAIN.n_vcl") == 1 and len(vcls) == 1:
        return vcls.pop()
    return loaded


def live_vcls(loaded: Maybe[t.Mapping[str, str]], active: Maybe[str]) -> set[str]:
    """The VCLs that requests can reach: the active one, and those that it goes on to by their labels."""
    labelled = set() if isinstance(loaded, Unknown) else {name for name, status in loaded.items() if status == "labelled"}
    return labelled if isinstance(active, Unknown) else labelled | {active}


def put(facts: Facts, window: Window, active: Maybe[str], loaded: Maybe[t.Mapping[str, str]], said: Maybe[Said], keep: int) -> None:
    """Rows of the live VCLs' backends (of all, with `active` null, when it is unknown which one is live)."""
    defined = names(window.latest)
    unclear = active if isinstance(active, Unknown) and len({vcl for vcl, _backend in defined}) > 1 else None
    live = live_vcls(loaded, active)
    wanted = [(vcl, backend) for vcl, backend in defined if isinstance(active, Unknown) or vcl in live]
    rows = [_row(window, vcl, backend, said, True if unclear is None else unclear) for vcl, backend in wanted]
    rows.sort(key=_trouble, reverse=True)
    facts.rows("backends", rows, keep)
    counted = [row["health"] for row in rows]
    _count(facts, "backends_sick", counted, ("sick",), unclear, said)
    _count(facts, "backends_usable", counted, ("healthy", "no_probe"), unclear, said)
    stale = sorted({clean(vcl, 60) for vcl, _backend in defined if vcl is not None and vcl not in live})[:keep]
    facts.put("stale_vcls", stale if unclear is None else unclear)


def _count(
    facts: Facts, name: str, healths: t.Sequence[str], states: t.Sequence[str], unclear: t.Optional[Unknown], said: Maybe[Said]
) -> None:
    """How many of the live backends are in these states. One whose health is unknown may be in any."""
    if unclear is not None:
        facts.put(name, unclear)
        return
    hidden = Unknown(f"varnishstat shows no health of a backend, and the management CLI tells none ({_why(said)})")
    put_total(facts, name, [hidden if health == "unknown" else int(health in states) for health in healths])


def _why(said: Maybe[Said]) -> str:
    return said.reason if isinstance(said, Unknown) else "it is not in backend.list"


def _trouble(row: t.Mapping[str, t.Any]) -> tuple[bool, Number, Number]:
    """The order of the rows: sick first, then by failures, then by use."""
    return row["health"] == "sick", known(row["failures"]) or 0, known(row["lifetime_requests"]) or 0


def _row(window: Window, vcl: t.Optional[str], backend: str, said: Maybe[Said], active: Maybe[bool]) -> dict[str, t.Any]:
    prefix = f"VBE.{vcl}.{backend}." if vcl is not None else f"VBE.{backend}."
    told = {} if isinstance(said, Unknown) else said.get(f"{vcl}.{backend}", {})
    happy = window.latest.get(prefix + "happy")  # a history of 64 bits, not a number
    health, source = _health(told, happy, known(window.now(prefix + "unhealthy")))
    requests = window.moved(prefix + "req")
    failures = _failures(prefix, window.latest, window.moved)
    return {
        "name": clean(backend, 80),
        "vcl": measured(None if vcl is None else clean(vcl, 60), "this version does not report the VCL of a backend"),
        "active": active,
        "health": health,
        "health_source": measured(source, f"nothing tells its health: {_why(said)}"),
        "admin_health": measured(told.get("admin"), _why(said)),
        "probe_good": measured(told.get("good") if told.get("window") else None, "it has no probe" if told else _why(said)),
        "probe_window": measured(told.get("window") or None, "it has no probe" if told else _why(said)),
        "happy": measured(happy, "this version keeps no history of its probes"),
        "connections": window.now(prefix + "conn"),
        "requests": requests,
        "failures": failures,
        "failure_ratio": share(failures, total([requests, failures]), "no request went to it in the window"),
        "lifetime_requests": window.now(prefix + "req"),
        "lifetime_failures": _failures(prefix, window.latest, window.now),
    }


def _failures(prefix: str, counters: Counters, count: t.Callable[[str], Maybe[Number]]) -> Maybe[Number]:
    """Connections that failed, and those not even tried. The reasons (`fail_…`) are not always in `fail` (seen on 7.1)."""
    reasons = [count(name) for name in counters if name.startswith(prefix + "fail_")]
    failed = [known(total(reasons)) if reasons else None, known(count(prefix + "fail")) if prefix + "fail" in counters else None]
    refused = [count(prefix + name) for name in _REFUSED if prefix + name in counters]
    attempts = [value for value in failed if value is not None]
    if not attempts and not refused:
        return count(prefix + "fail")  # 4.x counts no failures per backend: null, not 0
    return total([max(attempts, default=0), *refused])


def _health(told: t.Mapping[str, t.Any], happy: t.Optional[int], refused: t.Optional[Number]) -> tuple[str, t.Optional[str]]:
    """(healthy | sick | no_probe | unknown, where that is from): what Varnish says, else its probes' history."""
    if told.get("health") in ("healthy", "sick"):
        if told["health"] == "healthy" and told.get("window") == 0:
            return "no_probe", "backend.list"
        return told["health"], "backend.list"
    if happy is None:
        return "unknown", None
    if happy == 0:
        # No probe at all (before 7.7), or 64 failed ones: then requests were refused for it.
        return ("sick" if refused else "no_probe"), "probe history"
    last = bin(happy & (2**_LAST - 1)).count("1")  # the newest probe is the lowest bit
    return ("healthy" if last >= min(_THRESHOLD, happy.bit_length()) else "sick"), "probe history"
