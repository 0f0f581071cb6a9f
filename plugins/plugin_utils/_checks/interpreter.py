# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""JMESPath's interpreter with one more rule: an impossible comparison is recorded, neither raised nor taken for false.

The library raises TypeError for a text against a number, and takes a null for "does not hold": one odd row then hides the row
that matters (case F-05). Here such a comparison holds or does not, as the caller assumes, and `incomparable` says that it was met.
"""

from __future__ import annotations

import math
import typing as t

try:
    from jmespath.visitor import TreeInterpreter
except ImportError:  # said by `query.require`
    TreeInterpreter = object

_EQUALITY = ("eq", "ne")
NULL = "null"
# what a total may come to when a part of it is not known, in the direction in which it is judged
_TOTALS = {"sum": 10**30, "max": 10**30, "min": -(10**30)}

Node = dict[str, t.Any]


class Interpreter(TreeInterpreter):  # type: ignore[misc]
    """Evaluates one expression once. `assume`: whether a row with a comparison that cannot be made is taken in."""

    def __init__(self, assume: bool) -> None:
        super().__init__()
        self._assume = assume
        self.incomparable: list[str] = []
        self._nulls = 0

    def visit(self, node: t.Mapping[str, t.Any], value: t.Any) -> t.Any:
        """As the library's, without looking up the method by its name for each node of each row."""
        kind = node["type"]
        if kind == "field":
            return value.get(node["value"]) if isinstance(value, dict) else None
        return node["value"] if kind == "literal" else _VISITS[kind](self, node, value)

    def visit_projection(self, node: Node, value: t.Any) -> t.Any:
        base, of_each = node["children"]
        rows = self.visit(base, value)
        return self._known([self.visit(of_each, row) for row in rows]) if isinstance(rows, list) else None

    def visit_filter_projection(self, node: Node, value: t.Any) -> t.Any:
        base, of_each, condition = node["children"]
        rows = self.visit(base, value)
        if not isinstance(rows, list):
            return None
        return self._known([self.visit(of_each, row) for row in rows if self._is_true(self.visit(condition, row))])

    def _known(self, found: list[t.Any]) -> list[t.Any]:
        """As the library, a projection leaves nulls out; how many they are is remembered for a total over it."""
        known = [value for value in found if value is not None]
        self._nulls += len(found) - len(known)
        return known

    def visit_function_expression(self, node: Node, value: t.Any) -> t.Any:
        """A total over parts of which some are null is at least that of the others, and at most anything."""
        nulls = self._nulls
        result = super().visit_function_expression(node, value)
        if self._nulls > nulls and node["value"] in _TOTALS and isinstance(result, (int, float, type(None))):
            self.incomparable.append(f"a part of {node['value']}() is {NULL}")
            return _TOTALS[node["value"]] if self._assume else result
        return result

    def visit_comparator(self, node: Node, value: t.Any) -> t.Any:
        left, right = (self.visit(child, value) for child in node["children"])
        compare = self.COMPARATOR_FUNC[node["value"]]
        if node["value"] in _EQUALITY:
            return compare(left, right)
        if isinstance(left, str) and isinstance(right, str):
            return compare(left, right)
        numbers = _number(left), _number(right)
        if None in numbers:
            self.incomparable.append(_odd_side(node, left, numbers[0], right))
            return self._assume
        return compare(*numbers)

    def visit_not_expression(self, node: Node, value: t.Any) -> t.Any:
        self._assume = not self._assume
        try:
            return super().visit_not_expression(node, value)
        finally:
            self._assume = not self._assume


_VISITS: dict[str, t.Callable[..., t.Any]] = {
    name.removeprefix("visit_"): getattr(Interpreter, name) for name in dir(Interpreter) if name.startswith("visit_")
}


def _number(value: t.Any) -> t.Union[int, float, None]:
    """The number, also one that was written as a text; None for everything that has no order among numbers."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    return value if not isinstance(value, float) or math.isfinite(value) else None


def _odd_side(node: Node, left: t.Any, left_number: t.Any, right: t.Any) -> str:
    child, value = (node["children"][0], left) if left_number is None else (node["children"][1], right)
    name = child.get("value") if child.get("type") == "field" else "a value"
    return f"{name} is {_kind(value)}"


def _kind(value: t.Any) -> str:
    if value is None:
        return NULL
    return {bool: "true or false", str: "text", list: "a list", dict: "a mapping"}.get(type(value), "no finite number")
