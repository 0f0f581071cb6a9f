# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From what the child told to facts. The child ran a stranger's code, so each value is taken only in the form that it must have."""

from __future__ import annotations

import hashlib
import typing as t

from ..._collect.facts import Facts, Maybe, Unknown
from ..._texts.redact import clean

LATE = "the project's time was up before it could be read: raise timeout"
#: A project with more packages than this has its rows cut.
_MOST_PACKAGES = 400
_MOST_VARIABLES = 150
#: Django's level of an error in its check framework.
_ERROR = 40


def shape(sections: t.Mapping[str, t.Any], top: int) -> Facts:
    """The measures of one project."""
    facts = Facts()
    facts.put("settings_module", _text(sections.get("module"), LATE))
    facts.put("version", _text(sections.get("version"), LATE))
    _settings(facts, _Section(sections, "settings"))
    _hosts(facts, _Section(sections, "hosts"), top)
    key = _Section(sections, "secret_key")
    facts.put("secret_key", {"insecure": key.flag("insecure"), "digest": key.text("digest"), "fallbacks": key.count("fallbacks")})
    _caches(facts, _Section(sections, "caches"), top)
    _databases(facts, _Section(sections, "databases"), top)
    facts.put("templates_uncached", _Section(sections, "templates").count("uncached"))
    static = _Section(sections, "static")
    absent = "the project does not use django.contrib.staticfiles"
    used = static.flag("used")
    facts.put("static.used", used)
    facts.put("static.storage", Unknown(absent) if used is False else static.text("storage"))
    facts.put("static.manifest", Unknown(absent) if used is False else static.flag("manifest"))
    facts.put("static.files", Unknown(absent) if used is False else static.count("files", "its storage keeps no manifest"))
    errors = _Section(sections, "errors")
    mail, tracker = errors.flag("mail"), errors.flag("tracker")
    facts.put("error_reports", {"mail": mail, "tracker": tracker, "any": tracker if mail is False else mail})
    _celery(facts, sections)
    _packages(facts, _Section(sections, "packages"))
    _environment(facts, _Section(sections, "environment"))
    _checks(facts, _Section(sections, "checks"), top)
    _migrations(facts, sections, top)
    return facts


class _Section:
    """One part of the child's answer, value by value; what is not of the form that it must have is unknown."""

    def __init__(self, sections: t.Mapping[str, t.Any], name: str) -> None:
        self.content = sections.get(name)
        self.reason = LATE
        if isinstance(self.content, dict) and "broke" in self.content:
            self.reason = f"reading it broke ({clean(str(self.content['broke']), 60)})"
            self.content = None

    def _get(self, name: str) -> t.Any:
        return self.content.get(name) if isinstance(self.content, dict) else None

    def flag(self, name: str) -> Maybe[bool]:
        value = self._get(name)
        return value if isinstance(value, bool) else Unknown(self.reason)

    def count(self, name: str, reason: str = "") -> Maybe[int]:
        return _count(self._get(name), reason if reason and isinstance(self.content, dict) else self.reason)

    def text(self, name: str) -> Maybe[str]:
        return _text(self._get(name), self.reason)

    def texts(self, name: str) -> Maybe[list[str]]:
        return _texts(self._get(name), self.reason)

    def rows(self) -> Maybe[list[dict[str, t.Any]]]:
        if not isinstance(self.content, list):
            return Unknown(self.reason)
        return [each for each in self.content if isinstance(each, dict)]


def _count(value: t.Any, reason: str) -> Maybe[int]:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 53 else Unknown(reason)


def _text(value: t.Any, reason: str) -> Maybe[str]:
    return clean(value, 120) if isinstance(value, str) and value else Unknown(reason)


def _texts(value: t.Any, reason: str) -> Maybe[list[str]]:
    return [clean(each, 120) for each in value if isinstance(each, str)] if isinstance(value, list) else Unknown(reason)


def _settings(facts: Facts, found: _Section) -> None:
    for name in ("debug", "debug_toolbar", "use_tz", "asgi"):
        facts.put(name, found.flag(name))
    facts.put("time_zone", found.text("time_zone"))
    facts.put("admins_total", found.count("admins_total"))
    flags = ("secure_ssl_redirect", "secure_content_type_nosniff", "session_cookie_secure", "session_cookie_httponly", "csrf_cookie_secure")
    for name in (*flags, "proxy_ssl_header", "security_middleware", "csrf_middleware"):
        facts.put(f"security.{name}", found.flag(name))
    facts.put("security.hsts_seconds", found.count("hsts_seconds"))
    facts.put("session", {"engine": found.text("session_engine"), "cache": found.text("session_cache")})
    facts.put("email", {"backend": found.text("email_backend"), "sends": found.flag("email_sends"), "local": found.flag("email_local")})


def _hosts(facts: Facts, found: _Section, top: int) -> None:
    refused = found.texts("refused")
    facts.put("allowed_hosts.total", found.count("total"))
    facts.put("allowed_hosts.any", found.flag("any"))
    facts.put("allowed_hosts.refused", refused if isinstance(refused, Unknown) else refused[:top])
    facts.put("allowed_hosts.refused_total", refused if isinstance(refused, Unknown) else len(refused))


def _caches(facts: Facts, found: _Section, top: int) -> None:
    listed = found.rows()
    rows: Maybe[list[dict[str, t.Any]]] = listed if isinstance(listed, Unknown) else [_cache(each) for each in listed]
    facts.rows("caches", rows, top)
    if isinstance(rows, Unknown):
        facts.update({"caches_local_total": rows, "caches_unreachable_total": rows})
        return
    facts.put("caches_local_total", sum(each["local"] is True for each in rows))
    facts.put("caches_unreachable_total", sum(each["reachable"] is False for each in rows))


def _cache(found: dict[str, t.Any]) -> dict[str, t.Any]:
    one = _Section({"it": found}, "it")
    refused = one.texts("refused")
    unreachable = [] if isinstance(refused, Unknown) else refused
    return {
        **{"name": one.text("alias"), "backend": one.text("backend"), "local": one.flag("local")},
        "reachable": not unreachable and found.get("failed") is None,
        "error": clean(str(found.get("failed") or ""), 60),
        "refused": unreachable[:10],
        "key_prefix": one.flag("prefix"),
        "timeout_seconds": one.count("timeout_seconds", "entries never expire"),
    }


def _databases(facts: Facts, found: _Section, top: int) -> None:
    listed = found.rows()
    if isinstance(listed, Unknown):
        facts.rows("databases", listed, top)
        facts.update(dict.fromkeys(("databases_unreachable_total", "databases_unchecked_total", "databases_persistent_total"), listed))
        return
    rows: list[dict[str, t.Any]] = []
    for each in listed:
        one = _Section({"it": each}, "it")
        values: dict[str, t.Any] = {
            **{"name": one.text("alias"), "vendor": one.text("vendor"), "persistent": one.flag("persistent")},
            "max_age_seconds": one.count("max_age_seconds", "connections are kept for ever"),
            **{name: one.flag(name) for name in ("health_checks", "pool", "atomic_requests")},
            **{"reachable": each.get("failed") is None, "error": clean(str(each.get("failed") or ""), 60)},
        }
        rows.append(values)
    facts.rows("databases", rows, top)
    facts.put("databases_unreachable_total", sum(each["reachable"] is False for each in rows))
    kept = [each for each in rows if each["persistent"] is True]
    facts.put("databases_persistent_total", len(kept))
    facts.put("databases_unchecked_total", sum(each["health_checks"] is False for each in kept))


def _celery(facts: Facts, sections: t.Mapping[str, t.Any]) -> None:
    found = _Section(sections, "celery")
    used: Maybe[bool] = found.content is not None if "celery" in sections and found.reason == LATE else Unknown(found.reason)
    absent = "the project does not load Celery"
    facts.put("celery.used", used)
    for name in ("eager", "broker_default", "acks_late"):
        facts.put(f"celery.{name}", Unknown(absent) if used is False else found.flag(name))
    limit = found.count("time_limit_seconds", "tasks have no time limit")
    facts.put("celery.time_limit_seconds", Unknown(absent) if used is False else limit)


def _packages(facts: Facts, found: _Section) -> None:
    names = _texts(found.content, found.reason)
    if isinstance(names, Unknown):
        facts.update({"packages": names, "packages_total": names, "packages_digest": names})
        return
    facts.put("packages", names[:_MOST_PACKAGES])
    facts.put("packages_total", len(names))
    facts.put("packages_digest", hashlib.sha256("\n".join(names).encode()).hexdigest()[:12])


def _environment(facts: Facts, found: _Section) -> None:
    """Of the project's process; of our own there is nothing to compare."""
    facts.put("python", found.text("python"))
    content = found.content if isinstance(found.content, dict) else {}
    listed = content.get("variables")
    if content.get("seen") is not True or not isinstance(listed, list):
        why = "no running process of the project was seen, and no environment was given" if content else found.reason
        facts.update({"variables": Unknown(why), "variables_total": Unknown(why)})
        return
    pairs = [each for each in listed if isinstance(each, list) and len(each) == 2 and all(isinstance(word, str) for word in each)]
    facts.rows("variables", [{"name": clean(name, 61), "digest": clean(digest, 8)} for name, digest in pairs], _MOST_VARIABLES)


def _checks(facts: Facts, found: _Section, top: int) -> None:
    listed = found.rows()
    if isinstance(listed, Unknown):
        facts.rows("deploy_checks", listed, top)
        facts.put("deploy_errors_total", listed)
        return
    rows: list[dict[str, t.Any]] = [
        {
            "id": clean(str(each.get("id") or "(no id)"), 60),
            "error": _level(each) >= _ERROR,
            "text": clean(str(each.get("text") or ""), 200),
        }
        for each in sorted(listed, key=lambda each: -_level(each))
    ]
    facts.rows("deploy_checks", rows, 2 * top)
    facts.put("deploy_errors_total", sum(bool(each["error"]) for each in rows))


def _level(found: t.Mapping[str, t.Any]) -> int:
    level = found.get("level")
    return level if isinstance(level, int) else 0


def _migrations(facts: Facts, sections: t.Mapping[str, t.Any], top: int) -> None:
    found = _Section(sections, "migrations")
    names = found.texts("unapplied")
    facts.put("migrations_total", found.count("total"))
    facts.put("migrations_unapplied", names if isinstance(names, Unknown) else len(names))
    facts.put("migrations_unapplied_names", names if isinstance(names, Unknown) else names[:top])
    differs = _Section(sections, "missing_migrations")
    apps = _texts(differs.content, differs.reason)
    facts.put("migrations_missing", apps if isinstance(apps, Unknown) else apps[:top])
    facts.put("migrations_missing_total", apps if isinstance(apps, Unknown) else len(apps))
