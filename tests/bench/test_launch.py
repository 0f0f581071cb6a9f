# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a whole check costs: one host with every service (the practice stack of `make demo`), and fifty hosts with one.

All numbers are ratios of medians from one run, its calls interleaved. Processor time is that of everything a call starts, controller
included; time on the wall is compared where it is the point (windows add up or they do not), or where the machine is quiet.
"""

from __future__ import annotations

import json
import math
import os
import pathlib
import shutil
import socket
import statistics
import subprocess
import sys
import time
import typing as t

import pytest
import yaml

from tests.support.server import ROOT, VENV

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1800)]

STACK = ROOT / ".practice" / "inventory.yml"
WINDOW = 5
SHORT_WINDOW = 1
ROUNDS = 3


class Cost(t.NamedTuple):
    processor: float
    wall: float


def run(*words: t.Any) -> Cost:
    """One call of Ansible that succeeds."""
    begun = time.monotonic()
    with open(os.devnull, "wb") as nowhere:
        settings = {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")}
        process = subprocess.Popen(
            [str(VENV / words[0]), *map(str, words[1:])], cwd=ROOT, stdout=nowhere, stderr=nowhere, env={**os.environ, **settings}
        )
        _pid, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, words
    return Cost(used.ru_utime + used.ru_stime, time.monotonic() - begun)


def interleaved(rounds: int, *calls: t.Callable[[], Cost]) -> list[Cost]:
    """The median cost of each call."""
    costs: list[list[Cost]] = [[] for _call in calls]
    for _round in range(rounds):
        for place, call in enumerate(calls):
            costs[place].append(call())
    return [Cost(*(statistics.median(one[part] for one in each) for part in (0, 1))) for each in costs]


def quiet() -> bool:
    return os.getloadavg()[0] <= (os.cpu_count() or 1)


# --- one host with every service


@pytest.fixture(scope="module")
def services() -> dict[str, t.Any]:
    """The services of the practice stack as its inventory names them."""
    if not STACK.exists():
        pytest.skip("the practice stack does not run here: make demo starts it")
    found: dict[str, t.Any] = yaml.safe_load(STACK.read_text())["launch"]["hosts"]["practice"]["launch_check_services"]
    for port in (found["postgresql"][0]["login_port"], found["mysql"][0]["login_port"]):
        with socket.socket() as probe:
            probe.settimeout(2)
            if probe.connect_ex(("127.0.0.1", port)):
                pytest.skip(f"the practice stack has been stopped (nothing listens on {port}): make demo starts it")
    return found


def playbook(path: pathlib.Path, tasks: list[dict[str, t.Any]]) -> t.Callable[[], Cost]:
    path.write_text(yaml.safe_dump([{"hosts": "practice", "gather_facts": False, "tasks": tasks}]))
    return lambda: run("ansible-playbook", "-i", STACK, path)


def all_in_one(services: dict[str, t.Any], window: float = WINDOW) -> list[dict[str, t.Any]]:
    return [{"warroom.launch.launch_facts": {"services": services, "window": window}}]


def one_by_one(services: dict[str, t.Any]) -> list[dict[str, t.Any]]:
    """A task per service with the same window: each passes it on its own."""
    tasks = []
    for service, entries in services.items():
        options = {"instances": entries} if isinstance(entries, list) else {}
        module = service if service == "varnish_traffic" else f"{service}_stats"
        tasks.append({f"warroom.launch.{module}": {"window": WINDOW, **options}})
    return tasks


def the_peers_way(services: dict[str, t.Any]) -> list[dict[str, t.Any]]:
    """What people write without this collection: Ansible's own facts, the databases' info modules, the vendors' commands.

    Counted in their favour: no task reads a log, nobody works out a rate, and a service with several instances passes one window.
    A service whose rates are wanted (Varnish, uWSGI, memcached, the queue, both databases) is asked, waited for, and asked again.
    """
    speak = (
        "import socket, sys; s = socket.create_connection((sys.argv[1], int(sys.argv[2])), 5); "
        "s.sendall(sys.argv[3].encode()); s.recv(65536)"
    )

    def said(address: str, words: str = "") -> dict[str, t.Any]:
        host, _colon, port = address.rpartition(":")
        return {"ansible.builtin.command": {"argv": [sys.executable, "-c", speak, host, port, words]}}

    pause = {"ansible.builtin.pause": {"seconds": WINDOW}}
    varnish = {"ansible.builtin.command": {"argv": ["varnishstat", "-n", services["varnish"][0]["instance"], "-j"]}}
    uwsgi = [said(entry["stats"]) for entry in services["uwsgi"]]
    memcached = [said(entry["address"], "stats\r\n") for entry in services["memcached"]]
    broker = services["celery"][0]["broker_url"].partition("://")[2].partition("/")[0].rpartition("@")[2]
    queue = said(broker, "LLEN celery\r\n")
    places = {service: services[service][0] for service in ("postgresql", "mysql")}
    keys = ("login_host", "login_port", "login_user", "login_password")
    login = {service: {key: place[key] for key in keys} for service, place in places.items()}
    postgresql = {"community.postgresql.postgresql_info": {**login["postgresql"], "login_db": places["postgresql"]["login_db"]}}
    # its whole answer needs more rights than reading the status does
    mysql = {"community.mysql.mysql_info": {**login["mysql"], "filter": ["version", "settings", "global_status", "databases"]}}
    rated = [[varnish], uwsgi, memcached, [queue], [postgresql], [mysql]]
    return [{"ansible.builtin.setup": {}}, *(task for one in rated for task in (*one, pause, *one))]


def test_all_services_against_ping(services, tmp_path):
    """With a short window: waiting for a module costs the controller some processor time every second."""
    ping, ours = interleaved(
        2 * ROUNDS + 1,
        playbook(tmp_path / "ping.yml", [{"ansible.builtin.ping": {}}]),
        playbook(tmp_path / "all.yml", all_in_one(services, SHORT_WINDOW)),
    )
    processor, wall = ours.processor / ping.processor, (ours.wall - SHORT_WINDOW) / ping.wall
    print(f"\nlaunch_facts: {processor:.2f} times ping in processor time, {wall:.2f} on the wall without its window")
    assert processor <= 3
    assert wall <= 3 or not quiet()


def test_all_services_against_one_after_another(services, tmp_path):
    """With the window of a real check, whole runs: the single modules, and what people write without this collection."""
    if not (ROOT / ".collections/ansible_collections/community/postgresql").is_dir():
        pytest.skip("the peers' collections are not installed: .ci/collections does it")
    if shutil.which("varnishstat") is None:
        pytest.skip("varnishstat is not installed")
    ours, single, peers = interleaved(
        ROUNDS,
        playbook(tmp_path / "all.yml", all_in_one(services)),
        playbook(tmp_path / "single.yml", one_by_one(services)),
        playbook(tmp_path / "peers.yml", the_peers_way(services)),
    )
    print(f"\nlaunch_facts {ours.wall:.1f} s; single modules {single.wall:.1f} s ({single.wall / ours.wall:.1f} times as long,")
    more = f"{single.processor / ours.processor:.1f} times the processor time"
    print(f"{more}); the peers' way {peers.wall:.1f} s ({peers.wall / ours.wall:.1f} times)")
    # mostly windows, which take as long on a busy machine
    assert single.wall >= 4 * ours.wall
    assert peers.wall >= 4 * ours.wall
    assert single.processor >= 1.5 * ours.processor


# The module on its target, in an interpreter of its own; says on standard error what it used itself, and its tools.
_MODULE = """
import atexit, json, resource, sys
from ansible.module_utils import basic
basic._ANSIBLE_ARGS, basic._ANSIBLE_PROFILE = sys.stdin.buffer.read(), "legacy"
from ansible_collections.warroom.launch.plugins.modules import launch_facts
from tests.support.memory import peak

def tell():
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    sys.stderr.write("\\n" + json.dumps([*(one.ru_utime + one.ru_stime for one in used), peak()]))

atexit.register(tell)
launch_facts.main()
"""


def test_price_on_the_target(services):
    surroundings = {**os.environ, "PYTHONPATH": f"{ROOT}/.collections:{ROOT}"}
    arguments = json.dumps({"ANSIBLE_MODULE_ARGS": {"services": services, "window": WINDOW}}).encode()
    rounds = []
    for _round in range(ROUNDS):
        done = subprocess.run([sys.executable, "-c", _MODULE], input=arguments, capture_output=True, env=surroundings, check=True)
        facts = json.loads(done.stdout)["ansible_facts"]
        assert set(facts) == {f"launch_{service}" for service in services}
        down = [one["problem"] for fact in facts.values() for one in fact["instances"] if one["state"] != "up"]
        assert not down, down
        rounds.append(json.loads(done.stderr.splitlines()[-1]))
    own, tools, memory = (statistics.median(each) for each in zip(*rounds, strict=True))
    print(f"\nlaunch_facts on the target: {own:.2f} s of processor time, Varnish's tools {tools:.2f} s, {int(memory) >> 20} MiB")
    # the least of the rounds: what a neighbour does to the processor's caches is not the module's
    assert min(one[0] for one in rounds) < 1
    assert memory < 120 * 1024 * 1024


# --- fifty hosts

HOSTS, FORKS = 50, 10


def test_a_check_of_fifty_hosts(tmp_path):
    """The whole of launch_check.yml minus a window per batch of forks, against ping over the same hosts with the same forks."""
    inventory = tmp_path / "hosts.yml"
    common = {
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
        "launch_check_services": {"server": "auto"},
        "launch_check_window": SHORT_WINDOW,
        "launch_check_fail_on": "never",
        "launch_check_report_dir": str(tmp_path / "report"),
    }
    inventory.write_text(yaml.safe_dump({"all": {"hosts": {f"host{at}": {} for at in range(HOSTS)}, "vars": common}}))
    ping, check = interleaved(
        ROUNDS,
        lambda: run("ansible", "all", "-i", inventory, "-f", FORKS, "-m", "ansible.builtin.ping"),
        lambda: run("ansible-playbook", "-i", inventory, "-f", FORKS, "playbooks/launch_check.yml"),
    )
    report = json.loads((tmp_path / "report/launch.json").read_text())
    assert len(report["hosts"]) == HOSTS and all(host["reached"] for host in report["hosts"].values())
    processor = check.processor / ping.processor
    wall = (check.wall - SHORT_WINDOW * math.ceil(HOSTS / FORKS)) / ping.wall
    print(f"\nlaunch_check.yml of {HOSTS} hosts: {processor:.2f} times ping in processor time, {wall:.2f} on the wall without its windows")
    assert processor <= 2
    assert wall <= 2 or not quiet()
