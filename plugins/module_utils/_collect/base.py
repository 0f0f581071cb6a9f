# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a collector (one service) offers: its options, how to find its instances, how to sample one."""

from __future__ import annotations

import dataclasses
import time
import typing as t

from .fact_names import fact_key
from .facts import Facts
from .host_tools import HostTools
from .sampling import Number, number


@dataclasses.dataclass(frozen=True)
class Presence:
    """An instance among the processes of this host: their main ones, and what is known of it whether they may be read or not."""

    pids: t.Sequence[int] = ()
    listens: t.Sequence[str] = ()
    #: Whom its configuration says that it talks to, connected at the moment or not.
    talks_to: t.Sequence[str] = ()
    #: Why it may talk to more than that and its open connections.
    partial: t.Optional[str] = None
    #: Where the code of an application is, as its configuration says it; None of what runs no code of the user's.
    code: t.Optional[str] = None
    #: When it loaded its code, where that is not the start of its processes (seconds since the epoch).
    loaded_at: t.Optional[float] = None
    #: Configuration files that it reads without being told to.
    reads: t.Sequence[str] = ()


class Sampler:
    """One instance of one service, sampled twice.

    A collector's own class overrides `first`, `second` and `facts`; each may raise `Problem` (or `Down`), whose text
    becomes the instance's `problem`. `gather` calls, each in the instance's own thread:
    `first()`, then `watch(window)` and `second()` unless the window is 0, then `facts(window)`, then `close()`.
    """

    #: Measures the machine itself: sampled while every other sampler sleeps, so that we do not measure ourselves.
    quiet = False

    #: Seconds that the tool behind the last fetch sleeps before it begins: so much earlier it may start, while the machine is sampled.
    lead = 0.0

    def __init__(self, options: dict[str, t.Any], tools: HostTools) -> None:
        self.options = options
        self.tools = tools

    @property
    def name(self) -> str:
        """How the instance is called in facts and findings; known before anything was read."""
        return str(self.options.get("name") or "default")

    def first(self) -> None:
        """Connect and take the first sample (fetch and parse)."""
        raise NotImplementedError

    def watch(self, seconds: float) -> None:
        """Pass the window. Samplers that listen (logs, events) or sample often override it."""
        time.sleep(seconds)

    def second(self) -> None:
        """Take the second sample."""
        raise NotImplementedError

    def facts(self, window: t.Optional[float]) -> Facts:
        """The measures, by the collector's pure `shape` (`window`: seconds between the samples, None without a second).

        The builder asks a reason of every null.
        """
        raise NotImplementedError

    @property
    def lost(self) -> bool:
        """Whether the connection that it reads over has ended, so that what it read last is no answer."""
        return False

    def uptime(self, facts: Facts) -> t.Optional[Number]:
        """Seconds since the start of what was read, by the facts of it; None when that is unknown."""
        try:
            return number(facts.get("uptime_seconds"))
        except KeyError:  # one of the measures of most services
            return None

    def close(self) -> None:
        """Let go of connections. Must not raise."""

    def presence(self) -> t.Optional[Presence]:
        """Whose sockets say who is connected to whom; asked after `close`. None of what is no service of its own."""
        return None


@dataclasses.dataclass(frozen=True)
class Collector:
    """A service: `launch_<service>` is its fact."""

    service: str
    options: dict[str, t.Any]  # argument spec of one instance (beside the common options)
    sampler: t.Callable[[dict[str, t.Any], HostTools], Sampler]
    #: Instances found on this host, as instance options. Looks at processes, sockets and configuration only.
    discover: t.Callable[[HostTools], list[dict[str, t.Any]]]
    #: Options that say which instance is meant; when one is given, the host is not searched.
    places: tuple[str, ...]
    #: Python libraries of the sampler: import name → package to install (Debian), e.g. {"psutil": "python3-psutil"}.
    #: Alternatives are joined by a bar, the best first: {"psycopg|psycopg2": "python3-psycopg"}.
    libraries: dict[str, str] = dataclasses.field(default_factory=dict)
    #: Libraries that it prefers and can do without.
    helpful: dict[str, str] = dataclasses.field(default_factory=dict)
    #: Options, none of them secret, that a person's tool needs to reach the instance as well: they stand in the facts as `access`.
    access: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        return fact_key(self.service)
