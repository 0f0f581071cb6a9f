# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Moments as text, always in UTC: no text of ours depends on the time zone of the machine that writes or reads it."""

from __future__ import annotations

import datetime
import typing as t

_UTC = datetime.timezone.utc


def written(at: float) -> str:
    """Seconds since 1970 as ISO 8601 to the second: `2026-11-25T14:02:11Z`."""
    return datetime.datetime.fromtimestamp(at, _UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def read(text: str, form: str = "%Y-%m-%dT%H:%M:%SZ") -> float:
    """Seconds since 1970 of such a text (or of one in another form that means UTC); a ValueError when it is none."""
    return datetime.datetime.strptime(text, form).replace(tzinfo=_UTC).timestamp()


def clock(at: float) -> str:
    """The time of day: `14:02:11Z`."""
    return datetime.datetime.fromtimestamp(at, _UTC).strftime("%H:%M:%SZ")


def today(at: t.Optional[float] = None) -> datetime.date:
    """The day of a moment (now, by default) in UTC."""
    return (datetime.datetime.now(_UTC) if at is None else datetime.datetime.fromtimestamp(at, _UTC)).date()


def now() -> str:
    """The time of this machine, as `written`."""
    return datetime.datetime.now(_UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
