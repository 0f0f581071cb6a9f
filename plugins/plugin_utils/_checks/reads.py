# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which measures an expression reads: its syntax tree is walked over what the service documents, before any fact is there.

Where the way cannot be followed (a literal, a function that may give anything) whatever comes next is accepted.
"""

from __future__ import annotations

import copy
import difflib
import functools
import typing as t

from .measures import Shape, measures, unit_of
from .query import compiled

Node = t.Mapping[str, t.Any]


class Place(t.NamedTuple):
    """Where a part of an expression leads: the documented shape, None for what may be anything, and the names on the way there."""

    shape: t.Optional[Shape]
    path: tuple[str, ...] = ()


ANYTHING = Place(None)
_RESULTS: dict[str, Shape] = {
    **dict.fromkeys(("abs", "avg", "ceil", "floor", "length", "sum", "to_number"), "float"),
    **dict.fromkeys(("contains", "ends_with", "starts_with"), "bool"),
    **dict.fromkeys(("join", "to_string", "type"), "str"),
}  # fmt: skip
_ELEMENTS = ("max", "max_by", "min", "min_by")
_SAME = ("reverse", "sort", "sort_by")


class Walk:
    """One walk from the root of an instance; `problems` are the measures that do not exist."""

    def __init__(self, root: dict[str, t.Any]) -> None:
        self.root = root
        self.problems: list[str] = []

    def visit(self, node: Node, place: Place) -> Place:
        visitor: t.Optional[t.Callable[[Node, Place], Place]] = getattr(self, "_" + node["type"], None)
        return ANYTHING if visitor is None else visitor(node, place)

    def _field(self, node: Node, place: Place) -> Place:
        name, shape = str(node["value"]), place.shape
        path = (*place.path, name)
        if isinstance(shape, dict):
            if name in shape:
                return Place(shape[name], path)
            self.problems.append(f"there is no measure {_dotted(path)}{self._near(path, shape)}")
        elif isinstance(shape, list):
            listed = _dotted(place.path) or "it"
            self.problems.append(f"{listed} is a list: write {listed}[0].{name} or {listed}[].{name}")
        elif shape not in (None, "dict", "raw"):
            self.problems.append(f"{_dotted(place.path) or 'it'} holds nothing that is called {name}")
        return ANYTHING

    def _near(self, path: tuple[str, ...], siblings: t.Mapping[str, Shape]) -> str:
        """What was meant: the one beside it whose name is most alike, or the only one of that name elsewhere."""
        if path[-1] in ("null", "true", "false"):
            return f"; write `{path[-1]}` in backticks"
        elsewhere = [found for found in _all_paths(self.root) if found[-1] == path[-1]]
        alike = difflib.get_close_matches(path[-1], siblings, 1, 0.7)
        meant = (*path[:-1], alike[0]) if alike else elsewhere[0] if len(elsewhere) == 1 else None
        return f"; did you mean {_dotted(meant)}?" if meant else ""

    def _one_after_the_other(self, node: Node, place: Place) -> Place:
        for child in node["children"]:
            place = self.visit(child, place)
        return place

    _subexpression = _index_expression = _pipe = _one_after_the_other

    def _current(self, _node: Node, place: Place) -> Place:
        return place

    _identity = _slice = _current

    def _index(self, _node: Node, place: Place) -> Place:
        return self._element(place)

    def _element(self, place: Place) -> Place:
        if isinstance(place.shape, list):
            return Place(place.shape[0], (*place.path[:-1], place.path[-1] + "[]") if place.path else ())
        if place.shape not in (None, "dict", "raw"):
            self.problems.append(f"{_dotted(place.path) or 'it'} is no list")
        return ANYTHING

    def _projection(self, node: Node, place: Place) -> Place:
        found = self.visit(node["children"][1], self._element(self.visit(node["children"][0], place)))
        return Place([found.shape]) if found.shape is not None else ANYTHING

    def _filter_projection(self, node: Node, place: Place) -> Place:
        element = self._element(self.visit(node["children"][0], place))
        self.visit(node["children"][2], element)
        found = self.visit(node["children"][1], element)
        return Place([found.shape]) if found.shape is not None else ANYTHING

    def _value_projection(self, node: Node, place: Place) -> Place:
        inside = self.visit(node["children"][0], place).shape
        shapes = [Place(shape) for shape in inside.values()] if isinstance(inside, dict) else []
        # of the values of a mapping some may lack what is asked for: they are left out
        return ANYTHING if not shapes else Place([_either(*shapes).shape])

    def _flatten(self, node: Node, place: Place) -> Place:
        found = self.visit(node["children"][0], place)
        inner = self._element(found).shape
        return Place(inner) if isinstance(inner, list) else found

    def _comparator(self, node: Node, place: Place) -> Place:
        for child in node["children"]:
            self.visit(child, place)
        return Place("bool")

    _not_expression = _comparator

    def _or_expression(self, node: Node, place: Place) -> Place:
        return _either(*(self.visit(child, place) for child in node["children"]))

    def _and_expression(self, node: Node, place: Place) -> Place:
        return [self.visit(child, place) for child in node["children"]][-1]._replace(path=())

    def _multi_select_list(self, node: Node, place: Place) -> Place:
        return Place([_either(*(self.visit(child, place) for child in node["children"])).shape])

    def _multi_select_dict(self, node: Node, place: Place) -> Place:
        return Place({pair["value"]: self.visit(pair["children"][0], place).shape for pair in node["children"]})

    def _function_expression(self, node: Node, place: Place) -> Place:
        name = node["value"]
        given = [self.visit(child, place) for child in node["children"] if child["type"] != "expref"]
        by = [child["children"][0] for child in node["children"] if child["type"] == "expref"]
        rows = given[0] if given else ANYTHING
        of_each = [self.visit(expression, self._element(rows)) for expression in by]
        if name in _RESULTS:
            return Place(_RESULTS[name])
        if name in _SAME:
            return Place(rows.shape)
        if name in _ELEMENTS:
            return Place(self._element(rows).shape)
        if name == "map" and of_each:
            return Place([of_each[0].shape])
        return _either(*given) if name == "not_null" else ANYTHING


def _either(*places: Place) -> Place:
    """What may be one or the other has what either has; a literal beside a measure is its stand-in."""
    shapes = [place.shape for place in places if place.shape is not None]
    if not shapes:
        return ANYTHING
    if all(isinstance(shape, dict) for shape in shapes):
        return Place({name: inner for shape in shapes for name, inner in t.cast("dict[str, t.Any]", shape).items()})
    if all(isinstance(shape, list) for shape in shapes):
        return Place([_either(*(Place(t.cast("list[t.Any]", shape)[0]) for shape in shapes)).shape])
    return Place(shapes[0]) if all(shape == shapes[0] for shape in shapes) else ANYTHING


def _all_paths(shape: t.Optional[Shape], path: tuple[str, ...] = ()) -> t.Iterator[tuple[str, ...]]:
    if isinstance(shape, list):
        yield from _all_paths(shape[0], (*path[:-1], path[-1] + "[]"))
    elif isinstance(shape, dict):
        for name, inner in shape.items():
            yield (*path, name)
            yield from _all_paths(inner, (*path, name))


def _dotted(path: t.Sequence[str]) -> str:
    return ".".join(path)


@functools.lru_cache(maxsize=8192)
def _read(service: str, text: str, value: t.Optional[str] = None) -> tuple[Place, tuple[str, ...]]:
    """Where the expression leads, and what it asks for in vain. `value`: the check's own value, where that may be read."""
    root: dict[str, t.Any] = copy.copy(measures(service))
    if value is not None:
        root.update(value=_read(service, value)[0].shape, host="str")
    walk = Walk(root)
    place = walk.visit(compiled(text).parsed, Place(root))
    return place, tuple(dict.fromkeys(walk.problems))


def unmeasured(service: str, text: str, value: t.Optional[str] = None) -> tuple[str, ...]:
    """The measures that the expression reads and that the service does not have."""
    return _read(service, text, value)[1]


def natural_unit(service: str, text: str) -> t.Optional[str]:
    """The unit of what a plain path leads to, None when the expression is more than that or the measure's name tells none."""
    place, _problems = _read(service, text)
    return unit_of(place.path, place.shape) if place.path else None
