# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rows as the PostgreSQL collector's driver gives them, for tests of its shapes."""

from __future__ import annotations

import datetime
import typing as t

MOMENTS = ("query_start", "xact_start", "state_change", "backend_start")


def activity(document: dict[str, t.Any]) -> list[dict[str, t.Any]]:
    """Rows of a case's JSON ({now, rows} with texts as moments): moments become seconds since 1970, names are ours."""

    def seconds(text: t.Optional[str]) -> t.Optional[float]:
        return None if text is None else datetime.datetime.fromisoformat(text).timestamp()

    now = seconds(document["now"])
    rows = []
    for row in document["rows"]:
        own = {name: (seconds(value) if name in MOMENTS else value) for name, value in row.items()}
        rows.append({**own, "now": now, "user": own.pop("usename"), "database": own.pop("datname"), "hidden": False})
    return rows


def session(pid: int = 1, state: str = "active", **more: t.Any) -> dict[str, t.Any]:
    """A session whose query began 10 s ago and whose transaction began 20 s ago."""
    return {
        **{"pid": pid, "state": state, "backend_type": "client backend", "hidden": False, "wait_event_type": None},
        **{"user": "app", "database": "shop", "application": "web", "address": "10.0.0.1"},
        **{"now": 1000.0, "query_start": 990.0, "state_change": 990.0, "xact_start": 980.0},
        **more,
    }
