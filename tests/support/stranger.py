# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stranger's fleet: Debian hosts by SSH as an ordinary user with sudo, whose services were installed the distribution's way.

The packages' own units and users run them. Of what the check may want (libraries, a time service) nothing is installed.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import itertools
import pathlib
import threading
import typing as t
import urllib.request

import yaml

from .fleet import Fleet, Host
from .provisioned import sudoer
from .server import wait_until

USER = "deploy"
#: What each kind of host runs, as its administrator named it to apt.
PACKAGES: dict[str, tuple[str, ...]] = {
    "web": ("varnish", "uwsgi", "uwsgi-plugin-python3"),
    "app": ("uwsgi", "uwsgi-plugin-python3", "redis-server", "celery", "python3-redis"),
    "db": ("postgresql", "mariadb-server", "memcached"),
}
#: What lies in the local mirror for the lines that the check prints.
REMEDIES = (
    "python3-psycopg2",
    "python3-pymysql",
    "python3-psutil",
    "python3-kombu",
    "python3-pymemcache",
    "python3-cryptography",
    "chrony",
)

SITE = """
import importlib

def application(environ, start_response):
    if environ["PATH_INFO"] == "/order":
        importlib.import_module("shop").book.delay(1)
        start_response("202 Accepted", [("Content-Type", "text/plain"), ("Cache-Control", "no-store")])
        return [b"booked"]
    start_response("200 OK", [("Content-Type", "text/html"), ("Cache-Control", "public, max-age=600")])
    return [b"<p>page</p>"]
"""
UWSGI = """[uwsgi]
plugin = python3
chdir = /srv/shop
module = site_wsgi
master = true
processes = 4
http-socket = :8000
stats = /run/uwsgi/app/shop/stats
"""
#: Of Redis, which no check can know.
PASSWORD = "s3cret"
TASKS = f"""
from celery import Celery

app = Celery("shop", broker="redis://:{PASSWORD}@127.0.0.1:6379/0")

@app.task(name="shop.book")
def book(number):
    return number
"""
#: As Celery's own documentation has it.
CELERY = """[Unit]
Description=Celery
After=network.target redis-server.service

[Service]
User=celery
WorkingDirectory=/srv/shop
ExecStart=/usr/bin/celery -A shop worker -E -c 2 -n worker1@%h --loglevel=INFO
Restart=always

[Install]
WantedBy=multi-user.target
"""
#: Orders go where the queue is.
VCL = """vcl 4.1;
import directors;
%s
sub vcl_init {
    new site = directors.round_robin();
    new orders = directors.round_robin();
%s}
sub vcl_recv {
    set req.backend_hint = site.backend();
    if (req.url == "/order") {
        set req.backend_hint = orders.backend();
        return (pass);
    }
}
"""


def kind(name: str) -> str:
    return name.rstrip("0123456789")


def made(names: t.Mapping[str, str], *more: str) -> Fleet:
    """The hosts by name, each with its release; not yet up. `more`: packages that lie in the local mirror as well."""
    packages = {package for name in names for package in PACKAGES[kind(name)]}
    return Fleet(names, names, sorted(packages.union(REMEDIES, more)), booted=True)


def settle(fleet: Fleet, libraries: bool = False) -> None:
    """What their administrators did before anyone thought of a check. `libraries`: psutil of the base stays, which no mirror here has."""
    with concurrent.futures.ThreadPoolExecutor(len(fleet.hosts)) as pool:
        list(pool.map(lambda host: _settle(fleet, host, libraries), fleet.hosts.values()))


def _settle(fleet: Fleet, host: Host, libraries: bool) -> None:
    sudoer(host, USER)
    if not libraries:
        host.run("sh", "-c", "apt-get purge -y python3-psutil >/dev/null 2>&1")
    host.run("rm", "-f", "/usr/sbin/policy-rc.d")
    if kind(host.name) == "web":
        _written(host, "etc/varnish/default.vcl", _vcl(fleet))
    if kind(host.name) in ("web", "app"):
        _written(host, "srv/shop/site_wsgi.py", SITE)
        _written(host, "srv/shop/shop.py", TASKS)
        _written(host, "etc/uwsgi/apps-enabled/shop.ini", UWSGI)
    packages = " ".join(PACKAGES[kind(host.name)])
    options = "-y --no-install-recommends -o Dpkg::Options::=--force-confold"
    host.run("sh", "-c", f"DEBIAN_FRONTEND=noninteractive apt-get install {options} {packages} >/var/log/installed 2>&1 </dev/null")
    if kind(host.name) in ("web", "app"):
        # apt starts it before it has configured its plugin
        host.run("systemctl", "restart", "uwsgi")
    if kind(host.name) == "app":
        host.run("sh", "-c", f"echo requirepass {PASSWORD} >>/etc/redis/redis.conf && systemctl restart redis-server")
        host.run("useradd", "--system", "celery")
        _written(host, "etc/systemd/system/celery.service", CELERY)
        host.run("systemctl", "enable", "--now", "celery")


def _written(host: Host, path: str, text: str) -> None:
    place = host.root / path
    host.run("mkdir", "-p", f"/{pathlib.Path(path).parent}")
    place.write_text(text)


def _vcl(fleet: Fleet) -> str:
    names = [name for name in fleet.hosts if kind(name) in ("web", "app")]
    backends = "".join(f'backend {name} {{ .host = "{fleet.hosts[name].address}"; .port = "8000"; }}\n' for name in names)
    pools = [("site", names), ("orders", [name for name in names if kind(name) == "app"])]
    return VCL % (backends, "".join(f"    {pool}.add_backend({name});\n" for pool, members in pools for name in members))


#: What visitors would do to a database host.
LOAD = """
import socket, subprocess, time

while True:
    with socket.create_connection(("127.0.0.1", 11211)) as cache:
        for number in range(400):
            cache.sendall(b"set k 0 60 1\\r\\nx\\r\\nget k\\r\\nget k\\r\\n")
            cache.recv(1000)
    subprocess.run(["su", "postgres", "-c", "psql -q shop"], input=b"select * from shop where id = 1;" * 20, stdout=-3)
    subprocess.run(["mariadb", "shop", "-e", "select * from shop where id = 1;" * 500], stdout=-3)
    time.sleep(0.3)
"""
#: Whom it works as: the check rightly asks who that is.
LOAD_LOGINS = ("postgres", "root")
TABLE = "create table shop (id int primary key); insert into shop values (1), (2)"


def restart(fleet: Fleet) -> None:
    """What is left to a person, on the hosts with databases: they count statements from this start on, and get some to count."""
    for host in fleet.hosts.values():
        if kind(host.name) == "db":
            host.run("systemctl", "restart", "mariadb", "postgresql")
            wait_until(lambda host=host: host.run("su", "postgres", "-c", "psql -c ''", check=False).returncode == 0, "PostgreSQL")
            host.run("su", "postgres", "-c", "psql -c 'create database shop'")
            host.run("su", "postgres", "-c", f"psql shop -c '{TABLE}'")
            host.run("mariadb", "-e", f"create database shop; use shop; {TABLE}")
            _written(host, "usr/local/bin/load.py", LOAD)
            host.run("systemd-run", "--quiet", "--unit=load", "python3", "/usr/local/bin/load.py")


@contextlib.contextmanager
def visitors(fleet: Fleet) -> t.Iterator[None]:
    """Some read pages, through every accelerator, and some order."""
    over = threading.Event()
    fronts = [host.address for host in fleet.hosts.values() if kind(host.name) == "web"]

    def path(number: int) -> str:
        """Every tenth an order, every tenth a page that nobody has read yet."""
        return {0: "order", 5: f"new/{number}"}.get(number % 10, str(number % 7))

    def visit(address: str) -> None:
        for number in itertools.count():
            if over.wait(0.03):
                return
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"http://{address}:6081/{path(number)}", timeout=5).read()

    threads = [threading.Thread(target=visit, args=[address], daemon=True) for address in fronts for _each in range(2)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join(10)


def inventory(fleet: Fleet, **variables: t.Any) -> pathlib.Path:
    """As a stranger writes it: addresses and a user."""
    hosts = {host.name: {"ansible_host": host.address} for host in fleet.hosts.values()}
    common = {
        "ansible_user": USER,
        "ansible_ssh_private_key_file": str(fleet.dir / "id"),
        "ansible_ssh_common_args": f"-o UserKnownHostsFile={fleet.dir}/known_hosts -o StrictHostKeyChecking=accept-new",
    }
    path = fleet.dir / "stranger.yml"
    path.write_text(yaml.safe_dump({"all": {"hosts": hosts, "vars": {**common, **variables}}}))
    return path
