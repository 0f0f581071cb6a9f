# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nothing that looks at foreign text takes more than a pass over it: what does holds the interpreter past every limit (400 KB took 200 s).

A linear rule needs milliseconds for these inputs. One that needs more for a short text is given a long one: a quadratic rule needs minutes
for that and ends in the test's time-out.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
import re
import time
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


#: Of this many characters a quadratic rule looks at a hundred million pairs, which takes longer than this; a linear one needs a hundredth.
LITTLE, SUSPICIOUS_SECONDS = 16_000, 0.02


@functools.cache
def texts(size: int) -> tuple[str, ...]:
    return tuple((piece * (size // len(piece) + 1))[:size] for piece in PIECES)


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
    for little, much in zip(texts(LITTLE), texts(MUCH), strict=True):
        if seconds(PATTERNS[name], little) > SUSPICIOUS_SECONDS:
            seconds(PATTERNS[name], much)


def seconds(pattern: t.Pattern[t.Any], text: str) -> float:
    """The processor time of a search."""
    searched = text.encode() if isinstance(pattern.pattern, bytes) else text
    begun = time.thread_time()
    pattern.search(searched)
    return time.thread_time() - begun


def test_a_quadratic_expression_is_suspicious() -> None:
    assert seconds(re.compile(r"\s+$"), " " * (LITTLE // 3) + "x") > SUSPICIOUS_SECONDS


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
