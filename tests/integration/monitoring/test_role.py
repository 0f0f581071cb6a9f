# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role launch_monitoring in fresh Debian roots over SSH: install, nothing on the second run, check mode, removal.

The servers that run before the role comes must run afterwards, untouched.
"""

from __future__ import annotations

import json
import pathlib
import re
import typing as t

import pytest

from tests.support import ansible
from tests.support.fleet import Fleet, Host, cannot
from tests.support.server import wait_until

REASON = cannot()
pytestmark = pytest.mark.skipif(REASON is not None, reason=f"no Debian roots can be made here: {REASON}")

#: What the hosts have before the role comes, and what the role may take from their local repository.
SERVERS = ["varnish", "memcached", "postgresql", "mariadb-server", "uwsgi", "uwsgi-plugin-python3"]
TOOLS = [
    "htop", "lsof", "strace", "ltrace", "sysstat", "iotop", "libanyevent-perl", "libyaml-perl", "libterm-readkey-perl",
    "libmemcached-tools", "pgtop", "pg-activity", "pgbadger", "mariadb-client", "libdbd-mysql-perl", "percona-toolkit",
    "python3-psutil", "python3-pymemcache",
    "python3-psycopg", "python3-psycopg2", "python3-pymysql", "python3-cryptography", "python3-venv", "tmux",
]  # fmt: skip

PROGRAMS = ["htop", "lsof", "strace", "pg_top", "pg_activity", "pgbadger", "pt-query-digest", "memcache-top", "varnishstat", "memcstat"]

OPERATOR = "anna"


def start_servers(host: Host) -> None:
    """As a distribution would, but by hand: these hosts have no systemd running."""
    host.run("sh", "-c", "apt-get install -y --no-install-recommends " + " ".join(SERVERS) + " >/dev/null 2>&1")
    host.run("useradd", "--create-home", OPERATOR)
    host.run("sh", "-c", "varnishd -a 127.0.0.1:6081 -b 127.0.0.1:8080 -s malloc,16m -P /run/varnishd.pid")
    host.run("sh", "-c", "memcached -d -u nobody -l 127.0.0.1 -p 11211 -P /run/memcached.pid")
    host.run("sh", "-c", "pg_ctlcluster $(pg_lsclusters -h | cut -d' ' -f1) main start")
    host.run("sh", "-c", "mkdir -p /run/mysqld && chown mysql: /run/mysqld && setsid mariadbd --user=mysql >/var/log/mariadbd.log 2>&1 &")
    wait_until(lambda: host.run("mariadb", "-e", "select 1", check=False).returncode == 0, "MariaDB in the host")


def serving(host: Host) -> dict[str, list[str]]:
    """Process ids of the servers' main processes."""
    names = ("varnishd", "memcached", "postgres", "mariadbd")
    return {name: host.run("pgrep", "-o", "-x", name).stdout.split() for name in names}


class Cockpit:
    """The role, run over one host's inventory."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.host = next(iter(fleet.hosts.values()))

    def run(self, *arguments: str, **variables: t.Any) -> tuple[dict[str, int], str]:
        """The recap of the host as numbers, and the output."""
        inventory = self.fleet.inventory(
            launch_monitoring_operators=[OPERATOR],
            launch_monitoring_services=["varnish", "memcached", "postgresql", "mysql"],
            **variables,
        )
        done = ansible.run("ansible-playbook", "-i", inventory, "playbooks/launch_monitoring.yml", *arguments, seconds=600)
        recap = re.search(rf"^{self.host.name} .*: (ok=.*)$", done.stdout, re.M)
        assert recap is not None, done.stdout[-4000:] + done.stderr[-2000:]
        numbers = {name: int(value) for name, value in re.findall(r"(\w+)=(\d+)", recap.group(1))}
        assert numbers["failed"] == 0 and numbers["unreachable"] == 0, done.stdout[-6000:]
        return numbers, done.stdout

    def packages(self) -> set[str]:
        rows = self.host.run("dpkg-query", "-W", "-f", "${Package} ${Status}\n").stdout.splitlines()
        return {row.split()[0] for row in rows if row.endswith("install ok installed")}

    def has(self, program: str) -> bool:
        return self.host.run("sh", "-c", f"command -v {program}", check=False).returncode == 0

    def psql(self, statement: str) -> str:
        return self.host.run("su", "postgres", "-c", f'psql -AXtc "{statement}"').stdout.strip()


@pytest.fixture(scope="module", params=["bookworm", "trixie"])
def cockpit(request: pytest.FixtureRequest) -> t.Iterator[Cockpit]:
    with Fleet(["stack"], request.param, [*SERVERS, *TOOLS]) as fleet:
        start_servers(fleet.hosts["stack"])
        yield Cockpit(fleet)


def test_from_nothing_to_a_cockpit_and_back(cockpit: Cockpit) -> None:
    host = cockpit.host
    before, pids = cockpit.packages(), serving(host)

    would, _output = cockpit.run("--check", "--diff")
    assert would["changed"] > 0
    assert cockpit.packages() == before and not cockpit.has("pgbadger"), "check mode must not install"

    did, output = cockpit.run()
    assert did["changed"] > 0
    for program in PROGRAMS:
        assert cockpit.has(program), f"{program} is missing; the report: {output[-1500:]}"
    assert "pg_stat_statements counts after the next restart" in output
    assert cockpit.psql("SELECT count(*) FROM pg_extension WHERE extname = 'pg_stat_statements'") == "1"
    assert cockpit.psql("SELECT pg_has_role('launch_monitor', 'pg_monitor', 'member')") == "t"
    grants = host.run("mariadb", "-e", "show grants for launch_monitor@localhost").stdout
    assert "PROCESS" in grants and "ALL PRIVILEGES" not in grants
    assert "varnish" in host.run("id", "-nG", OPERATOR).stdout.split()
    assert "linestyle unicode" in host.run("cat", f"/home/{OPERATOR}/.psqlrc").stdout

    again, _output = cockpit.run()
    assert again["changed"] == 0
    nothing, _output = cockpit.run("--check")
    assert nothing["changed"] == 0
    assert serving(host) == pids, "a server was restarted"

    cockpit.run(launch_monitoring_state="absent")
    assert cockpit.packages() == before
    assert not cockpit.has("memcache-top") and not cockpit.has("pgbadger")
    assert cockpit.psql("SELECT count(*) FROM pg_roles WHERE rolname = 'launch_monitor'") == "0"
    assert cockpit.psql("SELECT count(*) FROM pg_extension WHERE extname = 'pg_stat_statements'") == "0"
    auto = host.run("sh", "-c", "cat /var/lib/postgresql/*/main/postgresql.auto.conf").stdout
    assert "pg_stat_statements" not in auto and "log_line_prefix" not in auto
    assert "varnish" not in host.run("id", "-nG", OPERATOR).stdout.split()
    assert host.run("test", "-e", "/var/lib/launch_monitoring", check=False).returncode != 0
    assert serving(host) == pids, "a server was restarted"


def test_what_runs_here_is_found(cockpit: Cockpit) -> None:
    inventory = cockpit.fleet.inventory()
    done = ansible.run("ansible", "all", "-i", inventory, "-m", "warroom.launch.launch_facts", "-a", "window=0", seconds=120)
    found = json.loads(done.stdout[done.stdout.index("{") :])["ansible_facts"]
    assert {"launch_server", "launch_varnish", "launch_memcached", "launch_postgresql", "launch_mysql"} <= set(found)


def test_a_server_that_needs_a_package_of_ours_keeps_it(cockpit: Cockpit, tmp_path: pathlib.Path) -> None:
    """Somebody installs a package that depends on one of ours: removal refuses and says whom it would hit."""
    host = cockpit.host
    cockpit.run("--tags", "varnish", launch_monitoring_skip=["strace"])
    ledger = json.loads(host.run("cat", "/var/lib/launch_monitoring/added.json").stdout)
    assert "htop" in ledger["packages"] and "strace" not in ledger["packages"]
    host.run("sh", "-c", "mkdir -p /tmp/needs/DEBIAN && printf 'Package: needs-htop\\nVersion: 1\\nArchitecture: all\\n"
             "Maintainer: t <t@t>\\nDepends: htop\\nDescription: t\\n' > /tmp/needs/DEBIAN/control && dpkg-deb -b /tmp/needs >/dev/null "
             "&& dpkg -i /tmp/needs.deb >/dev/null")  # fmt: skip
    inventory = cockpit.fleet.inventory(launch_monitoring_state="absent")
    done = ansible.run("ansible-playbook", "-i", inventory, "playbooks/launch_monitoring.yml", seconds=600)
    assert done.returncode != 0 and "needs-htop" in done.stdout and cockpit.has("htop")
    host.run("dpkg", "--remove", "needs-htop")
    cockpit.run(launch_monitoring_state="absent")
    assert not cockpit.has("htop")
