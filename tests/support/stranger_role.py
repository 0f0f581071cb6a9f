# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role launch_monitoring over a stranger's fleet, and back: as an ordinary user with sudo, beside services that visitors use.

Each step raises AssertionError with what the stranger would have stumbled on.
"""

from __future__ import annotations

import pathlib
import shlex
import shutil
import subprocess
import typing as t

import yaml

from . import ansible, asked, stranger
from .cockpit import Cockpit
from .fleet import Fleet, Host
from .provisioned import Provisioned, changes, wheels

#: Not of Debian: what the private virtualenv is made of, by the release's Python.
WHEELS = ["uwsgitop", "flower", "celery[redis]", "psutil", "psycopg[binary]"]
PYTHONS = {"bookworm": "3.11", "trixie": "3.13"}
#: A tool of the cockpit on each kind of host, and what stands on its screen once it has data. Without a broker given to the role there is
#: no flower, and the pane of celery's events says that.
TOOLS: dict[str, dict[str, tuple[str, ...]]] = {
    "web": {"varnishstat": ("MAIN.client_req",), "varnishtop": ("BereqURL",), "uwsgitop": ("WID",)},
    "app": {"uwsgitop": ("WID",), "celery events": ("needs the broker",)},
    "db": {"memcache-top": ("hit_rate",), "pg_activity": ("RUNNING QUERIES",), "mytop": ("Queries",)},
}
#: The other tools that it installs, each as a person runs it in a terminal, and what it shows.
IN_A_TERMINAL: dict[str, dict[str, tuple[str, str]]] = {
    "all": {
        "lsof": ("lsof -nP -iTCP -sTCP:LISTEN", "(LISTEN)"),
        "strace": ("strace -c ls /", "execve"),
        "ltrace": ("ltrace -c ls /", "100.00"),
        "sysstat": ("iostat -x 1 2", "avg-cpu"),
    },
    "memcached": {"memcstat": ("memcstat --servers=127.0.0.1", "curr_connections")},
    "postgresql": {
        "pg_top": ("runuser -u postgres -- timeout --foreground -s INT 10 pg_top -d postgres", "DB activity"),
        "pgbadger": ("pgbadger -q -x text -o - /var/log/postgresql/*.log", "Overall statistics"),
    },
    "mysql": {
        "innotop": ("timeout --foreground -s INT 15 innotop --user root --socket /run/mysqld/mysqld.sock --mode Q", "QPS"),
        "percona-toolkit": ("pt-mysql-summary --sleep 1 -- --socket /run/mysqld/mysqld.sock", "Version"),
    },
}
#: What a host that is a namespace of this machine may not ask the kernel (NET_ADMIN of the machine's own network).
NOT_HERE = ("iotop",)
SERVICES = {"web": ("varnish", "uwsgi"), "app": ("uwsgi", "celery"), "db": ("memcached", "postgresql", "mysql")}
UNITS = "varnish uwsgi redis-server celery mariadb memcached 'postgresql@*'"
VENDOR = "Package: mysql-community-server\\nVersion: 8.0\\nArchitecture: all\\nMaintainer: t <t@t>\\nConflicts: htop\\nDescription: t\\n"


def installed(kind: str) -> set[str]:
    """The packaged tools that the role has for this kind of host."""
    tools = yaml.safe_load((ansible.ROOT / "roles/launch_monitoring/vars/main.yml").read_text())["launch_monitoring__tools"]
    return {name for name, tool in tools.items() if tool["tier"] in ("all", *SERVICES[kind])}


class StrangersRole:
    def __init__(self, fleet: Fleet, folder: pathlib.Path) -> None:
        self.fleet = fleet
        self.folder = folder

    def play(self) -> None:
        for host in self.fleet.hosts.values():
            release = self.fleet.bases[host.name].name.removeprefix("base-")
            shutil.copytree(wheels(WHEELS, PYTHONS[release]), host.root / "srv/wheels")
        before, pids = self.snapshots(), self.pids()
        assert all(any(pid != "0" for pid in of_host) for of_host in pids.values()), pids
        would = changes(self.run("--check"))
        assert self.snapshots() == before, "check mode has changed something"
        did = changes(self.run())
        assert would == did and did, f"only predicted: {would - did}; only done: {did - would}"
        again = changes(self.run())
        assert not again, again
        assert self.pids() == pids, "the installation has restarted a server"
        with stranger.visitors(self.fleet):
            self.every_tool_shows_data()
            self.every_program_shows_data()
        self.and_back(before)
        self.beside_a_vendors_server(next(host for host in self.fleet.hosts.values() if stranger.kind(host.name) == "db"))
        assert self.pids() == pids, "a server was restarted"

    def and_back(self, before: dict[str, list[str]]) -> None:
        would = changes(self.run("--check", launch_monitoring_state="absent"))
        did = changes(self.run(launch_monitoring_state="absent"))
        assert would == did and did, f"only predicted: {would - did}; only done: {did - would}"
        for name, after in self.snapshots().items():
            left, gone = sorted(set(after) - set(before[name]))[:20], sorted(set(before[name]) - set(after))[:20]
            assert not left and not gone, f"{name}: left {left}, gone {gone}"

    def every_tool_shows_data(self) -> None:
        with Cockpit(self.inventory(ansible_become=True), self.folder) as cockpit:
            titles = sorted(cockpit.panes())
            for host in self.fleet.hosts.values():
                for tool, texts in {"htop": ("Load average",), **TOOLS[stranger.kind(host.name)]}.items():
                    of_tool = [title for title in titles if title.startswith(f"{host.name}: {tool}")]
                    assert of_tool, f"no pane has {tool} of {host.name}: {titles}"
                    cockpit.shows(of_tool[0], *texts)

    def every_program_shows_data(self) -> None:
        for host in self.fleet.hosts.values():
            kind = stranger.kind(host.name)
            lines = {tool: line for tier in ("all", *SERVICES[kind]) for tool, line in IN_A_TERMINAL.get(tier, {}).items()}
            unseen = installed(kind) - {"htop", *lines, *TOOLS[kind], *NOT_HERE}
            assert not unseen, f"nothing says how these are seen: {unseen}"
            for tool, (line, text) in lines.items():
                script = f"sudo env HOME=/tmp TERM=xterm COLUMNS=120 LINES=40 timeout --foreground 60 sh -c {shlex.quote(line)}"
                over_ssh = shlex.join(["ssh", "-tt", *self.fleet.ssh_options, f"{stranger.USER}@{host.address}", script])
                shown = asked.paste(over_ssh, {}, 90).shown
                assert text in shown, f"{tool} on {host.name}: {shown[-1000:]}"

    def beside_a_vendors_server(self, host: Host) -> None:
        """It conflicts with a tool, and runs on."""
        view = self.view(host)
        view.sh(f"mkdir -p /tmp/vendor/DEBIAN && printf '{VENDOR}' > /tmp/vendor/DEBIAN/control")
        view.sh("dpkg-deb -b /tmp/vendor >/dev/null && dpkg -i /tmp/vendor.deb >/dev/null")
        before = view.snapshot()
        done = self.playbook("--limit", host.name, "--tags", "memcached")
        assert done.returncode != 0 and "htop: not installed: apt would remove mysql-community-server" in done.stdout, done.stdout[-3000:]
        assert "mysql-community-server" in view.packages()
        self.run("--limit", host.name, launch_monitoring_state="absent")
        assert view.snapshot() == before

    def playbook(self, *arguments: str, **variables: t.Any) -> subprocess.CompletedProcess[str]:
        inventory = self.inventory(launch_monitoring_pip_extra_args="--no-index --find-links /srv/wheels", **variables)
        return ansible.run("ansible-playbook", "-i", inventory, "playbooks/launch_monitoring.yml", *arguments, seconds=1800)

    def run(self, *arguments: str, **variables: t.Any) -> str:
        """The output of a run that went well on every host."""
        done = self.playbook(*arguments, **variables)
        assert done.returncode == 0 and "PLAY RECAP" in done.stdout, done.stdout[-6000:] + done.stderr[-2000:]
        return done.stdout

    def inventory(self, **variables: t.Any) -> pathlib.Path:
        return stranger.inventory(self.fleet, **variables)

    def view(self, host: Host) -> Provisioned:
        view = Provisioned(self.fleet)
        view.host = host
        return view

    def snapshots(self) -> dict[str, list[str]]:
        return {host.name: self.view(host).snapshot() for host in self.fleet.hosts.values()}

    def pids(self) -> dict[str, list[str]]:
        """The main processes of the services, as systemd and the process table have them."""
        asks = f"systemctl show --value --property MainPID {UNITS}; pgrep -o uwsgi"
        return {host.name: self.view(host).sh(asks, check=False).split() for host in self.fleet.hosts.values()}
