# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A broker that refuses: one sentence with the line that mends it. By the kind of error and its code; by words where it has neither.

Redis names each refusal by a code (the first word, which its client library turns into a class), RabbitMQ by a number.
"""

from __future__ import annotations

import errno
import re
import shlex
import socket
import ssl
import typing as t

from ..._collect import tls
from ..._collect.problem import Down, Full, Lost, Problem, fault
from .broker_url import Broker

#: What a refusal is about.
LOGIN, DENIED, FULL, VHOST, MISSING, READ_ONLY, LOADING = "login", "denied", "full", "vhost", "missing", "read only", "loading"
INTERNAL, CROWDED = "internal", "crowded"

_BY_CLASS = {
    "AuthenticationError": LOGIN,
    "AuthenticationWrongNumberOfArgsError": LOGIN,
    "NoPermissionError": DENIED,
    "OutOfMemoryError": FULL,
    "ReadOnlyError": READ_ONLY,
    "BusyLoadingError": LOADING,
    "MasterNotFoundError": MISSING,
}
#: The first word of an error of Redis that has no class of its own (in older libraries).
_BY_WORD = {
    **dict.fromkeys(("NOAUTH", "WRONGPASS"), LOGIN),
    "NOPERM": DENIED,
    "OOM": FULL,
    "MISCONF": READ_ONLY,
    "READONLY": READ_ONLY,
    "LOADING": LOADING,
}
#: No connection is left, of a node, a virtual host or a user. Neither has a code of its own for it: RabbitMQ says 530, and Redis ERR.
_AT_LIMIT = re.compile(r"connection limit \(\d+\) is reached|max number of clients")
_BY_NUMBER = {403: DENIED, 404: MISSING, 530: VHOST, 506: FULL, 541: INTERNAL}
#: Errors of the client libraries over an answer that is none of their protocol's, and over a network that fails.
_OTHER_TONGUE = ("InvalidResponse", "UnexpectedFrame", "FrameSyntaxError", "ValueError", "UnicodeDecodeError", "InvalidData", "FrameError")
_PLAIN_NAME = re.compile(r"[\w.@+-]{1,64}")


def chain(error: t.Optional[BaseException]) -> t.Iterator[BaseException]:
    """The error and what it was raised from: libraries wrap what they met."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def kind_of(error: BaseException) -> t.Optional[str]:
    """What the broker refuses, None when it is something else."""
    for one in chain(error):
        if type(one).__module__.startswith(("amqp", "redis")) and _AT_LIMIT.search(str(one)):
            return CROWDED
        if type(one).__name__ in _BY_CLASS:
            return _BY_CLASS[type(one).__name__]
        if type(one).__name__ == "ResponseError":
            return _BY_WORD.get(str(one).partition(" ")[0])
        number = getattr(one, "code", None)
        if type(one).__module__.startswith("amqp") and number in _BY_NUMBER:
            return _BY_NUMBER[t.cast(int, number)]
    return None


def is_broken(error: BaseException) -> bool:
    """Whether the connection itself failed or hangs, so that nothing more can be asked over it."""
    broken = ("TimeoutError", "ConnectionError", "RecoverableConnectionError")
    kind = kind_of(error)
    # after its internal error RabbitMQ closes the connection
    return kind == INTERNAL or kind is None and any(isinstance(one, OSError) or type(one).__name__ in broken for one in chain(error))


def connecting(error: BaseException, broker: Broker, seconds: float) -> Problem:
    """Why there is no connection."""
    return _refused(kind_of(error), broker) or _broken(error, broker.shown, seconds)


def _refused(kind: t.Optional[str], broker: Broker) -> t.Optional[Problem]:
    """The broker answers, and refuses."""
    where = broker.shown
    if kind == LOGIN or (kind == DENIED and broker.family == "rabbitmq"):
        return Problem(f"the broker {where} refuses the login: check user and password in the broker URL, the option broker_url")
    if kind == DENIED:
        return Problem(f"the broker {where} does not allow its user what reading needs: {allow(broker)}")
    if kind == VHOST:
        vhost = shlex.quote(str(broker.parts()["vhost"]))
        return Problem(
            f"the broker {where} does not know this virtual host, or does not let this user in: "
            f"rabbitmqctl set_permissions -p {vhost} {_user(broker)} '' '' ''"
        )
    if kind == INTERNAL:
        vhost = shlex.quote(str(broker.parts()["vhost"]))
        return Problem(
            f"the broker {where} ends the connection with an internal error (541), as when its virtual host is down, or it no longer "
            f"takes a kind of queue: read its log, and rabbitmqctl restart_vhost -p {vhost}"
        )
    if kind == CROWDED:
        whose = "it" if broker.family == "redis" else "the node, this virtual host or this user"
        return Full(f"the broker {where}", f"{whose} is at its limit of connections")
    if kind == LOADING:
        return Down(f"the broker {where} loads its data from disk, and takes no command until it is done")
    return None


#: Numbers of errors by which nothing is there; any other is about what answered (the AMQP library has one without a number).
_NOBODY = (errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENOENT, errno.EACCES)


def _broken(error: BaseException, where: str, seconds: float) -> Problem:
    """There is no broker, or none that its client library understands."""
    errors = list(chain(error))
    names = {type(one).__name__ for one in errors}
    if "ResponseError" in names:  # its text may repeat what we sent
        return Problem(f"the broker {where} answers our first command with an error: is it Redis, and one of the last ten years?")
    if names & {"SSLError", "SSLCertVerificationError", "CertificateError"}:
        return _not_encrypted(errors, where)
    if any(isinstance(one, socket.gaierror) for one in errors):
        return Problem(f"the host name of the broker {where} does not resolve")
    if any(isinstance(one, (socket.timeout, TimeoutError)) for one in errors) or "TimeoutError" in names:
        return Down(f"the broker {where} did not answer within {seconds:g} s: it is down, hangs, or a firewall drops the connection")
    if names & set(_OTHER_TONGUE):
        return Problem(f"what answers at {where} does not speak as a broker does: is it another service's port?")
    if isinstance(error, (AttributeError, TypeError, KeyError, IndexError)):
        return Problem(f"the library that speaks to the broker {where} failed: {fault(error)}")
    nobody = [one for one in errors if isinstance(one, ConnectionRefusedError) or (isinstance(one, OSError) and one.errno in _NOBODY)]
    if nobody:
        return Down(f"no connection to the broker {where} ({type(nobody[-1]).__name__}): is it running?")
    return Lost(f"the broker {where} hangs up while it is asked: is it being restarted, or is it another service's port?")


#: What to do about a broker without TLS.
WITHOUT_TLS = "the broker URL begins with redis:// or amqp:// then"


def _not_encrypted(errors: t.Sequence[BaseException], where: str) -> Problem:
    verified = next((one for one in errors if isinstance(one, ssl.SSLCertVerificationError)), None)
    if verified is not None:
        return Problem(f"the certificate of the broker {where} is not trusted ({tls.why_untrusted(verified)}): see ssl_ca_certs in its URL")
    if any(isinstance(one, ssl.SSLError) and tls.refuses_us(one) for one in errors):
        return Problem(f"the broker {where} speaks TLS and refuses ours: which versions and client certificates does it want?")
    return Problem(f"what answers at {where} does not speak TLS: {WITHOUT_TLS}")


def reading(error: BaseException, broker: Broker, what: str) -> str:
    """Why a part of the reading failed on a broker that let us in: about remote control (`what`), never about the workers."""
    kind = kind_of(error)
    if kind == DENIED:
        return f"this user may not use {what}: {allow(broker)}"
    if kind == FULL:
        limit = "maxmemory" if broker.family == "redis" else "its memory or disk limit"
        return f"the broker is full (it takes no new message, {limit} is reached), so {what} does not work: see its memory"
    if kind == READ_ONLY:
        return f"the broker takes no writes (a replica, or one that cannot save), so {what} does not work"
    return f"{what} failed ({type(next(iter(chain(error)))).__name__})"


def allow(broker: Broker) -> str:
    """The line that lets our user ask the workers and listen to their events, and no more."""
    user = _user(broker)
    if broker.family == "redis":
        # a selector: permissions of their own beside those that the user has, whatever these are
        keys = " ".join(f"~{broker.prefix}{pattern}" for pattern in ("_kombu.binding*", "*.pidbox*", "celeryev*", "unacked_mutex"))
        commands = "+@pubsub +@connection +@transaction +info +exists +type +get +set +del +sadd +smembers +srem +brpop +llen"
        commands += " +evalsha +script|load"
        return f"ACL SETUSER {user} (&* {keys} {commands})"
    vhost, ours = shlex.quote(str(broker.parts()["vhost"])), shlex.quote(r"^(celeryev.*|(.*\.)?(reply\.)?celery\.pidbox)$")
    return f"rabbitmqctl set_permissions -p {vhost} {user} {ours} {ours} '.*'"


def _user(broker: Broker) -> str:
    name = broker.user or ("default" if broker.family == "redis" else "guest")
    return name if _PLAIN_NAME.fullmatch(name) else "USER"
