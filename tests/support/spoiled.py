# Copyright (c) 2026, the warroom.launch authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""JSON with anything in the place of anything: hypothesis strategies that spoil recorded documents."""

from __future__ import annotations

import copy
import typing as t

from hypothesis import strategies as st

Path = tuple[t.Union[str, int], ...]

#: A key or row that is not there at all.
GONE = object()
#: What stands in the place of a value.
ODD: tuple[t.Any, ...] = (
    GONE, None, "", "text", "-7", "Ошибка 数据 \x1b[31m\u202e<b>{{ 7*7 }}\ud800", True, False, 0, -1, -0.5, 1.5, 2**63, 10**40, 1e308,
    float("nan"), float("inf"), float("-inf"), [], [None], [None, None, None], {}, {"a": 1}, [{"a": None}, 5], [[[[[]]]]], [{}],
)  # fmt: skip


def paths(value: t.Any, path: Path = ()) -> t.Iterator[Path]:
    """The path of everything in it, of what holds others as well."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, held in inner:
        yield (*path, key)
        yield from paths(held, (*path, key))


def at(document: t.Any, path: Path) -> t.Any:
    for part in path:
        document = document[part]
    return document


def put(document: t.Any, path: Path, value: t.Any) -> None:
    """Set or take away what is at the path; nothing, when an earlier change took the way there."""
    try:
        holder = at(document, path[:-1])
        if value is GONE:
            del holder[path[-1]]
        elif isinstance(holder, (dict, list)):
            holder[path[-1]] = value
    except (KeyError, IndexError, TypeError):
        return


class Change(t.NamedTuple):
    path: Path
    value: t.Any

    def __repr__(self) -> str:
        return f"{'/'.join(map(str, self.path))} = {'gone' if self.value is GONE else repr(self.value)[:60]}"


@st.composite
def changes(draw: st.DrawFn, places: t.Sequence[Path], document: t.Any, most: int = 3) -> list[Change]:
    """Up to `most` changes: an odd value, or what stands elsewhere in the document."""
    made = []
    for _number in range(draw(st.integers(1, most))):
        path = draw(st.sampled_from(places))
        swapped = draw(st.integers(0, 7)) == 0
        value = copy.deepcopy(at(document, draw(st.sampled_from(places)))) if swapped else draw(st.sampled_from(ODD))
        made.append(Change(path, value))
    return made


def changed(document: t.Any, made: t.Iterable[Change]) -> t.Any:
    """A copy with these changes."""
    spoiled = copy.deepcopy(document)
    for change in made:
        put(spoiled, change.path, copy.deepcopy(change.value) if change.value is not GONE else GONE)
    return spoiled
