# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Moments as text, always in UTC: no text of ours depends on the time zone of the machine that writes or reads it."""

from __future__ import annotations

import datetime
import re
import typing as t

_UTC = datetime.timezone.utc
_ZONED = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,6})?(?:Z|([+-]\d\d):(\d\d))", re.ASCII)


def written(at: float) -> str:
    """Seconds since 1970 as ISO 8601 to the second: `2026-11-25T14:02:11Z`."""
    return datetime.datetime.fromtimestamp(at, _UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def read(text: str, form: str = "%Y-%m-%dT%H:%M:%SZ") -> float:
    """Seconds since 1970 of such a text (or of one in another form that means UTC); a ValueError when it is none."""
    return datetime.datetime.strptime(text, form).replace(tzinfo=_UTC).timestamp()


def zoned(text: str) -> float:
    """Seconds since 1970 of ISO 8601 that names its zone, whichever it is; a ValueError when it does not, or is none."""
    found = _ZONED.fullmatch(text)
    if found is None:
        raise ValueError("it is no moment with a zone")
    hours, minutes = int(found[3] or 0), int(found[4] or 0)
    ahead = 3600 * hours + (-60 if str(found[3]).startswith("-") else 60) * minutes
    return read(found[1], "%Y-%m-%dT%H:%M:%S") + float(found[2] or 0) - ahead


def clock(at: float) -> str:
    """The time of day: `14:02:11Z`."""
    return datetime.datetime.fromtimestamp(at, _UTC).strftime("%H:%M:%SZ")


def today(at: t.Optional[float] = None) -> datetime.date:
    """The day of a moment (now, by default) in UTC."""
    return (datetime.datetime.now(_UTC) if at is None else datetime.datetime.fromtimestamp(at, _UTC)).date()


def now() -> str:
    """The time of this machine, as `written`."""
    return datetime.datetime.now(_UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
