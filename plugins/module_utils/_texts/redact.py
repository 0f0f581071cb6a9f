# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sanitise untrusted text; redact secrets.

Every URL, user agent, SQL text and process name comes from outside. These functions shorten it, strip what can
steer a terminal, and drop the private parts before anything becomes a fact.
"""

from __future__ import annotations

import re
import typing as t

from . import tokens
from .plain import text

#: What replaces a secret wherever it would have been printed.
MASK = "********"

# C0 and C1 controls, DEL, and the Unicode controls that reorder or hide text (bidi, zero width, line separators).
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


_BLANKS = re.compile(r"\A |  | \Z")


def _is_clean(value: t.Union[str, bytes], limit: int) -> bool:
    """Whether it surely needs no cleaning, as most texts: a large fleet has millions of them."""
    return isinstance(value, str) and len(value) <= limit and value.isascii() and value.isprintable() and _BLANKS.search(value) is None


def clean(value: t.Union[str, bytes], limit: int = 200) -> str:
    """One line of printable text of at most `limit` characters; control characters become a space."""
    if _is_clean(value, limit):
        return str(value)
    if len(value) > 4 * limit:
        value = value[: 4 * limit]
    line = " ".join(_CONTROL.sub(" ", text(value)).split())
    return _cut(line, limit)


def without_login(place: str) -> str:
    """An address as it was given, without what stands before its `@` (`@name` is an abstract socket)."""
    return place if "@" not in place[1:] else "…@" + place.rpartition("@")[2]


#: A shorter secret is in every text (the "1" of load1): it is hidden only where it is written as a value.
SHORT = 4
# Keys are names that this collection gives. A database password that is a word ("redis") must not take a measure away.
_OUR_KEY = re.compile(r"^[a-z][a-z0-9_]*$")


# Where the word that holds a URL ends. The password of a URL that is none may hold any other character.
_WORD_END = re.compile("[\\s\"'<>`|]")
# What a real URL has before its password: anything else is hidden with it.
_USER = re.compile(r"[A-Za-z0-9._~%+-]{0,80}")
# host, or host:port, before a path or the end: so no password was cut off.
_PLACE = re.compile(r"\A(?:\[[0-9a-fA-F:.%]{2,60}\]|[A-Za-z0-9._-]{1,253})(?::[0-9]{1,5})?(?:[/?#]|$)")
# password=… as connection strings and log lines have it
_PASSWORD_IS = re.compile(r"(?i)\b(password|passwd|pwd)=(?!\*)[^\s&;,'\")]+")


def hide(value: str, secrets: t.Iterable[str]) -> str:
    """`value` without the secrets and without the password part of any URL in it. Every step passes over the text once."""
    if "://" in value:
        value = _without_passwords(value)
    if "=" in value:
        value = _PASSWORD_IS.sub(r"\1=" + MASK, value)
    for secret in sorted({secret for secret in secrets if secret}, key=len, reverse=True):
        if len(secret) >= SHORT:
            value = value.replace(secret, MASK)
            if "…" in value:
                value = _without_beginnings(value, secret)
        elif secret in value:
            value = re.sub(rf"(?<==){re.escape(secret)}(?![\w.])|(?<=['\"]){re.escape(secret)}(?=['\"])", MASK, value)
    return value


def _without_passwords(value: str) -> str:
    """Texts with URLs. From `://` to the last `@` of the same word everything is user information, well formed or not."""
    kept: list[str] = []
    begin = 0
    while True:
        place = value.find("://", begin)
        if place < 0:
            return "".join([*kept, value[begin:]])
        place += 3
        ending = _WORD_END.search(value, place)
        end = ending.start() if ending else len(value)
        kept += [value[begin:place], _without_userinfo(value[place:end])]
        begin = end


def _without_userinfo(word: str) -> str:
    info, sign, rest = word.rpartition("@")
    if sign:
        user, colon, _password = info.partition(":")
        return f"{user}:{MASK}@{rest}" if colon and _USER.fullmatch(user) else f"{MASK}@{rest}" if colon or "/" in info else word
    if word.endswith("…") and ":" in word and not _PLACE.match(word):
        return MASK + "…"  # cut off before the host: what is left may be the password's beginning
    return word


def _without_beginnings(value: str, secret: str) -> str:
    """A text that was cut in the middle of a secret still shows its beginning."""
    parts = value.split("…")
    for place, part in enumerate(parts[:-1]):
        size = next((size for size in range(min(len(secret), len(part), 200), SHORT - 1, -1) if part.endswith(secret[:size])), 0)
        parts[place] = part[: len(part) - size] + MASK if size else part
    return "…".join(parts)


def hide_deep(value: t.Any, secrets: t.Collection[str]) -> t.Any:
    """`hide` over every text (values, and keys that are no names of ours) of plain data; numbers are never touched."""
    if isinstance(value, str):
        return hide(value, secrets)
    if isinstance(value, dict):
        return {key if _OUR_KEY.match(key) else hide(key, secrets): hide_deep(item, secrets) for key, item in value.items()}
    if isinstance(value, list):
        return [hide_deep(item, secrets) for item in value]
    return value


# Everything up to the path. The user information of what is no real URL may reach into the path: `@` makes a segment a token.
_SITE = re.compile(r"^(?:[a-zA-Z][a-zA-Z0-9+.\-]{0,30}:)?//[^/?#]*")
_MOST_PARAMETERS = 8


def url_pattern(url: t.Union[str, bytes], limit: int = 120) -> str:
    """The kind of page a URL is: ids, tokens and slugs collapsed, query values dropped and their names kept.

    `/blog/2026/10/what-we-learned-today/?page=3&token=x` → `/blog/<id>/<id>/<slug>/?page&token`.
    Scheme, host, userinfo and fragment are left out.
    """
    return _cut(_shown_url(url, example=False), limit)


def url_example(url: t.Union[str, bytes], limit: int = 160) -> str:
    """One URL without the values of its query and without what may open a door in its path."""
    return _cut(_shown_url(url, example=True), limit)


def _shown_url(url: t.Union[str, bytes], example: bool) -> str:
    raw = _SITE.sub("", clean(url, 2000)) or "/"
    path, _sep, query = raw.split("#", 1)[0].partition("?")
    shown = "/".join(tokens.segment(part, example) for part in path.split("/"))
    names = sorted({tokens.parameter(item) for item in query.replace(";", "&").split("&")} - {""}) if query else []
    return shown + ("?" + "&".join(names[:_MOST_PARAMETERS]) if names else "")


def _cut(line: str, limit: int) -> str:
    return line if len(line) <= limit else line[: limit - 1] + "…"
