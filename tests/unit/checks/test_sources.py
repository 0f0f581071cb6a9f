# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where each check's limit comes from is said in a form that a reader can follow."""

from __future__ import annotations

import re
import urllib.parse

import pytest

from tests.support.check_cases import catalogue
from tests.support.server import ROOT

SOURCES = sorted({(check.id, check.source) for check in catalogue().checks()})
_URL = re.compile(r"https?://[^\s;,)]+[^\s;,.)]")
#: A public issue, a chapter or page by its title, a manual page, a product whose own limit it is, or the user's own inventory.
_OTHERS = re.compile(r"[\w.-]+/[\w.-]+#\d+|\"[^\"]+\"|\w+\(\d\)|Netdata|MySQLTuner|^Monitoring practice, |inventory")
#: Addresses that were given up, or name one version where a page of the current one exists.
_DEAD = re.compile(
    r"http://|cbonte\.github\.io|//redis\.io/(?:topics|commands)/|//www\.varnish-cache\.org|docs\.celeryproject\.org|"
    r"postgresql\.org/docs/(?:\d|devel)|dev\.mysql\.com/doc/refman/[57]\.|mariadb\.com/kb/|docs\.djangoproject\.com/en/(?!stable)|"
    r"uwsgi-docs\.readthedocs\.(?:org|io/en/(?!latest))|wiki\.nginx\.org|code\.google\.com|kernel\.org/doc/Documentation"
)


def test_no_line_of_the_catalogue_is_longer_than_the_linter_allows() -> None:
    """yamllint says so as well, minutes later."""
    texts = {path.name: path.read_text().splitlines() for path in (ROOT / "roles/launch_check/catalogue").glob("*.yml")}
    assert sum(map(len, texts.values())) > 5000
    assert [f"{name}:{number}" for name, lines in texts.items() for number, line in enumerate(lines, 1) if len(line) > 140] == []


def test_the_sources_are_read() -> None:
    assert len(SOURCES) > 200


@pytest.mark.parametrize(("check", "source"), SOURCES)
def test_a_source_can_be_followed(check: str, source: str) -> None:
    urls = _URL.findall(source)
    assert urls or _OTHERS.search(source), source
    for url in urls:
        parts = urllib.parse.urlsplit(url)
        assert parts.scheme == "https" and "." in parts.netloc and not parts.query and parts.netloc == parts.netloc.lower(), url
    assert not _DEAD.search(source), source
    assert len(urls) == source.count("://"), "an address is cut off"
