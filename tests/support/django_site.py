# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small Django site with public pages and every kind of private one, as a server of its own (`django_site.py PORT`)."""

from __future__ import annotations

import sys
import typing as t

from .server import ROOT, VENV, Server, accepts, free_port

#: Private pages → what a visitor sends for them.
PRIVATE: dict[str, dict[str, str]] = {
    "/account/": {},
    "/basket/": {},
    "/orders/": {"Cookie": "sessionid=EXAMPLEcookie"},
    "/statement/": {},
    "/api/me/": {"Authorization": "Basic EXAMPLEtoken"},
}


class DjangoSite(Server):
    unprivileged = False

    def __init__(self) -> None:
        super().__init__()
        self.port = free_port()

    def argv(self) -> list[str]:
        return ["env", f"PYTHONPATH={ROOT}", str(VENV / "python"), "-m", "tests.support.django_site", str(self.port)]

    def ready(self) -> bool:
        return accepts(self.port)


def serve(port: int) -> None:
    import socketserver
    from wsgiref import simple_server

    from django.conf import settings
    from django.core.wsgi import get_wsgi_application

    settings.configure(
        ROOT_URLCONF=__name__,
        ALLOWED_HOSTS=["*"],
        SECRET_KEY="EXAMPLEsecret",
        SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
        SESSION_SAVE_EVERY_REQUEST=False,
        MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware"],
    )

    class Threaded(socketserver.ThreadingMixIn, simple_server.WSGIServer):
        daemon_threads = True
        request_queue_size = 128

    class Quiet(simple_server.WSGIRequestHandler):
        def log_message(self, *_args: t.Any) -> None:
            pass

    simple_server.make_server("127.0.0.1", port, get_wsgi_application(), Threaded, Quiet).serve_forever()


def urls() -> list[t.Any]:
    from django.http import HttpRequest, HttpResponse
    from django.urls import path
    from django.views.decorators.cache import cache_control, never_cache
    from django.views.decorators.vary import vary_on_cookie

    def page(_request: HttpRequest, **_parts: t.Any) -> HttpResponse:
        return HttpResponse("x" * 500)

    def basket(request: HttpRequest) -> HttpResponse:
        request.session["items"] = 1
        return HttpResponse("x" * 500)

    return [
        path("news/<int:number>/", cache_control(public=True, s_maxage=300)(page)),
        path("account/", cache_control(private=True)(page)),
        path("basket/", basket),
        path("orders/", vary_on_cookie(page)),
        path("statement/", never_cache(page)),
        path("api/me/", page),
    ]


def __getattr__(name: str) -> t.Any:
    """`urlpatterns`, which needs Django, for the server only."""
    if name == "urlpatterns":
        return urls()
    raise AttributeError(name)


if __name__ == "__main__":
    serve(int(sys.argv[1]))
