# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults of the accelerator and the application: another VCL, other parameters, another release. A knob is how bad it gets."""

from __future__ import annotations

import contextlib
import os
import pathlib
import socket
import threading
import time
import typing as t

from .stack import Stack, vcl

Fault = t.Iterator[None]

#: Visits of one path pattern, as often as told, by clients that stand apart from the load generator.
VISITS = """
import http.client, sys, time, random, threading
port, path, cookie, every = int(sys.argv[1]), sys.argv[2], sys.argv[3], float(sys.argv[4])
def visit():
    while True:
        conn = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            conn.request("GET", path.replace("<n>", str(random.randrange(int(sys.argv[6])))), headers={"Cookie": cookie})
            conn.getresponse().read()
        except OSError:
            pass
        conn.close()
        time.sleep(every * random.uniform(0.5, 1.5))
for _each in range(int(sys.argv[5])):
    threading.Thread(target=visit).start()
"""


@contextlib.contextmanager
def visits(stack: Stack, path: str, per_second: float, clients: int = 8, port: str = "", cookie: str = "", numbers: int = 10**6) -> Fault:
    with stack.running(VISITS, stack.ports[port or stack.front], path, cookie, clients / per_second, clients, numbers):
        yield


def rush(stack: Stack, share: float) -> contextlib.AbstractContextManager[None]:
    """More visitors of pages that a cache answers, as a launch brings them."""
    return visits(stack, "/product/<n>/", 100 * share, clients=16, numbers=40)


@contextlib.contextmanager
def passes(stack: Stack, share: float) -> Fault:
    """The cache is switched off for a share of the products."""
    last = "".join(str(digit) for digit in range(round(10 * share)))
    rule = f'sub vcl_recv {{\n    if (req.url ~ "^/product/[0-9]*[{last}]/$") {{ return (pass); }}'
    with vcl(stack, lambda text: text.replace("sub vcl_recv {", rule, 1), "passes"), rush(stack, share):
        yield


@contextlib.contextmanager
def cookie_for_all(stack: Stack, share: float) -> Fault:
    """A release that touches the session of anonymous visitors."""
    body = 'return page(f"Product {number}", *products([number % PRODUCTS]))'
    touched = (
        f"answer = page(f'Product {{number}}', *products([number % PRODUCTS]))\n"
        f"    if number % 10 < {10 * share}:\n        answer.set_cookie('seen', str(number))\n    return answer"
    )
    with stack.release("shop/views.py", (body, touched)):
        stack.varnishadm("ban", "req.url ~ ^/product/")
        with rush(stack, share):
            yield
    stack.varnishadm("ban", "req.url ~ ^/product/")


@contextlib.contextmanager
def legacy_redirects(stack: Stack, per_second: float) -> Fault:
    """Links to the old site come back, and the VCL no longer keeps their redirects."""
    rule = 'sub vcl_recv {\n    if (req.url ~ "^/old/") { return (pass); }'
    with vcl(stack, lambda text: text.replace("sub vcl_recv {", rule, 1), "redirects"), visits(stack, "/old/<n>/", per_second):
        yield


@contextlib.contextmanager
def ban_storm(stack: Stack, every: float) -> Fault:
    with stack.repeated(lambda: stack.varnishadm("ban", "req.url ~ ."), every):
        yield


#: Clients that begin a request and never end it: each holds a thread until the server's patience is over.
SLOW_CLIENTS = """
import socket, sys, threading
def begin():
    while True:
        try:
            with socket.create_connection(("127.0.0.1", int(sys.argv[1])), 60) as conn:
                conn.sendall(b"GET / HTTP/1.1\\r\\nHost: ")
                conn.recv(1)
        except OSError:
            pass
for _each in range(int(sys.argv[2])):
    threading.Thread(target=begin).start()
"""


@contextlib.contextmanager
def few_threads(stack: Stack, clients: int) -> Fault:
    """Slow clients, and a limit of 200 threads, which is what there are already."""
    stack.varnishadm("param.set", "thread_pool_max", "100")
    try:
        with stack.running(SLOW_CLIENTS, stack.ports["varnish"], clients):
            yield
    finally:
        stack.varnishadm("param.reset", "thread_pool_max")


@contextlib.contextmanager
def wrong_backend(stack: Stack, _knob: float) -> Fault:
    """The port of the application is mistyped."""
    with vcl(stack, lambda text: text.replace(f'"{stack.ports["uwsgi"]}"', '"1"', 1), "wrong_backend"):
        stack.varnishadm("ban", "req.url ~ .")
        yield


@contextlib.contextmanager
def bypass(stack: Stack, per_second: float) -> Fault:
    with visits(stack, "/product/<n>/", per_second, port="uwsgi"):
        yield


# releases


@contextlib.contextmanager
def slow_page(stack: Stack, seconds: float) -> Fault:
    slower = ("time.sleep(", f"time.sleep({seconds} or ")
    with stack.release("shop/views.py", slower), visits(stack, "/report/", 8, clients=12, cookie="sessionid=analyst-2"):
        yield


@contextlib.contextmanager
def slow_api(stack: Stack, seconds: float) -> Fault:
    """A view calls another company's API, which answers late."""
    with _late_listener(seconds) as port:
        call = f'__import__("socket").create_connection(("127.0.0.1", {port}), 60).recv(1)'
        with stack.release("shop/views.py", ("customer = int(request", f"{call}\n    customer = int(request")):
            yield


@contextlib.contextmanager
def _late_listener(seconds: float) -> t.Iterator[int]:
    listener = socket.create_server(("127.0.0.1", 0), backlog=200)

    def answer(conn: socket.socket) -> None:
        time.sleep(seconds)
        with conn, contextlib.suppress(OSError):
            conn.sendall(b"1")

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=answer, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


@contextlib.contextmanager
def busy_page(stack: Stack, milliseconds: int) -> Fault:
    work = f"until = time.thread_time() + {milliseconds / 1000}\n    while time.thread_time() < until:\n        pass\n    "
    change = ("customer = int(request", f"{work}customer = int(request")
    with stack.release("shop/views.py", change), visits(stack, "/account/", 30, clients=16, cookie="sessionid=member-7"):
        yield


@contextlib.contextmanager
def throws(stack: Stack, share: float) -> Fault:
    change = f"if random.random() < {share}:\n        raise KeyError('customer')\n    customer = int(request"
    with stack.release("shop/views.py", ("customer = int(request", change)):
        yield


@contextlib.contextmanager
def many_queries(stack: Stack, queries: int) -> Fault:
    change = f"for each in range({queries}):\n        Order.objects.filter(customer_id=customer + each).count()\n    orders = Order"
    with stack.release("shop/views.py", ("orders = Order", change)):
        yield


@contextlib.contextmanager
def before_migration(stack: Stack, _knob: float) -> Fault:
    """The new code reads a column that its migration has not made yet."""
    column = "extra(select={'c': '\"shop_order\".\"currency\"'})"
    change = f"list(Order.objects.{column}.filter(customer_id=customer)[:1])\n    orders = Order"
    with stack.release("shop/views.py", ("orders = Order", change)):
        yield


@contextlib.contextmanager
def wrong_hosts(stack: Stack, _knob: float) -> Fault:
    check = "customer = int(request"
    hosts = ('ALLOWED_HOSTS = ["127.0.0.1", "localhost"]', 'ALLOWED_HOSTS = ["www.example.com"]')
    asked = (check, f"request.get_host()\n    {check}")
    with stack.release("shop/settings.py", hosts), stack.release("shop/views.py", asked):
        yield


#: A process may lower its own limits; those of another one only root with all its rights may.
LIMIT_MEMORY = """import resource
with open("/proc/self/statm") as statm:
    most = int(statm.read().split()[0]) * resource.getpagesize() + 200 * 2**20
resource.setrlimit(resource.RLIMIT_AS, (most, resource.getrlimit(resource.RLIMIT_AS)[1]))
KEPT = []"""


@contextlib.contextmanager
def leaks(stack: Stack, megabytes: int) -> Fault:
    """A view that keeps what it made, and workers that may take another 200 MB."""
    change = f"KEPT.append(b'x' * ({megabytes} * 2**20))\n    customer = int(request"
    with stack.release("shop/views.py", ("PRODUCTS = 600", f"PRODUCTS = 600\n{LIMIT_MEMORY}"), ("customer = int(request", change)):
        yield


@contextlib.contextmanager
def stampede(stack: Stack, seconds: float) -> Fault:
    """A hot key of two seconds that takes long to compute, by everyone at once."""
    change = f"if cache.get('top') is None:\n        time.sleep({seconds})\n        cache.set('top', 1, 2)\n    customer = int(request"
    with stack.release("shop/views.py", ("customer = int(request", change)):
        yield


LIMIT_FILES = """import os, resource
LIMITED = []
def limit_files(left):
    if not LIMITED:
        LIMITED.append(True)
        limits = (len(os.listdir("/proc/self/fd")) - 1 + left, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
"""


@contextlib.contextmanager
def few_descriptors(stack: Stack, left: int) -> Fault:
    """The limit of open files is hardly above what each worker has open."""
    change = f"limit_files({left})\n    customer = int(request"
    with stack.release("shop/views.py", ("PRODUCTS = 600", f"PRODUCTS = 600\n{LIMIT_FILES}"), ("customer = int(request", change)):
        yield


@contextlib.contextmanager
def latency(stack: Stack, milliseconds: float) -> Fault:
    """A proxy with delay between the application and its database, which nobody wrote into the inventory."""
    with stack.running(PROXY, stack.ports["postgresql"], milliseconds / 1000) as process:
        port = _listening(process.pid)
        with stack.release("shop/settings.py", ('"PORT": PORTS["postgresql"]', f'"PORT": {port}')):
            yield


PROXY = """
import asyncio, sys
async def pipe(reader, writer, delay):
    while data := await reader.read(65536):
        await asyncio.sleep(delay)
        writer.write(data)
    writer.close()
async def serve(reader, writer):
    there, back = await asyncio.open_connection("127.0.0.1", int(sys.argv[1]))
    await asyncio.gather(pipe(reader, back, float(sys.argv[2])), pipe(there, writer, 0))
async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    await server.serve_forever()
asyncio.run(main())
"""


def _listening(pid: int) -> int:
    """The port that the process listens on, once it does."""
    for _try in range(100):
        sockets = {os.readlink(entry) for entry in pathlib.Path(f"/proc/{pid}/fd").iterdir() if entry.is_symlink()}
        for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
            words = line.split()
            if words[3] == "0A" and f"socket:[{words[9]}]" in sockets:
                return int(words[1].split(":")[1], 16)
        time.sleep(0.1)
    raise RuntimeError("the proxy does not listen")
