# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Side by side, bounded, and each failure local."""

from __future__ import annotations

import dataclasses
import json
import os
import threading
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect import restart
from ansible_collections.warroom.launch.plugins.module_utils._collect.base import Collector, Sampler
from ansible_collections.warroom.launch.plugins.module_utils._collect.facts import Facts
from ansible_collections.warroom.launch.plugins.module_utils._collect.host_tools import HostTools
from ansible_collections.warroom.launch.plugins.module_utils._collect.problem import Down, Ended, NothingThere, Problem, Silent, fault
from ansible_collections.warroom.launch.plugins.module_utils._collect.run import gather
from ansible_collections.warroom.launch.plugins.module_utils._collect.sampling import (
    DROPPED,
    ONE_SAMPLE,
    RESTARTED,
    RESTARTED_OR_DROPPED,
    STARTED_LATE,
    percentile,
)
from ansible_collections.warroom.launch.plugins.module_utils._texts.plain import plain
from tests.support.tools import FakeCommands


class Fine(Sampler):
    def first(self) -> None:
        self.samples = 1

    def second(self) -> None:
        self.samples += 1

    def facts(self, window: t.Optional[float]) -> Facts:
        facts = Facts()
        facts.update({"samples": self.samples, "shown": "secret EXAMPLEPW"})
        facts.put("odd", float("nan"), "no number")
        return facts


class Stopped(Fine):
    asked = 0

    def first(self) -> None:
        Stopped.asked += 1
        if Stopped.asked > 1:
            raise Down("nothing listens there with EXAMPLEPW")
        super().first()

    def second(self) -> None:
        raise ConnectionResetError("EXAMPLEPW")


class Restarted(Fine):
    def second(self) -> None:
        raise Down("it went away with EXAMPLEPW")

    def facts(self, window: t.Optional[float]) -> Facts:
        facts = super().facts(window)
        facts.put("rate", None, ONE_SAMPLE)
        return facts


class Dropped(Restarted):
    """A server that tells its uptime, and that is known to have ended our connection."""

    age = 0.0

    def second(self) -> None:
        self.samples += 1

    @property
    def lost(self) -> bool:
        return self.samples > 1

    def facts(self, window: t.Optional[float]) -> Facts:
        facts = super().facts(window)
        facts.put("uptime_seconds", self.age)
        return facts


class Starting(Restarted):
    """One that refuses twice before it is back."""

    asked = 0

    def first(self) -> None:
        Starting.asked += 1
        if Starting.asked in (2, 3):
            raise Problem("the database system is starting up")
        super().first()


class Fell(Fine):
    """One that serves connections of a moment: the counters say that it was restarted."""

    def facts(self, window: t.Optional[float]) -> Facts:
        facts = super().facts(window)
        facts.put("rate", None, RESTARTED)
        return facts


class HangsLater(Dropped):
    """One that is stopped within the window, as a library tells it: the connection is lost, and a new one gets no answer."""

    asked = 0

    def first(self) -> None:
        HangsLater.asked += 1
        if HangsLater.asked > 1:
            raise Silent("it accepts connections and does not answer", "/run/x.sock")
        super().first()


class Dead(Fine):
    asked = 0

    def first(self) -> None:
        Dead.asked += 1
        super().first()

    def second(self) -> None:
        raise Ended("it was killed")


class Slow(Fine):
    def second(self) -> None:
        raise Silent("no answer within 1 s", "/run/x.sock")


class Refused(Fine):
    def first(self) -> None:
        raise Problem("no permission")


class Broken(Fine):
    def facts(self, window: t.Optional[float]) -> Facts:
        facts = Facts()
        facts.put("ratio", 1 / 0)
        return facts


class Hangs(Fine):
    released = threading.Event()

    def first(self) -> None:
        self.released.wait(60)


class Cursed:
    def __str__(self) -> str:
        raise KeyError("EXAMPLEPW")


class Ends(Fine):
    def first(self) -> None:
        raise SystemExit("settings are wrong, EXAMPLEPW")


class WillNotClose(Fine):
    def close(self) -> None:
        raise ValueError("gone already")


class WillNotBegin(Fine):
    def __init__(self, options: dict[str, t.Any], tools: HostTools) -> None:
        raise ValueError("port out of range: EXAMPLEPW")


def collector(service: str, sampler: t.Any, **libraries: str) -> Collector:
    return Collector(service, {}, sampler, lambda tools: [], places=(), libraries=libraries)


def run(tools: HostTools, *collectors: Collector, window: float = 0.05) -> dict[str, dict[str, t.Any]]:
    tools.secrets = {"EXAMPLEPW"}
    tools.timeout = 0.2
    facts = gather([(one, {"name": one.service}) for one in collectors], window, tools)
    return {key: fact["instances"][0] for key, fact in facts.items()}


def test_two_samples_over_a_window(tools: HostTools) -> None:
    one = run(tools, collector("fine", Fine))["launch_fine"]
    assert (one["state"], one["problem"], one["samples"], one["odd"]) == ("up", None, 2, None)
    assert one["window"] >= 0.05 and one["unknown"] == {"odd": "no number"} and one["notes"] == [] and one["name"] == "fine"
    assert one["shown"] == "secret ********"


def test_no_window_is_one_sample_and_says_so(tools: HostTools) -> None:
    one = run(tools, collector("fine", Fine), window=0)["launch_fine"]
    assert one["samples"] == 1 and one["window"] is None


def test_each_failure_stays_with_its_instance(tools: HostTools) -> None:
    try:
        collectors = [collector("stopped", Stopped), collector("refused", Refused), collector("broken", Broken), collector("hangs", Hangs)]
        got = run(tools, collector("fine", Fine), *collectors)
    finally:
        Hangs.released.set()
    assert got["launch_fine"]["state"] == "up"
    assert (got["launch_stopped"]["state"], got["launch_stopped"]["problem"]) == (
        "down",
        "it ended within the window: nothing listens there with ********",
    )
    assert (got["launch_refused"]["state"], got["launch_refused"]["problem"]) == ("unreadable", "no permission")
    assert got["launch_broken"]["state"] == "unreadable" and "ZeroDivisionError" in got["launch_broken"]["problem"]
    assert got["launch_hangs"]["state"] == "unreadable" and "no complete answer within" in got["launch_hangs"]["problem"]


def test_a_restart_within_the_window_is_said(tools: HostTools) -> None:
    got = run(tools, collector("restarted", Restarted), collector("slow", Slow))
    again = got["launch_restarted"]
    assert (again["state"], again["window"], again["samples"]) == ("up", None, 1)
    assert "restarted" in again["unknown"]["rate"] and any("restarted" in note for note in again["notes"])
    assert got["launch_slow"]["state"] == "unreadable", "an answer that is late is no restart"


@pytest.mark.parametrize(("age", "said"), [(0.5, RESTARTED), (86400.0, DROPPED)])
def test_a_server_that_ended_our_connection_is_read_once_more(
    age: float, said: str, tools: HostTools, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Dropped, "age", age)
    again = run(tools, collector("dropped", Dropped))["launch_dropped"]
    assert (again["state"], again["window"], again["samples"], again["rate"]) == ("up", None, 1, None)
    assert again["unknown"]["rate"] == said and again["notes"] == [said[0].upper() + said[1:]]


def test_a_server_that_is_starting_is_waited_for(tools: HostTools, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Starting, "asked", 0)
    monkeypatch.setattr(restart, "_PAUSE", 0.001)
    again = run(tools, collector("starting", Starting))["launch_starting"]
    assert again["state"] == "up" and Starting.asked == 4 and again["unknown"]["rate"] == RESTARTED_OR_DROPPED


def test_a_server_that_hangs_since_has_dropped_nothing(tools: HostTools, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HangsLater, "asked", 0)
    hangs = run(tools, collector("hangs", HangsLater))["launch_hangs"]
    assert hangs["state"] == "unreadable" and hangs["problem"].startswith("it accepts connections and does not answer")
    assert HangsLater.asked == 2, "what hangs is waited for once"


def test_a_restart_that_only_the_counters_tell_is_noted(tools: HostTools) -> None:
    fell = run(tools, collector("fell", Fell))["launch_fell"]
    assert fell["state"] == "up" and fell["samples"] == 2 and any("restarted within the window" in note for note in fell["notes"])


def test_what_has_ended_for_certain_is_not_connected_to_again(tools: HostTools, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Dead, "asked", 0)
    dead = run(tools, collector("dead", Dead))["launch_dead"]
    assert (dead["state"], dead["problem"], Dead.asked) == ("down", "it was killed", 1)


def test_foreign_code_that_ends_the_program_is_no_answer(tools: HostTools) -> None:
    """A project whose settings call sys.exit must not look like a service that is up and gives nothing."""
    got = run(tools, collector("ends", Ends), collector("fine", Fine))
    assert got["launch_ends"]["state"] == "unreadable" and got["launch_fine"]["state"] == "up"
    assert "ended the program" in got["launch_ends"]["problem"] and "EXAMPLEPW" not in got["launch_ends"]["problem"]


def test_an_error_in_a_library_is_laid_to_its_peer_and_ours_to_us() -> None:
    """By kind and place, never by text: that may hold what the code stumbled over."""
    with pytest.raises(ValueError) as caught:
        json.loads("EXAMPLEPW")
    said = fault(caught.value)
    assert "JSONDecodeError in json/decoder.py, line" in said and "own address" in said and "report" not in said
    with pytest.raises(KeyError) as caught_text:
        plain([Cursed()])
    said = fault(caught_text.value)
    assert "KeyError in _collect/test_run.py" in said and "EXAMPLEPW" not in said
    with pytest.raises(TypeError) as caught_type:
        percentile([1], "EXAMPLEPW")  # type: ignore[arg-type]
    said = fault(caught_type.value)
    assert "TypeError in _collect/sampling.py" in said and said.endswith("please report this")


def test_a_probe_that_cannot_begin_or_end_costs_itself_only(tools: HostTools) -> None:
    got = run(tools, collector("begin", WillNotBegin), collector("close", WillNotClose), collector("fine", Fine))
    assert [got[f"launch_{name}"]["state"] for name in ("begin", "close", "fine")] == ["unreadable", "up", "up"]
    assert got["launch_begin"]["name"] == "begin" and "EXAMPLEPW" not in got["launch_begin"]["problem"]


def test_the_machine_is_sampled_while_the_others_sleep(tools: HostTools) -> None:
    order: list[str] = []

    class Other(Fine):
        def first(self) -> None:
            order.append("other first")

        def second(self) -> None:
            order.append("other second")

        def facts(self, window: t.Optional[float]) -> Facts:
            return Facts()

    class Machine(Other):
        quiet = True

        def first(self) -> None:
            order.append("machine first")

        def second(self) -> None:
            order.append("machine second")

    run(tools, collector("machine", Machine), collector("other", Other))
    assert order == ["other first", "machine first", "machine second", "other second"]


def test_a_tool_that_sleeps_first_may_start_before_the_machine_is_done(tools: HostTools) -> None:
    begun, started = threading.Event(), threading.Event()
    in_time: list[bool] = []

    class Sleepy(Fine):
        lead = 60.0

        def watch(self, seconds: float) -> None:
            begun.wait(20)

        def second(self) -> None:
            started.set()

    class Machine(Fine):
        quiet = True

        def watch(self, seconds: float) -> None:
            begun.set()
            in_time.append(started.wait(20))

    run(tools, collector("machine", Machine), collector("sleepy", Sleepy))
    assert in_time == [True]


def test_a_missing_library_is_named_with_its_package(tools: HostTools) -> None:
    one = run(tools, collector("lacking", Fine, no_such_library="python3-no-such"))["launch_lacking"]
    assert one["state"] == "unreadable"
    assert "no_such_library" in one["problem"] and "python3-no-such" in one["problem"] and "ansible_python_interpreter" in one["problem"]


def test_many_instances_keep_their_order(tools: HostTools) -> None:
    facts = gather([(collector("fine", Fine), {"name": str(number)}) for number in range(20)], 0, tools)
    assert [one["name"] for one in facts["launch_fine"]["instances"]] == [str(number) for number in range(20)]


class Nowhere(Fine):
    def first(self) -> None:
        raise NothingThere("connection to 127.0.0.1:5432 refused: nothing listens there")


class Reloading(Restarted):
    """One whose sockets are bound again while the window passes."""

    refused = 0

    def first(self) -> None:
        Reloading.refused += 1
        if Reloading.refused == 1:
            raise NothingThere("connection to 127.0.0.1:5432 refused: nothing listens there")
        super().first()


def found_here(service: str, sampler: t.Any) -> Collector:
    return dataclasses.replace(collector(service, sampler), discover=lambda _tools: [{"name": service}])


def test_what_reloads_when_the_window_begins_is_read_at_its_end(tools: HostTools, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Reloading, "refused", 0)
    back = run(tools, found_here("reloading", Reloading))["launch_reloading"]
    assert (back["state"], back["window"], back["samples"], back["unknown"]["rate"]) == ("up", None, 1, STARTED_LATE)
    assert back["notes"] == [STARTED_LATE[0].upper() + STARTED_LATE[1:]]


@pytest.mark.parametrize("here", [True, False])
def test_what_does_not_come_back_is_down_as_it_was(here: bool, tools: HostTools, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restart, "_PAUSE", 0.001)
    gone = run(tools, found_here("gone", Nowhere) if here else collector("gone", Nowhere))["launch_gone"]
    assert (gone["state"], gone["problem"]) == ("down", "connection to 127.0.0.1:5432 refused: nothing listens there")


@pytest.mark.parametrize("window", [0.0, 0.05])
def test_what_no_program_of_it_runs_for_is_asked_once(window: float, tools: HostTools, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Reloading, "refused", 0)
    made = found_here("reloading", Reloading) if not window else collector("reloading", Reloading)
    assert run(tools, made, window=window)["launch_reloading"]["state"] == "down" and Reloading.refused == 1


@pytest.mark.parametrize(
    "guess, state, said",
    [
        ({}, "down", "nothing listens there"),
        ({"_guessed": 2**22 + 1}, "down", "nothing listens there"),  # that process is gone
        ({"_guessed": os.getpid()}, "unreadable", "runs, and where it listens may not be seen by this user: use become"),
    ],
)
def test_a_guessed_address_proves_nothing_about_a_process_that_runs(guess: dict[str, int], state: str, said: str) -> None:
    facts = gather([(collector("uwsgi", Nowhere), {"name": "a", **guess})], 0, HostTools(FakeCommands()))
    (record,) = facts["launch_uwsgi"]["instances"]
    assert record["state"] == state and said in record["problem"]
