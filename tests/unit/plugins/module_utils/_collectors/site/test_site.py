# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A site as its visitors meet it: ready, with each fault of a launch made for real, and hostile."""

from __future__ import annotations

import itertools
import pathlib
import time
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect.options import _check
from ansible_collections.warroom.launch.plugins.module_utils._collect.run import gather
from ansible_collections.warroom.launch.plugins.module_utils._collectors.site.collector import COLLECTOR
from ansible_collections.warroom.launch.plugins.plugin_utils._checks.evaluate import evaluate
from tests.support import replay, web_site
from tests.support.check_cases import catalogue
from tests.support.tools import FakeCommands, tools_with
from tests.support.web_site import Site

pytest.importorskip("dns", reason="the name server of these tests is made with dnspython")

DEBUG_PAGE = b"You\xe2\x80\x99re seeing this error because you have <code>DEBUG = True</code> in your Django settings file."


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    return web_site.certificate(tmp_path_factory.mktemp("site"))


@pytest.fixture
def site(pem: pathlib.Path) -> t.Iterator[Site]:
    with Site(pem) as made:
        yield web_site.healthy(made)


@pytest.fixture(scope="module")
def resolver() -> t.Iterator[str]:
    with web_site.name_server(dict.fromkeys(web_site.NAMES, "127.0.0.1")) as address:
        yield address


def look(timeout: float = 3.0, **options: t.Any) -> dict[str, t.Any]:
    checked = _check(COLLECTOR, {"address": "127.0.0.1", **options})
    facts = gather([(COLLECTOR, checked)], 0, tools_with(FakeCommands(), timeout=timeout))
    instance: dict[str, t.Any] = facts["launch_site"]["instances"][0]
    return instance


def of(site: Site, resolver: str, **options: t.Any) -> dict[str, t.Any]:
    aliases = [f"http://shop.test:{site.http_port}/", f"http://www.shop.test:{site.http_port}/"]
    given = {"pages": ["/product/"], "static": ["/static/app.0a1b.css"], "error_pages": ["/500.html"], "health": "/health"}
    given = {**given, "ca_cert": str(site.pem), "resolver": resolver, **options}
    return look(url=site.url, aliases=aliases, **given)


def test_a_site_that_is_ready(site: Site, resolver: str) -> None:
    facts = of(site, resolver)
    assert (facts["state"], facts["name"], facts["problem"]) == ("up", "shop.test", None)
    assert (facts["names_unresolved_total"], facts["names_untrusted_total"], facts["dns_ttl_seconds"]) == (0, 0, 300)
    assert 88 < facts["certificate_days_left"] < 91
    assert (facts["redirects_total"], facts["redirects_wrong_total"], facts["redirects_longest_hops"]) == (2, 0, 1)
    page = facts["page"]
    assert (page["hsts_seconds"], page["compressed"], page["http2"], page["http3"]) == (31536000, True, True, True)
    assert (page["hidden_from_search"], facts["robots"]["blocks_all"], facts["sitemap"]["foreign_total"]) == (False, False, 0)
    assert facts["not_found"] == {"status": 404, "kept_seconds": 0, "bytes": 17, "debug": False}
    assert (facts["static_kept_seconds"], facts["pages_unshared_total"], facts["error_pages_absent_total"]) == (31536000, 0, 0)
    assert (facts["health"]["failed"], facts["health"]["status"], facts["error_pages_kept_seconds"]) == (False, 200, 0)
    assert not_well(facts) == set()


def page(site: Site, path: str, **changed: t.Any) -> None:
    status, headers, body = site.pages.get(path, (200, {}, b""))
    site.pages[path] = (changed.get("status", status), changed.get("headers", headers), changed.get("body", body))


Fault = t.Callable[[Site], None]

#: what is broken → (how, the measure that tells, its value).
FAULTS: dict[str, tuple[Fault, str, t.Any]] = {
    "a redirect to itself": (
        lambda site: setattr(site, "over_http", lambda host, path: (301, {"Location": f"http://{host}:{site.http_port}{path}"}, b"")),
        "redirects_wrong_total",
        2,
    ),
    "two hops": (
        lambda site: setattr(
            site,
            "over_http",
            lambda host, path: (301, {"Location": site.url if path == "/b" else f"http://shop.test:{site.http_port}/b"}, b""),
        ),
        "redirects_longest_hops",
        2,
    ),
    "a temporary redirect": (
        lambda site: setattr(site, "over_http", lambda host, path: (302, {"Location": site.url}, b"")),
        "redirects_temporary_total",
        2,
    ),
    "plain HTTP that shows the page": (
        lambda site: setattr(site, "over_http", lambda host, path: (200, {}, b"page")),
        "redirects_wrong_total",
        2,
    ),
    "away to another name": (
        lambda site: setattr(site, "over_http", lambda host, path: (301, {"Location": "https://parked.test/"}, b"")),
        "redirects_wrong_total",
        2,
    ),
    "no HSTS": (lambda site: page(site, "/", headers={"Content-Encoding": "gzip"}), "page.hsts_seconds", 0),
    "not compressed": (lambda site: page(site, "/", headers={}, body=b"x" * 9000), "page.compressed", False),
    "noindex in the header": (lambda site: page(site, "/", headers={"X-Robots-Tag": "noindex, nofollow"}), "page.hidden_from_search", True),
    "noindex in the page": (
        lambda site: page(site, "/", headers={}, body=b"<meta name='robots' content='noindex'>"),
        "page.hidden_from_search",
        True,
    ),
    "the staging's robots.txt": (
        lambda site: page(site, "/robots.txt", body=b"# staging\nUser-agent: *\nDisallow: /\n"),
        "robots.blocks_all",
        True,
    ),
    "the staging's sitemap": (
        lambda site: page(site, "/sitemap.xml", body=b"<urlset><url><loc>https://staging.shop.test/</loc></url></urlset>"),
        "sitemap.foreign",
        ["staging.shop.test"],
    ),
    "a missing page that is a page": (lambda site: setattr(site, "missing", (200, {}, b"home")), "not_found.status", 200),
    "a missing page that is kept": (
        lambda site: setattr(site, "missing", (404, {"Cache-Control": "max-age=3600"}, b"gone")),
        "not_found.kept_seconds",
        3600,
    ),
    "DEBUG on": (lambda site: setattr(site, "missing", (404, {}, DEBUG_PAGE)), "not_found.debug", True),
    "no error page": (lambda site: page(site, "/500.html", status=404), "error_pages_absent_total", 1),
    "an empty error page": (lambda site: page(site, "/500.html", body=b" "), "error_pages_absent_total", 1),
    "an error page that is kept": (
        lambda site: page(site, "/500.html", headers={"Cache-Control": "public, max-age=600"}),
        "error_pages_kept_seconds",
        600,
    ),
    "static files for an hour": (
        lambda site: page(site, "/static/app.0a1b.css", headers={"Cache-Control": "max-age=3600"}),
        "static_kept_seconds",
        3600,
    ),
    "a static file that is not there": (lambda site: page(site, "/static/app.0a1b.css", status=404), "static_failed_total", 1),
    "a page with a cookie": (
        lambda site: page(site, "/product/", headers={"Cache-Control": "max-age=60", "Set-Cookie": "sessionid=EXAMPLE"}),
        "pages_unshared_total",
        1,
    ),
    "a private page": (lambda site: page(site, "/product/", headers={"Cache-Control": "private, max-age=60"}), "pages_unshared_total", 1),
    "a page that breaks": (lambda site: page(site, "/product/", status=500), "pages_failed_total", 1),
    "a health probe that fails": (lambda site: page(site, "/health", status=503), "health.failed", True),
    "a health probe that is kept": (lambda site: page(site, "/health", headers={"Cache-Control": "max-age=30"}), "health.kept_seconds", 30),
}
CHECKS = {check.id: check for check in catalogue().checks() if check.service == "site"}


def not_well(instance: dict[str, t.Any]) -> set[str]:
    """The checks that do not call the site fine."""
    facts = {"launch_site": {"schema": 1, "instances": [instance]}}
    found = evaluate("fleet", facts, list(CHECKS.values()), "before")
    return {finding["check"] for finding in found if finding["status"] not in ("ok", "skipped")}


def of_measure(path: str) -> set[str]:
    """The checks that judge the measure."""
    return {name for name, check in CHECKS.items() if check.value.text.startswith(path)}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_in_its_measure_alone(fault: str, site: Site, resolver: str) -> None:
    make, path, value = FAULTS[fault]
    make(site)
    facts: t.Any = of(site, resolver)
    assert facts["state"] == "up" and "EXAMPLE" not in str(facts) and not_well(facts) & of_measure(path)
    for part in path.split("."):
        facts = facts[part]
    assert facts == value


def test_faults_of_names_certificates_and_protocol(tmp_path: pathlib.Path, resolver: str, site: Site) -> None:
    with Site(web_site.certificate(tmp_path, days=5), alpn=["http/1.1"]) as old:
        assert not_well(of(web_site.healthy(old), resolver)) == {"site_certificate_days", "site_http2"}
    assert not_well(of(site, resolver, ca_cert=None)) == {"site_certificates", "site_certificate_days"}
    with web_site.name_server(dict.fromkeys(web_site.NAMES, "127.0.0.1"), ttl=86400) as slow:
        assert not_well(of(site, slow)) == {"site_dns_ttl"}
    with web_site.name_server({"shop.test": "127.0.0.1"}) as half:
        assert "site_names" in not_well(of(site, half))


def test_every_check_of_a_site_has_its_fault() -> None:
    of_names = {"site_certificate_days", "site_http2", "site_certificates", "site_dns_ttl", "site_names"}
    assert {check for _make, path, _value in FAULTS.values() for check in of_measure(path)} | of_names == set(CHECKS)


def test_certificates_that_do_not_hold(site: Site, resolver: str, tmp_path: pathlib.Path) -> None:
    unknown_authority = of(site, resolver, ca_cert=None)
    assert unknown_authority["state"] == "up" and unknown_authority["names_untrusted_total"] == 1
    assert "self" in unknown_authority["names"][0]["why"] and unknown_authority["page"]["hsts_seconds"] == 31536000
    assert unknown_authority["certificate_days_left"] is None
    with Site(web_site.certificate(tmp_path, ["other.test"])) as other:
        facts = of(web_site.healthy(other), resolver)
    assert facts["names_untrusted_total"] == 1 and "match" in facts["names"][0]["why"].lower()


def test_a_name_without_an_address_and_a_name_server_without_an_answer(site: Site, resolver: str) -> None:
    facts = look(url=site.url, aliases=["old.test"], ca_cert=str(site.pem), resolver=resolver)
    assert facts["names_unresolved_total"] == 1 and facts["names"][0]["host"] == "old.test"
    silent = look(0.6, url=site.url, ca_cert=str(site.pem), resolver="127.0.0.1:9")
    assert silent["names_unresolved_total"] is None and silent["dns_ttl_seconds"] is None and silent["state"] == "up"


def pours(conn: t.Any) -> None:
    conn.recv(4096)
    conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n")
    for _block in range(16384):
        conn.sendall(b"x" * 65536)


def drips(conn: t.Any) -> None:
    conn.recv(4096)
    conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    for _byte in itertools.repeat(None, 60):
        time.sleep(0.05)
        conn.sendall(b"x")


HOSTILE: dict[str, tuple[replay.Answer, str]] = {
    "silent": (replay.silent, "did not answer"),
    "drips": (drips, "within"),
    "garbage": (replay.sends(b"\x00\xff garbage" * 99), "does not speak HTTP"),
    "hangs up": (replay.sends(b""), "hangs up"),
    "a status that is none": (replay.sends(b"HTTP/1.1 abc\r\n\r\n"), "HTTP"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_what_answers_strangely_costs_one_sentence(kind: str) -> None:
    answer, words = HOSTILE[kind]
    begun = time.monotonic()
    with replay.peer(answer) as address:
        facts = look(0.5, url=f"http://{address}/")
    assert facts["state"] != "up" and words in facts["problem"] and "\n" not in facts["problem"]
    assert time.monotonic() - begun < 8


def test_a_page_of_a_gigabyte_is_read_in_part() -> None:
    with replay.peer(pours) as address:
        facts = look(url=f"http://{address}/")
    assert facts["state"] == "up" and facts["page"]["compressed"] is False and facts["not_found"]["bytes"] < 1 << 20


def test_tls_that_is_none(site: Site, resolver: str) -> None:
    facts = look(1, url=f"https://shop.test:{site.http_port}/", resolver=resolver)
    assert facts["state"] == "unreadable" and "TLS" in facts["problem"]


def test_a_bomb_of_zeros_is_unpacked_to_its_limit(site: Site, resolver: str) -> None:
    import gzip

    page(site, "/", headers={"Content-Encoding": "gzip"}, body=gzip.compress(b"\0" * (64 << 20)))
    facts = of(site, resolver)
    assert facts["page"]["compressed"] is True and facts["page"]["hidden_from_search"] is False


@pytest.mark.parametrize("url", ["", "shop.test", "ftp://shop.test/", "https://u:EXAMPLEPW@shop.test/", "http://a b/", "http://x/\r\nX: y"])
def test_what_is_no_url_of_a_site(url: str) -> None:
    facts = look(url=url)
    assert facts["state"] == "unreadable" and "give " in facts["problem"] and "EXAMPLEPW" not in str(facts)
