# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What each service measures, as its module's RETURN documents it: names and types, down to the rows of lists."""

from __future__ import annotations

import functools
import json
import typing as t

from . import documented
from .services import TITLES

#: `"float"`; `["float"]`, a list of them; `{name: …}`; `[{name: …}]`, rows; `"dict"` and `"raw"` may hold anything.
Shape = t.Union[str, dict[str, t.Any], list[t.Any]]

#: A fleet-wide service that has what another one measures, but for what is a host's own there.
EXTENDS = {"celery_queue": ("celery", ("local", "collected_at", "duration_ms"))}


_TYPES = {name[0]: name for name in ("str", "int", "float", "bool", "dict", "raw")}


@functools.lru_cache(maxsize=1)
def _documented() -> dict[str, dict[str, t.Any]]:
    return {service: {name: _shape(written) for name, written in tree.items()} for service, tree in json.loads(documented.TEXT).items()}


def _shape(written: t.Any) -> Shape:
    if isinstance(written, dict):
        return {name: _shape(inner) for name, inner in written.items()}
    return [_shape(written[0])] if isinstance(written, list) else _TYPES[written]


@functools.lru_cache(maxsize=len(TITLES))
def measures(service: str) -> dict[str, Shape]:
    """The measures of one instance of the service, with what every instance has."""
    base, without = EXTENDS.get(service, (None, ()))
    inherited = measures(base) if base else _documented()["common"]
    return {name: shape for name, shape in {**inherited, **_documented()[service]}.items() if name not in without}


#: The unit of a measure is the ending of its name, the longest that fits.
_ENDINGS = ("_bytes_per_second", "_per_second", "_milliseconds", "_seconds", "_bytes", "_ratio", "_total")


def unit_of(path: t.Sequence[str], shape: t.Optional[Shape]) -> t.Optional[str]:
    """The unit that the last name of the path ends in (of a fraction also one above it); else that of its type, or None."""
    for name in reversed(path if shape == "float" else path[-1:]):
        for ending in _ENDINGS:
            if ("_" + name).endswith(ending):
                return "count" if ending == "_total" else ending[1:]
    return {"bool": "boolean", "str": "text"}.get(shape) if isinstance(shape, str) else None
