# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Since when each instance runs, and from which code and configuration: what two checks are compared by."""

from __future__ import annotations

import os
import time
import typing as t

from .._linux import release, usage
from .._texts import moments
from .._texts.redact import clean
from .base import Presence, Sampler
from .edges import BECOME, ELSEWHERE
from .facts import Facts, Maybe, Unknown
from .host_tools import HostTools
from .problem import fault

NAMES = ("started_at", "release", "release_at", "configuration_digest", "configuration_at")


def put(jobs: t.Sequence[tuple[Facts, Sampler]], tools: HostTools) -> None:
    """Fill in `started_at`, `release` and `configuration_digest`, with their times, of every instance that is a service of its own."""
    for facts, sampler in jobs:
        try:
            presence = sampler.presence()
        except Exception:  # pylint: disable=broad-exception-caught # it was never read far enough to know
            presence = Presence()
        if presence is None:
            continue
        try:
            _put(facts, sampler, presence, tools)
        except Exception as error:  # pylint: disable=broad-exception-caught # a strange /proc costs these measures, not the facts
            facts.update(dict.fromkeys(NAMES, Unknown(f"could not make sense of its processes: {fault(error)}")))


def _put(facts: Facts, sampler: Sampler, presence: Presence, tools: HostTools) -> None:
    started = _started(facts, sampler, presence)
    facts.put("started_at", started if isinstance(started, Unknown) else moments.written(started))
    found = _release(presence)
    facts.put("release", found if isinstance(found, Unknown) else clean(found.name, 80))
    facts.put("release_at", found if isinstance(found, Unknown) else moments.written(found.at))
    state = _configuration(presence, tools)
    facts.put("configuration_digest", state if isinstance(state, Unknown) else state.digest)
    facts.put("configuration_at", state if isinstance(state, Unknown) else moments.written(state.at))


def _started(facts: Facts, sampler: Sampler, presence: Presence) -> Maybe[float]:
    """By its own account where it gives one; of several processes the one that was started last."""
    if presence.loaded_at is not None:
        return presence.loaded_at
    # what an application tells is the uptime of its broker
    uptime = sampler.uptime(facts) if presence.code is None else None
    if uptime is not None:
        return time.time() - uptime
    starts = [at for at in map(usage.started_at, presence.pids) if at is not None]
    return max(starts) if starts else Unknown(ELSEWHERE)


def _release(presence: Presence) -> Maybe[release.Release]:
    if presence.code is None:
        return Unknown("no code of the application runs in it")
    if not presence.pids:
        return Unknown(ELSEWHERE)
    folders = [folder for folder in (*map(_folder, presence.pids), presence.code) if folder]
    for folder in dict.fromkeys(folders):
        found = release.of_folder(folder)
        if found is not None:
            return found
    return Unknown(f"the folder of its code may not be read, or tells no release: {BECOME}")


def _configuration(presence: Presence, tools: HostTools) -> Maybe[release.Configuration]:
    if not presence.pids:
        return Unknown(ELSEWHERE)
    rows = [row for row in tools.processes.rows if row.pid in presence.pids]
    files = [path for row in rows for path in release.named_files(row.argv, _folder(row.pid) or presence.code or "/")]
    state = release.configuration([*files, *presence.reads])
    return Unknown("no configuration file that it was started with can be seen") if state is None else state


def _folder(pid: int) -> str:
    try:
        return os.readlink(f"/proc/{pid}/cwd")
    except OSError:
        return ""
