# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the broker is and how it is spoken to, without its password in anything that is shown."""

from __future__ import annotations

import dataclasses
import re
import ssl
import typing as t
import urllib.parse

from ..._collect.problem import Problem
from ..._texts import strict_url

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
_ENCRYPTED = ("rediss", "valkeys", "amqps")
#: What kombu and Celery can use as well: no remote control, or no queues that can be looked at.
_WITHOUT_CONTROL = frozenset(
    ("sqs", "azureservicebus", "azurestoragequeues", "gcpubsub", "confluentkafka", "kafka", "filesystem", "memory", "sqla", "sqlalchemy")
    + ("db", "zookeeper", "zk", "consul", "etcd", "mongodb", "pyro", "qpid", "slmq", "native", "django", "sqlite")
)
#: Said of what is no URL, and without a word of it: any part of it may be the password.
NO_URL = (
    "the broker URL is not transport://host:port/name (user:password@ may stand before the host): quote special characters of its "
    "password (%2F for /, %40 for @, %3A for :, %23 for #, %3F for ?). It is neither shown nor connected to"
)
_PORTS = {"redis": 6379, "rabbitmq": 5672}
_AMQPS = 5671

# Passwords shorter than this are hidden inside URLs only: replacing them everywhere would eat into ordinary words.
_SHORTEST_SECRET = 4


@dataclasses.dataclass
class Broker:
    """A broker as an application configures it. `url` holds the password and is never shown."""

    url: str
    transport_options: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    use_ssl: t.Any = None
    #: Whether the options are all that the application has; of a URL alone they are not known.
    told: bool = True

    @property
    def _urls(self) -> list[str]:
        """The failover list."""
        return [url.strip() for url in self.url.split(";") if url.strip()] or [""]

    @property
    def _first(self) -> strict_url.Url:
        url = strict_url.parse(self._urls[0])
        if url is None or not _fits(url):
            raise Problem(NO_URL)
        return url

    @property
    def several(self) -> bool:
        return len(self._urls) > 1

    @property
    def scheme(self) -> str:
        return self._urls[0].partition("://")[0].lower()

    @property
    def family(self) -> str:
        return FAMILIES.get(self.scheme, self.scheme)

    @property
    def encrypted(self) -> bool:
        """Whether TLS is spoken from the first byte."""
        query = self._first.query
        # whatever stands after ssl=, even 0
        asked = self.family == "rabbitmq" and bool(query.get("ssl"))
        return self.scheme in _ENCRYPTED or bool(self.use_ssl) or asked or any(name.startswith("ssl_") for name in query)

    @property
    def visibility_timeout(self) -> float:
        """Seconds after which Redis transports hand out an unacknowledged message again; kombu's default is an hour."""
        value = self._visibility_timeout
        return 3600.0 if value is None else value

    @property
    def assumed(self) -> bool:
        """Whether that is kombu's default for want of anything known."""
        return not self.told and self._visibility_timeout is None

    @property
    def _visibility_timeout(self) -> t.Optional[float]:
        value = self.transport_options.get("visibility_timeout")
        return float(value) if isinstance(value, (int, float)) and value > 0 else None

    @property
    def prefix(self) -> str:
        value = self.transport_options.get("global_keyprefix")
        return value if isinstance(value, str) else ""

    def parts(self) -> dict[str, t.Any]:
        """Transport, host, port and virtual host (the database number on Redis): nothing secret."""
        url = self._first
        if url.scheme == "redis+socket":
            return {"transport": "redis", "host": url.path, "port": None, "vhost": url.query.get("virtual_host", "0")}
        vhost = urllib.parse.unquote(url.path[1:])
        return {
            "transport": self.family,
            "host": url.host or "localhost",
            "port": url.port or (_AMQPS if self.family == "rabbitmq" and self.encrypted else _PORTS.get(self.family)),
            "vhost": vhost or ("0" if self.family == "redis" else "/"),
        }

    @property
    def shown(self) -> str:
        """`redis://10.0.0.5:6379/0`: how the broker is called in facts."""
        parts = self.parts()
        host = f"[{parts['host']}]" if ":" in parts["host"] else parts["host"]
        return f"{parts['transport']}://{host}{':' + str(parts['port']) if parts['port'] else ''}/{parts['vhost'].lstrip('/')}"

    @property
    def is_here(self) -> bool:
        """Whether the address means another broker on every host: a UNIX socket, or the loopback."""
        parts = self.parts()
        return parts["port"] is None or parts["host"] in ("localhost", "::1") or parts["host"].startswith("127.")

    @property
    def user(self) -> str:
        """Who logs in, empty when the URL names nobody. Without a password beside it, it may be one itself."""
        return (self._first.user or "") if self._first.password else ""

    def secrets(self) -> set[str]:
        """Every form in which its passwords could come back in a text."""
        known: set[str] = set()
        for text in self._urls:
            url = strict_url.parse(text)
            hidden = url is None or url.has_login or any("password" in name for name in url.query)
            known |= {self.url, text} if hidden and text else set()
            if url is not None:
                userinfo = text.partition("://")[2].rpartition("@")[0]
                known |= {userinfo.partition(":")[2], url.password or ""}
                known |= {value for name, value in url.query.items() if "password" in name}
        for value in self.transport_options.values():
            if isinstance(value, dict):  # sentinel_kwargs
                known |= {str(inner) for name, inner in value.items() if "password" in str(name)}
        return {secret for secret in known if len(secret) >= _SHORTEST_SECRET}

    def check(self) -> None:
        """Raise the Problem that can be told from the configuration alone, before anything is connected."""
        urls = [strict_url.parse(text) for text in self._urls]
        if any(scheme.partition("+")[0] in _WITHOUT_CONTROL for scheme in (text.partition("://")[0].lower() for text in self._urls)):
            raise Problem(
                f"remote control is not available on this broker ({self.scheme.partition('+')[0]}): its workers cannot be asked, "
                "and queue lengths are the provider's to tell (its console or API)"
            )
        if any(url is None or not _fits(url) for url in urls):
            raise Problem(NO_URL)
        if any("credential_provider" in url.query for url in urls if url is not None):
            raise Problem(
                "the broker URL names code that provides its password (credential_provider), which is not run here: give broker_url"
            )
        if self.scheme in ("rediss", "valkeys") and "ssl_cert_reqs" not in self._first.query and not isinstance(self.use_ssl, dict):
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


def _fits(url: strict_url.Url) -> bool:
    """Whether host and path are what this scheme has there. A password that was not quoted may reach into both."""
    if url.scheme not in FAMILIES:
        return False
    if url.scheme == "redis+socket":
        return url.host is None and url.path.startswith("/")
    return FAMILIES[url.scheme] != "redis" or re.fullmatch(r"/?[0-9]{0,5}", url.path) is not None
