# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sample every instance side by side: first samples, one window, second samples, facts.

Each instance has its own thread and deadline, so a service that hangs or breaks affects only itself.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import threading
import time
import typing as t

from .._texts import redact
from .._texts.moments import now
from .._texts.plain import plain
from . import edges, libraries, provenance, restart, sampling, silence
from .base import Collector, Sampler
from .facts import Facts
from .flood import Guard
from .host_tools import GUESSED, HostTools
from .problem import Down, HungUp, Lost, NothingThere, Problem, Silent, broke_off, fault, is_lost

SCHEMA = 1


@dataclasses.dataclass
class Outcome:
    """One instance on its way: what it is, what came of it."""

    collector: Collector
    options: dict[str, t.Any]
    facts: Facts = dataclasses.field(default_factory=Facts)
    state: str = "up"
    problem: t.Optional[str] = None
    window: t.Optional[float] = None
    started: float = dataclasses.field(default_factory=time.monotonic)
    collected_at: str = dataclasses.field(default_factory=now)
    name: str = "default"
    finished: t.Optional[float] = None

    def as_facts(self, secrets: t.Collection[str]) -> dict[str, t.Any]:
        ended = self.finished or time.monotonic()
        record = {
            "name": redact.clean(self.name if self.options.get("name") else redact.without_login(self.name), 120),
            "state": self.state,
            "problem": self.problem,
            "window": None if self.window is None else round(self.window, 3),
            "collected_at": self.collected_at,
            "duration_ms": int((ended - self.started) * 1000),
            "access": self._access(),
            **self.facts.done(),
        }
        hidden: dict[str, t.Any] = redact.hide_deep(record, secrets)
        return hidden

    @property
    def places(self) -> list[t.Any]:
        """Where it is, as its options say it."""
        return [self.options[name] for name in self.collector.places if self.options.get(name)]

    def _access(self) -> dict[str, t.Any]:
        """How the instance is reached; of a password only that there is one, which a person's tool will have to ask for."""
        known = {name: self._reached_by(name) for name in self.collector.access if self.options.get(name) is not None}
        return {**known, "password": True} if self.options.get("login_password") else known

    def _reached_by(self, name: str) -> t.Any:
        """An option that says how the instance is reached, without a login in a place that has none."""
        value = plain(self.options[name])
        return redact.without_login(value) if isinstance(value, str) and name in self.collector.places else value


def _blame(outcome: Outcome, error: Exception, tools: HostTools) -> None:
    """The instance gave nothing: a Problem says why, anything else is ours to mend."""
    if isinstance(error, Problem):
        error = silence.explained(error, tools.timeout)
    if not isinstance(error, Problem) and broke_off(error):
        error = Down("the connection broke off while it was read: was it stopped or restarted just now? Ask again")
    guess = outcome.options.get(GUESSED)
    if guess and isinstance(error, NothingThere) and os.path.exists(f"/proc/{guess}"):
        error = Problem(
            f"its process (pid {guess}) runs, and where it listens may not be seen by this user: use become, or say where it is "
            f"(tried: {error})"
        )
    said = str(error) if isinstance(error, Problem) else f"could not make sense of the answer: {fault(error)}"
    outcome.state = error.state if isinstance(error, Problem) else "unreadable"
    outcome.problem, outcome.finished = tools.hide(said), time.monotonic()


class _Gate:
    """Opens once a known number of parties have arrived, or after a timeout, so that a dead party blocks no other."""

    def __init__(self, parties: int) -> None:
        self._left = parties
        self._lock = threading.Lock()
        self._event = threading.Event()
        if parties <= 0:
            self._event.set()

    def arrive(self) -> None:
        with self._lock:
            self._left -= 1
            if self._left <= 0:
                self._event.set()

    def wait(self, seconds: float) -> None:
        self._event.wait(seconds)


class _Arrival:
    """One party's arrival at a gate: at the latest when it ends."""

    def __init__(self, gate: _Gate) -> None:
        self._gate = gate
        self._made = False

    def make(self) -> None:
        if not self._made:
            self._made = True
            self._gate.arrive()


def _must_hold(sampler: Sampler) -> None:
    if sampler.lost:
        raise Lost("it ended our connection while it was read: was it stopped or restarted just now? Ask again")


class _Run:
    """One gathering: the two gates let the machine be sampled while every other sampler sleeps."""

    def __init__(self, jobs: list[tuple[Outcome, Sampler]], window: float, tools: HostTools) -> None:
        self.jobs = jobs
        self.window = window
        self.tools = tools
        self.guard = Guard()
        quiet = sum(sampler.quiet for _outcome, sampler in jobs)
        self.sampled = _Gate(len(jobs) - quiet)
        self.machine_done = _Gate(quiet)
        self.machine_ends: t.Optional[float] = None  # when the machine's window will have passed (monotonic), once it has begun
        self.deadline = time.monotonic() + window + 4 * tools.timeout + 1

    def one(self, outcome: Outcome, sampler: Sampler) -> None:
        try:
            self._sample(outcome, sampler)
        except Exception as error:  # pylint: disable=broad-exception-caught # a broken answer costs this instance only
            flooded = self.guard.reason(outcome.name, outcome.places)
            silent = isinstance(error, Silent) and not isinstance(error, HungUp)
            _blame(outcome, Problem(flooded) if flooded and not silent else error, self.tools)
        except SystemExit as end:  # code of others (a project's settings, a driver) that wants the whole program to end
            _blame(outcome, Problem(f"the code that had to be loaded for it ended the program (exit {end.code})"), self.tools)
        finally:
            with contextlib.suppress(Exception):
                sampler.close()
            outcome.finished = time.monotonic()

    def _sample(self, outcome: Outcome, sampler: Sampler) -> None:
        arrival = _Arrival(self.machine_done if sampler.quiet else self.sampled)
        try:
            if sampler.quiet:
                self.sampled.wait(self.tools.timeout)
                outcome.collected_at = now()
            begun = time.monotonic()
            try:
                sampler.first()
            except Exception as error:  # pylint: disable=broad-exception-caught # what it makes of that is raised again
                arrival.make()
                self._read_late(outcome, sampler, error, begun)
                return
            begun = time.monotonic()
            if not sampler.quiet:
                arrival.make()
            try:
                if self.window > 0:
                    outcome.window = self._pass_window(sampler, begun)
                if sampler.quiet:
                    arrival.make()
                outcome.facts = sampler.facts(outcome.window)
                _must_hold(sampler)
            except Exception as error:  # pylint: disable=broad-exception-caught # whatever a library makes of a peer that is gone
                self._read_again(outcome, sampler, error, begun)
            if sampling.RESTARTED in outcome.facts.unknown.values():
                outcome.facts.note(f"{sampling.RESTARTED[0].upper()}{sampling.RESTARTED[1:]}")
        finally:
            arrival.make()

    def _pass_window(self, sampler: Sampler, begun: float) -> float:
        """The second sample; gives the seconds between the two."""
        if sampler.quiet:
            self.machine_ends = begun + self.window
        sampler.watch(self.window)
        if not sampler.quiet:
            self._wait_for_machine(sampler.lead)
        ended = time.monotonic()
        sampler.second()
        _must_hold(sampler)
        return ended - begun

    def _read_again(self, outcome: Outcome, sampler: Sampler, error: Exception, begun: float) -> None:
        """It answered when the window began. What answers now, on a new connection, is read once: it was restarted, most likely."""
        if sampler.quiet or not self.window or not is_lost(error) or self.guard.reason(outcome.name, outcome.places):
            raise error
        until = self._pass_rest(outcome, sampler, begun)
        outcome.facts = restart.read_once(outcome.collector, outcome.options, self.tools, error, begun, until)

    def _read_late(self, outcome: Outcome, sampler: Sampler, error: Exception, begun: float) -> None:
        """Nothing listened when the window began although its program runs: a reload binds its sockets again, and is no fault."""
        missing = isinstance(error, NothingThere) or broke_off(error)
        if sampler.quiet or not self.window or not missing or not restart.runs_here(outcome.collector, self.tools):
            raise error
        until = self._pass_rest(outcome, sampler, begun)
        outcome.facts = restart.read_late(outcome.collector, outcome.options, self.tools, error, until)

    def _pass_rest(self, outcome: Outcome, sampler: Sampler, begun: float) -> float:
        """What is being restarted has the rest of the window to come back, and some time more: until the moment that is given."""
        with contextlib.suppress(Exception):
            sampler.close()
        ends = max(begun + self.window, time.monotonic())
        time.sleep(max(0.0, ends - time.monotonic()))
        outcome.window = None
        return min(ends + self.tools.timeout, self.deadline - 2 * self.tools.timeout)

    def _wait_for_machine(self, lead: float) -> None:
        """Until the machine has been sampled twice, or up to `lead` seconds before."""
        patience = 2 * self.tools.timeout
        ends = self.machine_ends
        if lead and ends is not None:
            patience = min(patience, max(0.0, ends - lead - time.monotonic()))
        self.machine_done.wait(patience)


def gather(wanted: t.Sequence[tuple[Collector, dict[str, t.Any]]], window: float, tools: HostTools) -> dict[str, dict[str, t.Any]]:
    """Facts by key (`launch_<service>`) of every wanted instance: {"schema": 1, "instances": [...]}."""
    jobs, outcomes = [], []
    for collector, options in wanted:
        outcome = Outcome(collector, options)
        outcomes.append(outcome)
        try:
            sampler = collector.sampler(options, tools)
            outcome.name = sampler.name
            for library, package in collector.libraries.items():
                libraries.require(library, package)
        except Exception as error:  # pylint: disable=broad-exception-caught # unexpected options affect this instance only
            outcome.name = str(options.get("name") or outcome.name)
            _blame(outcome, error, tools)
            continue
        jobs.append((outcome, sampler))
    run = _Run(jobs, window, tools)
    with run.guard:
        threads = [(outcome, _start(run, outcome, sampler)) for outcome, sampler in jobs]
        late = {id(outcome) for outcome, thread in threads if not _ended(thread, run.deadline)}
    read = [(outcome.facts, sampler) for outcome, sampler in jobs if outcome.state == "up" and id(outcome) not in late]
    edges.put(read, tools)
    provenance.put(read, tools)
    facts: dict[str, dict[str, t.Any]] = {}
    for outcome in outcomes:
        if id(outcome) in late:
            # its thread still holds the old record: leave that alone and report a fresh one
            outcome = Outcome(outcome.collector, outcome.options, state="unreadable", started=outcome.started, name=outcome.name)
            outcome.problem = f"no complete answer within {time.monotonic() - outcome.started:.0f} s: it hangs or is far too slow"
        entry = facts.setdefault(outcome.collector.key, {"schema": SCHEMA, "instances": []})
        entry["instances"].append(outcome.as_facts(tools.secrets))
    return facts


def _start(run: _Run, outcome: Outcome, sampler: Sampler) -> threading.Thread:
    # daemon: a thread stuck in a C library must not keep the module from ending
    thread = threading.Thread(target=run.one, args=(outcome, sampler), name=outcome.name, daemon=True)
    thread.start()
    return thread


def _ended(thread: threading.Thread, deadline: float) -> bool:
    thread.join(max(0.0, deadline - time.monotonic()))
    return not thread.is_alive()
