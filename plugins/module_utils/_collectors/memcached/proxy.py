# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Proxies that speak memcached's protocol: mcrouter, twemproxy, and the proxy built into memcached."""

from __future__ import annotations

import typing as t

from .parse import count

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


def facts(instance_kind: str, stats: t.Mapping[str, str]) -> t.Optional[dict[str, t.Any]]:
    """What a proxy tells of itself and of the servers behind it; None for a server."""
    if instance_kind == "server":
        return None
    behind, working = count(stats, "num_servers"), count(stats, "num_servers_up")
    return {
        "product": product(stats),
        "servers_total": behind,
        "servers_up": working,
        "servers_down": None if behind is None or working is None else max(0, behind - working),
        "lifetime_requests": count(stats, "proxy_conn_requests"),
        "lifetime_errors": count(stats, "proxy_conn_errors"),
    }
