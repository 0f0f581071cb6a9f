# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collector of Celery: its options, its instances on a host, its sampler."""

from __future__ import annotations

import contextlib
import threading
import time
import typing as t
import urllib.parse

from ..._collect import stream
from ..._collect.base import Collector, Presence, Sampler
from ..._collect.facts import Facts, Maybe, Unknown
from ..._collect.host_tools import HostTools
from ..._collect.problem import Lost, Problem, broke_off
from ..._collect.sampling import Number, amount
from ..._texts import strict_url
from ..._texts.redact import clean
from . import api, application, beats, local, queue_types, refusal
from .application import Application
from .broker import Connection, is_control, is_delayed
from .broker_url import Broker
from .events import Listener
from .remote import Remote
from .shape import Gathered, facts
from .tally import Tally
from .workers import Snapshot, limits_a_task

OPTIONS: dict[str, t.Any] = {
    "broker_url": {"type": "str", "no_log": True},
    "broker_transport_options": {"type": "dict", "no_log": True},
    "broker_use_ssl": {"type": "dict"},
    "app": {"type": "str"},
    "chdir": {"type": "path"},
    "virtualenv": {"type": "path"},
    "queues": {"type": "list", "elements": "str"},
    "workers": {"type": "list", "elements": "str"},
    "management_url": {"type": "str", "no_log": True},
    "flower_url": {"type": "str", "no_log": True},
}

#: Readings of the queues' lengths within the window, and the least seconds between two.
READINGS, SHORTEST_STEP = 5, 0.2
#: Looks at what the pool's processes wait for, from one such reading to the next.
LOOKS = 4
#: More queues than this are not read; each costs a round trip or two.
MOST_QUEUES = 200


_SECRETS = threading.Lock()


class CelerySampler(Sampler):
    _connection: t.Optional[Connection] = None
    _listener: t.Optional[Listener] = None
    _hearing: t.Optional[Connection] = None
    _new_exchanges: t.Collection[str] = ()
    _broke: t.Optional[Exception] = None  # how the connection to the broker ended within the window
    _remote: Remote
    _app: Application
    _got: Gathered

    def __init__(self, options: dict[str, t.Any], tools: HostTools) -> None:
        super().__init__(options, tools)
        for name in ("broker_url", "management_url", "flower_url"):
            # an address without a password is no secret, and is what the instance is called by
            url = strict_url.parse(str(options.get(name) or ""))
            if url is not None and not url.has_login:
                tools.secrets.discard(str(options[name]))
        if options.get("broker_url"):
            # loads the libraries before the threads start: the workers' silence then passes while the other services load theirs
            with contextlib.suppress(Exception):  # `first` meets it again, and says it
                broker = Broker(str(options["broker_url"]))
                broker.check()
                Connection(broker, tools.timeout)

    @property
    def name(self) -> str:
        if self.options.get("name") or not self.options.get("broker_url"):
            return str(self.options.get("name") or self.options.get("app") or "celery")
        try:
            return Broker(str(self.options["broker_url"])).shown
        except Problem:
            return "celery"

    def first(self) -> None:
        self._app = self._application()
        broker = self._app.broker
        with _SECRETS:  # bound anew, because other threads read it
            self.tools.secrets = self.tools.secrets | broker.secrets()
        broker.check()
        self._connection = Connection(broker, self.tools.timeout)
        self._connection.connect()
        mailbox = f"{self._app.control_exchange}.pidbox"
        exchanges = {mailbox, f"reply.{mailbox}", self._app.event_exchange}
        self._new_exchanges = exchanges - self._connection.existing(exchanges)
        self._remote = Remote(self._connection, self._app.control_exchange)
        server, load = self._connection.describe()
        got = self._got = Gathered(broker, server=server, load=load, expected=list(self.options.get("workers") or []))
        got.events_configured = self._app.events
        here = self._here(broker)
        got.beats = beats.rows(self.tools.processes, broker.parts()["port"], self._app.beat_scheduler)
        got.local, got.stopped = [(one.pid, one.events) for one in here], frozenset(one.pid for one in here if one.stopped)
        expected = max(len(got.expected), len(got.local), 1)
        self._listen()  # first, so that no task slips between the replies, that name what workers hold, and the events
        self._ping(expected)
        got.twins = self._remote.twins
        self._wake()
        got.first = self._snapshot("stats", "active", "reserved", "scheduled", "active_queues")
        self._manage()
        self._names, control = self._queue_names()
        got.readings.append(self._connection.read(self._names))
        if control is not None:
            got.control = self._connection.read(control)
        got.delayed = self._delayed()
        self._flower_before = self._flower()
        self._begin_to_count()

    def watch(self, seconds: float) -> None:
        steps = max(1, min(READINGS, int(seconds / SHORTEST_STEP)))
        self._got.waits.begin(seconds)
        pids, tasks = [pid for pid, _events in self._got.local], self._got.first.tasks_by_process()
        for step in range(steps):
            for _look in range(LOOKS):
                if self._listener is not None:
                    self._heard(seconds / steps / LOOKS)
                else:
                    time.sleep(seconds / steps / LOOKS)
                self._got.waits.look(local.pool(pids, tasks))
            if step + 1 < steps:
                self._got.readings.append(self._reading())

    def second(self) -> None:
        if self._broke is not None:
            raise self._broke  # the broker is not the one that the window began with
        if self._connected.on_redis:
            server, self._got.load_after = self._connected.describe()
            if server.get("run_id") != self._got.server.get("run_id"):
                raise Lost("the broker was restarted within the window")  # its client library connects again and says nothing
        # lengths and counts as close together as can be: both say what arrived
        self._got.readings.append(self._reading())
        self._got.second = self._snapshot("stats", "active", "reserved", "scheduled")
        self._got.limited = self._limited()
        self._read_new_queues()
        # one that failed is not waited for again
        after = self._flower() if self._flower_before is not None else None
        if self._flower_before is not None and after is not None:
            self._got.flower = api.flower_outcomes(self._flower_before, after)

    def facts(self, window: t.Optional[float]) -> Facts:
        if window is None:
            self._got.tally = None
        self._manage()
        return facts(self._got, window, self.tools.top)

    @property
    def lost(self) -> bool:
        return self._broke is not None or (self._connection is not None and self._connection.lost)

    def uptime(self, _facts: Facts) -> t.Optional[Number]:
        return amount(self._got.server.get("uptime_in_seconds"))  # Redis; RabbitMQ does not report it

    def close(self) -> None:
        lost = self._connection is not None and self._connection.lost
        if self._listener is not None and not lost:
            self._listener.__exit__()
        if self._connection is not None and not lost:
            self._connection.forget(self._new_exchanges)
        for connection in (self._hearing, self._connection):
            if connection is not None:
                connection.lost = lost
                connection.close()

    def presence(self) -> Presence:
        parts = self._app.broker.parts()
        port, place = parts["port"], str(parts["host"])
        here = local.workers(self.tools.processes)
        pids = [one.pid for one in here if not port or local.connected_to(one.pid, port) is not False]
        return Presence(pids, (), [stream.shown((place, port)) if port else place], code="")

    # -- the parts -----------------------------------------------------------------------------------------------

    def _application(self) -> Application:
        options = self.options
        given = options.get("broker_transport_options")
        told = given or {}
        if options.get("broker_url"):
            return Application(Broker(str(options["broker_url"]), told, options.get("broker_use_ssl"), given is not None))
        if not options.get("app"):
            raise Problem("give broker_url, or app (with chdir and virtualenv) of the project whose broker is meant")
        if options.get("_elsewhere"):
            raise Problem(
                f"the worker of {options['app']} (pid {options['_elsewhere']}) runs in a container, so its project cannot be "
                "read from here: give broker_url, or run the module in the container"
            )
        chdir, virtualenv = options.get("chdir"), options.get("virtualenv")
        found = application.read(self.tools, str(options["app"]), chdir, virtualenv, options.get("_pid"), 2 * self.tools.timeout)
        found.broker.transport_options.update(told)
        found.broker.use_ssl = options.get("broker_use_ssl") or found.broker.use_ssl
        return found

    def _here(self, broker: Broker) -> list[local.Worker]:
        """The worker processes here that are connected to this broker."""
        port = broker.parts()["port"]
        found = local.workers(self.tools.processes)
        return [one for one in found if port and local.connected_to(one.pid, port)]

    @property
    def _connected(self) -> Connection:
        """The connection to the broker; there is one from `first` on."""
        return t.cast(Connection, self._connection)

    def _ping(self, expected: int) -> None:
        got = self._got
        try:
            got.names, got.asked_seconds = self._remote.ping(expected, self.tools.timeout, got.expected)
        except self._connected.refusals as error:
            if refusal.is_broken(error):  # every further question would wait as long, and say the same
                self._connected.lost = True
                raise refusal.connecting(error, got.broker, self.tools.timeout) from None
            got.problems["workers"] = refusal.reading(error, got.broker, "remote control")

    def _snapshot(self, *commands: str) -> Snapshot:
        replies = self._remote.snapshot(self._got.names, self.tools.timeout, *commands)
        return Snapshot(time.monotonic(), time.time(), replies)

    def _limited(self) -> list[str]:
        """Which workers have a rate limit for a task, of those that began nothing while messages wait: the others are not asked."""
        got, second = self._got, t.cast(Snapshot, self._got.second)
        waiting = any(length.ready for length in got.readings[-1].lengths.values())
        quiet = [name for name in got.names if waiting and second.accepted(name) == got.first.accepted(name)]
        replies = self._remote.snapshot(quiet, self.tools.timeout, "registered")["registered"] if quiet else {}
        return [clean(name, 120) for name, reply in replies.items() if limits_a_task(reply)]

    def _reading(self) -> t.Any:
        return self._connected.read(self._names)

    def _queue_names(self) -> tuple[list[str], t.Optional[list[str]]]:
        """The queues to read, and those of remote control and events where they can be listed."""
        got = self._got
        named = list(self.options.get("queues") or []) or list(self._app.queues)
        active = [queue for name in got.names for queue in got.first.queues(name)]
        bound: set[str] = set()
        control: t.Optional[list[str]] = None
        if self._connected.on_redis:
            bound, whole = self._connected.bindings()
            control = sorted(name for name in bound if is_control(name) and name != got.own)[:MOST_QUEUES] if whole else None
            if not whole:
                note = "Not all keys of the Redis database were looked at (too many, or not allowed); name yours in the option queues."
                got.notes = list(dict.fromkeys([*got.notes, note]))
        elif got.management is not None:
            told = got.management.items()
            bound = {name for name, row in told if not name.startswith("amq.gen-") and row.get("type") != queue_types.STREAM}
        if self.options.get("queues"):
            bound = set()
        names = list(dict.fromkeys([*named, *active, *sorted(bound)])) or ["celery"]
        names = [name for name in names if not is_control(name) and not is_delayed(name)]
        if len(names) > MOST_QUEUES:
            got.notes = list(dict.fromkeys([*got.notes, f"There are more than {MOST_QUEUES} queues; so many of them were read."]))
        return names[:MOST_QUEUES], control

    def _delayed(self) -> Maybe[int]:
        """Tasks that wait for their time in queues of RabbitMQ from which no worker takes."""
        told = self._got.management
        counts = None if told is None else [queue.get("ready") for name, queue in told.items() if is_delayed(name)]
        if counts is None or None in counts:  # a new queue has no figures yet
            return self._connected.delayed()
        return sum(int(count or 0) for count in counts)

    def _read_new_queues(self) -> None:
        """A queue that came into being in the window, by a wrong name for example, has a length but no growth yet."""
        if self._got.control is None and self._got.management is None:
            return  # they cannot be listed, or only in part and at a price
        new = [name for name in self._queue_names()[0] if name not in self._names]
        if new:
            self._got.readings[-1].lengths.update(self._connected.read(new).lengths)

    def _listen(self) -> None:
        """Start to listen to events, on a connection of its own; without them the rest stays known."""
        got = self._got
        got.tally = Tally()
        got.tally.counting = False
        try:
            self._hearing = Connection(got.broker, self.tools.timeout)
            self._hearing.connect()
            self._listener = Listener(self._hearing, self._app.event_exchange, got.tally).__enter__()
            got.own = self._listener.queue.name
        except Exception as error:  # pylint: disable=broad-exception-caught # whatever a broker refuses
            got.problems["events"] = self.tools.hide(refusal.reading(error, got.broker, "the event stream"))
            self._listener = None

    def _wake(self) -> None:
        """Ask for heartbeats now. Where that is not allowed (`_ping` has said it), those count that come by themselves."""
        if self._listener is not None:
            with contextlib.suppress(Exception):
                self._remote.wake()

    def _begin_to_count(self) -> None:
        tally = t.cast(Tally, self._got.tally)
        for task_id, name in self._got.first.task_names():
            tally.learn(task_id, name)
        if self._listener is not None:
            self._heard(0.02)
        tally.counting = True

    def _heard(self, seconds: float) -> None:
        begun = time.monotonic()
        try:
            t.cast(Listener, self._listener).listen(seconds)
        except Exception as error:  # pylint: disable=broad-exception-caught # the broker ended the connection
            self._got.problems["events"] = self.tools.hide(f"the event stream broke off ({type(error).__name__})")
            self._listener = None
            self._broke = error if broke_off(error) else None
            time.sleep(max(0.0, seconds - (time.monotonic() - begun)))

    def _flower(self) -> t.Optional[dict[tuple[str, str], float]]:
        if not self.options.get("flower_url"):
            return None
        try:
            return api.flower_events(api.get(str(self.options["flower_url"]), "/metrics", self.tools.timeout, "Flower"))
        except Problem as problem:
            self._got.problems["flower"] = self.tools.sentence(problem)
            return None

    def _manage(self) -> None:
        """What RabbitMQ's management API tells, where it is configured."""
        url, got = self.options.get("management_url"), self._got
        if not url or self._connection is None or self._connection.on_redis or "management" in got.problems:
            return
        vhost = urllib.parse.quote(got.broker.parts()["vhost"], safe="")
        try:
            got.management = api.rabbitmq_queues(api.get(str(url), f"/api/queues/{vhost}", self.tools.timeout, "the management API"))
            got.nodes = self._nodes(str(url))
        except Problem as problem:
            got.problems["management"] = self.tools.sentence(problem)
            got.nodes = Unknown(got.problems["management"])

    def _nodes(self, url: str) -> Maybe[api.Nodes]:
        """Its nodes, and alarms at which RabbitMQ stops reading from publishers. A user without the tag `monitoring` is refused."""
        try:
            return api.rabbitmq_nodes(api.get(url, "/api/nodes", self.tools.timeout, "the management API"))
        except Problem as problem:
            return Unknown(self.tools.sentence(problem))


def discover(tools: HostTools) -> list[dict[str, t.Any]]:
    """The projects of the workers that run here: each application once, read as its worker reads it."""
    found: dict[tuple[t.Any, ...], dict[str, t.Any]] = {}
    for worker in local.workers(tools.processes):
        if worker.broker:
            tools.secrets |= Broker(worker.broker).secrets()
            found.setdefault((worker.broker,), {"broker_url": worker.broker})
        elif worker.app:
            entry: dict[str, t.Any] = {"app": worker.app, "chdir": worker.chdir, "virtualenv": worker.virtualenv, "_pid": worker.pid}
            if worker.elsewhere:
                entry["_elsewhere"] = worker.pid
            found.setdefault((worker.app, worker.chdir, worker.virtualenv), entry)
    return list(found.values())


COLLECTOR = Collector(
    "celery",
    OPTIONS,
    CelerySampler,
    discover,
    places=("broker_url", "app"),
    libraries={"kombu": "python3-kombu"},
    access=("app", "chdir", "virtualenv"),
)
