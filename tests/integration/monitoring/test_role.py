# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role launch_monitoring in fresh Debian roots over SSH, as an ordinary user with sudo; `make soak` has more ways and troubles.

The servers that run before the role comes must run afterwards, untouched.
"""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from tests.soak import role_table
from tests.soak.role_table import OPERATOR, ORDINARY, failing, gone, nothing_stays, serving
from tests.support.cockpit import Cockpit
from tests.support.fleet import cannot
from tests.support.provisioned import Provisioned, changed
from tests.support.server import wait_until

REASON = cannot("tmux")
pytestmark = [
    pytest.mark.skipif(REASON is not None, reason=f"no Debian roots can be made here: {REASON}"),
    pytest.mark.timeout(1200),
]

PROGRAMS = [
    "htop", "lsof", "strace", "pg_top", "pg_activity", "pgbadger", "mytop", "innotop", "pt-query-digest", "memcache-top",
    "varnishstat", "memcstat",
]  # fmt: skip

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


@pytest.fixture(scope="module", params=["bookworm", pytest.param("trixie", marks=pytest.mark.versions)])
def stack(request: pytest.FixtureRequest) -> t.Iterator[Provisioned]:
    with role_table.provisioned(request.param) as stack:
        yield stack


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
    host, ordinary = stack.host, {"ansible_user": ORDINARY}
    pids = serving(host)
    with nothing_stays(stack):
        before = stack.snapshot()
        would = changed(stack.run("--check", "--diff", **ordinary)[1])
        assert stack.snapshot() == before, "check mode must not install (case A-13)"

        host.run("sh", "-c", f"setsid python3 -c '{HOLD_THE_LOCK}' >/dev/null 2>&1 &")
        wait_until(lambda: bool(stack.sh("ls /run/held", check=False)), "the lock of dpkg")
        # without pipelining and acl, becoming an unprivileged user would fail
        _numbers, output = stack.run(ansible_pipelining=False, **ordinary)
        assert stack.sh("ls /run/released"), "the role must wait for the lock of dpkg"
        assert changed(output) == would and would, "check mode tells what the run then does"
        every_tool_is_there(stack, output)
        the_databases_are_prepared(stack, output)
        every_tool_shows_data_over_ssh(stack, tmp_path)

        again, output = stack.run(**ordinary)
        assert again["changed"] == 0, changed(output)
        gone(stack, **ordinary)
    assert serving(host) == pids, "a server was restarted"


def every_tool_is_there(stack: Provisioned, output: str) -> None:
    for program in PROGRAMS:
        assert stack.has(program), f"{program} is missing (case A-10); the report: {output[-1500:]}"
    for script in ("$(command -v mytop)", "$(command -v innotop)", "/usr/share/memcached/scripts/damemtop"):
        assert "syntax OK" in stack.sh(f"perl -c {script} 2>&1"), "it lacks its Perl parts (case A-10)"
    login = "--user root --socket /run/mysqld/mysqld.sock"
    assert "MariaDB" in stack.sh(f"timeout 30 mytop --batch {login}"), "it shows nothing (case A-10)"
    assert "mysql_thread_id" in stack.sh(f"timeout 30 innotop --nonint --count 1 -m Q {login}"), "it lacks its driver"
    assert "operator ben: has no account here" in output and "ben:" not in stack.sh("getent passwd ben", check=False)
    assert "varnish" in stack.sh(f"id -nG {OPERATOR}").split()
    assert "linestyle unicode" in stack.sh(f"cat /home/{OPERATOR}/.psqlrc")


def the_databases_are_prepared(stack: Provisioned, output: str) -> None:
    assert "pg_stat_statements counts after the next restart" in output
    assert stack.psql("SELECT count(*) FROM pg_extension WHERE extname = 'pg_stat_statements'") == "1"
    assert stack.psql("SELECT pg_has_role('launch_monitor', 'pg_monitor', 'member')") == "t"
    binary = "$(ls -d /usr/lib/postgresql/*/bin)/postgres -C shared_preload_libraries -D $(ls -d /etc/postgresql/*/main)"
    assert stack.sh(f"su postgres -c '{binary}'").replace(" ", "") == "auto_explain,pg_stat_statements"
    settings = stack.sh("cat /var/lib/postgresql/*/main/postgresql.auto.conf")
    assert "log_lock_waits = 'on'" in settings
    assert not [name for name in ("log_line_prefix", "log_temp_files", "lc_messages") if name in settings], "only when asked for"
    grants = stack.sh("mariadb -e 'show grants for launch_monitor@localhost'")
    assert "PROCESS" in grants and "SLAVE MONITOR" in grants and "ALL PRIVILEGES" not in grants
    assert stack.sh("runuser -u launch_monitor -- psql -XAtc 'SELECT current_user' postgres") == "launch_monitor"
    assert stack.sh("runuser -u launch_monitor -- mariadb -Ne 'SELECT current_user()'") == "launch_monitor@localhost"
    assert stack.sh("getent passwd launch_monitor").endswith(":/nonexistent:/usr/sbin/nologin")


def test_what_runs_here_is_found(stack: Provisioned) -> None:
    found = stack.module("launch_facts")["ansible_facts"]
    assert {"launch_server", "launch_varnish", "launch_memcached", "launch_postgresql", "launch_mysql"} <= set(found)


def test_one_tier_by_its_tag_beside_a_vendors_server(stack: Provisioned) -> None:
    role_table.beside_a_vendors_server(stack)


def test_what_others_need_stays(stack: Provisioned) -> None:
    """A package that depends on one of ours came since: removal refuses and says which; the rest goes."""
    stack.sh("echo 'mine' > /etc/damemtop.yaml")
    with nothing_stays(stack):
        _numbers, output = stack.run("--tags", "memcached", launch_monitoring_skip=["strace"])
        assert not [name for name in ("Ask MySQL", "Ask PostgreSQL", "Varnish log") if name in output]
        assert "/etc/damemtop.yaml was here before us" in output
        packages = stack.ledger()["packages"]
        assert {"htop", "libyaml-perl"} <= set(packages) and not {"strace", "pgbadger", "percona-toolkit"} & set(packages)
        control = "Package: needs-htop\\nVersion: 1\\nArchitecture: all\\nMaintainer: t <t@t>\\nDepends: htop\\nDescription: t\\n"
        stack.sh(f"mkdir -p /tmp/needs/DEBIAN && printf '{control}' > /tmp/needs/DEBIAN/control")
        stack.sh("dpkg-deb -b /tmp/needs >/dev/null && dpkg -i /tmp/needs.deb >/dev/null")
        output = failing(stack, launch_monitoring_state="absent")
        assert "packages: not undone, and kept in the ledger: needs-htop need packages" in output and stack.has("htop")
        assert set(stack.ledger()) == {"packages", "packages_known"} and not stack.has("memcache-top")
        stack.host.run("dpkg", "--purge", "needs-htop")
        stack.run(launch_monitoring_state="absent")
    assert not stack.has("htop") and stack.sh("cat /etc/damemtop.yaml") == "mine"
