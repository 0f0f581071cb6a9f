# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What strangers wrote, made harmless; what is private, left out.

Every URL, user agent, SQL text and process name comes from outside. These functions shorten it, strip what can
steer a terminal, and drop the private parts before anything becomes a fact.
"""

from __future__ import annotations

import re
import typing as t

from .plain import text

#: What replaces a secret wherever it would have been printed.
MASK = "********"

# C0 and C1 controls, DEL, and the Unicode controls that reorder or hide text (bidi, zero width, line separators).
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
_URL_PASSWORD = re.compile(r"([a-zA-Z][a-zA-Z0-9+.\-]*://[^\s/:@]*):[^\s/]*@")


def clean(value: t.Union[str, bytes], limit: int = 200) -> str:
    """One line of printable text of at most `limit` characters; control characters become a space."""
    if len(value) > 4 * limit:
        value = value[: 4 * limit]
    line = " ".join(_CONTROL.sub(" ", text(value)).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


#: A shorter secret is in every text (the "1" of load1): it is hidden only where it is written as a value.
SHORT = 4
# Keys are names that this collection gives. A database password that is a word ("redis") must not take a measure away.
_OUR_KEY = re.compile(r"^[a-z][a-z0-9_]*$")


def hide(value: str, secrets: t.Iterable[str]) -> str:
    """`value` without the secrets and without the password part of any URL in it."""
    value = _URL_PASSWORD.sub(r"\1:" + MASK + "@", value)
    for secret in sorted({secret for secret in secrets if secret}, key=len, reverse=True):
        if len(secret) >= SHORT:
            value = value.replace(secret, MASK)
        elif secret in value:
            value = re.sub(rf"(?<==){re.escape(secret)}(?![\w.])|(?<=['\"]){re.escape(secret)}(?=['\"])", MASK, value)
    return value


def hide_deep(value: t.Any, secrets: t.Collection[str]) -> t.Any:
    """`hide` over every text (values, and keys that are no names of ours) of plain data; numbers are never touched."""
    if isinstance(value, str):
        return hide(value, secrets)
    if isinstance(value, dict):
        return {key if _OUR_KEY.match(key) else hide(key, secrets): hide_deep(item, secrets) for key, item in value.items()}
    if isinstance(value, list):
        return [hide_deep(item, secrets) for item in value]
    return value


# A segment that names one object rather than a kind of page: digits, uuids, hashes, dates, tokens.
_ID = re.compile(
    r"^(?:\d+|\d{4}-\d\d-\d\d|[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}|(?=.*\d)[0-9a-fA-F]{8,}"
    r"|(?=.*\d)(?=.*[A-Za-z])[A-Za-z0-9_\-]{20,})$"
)
# A slug: several words joined by hyphens, as in /news/what-we-learned-at-launch/.
_SLUG = re.compile(r"^[^-.]+(?:-[^-.]+){2,}$")
_TRAILING_ID = re.compile(r"^(.*?[-_])\d+(\.[A-Za-z0-9]{1,5})?$")


def url_pattern(url: t.Union[str, bytes], limit: int = 120) -> str:
    """The kind of page a URL is: ids, hashes and slugs collapsed, query values dropped and their names kept.

    `/blog/2026/10/what-we-learned-today/?page=3&token=x` → `/blog/<id>/<id>/<slug>/?page&token`.
    Scheme, host, userinfo and fragment are left out.
    """
    raw = clean(url, 2000)
    raw = re.sub(r"^[a-zA-Z][a-zA-Z0-9+.\-]*://[^/?#]*", "", raw) or "/"
    raw = raw.split("#", 1)[0]
    path, _sep, query = raw.partition("?")
    pattern = "/".join(_segment(part) for part in path.split("/"))
    names = sorted({re.split("=", part, maxsplit=1)[0] for part in re.split("[&;]", query)} - {""}) if query else []
    if names:
        pattern += "?" + "&".join(_segment(name)[:30] for name in names[:8])
    return pattern if len(pattern) <= limit else pattern[: limit - 1] + "…"


def _segment(part: str) -> str:
    if len(part) > 200:
        return "<long>"  # nobody's page name; also keeps the patterns below from working on it
    if _ID.match(part):
        return "<id>"
    if _SLUG.match(part):
        return "<slug>"
    trailing = _TRAILING_ID.match(part)
    if trailing:
        return trailing.group(1) + "<id>" + (trailing.group(2) or "")
    return part if len(part) <= 60 else part[:59] + "…"
