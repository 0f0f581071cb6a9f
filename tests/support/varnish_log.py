# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lines as varnishncsa prints them in our format."""

from __future__ import annotations

import typing as t

from ansible_collections.warroom.launch.plugins.module_utils._collect.run import gather
from ansible_collections.warroom.launch.plugins.module_utils._collectors.varnish_traffic.collector import COLLECTOR

_DETAIL = ("ttl_source", "ttl", "cookie", "authorization", "set_cookie", "cache_control", "vary")


def client(handling: str = "hit", url: str = "/", status: int = 200, method: str = "GET", **more: t.Any) -> bytes:
    """One client transaction."""
    return _line(["c", handling, str(status), method, "rxreq", "-"], url, more)


def backend(begin: str = "fetch", url: str = "/", status: int = 200, method: str = "GET", storage: str = "main", **more: t.Any) -> bytes:
    """One backend transaction."""
    return _line(["b", "-", str(status), method, begin, storage], url, more)


def _line(kind: list[str], url: str, more: dict[str, t.Any]) -> bytes:
    head = [*kind, more.get("host", "shop.example.com"), more.get("agent", "Mozilla/5.0 Firefox/130")]
    mark = "".join(str(more.get(name, "-")) for name in ("hit_for_miss", "hit_for_pass", "left"))
    numbers = [more.get("size", 100), more.get("spent", 1000), more.get("first", "0.000500"), more.get("start", "1795570000.000000")]
    detail = [str(more.get(name, "-")) for name in _DETAIL]
    return "\x1e".join(["\t".join(head), mark, url, *(str(number) for number in numbers), "\t".join(detail)]).encode() + b"\n"


def look(tools: t.Any, commands: t.Any, log: t.Any, **options: t.Any) -> dict[str, t.Any]:
    """The facts of an instance whose varnishncsa prints this, whenever that was."""
    commands.answers["varnishncsa"] = log
    return gather([(COLLECTOR, {"last": 0, **options})], 0, tools)["launch_varnish_traffic"]["instances"][0]
