# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A collector in whose window something happens: after the first sample and before the second, however slow the machine is."""

from __future__ import annotations

import dataclasses
import threading
import typing as t

from ansible_collections.warroom.launch.plugins.module_utils._collect.base import Collector


def with_meanwhile(collector: Collector, action: t.Optional[t.Callable[[], t.Any]]) -> Collector:
    """The collector; `action` runs beside the watching of its window, which ends no sooner than the action."""

    class Sampler(collector.sampler):  # type: ignore[name-defined,misc]
        def watch(self, seconds: float) -> None:
            worker = threading.Thread(target=action or (lambda: None))
            worker.start()
            super().watch(seconds)
            worker.join()

    return dataclasses.replace(collector, sampler=Sampler)
