# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What no measure can be: of another kind than documented, a share outside 0 to 1, a negative count, time, size or rate, not finite.

Facts come from collectors of other versions, from caches and from files. A value that cannot be is null with that reason, so that no
verdict, cause or chart is built on it. What may be negative or exceed 1 is named here, and nothing else is.
"""

from __future__ import annotations

import copy
import math
import typing as t

from ...module_utils._collect.derived import implausible
from .limit import MASKED
from .measures import Shape, measures
from .services import TITLES, fact_key, instances_in

#: Names of measures that may be negative, or a list's and its column's.
SIGNED = frozenset(
    {
        "growth_per_second", "held_growth_per_second", "grown_bytes",  # they shrink as well
        "drift_seconds", "drift_seconds_max", "clock_offset_seconds",  # a clock that is behind
        "hit_ratio_drop",  # a cache that does better than before
        "left",  # more connections planned than there are
        "connection_limit",  # -1 is none
        "settings[].value",  # -1 is often no limit
    }
)  # fmt: skip
#: Names that end in `_ratio` and may exceed 1: more than there is room, time or a median for.
ABOVE_ONE = frozenset(
    {"load_ratio", "budget_ratio", "skew_ratio", "redelivery_ratio", "hoard_ratio", "modified_ratio", "tables_stale_ratio"}
)

Path = tuple[t.Union[str, int], ...]


def soundly(facts: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """A host's facts without the values that cannot be. What is sound is not copied."""
    there = [service for service in TITLES if fact_key(service) in facts]
    changed = {fact_key(service): fact for service in there if (fact := _fact(facts, service)) is not None}
    return {**facts, **changed}


def _fact(facts: t.Mapping[str, t.Any], service: str) -> t.Optional[dict[str, t.Any]]:
    """The service's fact, when something in it cannot be."""
    instances = instances_in(facts, service)
    sound = [sound_instance(service, instance) for instance in instances]
    if all(new is old for new, old in zip(sound, instances)):
        return None
    return {**facts[fact_key(service)], "instances": sound}


def sound_instance(service: str, instance: dict[str, t.Any]) -> dict[str, t.Any]:
    """The instance with null and the reason in place of every value that cannot be."""
    if _sound(instance, measures(service), ""):
        return instance
    impossible = dict(impossibilities(service, instance))
    if not impossible:
        return instance
    sound = copy.deepcopy(instance)
    reasons = sound.get("unknown")
    sound["unknown"] = reasons = dict(reasons) if isinstance(reasons, dict) else {}
    for path, said in impossible.items():
        holder = sound
        for part in path[:-1]:
            holder = holder[part]  # type: ignore[index]
        holder[path[-1]] = None  # type: ignore[index]
        reasons[dotted(path)] = implausible(said).reason
    return sound


def impossibilities(service: str, instance: t.Mapping[str, t.Any]) -> t.Iterator[tuple[Path, str]]:
    """The path of every value that cannot be, and what it is."""
    yield from _inside(instance, measures(service), ())


def dotted(path: Path) -> str:
    """The path as `unknown` writes it: `in_flight[].count`."""
    return "".join("[]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")


def _inside(value: t.Any, shape: t.Optional[Shape], path: Path) -> t.Iterator[tuple[Path, str]]:
    if value is None:
        return
    said = _wrong_kind(value, shape) or _impossible_number(value, path)
    if said is not None:
        yield path, f"{dotted(path)} is {said}"
    elif isinstance(shape, dict):
        for name, inner in value.items():
            if name in shape and not _sound_leaf(inner, shape[name], name):
                yield from _inside(inner, shape[name], (*path, name))
    elif isinstance(shape, list):
        for at, row in enumerate(value):
            if not _sound_leaf(row, shape[0], "_ratio"):
                yield from _inside(row, shape[0], (*path, at))


def _sound(value: t.Any, shape: t.Optional[Shape], name: str) -> bool:
    """Whether all that is in the value is surely sound."""
    kind = type(value)
    if kind is dict and isinstance(shape, dict):
        return all(inner is None or _sound(inner, shape[name], name) for name, inner in value.items() if name in shape)
    if kind is list and isinstance(shape, list):
        inside = shape[0]
        return all(row is None or _sound(row, inside, "_ratio") for row in value)
    return _sound_leaf(value, shape, name)


def _sound_leaf(value: t.Any, shape: t.Optional[Shape], name: str) -> bool:
    """Whether the value is surely sound, as nearly all are: a large fleet has millions of them. What is not gets the whole look."""
    kind = type(value)
    if value is None:
        return True
    if kind is int or kind is float:
        return shape in _NUMBERS and (
            0 <= value <= 1
            or (1 < value < math.inf and (not name.endswith("_ratio") or name in ABOVE_ONE))
            or (-math.inf < value < 0 and name in SIGNED)
        )
    return shape in _SURELY.get(kind, ())


#: What is documented of values that are surely sound: of numbers that can be, and of values of these types.
_NUMBERS = ("int", "float", "raw")
_SURELY: dict[type, tuple[str, ...]] = {str: ("str", "raw"), bool: ("bool", "raw"), dict: ("dict", "raw"), list: ("raw",)}


#: The types that a documented one accepts; a number written as a text is a number.
_KINDS: dict[str, tuple[type, ...]] = {"str": (str,), "int": (int, float), "float": (int, float), "bool": (bool,), "dict": (dict,)}


def _wrong_kind(value: t.Any, shape: t.Optional[Shape]) -> t.Optional[str]:
    """What the value is, when that is not what is documented."""
    if shape is None or shape == "raw":
        return None
    if isinstance(shape, str):
        right = isinstance(value, _KINDS[shape]) and (shape == "bool" or not isinstance(value, bool))
        right = right or (shape in ("int", "float") and isinstance(value, str) and _may_be_number(value))
    else:
        right = isinstance(value, type(shape))
    return (
        None
        if right
        else f"{_named(value)}, where the module documents {_WANTED[shape if isinstance(shape, str) else type(shape).__name__]}"
    )


_WANTED = {"str": "a text", "int": "a number", "float": "a number", "bool": "true or false", "dict": "a mapping", "list": "a list"}


def _named(value: t.Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return {"str": "a text", "int": "a number", "float": "a number", "dict": "a mapping", "list": "a list"}.get(type(value).__name__, "odd")


def _may_be_number(text: str) -> bool:
    """A number that was written as a text; what masks a secret says so itself, later."""
    try:
        return math.isfinite(float(text)) and float(text) >= 0
    except ValueError:
        return bool(MASKED.search(text))


def _impossible_number(value: t.Any, path: Path) -> t.Optional[str]:
    """The number as a text, when it cannot be."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    if isinstance(value, float) and not math.isfinite(value):
        return "no finite number"
    name = next((part for part in reversed(path) if isinstance(part, str)), "")
    if (value < 0 and not SIGNED & {name, dotted(path)}) or (value > 1 and name.endswith("_ratio") and name not in ABOVE_ONE):
        return f"{value:.4g}" if isinstance(value, float) else str(value)[:20]
    return None
