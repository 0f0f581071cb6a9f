# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A watch over rounds made by hand: what is told, what the report learns of its past, when it is over."""

from __future__ import annotations

import pathlib
import time
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._store import watch_round
from ansible_collections.warroom.launch.plugins.plugin_utils._store.past import known_past
from ansible_collections.warroom.launch.plugins.plugin_utils._store.rounds import Round, Store, stretches, worst

DAY = 86400.0


def finding(check: str, status: str, value: t.Any, **rest: t.Any) -> dict[str, t.Any]:
    return {"check": check, "host": "app1", "service": "uwsgi", "instance": "a", "status": status, "value": value, "unit": "ratio", **rest}


def report(verdict: str, *findings: dict[str, t.Any], causes: t.Sequence[str] = (), **rest: t.Any) -> dict[str, t.Any]:
    diagnoses = [{"cause": cause, "statement": "An index is missing.", "first_fix": "Create it."} for cause in causes]
    return {"verdict": verdict, "findings": list(findings), "diagnoses": diagnoses, **rest}


def round_of(store: Store, given: dict[str, t.Any], at: float) -> list[dict[str, t.Any]]:
    """A round as the action has it: told, and then remembered."""
    changes, states = watch_round.one_round(store, given, at, DAY)
    store.announce(states)
    return changes


@pytest.fixture
def store(tmp_path: pathlib.Path) -> t.Iterator[Store]:
    with Store(str(tmp_path / "rounds.db")) as opened:
        yield opened


def test_a_disaster_and_its_cure_are_each_told_once(store: Store) -> None:
    def calm() -> dict[str, t.Any]:
        return report("go", finding("uwsgi_workers_busy", "ok", 0.2))

    def fire() -> dict[str, t.Any]:
        busy = finding("uwsgi_workers_busy", "fail", 1.0, finding="8 of 8 workers busy", advice="Add 4 workers.")
        return report("no-go", busy, causes=["missing_index"])

    told = []
    for number, round_ in enumerate([calm(), calm(), fire(), fire(), fire(), calm(), calm(), calm()]):
        at = 1000.0 + 10 * number
        changes = round_of(store, round_, at)
        told.append([line[10:] for line in watch_round.change_lines(changes, round_, at)])
    assert [len(lines) for lines in told] == [0, 0, 0, 5, 0, 0, 3, 0]
    assert told[3] == [
        "GO → NO-GO",
        "CAUSE missing_index: An index is missing.",
        "→ first: Create it.",
        "uwsgi_workers_busy on app1 a: ok → fail: 8 of 8 workers busy",
        "→ Add 4 workers.",
    ]
    assert told[6][:2] == ["NO-GO → GO", "cause missing_index is gone"]


def test_the_report_learns_its_past(store: Store) -> None:
    for number in range(5):
        last = report("go", finding("uwsgi_workers_busy", "ok", number / 10), finding("other", "ok", 1.0))
        round_of(store, last, 1000.0 + number)
    assert [one["trend"] for one in last["findings"]] == ["rising", "steady"]
    assert len(last["history"]["rounds"]) == 5 and last["history"]["rounds"][0]["at"] == "1970-01-01T00:16:40Z"
    assert [(one["check"], [value for _at, value in one["points"]]) for one in last["history"]["series"]] == [
        ("uwsgi_workers_busy", [0.0, 0.1, 0.2, 0.3, 0.4])
    ]


def test_old_rounds_are_forgotten(store: Store) -> None:
    round_of(store, report("go"), 1000.0)
    round_of(store, report("go"), 1000.0 + 2 * DAY)
    assert [one.at for one in store.rounds()] == [1000.0 + 2 * DAY]


@pytest.mark.parametrize(
    "until, verdicts, over",
    [
        ("go", ["no-go", "go"], False),
        ("go", ["no-go", "go", "go with warnings"], True),
        ("go", ["go", "unknown"], False),
        ("no-go", ["go", "no-go", "no-go"], True),
        ("never", ["go", "go", "go"], False),
    ],
)
def test_the_watch_ends_on_a_verdict_that_lasts(store: Store, until: str, verdicts: list[str], over: bool) -> None:
    for number, verdict in enumerate(verdicts):
        last = report(verdict)
        round_of(store, last, 1000.0 + number)
    assert watch_round.is_over(store, last, until, 0.0) is over


@pytest.mark.parametrize("loads, over", [([0.5, 2, 4, 3, 2, 1], True), ([0.5, 2, 4], False), ([0.2, 0.3, 0.2, 0.1, 0.1], False)])
def test_the_watch_ends_when_the_load_turned_the_corner(store: Store, loads: list[float], over: bool) -> None:
    for number, load in enumerate(loads):
        last = report("no-go", finding("server_load", "fail", load))
        round_of(store, last, 1000.0 + number)
    assert watch_round.is_over(store, last, "corner", 0.0) is over


def many(status: str, count: int, host: str = "app{}") -> list[dict[str, t.Any]]:
    return [{**finding("uwsgi_workers_busy", status, 1.0, finding="busy", advice="Add."), "host": host.format(at)} for at in range(count)]


def lines_of(store: Store, *rounds: dict[str, t.Any]) -> list[str]:
    """What the last round tells."""
    for number, given in enumerate(rounds):
        changes = round_of(store, given, 1000.0 + number)
    return [line[10:] for line in watch_round.change_lines(changes, rounds[-1], 0.0)]


def test_the_same_change_on_many_hosts_is_one_line(store: Store) -> None:
    calm, fire = report("go", *many("ok", 50)), report("go", *many("fail", 50))
    assert lines_of(store, calm, fire, fire) == ["uwsgi_workers_busy on app0 a and 49 more: ok → fail: busy", "→ Add."]


def test_a_host_that_is_lost_and_comes_back_is_one_line_each(store: Store) -> None:
    here = [{**one, "host": "db1"} for one in (finding("a", "ok", 1), finding("b", "ok", 1), finding("c", "ok", 1))]
    lost = {"check": "host_reached", "host": "db1", "service": "server", "status": "unknown", "finding": "gone", "advice": "x"}
    assert lines_of(store, report("go", *here), report("unknown", lost), report("unknown", lost)) == [
        "GO → UNKNOWN",
        "host_reached on db1: new → unknown: gone",
        "db1: 3 checks were ok and are not reported any more",
    ]
    assert lines_of(store, report("go", *here), report("go", *here)) == [
        "UNKNOWN → GO",
        "db1: 3 checks are reported and fine",
        "db1: host_reached was unknown and is not reported any more",
    ]


def test_hosts_that_are_lost_together_are_one_line(store: Store) -> None:
    everywhere = many("ok", 30)
    assert lines_of(store, report("go", *everywhere), report("go", *everywhere[:5]), report("go", *everywhere[:5])) == [
        "app10 and 24 more: uwsgi_workers_busy was ok and is not reported any more"
    ]


@pytest.mark.parametrize(
    "at, every, minutes, wait",
    [(1001.5, 10, 60, 9), (1001.0, 10, None, 9), (1010.0, 10, 60, 0), (1025.0, 10, 60, 0), (1001.0, 60, 1, None), (1070.0, 10, 1, None)],
)
def test_rounds_begin_at_a_pace_and_not_after_the_end(at: float, every: float, minutes: t.Optional[float], wait: t.Optional[int]) -> None:
    assert watch_round.pace({"started_at": "1970-01-01T00:16:40Z"}, at, every, 1000.0, minutes) == wait


def test_who_is_killed_before_the_change_is_remembered_tells_it_again(store: Store) -> None:
    rounds = [report("go"), report("no-go"), report("no-go"), report("no-go")]
    for number, given in enumerate(rounds[:2]):
        round_of(store, given, 1000.0 + number)
    told = [watch_round.one_round(store, given, 1002.0 + number, DAY)[0] for number, given in enumerate(rounds[2:])]
    assert [len(changes) for changes in told] == [1, 1]


def test_what_is_over_its_limit_clears_at_the_pace_of_the_last_rounds(store: Store) -> None:
    for number in range(4):
        last = report("no-go", finding("uwsgi_workers_busy", "fail", 1.0 - number / 100, limit=">= 0.95 and listen_queue > 0"))
        round_of(store, last, 1000.0 + number)
    assert last["findings"][0]["trend"] == "steady" and last["findings"][0]["clears_in_seconds"] is None
    for number in range(4, 16):
        last = report("no-go", finding("uwsgi_workers_busy", "fail", 1.0 - number / 100, limit=">= 0.75"))
        round_of(store, last, 1000.0 + number)
    assert last["findings"][0]["trend"] == "falling" and last["findings"][0]["clears_in_seconds"] == pytest.approx(10, abs=0.2)


def test_a_report_that_is_not_stored_has_its_past_too(store: Store, tmp_path: pathlib.Path) -> None:
    now = time.time()
    for number in range(4):
        round_of(store, report("go", finding("uwsgi_workers_busy", "ok", number / 10)), now - 40 + 10 * number)
    given = report("go", finding("uwsgi_workers_busy", "ok", 0.4), finding("server_load", "ok", 1.0))
    known_past(given, store.path)
    assert [one["trend"] for one in given["findings"]] == ["rising", None]
    assert len(store.rounds()) == 4 and len(given["history"]["rounds"]) == 4
    alone = report("go")
    known_past(alone, str(tmp_path / "nowhere" / "rounds.db"))
    assert "history" not in alone and not (tmp_path / "nowhere").exists()


def test_a_day_of_rounds_is_thinned_and_the_disaster_stays(store: Store) -> None:
    rounds = [Round(at, float(at), None, "no-go" if at == 777 else "go", ["x"] if at == 776 else []) for at in range(1, 2001)]
    thin = stretches(rounds, 300)
    assert len(thin) <= 301 and sum(thin, []) == rounds and thin[-1] == rounds[-1:]
    assert [worst(one).id for one in thin if worst(one).verdict == "no-go"] == [777]
