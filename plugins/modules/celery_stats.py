#!/usr/bin/python
# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: celery_stats
short_description: Workers, queues and task outcomes of Celery over a window
version_added: 1.0.0
description:
  - Asks the workers by remote control, reads the lengths of the queues several times within the window, and listens to the event stream
    meanwhile, on Redis and RabbitMQ.
  - Reads queue lengths and never messages, so a million waiting messages cost no more than none.
  - Never enables task events, and leaves no queue or key behind. Arguments of tasks and settings of the project never become facts.
  - Facts about a broker are the same from every host; the collection judges each broker once.
author:
  - warroom.launch authors (@warroom-launch)
extends_documentation_fragment:
  - warroom.launch.launch
  - warroom.launch.launch.sampling
requirements:
  - kombu on the target, with redis for brokers on Redis or Valkey
options:
  broker_url:
    description:
      - The broker, as in Celery's setting of that name. Special characters of the password are quoted, for example C(%2F) for a slash.
      - A URL that begins with C(rediss://) must say how the certificate is checked, for example with C(?ssl_cert_reqs=required).
    type: str
  broker_transport_options:
    description: As Celery's setting of that name, for example C(global_keyprefix), C(priority_steps), C(sep), C(visibility_timeout),
      C(master_name).
    type: dict
  broker_use_ssl:
    description: As Celery's setting of that name. Certificate checks are written as V(required), V(optional) or V(none).
    type: dict
  app:
    description:
      - The project's application, as in C(celery -A). Its broker, transport options, TLS settings and queues are then read from it, by
        a child interpreter
        that imports it. When the module runs as root, the child runs as the owner of O(chdir),
        or as the worker that was found.
    type: str
  chdir:
    description: Folder from which O(app) is imported.
    type: path
  virtualenv:
    description: The project's virtualenv, whose Python imports O(app).
    type: path
  queues:
    description:
      - Names of the queues to read, beside those that the workers consume.
      - By default those of O(app), and on Redis all that have a binding.
    type: list
    elements: str
  workers:
    description: Names of the workers that should be there, for example V(celery@web1).
    type: list
    elements: str
  management_url:
    description:
      - RabbitMQ's management API, as V(http://user:password@host:15672). Gives unacknowledged messages, rates, ages and the types of queues.
      - Without it an idle quorum queue is unknown, because RabbitMQ says 0 messages as well while the queue has no leader.
    type: str
  flower_url:
    description: Flower, as V(http://host:5555). A second source of task outcomes where the event stream gives none.
    type: str
"""

EXAMPLES = r"""
- name: Look at the projects whose workers run on each host
  warroom.launch.celery_stats:

- name: A broker by its URL
  warroom.launch.celery_stats:
    broker_url: "redis://:{{ vault_redis_password | urlencode }}@queue1.example.com:6379/0"
    workers: [celery@web1, celery@web2]

- name: A project as it is deployed
  warroom.launch.celery_stats:
    app: shop
    chdir: /srv/shop
    virtualenv: /srv/shop/venv

- name: RabbitMQ with its management API
  warroom.launch.celery_stats:
    broker_url: "amqp://monitor:{{ vault_rabbitmq_password | urlencode }}@queue1.example.com/shop"
    management_url: "http://monitor:{{ vault_rabbitmq_password | urlencode }}@queue1.example.com:15672"
    queues: [celery, mail]
"""

RETURN = r"""
ansible_facts:
  description: The facts, under one key.
  returned: always
  type: dict
  contains:
    launch_celery:
      description: C(schema) and C(instances).
      type: dict
      contains:
        schema: {type: int, description: Version of the structure of these facts.}
        instances:
          description:
            - One per broker or project.
            - What every instance has beside these measures is documented by M(warroom.launch.launch_facts).
            - A measure over the window is null with one sample (O(window) is 0). Why a measure is null is in RV(ignore:unknown).
            - What only workers tell is null when none answers, task outcomes without task events or Flower.
          type: list
          elements: dict
          contains:
            broker:
              description: The broker.
              type: dict
              contains:
                {name: {type: str, description: Its URL without the password.},
                 transport: {type: str, description: 'V(redis) or V(rabbitmq).'}, host: {type: str, description: Its host.},
                 port: {type: int, description: Its port.}, vhost: {type: str, description: 'Virtual host, or number of the database.'},
                 version: {type: str, description: 'Its version, null when it may not be read.'},
                 memory_bytes: {type: int, description: 'Memory that Redis uses, null for others.'},
                 memory_ratio: {type: float, description: 'The share of the limit that Redis uses, null without one.'},
                 memory_limited: {type: bool, description: 'Whether Redis has a limit, null for others.'},
                 memory_limit_bytes: {type: int, description: 'The limit, null without one.'},
                 eviction_policy: {type: str, description: 'What Redis does at the limit, null for others.'},
                 identity: {type: str, description: 'Identifies the broker, whichever host reads it.'},
                 alarms: {type: list, elements: str,
                          description: 'Alarms at which RabbitMQ takes no messages, from its management API. Null for others.'},
                 nodes_down: {type: list, elements: str, description: 'Nodes of RabbitMQ that do not run, likewise.'},
                 nodes_cut_off: {type: list, elements: str,
                                 description: 'Nodes of RabbitMQ that a network partition cut off, and from which others, likewise.'},
                 flushes: {type: int, description: 'How often Redis was emptied in the window (FLUSHALL, FLUSHDB). Null for others.'},
                 refused: {type: int, description: 'Commands that Redis refused in the window for lack of memory. Null for others.'},
                 slowest_milliseconds: {type: float, description: 'The longest that one command took in Redis, during which it did nothing else.'},
                 commands: {type: list, elements: dict, description: 'Commands that took most of Redis'' time, null for others.', contains: {
                   name: {type: str, description: The command.}, calls: {type: int, description: Calls in the window.},
                   mean_milliseconds: {type: float, description: Mean time of a call.},
                   share_ratio: {type: float, description: 'Share of the window, what a script runs counted for both.'}}},
                 slow_commands: {type: list, elements: dict, description: 'The slowest that the slow log got in the window.', contains: {
                   name: {type: str, description: The command.}, milliseconds: {type: float, description: How long it took.},
                   client: {type: str, description: 'The address that sent it, null before Redis 4.'}}}}
            workers:
              description: Workers that answered or sent heartbeats.
              type: list
              elements: dict
              contains:
                {name: {type: str, description: Its name.},
                 answers: {type: bool, description: Whether it answered; what only an answer tells is null when not.},
                 here: {type: bool, description: 'Whether its process is on the host that was asked, null when none is seen there.'},
                 pool: {type: str, description: 'Its pool, for example V(prefork).'},
                 concurrency: {type: int, description: Tasks that it can run at once.},
                 prefetch: {type: int, description: Messages that it takes in advance.},
                 uptime_seconds: {type: int, description: Since it started.},
                 memory_peak_bytes: {type: int, description: The most memory its main process ever held.},
                 queues: {type: list, elements: str, description: Queues that it consumes.},
                 drift_seconds: {type: float, description: 'How far its clock is behind this host''s, null without events.'},
                 active: {type: int, description: Tasks that run.},
                 active_mean: {type: float, description: 'The same, mean of both samples.'},
                 reserved: {type: int, description: Tasks that wait at it.},
                 scheduled: {type: int, description: Tasks that wait at it for their time.},
                 accepted: {type: int, description: Tasks begun in the window.},
                 accepted_per_second: {type: float, description: The same per second.},
                 held_growth_per_second: {type: float, description: How fast what waits at it grows.}}
            workers_total: {type: int, description: How many answered or sent heartbeats. Null when there are signs of life but no answer.}
            workers_replied: {type: int, description: How many answered.}
            workers_twins:
              description: Names that several workers have; sums over the workers are null then, because only one answer of each is seen.
              type: list
              elements: dict
              contains:
                {name: {type: str, description: The name.}, workers: {type: int, description: How many have it.}}
            workers_twins_total: {type: int, description: How many such names there are.}
            workers_expected: {type: int, description: Names given in O(workers).}
            workers_missing: {type: list, elements: str, description: Those of which nothing was heard.}
            workers_missing_total: {type: int, description: How many these are.}
            drift_seconds_max: {type: float, description: 'The largest drift of a clock, null when no event came.'}
            concurrency: {type: int, description: 'Tasks that all workers can run at once, null when one did not tell.'}
            active: {type: int, description: Tasks that run.}
            reserved: {type: int, description: Tasks that wait at workers.}
            scheduled: {type: int, description: Tasks that wait at workers for their time.}
            utilisation: {type: float, description: 'Active tasks by concurrency, mean of both samples.'}
            hoarded: {type: int, description: Tasks at a full worker while another one that takes from the same queue is free.}
            hoard_ratio: {type: float, description: 'Tasks that wait at workers, by concurrency.'}
            accepted: {type: int, description: Tasks that workers began in the window.}
            accepted_per_second: {type: float, description: The same per second.}
            running:
              description: The longest running tasks.
              type: list
              elements: dict
              contains:
                {name: {type: str, description: The task.}, queue: {type: str, description: 'Where it came from, null when unknown.'},
                 worker: {type: str, description: Where it runs.},
                 age_seconds: {type: float, description: 'How long, null when the worker does not report it.'}}
            running_total: {type: int, description: How many run.}
            oldest_active_seconds: {type: float, description: The age of the oldest.}
            queues:
              description: Queues, longest first.
              type: list
              elements: dict
              contains: &queue
                {name: {type: str, description: Its name.}, ready: {type: int, description: 'Messages that wait. Null of a stream, and of a quorum
                   queue whose 0 may mean that it has no leader.'},
                 type: {type: str, description: 'V(classic), V(quorum) or V(stream), null where neither a worker nor the management API tells it.'},
                 unacked: {type: int, description: 'Messages that workers hold, null without RabbitMQ''s management API.'},
                 consumers: {type: int, description: 'Workers that take from it, null when not all answered.'},
                 growth_per_second: {type: float, description: How fast it grows.},
                 grows_always: {type: bool, description: Whether it grew in every reading of the window.},
                 arrive_per_second: {type: float, description: Messages that come.},
                 consume_per_second: {type: float, description: 'Messages that are taken, null when its workers also take from others.'},
                 drains: {type: bool, description: Whether it gets shorter.},
                 drain_seconds: {type: float, description: When it will be empty; null with C(drains) false means never.},
                 wait_seconds: {type: float, description: How long a new message waits at this pace.},
                 oldest_seconds: {type: float, description: 'Age of its oldest message, null where the broker does not report it.'},
                 problem: {type: str, description: Why it could not be read.}}
            queues_total: {type: int, description: How many there are.}
            worst: {type: dict, description: 'The queue most in trouble, null when none could be read.', contains: *queue}
            ready_total: {type: int, description: Messages that wait in all queues.}
            ready_consumed: {type: int, description: 'Of them, in queues that have a consumer.'}
            delayed_total:
              description: Messages that wait for their time in RabbitMQ's queues of delayed delivery, where no worker takes them, by design.
              type: int
            backlog_total: {type: int, description: Messages that wait in queues and at workers.}
            growth_per_second: {type: float, description: Sum over the queues.}
            wait_seconds: {type: float, description: 'The longest wait of a queue, null when no task was begun in the window.'}
            unacked: {type: int, description: 'Messages that workers took and did not acknowledge, null when the broker does not report it.'}
            unacked_oldest_seconds: {type: float, description: 'Since when the oldest, null but on Redis.'}
            scheduled_furthest_seconds:
              type: float
              description: How far off the last of the tasks is that workers hold for a later time, null without one.
            scheduled_beyond_redelivery:
              type: int
              description: 'Those that are due later than Redis waits (RV(ignore:redelivery_seconds)), null for RabbitMQ.'
            redelivery_seconds: {type: float, description: 'After which Redis transports hand it out again, null for RabbitMQ.'}
            redelivery_assumed:
              type: bool
              description: Whether that is Celery's default, because only a broker's URL is known. Null for RabbitMQ.
            redelivery_ratio: {type: float, description: 'The oldest by that time, null when none is held.'}
            unconsumed:
              description: Queues with messages and without a consumer.
              type: list
              elements: dict
              contains:
                {name: {type: str, description: Its name.}, ready: {type: int, description: Messages that wait.}}
            unconsumed_total: {type: int, description: 'How many there are, null when not all workers answered.'}
            delivery_limited:
              description: Quorum queues that throw a message away once it was delivered too often, having a delivery limit and no dead letter exchange.
              type: list
              elements: dict
              contains:
                {name: {type: str, description: Its name.}, delivery_limit: {type: int, description: How often a message may come back.}}
            delivery_limited_total:
              {type: int, description: 'How many there are, null without the management API, or where it does not report one of both.'}
            stalled:
              description: Queues with messages at every look, whose workers answer and have free slots, and began no task in the window.
              type: list
              elements: dict
              contains:
                {name: {type: str, description: Its name.}, ready: {type: int, description: Messages that wait.},
                 workers: {type: int, description: Workers that say that they consume it.}}
            stalled_total: {type: int, description: 'How many there are, null when not all workers answered.'}
            events_enabled: {type: bool, description: Whether workers send task events; null when no task ran.}
            tasks_source:
              description: Where the outcomes are from, V(events) or V(flower); without either all that follows is null.
              type: str
            succeeded: {type: int, description: Tasks that succeeded in the window.}
            failed: {type: int, description: Tasks that failed.}
            finished: {type: int, description: Both together.}
            retried: {type: int, description: Retries.}
            rejected: {type: int, description: 'Rejected by the task, most often to be delivered again.'}
            expired: {type: int, description: 'Dropped because they waited longer than they may (expires), null from Flower.'}
            sent_back_ratio: {type: float, description: 'Retried or rejected, of those and the finished.'}
            expired_ratio: {type: float, description: 'Expired, of those and the finished.'}
            failure_ratio: {type: float, description: 'Failed of the finished, null when none finished.'}
            tasks:
              description: Tasks, those that fail most first.
              type: list
              elements: dict
              contains:
                name: {type: str, description: Its name.}
                succeeded: {type: int, description: How often it succeeded.}
                failed: {type: int, description: How often it failed.}
                retried: {type: int, description: Retries.}
                rejected: {type: int, description: Rejections.}
                revoked: {type: int, description: Revocations.}
                expired: {type: int, description: 'Of those, the tasks that waited longer than they may, null from Flower.'}
                failure_ratio: {type: float, description: 'Failed of the finished, null when none finished.'}
                runtime_seconds:
                  description: How long it ran, null from Flower.
                  type: dict
                  contains:
                    {median: {type: float, description: Half of the runs took no longer.},
                     p95: {type: float, description: 95 % of the runs took no longer.}}
                exceptions:
                  description: What it failed with.
                  type: list
                  elements: dict
                  contains:
                    {name: {type: str, description: The exception.}, count: {type: int, description: How often.}}
            tasks_total: {type: int, description: How many kinds of tasks there were.}
            worst_task:
              description: >-
                The task with the largest share of failures among those that finished three times; its values are null when there is none.
              type: dict
              contains:
                name: {type: str, description: Its name.}
                failed: {type: int, description: How often it failed.}
                finished: {type: int, description: How often it finished.}
                failure_ratio: {type: float, description: The share.}
                exception: {type: str, description: What it fails with.}
            runtime_seconds:
              description: Of all tasks that succeeded, null from Flower.
              type: dict
              contains:
                {median: {type: float, description: Half of the runs took no longer.},
                 p95: {type: float, description: 95 % of the runs took no longer.}}
            queue_wait_seconds:
              description: From sending to start, null where senders send no events.
              type: dict
              contains:
                {median: {type: float, description: Half of the tasks waited no longer.},
                 p95: {type: float, description: 95 % of the tasks waited no longer.}}
            waits:
              description:
                - What the busy processes of prefork pools on this host waited for, looked at several times within the window. From C(/proc) and the
                  kernel's sockets; no process is stopped or attached to. Null without the right to see it (C(become)).
              type: dict
              contains:
                samples: {type: int, description: Looks at busy processes.}
                cpu_ratio: {type: float, description: Share of them on a CPU.}
                disk_ratio: {type: float, description: Share waiting for a disk.}
                lock_ratio: {type: float, description: Share waiting for a lock of the process or of a file.}
                sleep_ratio: {type: float, description: Share asleep by their own wish.}
                client_ratio: {type: float, description: 'Share that sent to, or received from, who had asked.'}
                other_ratio: {type: float, description: 'Share waiting for a child, a file or a pipe, or stopped.'}
                unknown_ratio: {type: float, description: Share of which it cannot be told.}
                edges:
                  description: The services that were waited for, by address, most waited for first.
                  type: list
                  elements: dict
                  contains:
                    address: {type: str, description: 'C(ip:port), C([ip]:port) or C(unix:/path).'}
                    samples: {type: int, description: Looks at processes that waited for it.}
                    share_ratio: {type: float, description: Share of all looks.}
                    work: {type: str, description: 'The task that waited for it most, as far as its process was known.'}
                    round_trip_seconds:
                      {type: float, description: 'Seconds to it and back at the least, of the network alone; null where it is no TCP.'}
                edges_total: {type: int, description: How many services were waited for.}
            local:
              description: Worker processes of this host that are connected to this broker.
              type: dict
              contains:
                {processes: {type: int, description: How many there are.}, answering: {type: int, description: How many answered.},
                 stopped: {type: int, description: How many are stopped by a signal or a debugger.},
                 stopped_pids: {type: list, elements: int, description: Their process ids.},
                 beats: {type: list, elements: dict,
                         description: 'Processes that send a schedule to this broker, where their scheduler is known and locks none out.',
                         contains: {name: {type: str, description: The application.}, processes: {type: int, description: How many.}}},
                 answering_ratio: {type: float, description: 'The share that answered, null while one that does not may only be busy.'}}
            control:
              description: Queues of remote control and events, which are no backlog; null when the broker does not list them.
              type: dict
              contains:
                {queues_total: {type: int, description: How many there are.}, messages: {type: int, description: What they hold.}}
      sample:
        schema: 1
        instances:
          - name: redis://127.0.0.1:6379/0
            state: up
            workers_total: 2
            utilisation: 0.75
            queues: [{name: celery, ready: 40, growth_per_second: -4.0, drains: true, drain_seconds: 10.0}]
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._collect.entry import run
from ..module_utils._collect.options import argument_spec
from ..module_utils._collectors.celery.collector import COLLECTOR


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(COLLECTOR), supports_check_mode=True)
    run(module, COLLECTOR)


if __name__ == "__main__":
    main()
