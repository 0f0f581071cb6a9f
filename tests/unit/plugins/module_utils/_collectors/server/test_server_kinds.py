# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a process is, in words of our own: no command line leaves the host."""

from __future__ import annotations

import json

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collectors.server import process_kinds


@pytest.mark.parametrize(
    ("name", "argv", "service", "kind"),
    [
        ("varnishd", ["varnishd", "-a", ":6081"], "varnish", "varnish"),
        ("cache-main", ["varnishd", "-a", ":6081"], "varnish", "varnish cache"),
        ("uwsgi", ["uwsgi", "--ini", "x"], "uwsgi", "uwsgi"),
        ("uwsgi", ["uWSGI worker 3"], "uwsgi", "uwsgi worker"),
        ("uwsgi", ["uwsgi", "--emperor", "/etc/uwsgi"], "uwsgi", "uwsgi emperor"),
        ("celery", ["/venv/bin/python", "/venv/bin/celery", "-A", "shop", "worker"], "celery", "celery worker"),
        ("python3", ["python3", "-m", "celery", "-A", "shop", "beat"], "celery", "celery beat"),
        ("python3", ["python3", "/usr/lib/python3/celery/__main__.py", "worker"], "celery", "celery worker"),
        ("[celeryd: celer", ["[celeryd: celery@web1:ForkPoolWorker-1]"], "celery", "celery worker"),
        (
            "[celeryd: celer",
            ["[celeryd: celery@web1:MainProcess] -active- (worker -b redis://:EXAMPLEPW@h)"],
            "celery",
            "celery main process",
        ),
        ("gunicorn", ["gunicorn: worker [shop]"], "gunicorn", "gunicorn worker"),
        ("gunicorn: maste", ["gunicorn: master [shop]"], "gunicorn", "gunicorn master"),
        ("python3.11", ["python3.11", "-u", "manage.py", "runserver"], "django", "django runserver"),
        ("python", ["python", "-W", "ignore", "-m", "uvicorn", "shop:app"], "uvicorn", "uvicorn"),
        ("daphne", ["/venv/bin/python", "/venv/bin/daphne", "shop:app"], "daphne", "daphne"),
        ("python3", ["python3", "-c", "import celery"], None, "python"),
        ("python3", ["python3", "-m", "pytest", "tests/celery"], None, "python"),
        ("python3", ["python3", "tests/uwsgi"], "uwsgi", "uwsgi"),
        ("python3", ["python3"], None, "python"),
        ("python3", [], None, "python"),
        ("postgres", ["postgres: walwriter "], "postgresql", "postgresql walwriter"),
        ("postgres", ["postgres: 15/main: shop shop 127.0.0.1(4242) SELECT"], "postgresql", "postgresql backend"),
        ("postgres", ["/usr/lib/postgresql/15/bin/postgres", "-D", "/data"], "postgresql", "postgresql"),
        ("mariadbd", ["/usr/sbin/mariadbd"], "mysql", "mysql"),
        ("sh", ["/bin/sh", "/usr/bin/mysqld_safe"], "mysql", "mysql"),
        ("valkey-server", ["valkey-server *:6379"], "redis", "redis"),
        ("beam.smp", ["beam.smp", "-pa", "/usr/lib/rabbitmq/lib"], "rabbitmq", "rabbitmq"),
        ("beam.smp", ["beam.smp"], None, "beam.smp"),
        ("nginx", ["nginx: worker process"], "nginx", "nginx worker"),
        ("nginx", ["nginx: master process /usr/sbin/nginx -g x"], "nginx", "nginx master"),
        ("memcached", ["memcached", "-m", "64"], "memcached", "memcached"),
        ("kworker/0:1", [], None, "kworker/0:1"),
    ],
)
def test_services(name, argv, service, kind):
    assert process_kinds.classify(name, argv) == (service, kind)


def test_s12_secrets_and_templates_in_command_lines(case):
    for process in json.loads(case("S-12.json"))["processes"]:
        service, kind = process_kinds.classify(process["name"], process["cmdline"])
        shown = f"{service} {kind}"
        assert "EXAMPLE" not in shown and "{{" not in shown
        assert kind.split()[0] in (process["name"].split("3")[0], service)


@pytest.mark.parametrize("name", ["python3", "uwsgi", "celery", "postgres", "varnishd", "gunicorn: worke", "manage.py", "beam.smp", "sh"])
def test_the_name_alone_does_not_say_it(name):
    assert process_kinds.needs_arguments(name)


def test_arguments_of_others_are_not_even_read():
    assert not process_kinds.needs_arguments("mysql")
    assert not process_kinds.needs_arguments("kworker/0:1")


def test_python_is_also_what_hosts_it():
    assert process_kinds.is_python("uwsgi", "uwsgi", "uwsgi worker")
    assert process_kinds.is_python("python3", None, "python")
    assert not process_kinds.is_python("nginx", "nginx", "nginx worker")
