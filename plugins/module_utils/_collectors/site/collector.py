# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A site as visitors meet it: its names, certificates, redirects, headers and error pages. Asked for by URL only."""

from __future__ import annotations

import functools
import secrets
import time
import typing as t

from ..._collect.base import Collector, Sampler
from ..._collect.facts import Facts
from ..._collect.host_tools import HostTools
from ..._collect.problem import Problem
from ..._collect.visit import MOST, PORTS
from ..._texts import strict_url
from . import name_server, parse
from .fetch import Client, side_by_side
from .shape import Look, shape

_URLS: dict[str, t.Any] = {"type": "list", "elements": "str"}
OPTIONS: dict[str, t.Any] = {
    "url": {"type": "str"},
    "aliases": _URLS,
    "pages": _URLS,
    "static": _URLS,
    "error_pages": _URLS,
    "health": {"type": "str"},
    "address": {"type": "str"},
    "resolver": {"type": "str"},
    "ca_cert": {"type": "path"},
}
#: The parts of a look that are lists of URLs of the site.
LISTS = ("pages", "static", "error_pages")


def _checked(url: str, what: str) -> str:
    url = strict_url.in_ascii(url)
    parsed = strict_url.parse(url)
    if parsed is None or parsed.scheme not in PORTS or not parsed.host or parsed.has_login:
        raise Problem(f"give {what} as an http:// or https:// URL of a host, without a login")
    return url if parsed.path else f"{url}/"


class SiteSampler(Sampler):
    """One site, looked at once: there is nothing to measure over a window."""

    def __init__(self, options: dict[str, t.Any], tools: HostTools) -> None:
        super().__init__(options, tools)
        self.url = str(options.get("url") or "")
        self.look = Look()

    @property
    def name(self) -> str:
        return str(self.options.get("name") or parse.host_of(self.url) or "site")

    def first(self) -> None:
        if not self.url:
            raise Problem("give url, the address of the site as visitors type it, with https://")
        self.url = _checked(self.url, "url")
        ways = [_checked(url, "aliases") for url in self._ways()]
        hosts = list(dict.fromkeys(parse.host_of(url) for url in [self.url, *ways]))
        client = Client(hosts, self.options.get("address"), self.options.get("ca_cert"), self.tools.timeout)
        self.look = Look(url=self.url, hosts=hosts)
        self._names(client, [self.url, *ways])
        self._pages(client, ways)
        page = self.look.pages.get("page")
        if isinstance(page, Problem) or page is None:
            raise page or Problem("the site was not fetched")

    def _ways(self) -> list[str]:
        """URLs that are to lead to the site: over plain HTTP, and of its other names both ways."""
        scheme, host, port = parse.origin(self.url)
        plain = [f"http://{host}/"] if (scheme, port) == ("https", 443) else []
        for alias in (self.options.get("aliases") or [])[:MOST]:
            plain += [str(alias)] if "://" in str(alias) else [f"{way}://{alias}/" for way in PORTS if way == "http" or scheme == "https"]
        return plain

    def _names(self, client: Client, urls: t.Sequence[str]) -> None:
        """Whom the names lead to, and whether each has a certificate."""
        jobs: dict[str, t.Callable[[], t.Any]] = {}
        for host in self.look.hosts:
            if not name_server.is_address(host):
                jobs[f"dns {host}"] = functools.partial(
                    name_server.look_up, host, self.options.get("resolver"), self.tools.timeout, self.tools
                )
        for scheme, host, port in dict.fromkeys(parse.origin(url) for url in urls):
            if scheme == "https":
                jobs[f"tls {host}"] = functools.partial(client.shake, host, port)
        found = side_by_side(jobs, 1.5 * self.tools.timeout)
        self.look.names = {name[4:]: answer for name, answer in found.items() if name.startswith("dns ")}
        self.look.shakes = {name[4:]: answer for name, answer in found.items() if name.startswith("tls ")}
        client.untrusted = {host for host, shake in self.look.shakes.items() if getattr(shake, "untrusted", "")}

    def _pages(self, client: Client, ways: t.Sequence[str]) -> None:
        at = functools.partial(parse.next_url, self.url)
        named = {
            **{"page": self.url, "robots": at("/robots.txt"), "sitemap": at("/sitemap.xml")},
            "missing": at(f"/warroom-launch-no-such-page-{secrets.token_hex(4)}"),
            **({"health": at(str(self.options["health"]))} if self.options.get("health") else {}),
            **{f"{kind} {at(str(url))}": at(str(url)) for kind in LISTS for url in (self.options.get(kind) or [])[:MOST]},
        }
        jobs: dict[str, t.Callable[[], t.Any]] = {
            name: functools.partial(client.get, url, compressed=name == "page") for name, url in named.items()
        }
        jobs.update({f"way {url}": functools.partial(client.follow, url) for url in ways})
        self.look.pages = side_by_side(jobs, 2 * self.tools.timeout)

    def watch(self, seconds: float) -> None:
        """Nothing changes within a window."""

    def second(self) -> None:
        """What was read once holds."""

    def facts(self, window: t.Optional[float]) -> Facts:
        return shape(self.look, time.time(), self.tools.top)

    def presence(self) -> None:
        """Its servers are services of their own."""


def discover(_tools: HostTools) -> list[dict[str, t.Any]]:
    """None: only sites that the user names are looked at."""
    return []


COLLECTOR = Collector(
    service="site",
    options=OPTIONS,
    sampler=SiteSampler,
    discover=discover,
    places=("url",),
    helpful={"dns": "python3-dnspython"},
    access=("url",),
)
