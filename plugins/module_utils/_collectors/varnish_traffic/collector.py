# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collector of the traffic through Varnish: its options, its instances on a host, its sampler."""

from __future__ import annotations

import time
import typing as t

from ..._collect.base import Collector, Sampler
from ..._collect.facts import Facts, Maybe, Unknown
from ..._collect.host_tools import HostTools
from ..._collect.problem import Problem
from ..varnish import discover
from . import active, expected, log, query, shape
from .tally import Matcher, Tally

OPTIONS: dict[str, t.Any] = {
    "instance": {"type": "str"},
    "last": {"type": "float"},
    "cached": {"type": "list", "elements": "str"},
    "uncached": {"type": "list", "elements": "str"},
    "query": {"type": "str"},
    "group_by": {"type": "str", "default": "ReqURL"},
    "probe_urls": {"type": "list", "elements": "str"},
    "address": {"type": "str"},
}

#: How many URLs may be fetched: this is a check, not a load test.
_MOST_PROBES = 20

#: Seconds of the log that one look without a window is about.
_ONE_LOOK = 60.0


class TrafficSampler(Sampler):
    """One pass over the shared log when the window has passed: what ended within the window."""

    lead = 0.1  # varnishncsa sleeps so long before it opens the log

    _expected: t.Sequence[Matcher] = ()
    _probes: t.Sequence[dict[str, t.Any]] = ()
    _seen: t.Sequence[int] = ()
    _begun = 0.0  # when the window began, by the monotonic clock
    _no_probes: t.Optional[str] = "no URLs were named to be fetched (probe_urls)"

    @property
    def name(self) -> str:
        return str(self.options.get("name") or self.options.get("instance") or "varnish")

    def first(self) -> None:
        """Whatever can be said at once: wrong expressions, no access. And the named URLs, so that the log has them too."""
        self._begun = time.monotonic()
        self._seen = discover.pids(self.tools, self.options.get("instance"))
        self._expected = expected.matchers(self.options)
        if self.options.get("query"):
            query.check(self.options["query"], self.options.get("group_by") or "ReqURL")
        urls = list(self.options.get("probe_urls") or [])[:_MOST_PROBES]
        if urls:
            self._probe(urls)

    def _probe(self, urls: t.Sequence[str]) -> None:
        try:
            self._probes = active.probe(urls, self._address(), self._expected, self.tools.timeout)
            self._no_probes = None
        except Problem as problem:
            self._no_probes = self.tools.hide(str(problem))

    def second(self) -> None:
        """Nothing: the log itself remembers, and is read once by `facts`, when the machine was already measured."""

    def _address(self) -> str:
        if self.options.get("address"):
            return str(self.options["address"])
        for found in discover.discover(self.tools):
            if found["address"] and self.options.get("instance") in (None, found["instance"], found["name"]):
                return str(found["address"])
        raise Problem("probe_urls: it is unknown where varnishd listens; set address to host:port")

    def facts(self, window: t.Optional[float]) -> Facts:
        restarted = discover.must_run_still(self.options.get("instance"), self._seen, self.tools.timeout / 2)
        period = self._period(window)
        since = time.time() - period if period > 0 else 0.0
        tally = Tally(self._expected)
        place, patience = self.options.get("instance"), self.tools.timeout
        stream = log.read(self.tools, place, tally.feed, patience, 2 * patience, more=log.only_since(since))
        if tally.lines and tally.unparsed == tally.lines:
            raise Problem(
                f"none of the {tally.lines} lines of varnishncsa is of the format that was asked for: is it of varnishd's version?"
            )
        facts = shape.facts(tally, stream, self._expected, self.tools.top, since)
        active.put(facts, list(self._probes), self._no_probes, bool(self.options.get("probe_urls")))
        facts.put("query", self._answer_to_query())
        facts.put("client_options", discover.client_options(self.options.get("instance")))
        if restarted:
            facts.note(f"{restarted}; what it logged before is lost")
        return facts

    def _period(self, window: t.Optional[float]) -> float:
        """Seconds of the log to count, up to now: those since the window began, unless others were asked for; 0 is all of it."""
        if self.options.get("last") is not None:
            return max(0.0, float(self.options["last"]))
        return time.monotonic() - self._begun if window else _ONE_LOOK

    def _answer_to_query(self) -> Maybe[dict[str, t.Any]]:
        text, tag = self.options.get("query"), self.options.get("group_by") or "ReqURL"
        if not text:
            return Unknown("no query was given")
        try:
            return query.ask(self.tools, self.options.get("instance"), text, tag, self.tools.top, self.tools.timeout)
        except Problem as problem:
            return Unknown(self.tools.hide(str(problem)))


def instances_here(tools: HostTools) -> list[dict[str, t.Any]]:
    """The varnishd (or vinyld) managers that run here."""
    return [{key: found[key] for key in ("instance", "name", "address")} for found in discover.discover(tools)]


COLLECTOR = Collector("varnish_traffic", OPTIONS, TrafficSampler, instances_here, places=("instance",), access=("instance",))
