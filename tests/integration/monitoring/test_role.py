# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role launch_monitoring in fresh Debian roots over SSH: install, nothing on the second run, check mode, removal.

The servers that run before the role comes must run afterwards, untouched.
"""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from tests.support.cockpit import Cockpit
from tests.support.fleet import Fleet, Host, cannot
from tests.support.provisioned import Provisioned, changed
from tests.support.server import wait_until

REASON = cannot("tmux")
pytestmark = [
    pytest.mark.skipif(REASON is not None, reason=f"no Debian roots can be made here: {REASON}"),
    pytest.mark.timeout(1200),
]

#: What the hosts have before the role comes, and what the role may take from their local repository.
SERVERS = ["varnish", "memcached", "postgresql", "mariadb-server"]
TOOLS = [
    "htop", "lsof", "strace", "ltrace", "sysstat", "iotop", "libanyevent-perl", "libyaml-perl", "libterm-readkey-perl",
    "libmemcached-tools", "pgtop", "pg-activity", "pgbadger", "mariadb-client", "libdbd-mysql-perl", "percona-toolkit",
    "python3-psutil", "python3-pymemcache",
    "python3-psycopg", "python3-psycopg2", "python3-pymysql", "python3-cryptography", "python3-venv", "tmux",
]  # fmt: skip

PROGRAMS = [
    "htop", "lsof", "strace", "pg_top", "pg_activity", "pgbadger", "mytop", "innotop", "pt-query-digest", "memcache-top",
    "varnishstat", "memcstat",
]  # fmt: skip

OPERATOR = "anna"

#: Holds the lock of dpkg until the role has been seen to wait for it.
HOLD_THE_LOCK = """
import fcntl, subprocess, time
handle = open("/var/lib/dpkg/lock-frontend", "w")
fcntl.lockf(handle, fcntl.LOCK_EX)
open("/run/held", "w").close()
waiting = lambda: subprocess.run(["pgrep", "-f", "AnsiballZ_(apt|dnf)[.]py"], stdout=subprocess.DEVNULL).returncode == 0
seen = 0
while seen < 6:
    seen = seen + 1 if waiting() else 0
    time.sleep(1)
open("/run/released", "w").close()
"""


def start_servers(host: Host) -> None:
    """As a distribution would, but by hand: these hosts have no systemd running."""
    host.run("sh", "-c", "apt-get install -y --no-install-recommends " + " ".join(SERVERS) + " >/dev/null 2>&1")
    host.run("useradd", "--create-home", OPERATOR)
    host.run("sh", "-c", "varnishd -a 127.0.0.1:6081 -b 127.0.0.1:8080 -s malloc,16m -P /run/varnishd.pid")
    host.run("sh", "-c", "memcached -d -u nobody -l 127.0.0.1 -p 11211 -P /run/memcached.pid")
    host.run("sh", "-c", "pg_ctlcluster $(pg_lsclusters -h | cut -d' ' -f1) main start")
    host.run("su", "postgres", "-c", "psql -qc 'ALTER SYSTEM SET shared_preload_libraries = auto_explain'")
    host.run("sh", "-c", "mkdir -p /run/mysqld && chown mysql: /run/mysqld && setsid mariadbd --user=mysql >/var/log/mariadbd.log 2>&1 &")
    wait_until(lambda: host.run("mariadb", "-e", "select 1", check=False).returncode == 0, "MariaDB in the host")


def serving(host: Host) -> dict[str, list[str]]:
    """Process ids of the servers' main processes."""
    names = ("varnishd", "memcached", "postgres", "mariadbd")
    return {name: host.run("pgrep", "-o", "-x", name).stdout.split() for name in names}


@pytest.fixture(scope="module", params=["bookworm", pytest.param("trixie", marks=pytest.mark.versions)])
def stack(request: pytest.FixtureRequest) -> t.Iterator[Provisioned]:
    with Fleet(["stack"], request.param, [*SERVERS, *TOOLS]) as fleet:
        start_servers(fleet.hosts["stack"])
        yield Provisioned(
            fleet,
            launch_monitoring_operators=[OPERATOR, "ben"],
            launch_monitoring_services=["varnish", "memcached", "postgresql", "mysql"],
        )


def every_tool_shows_data_over_ssh(stack: Provisioned, folder: pathlib.Path) -> None:
    """cockpit.yml over the inventory's own connection: what the role installed is opened, as who may see everything."""
    asks = "import urllib.request; [urllib.request.urlopen('http://127.0.0.1:6081/page') for _ in range(9)]"
    stack.sh(f'python3 -c "{asks}" 2>/dev/null', check=False)
    with Cockpit(stack.fleet.inventory(), folder) as cockpit:
        cockpit.shows("stack: htop", "Load average")
        cockpit.shows("stack: varnishstat", "MAIN.client_req")
        stack.sh(f'python3 -c "{asks}" 2>/dev/null', check=False)
        cockpit.shows("stack: varnishtop: URLs that reach the backend", "/page")
        cockpit.shows("stack: memcache-top", "hit_rate", "127.0.0.1:11211")
        cockpit.shows("stack: pg_activity /var/run/postgresql:5432", "PostgreSQL", "RUNNING QUERIES")
        cockpit.shows("stack: mytop /run/mysqld/mysqld.sock", "MariaDB", "Queries")
        assert {program for _id, _dead, program in cockpit.panes().values()} == {"ssh"}


def test_from_nothing_to_a_cockpit_and_back(stack: Provisioned, tmp_path: pathlib.Path) -> None:
    host = stack.host
    before, pids = stack.packages(), serving(host)

    would, _output = stack.run("--check", "--diff")
    assert would["changed"] > 0
    assert stack.packages() == before and not stack.has("pgbadger"), "check mode must not install (case A-13)"

    host.run("sh", "-c", f"setsid python3 -c '{HOLD_THE_LOCK}' >/dev/null 2>&1 &")
    wait_until(lambda: bool(stack.sh("ls /run/held", check=False)), "the lock of dpkg")
    did, output = stack.run()
    assert did["changed"] > 0
    assert stack.sh("ls /run/released"), "the role must wait for the lock of dpkg"
    for program in PROGRAMS:
        assert stack.has(program), f"{program} is missing (case A-10); the report: {output[-1500:]}"
    for script in ("$(command -v mytop)", "$(command -v innotop)", "/usr/share/memcached/scripts/damemtop"):
        assert "syntax OK" in stack.sh(f"perl -c {script} 2>&1"), "it lacks its Perl parts (case A-10)"
    assert "MariaDB" in stack.sh("timeout 30 mytop --batch --user root --socket /run/mysqld/mysqld.sock"), "it shows nothing (case A-10)"
    assert "pg_stat_statements counts after the next restart" in output
    assert "operator ben: has no account here" in output and "ben:" not in stack.sh("getent passwd ben", check=False)
    assert stack.psql("SELECT count(*) FROM pg_extension WHERE extname = 'pg_stat_statements'") == "1"
    assert stack.psql("SELECT pg_has_role('launch_monitor', 'pg_monitor', 'member')") == "t"
    binary = "$(ls -d /usr/lib/postgresql/*/bin)/postgres -C shared_preload_libraries -D $(ls -d /etc/postgresql/*/main)"
    assert stack.sh(f"su postgres -c '{binary}'").replace(" ", "") == "auto_explain,pg_stat_statements"
    grants = stack.sh("mariadb -e 'show grants for launch_monitor@localhost'")
    assert "PROCESS" in grants and "SLAVE MONITOR" in grants and "ALL PRIVILEGES" not in grants
    assert "varnish" in stack.sh(f"id -nG {OPERATOR}").split()
    assert "linestyle unicode" in stack.sh(f"cat /home/{OPERATOR}/.psqlrc")

    every_tool_shows_data_over_ssh(stack, tmp_path)

    for arguments in ([], ["--check"]):
        again, output = stack.run(*arguments)
        assert again["changed"] == 0, changed(output)
    assert serving(host) == pids, "a server was restarted"

    stack.run(launch_monitoring_state="absent")
    assert stack.packages() == before
    assert not stack.has("memcache-top") and not stack.has("pgbadger")
    assert stack.psql("SELECT count(*) FROM pg_roles WHERE rolname = 'launch_monitor'") == "0"
    assert stack.psql("SELECT count(*) FROM pg_extension WHERE extname = 'pg_stat_statements'") == "0"
    assert stack.sh("grep -v '^#' /var/lib/postgresql/*/main/postgresql.auto.conf") == "shared_preload_libraries = 'auto_explain'"
    assert "launch_monitor" not in stack.sh("mariadb -Ne 'select user from mysql.user'")
    assert "varnish" not in stack.sh(f"id -nG {OPERATOR}").split()
    assert stack.sh(f"ls -A /var/lib/launch_monitoring /etc/damemtop.yaml /home/{OPERATOR}/.psqlrc 2>/dev/null", check=False) == ""
    assert serving(host) == pids, "a server was restarted"


def test_what_runs_here_is_found(stack: Provisioned) -> None:
    found = stack.module("launch_facts")["ansible_facts"]
    assert {"launch_server", "launch_varnish", "launch_memcached", "launch_postgresql", "launch_mysql"} <= set(found)


def test_one_tier_by_its_tag_and_what_others_need_stays(stack: Provisioned) -> None:
    """Somebody installs a package that depends on one of ours: removal refuses and says whom it would hit."""
    stack.sh("echo 'mine' > /etc/damemtop.yaml")
    _numbers, output = stack.run("--tags", "memcached", launch_monitoring_skip=["strace"])
    assert "Ask whether it is MySQL" not in output and "The database part" not in output and "Varnish log" not in output
    assert "/etc/damemtop.yaml was here before us" in output
    packages = stack.ledger()["packages"]
    assert {"htop", "libyaml-perl"} <= set(packages) and not {"strace", "pgbadger", "percona-toolkit"} & set(packages)
    stack.sh("mkdir -p /tmp/needs/DEBIAN && printf 'Package: needs-htop\\nVersion: 1\\nArchitecture: all\\n"
             "Maintainer: t <t@t>\\nDepends: htop\\nDescription: t\\n' > /tmp/needs/DEBIAN/control && dpkg-deb -b /tmp/needs >/dev/null "
             "&& dpkg -i /tmp/needs.deb >/dev/null")  # fmt: skip
    done = stack.play(launch_monitoring_state="absent")
    assert done.returncode != 0 and "needs-htop" in done.stdout and stack.has("htop")
    stack.host.run("dpkg", "--remove", "needs-htop")
    stack.run(launch_monitoring_state="absent")
    assert not stack.has("htop") and stack.sh("cat /etc/damemtop.yaml") == "mine"
