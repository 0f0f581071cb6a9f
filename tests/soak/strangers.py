# Copyright (c) 2026, the warroom.launch authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stranger's first contact on six hosts, two of each kind, and the role launch_monitoring there and back; two releases of Debian."""

from __future__ import annotations

import pathlib
import tempfile
import traceback
import typing as t

from tests.support import stranger
from tests.support.first_contact import FirstContact
from tests.support.stranger_role import StrangersRole

from .role_table import TOOLS, Row

NAME = "stranger"
NAMES = ("web1", "web2", "app1", "app2", "db1", "db2")
#: Of which release each host is.
FLEETS: dict[str, dict[str, str]] = {
    "stranger bookworm": dict.fromkeys(NAMES, "bookworm"),
    "stranger trixie": dict.fromkeys(NAMES, "trixie"),
    "stranger both": {name: "bookworm" if name.endswith("1") else "trixie" for name in NAMES},
}


ROLE = "stranger role"
ROLE_FLEET = {"web1": "bookworm", "app1": "trixie", "db1": "trixie"}


def cases() -> list[str]:
    """The names of all rows."""
    return [*FLEETS, ROLE]


def rows(names: t.Sequence[str], _seed: int) -> t.Iterator[Row]:
    """A fleet each."""
    for name in names:
        yield _row(name)


def _row(name: str) -> Row:
    try:
        with tempfile.TemporaryDirectory() as folder:
            said = (_role if name == ROLE else _first_contact)(name, pathlib.Path(folder))
    except Exception as problem:
        place = traceback.extract_tb(problem.__traceback__)[-1]
        return Row(name, False, f"line {place.lineno}: {' '.join(str(problem).split())[-1500:] or type(problem).__name__}")
    return Row(name, True, said)


def _first_contact(name: str, folder: pathlib.Path) -> str:
    with stranger.made(FLEETS[name]) as fleet:
        stranger.settle(fleet)
        FirstContact(fleet, folder).play()
    return "from the first board to a verdict"


def _role(_name: str, folder: pathlib.Path) -> str:
    with stranger.made(ROLE_FLEET, *TOOLS) as fleet:
        stranger.settle(fleet, libraries=True)
        stranger.restart(fleet)
        StrangersRole(fleet, folder).play()
    return "there, seen in every pane, and back"
