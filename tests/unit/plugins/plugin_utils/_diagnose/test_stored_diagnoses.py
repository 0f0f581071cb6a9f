# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The causes of launch.json keep their structure and values: those of every disaster against stored ones."""

from __future__ import annotations

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._texts.plain import plain
from ansible_collections.warroom.launch.plugins.plugin_utils._diagnose.cause import Diagnosis
from tests.support.stored import RENEW, required, stored

from .test_diagnosis import SINGLE
from .world import World


@pytest.mark.parametrize("disaster", SINGLE)
def test_a_diagnosis_is_as_the_stored_one(disaster: str) -> None:
    world = World()
    getattr(world, disaster)()
    world.diagnose()
    made = plain(world.search.diagnoses)
    assert made == stored(f"diagnoses_of_{disaster}", made), RENEW
    assert [set(diagnosis) for diagnosis in made] == [required(Diagnosis)]
