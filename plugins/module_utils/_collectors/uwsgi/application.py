# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether uWSGI is meant to run an application, by its configuration, and how many workers have none. Pure."""

from __future__ import annotations

import typing as t

from ..._collect.facts import Maybe, Unknown
from .config import Options
from .document import Stats

#: Options that name an application, of the plugins that list theirs in the statistics.
NAMING = (
    "module", "wsgi", "wsgi-file", "file", "mount", "eval", "paste", "ini-paste", "ini-paste-logged", "pecan", "psgi", "rack", "rails",
    "jwsgi", "ring-app", "lua", "mono-app",
)  # fmt: skip
#: The short form of `module`.
SHORT = "-w"
#: What begins the options, or the plugins' names, of what serves without a listed application.
_OTHER = ("php", "cgi", "static-", "check-static", "docroot", "route", "go-", "gccgo", "webdav", "xslt")
_PLUGINS = ("plugin", "plugins")

UNREAD = (
    "no worker lists an application, and the configuration, which would say whether one is meant to be there, cannot be read from here: "
    "use become on its host"
)


def meant(options: Options) -> str:
    """`named`; `other` (PHP, CGI, files or routes alone, none of which is listed); `unnamed`: nothing says, a request may name it."""
    if any(options.get(name) for name in NAMING):
        return "named"
    plugins = [plugin.strip().rpartition(":")[2] for name in _PLUGINS for value in options.get(name, []) for plugin in value.split(",")]
    return "other" if any(text.startswith(_OTHER) for text in [*options, *plugins]) else "unnamed"


def missing(stats: Stats, configured: t.Optional[str]) -> Maybe[int]:
    """Workers that can take requests and list no application."""
    listed = [worker.applications for worker in stats.serving]
    if None in listed:
        return Unknown("uWSGI does not list the applications of its workers")
    without = listed.count(0)
    return Unknown(UNREAD) if without and configured is None else without
