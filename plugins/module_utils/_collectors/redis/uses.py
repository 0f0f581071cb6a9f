# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a server is used for, by a few of its keys' names, by what its clients do and by what was called: no key leaves the host."""

from __future__ import annotations

import re
import typing as t

BROKER, CACHE, SESSIONS, RESULTS, CHANNELS = "broker", "cache", "sessions", "results", "channels"
USES = (BROKER, CACHE, SESSIONS, RESULTS, CHANNELS)

#: Keys of libraries, as they name them themselves; a prefix of the site's own may stand before them.
_PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (BROKER, re.compile(r"_kombu\.binding\.|(?:^|[^a-z])unacked(?:_index|_mutex)?$|\x06\x16\d$|^rq:|^dramatiq:|^huey\.|^arq:|^bull:")),
    (RESULTS, re.compile(r"celery-task(?:set)?-meta-")),
    (SESSIONS, re.compile(r"django\.contrib\.sessions|(?:^|:)session(?:s|id)?:")),
    (CHANNELS, re.compile(r"^asgi(?::|__)|(?:^|:)asgi:")),
    # Django's cache: prefix:version:key
    (CACHE, re.compile(r"^[^:]{0,60}:\d{1,9}:.|views\.decorators\.cache|template\.cache\.")),
)
#: Workers wait for messages with these, whatever the queue is called.
WAITS = frozenset({"brpop", "blpop", "brpoplpush", "blmove", "blmpop", "bzpopmin"})
#: Keys that Celery's workers leave in the database of their broker, one of which exists as long as one ever ran.
MARKERS = ("_kombu.binding.celery.pidbox", "_kombu.binding.celeryev", "_kombu.binding.celery", "unacked", "unacked_index")


def of_key(key: str) -> t.Optional[str]:
    """What a key is for; None when its name does not say."""
    return next((use for use, pattern in _PATTERNS if pattern.search(key[:300])), None)


def of_keys(keys: t.Iterable[str]) -> set[str]:
    return {use for use in map(of_key, keys) if use is not None}


def of_clients(clients: t.Iterable[t.Mapping[str, str]]) -> dict[int, set[str]]:
    """By database: whose clients wait for messages."""
    found: dict[int, set[str]] = {}
    for row in clients:
        database = row.get("db", "")
        if row.get("cmd", "").lower() in WAITS and database.isdigit() and len(database) < 6:
            found.setdefault(int(database), set()).add(BROKER)
    return found


def ordered(uses: t.Collection[str]) -> list[str]:
    return [use for use in USES if use in uses]
