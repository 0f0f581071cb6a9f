# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""uWSGI that runs without its application: `apps: []` in the statistics, "no app loaded. going in full dynamic mode" in the log."""

from __future__ import annotations

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collectors.uwsgi import application
from ansible_collections.warroom.launch.plugins.module_utils._collectors.uwsgi.config import parse
from tests.support.uwsgi_documents import document, facts, findings, worker

APP = {"id": 0, "mountpoint": "", "requests": 0}


@pytest.mark.parametrize(
    ("ini", "meant"),
    [
        ("module = site.wsgi", "named"),
        ("wsgi-file = /srv/app.py\nstatic-map = /static=/srv/static", "named"),
        ("mount = /a=a.py\nmount = /b=b.py", "named"),
        ("plugins = http,php\nphp-docroot = /srv", "other"),
        ("plugin = 0:cgi", "other"),
        ("plugin = cgi\ncgi = /srv/cgi-bin", "other"),
        ("static-map = /=/srv/static", "other"),
        ("route = ^/old redirect:/new", "other"),
        ("plugin = python3\nsocket = /run/shop.sock", "unnamed"),
    ],
)
def test_what_the_configuration_means(ini: str, meant: str) -> None:
    assert application.meant(parse(f"[uwsgi]\n{ini}\n", "shop.ini")) == meant


@pytest.mark.parametrize(
    ("configured", "apps", "without", "status"),
    [
        ("named", [[APP], [APP]], 0, "ok"),
        ("named", [[], []], 2, "fail"),
        ("named", [[APP], []], 1, "fail"),
        ("unnamed", [[], []], 2, "warn"),
        ("other", [[], []], 2, "skipped"),
        (None, [[], []], None, "unknown"),
        (None, [[APP], [APP]], 0, "ok"),
        ("named", [None, None], None, "unknown"),
    ],
)
def test_workers_without_an_application(configured, apps, without, status) -> None:
    settings = None if configured is None else {"application": configured}
    result = facts(document(*(worker(number + 1, apps=listed) for number, listed in enumerate(apps))), settings=settings)
    assert result["workers"]["without_application"] == without
    assert findings(result)["uwsgi_application"]["status"] == status
    assert findings(result, "before")["uwsgi_application"]["status"] == status


def test_a_worker_that_still_loads_is_not_counted() -> None:
    starting = worker(2, accepting=0, apps=[])
    assert facts(document(worker(1, apps=[APP]), starting), settings={"application": "named"})["workers"]["without_application"] == 0
