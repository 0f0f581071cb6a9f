# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs in the child that imports the project: what its settings, checks, migrations, databases and caches say.

Sent as text by `_collect/foreign_code.py`, so it imports the standard library and what the project has. An allow-list: of the settings
only those named here leave the child, as numbers, truth values and class paths; never a password, key or address of a person.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import hmac
import logging
import os
import re
import sys
import typing as t

if t.TYPE_CHECKING:  # its text is run before this one, in the same namespace
    from .read_only import read_only_databases, read_only_environment

Section = t.Tuple[str, t.Any]

#: Rounds of the digest of SECRET_KEY: it is compared between servers, and must not help to guess a short key.
_ROUNDS = 200_000
_SETTINGS_LINE = re.compile(r"DJANGO_SETTINGS_MODULE['\"]\s*,\s*['\"]([\w.]+)['\"]")
_CLASS_PATH = re.compile(r"[A-Za-z_][\w.]{0,150}")
_HOST = re.compile(r"\[[0-9A-Fa-f:.]{2,60}\]|[\w.-]{1,253}")
_UNIX = re.compile(r"(?:unix:(?://)?)?(/[^?\s]+)")
#: Backends that only this process sees.
_LOCAL_CACHES = ("locmem", "dummy", "filebased")
_UNSENT_MAIL = ("console", "dummy", "filebased", "locmem")
#: Variables that differ from server to server and from login to login, whatever the project.
_OF_ITS_HOST = re.compile(
    r"_|HOST|HOSTNAME|HOME|USER|LOGNAME|SHELL|MAIL|PWD|OLDPWD|SHLVL|TERM|TMPDIR|LS_COLORS|INVOCATION_ID|JOURNAL_STREAM|NOTIFY_SOCKET|"
    r"(SSH|SUDO|XDG|SYSTEMD|LISTEN|WATCHDOG|MEMORY_PRESSURE|UWSGI|SUPERVISOR|ANSIBLE)_\w*|\w{1,60}_DIRECTORY"
)
_SECURITY = (
    *("SECURE_SSL_REDIRECT", "SECURE_CONTENT_TYPE_NOSNIFF", "SECURE_HSTS_INCLUDE_SUBDOMAINS", "SECURE_HSTS_PRELOAD"),
    *("SESSION_COOKIE_SECURE", "SESSION_COOKIE_HTTPONLY", "CSRF_COOKIE_SECURE"),
)


def read(arguments: dict[str, t.Any]) -> t.Iterator[Section]:
    """(name, value) of each part, so that one that hangs or breaks costs the rest nothing: `{"broke": class of the error}`."""
    # pylint: disable=used-before-assignment # they are there: their text was run before
    project_options = read_only_environment()
    name = arguments.get("settings") or os.environ.get("DJANGO_SETTINGS_MODULE") or _of_manage_py() or ""
    if not name:
        raise LookupError
    os.environ["DJANGO_SETTINGS_MODULE"] = name
    yield "module", name
    import django  # pylint: disable=import-outside-toplevel
    from django.conf import settings  # pylint: disable=import-outside-toplevel

    yield "version", django.get_version()
    pooled = read_only_databases(settings, project_options)
    django.setup()
    parts: list[tuple[str, t.Callable[[], t.Any]]] = [
        ("settings", lambda: _settings(settings)),
        ("hosts", lambda: _hosts(settings, arguments.get("hosts") or [])),
        ("secret_key", lambda: _secret_key(settings)),
        ("caches", lambda: _caches(settings)),
        ("templates", lambda: _templates(settings)),
        ("static", lambda: _static(settings)),
        ("errors", lambda: _error_reports(settings)),
        ("packages", _packages),
        ("environment", lambda: _environment(settings, arguments)),
        ("checks", _checks),
        # after the checks, which import the URLs and with them the tasks
        ("celery", _celery),
        ("databases", lambda: _databases(pooled)),
        ("migrations", _migrations),
        ("missing_migrations", _missing_migrations),
    ]
    for part, reader in parts:
        yield part, _guarded(reader)


def _guarded(reader: t.Callable[[], t.Any]) -> t.Any:
    try:
        return reader()
    except Exception as error:  # pylint: disable=broad-exception-caught # code of the project and of its backends
        return {"broke": type(error).__name__}


def _of_manage_py() -> str:
    with contextlib.suppress(OSError), open("manage.py", encoding="utf-8", errors="replace") as handle:
        found = _SETTINGS_LINE.search(handle.read(1 << 16))
        return found.group(1) if found else ""
    return ""


def _class(value: t.Any) -> t.Optional[str]:
    """A class path, or nothing: a setting of another kind may hold anything."""
    text = value if isinstance(value, str) else ""
    return text if _CLASS_PATH.fullmatch(text) else None


def _settings(settings: t.Any) -> dict[str, t.Any]:
    middleware = [str(name) for name in settings.MIDDLEWARE or ()]
    found: dict[str, t.Any] = {name.lower(): bool(getattr(settings, name, False)) for name in _SECURITY}
    found.update(
        debug=bool(settings.DEBUG),
        hsts_seconds=int(getattr(settings, "SECURE_HSTS_SECONDS", 0) or 0),
        proxy_ssl_header=bool(getattr(settings, "SECURE_PROXY_SSL_HEADER", None)),
        security_middleware="django.middleware.security.SecurityMiddleware" in middleware,
        csrf_middleware="django.middleware.csrf.CsrfViewMiddleware" in middleware,
        debug_toolbar="debug_toolbar" in settings.INSTALLED_APPS,
        session_engine=_class(settings.SESSION_ENGINE),
        session_cache=_class(getattr(settings, "SESSION_CACHE_ALIAS", "")),
        email_backend=_class(settings.EMAIL_BACKEND),
        email_sends=not any(kind in settings.EMAIL_BACKEND.lower() for kind in _UNSENT_MAIL),
        email_local=settings.EMAIL_HOST in ("localhost", "127.0.0.1", "::1"),
        admins_total=len(settings.ADMINS or ()),
        time_zone=_time_zone(settings),
        use_tz=bool(getattr(settings, "USE_TZ", True)),
        asgi=bool(getattr(settings, "ASGI_APPLICATION", None)),
        site_urls_appended=bool(getattr(settings, "APPEND_SLASH", False)),
    )
    return found


def _time_zone(settings: t.Any) -> t.Optional[str]:
    name = str(settings.TIME_ZONE or "")
    return name if re.fullmatch(r"[A-Za-z][\w+/-]{1,60}", name) else None


def _hosts(settings: t.Any, names: list[str]) -> dict[str, t.Any]:
    from django.http.request import validate_host  # pylint: disable=import-outside-toplevel

    allowed = [str(name) for name in settings.ALLOWED_HOSTS or ()]
    return {"total": len(allowed), "any": "*" in allowed, "refused": [name for name in names if not validate_host(name.lower(), allowed)]}


def _secret_key(settings: t.Any) -> dict[str, t.Any]:
    key = settings.SECRET_KEY
    raw = key if isinstance(key, bytes) else str(key).encode("utf-8", "replace")
    insecure = len(raw) < 50 or len(set(raw)) < 5 or raw.startswith(b"django-insecure-")
    digest = hashlib.pbkdf2_hmac("sha256", raw, b"warroom.launch: the same key on all servers", _ROUNDS).hex()[:8]
    return {"insecure": insecure, "digest": digest, "fallbacks": len(getattr(settings, "SECRET_KEY_FALLBACKS", ()) or ())}


def _caches(settings: t.Any) -> list[dict[str, t.Any]]:
    from django.core.cache import caches  # pylint: disable=import-outside-toplevel

    rows = []
    for alias, configured in settings.CACHES.items():
        backend = str(configured.get("BACKEND", ""))
        local = any(kind in backend.lower() for kind in _LOCAL_CACHES)
        places = [] if local else _places(configured.get("LOCATION"))
        answer = _guarded(functools.partial(_reach, caches, alias))
        broke = answer.get("broke")
        refused = [place for place in places if not _connects(place)]
        timeout = configured.get("TIMEOUT", 300)
        rows.append(
            {
                **{"alias": str(alias), "backend": _class(backend), "local": local, "servers": len(places), "failed": broke},
                **{"refused": [_shown(place) for place in refused], "prefix": bool(configured.get("KEY_PREFIX"))},
                "timeout_seconds": timeout if isinstance(timeout, int) and not isinstance(timeout, bool) else None,
            }
        )
    return rows


def _reach(caches: t.Any, alias: str) -> dict[str, t.Any]:
    caches[alias].get("warroom.launch-is-it-reachable")
    return {}


Place = t.Union[str, t.Tuple[str, int]]


def _places(location: t.Any) -> list[Place]:
    """Where the servers of a cache are; what does not parse strictly is left out."""
    texts = re.split(r"[;,]", location) if isinstance(location, str) else [str(item) for item in location or ()]
    found: list[Place] = []
    for text in texts:
        word = text.strip()[:500]
        place = word.partition("://")[2] or word
        host, colon, port = place.rpartition("@")[2].partition("/")[0].rpartition(":")
        path = _UNIX.fullmatch(word)
        if path:
            found.append(path.group(1))
        elif colon and _HOST.fullmatch(host) and port.isdecimal() and int(port) < 65536:
            found.append((host.strip("[]"), int(port)))
    return found


def _connects(place: Place) -> bool:
    import socket  # pylint: disable=import-outside-toplevel

    try:
        if isinstance(place, str):
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(1)
                connection.connect(place)
            return True
        socket.create_connection(place, timeout=1).close()
        return True
    except OSError:
        return False


def _shown(place: Place) -> str:
    return f"unix:{place}" if isinstance(place, str) else f"{place[0]}:{place[1]}"


def _templates(settings: t.Any) -> dict[str, t.Any]:
    from django.template import engines  # pylint: disable=import-outside-toplevel

    uncached = 0
    for engine in engines.all():
        loaders = getattr(getattr(engine, "engine", None), "loaders", None)
        if loaders is not None and not any(
            "cached.Loader" in str(loader[0] if isinstance(loader, (list, tuple)) else loader) for loader in loaders
        ):
            uncached += 1
    return {"engines": len(settings.TEMPLATES or ()), "uncached": uncached}


def _static(settings: t.Any) -> dict[str, t.Any]:
    if "django.contrib.staticfiles" not in settings.INSTALLED_APPS:
        return {"used": False, "manifest": None, "files": None}
    from django.contrib.staticfiles.storage import staticfiles_storage  # pylint: disable=import-outside-toplevel

    kind = (
        f"{type(staticfiles_storage._wrapped).__module__}.{type(staticfiles_storage._wrapped).__name__}" if staticfiles_storage.url else ""
    )
    hashed = hasattr(staticfiles_storage, "hashed_files") and hasattr(staticfiles_storage, "read_manifest")
    files = len(staticfiles_storage.hashed_files) if hashed else None
    if hashed and staticfiles_storage.read_manifest() is None:
        files = 0
    return {"used": True, "storage": _class(kind), "manifest": hashed, "files": files, "root": bool(settings.STATIC_ROOT)}


def _error_reports(settings: t.Any) -> dict[str, t.Any]:
    """Who hears of an exception: the handlers on the way up from django.request, and an error tracker that is switched on."""
    handlers: list[str] = []
    logger: t.Optional[logging.Logger] = logging.getLogger("django.request")
    while logger is not None:
        handlers += [type(handler).__name__ for handler in logger.handlers]
        logger = logger.parent if logger.propagate else None
    sentry = sys.modules.get("sentry_sdk")
    client = sentry.get_client() if sentry is not None and hasattr(sentry, "get_client") else None
    return {
        "mail": "AdminEmailHandler" in handlers and bool(settings.ADMINS) and not settings.DEBUG,
        "tracker": bool(client is not None and client.is_active() and getattr(client, "dsn", None)),
        "handlers": len(handlers),
    }


def _celery() -> t.Optional[dict[str, t.Any]]:
    """Settings of Celery that bite, where the project has loaded it."""
    if "celery" not in sys.modules:
        return None
    from celery import current_app  # pylint: disable=import-outside-toplevel

    conf = current_app.conf
    limit = conf.task_time_limit
    return {
        "eager": bool(conf.task_always_eager),
        "time_limit_seconds": int(limit) if isinstance(limit, (int, float)) else None,
        "broker_default": not (conf.broker_url or conf.broker_read_url or conf.broker_write_url),
        "acks_late": bool(conf.task_acks_late),
    }


def _packages() -> list[str]:
    from importlib import metadata  # pylint: disable=import-outside-toplevel

    found = {f"{item.metadata['Name']}=={item.version}" for item in metadata.distributions()}
    return sorted(name for name in found if re.fullmatch(r"[A-Za-z0-9._-]{1,80}==[\w.+!-]{1,40}", name))


def _environment(settings: t.Any, arguments: dict[str, t.Any]) -> dict[str, t.Any]:
    """Names of the variables that its process was started with, and of each value a digest that tells nothing to who lacks SECRET_KEY."""
    found = dict(arguments.get("environment") or {})
    if arguments.get("pid"):
        with open(f"/proc/{arguments['pid']}/environ", encoding="utf-8", errors="replace") as handle:
            found.update(word.partition("=")[::2] for word in handle.read(1 << 20).split("\0"))
    key = hashlib.pbkdf2_hmac("sha256", str(settings.SECRET_KEY).encode("utf-8", "replace"), b"warroom.launch: variables", _ROUNDS)
    names = sorted(name for name in found if re.fullmatch(r"[A-Za-z_]\w{0,60}", name) and not _OF_ITS_HOST.fullmatch(name))
    digests = [(name, hmac.new(key, found[name].encode("utf-8", "replace"), "sha256").hexdigest()[:8]) for name in names]
    return {"python": ".".join(map(str, sys.version_info[:3])), "seen": bool(found), "variables": digests}


def _checks() -> list[dict[str, t.Any]]:
    """`check --deploy`. Of Django's own security checks the text too, which is constant; of others it may quote what is private."""
    from django.core.checks import run_checks  # pylint: disable=import-outside-toplevel

    rows = []
    for message in run_checks(include_deployment_checks=True):
        name = str(message.id or "")
        known = re.fullmatch(r"security\.[WE]\d{3}", name) is not None
        if not message.is_silenced():
            rows.append(
                {
                    "id": name if re.fullmatch(r"[\w.]{1,60}", name) else "",
                    "level": int(message.level),
                    "text": " ".join(str(message.msg).split()).partition(". ")[0][:200] if known else "",
                }
            )
    return rows


def _databases(pooled: set[str]) -> list[dict[str, t.Any]]:
    from django.db import connections  # pylint: disable=import-outside-toplevel

    rows = []
    for alias in connections:
        connection = connections[alias]
        configured = connection.settings_dict
        age = configured.get("CONN_MAX_AGE", 0)
        row = {
            **{"alias": str(alias), "vendor": str(connection.vendor), "persistent": age is None or bool(age)},
            "max_age_seconds": age if isinstance(age, (int, float)) else None,
            "health_checks": bool(configured.get("CONN_HEALTH_CHECKS")),
            "pool": alias in pooled,
            "atomic_requests": bool(configured.get("ATOMIC_REQUESTS")),
        }
        answer = {"broke": "FileNotFoundError"} if _no_file(connection) else _guarded(functools.partial(_ask, connection))
        rows.append({**row, "failed": answer.get("broke")})
    return rows


def _ask(connection: t.Any) -> dict[str, t.Any]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.fetchone()
    return {}


def _no_file(connection: t.Any) -> bool:
    """SQLite would create the file that it is asked to open."""
    name = str(connection.settings_dict.get("NAME") or "")
    return connection.vendor == "sqlite" and not name.startswith("file:") and name != ":memory:" and not os.path.exists(name)


def _loader(alias: str) -> t.Any:
    from django.db import connections  # pylint: disable=import-outside-toplevel
    from django.db.migrations.loader import MigrationLoader  # pylint: disable=import-outside-toplevel

    connection = connections[alias]
    return MigrationLoader(None if _no_file(connection) else connection)


def _migrations() -> dict[str, t.Any]:
    """Migrations of the code that the default database does not have; a squashed one counts as what it replaces."""
    loader = _loader("default")
    applied = set(loader.applied_migrations or ())
    rows = [f"{app}.{name}" for app, name in sorted(loader.graph.nodes) if (app, name) not in applied]
    return {"unapplied": [row for row in rows if re.fullmatch(r"[\w.]{1,200}", row)], "total": len(loader.graph.nodes)}


def _missing_migrations() -> list[str]:
    """Apps whose models differ from their migrations, as `makemigrations --check` tells."""
    from django.apps import apps  # pylint: disable=import-outside-toplevel
    from django.db.migrations.autodetector import MigrationAutodetector  # pylint: disable=import-outside-toplevel
    from django.db.migrations.loader import MigrationLoader  # pylint: disable=import-outside-toplevel
    from django.db.migrations.questioner import NonInteractiveMigrationQuestioner  # pylint: disable=import-outside-toplevel
    from django.db.migrations.state import ProjectState  # pylint: disable=import-outside-toplevel

    loader = MigrationLoader(None)
    asked = NonInteractiveMigrationQuestioner(specified_apps=None, dry_run=True)
    found = MigrationAutodetector(loader.project_state(), ProjectState.from_apps(apps), asked).changes(graph=loader.graph)
    return sorted(str(label) for label in found)
