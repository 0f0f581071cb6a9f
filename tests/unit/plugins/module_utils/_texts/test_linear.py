# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nothing that looks at foreign text takes more than a pass over it: what does holds the interpreter past every limit (400 KB took 200 s).

A quadratic rule needs minutes for these inputs and ends in the test's time-out; a linear one needs milliseconds.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins import module_utils
from ansible_collections.warroom.launch.plugins.module_utils._sql import sql_text
from ansible_collections.warroom.launch.plugins.module_utils._texts import redact
from ansible_collections.warroom.launch.plugins.module_utils._texts.plain import plain

pytestmark = pytest.mark.timeout(120)

#: Repeated, these make a rule that begins anew at each of its characters, or goes back over all of them, slow.
# fmt: off
PIECES = (
    "a", "A", "0", " ", "\t", "\n", "-1", "a.", "a:", "a-", "_a", "(", "((a", ")", "[", "\\", "\\'", "'", '"', "`", "a=", "a=b;", "x://", "://",
    "x://u:p", "//", "@", "a@", "/*", "*/", "--", "#", "$", "$a$", "%41", "<a>", "{", "},", "\x1b[", "\x00", "é", "…", "IN (", "?,",
)
# fmt: on
MUCH = 1_000_000


def texts(size: int) -> t.Iterator[str]:
    for piece in PIECES:
        yield (piece * (size // len(piece) + 1))[:size]


def patterns() -> dict[str, t.Pattern[t.Any]]:
    """Every compiled expression of the code for targets, by module and name."""
    found: dict[str, t.Pattern[t.Any]] = {}
    for info in pkgutil.walk_packages(module_utils.__path__, module_utils.__name__ + "."):
        module = importlib.import_module(info.name)
        for name, value in vars(module).items():
            for place, one in enumerate(_within(value)):
                found.setdefault(f"{info.name.partition('module_utils.')[2]}:{name}:{place}", one)
    by_text = {one.pattern: name for name, one in reversed(found.items())}
    return {name: found[name] for name in sorted(by_text.values())}


def _within(value: t.Any) -> t.Iterator[t.Pattern[t.Any]]:
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, (tuple, list)):
        for one in value:
            yield from _within(one)
    elif isinstance(value, dict):
        yield from _within(list(value.values()))


PATTERNS = patterns()


@pytest.mark.parametrize("name", PATTERNS)
def test_every_expression_is_linear(name: str) -> None:
    pattern = PATTERNS[name]
    for text in texts(BOUNDED.get(name, 200_000)):
        pattern.search(text.encode() if isinstance(pattern.pattern, bytes) else text)


#: Expressions that are given a bounded text only: its bound, and where that is.
BOUNDED: dict[str, int] = {}


def test_hiding_secrets_in_much_foreign_text() -> None:
    for text in texts(MUCH):
        assert len(redact.hide(text, {"EXAMPLEPW", "pw", "a" * 300})) <= 2 * MUCH


def test_cleaning_and_patterns_of_much_foreign_text() -> None:
    for text in texts(MUCH):
        assert len(redact.clean(text)) <= 200 and len(redact.url_pattern(text)) <= 120 and len(redact.url_example(text)) <= 160
        assert len(sql_text.normalise(text)) <= 400 and len(sql_text.normalise(text, "mysql")) <= 400
        assert sql_text.kind(text) and not sql_text.is_backup(text, text)
        assert sql_text.filters_on(sql_text.normalise(text), "orders", "id") in (True, False)


def test_much_foreign_text_as_plain_values() -> None:
    for text in texts(MUCH):
        assert len(plain({"x": text})["x"]) <= MUCH
