# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collector of Varnish: its options, its instances on a host, its sampler."""

from __future__ import annotations

import time
import typing as t

from ..._collect.base import Collector, Presence, Sampler
from ..._collect.facts import Facts, Maybe, T, Unknown, measured
from ..._collect.host_tools import HostTools
from ..._collect.problem import Lost, Problem
from ..._collect.sampling import Number, number
from ..._collect.visit import Visits, as_facts
from . import discover, fetch, parse, shape, vcl
from .window import began_anew

OPTIONS: dict[str, t.Any] = {
    "instance": {"type": "str"},
    "admin": {"type": "str"},
    "secret_file": {"type": "path", "no_log": False},
    "visits": {"type": "list", "elements": "str", "default": []},
}


#: Of so many VCLs (the active one, then labelled ones) the backends' addresses are asked for.
MOST_VCLS = 10
#: Seconds after which the clocks of a varnishd that is alive have moved for certain.
_TICK = 4.2


class VarnishSampler(Sampler):
    _first: parse.Counters
    _first_at = 0.0
    _second: t.Optional[parse.Counters] = None
    _second_at = 0.0
    _seen: t.Sequence[int] = ()
    _backends: Maybe[list[str]] = Unknown("it was not read")
    _visits: t.Optional[Visits] = None

    @property
    def name(self) -> str:
        return str(self.options.get("name") or self.options.get("instance") or "varnish")

    def _read(self) -> tuple[parse.Counters, float]:
        """The counters, and when they were read (monotonic: the time in varnishstat's answer is local, an hour off when clocks change)."""
        sample = parse.counters(fetch.stat(self.tools, self.options.get("instance")))
        shape.must_have_child(sample)
        return sample, time.monotonic()

    def first(self) -> None:
        self._seen = discover.pids(self.tools, self.options.get("instance"))
        if self.options.get("visits"):
            self._visits = Visits(self.options["visits"], self.tools.timeout)
        self._first, self._first_at = self._read()

    def second(self) -> None:
        try:
            self._second, self._second_at = self._read()
        except Problem:
            restarted = self._restarted()
            if restarted is None:
                raise
            raise Lost(f"{restarted}, and cannot be read yet: ask again when it serves") from None

    def facts(self, window: t.Optional[float]) -> Facts:
        restarted = self._check_alive()
        told = self._told()
        self._backends = self._addresses(told.vcls)
        facts = shape.facts(self._first, self._second, window, told, self.tools.top, restarted is not None)
        facts.put("client_options", discover.client_options(self.options.get("instance")))
        facts.put("visits", [] if self._visits is None else as_facts(self._visits.rows()))
        if restarted:
            facts.note(f"{restarted}; its cache is empty, and what it counted before is lost")
        return facts

    def presence(self) -> Presence:
        wanted = self.options.get("instance")
        here = [found for found in discover.discover(self.tools) if wanted in (found["instance"], found["name"])]
        listens = [str(found["address"]) for found in here if found["address"]]
        backends = self._backends
        if isinstance(backends, Unknown):
            return Presence(discover.pids(self.tools, wanted), listens, (), f"the backends of its VCL are not known: {backends.reason}")
        return Presence(discover.pids(self.tools, wanted), listens, backends)

    def _check_alive(self) -> t.Optional[str]:
        """By the clocks of two samples; with one sample, another is taken only when no process is seen that writes them.

        Gives a sentence when varnishd was restarted within the window.
        """
        restarted = self._restarted()
        if restarted is not None:
            if self._second is None or not began_anew(self._first, self._second):
                raise Lost(f"{restarted}, and was not read since")
            return restarted
        later, at = self._second, self._second_at
        if later is None and discover.runs(self.tools, self.options.get("instance")) is False:
            time.sleep(_TICK)
            later, at = self._read()
        if later is not None:
            shape.must_be_alive(self._first, later, at - self._first_at)
        return None

    def uptime(self, facts: Facts) -> t.Optional[Number]:
        return number(facts.get("child.uptime_seconds"))

    def _restarted(self) -> t.Optional[str]:
        """A sentence when another varnishd took the place of the one that was seen at first."""
        return discover.must_run_still(self.options.get("instance"), self._seen, self.tools.timeout / 2)

    def _told(self) -> shape.Told:
        """What the management CLI says. A part that it does not report is unknown with the reason, not the whole."""
        try:
            product, version = parse.version(self._ask("banner"))
        except Problem as problem:  # it would refuse the rest as well
            why = Unknown(self.tools.hide(str(problem)))
            return shape.Told(why, why, why, why, why)
        no_version = "the banner of the management CLI tells no version"
        return shape.Told(
            measured(product, no_version),
            measured(version, no_version),
            self._part(parse.vcls, "vcl.list", "-j"),
            self._part(parse.backends, "backend.list", "-j", "-p"),
            self._part(parse.parameters, "param.show", "-j"),
        )

    def _addresses(self, vcls: Maybe[t.Mapping[str, str]]) -> Maybe[list[str]]:
        """Where the backends of the live VCLs are."""
        if isinstance(vcls, Unknown):
            return vcls
        live = sorted((status, name) for name, status in vcls.items() if status in ("active", "labelled"))[:MOST_VCLS]
        if not live or live[0][0] != "active":
            return Unknown("none is active")
        found: list[str] = []
        for _status, name in live:
            part = self._part(vcl.addresses, "vcl.show", name)
            if isinstance(part, Unknown):
                return part
            found += part
        return list(dict.fromkeys(found))

    def _part(self, read: t.Callable[[bytes], T], *words: str) -> Maybe[T]:
        try:
            return read(self._ask(*words))
        except Problem as problem:
            return Unknown(self.tools.hide(str(problem)))

    def _ask(self, *words: str) -> bytes:
        """One command; Varnish 6.0 has no JSON yet and refuses the option, so we retry without."""
        try:
            return fetch.admin(self.tools, self.options, *words)
        except Problem:
            if len(words) == 1:
                raise
            return fetch.admin(self.tools, self.options, words[0])


def instances_here(tools: HostTools) -> list[dict[str, t.Any]]:
    """The varnishd (or vinyld) managers that run here."""
    return [{key: found[key] for key in ("instance", "name")} for found in discover.discover(tools)]


COLLECTOR = Collector("varnish", OPTIONS, VarnishSampler, instances_here, places=("instance", "admin"), access=("instance",))
