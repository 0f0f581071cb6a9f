# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a piece of a URL is a word that may be shown, the number of an object, or something that opens a door.

Signed links, session ids, JWTs, e-mail addresses and phone numbers stand in paths as ordinary names do. What cannot be
read as words is taken for a token: a page name that is hidden costs a little, a token that is shown costs an account.
Every rule looks at a bounded text once.
"""

from __future__ import annotations

import functools
import re
import typing as t
import urllib.parse

ID, SLUG, TOKEN, LONG = "<id>", "<slug>", "<token>", "<long>"

#: Longer names are not pages; the rules below never see them.
LONGEST = 200

# Pairs of letters that make up 95 % of the words of nine European languages, by their first letter. Two thirds of the pairs of
# a random text are none of them.
_FOLLOWERS = {
    "a": "bcdfgijklmnoprstuvwyz", "b": "aeiloru", "c": "acehijklortuz", "d": "aeimnorsuz", "e": "abcdefghijklmnoprstuvxz",
    "f": "aefiloru", "g": "aeghilnorstu", "h": "aeilortu", "i": "abcdefgjklmnopqrstvz", "j": "aeou", "k": "aeilorstu",
    "l": "adegijlnostuy", "m": "abeimnopu", "n": "acdefgiklnostuvyz", "o": "bcdegiklmnoprstuvw", "p": "aeiloprtu", "q": "u",
    "r": "abcdegiklmnorstuvwyz", "s": "acehiklnopstuz", "t": "aehinorstuy", "u": "abcdegiklmnprstz", "v": "aeio", "w": "aeinoy",
    "y": "clpst", "z": "aeinouy",
}  # fmt: skip
_PAIRS = frozenset(first + second for first, group in _FOLLOWERS.items() for second in group)
_CHUNKS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
_SEPARATORS = re.compile(r"[^A-Za-z0-9]+")
_HEX = re.compile(r"[0-9a-fA-F]{8,}")
_UUID = re.compile(r"[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{1,2}(?:-[0-9]{1,2})?")
_PHONE = re.compile(r"[+(]?[0-9][0-9 ().-]{6,}")
#: The names of parameters that stand in paths (`/page=2`), and of scripts that are requested without one (`?wsdl`).
_NAME = re.compile(r"[A-Za-z_][A-Za-z_.\-\[\]]{0,29}")
_BARE_WORD = re.compile(r"[a-z_]{1,12}")
_RESOLUTION = re.compile(r"@[0-9]x(?=\.|$)")  # logo@2x.png is no e-mail address
_ENDING = re.compile(r"\.(?:html?|php|json|xml|txt|csv|pdf|zip|js|css|map|png|jpe?g|gif|svg|webp|avif|ico|woff2?|mp[34])$")
_TRAILING_ID = re.compile(r"\A([^0-9]*[-_])[0-9]+(\.[A-Za-z0-9]{1,5})?")
# What joins the parts of addresses, signatures and parameters, and never the words of a name.
_JOINTS = frozenset("@=:;?&#")


def _readable(letters: str) -> float:
    """The share of pairs of letters that words are made of."""
    lowered = letters.lower()
    return sum(first + second in _PAIRS for first, second in zip(lowered, lowered[1:])) / max(1, len(lowered) - 1)


def is_token(piece: str) -> bool:
    """Whether a run of ASCII letters and digits is no word, no number and no short mixture of both (`v2`, `1080p`)."""
    size = len(piece)
    if size < 8 or piece.isdigit():
        return False
    if piece.isalpha():
        return _is_no_word(piece, size)
    chunks = len(_CHUNKS.findall(piece))
    mean = size / chunks
    if _HEX.fullmatch(piece) or size >= 20 or mean < 2.2 or (chunks > 2 and piece.isupper()):
        return True
    return size >= 12 and (mean < 3.5 or _readable("".join(filter(str.isalpha, piece))) < 0.6)


def _is_no_word(letters: str, size: int) -> bool:
    if size >= 10 and size / len(_CHUNKS.findall(letters)) < 2.2:
        return True  # cAsE that changes all the time
    return size >= 40 or (size >= 14 and _readable(letters) < (0.75 if size < 16 else 0.8))


def secretive(text: str) -> bool:
    """Whether a decoded name holds a token, an e-mail address, a phone number, a signature or parameters."""
    if _JOINTS.intersection(_RESOLUTION.sub("", text)) or (text[:1] == "+" and text[1:2].isdigit()):
        return True
    if _UUID.fullmatch(text) or (_PHONE.fullmatch(text) and not _DATE.fullmatch(text) and not text.isdigit() and _digits(text) >= 7):
        return True
    pieces = _SEPARATORS.split(text) if text.isascii() else re.split(r"[^\w]+|_", text)
    if any(piece.isascii() and is_token(piece) for piece in pieces):
        return True
    joined = "".join(piece for piece in pieces if piece.isascii())
    mixed = joined != joined.lower() and not joined.isupper()
    return (mixed or "+" in text) and len(joined) >= 12 and is_token(joined) and not _words(pieces)


def _words(pieces: t.Sequence[str]) -> bool:
    """Whether each piece is a word with or without a capital letter, or a number."""
    return all(piece.isdigit() or _CHUNKS.fullmatch(piece) for piece in pieces if piece)


def _digits(text: str) -> int:
    return sum(map(str.isdigit, text))


def decoded(text: str) -> str:
    """The name behind `%3D`, also when it was encoded several times."""
    for _round in range(3):
        plain = urllib.parse.unquote(text) if "%" in text else text
        if plain == text:
            break
        text = plain
    return text


@functools.lru_cache(maxsize=4096)
def segment(part: str, example: bool = False) -> str:
    """A segment of a path as it may be shown: itself, or `<id>`, `<slug>`, `<token>`, `<long>`.

    `example`: one URL is shown and not the kind of page: numbers and words stay, what may open a door does not.
    """
    if len(part) > LONGEST:
        return LONG
    name, semicolon, _parameters = part.partition(";")
    shown = _named(name, example) if "=" in name else _shown(name, example)
    return shown + (";" + TOKEN if semicolon else "")


def _named(part: str, example: bool) -> str:
    """`page=2` → `page=<id>`; any other value is a token."""
    name, _sep, value = part.partition("=")
    if not _NAME.fullmatch(name) or secretive(name) or not value.strip("="):
        return TOKEN
    few = value.isascii() and value.isdigit() and len(value) <= 6
    return f"{name}={(value if example else ID) if few else TOKEN}"


def _shown(part: str, example: bool) -> str:
    plain = decoded(part)
    if secretive(plain):
        ending = None if _JOINTS.intersection(plain) else _ENDING.search(part)
        return TOKEN + (ending.group() if ending else "")
    if plain.isascii() and plain.isdigit():
        return plain if example and len(plain) < 7 else ID
    if example:
        return part if len(part) <= 60 else part[:59] + "…"
    return _kind(part, plain)


def _kind(part: str, plain: str) -> str:
    """The name without what tells one object of a kind from the next."""
    if _DATE.fullmatch(plain):
        return ID
    words = part.split("-")
    if len(words) > 2 and all(words) and "." not in part:
        return SLUG
    trailing = _TRAILING_ID.fullmatch(part)
    if trailing:
        return trailing.group(1) + ID + (trailing.group(2) or "")
    return part if len(part) <= 60 else part[:59] + "…"


@functools.lru_cache(maxsize=1024)
def parameter(item: str) -> str:
    """The name of a query's parameter; an item without a value is one itself, unless it is a short plain word (`?wsdl`)."""
    name, sign, _value = item.partition("=")
    if not sign and not _BARE_WORD.fullmatch(name):
        return TOKEN
    if len(name) > LONGEST or secretive(decoded(name)):
        return TOKEN
    return name[:30]
