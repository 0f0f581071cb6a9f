# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""TLS over a connection of ours, and whether a peer that does not answer in the clear speaks it."""

from __future__ import annotations

import socket
import ssl
import typing as t

from . import stream
from .problem import Problem, Silent, Untrusted

#: For the look at a peer that was silent: it answers at once, or is not asked further.
_LOOK_SECONDS = 1.0


def wrapped(conn: socket.socket, address: stream.Address, context: ssl.SSLContext, untrusted: str, plain: str) -> socket.socket:
    """The encrypted connection. `untrusted` and `plain`: what to do about a certificate that fails, and about a peer without TLS."""
    where = stream.shown(address)
    try:
        return context.wrap_socket(conn, server_hostname=None if isinstance(address, str) else address[0])
    except ssl.SSLCertVerificationError as error:
        why = why_untrusted(error)
        raise Untrusted(f"the certificate of {where} is not trusted ({why}): {untrusted}", why) from None
    except (socket.timeout, TimeoutError):
        raise Silent(f"{where} did not finish the TLS handshake: does it speak TLS?", address) from None
    except ssl.SSLError as error:
        if refuses_us(error):
            raise Problem(
                f"{where} speaks TLS and refuses ours ({error.reason}): which versions and client certificates does it want?"
            ) from None
        raise Problem(f"what answers at {where} does not speak TLS: {plain}") from None
    except OSError:
        raise Problem(f"{where} hangs up during the TLS handshake: {plain}") from None


def why_untrusted(error: ssl.SSLCertVerificationError) -> str:
    return str(getattr(error, "verify_message", "") or "it is not the one of this name")


def refuses_us(error: ssl.SSLError) -> bool:
    """Whether the peer speaks TLS and has said that it does not like ours."""
    reason = str(getattr(error, "reason", ""))  # what Python code raises has none
    return "ALERT" in reason or reason in ("UNSUPPORTED_PROTOCOL", "NO_CIPHERS_AVAILABLE")


def must_be_spoken(address: stream.Address, seconds: float, plain: str) -> None:
    """Raise Down, Silent or a Problem unless a TLS handshake is answered there, before a library of others reads what is no TLS.

    Nothing is sent over it and its certificate is not checked; who refuses the handshake speaks TLS.
    """
    context = unchecked()
    where = stream.shown(address)
    with stream.connect(address, seconds) as conn:
        try:
            context.wrap_socket(conn).close()
        except (socket.timeout, TimeoutError):
            raise Silent(f"{where} did not finish the TLS handshake: does it speak TLS?", address) from None
        except ssl.SSLError as error:
            if not refuses_us(error):
                raise Problem(f"what answers at {where} does not speak TLS: {plain}") from None
        except OSError:
            raise Problem(f"{where} hangs up during the TLS handshake: {plain}") from None


def is_spoken(address: stream.Address, seconds: float) -> bool:
    """Whether a TLS handshake is answered there."""
    try:
        must_be_spoken(address, min(seconds, _LOOK_SECONDS), "")
    except Problem:
        return False
    return True


def trusted(ca_cert: t.Optional[str] = None) -> ssl.SSLContext:
    """A context that trusts this host's authorities, or the one given."""
    try:
        return ssl.create_default_context(cafile=ca_cert)
    except (OSError, ssl.SSLError) as error:
        raise Problem(f"ca_cert {ca_cert} cannot be used: {error}") from None


def unchecked() -> ssl.SSLContext:
    """A context for what anyone may read, when its certificate was found wanting and that was said."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
