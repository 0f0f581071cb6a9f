# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A site under names of its own, over HTTP and HTTPS, with a name server that knows them; every page is what a test says."""

from __future__ import annotations

import contextlib
import http.server
import pathlib
import socket
import ssl
import subprocess
import threading
import typing as t

NAMES = ("shop.test", "www.shop.test")

#: status, headers, body.
Page = tuple[int, dict[str, str], bytes]


def certificate(folder: pathlib.Path, names: t.Sequence[str] = NAMES, days: int = 90) -> pathlib.Path:
    """A certificate for the names that is its own authority, with its key in the same file."""
    path = folder / f"{'-'.join(names)}-{days}.pem"
    words = ["-subj", f"/CN={names[0]}", "-addext", "subjectAltName=" + ",".join(f"DNS:{name}" for name in names)]
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", str(days)]
    subprocess.run([*command, *words, "-keyout", f"{path}.key", "-out", str(path)], check=True, capture_output=True)
    path.write_text(path.read_text() + pathlib.Path(f"{path}.key").read_text())
    return path


class Site:
    """Pages by path; what is not among them is a 404 with a page of its own."""

    def __init__(self, pem: pathlib.Path, alpn: t.Sequence[str] = ("h2", "http/1.1")) -> None:
        self.pages: dict[str, Page] = {}
        self.over_http: t.Optional[t.Callable[[str, str], Page]] = None
        self.missing: Page = (404, {"Cache-Control": "max-age=0"}, b"<h1>Not here</h1>")
        self.pem = pem
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
        context.set_alpn_protocols(list(alpn))
        self._plain, self._secure = self._server(None), self._server(context)
        self.url = f"https://shop.test:{self._secure.server_address[1]}/"
        self.http_port = self._plain.server_address[1]

    def _server(self, context: t.Optional[ssl.SSLContext]) -> http.server.ThreadingHTTPServer:
        site = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                host = str(self.headers["Host"]).partition(":")[0]
                if context is None and site.over_http is not None:
                    status, headers, body = site.over_http(host, self.path)
                else:
                    status, headers, body = site.pages.get(self.path, site.missing)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_words: t.Any) -> None:
                """Nothing."""

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        server.handle_error = lambda *_where: None  # type: ignore[method-assign] # a handshake that a client refuses
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return server

    def close(self) -> None:
        for server in (self._plain, self._secure):
            server.shutdown()
            server.server_close()

    def __enter__(self) -> Site:
        return self

    def __exit__(self, *_why: object) -> None:
        self.close()


def healthy(site: Site) -> Site:
    """A site that is ready for its launch."""
    page = b"<html><title>shop</title>" + b"<p>words</p>" * 200
    import gzip  # pylint: disable=import-outside-toplevel

    site.pages = {
        "/": (
            200,
            {
                "Content-Encoding": "gzip",
                "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
                "Alt-Svc": 'h3=":443"; ma=86400',
                "Cache-Control": "public, max-age=60",
            },
            gzip.compress(page),
        ),
        "/robots.txt": (200, {}, b"User-agent: *\nDisallow: /admin/\nSitemap: https://shop.test/sitemap.xml\n"),
        "/sitemap.xml": (200, {}, b"<urlset><url><loc>https://shop.test/a/</loc></url></urlset>"),
        "/product/": (200, {"Cache-Control": "public, s-maxage=300"}, page),
        "/static/app.0a1b.css": (200, {"Cache-Control": "max-age=31536000, immutable"}, b"body {}"),
        "/500.html": (200, {"Cache-Control": "no-store"}, b"<h1>Sorry</h1>"),
        "/health": (200, {"Cache-Control": "no-store"}, b"ok"),
    }
    site.over_http = lambda _host, path: (301, {"Location": site.url.rstrip("/") + path}, b"")
    return site


@contextlib.contextmanager
def name_server(addresses: t.Mapping[str, str], ttl: int = 300) -> t.Iterator[str]:
    """Tells A records with dnspython; gives its address. A name that it does not know does not exist."""
    import dns.flags  # pylint: disable=import-outside-toplevel # only what needs it is skipped without it
    import dns.message  # pylint: disable=import-outside-toplevel
    import dns.rcode  # pylint: disable=import-outside-toplevel
    import dns.rrset  # pylint: disable=import-outside-toplevel

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    data, peer = listener.recvfrom(4096)
                    if not data:  # it was shut down
                        return
                    answer = dns.message.make_response(dns.message.from_wire(data))
                    question = answer.question[0]
                    address = addresses.get(question.name.to_text().rstrip("."))
                    if address is None:
                        answer.set_rcode(dns.rcode.NXDOMAIN)
                    elif question.rdtype == 1:
                        answer.answer.append(dns.rrset.from_text(question.name, ttl, "IN", "A", address))
                    listener.sendto(answer.to_wire(), peer)

        threading.Thread(target=serve, daemon=True).start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
