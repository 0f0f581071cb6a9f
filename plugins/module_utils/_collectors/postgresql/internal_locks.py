# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shape: locks of the server's own memory that sessions at work wait for: no session holds them for long, and no blocker is to be found."""

from __future__ import annotations

import collections

from ..._collect.facts import Facts
from ..._sql.sessions import ACTIVE, Activity


def put(facts: Facts, activity: Activity) -> None:
    if activity.veiled is not None:
        facts.put("internal_locks", activity.veiled)
        return
    working = [session for session in activity.clients if session.get("state") in ACTIVE and session.get("wait_event_type") == "LWLock"]
    counted = collections.Counter(str(session.get("wait_event") or "?") for session in working)
    facts.put("internal_locks", [{"name": name, "sessions": sessions} for name, sessions in counted.most_common(activity.manner.top)])
