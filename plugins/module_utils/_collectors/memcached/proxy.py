# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Proxies that speak memcached's protocol: mcrouter, twemproxy, and the proxy built into memcached."""

from __future__ import annotations

import typing as t

from ..._collect.derived import never_negative
from ..._collect.facts import Facts, Maybe, Unknown, measured
from ..._collect.sampling import Number
from .parse import count

#: Why a proxy has hardly any of the measures.
NOT_COUNTED = "a proxy does not count it; read the servers behind it"

#: Given for peers that serve data but hang up on `stats`, as twemproxy does.
SILENT: dict[str, str] = {"version": "proxy without stats (twemproxy?)"}


def kind(stats: t.Mapping[str, str]) -> str:
    """`server` or `proxy`."""
    return "server" if product(stats) is None else "proxy"


def product(stats: t.Mapping[str, str]) -> t.Optional[str]:
    version = stats.get("version", "").lower()
    if "mcrouter" in version or "num_servers_up" in stats:
        return "mcrouter"
    if stats.get("version") == SILENT["version"]:
        return "twemproxy"
    if any(name.startswith("proxy_conn_") or name == "proxy_req_limit" for name in stats):
        return "memcached"
    return None


def _down(stats: t.Mapping[str, str], behind: Maybe[Number], working: Maybe[Number]) -> Maybe[Number]:
    """Servers that the proxy gave up on. One that nobody asked yet (new), or whose idle connection it closed, is not down."""
    down = count(stats, "num_servers_down")
    if down is not None:
        return down
    if isinstance(behind, Unknown) or isinstance(working, Unknown):
        return behind if isinstance(behind, Unknown) else working
    unused = (count(stats, "num_servers_new") or 0) + (count(stats, "num_servers_closed") or 0)
    return never_negative(behind - working - unused, "the number of servers that are down")


def put(facts: Facts, stats: t.Mapping[str, str]) -> None:
    """What a proxy tells of itself and of the servers behind it; unknown for a server."""
    name = product(stats)
    if name is None:
        facts.put("proxy", None, "this is a server, not a proxy")
        return

    def told(counter: str) -> Maybe[Number]:
        return measured(count(stats, counter), f"{name} does not report it")

    behind, working = told("num_servers"), told("num_servers_up")
    facts.put("proxy.product", name)
    facts.put("proxy.servers_total", behind)
    facts.put("proxy.servers_up", working)
    facts.put("proxy.servers_down", _down(stats, behind, working))
    facts.put("proxy.lifetime_requests", told("proxy_conn_requests"))
    facts.put("proxy.lifetime_errors", told("proxy_conn_errors"))
