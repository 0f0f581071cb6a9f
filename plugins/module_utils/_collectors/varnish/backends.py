# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shape: the backends, each under the VCL that it belongs to, and which VCL is live."""

from __future__ import annotations

import re
import typing as t

from ..._collect.sampling import Number, ratio, top, total
from ..._text.redact import clean
from .parse import Counters
from .window import Window

# VBE.<vcl>.<backend>.<field>; a backend's name may hold dots and addresses: VBE.boot.goto.0000.(192.0.2.1).(http://x:80).req
_NAME = re.compile(r"^VBE\.(?P<vcl>[^.(]+)\.(?P<backend>.+)\.(?P<field>\w+)$")
# 4.0: VBE.<backend>(<ipv4>,<ipv6>,<port>).<field>, without the VCL
_OLD_NAME = re.compile(r"^VBE\.(?P<backend>[^.(]+\(.*\))\.(?P<field>\w+)$")
_REFUSED = ("unhealthy", "busy", "helddown")
#: What a probe without settings looks at (`.window`) and wants (`.threshold`).
_LAST, _THRESHOLD = 8, 3


def names(counters: Counters) -> dict[tuple[t.Optional[str], str], None]:
    """(vcl, backend) of every backend in the counters, in their order."""
    found: dict[tuple[t.Optional[str], str], None] = {}
    for name in counters:
        match = _OLD_NAME.match(name) or _NAME.match(name)
        if match:
            found[(match.groupdict().get("vcl"), match["backend"])] = None
    return found


def active_vcl(loaded: t.Mapping[str, str], counters: Counters) -> t.Optional[str]:
    """The live VCL by the management CLI, or the only one there is. Never guessed from its name (case V-08)."""
    for name, status in loaded.items():
        if status == "active":
            return name
    vcls = {vcl for vcl, _backend in names(counters) if vcl is not None}
    if not loaded and counters.get("MAIN.n_vcl") == 1 and len(vcls) == 1:
        return vcls.pop()
    return None


def measures(
    window: Window, active: t.Optional[str], said: t.Mapping[str, t.Mapping[str, t.Any]], keep: int, unknown: dict[str, str]
) -> dict[str, t.Any]:
    """Rows of the live VCL's backends (of all, with `active` null, when it is unknown which one is live)."""
    known = names(window.latest)
    unclear = active is None and len({vcl for vcl, _backend in known}) > 1
    rows = [
        _row(window, vcl, backend, said, None if unclear else True) for vcl, backend in known if unclear or active is None or vcl == active
    ]
    counted = [] if unclear else rows
    for row in rows:
        if row["health"] == "unknown":
            unknown[f"backends.{row['name']}"] = "varnishstat shows no health of it, and the management CLI was not readable"
    facts = {
        "backends": top(rows, "trouble", keep),
        "backends_total": len(rows),
        "backends_sick": sum(row["health"] == "sick" for row in counted),
        "backends_usable": sum(row["health"] in ("healthy", "no_probe") for row in counted),
        "stale_vcls": sorted({clean(vcl, 60) for vcl, _backend in known if vcl is not None and active is not None and vcl != active})[
            :keep
        ],
    }
    if unclear:
        why = "it is unknown which of the loaded VCLs is live; use become, or set secret_file for varnishadm"
        for name in ("backends_sick", "backends_usable"):
            facts[name] = None
            unknown[name] = unknown.get("active_vcl", why)
    for row in facts["backends"]:
        row.pop("trouble")
    return facts


def _row(
    window: Window, vcl: t.Optional[str], backend: str, said: t.Mapping[str, t.Mapping[str, t.Any]], active: t.Optional[bool]
) -> dict[str, t.Any]:
    prefix = f"VBE.{vcl}.{backend}." if vcl is not None else f"VBE.{backend}."
    told = said.get(f"{vcl}.{backend}", {})
    happy = window.since_start(prefix + "happy")
    health, source = _health(told, happy, window.since_start(prefix + "unhealthy"))
    requests = window.moved(prefix + "req")
    failures = _failures(prefix, window.latest, window.moved)
    lifetime_failures = _failures(prefix, window.latest, window.since_start)
    return {
        "name": clean(backend, 80),
        "vcl": None if vcl is None else clean(vcl, 60),
        "active": active,
        "health": health,
        "health_source": source,
        "admin_health": told.get("admin"),
        "probe_good": told.get("good") if told.get("window") else None,
        "probe_window": told.get("window") or None,
        "happy": happy,
        "connections": window.since_start(prefix + "conn"),
        "requests": requests,
        "failures": failures,
        "failure_ratio": ratio(failures, total(requests, failures)),
        "lifetime_requests": window.since_start(prefix + "req"),
        "lifetime_failures": lifetime_failures,
        "trouble": (10**15 if health == "sick" else 0) + (failures or 0) * 10**6 + (window.since_start(prefix + "req") or 0),
    }


def _failures(prefix: str, counters: Counters, count: t.Callable[[str], t.Optional[Number]]) -> t.Optional[Number]:
    """Connections that failed, and those not even tried. The reasons (`fail_…`) are not always in `fail` (seen on 7.1)."""
    reasons = _sum(count(name) for name in counters if name.startswith(prefix + "fail_"))
    failed = [value for value in (count(prefix + "fail"), reasons) if value is not None]
    return _sum([max(failed) if failed else None, *(count(prefix + name) for name in _REFUSED)])


def _sum(values: t.Iterable[t.Optional[Number]]) -> t.Optional[Number]:
    known = [value for value in values if value is not None]
    return sum(known) if known else None  # 4.x counts no failures per backend: null, not 0


def _health(told: t.Mapping[str, t.Any], happy: t.Optional[int], refused: t.Optional[int]) -> tuple[str, t.Optional[str]]:
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
