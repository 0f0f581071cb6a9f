# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a service measures is what its module's RETURN documents."""

from __future__ import annotations

import importlib.util
import pathlib
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._checks import documented
from ansible_collections.warroom.launch.plugins.plugin_utils._checks.measures import measures, unit_of
from ansible_collections.warroom.launch.plugins.plugin_utils._checks.services import TITLES

ROOT = pathlib.Path(__file__).resolve().parents[5]


@pytest.fixture(scope="module")
def writer() -> t.Any:
    spec = importlib.util.spec_from_file_location("write_measures", ROOT / ".ci/measures.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_written_measures_are_those_of_the_modules(writer: t.Any) -> None:
    assert writer.TARGET.read_text(encoding="utf-8") == writer.document(), "run .venv/bin/python .ci/measures.py"


def test_a_service_without_documented_measures_does_not_exist() -> None:
    assert {service for service in TITLES if len(measures(service)) < 12} == set()
    assert all(measures(service)["unknown"] == "dict" and measures(service)["state"] == "str" for service in TITLES)


def test_a_queue_has_what_a_broker_has_but_for_what_is_the_hosts_own() -> None:
    assert set(measures("celery")) - set(measures("celery_queue")) == {"local", "collected_at", "duration_ms"}
    assert set(measures("celery_queue")) - set(measures("celery")) == {"addable", "beats", "beats_doubled", "host", "hosts"}


def entries(document: t.Any, path: str = "") -> t.Iterator[tuple[str, dict[str, t.Any]]]:
    for name, entry in document.items():
        yield f"{path}{name}", entry
        yield from entries(entry.get("contains", {}), f"{path}{name}.")


def test_every_entry_says_what_it_is(writer: t.Any) -> None:
    for path in sorted((ROOT / "plugins/modules").glob("*.py")):
        for name, entry in entries(writer.returned(path.stem)):
            assert entry.get("description"), f"{path.stem}: {name} has no description"
            assert entry["type"] in ("str", "int", "float", "bool", "dict", "list", "raw"), f"{path.stem}: {name}"
            assert entry["type"] != "list" or "elements" in entry, f"{path.stem}: {name} does not say what it is a list of"


#: Whose inside nobody can know beforehand.
OPEN = {"unknown", "at_least", "access"}


@pytest.mark.parametrize("service", TITLES)
def test_nothing_is_documented_as_just_a_dictionary(service: str) -> None:
    assert {name for name, shape in measures(service).items() if shape in ("dict", ["dict"])} == OPEN


@pytest.mark.parametrize(
    ("path", "shape", "unit"),
    [
        (["busy_ratio"], "float", "ratio"),
        (["sent_bytes_per_second"], "float", "bytes_per_second"),
        (["requests_per_second"], "float", "per_second"),
        (["row_lock_wait_milliseconds"], "float", "milliseconds"),
        (["latency_milliseconds", "p95"], "float", "milliseconds"),
        (["latency_milliseconds", "samples"], "int", None),
        (["bytes"], "int", "bytes"),
        (["queues_total"], "int", "count"),
        (["workers", "total"], "int", "count"),
        (["saturated"], "bool", "boolean"),
        (["version"], "str", "text"),
        (["listen_queue"], "int", None),
        (["hit_ratio_true"], "float", None),
    ],
)
def test_the_unit_is_the_ending_of_the_name(path: list[str], shape: str, unit: str | None) -> None:
    assert unit_of(path, shape) == unit


def test_the_modules_that_travel_do_not_bring_it_along() -> None:
    code = [*(ROOT / "plugins/modules").glob("*.py"), *(ROOT / "plugins/module_utils").rglob("*.py")]
    assert not [str(path) for path in code if "plugin_utils" in path.read_text(encoding="utf-8")]
    assert documented.TEXT.strip().startswith("{")
