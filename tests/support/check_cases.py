# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cases of the checks: `tests/checks/<check id>.yml`, each a list of `{name, state, facts, phase, thresholds, says, never}`."""

from __future__ import annotations

import dataclasses
import functools
import pathlib
import typing as t

import yaml

from ansible_collections.warroom.launch.plugins.plugin_utils._checks.catalogue import Catalogue, load
from ansible_collections.warroom.launch.plugins.plugin_utils._checks.check import Check
from ansible_collections.warroom.launch.plugins.plugin_utils._checks.evaluate import judged
from ansible_collections.warroom.launch.plugins.plugin_utils._checks.finding import STATUSES, Finding
from tests.support.facts import instance

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "checks"
#: A safe loader; the one in C takes a tenth of the time.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
KEYS = {"name", "state", "facts", "phase", "thresholds", "says", "never"}


@dataclasses.dataclass(frozen=True)
class Case:
    check: str
    name: str
    state: str
    facts: dict[str, t.Any]
    phase: str
    thresholds: dict[str, t.Any]
    says: tuple[str, ...]
    never: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.check}: {self.name}"

    def instance(self) -> dict[str, t.Any]:
        """A minimal instance whose name is an address, so that the command to look with can be printed."""
        name = "redis://192.0.2.1:6379/0" if self.check.startswith("celery") else "192.0.2.1:4711"
        return {**instance(name), **self.facts}

    def compiled(self) -> Check:
        settings = {self.check: self.thresholds} if self.thresholds else None
        return next(check for check in catalogue().checks(settings) if check.id == self.check)

    def finding(self) -> Finding:
        return judged(self.compiled(), "host1", self.instance(), self.phase)


@functools.cache
def catalogue() -> Catalogue:
    """All shipped checks, read and compiled once: that takes longer than most tests."""
    return Catalogue(load())


def checks_of(*services: str) -> tuple[Check, ...]:
    """The shipped checks of these services."""
    return tuple(check for check in catalogue().checks() if check.service in services)


@functools.cache
def cases() -> tuple[Case, ...]:
    return tuple(case for path in sorted(FOLDER.glob("*.yml")) for case in _cases(path))


def _cases(path: pathlib.Path) -> t.Iterator[Case]:
    for written in yaml.load(path.read_text(encoding="utf-8"), Loader=LOADER):
        where = f"{path.name}: {written.get('name')}"
        assert not set(written) - KEYS, f"{where}: unknown keys {sorted(set(written) - KEYS)}"
        assert written["state"] in STATUSES, f"{where}: state {written['state']!r}"
        yield Case(
            path.stem, written["name"], written["state"], written.get("facts") or {}, written.get("phase", "during"),
            written.get("thresholds") or {}, tuple(map(str, written.get("says") or ())), tuple(map(str, written.get("never") or ())),
        )  # fmt: skip
