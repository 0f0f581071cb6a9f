#!/usr/bin/python
# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: launch_facts
short_description: Gathers all launch services of a host in one round trip
version_added: 1.0.0
description:
  - Discovers what runs on the host (or takes the given instances), samples everything in parallel, sleeps once, samples again,
    and returns the same facts as the single modules of this collection, from the same code.
  - A service that hangs or is broken affects only its own facts.
  - Can be used as one of C(ansible_facts_modules).
author:
  - warroom.launch authors (@warroom-launch)
extends_documentation_fragment:
  - warroom.launch.launch.sampling
options:
  services:
    description:
      - What to gather. Without it, or with V(auto), whatever runs on the host.
      - A dictionary has an entry per service. Its value is V(auto) (find the instances here), a list of dictionaries
        (instances, each with the options of the service's own module) or a dictionary (options for the instances that are found).
      - Services are C(server), C(site), C(haproxy), C(nginx), C(varnish), C(varnish_traffic), C(uwsgi), C(wsgi),
        C(django), C(memcached), C(redis), C(celery), C(pgbouncer), C(postgresql), C(mysql), C(checklist), C(backup).
      - Hidden as a whole in output because entries may hold passwords.
    type: raw
"""

EXAMPLES = r"""
- name: Everything that runs on each host
  warroom.launch.launch_facts:

- name: The machine, and two named services
  warroom.launch.launch_facts:
    services:
      server: auto
      uwsgi:
        - stats: 127.0.0.1:1717
      postgresql:
        login_user: monitor
        login_db: shop
"""

RETURN = r"""
ansible_facts:
  description: One key per service that was requested, or per service that runs here.
  returned: always
  type: dict
  contains:
    launch_server:
      description:
        - This key and C(launch_haproxy), C(launch_nginx), C(launch_varnish), C(launch_varnish_traffic), C(launch_uwsgi), C(launch_wsgi),
          C(launch_memcached), C(launch_redis), C(launch_pgbouncer), C(launch_celery), C(launch_postgresql) and C(launch_mysql) have this form.
          The measures of a service are documented by its own module.
      type: dict
      contains:
        schema: {type: int, description: Version of the structure of these facts.}
        instances:
          description: The instances, each with these keys and, when it is up, with its service's measures beside them.
          type: list
          elements: dict
          contains:
            name: {type: str, description: Name of the instance.}
            state: {type: str, description: 'V(up), V(down) or V(unreadable); the measures are there when it is up.'}
            problem: {type: str, description: 'What is wrong and what to do about it, null when it is up.'}
            window: {type: float, description: 'Seconds between the two samples, null when there was one.'}
            collected_at: {type: str, description: 'When, in UTC.'}
            duration_ms: {type: int, description: 'Milliseconds it took, the window included.'}
            listens:
              description:
                - 'Where it listens, as V(ip:port), V(unix:/path) or V(unix:@name), from the sockets of its processes; where these may not
                  be read, where it is known to. Not of C(server) and C(varnish_traffic), as the three next.'
              type: list
              elements: str
            talks_to:
              description:
                - 'Addresses to which its processes have connections that they opened, or are opening, most connections first; then those that
                  its configuration names (backends of a VCL, a broker). Null when nothing of it may be read.'
              type: list
              elements: dict
              contains:
                {address: {type: str, description: 'As in RV(ignore:listens).'},
                 connections: {type: int, description: 'How many, null when its open files may not be read.'}}
            talks_to_total: {type: int, description: 'How many addresses there are, null when some may be missing.'}
            clients_from:
              description: 'IP addresses of which it has connections (V(unix): of this host), most first. Null as RV(ignore:talks_to).'
              type: list
              elements: dict
              contains: {address: {type: str, description: The address.}, connections: {type: int, description: How many.}}
            clients_from_total: {type: int, description: 'How many addresses there are, null when some may be missing.'}
            net_namespace:
              description: 'The network namespace of its processes, null when it may not be read.'
              type: dict
              contains:
                name: {type: str, description: 'The same for all instances that have one loopback interface.'}
                addresses: {type: list, elements: str, description: 'IP addresses under which others reach it, at most 50.'}
            started_at:
              description:
                - 'When it was started or reloaded, in UTC, of several processes the last one. Not of C(server) and C(varnish_traffic), as the
                  four next.'
              type: str
            release:
              description:
                - 'Which code of the application it has (uWSGI, Celery): the commit that is checked out, what a release tool wrote
                  (V(REVISION)), else the time of the newest file at the top of its folder.'
              type: str
            release_at: {type: str, description: 'Since when that code is in the folder, in UTC.'}
            configuration_digest:
              description: 'Differs when a configuration file that it was started with differs. Of paths, sizes and times only, not of contents.'
              type: str
            configuration_at: {type: str, description: 'When the newest of these files was written, in UTC.'}
            access: {type: dict, description: 'The options that it was reached by, without secrets, for commands that mean it.'}
            unknown:
              description: 'For each measure that is null, why, and how to make it known; a measure within another has a dotted name.'
              type: dict
            at_least: {type: dict, description: 'For a measure of which only a part is known, what that is at least.'}
            notes: {type: list, elements: str, description: Sentences worth knowing that are not measures.}
  sample: {"launch_uwsgi": {"schema": 1, "instances": []}}
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._collect.options import COMMON
from ..module_utils._collectors.gather_services import run_all


def main() -> None:
    module = AnsibleModule(argument_spec={"services": {"type": "raw", "no_log": True}, **COMMON}, supports_check_mode=True)
    run_all(module)


if __name__ == "__main__":
    main()
