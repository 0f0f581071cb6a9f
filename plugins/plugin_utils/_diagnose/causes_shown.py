# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The last part of the table of causes: what application, accelerator and queues show, when nothing deeper is."""

from __future__ import annotations

from . import (
    accelerator_limits,
    application,
    cache_servers,
    edge,
    errors,
    outliers,
    refused,
    task_queues,
)
from .cause_kind import EDGE, IN_FRONT, QUEUES, CauseKind, Explains
from .relations import GETS_TOO_MUCH, NEEDS_IT, SAME_INSTANCE, SAME_MACHINES

CAUSES: tuple[CauseKind, ...] = (
    CauseKind(
        "edge_unbalanced",
        "edge",
        "The edge sends one server too much",
        "one server of several that nginx or HAProxy should share requests among gets 1.9 times its share by weight or more",
        edge.unbalanced,
        (Explains(("workers_exhausted", "application_overload"), GETS_TOO_MUCH),),
    ),
    CauseKind(
        "workers_exhausted",
        "uwsgi",
        "All workers are busy",
        "all workers are busy (or none is free in a quarter of the samples, requests wait, and pages are late), and the CPU is not "
        "full of their work",
        application.workers_exhausted,
        (IN_FRONT,),
    ),
    CauseKind(
        "workers_stuck",
        "uwsgi",
        "Workers take no request",
        "requests waited at every look, no worker had one at any, and none ended in the window",
        application.workers_stuck,
        (IN_FRONT,),
    ),
    CauseKind(
        "application_overload",
        "uwsgi",
        "The application fills the CPU",
        "the workers' own computing fills the machine",
        application.overload,
        (IN_FRONT,),
    ),
    CauseKind(
        "broker_full",
        "celery",
        "The broker is full",
        "Redis refused messages in the window for lack of memory, or uses 99 % or more of its memory limit and would refuse them, or any "
        "other write where it is no broker (noeviction)",
        task_queues.broker_full,
        (Explains(("application_errors", "tasks_failing", *QUEUES), NEEDS_IT),),
    ),
    CauseKind(
        "application_errors",
        "uwsgi",
        "The application returns errors",
        "the application raises exceptions, or most 5xx are its own (not 502, 503, 504; by HAProxy's counters those that its servers sent)",
        errors.application_errors,
        (Explains(("backend_unreachable", *EDGE), NEEDS_IT),),
    ),
    CauseKind(
        "requests_refused",
        "uwsgi",
        "The application refuses requests",
        "a twentieth or more of the requests are refused with a 4xx (1 % where the baseline had none), most of them with a 400 of the "
        "application (ALLOWED_HOSTS)",
        refused.requests_refused,
    ),
    CauseKind(
        "backend_unreachable",
        "varnish",
        "Varnish does not reach its backends",
        "Varnish gets no response from any backend, or fetches fail",
        errors.backend_unreachable,
        (Explains(("threads_exhausted", *EDGE), NEEDS_IT),),
    ),
    CauseKind(
        "threads_exhausted",
        "varnish",
        "Varnish has no thread left",
        "requests waited in the window while a thread pool was at its limit, a thread could not be made, or requests were dropped",
        accelerator_limits.threads_exhausted,
        (Explains(EDGE, NEEDS_IT),),
    ),
    CauseKind(
        "upstream_failing",
        "edge",
        "A server behind the edge does not answer",
        "nginx or HAProxy gets no answer in a fifth or more of the attempts at a server, or from none for 1 % of the requests, or a "
        "backend has no server",
        edge.upstream_failing,
        (Explains(("upstream_slow", "edge_exhausted"), SAME_INSTANCE),),
    ),
    CauseKind(
        "upstream_slow",
        "edge",
        "The servers behind the edge are slow",
        "nginx or HAProxy fails its limit for response times, and a server behind it takes a second or more",
        edge.upstream_slow,
        (Explains(("edge_exhausted",), SAME_INSTANCE),),
    ),
    CauseKind(
        "edge_exhausted",
        "edge",
        "The edge is at a limit of its own",
        "nginx or HAProxy refuses visitors for want of connections, descriptors, memory or time",
        edge.exhausted,
    ),
    CauseKind(
        "tasks_stuck",
        "celery",
        "Worker slots are stuck",
        "messages wait, no task was begun in the window, and every worker slot is held by a task of ten seconds or more",
        task_queues.tasks_stuck,
        (Explains(("queue_growth",), SAME_INSTANCE),),
    ),
    CauseKind(
        "queue_growth",
        "celery",
        "A queue grows",
        "messages wait and no worker consumes them, or a queue fails its limits, or grows while its messages already wait too long, or "
        "grows with twice as many arriving as are consumed and a wait of 30 s, or tasks of Django wait in a database for five minutes",
        task_queues.queue_growth,
        (Explains(("tasks_failing",), SAME_INSTANCE),),
    ),
    CauseKind(
        "tasks_failing",
        "celery",
        "Tasks fail",
        "more than a twentieth of the tasks fail",
        task_queues.tasks_failing,
    ),
    CauseKind(
        "unbalanced_pool",
        "memcached",
        "A cache pool is unbalanced",
        "one cache server does far more than the others, or another nothing",
        cache_servers.unbalanced_pool,
        (Explains(("cache_exhausted",), SAME_MACHINES),),
    ),
    CauseKind(
        "cache_exhausted",
        "memcached",
        "A cache is too small",
        "a memcached evicts more than ten items per second, or refuses connections or stores",
        cache_servers.cache_exhausted,
    ),
    CauseKind(
        "outlier",
        "",
        "One host differs from its siblings",
        "one of at least four hosts that run the same is far from the others' median",
        outliers.outlier,
    ),
)
