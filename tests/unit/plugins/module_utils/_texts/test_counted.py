# Copyright (c) 2026, the warroom.launch authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Numbers agree with their words, in every text of the collectors."""

from __future__ import annotations

import ast
import pathlib
import re
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins import module_utils
from ansible_collections.warroom.launch.plugins.module_utils._texts.counted import counted

FOLDER = pathlib.Path(next(iter(module_utils.__path__)))
#: What is counted in sentences.
_SEVERAL = re.compile(
    r"\A (clients|connections|keys|lines|messages|queues|requests|rows|sessions|statements|tables|tasks|transactions|workers)\b"
)
#: What is only said of more than one.
NEVER_ONE = {
    ("_collectors/celery/shape.py", "workers"),  # of one name
    ("_collectors/memcached/shape.py", "connections"),  # as many refused as opened, since the start
    ("_collectors/varnish_traffic/collector.py", "lines"),  # of a log
}


@pytest.mark.parametrize("number, words", [(0, "0 lines are"), (1, "1 line is"), (2, "2 lines are"), (1000, "1000 lines are")])
def test_one_is_singular(number: int, words: str) -> None:
    assert counted(number, "line is", "lines are") == words


def _uncounted(path: pathlib.Path) -> t.Iterator[str]:
    """Plurals that stand after a number whatever it is."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.JoinedStr):
            for before, after in zip(node.values, node.values[1:]):
                if isinstance(before, ast.FormattedValue) and isinstance(after, ast.Constant):
                    found = _SEVERAL.match(str(after.value))
                    limit = isinstance(before.value, ast.Name) and before.value.id.isupper()  # of our own, never 1
                    if found and not limit:
                        yield found[1]


def test_no_text_puts_a_plural_after_any_number() -> None:
    found = {(path.relative_to(FOLDER).as_posix(), word) for path in FOLDER.rglob("*.py") for word in _uncounted(path)}
    assert found == NEVER_ONE
