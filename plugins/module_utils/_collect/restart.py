# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An instance that was gone for a part of the window: it is read once at its end, and what happened is said."""

from __future__ import annotations

import contextlib
import dataclasses
import time
import typing as t

from .base import Collector
from .facts import Facts
from .host_tools import HostTools
from .problem import Down, HungUp, Lost, Problem, Silent, is_lost
from .sampling import DROPPED, ONE_SAMPLE, RESTARTED, RESTARTED_OR_DROPPED, STARTED_LATE, Number

#: Seconds between two attempts to reach what is not there yet.
_PAUSE = 0.25


def read_once(collector: Collector, options: dict[str, t.Any], tools: HostTools, error: Exception, begun: float, until: float) -> Facts:
    """The facts of one sample on a new connection, attempted until that moment (monotonic).

    `error`: how the old connection ended; `begun`: when the window did. Raises Down or a Problem when nothing can be read.
    """
    try:
        facts, uptime = _attempts(collector, options, tools, until)
    except Down as down:
        raise Down(f"it ended within the window: {down}") from None
    except Problem as problem:
        if _hangs(problem):
            raise  # it ended nothing: `gather` says which process is stopped
        if isinstance(error, Down):
            raise Down(f"{error}; and now: {problem}") from None
        raise Problem(f"it dropped our connection within the window, and now: {problem}") from None
    return _told(facts, _what_happened(uptime, time.monotonic() - begun))


def read_late(collector: Collector, options: dict[str, t.Any], tools: HostTools, error: Exception, until: float) -> Facts:
    """The facts of one sample of what did not answer when the window began. Raises why it did not, when it still does not."""
    try:
        facts, _uptime = _attempts(collector, options, tools, until)
    except Exception:  # pylint: disable=broad-exception-caught # the first answer says best what is wrong
        raise error from None
    return _told(facts, STARTED_LATE)


def runs_here(collector: Collector, tools: HostTools) -> bool:
    """Whether this host runs a program of the service, listening or not."""
    with contextlib.suppress(Exception):
        return bool(collector.discover(tools))
    return False


def _told(facts: Facts, happened: str) -> Facts:
    facts.say_instead(ONE_SAMPLE, happened)
    facts.note(f"{happened[0].upper()}{happened[1:]}")
    return facts


def _what_happened(uptime: t.Optional[Number], elapsed: float) -> str:
    """Servers tell their uptime in whole seconds."""
    if uptime is None:
        return RESTARTED_OR_DROPPED
    return RESTARTED if uptime <= elapsed + 1 else DROPPED


def _attempts(collector: Collector, options: dict[str, t.Any], tools: HostTools, until: float) -> tuple[Facts, t.Optional[Number]]:
    """What is being started refuses at first, in a way of its own; what hangs is waited for once."""
    while True:
        try:
            return _one_sample(collector, options, tools)
        except Exception as error:  # pylint: disable=broad-exception-caught # whatever a library makes of a server that is starting
            expected = isinstance(error, Problem) or is_lost(error)
            if not expected or _hangs(error) or time.monotonic() + _PAUSE >= until:
                raise
        time.sleep(_PAUSE)


def _hangs(error: Exception) -> bool:
    return isinstance(error, Silent) and not isinstance(error, HungUp)


def _one_sample(collector: Collector, options: dict[str, t.Any], tools: HostTools) -> tuple[Facts, t.Optional[Number]]:
    sampler = collector.sampler(options, dataclasses.replace(tools, _processes=None))  # its processes are others now
    try:
        sampler.first()
        facts = sampler.facts(None)
        if sampler.lost:
            raise Lost("it ended our connection again")
        return facts, sampler.uptime(facts)
    finally:
        with contextlib.suppress(Exception):
            sampler.close()
