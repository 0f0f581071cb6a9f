# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why an instance gave nothing: raised by the fetch and parse layers, turned into facts by `gather`."""

from __future__ import annotations

import os
import types
import typing as t


class Problem(Exception):
    """One sentence: what is wrong and what to do about it. It never holds a secret and never a traceback.

    A plain Problem means that something is there and could not be read (no permission, a library missing,
    an answer that is not what the service sends): the instance is `unreadable` and its checks are unknown.
    """

    state = "unreadable"


class Silent(Problem):
    """What accepts connections at an address does not answer: it may be another service, want another protocol, or be stopped.

    `if_tls`: what to do about it where that other protocol is TLS.
    """

    def __init__(self, said: str, address: t.Union[tuple[str, int], str], if_tls: str = "is this the service's own address?") -> None:
        super().__init__(said)
        self.address = address
        self.if_tls = if_tls


class HungUp(Silent):
    """What accepts connections there ends them instead of answering."""


class Untrusted(Problem):
    """It speaks TLS, and its certificate is not one that this host trusts for its name. `why`: what the check of it says."""

    def __init__(self, said: str, why: str) -> None:
        super().__init__(said)
        self.why = why


#: Where this collection's own target code is.
_OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def _origin(error: BaseException) -> t.Optional[types.TracebackType]:
    at = error.__traceback__
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    return at


def is_ours(error: BaseException) -> bool:
    """Whether it was raised in this collection's own code, and not in a library that its peer confused."""
    at = _origin(error)
    return at is None or os.path.abspath(at.tb_frame.f_code.co_filename).startswith(_OURS + os.sep)


def broke_off(error: BaseException) -> bool:
    """Whether an error, of whatever library, is about a connection that ended. Each library has a class of its own for it."""
    named = "ConnectionError" in {base.__name__ for base in type(error).__mro__}
    return isinstance(error, (ConnectionError, EOFError)) or (named and not is_ours(error))


def is_lost(error: BaseException) -> bool:
    """Whether it says that the other end of a connection is gone, rather than that it gave a strange answer or none in time."""
    if isinstance(error, Problem):
        return isinstance(error, (Down, Lost)) and not isinstance(error, (Silent, Ended))
    return isinstance(error, (ConnectionError, EOFError)) or getattr(error, "why", None) == "lost" or not is_ours(error)


def fault(error: BaseException) -> str:
    """An unexpected error, by its type and place. Never by its text, which may contain the data that caused it.

    Raised in a library, it means that its peer does not speak as the library expects; raised in our code, it is ours.
    """
    at = _origin(error)
    if at is None:
        return f"{type(error).__name__}; please report this"
    path = at.tb_frame.f_code.co_filename
    place = f"{type(error).__name__} in {'/'.join(path.split('/')[-2:])}, line {at.tb_lineno}"
    if is_ours(error):
        return f"{place}; please report this"
    return f"{place}: is this the service's own address, and a version that its library knows?"


class Down(Problem):
    """Nothing answers where the service should be, or the service itself says that it is stopped."""

    state = "down"


#: What a service that is up and has no connection left does.
TURNS_AWAY = "is up and turns every further client away"


class Full(Down):
    """It is up and has no connection left for anybody: for who is outside as bad as down, and mended otherwise."""

    def __init__(self, who: str, limit: str) -> None:
        super().__init__(f"{who} {TURNS_AWAY}: {limit}")


class Ended(Down):
    """It has ended for certain, and nothing took its place: there is nothing to connect to again."""


class Lost(Problem):
    """What answered before has ended the connection since: it was restarted, is gone, or does not want us any more."""


class NothingThere(Down):
    """Nothing accepts connections at the address: it is down, or the address is wrong."""


class Hangs(Silent):
    """A service that is certainly meant to answer there does not: no visitor of it gets an answer either."""

    state = "down"
