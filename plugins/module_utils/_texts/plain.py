# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one place that turns any value into plain JSON types.

Modules, filters and the judge all pass their results through `plain`: no Decimal, datetime, Enum, NaN, tagged
or lazy container and no text that is not UTF-8 leaves a module or a filter (private to this collection).
"""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import math
import re
import typing as t

#: Deeper nesting than any fact of ours has; what is deeper is cut, so that a cyclic value cannot hang us.
MAX_DEPTH = 40

_SURROGATE = re.compile("[\ud800-\udfff]")


#: Those that need no closer look.
_CONTAINERS = (dict, list)


def plain(value: t.Any, depth: int = 0) -> t.Any:
    """`value` as str, int, float, bool, None, list or dict, at every depth.

    Decimal becomes int or float, NaN and infinities None, a duration seconds, a time ISO 8601 text in UTC,
    bytes and lone surrogates text with replacement characters, a set a sorted list, unknown kinds their text.
    """
    kind = type(value)
    if value is None or kind is bool or kind is int:
        return value  # most values are plain already: a thousand hosts have millions of them
    if kind is str:
        return text(value)
    if kind in _CONTAINERS:
        return _container(value, depth)
    if isinstance(value, enum.Enum):
        return plain(value.value, depth + 1)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, (float, decimal.Decimal)):
        return _number(value)
    if isinstance(value, (str, bytes, bytearray, memoryview)):
        return text(value)
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return moment(value)
    return _container(value, depth)


def _container(value: t.Any, depth: int) -> t.Any:
    if depth >= MAX_DEPTH:
        return None
    if type(value) is dict:  # pylint: disable=unidiomatic-typecheck
        return {_key(key): plain(item, depth + 1) for key, item in value.items()}
    if type(value) is list:  # pylint: disable=unidiomatic-typecheck
        return [plain(item, depth + 1) for item in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, t.Mapping):
        return {_key(key): plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted((plain(item, depth + 1) for item in value), key=repr)
    if isinstance(value, t.Iterable):
        return [plain(item, depth + 1) for item in value]
    return text(str(value))


def _number(value: t.Union[float, decimal.Decimal]) -> t.Union[int, float, None]:
    if isinstance(value, decimal.Decimal):
        if not value.is_finite():
            return None
        if value == value.to_integral_value() and value.as_tuple().exponent >= 0:  # type: ignore[operator]
            return int(value)
        value = float(value)
    if not math.isfinite(value):
        return None
    return float(value) + 0.0  # -0.0 + 0.0 is 0.0: avoids "-0.0 s"


def _key(key: t.Any) -> str:
    if isinstance(key, (str, bytes)):
        return text(key)
    if isinstance(key, tuple):
        return ",".join(_key(part) for part in key)
    return text(str(key))


def text(value: t.Union[str, bytes, bytearray, memoryview]) -> str:
    """Text that is valid UTF-8: foreign bytes and lone surrogates become U+FFFD, NUL is removed."""
    if type(value) is str and value.isascii() and "\0" not in value:  # pylint: disable=unidiomatic-typecheck
        return value
    if not isinstance(value, str):
        value = bytes(value).decode("utf-8", "replace")
    elif not value.isascii():
        value = _SURROGATE.sub("\ufffd", value)
    return str(value).replace("\0", "")


def moment(value: t.Union[datetime.datetime, datetime.date, datetime.time]) -> str:
    """ISO 8601; a time with a zone is given in UTC with a `Z`."""
    if isinstance(value, datetime.datetime) and value.tzinfo is not None:
        return value.astimezone(datetime.timezone.utc).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
    return value.isoformat()
