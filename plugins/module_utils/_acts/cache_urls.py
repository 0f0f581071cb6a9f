# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Load and use a VCL in Varnish that caches some named URLs, and go back to the one before.

The active VCL is kept as it is. Two subroutines come before its own: Varnish runs those of one name one after the other. No file is
written.
"""

from __future__ import annotations

import hashlib
import re
import time
import typing as t

from .._collect.problem import Problem
from .._collectors.varnish import fetch
from .._texts.redact import clean
from .act import Act, Done, Looked, Refused
from .guard import Guard, broken, judged

PREFIX = "launch_respond_"
#: VCLs of ours that are kept.
MOST_KEPT = 5
COMPILE_SECONDS = 30.0
#: What goes to the shell and from there to the management CLI: printable, and nothing that could end the text of a VCL.
_REGEX = re.compile(r"[\x21\x23-\x7e]{1,300}")
_VERSION = re.compile(r"^[ \t]*vcl[ \t]+4\.[01]\s*;[^\n]*\n", re.MULTILINE)
_COMMENT = re.compile(r"#[^\n]*|//[^\n]*|/\*.*?\*/", re.DOTALL)
#: What a vcl_recv may do that a request needs even when its answer comes from the cache.
_NEEDED = re.compile(
    r"\b(?:backend_hint|synth|restart|ban|directors?|std\.rollback)\b|\breq\.(?:url|http\.host)\s*=|return\s*\(\s*(?:vcl|purge)\b",
    re.IGNORECASE,
)

GUARDS = (
    Guard("is_ours", "the active VCL was not made by launch_respond", "=", False),
    Guard("is_readable", "its text is a VCL of version 4", "=", True),
    Guard("backends", "it has a single backend, so that no request can go to a wrong one", "<=", 1),
    Guard("is_needed", "its vcl_recv does nothing that these requests need", "=", False),
)


class CacheUrls(Act):
    guards = GUARDS

    def __init__(self, target: t.Any) -> None:
        super().__init__(target)
        regexes = target.about.get("regexes")
        if not isinstance(regexes, list) or not regexes or not all(isinstance(one, str) and _REGEX.fullmatch(one) for one in regexes):
            raise Refused("the plan names no URLs that can be put into a VCL")
        self._regexes: list[str] = regexes

    def holds_timer(self) -> t.Optional[str]:
        host = str(self.target.options.get("admin") or "127.0.0.1").rpartition(":")[0] or "127.0.0.1"
        local = host in ("127.0.0.1", "localhost", "[::1]", "::1")
        return None if local else "the management port of this Varnish is on another host, so no timer here can take the act back"

    def look(self) -> Looked:
        active, text = self._active()
        identity = {"vcl": active, "text": hashlib.sha256(text.encode()).hexdigest()[:16]}
        shown = [
            f"vcl.inline {PREFIX}<time>: {active} with this in front of its own subroutines:",
            *self._added().splitlines(),
            f"vcl.use {PREFIX}<time>",
        ]
        return Looked(
            identity,
            self._values(active, text),
            ["\n".join(shown)],
            "answers of these URLs are the same for every visitor for up to an hour (redirects) or a minute (pages without a lifetime)",
            f"vcl.use {active}",
        )

    def state_before(self, looked: Looked) -> dict[str, t.Any]:
        return {"vcl": looked.identity["vcl"]}

    def run(self, identity: t.Mapping[str, t.Any], limits: t.Mapping[str, t.Any]) -> Done:
        active, text = self._active()
        if active != identity.get("vcl") or hashlib.sha256(text.encode()).hexdigest()[:16] != identity.get("text"):
            raise Refused(f"another VCL is active by now ({active})")
        why = broken(judged(GUARDS, self._values(active, text), limits))
        if why:
            raise Refused(f"a guard no longer holds: {'; '.join(why)}")
        name = f"{PREFIX}{time.time_ns() // 1_000_000}"
        try:
            self._cli("vcl.inline", name, _quoted(self._with(text)))
        except Problem as problem:
            raise Refused(f"the VCL does not compile, nothing was changed: {problem}") from None
        if self._active()[0] != active:
            self._forget(name)
            raise Refused("another VCL was made active meanwhile")
        self._cli("vcl.use", name)
        for old in self._ours()[:-MOST_KEPT]:
            self._forget(old)
        return Done(f"VCL {name} is active: it caches {', '.join(self._regexes[:3])}", {"vcl": active})

    def undo(self, state: t.Mapping[str, t.Any]) -> str:
        before, (active, _text) = str(state.get("vcl") or ""), self._active()
        if not active.startswith(PREFIX):
            return f"VCL {active} is active, which is not ours, and was left alone"
        self._cli("vcl.use", before)
        self._forget(active)
        return f"VCL {before} is active again"

    # -- the VCL -----------------------------------------------------------------------------------------------

    def _added(self) -> str:
        urls = " || ".join(f'req.url ~ "{one}"' for one in self._regexes)
        backend_urls = urls.replace("req.url", "bereq.url")
        return f"""sub vcl_recv {{
    if ((req.method == "GET" || req.method == "HEAD") && !req.http.Authorization && ({urls})) {{
        unset req.http.Cookie;
        return (hash);
    }}
}}
sub vcl_backend_response {{
    if (({backend_urls}) && !beresp.http.Set-Cookie && beresp.http.Cache-Control !~ "(?i)(private|no-store|no-cache)") {{
        if (beresp.status == 301 || beresp.status == 308) {{ set beresp.ttl = 1h; }}
        elsif (beresp.status == 200 && beresp.ttl <= 0s) {{ set beresp.ttl = 60s; }}
    }}
}}
"""

    def _with(self, text: str) -> str:
        head = _VERSION.search(text)
        if head is None:
            raise Refused("the active VCL does not begin with its version")
        return text[: head.end()] + self._added() + text[head.end() :]

    @staticmethod
    def _values(active: str, text: str) -> dict[str, t.Any]:
        code = _COMMENT.sub("", text)
        return {
            "is_ours": active.startswith(PREFIX),
            "is_readable": _VERSION.search(text) is not None and "\ninclude" not in code,
            "backends": len(re.findall(r"^\s*backend\s+\w+", code, re.MULTILINE)),
            "is_needed": _NEEDED.search(code) is not None,
        }

    # -- the management CLI ------------------------------------------------------------------------------------

    def _active(self) -> tuple[str, str]:
        rows = [line.split() for line in self._cli("vcl.list").splitlines()]
        active = next((row[-1] for row in rows if row and row[0] == "active"), None)
        if active is None:
            raise Refused("no VCL is active")
        return active, self._cli("vcl.show", active)

    def _ours(self) -> list[str]:
        rows = [line.split() for line in self._cli("vcl.list").splitlines()]
        return sorted(row[-1] for row in rows if row and row[-1].startswith(PREFIX))

    def _forget(self, name: str) -> None:
        try:
            self._cli("vcl.discard", name)
        except Problem:
            return  # a request still runs in it: it is discarded next time

    def _cli(self, *words: str) -> str:
        try:
            answer = fetch.admin(self.target.tools, self.target.options, *words, seconds=COMPILE_SECONDS)
        except Problem as problem:
            raise Refused(clean(str(problem), 300)) from None
        return answer.decode("utf-8", "replace")


def _quoted(text: str) -> str:
    """A text as one word of the management CLI."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r")
    return f'"{escaped}"'
