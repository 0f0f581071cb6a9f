# Copyright (c) 2026, the warroom.launch authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role launch_monitoring in fresh Debian roots: every way to connect, everything that can be missing, and back to what was there."""

from __future__ import annotations

import contextlib
import functools
import json
import pathlib
import tempfile
import traceback
import typing as t

from tests.support import asked
from tests.support.fleet import Fleet, Host
from tests.support.provisioned import Provisioned, changed, sudoer
from tests.support.server import wait_until

NAME = "roles"

#: What the hosts have before the role comes, and what the role may take from their local repository.
SERVERS = ["varnish", "memcached", "postgresql", "mariadb-server"]
TOOLS = [
    "htop", "lsof", "strace", "ltrace", "sysstat", "iotop", "libanyevent-perl", "libyaml-perl", "libterm-readkey-perl",
    "libmemcached-tools", "pgtop", "pg-activity", "pgbadger", "mariadb-client", "libdbd-mysql-perl", "libdbd-mariadb-perl",
    "percona-toolkit", "python3-psutil", "python3-pymemcache", "python3-psycopg", "python3-psycopg2", "python3-pymysql",
    "python3-cryptography", "python3-venv", "python3-packaging", "tmux",
]  # fmt: skip

OPERATOR, ORDINARY = "anna", "deploy"
TIERS = ["varnish", "memcached", "postgresql", "mysql"]
INI = "/etc/uwsgi/shop.ini"
#: With what a shell, SQL or an option file could take for something else.
SECRET = "s3c\"ret'\\x $HOME"


def start_mariadb(host: Host) -> None:
    host.run("sh", "-c", "mkdir -p /run/mysqld && chown mysql: /run/mysqld && setsid mariadbd --user=mysql >/var/log/mariadbd.log 2>&1 &")
    wait_until(lambda: host.run("mariadb", "-e", "select 1", check=False).returncode == 0, "MariaDB in the host")


def start_servers(host: Host) -> None:
    """As a distribution would, but by hand: these hosts have no systemd running."""
    host.run("sh", "-c", "apt-get install -y --no-install-recommends " + " ".join(SERVERS) + " >/dev/null 2>&1")
    host.run("useradd", "--create-home", OPERATOR)
    sudoer(host, ORDINARY)
    host.run("sh", "-c", "varnishd -a 127.0.0.1:6081 -b 127.0.0.1:8080 -s malloc,16m -P /run/varnishd.pid")
    host.run("sh", "-c", "memcached -d -u nobody -l 127.0.0.1 -p 11211 -P /run/memcached.pid")
    host.run("sh", "-c", "pg_ctlcluster $(pg_lsclusters -h | cut -d' ' -f1) main start")
    host.run("su", "postgres", "-c", "psql -qc 'ALTER SYSTEM SET shared_preload_libraries = auto_explain'")
    host.run("sh", "-c", "pg_ctlcluster $(pg_lsclusters -h | cut -d' ' -f1) main restart")
    start_mariadb(host)


def serving(host: Host) -> dict[str, list[str]]:
    """Process ids of the servers' main processes."""
    names = ("varnishd", "memcached", "postgres", "mariadbd")
    return {name: host.run("pgrep", "-o", "-x", name).stdout.split() for name in names}


@contextlib.contextmanager
def nothing_stays(stack: Provisioned) -> t.Iterator[None]:
    """Whatever happens inside, the host and the databases have afterwards what they had before."""
    before = stack.snapshot()
    yield
    after = stack.snapshot()
    assert after == before, f"left: {sorted(set(after) - set(before))[:20]}; gone: {sorted(set(before) - set(after))[:20]}"


def failing(stack: Provisioned, *arguments: str, **variables: t.Any) -> str:
    """The output of a run that must not be green."""
    done = stack.play(*arguments, **variables)
    assert done.returncode != 0, done.stdout[-3000:]
    return done.stdout


def there_and_back(stack: Provisioned, **variables: t.Any) -> str:
    """Check mode tells what a run changes, a second run changes nothing, and `absent` leaves what was there; gives the run's output."""
    pids = serving(stack.host)
    with nothing_stays(stack):
        would = changed(stack.run("--check", **variables)[1])
        _numbers, output = stack.run(**variables)
        assert would == changed(output) and would
        again, second = stack.run(**variables)
        assert again["changed"] == 0, changed(second)
        gone(stack, **variables)
    assert serving(stack.host) == pids, "a server was restarted"
    return output


def gone(stack: Provisioned, **variables: t.Any) -> None:
    """`absent`, which does what its check mode says and tells what it did."""
    absent = {**variables, "launch_monitoring_state": "absent"}
    would = changed(stack.run("--check", **absent)[1])
    _numbers, output = stack.run(**absent)
    assert would == changed(output) and would
    assert "packages: as it was before" in output


def as_root(stack: Provisioned) -> None:
    there_and_back(stack, ansible_pipelining=False)


def as_an_ordinary_user(stack: Provisioned) -> None:
    """Without acl, which the base has not."""
    assert stack.sh("command -v setfacl", check=False) == ""
    there_and_back(stack, ansible_user=ORDINARY, ansible_pipelining=False)


def with_pipelining(stack: Provisioned) -> None:
    there_and_back(stack, ansible_user=ORDINARY)


def beside_a_vendors_server(stack: Provisioned) -> None:
    """A-11: the server of a vendor conflicts with a tool."""
    control = (
        "Package: mysql-community-server\\nVersion: 8.0\\nArchitecture: all\\nMaintainer: t <t@t>\\nConflicts: htop\\nDescription: t\\n"
    )
    stack.sh(f"mkdir -p /tmp/vendor/DEBIAN && printf '{control}' > /tmp/vendor/DEBIAN/control")
    stack.sh("dpkg-deb -b /tmp/vendor >/dev/null && dpkg -i /tmp/vendor.deb >/dev/null")
    with nothing_stays(stack):
        output = failing(stack, "--tags", "memcached")
        assert "htop: not installed: apt would remove mysql-community-server" in output
        assert "mysql-community-server" in stack.packages() and stack.has("strace"), "what does no harm is installed"
        stack.run(launch_monitoring_state="absent")
    stack.sh("dpkg --purge mysql-community-server")


def without_a_mirror(stack: Provisioned) -> None:
    with nothing_stays(stack):
        stack.sh("cp /etc/apt/sources.list /tmp/ && echo 'deb [trusted=yes] http://10.77.250.1/debian ./' > /etc/apt/sources.list")
        stack.sh("find /var/lib/apt/lists -type f -delete && rm -f /var/lib/apt/periodic/update-success-stamp")
        stack.sh("touch -d '2 days ago' /var/lib/apt/lists")
        output = failing(stack, "--tags", "install")
        assert "no mirror reachable: Failed to update apt cache" in output and "has no package" not in output, output[-2000:]
        stack.sh("cp /tmp/sources.list /etc/apt/sources.list && apt-get update")


def without_pypi(stack: Provisioned) -> None:
    with nothing_stays(stack):
        _numbers, output = stack.run(launch_monitoring_services=["uwsgi"], launch_monitoring_libraries="none")
        assert "uwsgitop: not installed, PyPI is not reachable" in output and stack.has("htop")
        wanted = failing(stack, launch_monitoring_services=["uwsgi"], launch_monitoring_libraries="venv")
        assert "psutil: not installed, PyPI is not reachable" in wanted, "the modules wait for these"
        stack.run(launch_monitoring_state="absent")


def stopped_midway(stack: Provisioned) -> None:
    stack.sh(f"mkdir -p /etc/uwsgi && printf '[uwsgi]\\nmaster = true\\n' > {INI}")
    with nothing_stays(stack):
        failing(
            stack,
            launch_monitoring_services=["uwsgi", "postgresql", "mysql"],
            launch_monitoring_skip=["uwsgitop"],
            launch_monitoring_uwsgi_configs=[INI],
            launch_monitoring_uwsgi_reload_command="false",
        )
        assert {"packages", "uwsgi_stats", "postgresql_settings", "mysql_account"} <= set(stack.ledger()), "also what was not done yet"
        stack.run(launch_monitoring_state="absent")
    stack.sh("rm -r /etc/uwsgi")


def with_passwords(stack: Provisioned) -> None:
    """A password set later is applied, and shown nowhere; taken away again, the system user gets in."""
    accounts = ["--tags", "accounts"]
    secret = {"launch_monitoring_postgresql_password": SECRET, "launch_monitoring_mysql_password": SECRET}
    with nothing_stays(stack):
        stack.run(*accounts)
        numbers, output = stack.run(*accounts, "-vvv", **secret)
        assert numbers["changed"] == 2 and "s3c" not in output, changed(output)
        again, output = stack.run(*accounts, **secret)
        assert again["changed"] == 0, changed(output)
        failed = failing(stack, *accounts, **{**secret, "launch_monitoring_mysql_login_unix_socket": "/nowhere"})
        assert "mysql: nothing was changed, root cannot administer it through /nowhere" in failed
        stack.run(*accounts)
        assert stack.sh("runuser -u launch_monitor -- mariadb -Ne 'SELECT current_user()'") == "launch_monitor@localhost"
        stack.run(launch_monitoring_state="absent")


def what_cannot_be_undone(stack: Provisioned) -> None:
    with nothing_stays(stack):
        stack.run(launch_monitoring_services=["mysql"])
        stack.sh("kill $(pgrep -o -x mariadbd)")
        wait_until(lambda: stack.sh("pgrep -x mariadbd", check=False) == "", "the end of MariaDB")
        output = failing(stack, launch_monitoring_state="absent")
        assert "mysql: not undone, and kept in the ledger" in output
        assert set(stack.ledger()) == {"account", "mysql_account", "mysql_at"}
        start_mariadb(stack.host)
        stack.run(launch_monitoring_state="absent")


def the_login_that_the_inventory_names(stack: Provisioned) -> None:
    """Accounts that documentation has the inventory name, and that nobody has made yet: the check's own lines make them."""
    login = {"login_host": "127.0.0.1", "login_user": "launch_monitor", "login_password": SECRET}
    with nothing_stays(stack):
        stack.run(launch_monitoring_accounts=False)
        place = stack.fleet.inventory(**stack.variables, launch_check_services={"postgresql": login, "mysql": login})
        with tempfile.TemporaryDirectory() as folder:
            line = f"ansible-playbook -i {place} playbooks/launch_check.yml -e launch_check_report_dir={folder}"
            obstacles = checked(line, folder)["obstacles"]
            lines = [obstacle["command"] for obstacle in obstacles if "launch_monitoring" in (obstacle["command"] or "")]
            assert len(lines) == 2 and "s3c" not in "".join(lines), obstacles
            for line_of_role in lines:
                pasted = asked.paste(line_of_role, {})
                assert pasted.returncode == 0, (line_of_role, pasted.shown[-3000:])
            answers = [finding for finding in checked(line, folder)["findings"] if finding["check"].endswith("_answers")]
        assert answers and not [finding for finding in answers if finding["status"] in ("unknown", "fail")], answers
        stack.run(launch_monitoring_state="absent")


def checked(line: str, folder: str) -> dict[str, t.Any]:
    """The report of the check that this line starts."""
    place = pathlib.Path(folder) / "launch.json"
    place.unlink(missing_ok=True)
    shown = asked.paste(line, {}).shown
    assert place.exists(), shown[-3000:]
    return dict(json.loads(place.read_text()))


SCENARIOS: tuple[t.Callable[[Provisioned], None], ...] = (
    as_root, as_an_ordinary_user, with_pipelining, beside_a_vendors_server, without_a_mirror, without_pypi, stopped_midway, with_passwords,
    what_cannot_be_undone, the_login_that_the_inventory_names,
)  # fmt: skip
SUITES = ("bookworm", "trixie")


class Row(t.NamedTuple):
    name: str
    passed: bool
    said: str


@contextlib.contextmanager
def provisioned(suite: str) -> t.Iterator[Provisioned]:
    with Fleet(["stack"], suite, [*SERVERS, *TOOLS]) as fleet:
        start_servers(fleet.hosts["stack"])
        # pipelining where its absence is not what is tested: it halves the time of a run
        common = {"launch_monitoring_operators": [OPERATOR, "ben"], "launch_monitoring_services": TIERS, "ansible_pipelining": True}
        yield Provisioned(fleet, **common)


def cases() -> list[str]:
    """The names of all rows."""
    return [f"{suite} {scenario.__name__}" for suite in SUITES for scenario in SCENARIOS]


def rows(names: t.Sequence[str], _seed: int) -> t.Iterator[Row]:
    """One host per suite; a row that failed leaves it to the next as it is."""
    for suite in SUITES:
        wanted = {name: scenario for scenario in SCENARIOS if (name := f"{suite} {scenario.__name__}") in names}
        if wanted:
            with provisioned(suite) as stack:
                yield from map(functools.partial(_row, stack), wanted, wanted.values())


def _row(stack: Provisioned, name: str, scenario: t.Callable[[Provisioned], None]) -> Row:
    try:
        scenario(stack)
    except Exception as problem:
        place = traceback.extract_tb(problem.__traceback__)[-1]
        return Row(name, False, f"line {place.lineno}: {' '.join(str(problem).split())[-1500:] or type(problem).__name__}")
    return Row(name, True, "as it was before")
