# Copyright: (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fetch: the bytes of uWSGI's stats server, over TCP, UNIX or abstract sockets."""

from __future__ import annotations

from ..floor import stream
from ..floor.problem import Problem


def stats(where: str, seconds: float) -> bytes:
    """The whole answer of the stats server at `where`."""
    address = stream.parse_address(where)
    conn = stream.connect(address, seconds)
    with conn:
        try:
            data = stream.read_all(conn, seconds)
        except TimeoutError:
            raise Problem(f"no complete answer from {stream.shown(address)} within {seconds:g} s; is this the stats socket?") from None
    if not data:
        raise Problem(f"nothing received from {stream.shown(address)}; is this the stats socket?")
    return data
