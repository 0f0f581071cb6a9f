# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A word that a check compares a measure with is one that the measure can be: otherwise the check never applies, whatever its cases say."""

from __future__ import annotations

import collections
import functools
import pathlib
import re
import typing as t

import pytest
import yaml

from tests.support.any_replies import sources

ROOT = pathlib.Path(__file__).resolve().parents[3]
_COMPARED = re.compile(r"([A-Za-z_]+)\s*[!=]=\s*'([^']+)'")
#: Fleet's views of a service's facts.
_OF = {"celery_queue": "celery"}
#: Words beside those in recorded replies that the collector's code gives: (service, measure) → them.
AS_WELL: dict[tuple[str, str], set[str]] = {
    ("memcached", "kind"): {"proxy"},
    ("mysql", "waits_for"): {"cluster", "replica"},
    ("pgbouncer", "limited_by"): {"max_db_connections", "max_user_connections"},
    ("postgresql", "kind"): {"database", "replica"},
    ("postgresql", "role"): {"replica"},
    ("postgresql", "waits_for"): {"client", "replica"},
    ("postgresql", "wal_status"): {"lost", "unreserved"},  # of pg_replication_slots
    ("redis", "name"): {"EVAL", "EVALSHA", "FCALL", "KEYS", "NOAUTH", "NOREPLICAS", "READONLY", "WRONGPASS"},  # commands and errors
    ("redis", "mode"): {"cluster", "sentinel"},
    ("server", "kind"): {"btrfs"},
    ("server", "name"): {"the machine"},  # of a limit of processes
    ("uwsgi", "kind"): {"emperor", "router"},
    ("varnish", "basis"): {"bypass"},
    ("wsgi", "server"): {"granian"},
    ("varnish", "health"): {"sick"},
}
#: Told by the service itself, in these words.
_FOREIGN = {"lost", "unreserved", "noeviction", "EVAL", "EVALSHA", "FCALL", "KEYS", "NOAUTH", "NOREPLICAS", "READONLY", "WRONGPASS"}


@functools.cache
def recorded() -> t.Mapping[tuple[str, str], set[str]]:
    """(service, measure) → the words that it has in facts of recorded replies."""
    found: dict[tuple[str, str], set[str]] = collections.defaultdict(set)

    def take(service: str, name: str, value: t.Any) -> None:
        if isinstance(value, str):
            found[service, name].add(value)
        elif isinstance(value, dict):
            for key, inner in value.items():
                take(service, key, inner)
        elif isinstance(value, list):
            for inner in value:
                take(service, name, inner)

    for source in sources():
        take(source.service, "", source.read(source.document, source.document))
    return found


def _texts(value: t.Any) -> t.Iterator[str]:
    if isinstance(value, str):
        yield value
    for each in (*value, *value.values()) if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _texts(each)


def compared() -> list[tuple[str, str, str]]:
    """(service, measure, word), of all checks and what their file shares."""
    found = set()
    for path in sorted((ROOT / "roles/launch_check/catalogue").glob("*.yml")):
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        shared = document.get("defaults", {}) if isinstance(document, dict) else {}
        for check in document["checks"] if isinstance(document, dict) else document:
            services = [check.get("service") or shared.get("service")]
            services = services if services[0] else list(check.get("services") or shared["services"])
            pairs = [pair for text in _texts([check, shared]) for pair in _COMPARED.findall(text)]
            found |= {(_OF.get(service, service), *pair) for service in services for pair in pairs}
    return sorted(found)


@functools.cache
def _code() -> str:
    files = [*(ROOT / "plugins/module_utils").rglob("*.py"), *(ROOT / "plugins/plugin_utils").rglob("*.py")]
    return "\n".join(path.read_text(encoding="utf-8") for path in files)


@pytest.mark.parametrize(("service", "measure", "word"), compared())
def test_a_word_that_is_compared_is_one_that_there_is(service: str, measure: str, word: str) -> None:
    """The transport of a broker was compared with "amqp", and is "rabbitmq": no alarm of RabbitMQ was ever told"""
    seen = recorded().get((service, measure), set())
    # where nothing is recorded of it, the code alone says what there is
    assert word in seen or ((not seen or word in AS_WELL.get((service, measure), ())) and (word in _FOREIGN or f'"{word}"' in _code()))
