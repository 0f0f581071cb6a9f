# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The practice stack's own project with one fault made for real, and what the checks of the phase before say about it."""

from __future__ import annotations

import json
import pathlib
import shutil
import sys
import typing as t

from ansible_collections.warroom.launch.plugins.module_utils._collect.options import _check
from ansible_collections.warroom.launch.plugins.module_utils._collect.run import gather
from ansible_collections.warroom.launch.plugins.module_utils._collectors.django.collector import COLLECTOR
from ansible_collections.warroom.launch.plugins.plugin_utils._checks.evaluate import evaluate
from tests.support.check_cases import catalogue
from tests.support.server import ROOT
from tests.support.tools import RealCommands, tools_with

APP = ROOT / "roles" / "practice_stack" / "files" / "app"
#: Of a stack that does not run: nothing answers on these ports.
NOBODY = dict.fromkeys(("memcached_1", "memcached_2", "memcached_3", "redis", "postgresql", "pgbouncer", "mariadb"), 1)
#: What is not well for the want of servers, and what cannot be known without them.
OF_SERVERS = {"django_databases": "fail", "django_caches": "fail", "django_migrations_unapplied": "unknown"}

_STATICFILES = 'INSTALLED_APPS += ["django.contrib.staticfiles"]\nSTATIC_URL = "static/"\nSTATIC_ROOT = "/nowhere/static"\n'
_MANIFEST = "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"
_LOADERS = '"OPTIONS": {"loaders": ["django.template.loaders.app_directories.Loader"]}'


class Fault(t.NamedTuple):
    """`makes`: what each check says then; `settings`: lines at the settings' end; `files`: (path, old text, new text), all new without old.

    `beside`: more findings that come with it.
    """

    name: str
    makes: dict[str, str]
    settings: str = ""
    files: tuple[tuple[str, str, str], ...] = ()
    beside: frozenset[str] = frozenset()


_DEPLOY = frozenset({"django_deploy_warnings"})
_MODEL = "\n\nclass Wish(models.Model):\n    text = models.CharField(max_length=9)\n"
_MIGRATION = (
    "from django.db import migrations\n\n\nclass Migration(migrations.Migration):\n"
    '    dependencies = [("shop", "0001_initial")]\n    operations = []\n'
)
#: Each is one that a launch has met; those of the second part need the servers.
FAULTS = (
    Fault("DEBUG on", {"django_debug": "fail"}, "DEBUG = True", beside=_DEPLOY | {"django_error_reports"}),
    Fault(
        "debug toolbar", {"django_debug_toolbar": "warn"}, 'INSTALLED_APPS += ["debug_toolbar"]', (("debug_toolbar/__init__.py", "", "\n"),)
    ),
    Fault("another name allowed", {"django_allowed_hosts": "fail"}, 'ALLOWED_HOSTS = ["www.example.com"]'),
    Fault("no name allowed", {"django_allowed_hosts_given": "fail", "django_allowed_hosts": "fail"}, "ALLOWED_HOSTS = []", beside=_DEPLOY),
    Fault("every name allowed", {"django_allowed_hosts_any": "warn"}, 'ALLOWED_HOSTS = ["*"]', beside=frozenset({"django_allowed_hosts"})),
    Fault("an error of check", {"django_deploy_errors": "fail"}, 'LANGUAGE_CODE = "xx-nowhere"', beside=_DEPLOY),
    Fault("a warning of check", {"django_deploy_warnings": "warn"}, "SECURE_HSTS_PRELOAD = False"),
    Fault("a model without its migration", {"django_migrations_missing": "warn"}, files=(("shop/models.py", "", _MODEL),)),
    Fault("unchecked connections", {"django_persistent_connections": "warn"}, 'DATABASES["default"]["CONN_HEALTH_CHECKS"] = False'),
    Fault("kept connections under ASGI", {"django_connections_under_asgi": "warn"}, 'ASGI_APPLICATION = "shop.asgi.application"'),
    Fault(
        "a cache of each process", {"django_caches_local": "warn"},
        'CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}',
    ),
    Fault("a short key", {"django_secret_key": "fail"}, 'SECRET_KEY = "short"', beside=_DEPLOY),
    Fault("session over plain HTTP", {"django_session_cookie_secure": "warn"}, "SESSION_COOKIE_SECURE = False"),
    Fault("token over plain HTTP", {"django_csrf_cookie_secure": "warn"}, "CSRF_COOKIE_SECURE = False", beside=_DEPLOY),
    Fault("scripts read sessions", {"django_session_cookie_httponly": "warn"}, "SESSION_COOKIE_HTTPONLY = False"),
    Fault("no HSTS", {"django_hsts": "warn"}, "SECURE_HSTS_SECONDS = 0", beside=_DEPLOY),
    Fault("forms unguarded", {"django_csrf": "fail"}, "MIDDLEWARE = [each for each in MIDDLEWARE if 'csrf' not in each]", beside=_DEPLOY),
    Fault(
        "no security middleware", {"django_security_middleware": "warn"},
        "MIDDLEWARE = [each for each in MIDDLEWARE if 'security' not in each]", beside=_DEPLOY,
    ),
    Fault("no administrators", {"django_error_reports": "fail"}, "ADMINS = []"),
    Fault("mail printed", {"django_email": "fail"}, 'EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"'),
    Fault(
        "nothing collected", {"django_static_manifest": "fail"},
        f'{_STATICFILES}STORAGES = {{"default": {{"BACKEND": "django.core.files.storage.FileSystemStorage"}}, '
        f'"staticfiles": {{"BACKEND": "{_MANIFEST}"}}}}',
        beside=frozenset({"django_static_versioned"}),
    ),
    Fault("static names stay", {"django_static_versioned": "warn"}, _STATICFILES),
    Fault(
        "templates compiled anew", {"django_templates_cached": "warn"},
        f'TEMPLATES = [{{"BACKEND": "django.template.backends.django.DjangoTemplates", {_LOADERS}}}]',
    ),
    Fault(
        "tasks inside of requests", {"django_celery_eager": "fail"},
        files=(("shop/tasks.py", "app.set_default()", "app.conf.task_always_eager = True\napp.set_default()"),),
    ),
    Fault(
        "a broker nobody named", {"django_celery_broker": "fail"},
        files=(("shop/tasks.py", "broker=f\"redis://127.0.0.1:{settings.PORTS['redis']}/0\"", "set_as_current=True"),),
    ),
    Fault("naive times", {"django_time_zone": "warn"}, "USE_TZ = False"),
)  # fmt: skip
WITH_SERVERS = (
    Fault("a database that is not there", {"django_databases": "fail"}, 'DATABASES["default"]["PORT"] = 1',
          beside=frozenset({"django_migrations_unapplied"})),
    Fault("a cache that is not there", {"django_caches": "fail"},
          'CACHES["default"]["LOCATION"] = "redis://127.0.0.1:1/1" if MODERN else ["127.0.0.1:1"]'),
    Fault("a migration to come", {"django_migrations_unapplied": "fail"}, files=(("shop/migrations/0002_wish.py", "", _MIGRATION),)),
)  # fmt: skip


def write(folder: pathlib.Path, faults: t.Iterable[Fault], state: t.Optional[dict[str, t.Any]] = None, flavour: str = "classic") -> None:
    """A copy of the application, with the faults; `state`: ports and password of a stack that runs."""
    shutil.copytree(APP, folder)
    state = state or {"ports": NOBODY, "password": "a password"}
    (folder / "practice.json").write_text(json.dumps({**state, "flavour": flavour}))
    for fault in faults:
        with open(folder / "shop" / "settings.py", "a", encoding="utf-8") as settings:
            settings.write(f"\n{fault.settings}\n")
        for name, old, new in fault.files:
            path = folder / name
            path.parent.mkdir(exist_ok=True)
            text = path.read_text() if path.exists() else ""
            assert old in text, f"{fault.name}: {name} has changed"
            path.write_text(text.replace(old, new) if old else text + new)
    _readable(folder)


def _readable(folder: pathlib.Path) -> None:
    """To another user, as whom a check that is root imports the project."""
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


def findings(folder: pathlib.Path) -> dict[str, str]:
    """What each check of the project says."""
    options = {
        **{"name": "shop", "chdir": str(folder), "virtualenv": sys.prefix, "settings": "shop.settings", "hosts": ["127.0.0.1"]},
        "environment": {"PRACTICE_CONFIG": str(folder / "practice.json"), "PRACTICE_PROGRAM": "check", "PYTHONDONTWRITEBYTECODE": "1"},
    }
    facts = gather([(COLLECTOR, _check(COLLECTOR, options))], 0, tools_with(RealCommands(), timeout=30))
    (instance,) = facts["launch_django"]["instances"]
    assert instance["state"] == "up", instance["problem"]
    checks = [check for check in catalogue().checks() if check.service == "django"]
    return {each["check"]: each["status"] for each in evaluate("practice", facts, checks, "before")}


def batches(faults: t.Iterable[Fault]) -> list[list[Fault]]:
    """Faults that can be made at once: none of them brings what another one is to show."""
    made: list[list[Fault]] = []
    for fault in faults:
        room = (batch for batch in made if not any(_meet(fault, other) for other in batch))
        batch = next(room, None)
        if batch is None:
            made.append([fault])
        else:
            batch.append(fault)
    return made


def _meet(fault: Fault, other: Fault) -> bool:
    """Whether one of them brings what the other is to show."""
    mine, theirs = set(fault.makes), set(other.makes)
    return bool(mine & (theirs | other.beside) or theirs & fault.beside)


def together(faults: t.Sequence[Fault]) -> Fault:
    """Several as one."""
    makes = {check: status for fault in faults for check, status in fault.makes.items()}
    return Fault(", ".join(fault.name for fault in faults), makes, beside=frozenset().union(*(fault.beside for fault in faults)))


def not_well(said: t.Mapping[str, str]) -> dict[str, str]:
    return {check: status for check, status in said.items() if status not in ("ok", "skipped")}


def wrong(fault: Fault, said: t.Mapping[str, str], healthy: t.Mapping[str, str]) -> t.Optional[str]:
    """Why what was said does not name the fault and it alone; None when it does. `healthy`: what is not well without it."""
    bad = not_well(said)
    missed = {check: said.get(check) for check, status in fault.makes.items() if said.get(check) != status}
    more = set(bad) - set(fault.makes) - fault.beside - set(healthy)
    return f"missed {missed}, and beside it {sorted(more)}" if missed or more else None
