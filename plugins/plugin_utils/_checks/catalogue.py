# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The checks: a directory of YAML files, a host's own limits and checks merged in, everything validated first."""

from __future__ import annotations

import collections
import functools
import json
import pathlib
import typing as t

import yaml

from ...module_utils._texts.plain import plain
from . import acceptance, query, shared
from .check import KEYS, Checks, Raw, checked, without_limit
from .near import near
from .services import GATHERED, TITLES

SHIPPED = pathlib.Path(__file__).resolve().parents[3] / "roles" / "launch_check" / "catalogue"

#: Findings of the engine itself; they can be accepted by these names, but have no limits.
ANSWERS = "_answers"
HOST_REACHED = "host_reached"
HOSTS_ASKED = "hosts_asked"
CAUSES_SEARCHED = "causes_searched"
ENGINE = (HOST_REACHED, HOSTS_ASKED, CAUSES_SEARCHED, *(service + ANSWERS for service in TITLES))


class CatalogueError(ValueError):
    """Everything that is wrong with the checks, one line each."""

    def __init__(self, lines: t.Iterable[str]) -> None:
        self.lines = list(dict.fromkeys(lines))
        super().__init__("\n".join(self.lines))


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Rejects a key that stands twice in a mapping."""

    def construct_mapping(self, node: t.Any, deep: bool = False) -> t.Any:
        keys = [key.value for key, _value in node.value if isinstance(key, yaml.ScalarNode)]
        twice = [key for key, count in collections.Counter(keys).items() if count > 1]
        if twice:
            raise yaml.constructor.ConstructorError(None, None, f"the key {twice[0]!r} stands twice", node.start_mark)
        return super().construct_mapping(node, deep)


def load(directory: t.Union[str, pathlib.Path, None] = None) -> list[Raw]:
    """All entries of the directory's `*.yml` files, by file name. Raises CatalogueError for what is no list of checks."""
    folder = pathlib.Path(directory or SHIPPED)
    if not folder.is_dir():
        raise CatalogueError([f"the catalogue {folder} is not a directory"])
    entries: list[Raw] = []
    wrong: list[str] = []
    for path in sorted(folder.glob("*.yml")):
        try:
            with path.open(encoding="utf-8") as stream:
                document = yaml.load(stream, Loader=_Loader)  # a safe loader
        except (yaml.YAMLError, UnicodeError, OSError) as error:
            wrong.append(f"{path.name}: not readable as YAML: {_located(error)}")
            continue
        try:
            entries.extend(_entries(document))
        except ValueError as error:
            wrong.append(f"{path.name}: {error}")
    if wrong:
        raise CatalogueError(wrong)
    return entries


#: Keys that a file may give once for all of its checks.
DEFAULTS = ("service", "unit", "needs", "applies", "otherwise", "phase", "evidence", "look", "source")


def _entries(document: t.Any) -> list[t.Any]:
    """The checks of one file: a list, or `{defaults: {…}, checks: […]}`. A check takes a default away with null.

    With `services` in the defaults each check is one of each of these (see `shared`).
    """
    if document is None:
        return []
    if isinstance(document, list):
        return document
    if not isinstance(document, dict) or set(document) - {"defaults", "checks"} or not isinstance(document.get("checks"), list):
        raise ValueError("must be a list of checks, or a mapping of defaults and checks")
    defaults = document.get("defaults") or {}
    if not isinstance(defaults, dict):
        raise ValueError("defaults must be a mapping")
    defaults, checks = shared.expanded(defaults, document["checks"])
    for key in defaults:
        if key not in DEFAULTS:
            raise ValueError(f"there is no default {key!r}; known are {', '.join(DEFAULTS)}")
    return [_with_defaults(defaults, entry) if isinstance(entry, dict) else entry for entry in checks]


def _with_defaults(defaults: Raw, entry: Raw) -> Raw:
    """The entry over the file's defaults. Reasons that the file gives under a condition stay before the reason of the check."""
    merged = changed_by(defaults, entry)
    shared, own = defaults.get("otherwise"), entry.get("otherwise")
    if isinstance(shared, list) and isinstance(own, str):
        merged["otherwise"] = [*(reason for reason in shared if isinstance(reason, dict) and reason.get("when")), {"say": own}]
    return merged


def _located(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    return f"line {mark.line + 1}: {getattr(error, 'problem', error)}" if mark else " ".join(str(error).split())


class Catalogue:
    """The entries of a directory, and the compiled checks for each set of settings that a host may have."""

    def __init__(self, entries: t.Sequence[Raw]) -> None:
        query.require()
        self.entries = list(entries)
        compiled = [checked(entry) for entry in entries]
        wrong = [problem for entry, (_check, found) in zip(entries, compiled) for problem in (*found, *without_limit(entry))]
        counts = collections.Counter(entry["id"] for entry in entries if isinstance(entry, dict) and isinstance(entry.get("id"), str))
        wrong += [f"check {name}: the id stands {count} times" for name, count in counts.items() if count > 1]
        wrong += [f"check {name}: the id is reserved" for name in counts if name in ENGINE]
        if wrong:
            raise CatalogueError(wrong)
        self._unchanged = [check for check, _wrong in compiled if check is not None]
        self._compiled = functools.lru_cache(maxsize=256)(self._compile)

    def checks(self, thresholds: t.Any = None, extra: t.Any = None) -> Checks:
        """The checks of a host with its own thresholds and extra checks. Raises CatalogueError naming each check."""
        return self._compiled(json.dumps([plain(thresholds), plain(extra)]))

    def _compile(self, settings: str) -> Checks:
        thresholds, extra = json.loads(settings)
        wrong = list(_shape_problems(thresholds, extra))
        if wrong:
            raise CatalogueError(wrong)
        thresholds, extra = thresholds or {}, extra or []
        own = [checked(entry, extra=True) for entry in extra]
        wrong += [problem for entry, (_check, found) in zip(extra, own) for problem in (*found, *without_limit(entry))]
        wrong += _clashes(self.entries, extra)
        entries = [*self.entries, *extra]
        known = {entry["id"]: entry for entry in entries if isinstance(entry, dict) and isinstance(entry.get("id"), str)}
        wrong += [problem for name, change in thresholds.items() for problem in _change_problems(name, change, known)]
        if wrong:
            raise CatalogueError(wrong)
        checks = {check.id: check for check in (*self._unchanged, *(check for check, _wrong in own if check is not None))}
        for name, change in thresholds.items():
            check, found = checked(changed_by(known[name], change))
            wrong += [f"launch_check_thresholds: {problem}" for problem in found]
            checks[name] = check or checks[name]
        if wrong:
            raise CatalogueError(wrong)
        return Checks(checks.values())

    def accept_problems(self, accept: t.Any, extra: t.Any = None) -> t.Iterator[str]:
        """What is wrong with `launch_check_accept`."""
        own = {str(entry.get("id")) for entry in plain(extra) or [] if isinstance(entry, dict)}
        yield from acceptance.problems(accept, {entry["id"] for entry in self.entries} | own | set(ENGINE))


def service_problems(services: t.Iterable[str]) -> list[str]:
    """What is wrong with the services that a host must have: one that is never gathered would never be missed."""
    return [f"launch_check_services: there is no service {name}{near(name, GATHERED)}" for name in services if name not in GATHERED]


def changed_by(entry: Raw, change: t.Optional[Raw]) -> Raw:
    """The entry with a host's own keys over it; a null takes the key away."""
    if not change:
        return entry
    return {key: value for key, value in {**entry, **change}.items() if value is not None}


def _shape_problems(thresholds: t.Any, extra: t.Any) -> t.Iterator[str]:
    if thresholds not in (None, [], "") and not isinstance(thresholds, dict):
        yield "launch_check_thresholds: must be a mapping of check id: changed keys"
    if extra not in (None, {}, "") and not isinstance(extra, list):
        yield "launch_check_extra_checks: must be a list of checks"


def _clashes(shipped: list[Raw], extra: list[t.Any]) -> list[str]:
    names = [entry["id"] for entry in extra if isinstance(entry, dict) and isinstance(entry.get("id"), str)]
    taken = {entry["id"] for entry in shipped}
    counts = collections.Counter(names)
    hint = "the catalogue has a check of this name; change it with launch_check_thresholds"
    wrong = [f"check {name}: {hint}" for name in counts if name in taken]
    wrong += [f"check {name}: the id stands {count} times in the extra checks" for name, count in counts.items() if count > 1]
    return wrong + [f"check {name}: the id is reserved" for name in counts if name in ENGINE]


def _change_problems(name: str, change: t.Any, known: dict[str, Raw]) -> t.Iterator[str]:
    if name not in known:
        yield f"launch_check_thresholds: there is no check {name}{near(name, known)}"
    elif not isinstance(change, dict):
        yield f"launch_check_thresholds: check {name}: must be a mapping such as {{warn: '>= 0.75', fail: '>= 0.95'}}"
    else:
        free = ", ".join(key for key, changeable in KEYS.items() if changeable)
        for key in change:
            if not KEYS.get(key, False):
                yield f"launch_check_thresholds: check {name}: {key!r} cannot be changed; can: {free}"
