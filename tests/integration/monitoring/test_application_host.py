# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host with uWSGI, Celery's broker and PostgreSQL, run by systemd: the private virtualenv, flower as a service."""

from __future__ import annotations

import shlex
import shutil
import typing as t

import pytest

from tests.soak.role_table import failing, gone
from tests.support.fleet import Fleet, Host, cannot
from tests.support.provisioned import Provisioned, changed, wheels
from tests.support.server import wait_until

REASON = cannot("systemd-nspawn")
pytestmark = [
    pytest.mark.skipif(REASON is not None, reason=f"no Debian host with systemd can be made here: {REASON}"),
    pytest.mark.timeout(1200),
]

SERVERS = ["redis-server", "postgresql", "uwsgi-core"]
TOOLS = [
    "htop", "lsof", "strace", "ltrace", "sysstat", "iotop", "pgtop", "pgbadger", "python3-venv",
    "python3-packaging", "curl",
]  # fmt: skip
#: What the role's maps name for these tiers, as wheels.
WHEELS = ["uwsgitop", "flower", "celery[redis]", "psutil", "psycopg[binary]"]

INI = "/etc/uwsgi/shop.ini"
#: With what a shell or systemd could take for something else.
LOGIN = 'war:r00m $HOME "x\\y'


def prepare(host: Host) -> None:
    host.run("sh", "-c", "apt-get install -y --no-install-recommends " + " ".join(SERVERS) + " curl >/dev/null 2>&1")
    # the private virtualenv has to be needed
    host.run("sh", "-c", "apt-get remove -y python3-psutil >/dev/null 2>&1")
    host.run("sh", "-c", f"mkdir -p /etc/uwsgi && printf '[uwsgi]\\nmaster = true\\nsocket = 127.0.0.1:8001\\n' > {INI}")
    host.run("sh", "-c", "printf '[uwsgi]\\nstats = /run/own.socket\\n' > /etc/uwsgi/own.ini")
    host.run("systemd-run", "--quiet", "--unit=shop", "uwsgi", INI)
    host.run("systemctl", "start", "redis-server", "postgresql")
    shutil.copytree(wheels(WHEELS, "3.11"), host.root / "srv/wheels")


@pytest.fixture(scope="module")
def app() -> t.Iterator[Provisioned]:
    with Fleet(["app"], "bookworm", [*SERVERS, *TOOLS], booted=True) as fleet:
        prepare(fleet.hosts["app"])
        yield Provisioned(
            fleet,
            launch_monitoring_services=["uwsgi", "celery", "postgresql"],
            launch_monitoring_libraries="venv",
            # it would bring psutil and psycopg2 for the system's Python
            launch_monitoring_skip=["pg_activity"],
            launch_monitoring_pip_extra_args="--no-index --find-links /srv/wheels",
            launch_monitoring_uwsgi_configs=[INI, "/etc/uwsgi/own.ini"],
            launch_monitoring_flower_broker_url="redis://127.0.0.1:6379/0",
            launch_monitoring_flower_basic_auth=LOGIN,
            launch_monitoring_flower_port=5566,
        )


def instance(app: Provisioned, module: str, fact: str) -> dict[str, t.Any]:
    return dict(app.module(module)["ansible_facts"][fact]["instances"][0])


def test_the_private_virtualenv_and_flower_come_and_go(app: Provisioned) -> None:
    before, uwsgi = app.snapshot(), app.sh("pgrep -o -x uwsgi || pgrep -o uwsgi")
    assert instance(app, "server_stats", "launch_server")["state"] == "up", "it reads /proc without psutil"
    bare = instance(app, "postgresql_stats", "launch_postgresql")
    assert bare["state"] == "unreadable"
    assert all(word in bare["problem"] for word in ("psycopg", "/usr/bin/python3", "ansible_python_interpreter")), (
        f"case A-07: {bare['problem']}"
    )

    would = changed(app.run("--check")[1])
    assert app.snapshot() == before

    _numbers, output = app.run("-v")
    assert changed(output) == would and would, "check mode tells what the run then does"
    assert LOGIN.split(":")[1] not in output
    assert app.has("uwsgitop")
    # case A-08: the system's Python is marked as externally managed, and stays as it was
    assert app.sh("ls /usr/lib/python3*/EXTERNALLY-MANAGED") and not app.sh("ls -A /usr/local/lib/python3*/dist-packages")
    assert app.host.run("/usr/bin/python3", "-c", "import psutil", check=False).returncode != 0
    assert app.host.run("/usr/bin/python3", "-c", "import psycopg2", check=False).returncode != 0
    for module, fact in (("server_stats", "launch_server"), ("postgresql_stats", "launch_postgresql")):
        read = instance(app, module, fact)
        assert read["state"] == "up", f"{module}: {read['problem']}"

    assert "stats = 127.0.0.1:1717" in app.sh(f"cat {INI}") and app.sh("cat /etc/uwsgi/own.ini").count("stats") == 1
    assert "reload uWSGI to start it" in output and app.sh("pgrep -o -x uwsgi || pgrep -o uwsgi") == uwsgi

    assert app.sh("stat -c %a /etc/launch-flower.env") == "600"
    assert app.sh("set -a; . /etc/launch-flower.env; printenv FLOWER_BASIC_AUTH") == LOGIN, "the cockpit's shell reads it as well"
    answers = "curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1:5566/api/workers"
    wait_until(lambda: app.sh(answers, check=False) == "401", "flower; see systemctl status launch-flower", 60)
    assert app.sh(f"{answers} -u {shlex.quote(LOGIN)}") == "200"
    assert app.sh("ss -Hltn 'sport = :5566' | awk '{print $4}'") == "127.0.0.1:5566"
    assert "/metrics and /healthcheck answer there without credentials" in output
    assert app.sh("systemctl is-enabled launch-flower") == "enabled"

    for arguments in ([], ["--check"]):
        again, output = app.run(*arguments)
        assert again["changed"] == 0, changed(output)

    gone(app)
    assert app.snapshot() == before
    assert app.sh("systemctl is-active launch-flower", check=False) != "active"
    assert app.sh("pgrep -o -x uwsgi || pgrep -o uwsgi") == uwsgi


def test_flower_is_refused_where_others_reach_it(app: Provisioned) -> None:
    output = failing(app, launch_monitoring_flower_address="0.0.0.0")
    assert "flower answers /metrics and /healthcheck without credentials" in output and "Nothing was changed" in output


def test_uwsgi_is_reloaded_when_told(app: Provisioned) -> None:
    app.sh("printf '[uwsgi]\\n' > /etc/uwsgi/second.ini")
    told = {
        "launch_monitoring_services": ["uwsgi"],
        "launch_monitoring_skip": ["uwsgitop"],
        "launch_monitoring_libraries": "none",
        "launch_monitoring_uwsgi_configs": ["/etc/uwsgi/second.ini"],
        "launch_monitoring_uwsgi_reload_command": "touch '/run/reloaded now'",
    }
    _numbers, output = app.run("--tags", "uwsgi", **told)
    assert app.sh("ls /run/") and "reloaded now" in app.sh("ls /run") and "reload uWSGI to start it" not in output
    app.run(launch_monitoring_state="absent")
