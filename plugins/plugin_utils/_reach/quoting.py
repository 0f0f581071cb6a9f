# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One quoting function per language. Whatever a table, process or host is called, it arrives as that one name.

The shell functions are for `sh`: what they print is read alike by dash, bash and zsh.
"""

from __future__ import annotations

import re
import shlex
import typing as t
import unicodedata
import urllib.parse

#: Longer than any name or path that an operating system knows.
LONGEST = 500
#: A terminal takes a line of 4096 bytes.
LONGEST_LINE = 4000
_PRINTABLE = re.compile(r"[ -~]*")
#: Control and format characters (newlines, escapes, bidirectional marks), line separators, surrogates.
_UNPRINTABLE = ("Cc", "Cf", "Zl", "Zp", "Cs", "Co", "Cn")


#: A whole command that may be printed to be pasted: made here and by templates of commands only, never by hand.
Line = t.NewType("Line", str)


class Untypable(ValueError):
    """A value that cannot be part of a command; the sentence says which and why."""


def text(value: t.Any) -> str:
    """The value as it is: no thousands separators, no units. Raises Untypable for what is no single name or number."""
    if value is None or isinstance(value, (dict, list, tuple, set, bool)):
        raise Untypable("the facts have no such name")
    plain = str(value)
    if len(plain) > LONGEST:
        raise Untypable(f"{plain[:40]!r}… is too long for a command")
    try:
        raw = plain.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise Untypable(f"{plain[:40]!r} is no text that a terminal could take") from None
    if b"\0" in raw:
        raise Untypable(f"{plain[:40]!r} holds a NUL, which no command can take")
    return plain


def word(value: t.Any) -> str:
    """One word of a shell command, on one line and free of characters that act on a terminal."""
    plain = text(value)
    if _PRINTABLE.fullmatch(plain) or not any(unicodedata.category(char) in _UNPRINTABLE for char in plain):
        return shlex.quote(plain)
    if plain.endswith("\n"):
        raise Untypable(f"{plain[:40]!r} ends in a newline, which a shell would drop")
    # the first character may be a dash, which printf would take for an option
    form = _octal(plain[0], "") + "".join(_octal(char) for char in plain[1:])
    return f"\"$(printf '{form}')\""


def _octal(char: str, also: str = " /._-:@=,+") -> str:
    """A character as printf's format takes it."""
    if char.isascii() and (char.isalnum() or char in also):
        return char
    return "".join(f"\\{byte:03o}" for byte in char.encode("utf-8", "surrogateescape"))


def is_line(value: t.Any) -> bool:
    """Whether a text can be printed as a command: one line that a terminal takes, and nothing in it that acts on one."""
    return (
        isinstance(value, str) and 0 < len(value) <= LONGEST_LINE and not any(unicodedata.category(char) in _UNPRINTABLE for char in value)
    )


def words(*values: t.Any) -> str:
    """A command of several words; those that are None are left out."""
    return " ".join(word(value) for value in values if value is not None)


def sql(value: t.Any) -> str:
    """An identifier of PostgreSQL, in SQL and in psql's own commands. Always quoted: a name may be a keyword or have capitals."""
    return '"' + text(value).replace('"', '""') + '"'


def mysql(value: t.Any) -> str:
    """An identifier of MySQL or MariaDB."""
    return "`" + text(value).replace("`", "``") + "`"


def url(value: t.Any) -> str:
    """A path of a URL; what is encoded already stays as it is."""
    return urllib.parse.quote(text(value), safe="/%?&=")


def vcl(value: t.Any) -> str:
    """A text in VCL, whose strings know no escape: what closes one cannot be in it."""
    plain = text(value)
    if '"}' in plain or not _PRINTABLE.fullmatch(plain):
        raise Untypable(f"{plain[:40]!r} cannot be written in VCL")
    return f'"{plain}"' if '"' not in plain else '{"' + plain + '"}'


#: Languages within a shell word: `{table:sql}`.
LANGUAGES: dict[str, t.Callable[[t.Any], str]] = {"sql": sql, "mysql": mysql, "url": url, "vcl": vcl, "name": text}
