# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Servers that answer, fail or hang, for what stands in front of them; and one instance read while they are asked."""

from __future__ import annotations

import contextlib
import http.server
import threading
import time
import typing as t

from ansible_collections.warroom.launch.plugins.module_utils._collect.host_tools import HostTools
from ansible_collections.warroom.launch.plugins.module_utils._collect.run import gather

from .tools import RealCommands


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        time.sleep(0.5 if self.path.startswith("/slow") else 0.01)
        self.send_response(500 if self.path.startswith("/boom") else 404 if self.path.startswith("/gone") else 200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(b"ok")

    def log_message(self, *_words: t.Any) -> None:
        pass


@contextlib.contextmanager
def answering() -> t.Iterator[int]:
    """The port of a server that takes 10 ms, 500 ms for /slow, fails for /boom and has no /gone."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server.server_port
        finally:
            server.shutdown()


def read(collector: t.Any, options: t.Mapping[str, t.Any], meanwhile: t.Callable[[], t.Any], window: float = 0.3) -> dict[str, t.Any]:
    """One instance with these options; `meanwhile` runs inside the window."""

    class Sampler(collector.sampler):  # type: ignore[misc]
        def watch(self, seconds: float) -> None:
            meanwhile()
            super().watch(seconds)

    entry = {**dict.fromkeys(collector.options), "name": None, **options}
    watched = type(collector)(collector.service, collector.options, Sampler, collector.discover, collector.places)
    (instance,) = gather([(watched, entry)], window, HostTools(RealCommands()))[collector.key]["instances"]
    return dict(instance)


def found(collector: t.Any, name: str) -> dict[str, t.Any]:
    """What discovery says of the server that listens there."""
    (entry,) = [each for each in collector.discover(HostTools(RealCommands())) if each["name"] == name]
    return dict(entry)
