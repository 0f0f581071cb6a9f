# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The places that CONTRIBUTING sends people to are there, and no more than it promises."""

from __future__ import annotations

import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[3]
SECTION = re.search(r"^## What to touch\n(.*?)^## ", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.M | re.S)


def test_every_named_place_exists() -> None:
    assert SECTION is not None
    places = [place for place in re.findall(r"`([\w./-]+/[\w./-]*)`", SECTION[1]) if "<" not in place]
    assert len(places) > 15
    assert not [place for place in places if not (ROOT / place).exists()]


def test_a_service_takes_nine_edits_at_most() -> None:
    assert SECTION is not None
    numbers = [int(number) for number in re.findall(r"^(\d)\. ", SECTION[1], re.M)]
    assert numbers == list(range(2, 10))
