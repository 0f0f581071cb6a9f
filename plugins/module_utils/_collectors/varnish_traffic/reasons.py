# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why a request bypassed the cache, or a response was not stored: header names, never their values."""

from __future__ import annotations

_UNCACHEABLE = (b"private", b"no-cache", b"no-store")
#: A cache that is told to may keep what says no-cache, which is often meant for browsers only; what says these is for one visitor.
_ONE_VISITOR = (b"private", b"no-store")
_PUBLIC = (b"public", b"s-maxage")

#: Refusals that a cache keeps as it keeps a page (RFC 9110, 15.1).
_KEPT_REFUSALS = (b"404", b"405", b"410", b"414")

#: Marks beside the reasons. They say not why a request bypassed the cache, but that it had to: by the response's own word, and by
#: that, a password in the request, or a refusal (400, 403), which no cache keeps.
PRIVATE, BYPASS = "private", "must bypass"


def of_pass(method: bytes, ttl_source: bytes, cookie: bytes, authorization: bytes) -> tuple[str, ...]:
    """Reasons of a pass, from the request as it went to the backend (what VCL removed before is no reason)."""
    found = []
    if ttl_source == b"HFP":
        found.append("hit-for-pass")
    if cookie != b"-":
        found.append("Cookie")
    if authorization != b"-":
        found.append("Authorization")
    if method not in (b"GET", b"HEAD"):
        found.append("method " + (method.decode("ascii", "replace") if method in METHODS else "other"))
    return tuple(found) or ("VCL rule",)


def of_not_stored(status: bytes, ttl: bytes, set_cookie: bytes, cache_control: bytes, vary: bytes) -> tuple[str, ...]:
    """Reasons of an answer that was fetched for the cache and not kept in it."""
    found = []
    if set_cookie != b"-":
        found.append("Set-Cookie")
    if is_private(cache_control):
        found.append("Cache-Control")
    if b"*" in vary:
        found.append("Vary")
    if status[:1] == b"5" or is_refusal(status):
        found.append("error")
    elif ttl[:1] == b"-" and ttl != b"-" or ttl.rstrip(b"0.") == b"":
        found.append("TTL <= 0")
    return tuple(found) or ("VCL rule or short TTL",)


def is_private(cache_control: bytes) -> bool:
    """Whether the answer itself says that no shared cache may keep it."""
    control = cache_control.lower()
    return any(word in control for word in _UNCACHEABLE)


def is_refusal(status: bytes) -> bool:
    """Whether the application refuses the request with a status that no cache keeps."""
    return status[:1] == b"4" and status not in _KEPT_REFUSALS


def marks(status: bytes, cache_control: bytes, vary: bytes, authorization: bytes, stored: bool) -> tuple[str, ...]:
    """The marks of a response, on whatever path it came. One that is stored although it is not the same for everybody is marked too."""
    control = cache_control.lower()
    if any(word in control for word in (_ONE_VISITOR if stored else _UNCACHEABLE)):
        return (PRIVATE, BYPASS)
    if stored or (any(word in control for word in _PUBLIC) and not is_refusal(status)):
        return ()
    if any(mark in vary.lower() for mark in _PER_VISITOR):
        return (PRIVATE, BYPASS)
    return () if authorization == b"-" and not is_refusal(status) else (BYPASS,)


#: A Vary on these makes a response one visitor's own.
_PER_VISITOR = (b"cookie", b"authorization", b"*")


def of_variants(vary: bytes) -> tuple[str, ...]:
    """Why a kept answer is kept once per visitor: a Vary on what differs for everybody."""
    lowered = vary.lower()
    return tuple(f"Vary: {name}" for mark, name in _PERSONAL if mark in lowered)


_PERSONAL = ((b"cookie", "Cookie"), (b"user-agent", "User-Agent"), (b"authorization", "Authorization"))
METHODS = (b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS", b"PURGE", b"BAN", b"TRACE", b"CONNECT", b"PROPFIND")
