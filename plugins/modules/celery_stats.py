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
    meanwhile,
    on Redis and RabbitMQ.
  - Queue lengths are asked for, messages are never read, so a million waiting messages cost no more than none.
  - Never switches task events on, and leaves no queue or key behind. Arguments of tasks and settings of the project never become facts.
  - Facts about a broker are the same from whichever host they are read; the collection judges each broker once.
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
    description: RabbitMQ's management API, as V(http://user:password@host:15672). Gives unacknowledged messages, rates and ages.
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
      description: C(schema) and C(instances), one entry per broker or project.
      type: dict
      returned: always
      contains:
        schema:
          description: Version of the shape of these facts.
          type: int
          returned: always
        instances:
          description:
            - One entry per broker, with C(name), C(state) (V(up), V(down) or V(unreadable)), C(problem), C(window), C(collected_at),
              C(duration_ms), C(unknown) (why a measure is null) and C(notes). The rest is there when the broker is up.
          type: list
          elements: dict
          returned: always
          contains:
            broker:
              description: C(transport), C(host), C(port), C(vhost), C(version), C(identity), and on Redis C(memory_bytes),
                C(memory_limit_bytes), C(eviction_policy).
              type: dict
              returned: when up
            workers:
              description: Per worker C(name), C(answers), C(pool), C(concurrency), C(prefetch), C(uptime_seconds),
                C(memory_peak_bytes), C(queues),
                C(active), C(reserved), C(scheduled), C(accepted) and C(accepted_per_second) in the window, C(drift_seconds).
              type: list
              elements: dict
              returned: when up
            workers_total:
              description: Workers that answered or sent heartbeats; C(workers_replied) those that answered.
                Null when there are signs of life but no answer.
              type: int
              returned: when up
            workers_missing:
              description: Names given in O(workers) of which nothing was heard; C(workers_missing_total) and C(workers_expected) are
                numbers.
              type: list
              elements: str
              returned: when up
            drift_seconds_max:
              description: How far the clock of a worker is behind this host's, the largest.
              type: float
              returned: when up
            concurrency:
              description: Tasks that all workers can run at once. C(active) run, C(reserved) wait at a worker, C(scheduled) wait there
                for their time.
              type: int
              returned: when up
            utilisation:
              description: Active tasks by concurrency, mean of both samples.
              type: float
              returned: when up
            hoarded:
              description: Tasks that wait at a worker that is full while another one that takes from the same queue is free.
                C(hoard_ratio) is all that wait at workers, by concurrency.
              type: int
              returned: when up
            accepted_per_second:
              description: Tasks that workers began; C(accepted) is their number in the window.
              type: float
              returned: when up
            running:
              description: The longest running tasks with C(name), C(queue), C(worker), C(age_seconds). C(running_total) is their number,
                C(oldest_active_seconds) the age of the oldest.
              type: list
              elements: dict
              returned: when up
            queues:
              description: Per queue C(name), C(ready), C(unacked), C(consumers), C(growth_per_second), C(grows_always) (in every
                reading of the window),
                C(arrive_per_second), C(consume_per_second), C(drains), C(drain_seconds) (null with C(drains) false means never),
                C(wait_seconds) (how long a new message waits at this pace), C(oldest_seconds), C(problem).
                C(queues_total) is the true number.
              type: list
              elements: dict
              returned: when up
            ready_total:
              description: Messages that wait in all queues; C(backlog_total) with those that wait at workers.
                C(ready_consumed) of them in queues that somebody takes from;
                C(growth_per_second) is the sum over the queues, C(wait_seconds) the longest.
              type: int
              returned: when up
            unacked:
              description: Messages that workers took and did not acknowledge; C(unacked_oldest_seconds) since when the oldest (on Redis),
                C(redelivery_seconds)
                after which Redis transports hand it out again, C(redelivery_ratio) the one by the other.
              type: int
              returned: when up
            unconsumed:
              description: Queues with messages and without a consumer; C(unconsumed_total) is their number.
              type: list
              elements: dict
              returned: when up
            worst:
              description: The queue most in trouble, with the measures of C(queues).
              type: dict
              returned: when up
            events_enabled:
              description: Whether workers send task events; null when that is not known because no task ran. C(tasks_source) is
                V(events) or V(flower).
              type: bool
              returned: when up
            failure_ratio:
              description: Failed tasks of those that finished in the window. C(succeeded), C(failed), C(finished) and C(retried) are
                numbers.
              type: float
              returned: when up
            tasks:
              description: Per task C(name), C(succeeded), C(failed), C(retried), C(rejected), C(revoked), C(failure_ratio),
                C(runtime_seconds) (C(median), C(p95)) and C(exceptions) (C(name), C(count)). C(tasks_total) is the true number,
                C(worst_task) the one with the largest share of failures among those that finished three times.
              type: list
              elements: dict
              returned: when up
            runtime_seconds:
              description: C(median) and C(p95) over all tasks that succeeded. C(queue_wait_seconds) is from sending to start, where
                senders send events.
              type: dict
              returned: when up
            local:
              description: Worker C(processes) of this host that are connected to this broker, C(answering) of them, C(stopped) by a signal
                or a debugger (C(stopped_pids)), and C(answering_ratio), which is unknown while one that does not answer may only be busy.
              type: dict
              returned: when up
            control:
              description: Queues of remote control and events, no backlog of anybody, C(queues_total) and C(messages).
              type: dict
              returned: when up
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
