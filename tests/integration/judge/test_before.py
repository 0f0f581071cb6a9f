# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Django project in `launch_check.yml`: judged before the launch, never imported during it, and none of its secrets anywhere."""

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest

from tests.support import django_project, web_site
from tests.support.ansible import run
from tests.support.server import VENV
from tests.support.written import EVERYTHING, written


@pytest.fixture
def inventory(tmp_path: pathlib.Path) -> pathlib.Path:
    project = django_project.write(tmp_path / "project")
    host = {
        "ansible_connection": "local",
        "ansible_python_interpreter": f"{VENV}/python",
        "launch_check_services": {"django": [{"chdir": str(project), "virtualenv": str(VENV.parent), "hosts": ["www.example.com"]}]},
        "launch_check_report_dir": str(tmp_path / "report"),
        "launch_check_window": 0,
        **EVERYTHING,
    }
    (tmp_path / "inventory.json").write_text(json.dumps({"all": {"hosts": {"web1": host}}}))
    with open(project / "shop" / "settings.py", "a", encoding="utf-8") as handle:
        handle.write(f"open({str(tmp_path / 'imported')!r}, 'a').write('x')\n")
    return tmp_path


def check(folder: pathlib.Path, *options: str) -> tuple[str, dict[str, t.Any]]:
    done = run("ansible-playbook", "-i", folder / "inventory.json", "playbooks/launch_check.yml", *options)
    return done.stdout + done.stderr, written(folder / "report")


def test_a_project_is_judged_before_the_launch(inventory: pathlib.Path) -> None:
    said, report = check(inventory, "-e", "launch_check_phase=before", "-vvvv")
    states = {finding["check"]: finding["status"] for finding in report["findings"] if finding["service"] == "django"}
    assert report["verdict"] == "no-go" and len(states) > 25
    failed = {"django_debug", "django_migrations_unapplied", "django_allowed_hosts", "django_databases", "django_email", "django_csrf"}
    assert failed <= {name for name, state in states.items() if state == "fail"}
    assert {states["django_secret_key"], states["django_time_zone"], states["django_templates_cached"]} == {"ok"}
    written = "".join(path.read_text() for path in (inventory / "report").rglob("*") if path.is_file())
    assert "EXAMPLEPLANTED" not in said + written


def test_during_the_launch_it_is_not_imported(inventory: pathlib.Path) -> None:
    _said, report = check(inventory)
    assert not (inventory / "imported").exists()
    assert [finding for finding in report["findings"] if finding["service"] == "django"] == []


def test_a_site_is_looked_at_from_the_control_node(inventory: pathlib.Path) -> None:
    with web_site.Site(web_site.certificate(inventory)) as site:
        web_site.healthy(site).pages["/robots.txt"] = (200, {}, b"User-agent: *\nDisallow: /\n")
        names = {"url": site.url, "address": "127.0.0.1", "ca_cert": str(site.pem), "health": "/health", "resolver": "127.0.0.1:9"}
        _said, report = check(inventory, "-e", json.dumps({"launch_check_phase": "before", "launch_check_sites": [names]}))
        assert {finding["status"] for finding in report["findings"] if finding["check"] == "site_robots"} == {"fail"}
        robots = next(finding for finding in report["findings"] if finding["check"] == "site_robots")
        assert (robots["host"], robots["instance"], robots["look"]) == ("fleet", "shop.test", f"curl -sSIL {site.url}")
        _said, report = check(inventory, "-e", json.dumps({"launch_check_sites": [names]}))
    assert [finding for finding in report["findings"] if finding["service"] == "site"] == []
    said, _report = check(inventory, "-e", json.dumps({"launch_check_sites": [{"address": "x", "urls": 1}]}))
    assert "launch_check_sites" in said and "site instance: " in said and "urls" in said
