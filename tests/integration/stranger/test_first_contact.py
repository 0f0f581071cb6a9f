# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stranger's first contact on three hosts of Debian; `make soak` has six, and another release."""

from __future__ import annotations

import pathlib

import pytest

from tests.support import stranger
from tests.support.first_contact import FirstContact
from tests.support.fleet import cannot

REASON = cannot("systemd-nspawn")
pytestmark = [
    pytest.mark.skipif(REASON is not None, reason=f"no Debian host with systemd can be made here: {REASON}"),
    pytest.mark.timeout(900),
]


def test_pasting_what_is_printed_leads_to_a_verdict(tmp_path: pathlib.Path) -> None:
    with stranger.made(dict.fromkeys(["web1", "app1", "db1"], "bookworm")) as fleet:
        stranger.settle(fleet)
        FirstContact(fleet, tmp_path).play()
