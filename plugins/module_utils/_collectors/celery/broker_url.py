# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the broker is and how it is spoken to, without its password in anything that is shown."""

from __future__ import annotations

import dataclasses
import ssl
import typing as t
import urllib.parse

from ..._collect.problem import Problem

#: URL scheme → family. Others have no remote control (SQS, Azure, …) or no queues to look at.
FAMILIES = {
    "redis": "redis",
    "rediss": "redis",
    "redis+socket": "redis",
    "valkey": "redis",
    "valkeys": "redis",
    "sentinel": "redis",
    "amqp": "rabbitmq",
    "amqps": "rabbitmq",
    "pyamqp": "rabbitmq",
    "librabbitmq": "rabbitmq",
}
_PORTS = {"redis": 6379, "rabbitmq": 5672}

# Passwords shorter than this are hidden inside URLs only: replacing them everywhere would eat into ordinary words.
_SHORTEST_SECRET = 4


@dataclasses.dataclass
class Broker:
    """A broker as an application configures it. `url` holds the password and is never shown."""

    url: str
    transport_options: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    use_ssl: t.Any = None

    @property
    def first(self) -> str:
        """The first of several URLs (failover list)."""
        return self.url.split(";")[0].strip()

    @property
    def scheme(self) -> str:
        return self.first.partition("://")[0].partition(":")[0].lower()

    @property
    def family(self) -> str:
        return FAMILIES.get(self.scheme, self.scheme)

    @property
    def encrypted(self) -> bool:
        """Whether TLS is spoken from the first byte."""
        return self.scheme in ("rediss", "valkeys", "amqps") or bool(self.use_ssl) or "ssl_" in self.first.partition("?")[2]

    @property
    def visibility_timeout(self) -> float:
        """Seconds after which Redis transports hand out an unacknowledged message again; kombu's default is an hour."""
        value = self.transport_options.get("visibility_timeout")
        return float(value) if isinstance(value, (int, float)) and value > 0 else 3600.0

    @property
    def prefix(self) -> str:
        value = self.transport_options.get("global_keyprefix")
        return value if isinstance(value, str) else ""

    def parts(self) -> dict[str, t.Any]:
        """Transport, host, port and virtual host (the database number on Redis): nothing secret."""
        if self.scheme == "redis+socket":
            path = self.first.partition("://")[2].partition("?")[0].rpartition("@")[2]
            return {"transport": "redis", "host": path, "port": None, "vhost": _query(self.first).get("virtual_host", "0")}
        try:
            split = urllib.parse.urlsplit(self.first)
            port = split.port
        except ValueError:
            raise Problem(
                "the broker URL is not scheme://user:password@host:port/name: quote special characters of its password (%2F, %40, %3A)"
            ) from None
        vhost = urllib.parse.unquote(split.path[1:]) if split.path else ""
        return {
            "transport": self.family,
            "host": split.hostname or "localhost",
            "port": port or _PORTS.get(self.family),
            "vhost": vhost or ("0" if self.family == "redis" else "/"),
        }

    @property
    def shown(self) -> str:
        """`redis://10.0.0.5:6379/0`: how the broker is called in facts."""
        parts = self.parts()
        host = f"[{parts['host']}]" if ":" in parts["host"] else parts["host"]
        return f"{parts['transport']}://{host}{':' + str(parts['port']) if parts['port'] else ''}/{parts['vhost'].lstrip('/')}"

    def secrets(self) -> set[str]:
        """Every form in which its passwords could come back in a text."""
        found: set[str] = set()
        for url in self.url.split(";"):
            userinfo = url.strip().partition("://")[2].rpartition("@")[0]
            password = userinfo.partition(":")[2]
            if password:
                found |= {self.url, url.strip(), password, urllib.parse.unquote(password)}
        for value in self.transport_options.values():
            if isinstance(value, dict):  # sentinel_kwargs
                found |= {str(inner) for name, inner in value.items() if "password" in str(name)}
        return {secret for secret in found if len(secret) >= _SHORTEST_SECRET}

    def check(self) -> None:
        """Raise the Problem that can be told from the configuration alone, before anything is connected."""
        if "://" not in self.first:
            raise Problem("the broker URL is not scheme://user:password@host:port/name")
        if any(url.strip().partition("://")[0].lower() not in FAMILIES for url in self.url.split(";") if url.strip()):
            raise Problem(
                f"remote control is not available on this broker ({self.scheme}): its workers cannot be asked, "
                "and queue lengths are the provider's to tell (its console or API)"
            )
        self.parts()
        if self.scheme in ("rediss", "valkeys") and "ssl_cert_reqs" not in _query(self.first) and not isinstance(self.use_ssl, dict):
            raise Problem(
                f"the broker URL begins with {self.scheme}:// and does not say whether the server's certificate is checked: "
                "add ?ssl_cert_reqs=required (and &ssl_ca_certs=/path for a private authority), or set broker_use_ssl"
            )

    def ssl_arguments(self) -> t.Any:
        """`broker_use_ssl` with the words for certificate checks as the constants that the client libraries take."""
        if not isinstance(self.use_ssl, dict):
            return self.use_ssl
        checked = {name: _VERIFY.get(str(value).lower(), value) for name, value in self.use_ssl.items() if name.endswith("cert_reqs")}
        return {**self.use_ssl, **checked}


_VERIFY = {
    **dict.fromkeys(("required", "cert_required", "2", "verifymode.cert_required"), ssl.CERT_REQUIRED),
    **dict.fromkeys(("optional", "cert_optional", "1", "verifymode.cert_optional"), ssl.CERT_OPTIONAL),
    **dict.fromkeys(("none", "cert_none", "0", "verifymode.cert_none"), ssl.CERT_NONE),
}


def _query(url: str) -> dict[str, str]:
    return dict(urllib.parse.parse_qsl(url.partition("?")[2], keep_blank_values=True))
