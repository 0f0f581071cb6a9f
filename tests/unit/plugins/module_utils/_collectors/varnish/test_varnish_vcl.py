# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the backends of a VCL are."""

from __future__ import annotations

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collectors.varnish import vcl

WHOLE = """
vcl 4.1;
# backend commented { .host = "10.0.0.9"; }
/* backend also { .host = "10.0.0.8"; } */
import std; // "
probe health { .url = "/ping"; .window = 5; }
backend app1 {
    .host = "10.0.0.21"; .port = "8000";
    .probe = { .request = "GET / HTTP/1.1" "Host: {10.0.0.7}"; .host = "10.0.0.6"; }
    .host_header = "shop.example.com";
}
backend app2 { .host = "app2"; }
backend six { .host = "2001:db8::1"; .port = "8080"; }
backend socket { .path = "/run/app.sock"; }
backend again { .host = "10.0.0.21"; .port = "8000"; }
backend nobody none;
backend both { .host = "10.0.0.22:81"; }
sub vcl_recv { if (req.url ~ "backend x { ") { set req.http.X = {"backend y { .host = "10.0.0.5"; }"}; set req.backend_hint = app1; } }
"""


def test_every_backend_once() -> None:
    assert vcl.addresses(WHOLE.encode()) == ["10.0.0.21:8000", "app2:80", "[2001:db8::1]:8080", "/run/app.sock", "10.0.0.22:81"]


@pytest.mark.parametrize("text", ["", "}}}}", "backend", 'backend a { .host = "', "backend a { .host = 1; }", "{" * 5000, '"' * 5001])
def test_what_is_no_vcl_has_none(text: str) -> None:
    assert vcl.addresses(text.encode()) == []
