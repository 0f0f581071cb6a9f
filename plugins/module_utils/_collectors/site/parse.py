# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What headers and bodies say, strictly; pure."""

from __future__ import annotations

import datetime
import email.utils
import gzip
import io
import re
import ssl
import typing as t
import urllib.parse
import zlib

from ..._texts import strict_url


class Headers(t.Protocol):
    """Of an answer: a header that it lacks is None."""

    def get(self, name: str, /) -> t.Optional[str]: ...


#: Statuses that send a visitor on, and those of them that are for good.
REDIRECTS, PERMANENT = (301, 302, 303, 307, 308), (301, 308)
#: Of a sitemap.
_MOST_URLS = 10_000
#: A century: what is kept longer is kept for ever.
_MOST_SECONDS = 100 * 365 * 86400
_LOCATION = re.compile(r"<loc>\s*([^<\s]{1,2000})\s*</loc>", re.IGNORECASE)
_META_ROBOTS = re.compile(r"<meta\s[^>]{0,300}name=[\"']?robots[\"']?[^>]{0,300}>", re.IGNORECASE)
#: What Django's own pages of an error say with DEBUG on.
_DEBUG_PAGE = re.compile(r"seeing this error because you have <code>\s*DEBUG\s*=\s*True", re.IGNORECASE)


def directives(headers: Headers) -> dict[str, str]:
    """Cache-Control as name: value."""
    found = {}
    for word in (headers.get("Cache-Control") or "")[:2000].split(","):
        name, _sign, value = word.strip().partition("=")
        found[name.strip().lower()] = value.strip().strip('"')
    return found


def kept_seconds(headers: Headers, shared: bool = True) -> int:
    """Seconds that a cache may keep it: 0 when the headers say nothing of it, or forbid it."""
    said = directives(headers)
    if "no-store" in said or "no-cache" in said or (shared and "private" in said):
        return 0
    for name in ("s-maxage", "max-age") if shared else ("max-age",):
        if name in said:
            return _seconds(said[name])
    if headers.get("Expires") and headers.get("Date"):
        begin, end = (_moment(headers.get(name) or "") for name in ("Date", "Expires"))
        if begin is not None and end is not None:
            return min(max(0, int((end - begin).total_seconds())), _MOST_SECONDS)
    return 0


def _seconds(text: str) -> int:
    return min(int(text), _MOST_SECONDS) if re.fullmatch(r"[0-9]{1,15}", text) else 0


def _moment(text: str) -> t.Optional[datetime.datetime]:
    try:
        read = email.utils.parsedate_to_datetime(text[:100])
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    return read.replace(tzinfo=read.tzinfo or datetime.timezone.utc)


def may_be_shared(headers: Headers) -> bool:
    """Whether a cache that all visitors share may keep it."""
    return kept_seconds(headers) > 0 and not headers.get("Set-Cookie")


def hsts_seconds(headers: Headers) -> int:
    """How long browsers are to keep to HTTPS; 0 without the header."""
    for word in (headers.get("Strict-Transport-Security") or "")[:500].split(";"):
        name, _sign, value = word.strip().partition("=")
        if name.strip().lower() == "max-age":
            return _seconds(value.strip().strip('"'))
    return 0


def offers_http3(headers: Headers) -> bool:
    return re.search(r"\bh3(-\d+)?=", (headers.get("Alt-Svc") or "")[:2000]) is not None


def text(body: bytes, headers: Headers, most: int = 512 * 1024) -> str:
    """The begin of a body as text. A compressed one is unpacked as far as it is there, to `most` bytes and no further."""
    if "gzip" in (headers.get("Content-Encoding") or "").lower():
        unpacked = b""
        try:
            with gzip.GzipFile(fileobj=io.BytesIO(body)) as stream:
                while len(unpacked) < most:
                    part = stream.read1(min(65536, most - len(unpacked)))
                    if not part:
                        break
                    unpacked += part
        except (OSError, EOFError, ValueError, zlib.error):  # cut by us, or none: what could be unpacked is read
            pass
        body = unpacked
    return body[:most].decode("utf-8", "replace")


def hidden_from_search(headers: Headers, page: str) -> bool:
    """Whether the page tells search engines not to list it."""
    said = [headers.get("X-Robots-Tag") or "", *(match.group() for match in _META_ROBOTS.finditer(page))]
    return any(re.search(r"\b(noindex|none)\b", words[:2000], re.IGNORECASE) for words in said)


def is_debug_page(page: str) -> bool:
    return _DEBUG_PAGE.search(page) is not None


def blocks_all(robots: str) -> bool:
    """Whether robots.txt keeps every crawler from the whole site (RFC 9309): a group for all with `Disallow: /` and no Allow."""
    blocked = allowed = applies = rules = False
    for line in robots.splitlines()[:2000]:
        name, _colon, value = line.partition("#")[0].partition(":")
        name, value = name.strip().lower(), value.strip()
        if name == "user-agent":
            applies = (applies and not rules) or value == "*"
            rules = False
        elif name in ("allow", "disallow"):
            rules = True
            blocked = blocked or (applies and name == "disallow" and value in ("/", "/*"))
            allowed = allowed or (applies and name == "allow" and value != "")
    return blocked and not allowed


def sitemaps(robots: str) -> list[str]:
    """The sitemaps that robots.txt names."""
    lines = (line.partition(":") for line in robots.splitlines()[:2000])
    return [value.strip()[:2000] for name, _colon, value in lines if name.strip().lower() == "sitemap" and value.strip()]


def hosts_listed(sitemap: str) -> list[str]:
    """The host of each URL of a sitemap."""
    return [host_of(match.group(1)) for match, _number in zip(_LOCATION.finditer(sitemap), range(_MOST_URLS))]


def host_of(url: str) -> str:
    """The host of a URL, in small letters; empty for what is none."""
    try:
        return (urllib.parse.urlsplit(strict_url.in_ascii(url)).hostname or "").lower()
    except ValueError:
        return ""


def origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port; empty and 0 for what is no URL."""
    try:
        parts = urllib.parse.urlsplit(strict_url.in_ascii(url))
        return parts.scheme, (parts.hostname or "").lower(), parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
    except ValueError:
        return "", "", 0


def next_url(url: str, location: str) -> str:
    """Where a redirect leads; empty for what is no URL."""
    try:
        return strict_url.in_ascii(urllib.parse.urljoin(url, location)[:4000])
    except ValueError:
        return ""


def days_left(not_after: str, now: float) -> t.Optional[float]:
    """Days until a certificate ends, by its own words (`Jun  1 12:00:00 2027 GMT`); None for what is no time."""
    try:
        return round((ssl.cert_time_to_seconds(not_after) - now) / 86400, 2)
    except ValueError:
        return None
