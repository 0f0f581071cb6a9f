# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What changed between stored rounds, and what of it is said of a cause."""

from __future__ import annotations

import pathlib
import sqlite3
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._texts import moments
from ansible_collections.warroom.launch.plugins.plugin_utils._diagnose import shortly_before
from ansible_collections.warroom.launch.plugins.plugin_utils._fleet.provenance import in_order, recent, states
from ansible_collections.warroom.launch.plugins.plugin_utils._store import watch_round
from ansible_collections.warroom.launch.plugins.plugin_utils._store.past import known_past
from ansible_collections.warroom.launch.plugins.plugin_utils._store.rounds import Store, StoreError

DAY = 86400.0
BEGIN = 1_000_000.0
OLD, NEW = "1a2b00000000", "3f2c00000000"


def facts(started: float, release: str = OLD, put_there: float = BEGIN - DAY, **rest: t.Any) -> dict[str, t.Any]:
    times = {"started_at": moments.written(started), "release_at": moments.written(put_there)}
    instance = {"name": "shop", "state": "up", "release": release, **times, **rest}
    return {"facts": {"launch_uwsgi": {"schema": 1, "instances": [instance]}}}


def fleet(*hosts: dict[str, t.Any]) -> dict[str, t.Any]:
    return {f"web{number}": host for number, host in enumerate(hosts, 1)}


def report(hosts: dict[str, t.Any], at: float, *causes: str, needs: t.Sequence[str] = ()) -> dict[str, t.Any]:
    """As `judge` makes it, with causes that hit all instances."""
    diagnoses: list[t.Any] = [
        {
            "cause": cause,
            "first_fix": "Add workers.",
            "hit": [f"{host}/uwsgi/shop" for host in hosts],
            "needs": list(needs),
            "way_back": None,
        }
        for cause in causes
    ]
    changes = in_order(recent(states(hosts), at))
    shortly_before.tell(diagnoses, changes, {}, at)
    return {"verdict": "no-go" if causes else "go", "findings": [], "hosts": hosts, "diagnoses": diagnoses, "changes": changes}


@pytest.fixture
def store(tmp_path: pathlib.Path) -> t.Iterator[Store]:
    with Store(str(tmp_path / "rounds.db")) as opened:
        yield opened


def one_round(store: Store, at: float, hosts: dict[str, t.Any], *causes: str) -> dict[str, t.Any]:
    made = report(hosts, at, *causes)
    watch_round.one_round(store, made, at, DAY)  # type: ignore[arg-type]
    return made


def test_a_release_just_before_a_cause_is_said_and_its_way_back_is_offered(store: Store) -> None:
    calm = fleet(*[facts(BEGIN - DAY)] * 3)
    assert one_round(store, BEGIN, calm)["changes"] == []
    released = fleet(*[facts(BEGIN + 20, NEW, BEGIN + 10)] * 3)
    for number in (1, 2, 20):
        made = one_round(store, BEGIN + 60 * number, released, "workers_exhausted")
        cause = made["diagnoses"][0]
        # however long it lasts, what came before is what came before its beginning
        assert cause["changes"] == [f"web1, web2 and web3 uwsgi: restarted, release {NEW} (was {OLD}), 40 s before"]
        assert cause["first_fix"] == f"Roll back release {NEW} on web1, web2 and web3, or: Add workers."
        assert cause["way_back"] == f"Roll back release {NEW} on web1, web2 and web3"
    first = one_round(store, BEGIN + 61 * 60, fleet(*[facts(BEGIN + 20, NEW, BEGIN + 10)] * 3))
    assert first["changes"] == []


def test_the_changes_are_those_since_the_round_before(store: Store) -> None:
    one_round(store, BEGIN, fleet(facts(BEGIN - DAY, configuration_digest="aa", configuration_at=moments.written(BEGIN - DAY))))
    later = fleet(facts(BEGIN - DAY, configuration_digest="bb", configuration_at=moments.written(BEGIN + 5)))
    assert one_round(store, BEGIN + 60, later)["changes"] == [
        {
            "host": "web1", "service": "uwsgi", "instance": "shop", "what": "configuration",
            "from": "aa", "to": "bb", "at": moments.written(BEGIN + 5),
        }
    ]  # fmt: skip
    assert one_round(store, BEGIN + 7200, later)["changes"] == []
    assert one_round(store, BEGIN + 7260, later)["changes"] == []


def test_no_way_back_where_not_all_that_is_hit_got_the_release(store: Store) -> None:
    one_round(store, BEGIN, fleet(*[facts(BEGIN - DAY)] * 2))
    made = one_round(store, BEGIN + 60, fleet(facts(BEGIN + 20, NEW, BEGIN + 10), facts(BEGIN - DAY)), "workers_exhausted")
    cause = made["diagnoses"][0]
    assert cause["changes"] == [f"web1 uwsgi: restarted, release {NEW} (was {OLD}), 40 s before"]
    assert cause["way_back"] is None and cause["first_fix"] == "Add workers."


def test_code_that_is_not_loaded_is_no_release_yet(store: Store) -> None:
    one_round(store, BEGIN, fleet(facts(BEGIN - DAY)))
    made = one_round(store, BEGIN + 60, fleet(facts(BEGIN - DAY, NEW, BEGIN + 10)), "workers_exhausted")
    assert made["changes"] == [] and made["diagnoses"][0]["changes"] == []
    loaded = one_round(store, BEGIN + 120, fleet(facts(BEGIN + 90, NEW, BEGIN + 10)), "workers_exhausted")
    assert {row["what"]: row["from"] for row in loaded["changes"]} == {"started": moments.written(BEGIN - DAY), "release": OLD}
    # it came when the cause was there already
    assert loaded["diagnoses"][0]["changes"] == []


def test_without_history_times_alone_tell() -> None:
    made = report(fleet(facts(BEGIN - 30, NEW, BEGIN - 40), facts(BEGIN - DAY, NEW, BEGIN - 40)), BEGIN, "workers_exhausted")
    assert [(row["host"], row["what"], row["from"]) for row in made["changes"]] == [("web1", "started", None), ("web1", "release", None)]
    assert made["diagnoses"][0]["changes"] == [f"web1 uwsgi: started, release {NEW}, 30 s before"]


def test_clocks_that_differ_a_little_are_no_restart(store: Store) -> None:
    for number, off in enumerate((0, 1, -1, 2)):
        made = one_round(store, BEGIN + 60 * number, fleet(facts(BEGIN - 3000 + off)))
        assert made["changes"] == []


def test_what_changed_elsewhere_is_not_said_of_the_cause(store: Store) -> None:
    hosts = fleet(facts(BEGIN - DAY), facts(BEGIN - DAY))
    one_round(store, BEGIN, hosts)
    made = report(fleet(facts(BEGIN - DAY), facts(BEGIN + 30)), BEGIN + 60, "workers_exhausted")
    made["diagnoses"][0]["hit"] = ["web1/uwsgi/shop"]
    watch_round.one_round(store, made, BEGIN + 60, DAY)  # type: ignore[arg-type]
    assert [row["host"] for row in made["changes"]] == ["web2"] and made["diagnoses"][0]["changes"] == []


def test_a_report_that_is_no_round_is_compared_as_well(tmp_path: pathlib.Path) -> None:
    import time  # the time of a report that is not stored is now

    path, now = str(tmp_path / "rounds.db"), time.time()
    with Store(path) as store:
        one_round(store, now - 60, fleet(facts(now - DAY)))
    made = report(fleet(facts(now - 20, NEW, now - 30)), now, "workers_exhausted")
    known_past(made, path)  # type: ignore[arg-type]
    assert {row["what"] for row in made["changes"]} == {"started", "release"} and all(row["from"] for row in made["changes"])
    with Store(path, read_only=True) as store:
        assert len(store.states()) == 2


def test_states_round_trip_and_only_the_last_outlive_pruning(store: Store) -> None:
    for number in range(5):
        one_round(store, BEGIN + number * DAY, fleet(facts(BEGIN + number * DAY - 10)))
    kept = [(subject[3], state.value) for subject, state, _seen in store.states()]
    assert ("release", OLD) in kept and ("started", moments.written(BEGIN + 4 * DAY - 10)) in kept and len(kept) <= 3


def test_a_store_of_an_older_version_has_no_states(tmp_path: pathlib.Path) -> None:
    path = str(tmp_path / "rounds.db")
    with Store(path) as store:
        one_round(store, BEGIN, fleet(facts(BEGIN)))
    with sqlite3.connect(path) as database:
        database.execute("DROP TABLE states")
    database.close()
    with Store(path, read_only=True) as store:
        assert store.states() == []
    with Store(path) as store:
        assert one_round(store, BEGIN + 60, fleet(facts(BEGIN)))["changes"] != []


@pytest.mark.parametrize(
    "row", [("web1", "uwsgi", "shop", "nonsense", "x", None, 1.0), ("web1", "uwsgi", "shop", "release", "x", "y", 1.0)]
)
def test_a_damaged_state_is_a_sentence(tmp_path: pathlib.Path, row: tuple[t.Any, ...]) -> None:
    path = str(tmp_path / "rounds.db")
    with Store(path) as store:
        one_round(store, BEGIN, fleet(facts(BEGIN)))
    with sqlite3.connect(path) as database:
        database.execute("INSERT INTO states (host, service, instance, what, value, since, seen) VALUES (?, ?, ?, ?, ?, ?, ?)", row)
    database.close()
    with pytest.raises(StoreError, match="cannot be used"), Store(path) as store:
        store.states()
