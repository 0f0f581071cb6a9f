# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A uWSGI application that says of itself what it waits for: the first opinion, against which ours is held."""

from __future__ import annotations

import contextlib
import socket
import threading
import typing as t

from .uwsgi import Uwsgi

#: What a worker does, as the letter that it writes into its own byte of a shared file before it begins, and `-` when it has ended.
APPLICATION = """
import fcntl, mmap, os, select, socket, time, uwsgi

HERE = os.path.dirname(os.path.abspath(__file__))
said = mmap.mmap(os.open(HERE + "/said", os.O_RDWR), 256)

def ask(place, seconds, how):
    conn = socket.socket(socket.AF_UNIX if place.startswith("/") else socket.AF_INET)
    conn.connect(place if place.startswith("/") else ("127.0.0.1", int(place)))
    conn.sendall(b"%f\\n" % seconds)
    if how == "timeout":
        conn.settimeout(60)
    elif how == "poll":
        waiter = select.poll()
        waiter.register(conn, select.POLLIN)
        waiter.poll(60000)
    elif how == "epoll":
        waiter = select.epoll()
        waiter.register(conn, select.EPOLLIN)
        waiter.poll(60)
        waiter.close()
    conn.recv(10)
    conn.close()

kept = {}

def tell(place):
    # what owes no answer, over a connection that is kept
    if place not in kept:
        kept[place] = socket.create_connection(("127.0.0.1", int(place)))
    kept[place].sendall(b"0.0")

def greeting(place):
    conn = socket.create_connection(("127.0.0.1", int(place)), 60)
    conn.recv(10)
    conn.close()

def application(environ, start_response):
    query = dict(pair.split("=", 1) for pair in environ["QUERY_STRING"].split("&") if "=" in pair)
    seconds, act, me = float(query.get("s", "0")), environ["PATH_INFO"][1:], uwsgi.worker_id()
    if act:
        said[me] = ord(query["as"])
        if act == "burn":
            until = time.monotonic() + seconds
            while time.monotonic() < until:
                pass
        elif act == "sleep":
            time.sleep(seconds)
        elif act == "lock":
            with open(HERE + "/lock", "w") as handle:
                fcntl.flock(handle, fcntl.LOCK_EX)
        else:
            if "told" in query:
                tell(query["told"])
                time.sleep(0.05)  # more than the tick that the kernel tells moments by
            if act == "greeting":
                greeting(query["to"])
            else:
                ask(query["to"], seconds, act)
        said[me] = ord("-")
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"done"]
"""


class WaitingApp(Uwsgi):
    def prepare(self) -> None:
        super().prepare()
        (self.dir / "app.py").write_text(APPLICATION)
        (self.dir / "said").write_bytes(b"-" * 256)

    def said(self) -> str:
        """A letter per busy worker, as the workers say it now."""
        return (self.dir / "said").read_bytes()[1 : 1 + self.processes].decode("ascii").replace("-", "")


class Slow:
    """Answers after as many seconds as each request says, or when it is ended: a database, or a service of others."""

    def __init__(self, path: t.Optional[str] = None) -> None:
        self.socket = socket.socket(socket.AF_UNIX if path else socket.AF_INET)
        self.socket.bind(path or ("127.0.0.1", 0))
        self.socket.listen(64)
        self.ended = threading.Event()
        self.connections: list[socket.socket] = []
        self.waiting = 0  # who asked and has no answer yet
        self.place = path or str(self.socket.getsockname()[1])
        self.address = f"unix:{path}" if path else f"127.0.0.1:{self.place}"
        self.begin()

    def begin(self) -> None:
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                conn, _peer = self.socket.accept()
                self.connections.append(conn)
                threading.Thread(target=self._answer, args=(conn,), daemon=True).start()

    def _answer(self, conn: socket.socket) -> None:
        with conn, contextlib.suppress(OSError, ValueError):
            seconds = float(conn.makefile("rb").readline())
            self.waiting += 1
            self.ended.wait(seconds)
            self.waiting -= 1
            conn.sendall(b"answer")

    def __enter__(self) -> Slow:
        return self

    def end(self) -> None:
        """Close every connection, as those end who are never asked anything."""
        self.ended.set()
        for conn in self.connections:
            with contextlib.suppress(OSError):
                conn.shutdown(socket.SHUT_RDWR)

    def __exit__(self, *_error: object) -> None:
        self.end()
        self.socket.close()


class Full(Slow):
    """Accepts nobody, and the queue before it is full: what is dropped on the way to a server looks the same from here."""

    def begin(self) -> None:
        self.socket.listen(0)
        for _place in range(2):
            conn = socket.socket()
            conn.setblocking(False)
            conn.connect_ex(self.socket.getsockname())
            self.connections.append(conn)

    def end(self) -> None:
        for conn in self.connections:
            conn.close()
