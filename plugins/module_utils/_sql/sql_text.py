# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the two database collectors share: SQL text without its data, what kind of statement it is, ages, foreign key names.

SQL texts hold what users typed: e-mail addresses, tokens, passwords. `normalise` takes every literal and comment out
and is safe with texts that were cut in the middle of one (activity views cut at 1024 bytes): when it is not certain where
a literal ends, the rest of the text is left out.
"""

from __future__ import annotations

import functools
import itertools
import re
import typing as t

from .._collect import derived
from .._collect.facts import Maybe
from .._texts.plain import text as as_text
from .._texts.redact import clean

#: The option of both modules; documented in each.
QUERY_TEXT: dict[str, t.Any] = {"type": "str", "choices": ["normalised", "full", "none"], "default": "normalised"}

#: Longer statements are cut before they are parsed.
SCAN_LIMIT = 20000

# Each alternative matches to its end or to the end of the text, never less: so nothing backtracks and nothing leaks.
_COMMON = r"""
  (?P<space>\s+)
| (?P<block>/\*)
| (?P<number>\$\d+|\d[\w.]*(?:(?<=[eE])[+-]\d+)?|\.\d\w*)
| (?P<word>[^\W\d][\w$]*)
| (?P<other>(?s:.))
"""


def _quoted(quote: str, backslash: bool) -> str:
    """A literal in these quotes; `backslash`: it hides the quote that follows."""
    escape = r"\\(?:(?s:.)|\Z)" if backslash else r"\\"
    return rf"{quote}(?:[^{quote}\\]+|{quote}{quote}|{escape})*(?:{quote}|\Z)"


def _postgresql(backslash: bool) -> t.Pattern[str]:
    return re.compile(
        rf"""
  (?P<line>--[^\n\r]*)
| (?P<escaped>[eE]{_quoted("'", True)})
| (?P<string>(?:[bBxXnN]|[uU]&)?{_quoted("'", backslash)})
| (?P<name>{_quoted('"', False)})
| (?P<dollar>\$(?P<tag>(?:[^\W\d]\w*)?)\$(?s:.)*?(?:\$(?P=tag)\$|\Z))
|{_COMMON}""",
        re.VERBOSE,
    )


def _mysql(backslash: bool, ansi: bool) -> t.Pattern[str]:
    data, names = _quoted("'", backslash), _quoted("`", False)
    double = _quoted('"', backslash and not ansi)
    return re.compile(
        rf"""
  (?P<line>\#[^\n\r]*|--(?=\s|\Z)[^\n\r]*)
| (?P<string>[bBxXnN]?{data}{"" if ansi else "|" + double})
| (?P<name>{names}{"|" + double if ansi else ""})
|{_COMMON}""",
        re.VERBOSE,
    )


class _Reading(t.NamedTuple):
    """One way in which a server may read a text."""

    tokens: t.Pattern[str]
    nested: bool = False  # comments within comments
    executable: bool = False  # what stands in /*! … */ is code


@functools.lru_cache(maxsize=8)
def _readings(dialect: str, backslashes: bool, executable: bool) -> tuple[_Reading, ...]:
    """Every way in which a server may read a text that has backslashes, or comments with code, or has none of them.

    Every session may set a mode of its own (sql_mode, standard_conforming_strings) and no view tells it, so whatever the server's
    is, what is a literal or a comment in any reading is left out.
    """
    escapes = (True, False) if backslashes else (False,)
    if dialect == "postgresql":
        return tuple(_Reading(_postgresql(escape), nested=True) for escape in escapes)
    # ANSI_QUOTES makes names of what is in double quotes. Only where a backslash escapes in data and not in names does a literal end
    # elsewhere then; in the other readings the same text is data, which hides more.
    quoting = ((True, False), (True, True), (False, False)) if backslashes else ((False, False),)
    comments = ((False, False), (True, False), (False, True)) if executable else ((False, False),)
    return tuple(_Reading(_mysql(escape, ansi), nested, code) for escape, ansi in quoting for nested, code in comments)


_EXECUTABLE = re.compile(r"/\*M?!\d*")
_SHOWN, _BLANK, _DATA, _CUT = range(4)
_IN_PLACE = {_BLANK: " ", _DATA: "?", _CUT: "…"}
_VALUE = r"[-+]?\?(?:::\w+(?:\[\])?)?"
_LIST = rf"\s*{_VALUE}(?:\s*,\s*{_VALUE})*\s*"
_IN = re.compile(rf"\b(IN|ANY|ALL)\s*\({_LIST}\)", re.IGNORECASE)
_ARRAY = re.compile(rf"\bARRAY\s*\[{_LIST}\]", re.IGNORECASE)
_ROWS = re.compile(rf"(\({_LIST}\))(?:\s*,\s*\({_LIST}\))+")


def normalise(sql: t.Union[str, bytes, None], dialect: str = "postgresql", limit: int = 400) -> str:
    """One line of SQL without comments and with `?` for every literal and parameter; IN lists become `IN (…)`.

    `dialect`: postgresql or mysql. What is a literal in any mode of such a server is left out.
    """
    raw = as_text(sql or "")[:SCAN_LIMIT]
    line = _without(raw, _hidden(raw, dialect))
    line = _IN.sub(lambda found: found.group(1) + " (…)", line)
    line = _ARRAY.sub("ARRAY[…]", line)
    line = _ROWS.sub(r"\1, …", line)
    return clean(line, limit)


def _hidden(sql: str, dialect: str) -> bytes:
    """For each character whether it is shown, or what it is, in the reading that hides most."""
    masks = _masks(sql, dialect)
    return masks[0] if len(masks) == 1 else bytes(map(max, *masks))


def _masks(sql: str, dialect: str) -> list[bytes]:
    readings = _readings(dialect, "\\" in sql, _EXECUTABLE.search(sql) is not None)
    return [_mask(sql, reading) for reading in readings]


def certain(sql: str, dialect: str = "postgresql") -> bool:
    """Whether the text means the same under every mode, and is looked at as a whole."""
    return len(sql) < SCAN_LIMIT and len(set(_masks(sql, dialect))) == 1


def _mask(sql: str, reading: _Reading) -> bytes:
    mask = bytearray(len(sql))
    position = 0
    while position < len(sql):
        token = reading.tokens.match(sql, position)
        kind, end = (token.lastgroup, token.end()) if token else ("other", position + 1)
        begin, hidden = position, _SHOWN
        if kind == "block":
            code = _EXECUTABLE.match(sql, position) if reading.executable else None
            end, hidden = code.end() if code else _after_comment(sql, end, reading.nested), _BLANK
        elif kind in ("space", "line"):
            hidden = _BLANK
        elif kind == "name" and (end - begin < 2 or sql[end - 1] != sql[begin]):
            begin, hidden = begin + 1, _CUT
        elif kind in ("string", "escaped", "dollar", "number"):
            hidden = _DATA
        if hidden:
            mask[begin:end] = bytes([hidden]) * (end - begin)
        position = end
    return bytes(mask)


def _without(sql: str, mask: bytes) -> str:
    pieces = []
    begin = 0
    for what, run in itertools.groupby(mask):
        end = begin + sum(1 for _place in run)
        pieces.append(sql[begin:end] if what == _SHOWN else _IN_PLACE[what])
        begin = end
    return "".join(pieces)


def _after_comment(sql: str, position: int, nested: bool) -> int:
    """Where the block comment ends whose content starts at `position`."""
    depth = 1
    while depth:
        end = sql.find("*/", position)
        start = sql.find("/*", position) if nested else -1
        if end < 0:
            return len(sql)
        if 0 <= start < end:
            depth, position = depth + 1, start + 2
        else:
            depth, position = depth - 1, end + 2
    return position


def shown(sql: t.Union[str, bytes, None], query_text: str, dialect: str = "postgresql", limit: int = 400) -> t.Optional[str]:
    """The statement as the option `query_text` allows it to leave the host; None when there is none to show."""
    if not sql or query_text == "none":
        return None
    return clean(sql, 4 * limit) if query_text == "full" else normalise(sql, dialect, limit)


_KINDS = {
    "read": "select table values show explain describe desc fetch with",
    "write": "insert update delete merge replace load call do import handler execute",
    "schema": "create alter drop truncate reindex vacuum analyze analyse cluster refresh grant revoke comment rename optimize repair",
    "transaction": "begin start commit rollback end abort savepoint release prepare set reset discard use deallocate listen unlisten close",
}
_KIND_OF = {word: kind for kind, words in _KINDS.items() for word in words.split()}
_WRITES = re.compile(r"\b(?:insert\s+into|update|delete\s+from|merge\s+into)\b", re.IGNORECASE)
_LOCKS = re.compile(r"\bfor\s+(?:no\s+key\s+)?(?:update|share|key\s+share)\b|\block\s+in\s+share\s+mode\b", re.IGNORECASE)
_COPY_TO = re.compile(r"\bto\b(?!.*\bfrom\b)", re.IGNORECASE)


def kind(sql: t.Union[str, bytes, None], dialect: str = "postgresql") -> str:
    """read | write | schema | transaction | other. A read that locks rows is a write: no replica can serve it."""
    line = normalise(sql, dialect, 2000).lstrip("( ;")
    first = re.match(r"[A-Za-z]*", line)
    word = first.group().lower() if first else ""
    if word == "copy":
        return "read" if _COPY_TO.search(line) else "write"
    found = _KIND_OF.get(word, "other")
    if found == "read" and ((word in ("with", "explain") and _WRITES.search(line)) or _LOCKS.search(line)):
        return "write"
    return found


_DUMPERS = re.compile(
    r"^(?:pg_dump(?:all)?|pg_basebackup|pg_restore|mysqldump|mariadb-dump|mydumper|xtrabackup|barman.*|pgbackrest.*)\b", re.IGNORECASE
)
_DUMP_TEXT = re.compile(r"^\s*(?:copy\b.*\bto\s+stdout|select\s+/\*!40001\s+sql_no_cache\s*\*/)", re.IGNORECASE | re.DOTALL)


def is_backup(sql: t.Union[str, bytes, None], application: t.Optional[str] = None) -> bool:
    """Whether a session looks like a dump or a backup: long by nature, and worth telling apart."""
    return bool(_DUMPERS.match(application or "") or _DUMP_TEXT.match(as_text(sql or "")[:2000]))


CLOCK_MOVED = "the server's clock was moved back: it is not known until this session goes on"


def age(now: t.Any, then: t.Any, missing: str) -> Maybe[float]:
    """Seconds from `then` to `now` by the server's clock."""
    return derived.age(now, then, missing, CLOCK_MOVED)


_ID_COLUMN = re.compile(r"^(?P<stem>.+?)(?:_id|_uuid|_pk|(?<=[a-z0-9])I[dD])$")


def refers_to(column: str) -> t.Optional[str]:
    """What a column named in the pattern of foreign keys refers to (`customer_id`, `customerId` → `customer`), else None."""
    found = _ID_COLUMN.match(column)
    return found.group("stem") if found else None


def refers_to_one_of(column: str, tables: t.Iterable[str]) -> bool:
    """Whether one of the tables is what the column's name points to: `customer`, `customers`, or Django's `app_customer`."""
    stem = (refers_to(column) or "").lower()
    names = {table.lower() for table in tables}
    return any(name in (stem, stem + "s") or name.endswith(("_" + stem, "_" + stem + "s")) for name in names) if stem else False


def filters_on(statement: str, table: str, column: str) -> bool:
    """Whether a normalised statement names the table and compares the column: what suffers when it has no index."""
    if not re.search(rf"(?<![\w$]){re.escape(table)}(?![\w$])", statement, re.IGNORECASE):
        return False
    quoted = rf"(?<![\w$])[\"`]?{re.escape(column)}[\"`]?(?![\w$])"
    compared = rf"{quoted}\s*(?:=|<|>|\bin\b|\bbetween\b|\bany\b)|=\s*(?:[\w$\"`]+\s*\.\s*)*{quoted}|\busing\s*\(\s*{quoted}\s*\)"
    return re.search(compared, statement, re.IGNORECASE) is not None
