# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which kind of client a user agent is: a family, never the text itself."""

from __future__ import annotations

#: What the name contains → (family, kind); the first that fits wins, so the more special comes first.
_FAMILIES = (
    (b"googlebot", "Googlebot", "bot"),
    (b"bingbot", "bingbot", "bot"),
    (b"gptbot", "GPTBot", "bot"),
    (b"claudebot", "ClaudeBot", "bot"),
    (b"ahrefsbot", "AhrefsBot", "bot"),
    (b"semrushbot", "SemrushBot", "bot"),
    (b"yandex", "Yandex", "bot"),
    (b"baiduspider", "Baiduspider", "bot"),
    (b"facebookexternalhit", "Facebook", "bot"),
    (b"twitterbot", "Twitterbot", "bot"),
    (b"applebot", "Applebot", "bot"),
    (b"bot", "other bot", "bot"),
    (b"spider", "other bot", "bot"),
    (b"crawl", "other bot", "bot"),
    (b"pingdom", "monitoring", "monitoring"),
    (b"uptime", "monitoring", "monitoring"),
    (b"nagios", "monitoring", "monitoring"),
    (b"check_http", "monitoring", "monitoring"),
    (b"prometheus", "monitoring", "monitoring"),
    (b"healthcheck", "monitoring", "monitoring"),
    (b"locust", "Locust", "load test"),
    (b"jmeter", "JMeter", "load test"),
    (b"apachebench", "ab", "load test"),
    (b"k6/", "k6", "load test"),
    (b"curl/", "curl", "program"),
    (b"wget", "Wget", "program"),
    (b"python", "Python", "program"),
    (b"go-http-client", "Go", "program"),
    (b"okhttp", "okhttp", "program"),
    (b"java/", "Java", "program"),
    (b"edg/", "Edge", "browser"),
    (b"edge/", "Edge", "browser"),
    (b"opr/", "Opera", "browser"),
    (b"samsungbrowser", "Samsung Internet", "browser"),
    (b"firefox/", "Firefox", "browser"),
    (b"fxios/", "Firefox", "browser"),
    (b"crios/", "Chrome", "browser"),
    (b"chrome/", "Chrome", "browser"),
    (b"safari/", "Safari", "browser"),
    (b"trident/", "Internet Explorer", "browser"),
    (b"mozilla/", "other browser", "browser"),
)


def family(agent: bytes) -> tuple[str, str]:
    """(family, kind: browser | bot | monitoring | load test | program | none | other) of a user agent."""
    if agent in (b"-", b""):
        return "none", "none"
    lowered = agent[:500].lower()
    for mark, name, kind in _FAMILIES:
        if mark in lowered:
            return name, kind
    return "other", "other"
