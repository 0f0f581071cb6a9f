# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real Varnish gets a VCL that caches named URLs, never private answers, and goes back to the one before."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._acts import cache_urls
from tests.support.acts import Planned, act_at, planned
from tests.support.varnish import Backend, Varnish

COLD = 'vcl 4.1;\nbackend shop { .host = "127.0.0.1"; .port = "%d"; }\nsub vcl_recv {\n    # "all" of it\n    return (pass);\n}\n'
ABOUT = {"regexes": ["^/news/", "^/old/", "^/private"]}


@pytest.fixture(scope="module")
def varnish() -> t.Iterator[Varnish]:
    with Backend() as backend:
        server = Varnish(backend)
        server.vcl = COLD % backend.port
        with server:
            yield server


@pytest.fixture(autouse=True)
def booted(varnish: Varnish) -> t.Iterator[None]:
    yield
    varnish.tool("varnishadm", "vcl.use", "boot")


def plan(varnish: Varnish, **about: t.Any) -> Planned:
    return planned(act_at("cache_urls", "varnish", {"instance": varnish.instance}, {**ABOUT, **about}))


def active(varnish: Varnish) -> str:
    return next(line.split()[-1] for line in varnish.tool("varnishadm", "vcl.list").splitlines() if line.startswith("active"))


def hits(varnish: Varnish, path: str, **headers: str) -> int:
    before = varnish.counters()["cache_hit"]
    varnish.get(path, times=3, headers=headers)
    return varnish.counters()["cache_hit"] - before


def test_named_urls_come_from_the_cache_and_then_no_more(varnish: Varnish) -> None:
    assert hits(varnish, "/news/1", Cookie="sessionid=EXAMPLE") == 0
    made = plan(varnish)
    assert made.broken == [] and "vcl.use boot" in str(made.act.look().undo)
    done = made.run()
    assert active(varnish).startswith(cache_urls.PREFIX)
    assert hits(varnish, "/news/2", Cookie="sessionid=EXAMPLE") == 2 and hits(varnish, "/old/2") == 2
    assert hits(varnish, "/private/1") == 0 and hits(varnish, "/else/1") == 0
    assert hits(varnish, "/news/3", Authorization="Basic EXAMPLE") == 0
    assert "boot is active again" in made.act.undo(done.state) and active(varnish) == "boot"
    assert "left alone" in made.act.undo(done.state) and hits(varnish, "/news/9") == 0


def test_a_vcl_that_does_not_compile_changes_nothing(varnish: Varnish, monkeypatch: pytest.MonkeyPatch) -> None:
    made = plan(varnish)
    before = varnish.tool("varnishadm", "vcl.list")
    monkeypatch.setattr(cache_urls.CacheUrls, "_added", lambda _self: "sub vcl_recv { set req.nothing = 1; }\n")
    assert "does not compile, nothing was changed" in made.refusal()
    assert active(varnish) == "boot" and len(varnish.tool("varnishadm", "vcl.list").splitlines()) == len(before.splitlines())


def test_another_vcl_than_the_plans_is_left_alone(varnish: Varnish) -> None:
    made = plan(varnish)
    varnish.tool("varnishadm", "vcl.load", "person", str(varnish.dir / "test.vcl"))
    varnish.tool("varnishadm", "vcl.use", "person")
    assert "another VCL is active by now (person)" in made.refusal() and active(varnish) == "person"


@pytest.mark.parametrize(
    ("vcl", "guard"),
    [
        (
            'backend two { .host = "127.0.0.1"; .port = "1"; }\n'
            'sub vcl_backend_fetch { if (bereq.url == "/x") { set bereq.backend = two; } }',
            "single backend",
        ),
        ('sub vcl_recv { if (req.url == "/x") { return (synth(410)); } }', "nothing that these requests need"),
        ('sub vcl_recv { set req.url = regsub(req.url, "a", "b"); }', "nothing that these requests need"),
    ],
)
def test_a_vcl_that_does_more_is_left_alone(varnish: Varnish, vcl: str, guard: str) -> None:
    path = varnish.dir / "more.vcl"
    path.write_text((varnish.dir / "test.vcl").read_text() + vcl + "\n")
    name = f"more{abs(hash(vcl))}"
    varnish.tool("varnishadm", "vcl.load", name, str(path))
    varnish.tool("varnishadm", "vcl.use", name)
    made = plan(varnish)
    assert any(guard in sentence for sentence in made.broken)
    assert guard in made.refusal() and active(varnish) == name


@pytest.mark.parametrize("regex", ["", 'a"b', "a b", "a\nb", "é", "x" * 400])
def test_what_cannot_be_put_into_a_vcl_is_no_url(varnish: Varnish, regex: str) -> None:
    with pytest.raises(Exception, match="names no URLs"):
        plan(varnish, regexes=[regex])
