# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""In what the same Django project differs from server to server: code, settings, packages, environment. Pure.

What is unknown on a side is compared with nothing. Of keys and variables only digests are known, which are never shown.
"""

from __future__ import annotations

import typing as t

Data = t.Mapping[str, t.Any]
Row = dict[str, t.Any]

#: Measures of `launch_django` that are the same wherever the same settings are.
SETTINGS = (
    *("debug", "debug_toolbar", "use_tz", "time_zone", "asgi", "admins_total", "templates_uncached"),
    *("allowed_hosts.total", "allowed_hosts.any", "session.engine", "session.cache", "email.backend", "secret_key.fallbacks"),
    *("static.storage", "static.manifest", "static.files", "celery.used", "celery.eager", "celery.acks_late", "celery.time_limit_seconds"),
    *("security.secure_ssl_redirect", "security.session_cookie_secure", "security.csrf_cookie_secure", "security.hsts_seconds"),
    *("security.proxy_ssl_header", "security.csrf_middleware", "security.security_middleware"),
)
#: Lists of the same kind, by their rows' names.
LISTS = {
    "caches": ("backend", "key_prefix", "timeout_seconds"),
    "databases": ("vendor", "max_age_seconds", "health_checks", "pool", "atomic_requests"),
}
KINDS = ("release", "version", "key", "setting", "package", "variable")
ABSENT = "absent"


def differences(sides: t.Sequence[tuple[str, Data]]) -> list[Row]:
    """`{kind, name, sides: [{where, value}]}` of everything in which the sides, as (where, facts), are not alike."""
    rows: list[Row] = []
    for kind, read in _READERS.items():
        told = [(where, values) for where, facts in sides if (values := read(facts)) is not None]
        names = sorted({name for _where, values in told for name in values})
        for name in names:
            # a part of the settings that one server did not read is compared among the others
            known = [(where, values.get(name, ABSENT)) for where, values in told if kind in _WHOLE or name in values]
            if len({str(value) for _where, value in known}) > 1:
                rows.append({"kind": kind, "name": name, "sides": [{"where": where, "value": value} for where, value in known]})
    return rows


def told_by(sides: t.Iterable[tuple[str, Data]], kind: str) -> int:
    """How many sides told anything of this kind."""
    return sum(_READERS[kind](facts) is not None for _where, facts in sides)


def in_words(row: Data, most: int = 4) -> str:
    """`5.1 on web1 and web2, 5.0 on web3`; of what is secret only who has the same."""
    groups: dict[str, list[str]] = {}
    for each in row["sides"]:
        groups.setdefault(str(each["value"]), []).append(str(each["where"]))
    hidden = row["kind"] in ("key", "variable")
    said = []
    for place, (value, where) in enumerate(sorted(groups.items(), key=lambda group: -len(group[1]))):
        shown = value if value == ABSENT or not hidden else ("one value" if place == 0 else "another")
        more = f" and {len(where) - most} more" if len(where) > most else ""
        said.append(f"{shown} on {', '.join(where[:most])}{more}")
    return "; ".join(said[:6])


def _part(facts: Data, path: str) -> t.Any:
    value: t.Any = facts
    for name in path.split("."):
        value = value.get(name) if isinstance(value, t.Mapping) else None
    return value


def _one(path: str) -> t.Callable[[Data], t.Optional[dict[str, t.Any]]]:
    def read(facts: Data) -> t.Optional[dict[str, t.Any]]:
        value = _part(facts, path)
        return None if value is None else {path.partition(".")[0]: value}

    return read


def _settings(facts: Data) -> t.Optional[dict[str, t.Any]]:
    found = {path: value for path in SETTINGS if (value := _part(facts, path)) is not None}
    for kind, columns in LISTS.items():
        for row in _rows(facts, kind):
            found.update({f"{kind}.{row.get('name')}.{column}": row[column] for column in columns if row.get(column) is not None})
    return found or None


def _rows(facts: Data, name: str) -> list[Data]:
    rows = facts.get(name)
    return [row for row in rows if isinstance(row, t.Mapping)] if isinstance(rows, list) else []


def _versions(facts: Data) -> t.Optional[dict[str, t.Any]]:
    return {name: value for name in ("version", "python") if (value := facts.get(name)) is not None} or None


def _packages(facts: Data) -> t.Optional[dict[str, t.Any]]:
    names = facts.get("packages")
    whole = isinstance(names, list) and facts.get("packages_total") == len(names)
    return dict(str(name).partition("==")[::2] for name in names) if isinstance(names, list) and whole else None


def _variables(facts: Data) -> t.Optional[dict[str, t.Any]]:
    rows = _rows(facts, "variables")
    whole = isinstance(facts.get("variables"), list) and facts.get("variables_total") == len(rows)
    return {str(row.get("name")): row.get("digest") for row in rows} if whole else None


_READERS: dict[str, t.Callable[[Data], t.Optional[dict[str, t.Any]]]] = {
    "release": _one("release"),
    "version": _versions,
    "key": _one("secret_key.digest"),
    "setting": _settings,
    "package": _packages,
    "variable": _variables,
}
#: Kinds that are told as a whole: what is not among them is absent.
_WHOLE = ("package", "variable")
