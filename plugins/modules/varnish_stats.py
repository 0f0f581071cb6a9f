#!/usr/bin/python
# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: varnish_stats
short_description: True hit ratio, backends, threads and storage of Varnish
version_added: 1.0.0
description:
  - Reads the counters of Varnish twice through C(varnishstat) and computes what its own screen hides, first of all the true hit ratio,
    which takes the requests that pass by the cache into account.
  - Reads the live VCL, the health of its backends and the thread limits through C(varnishadm) where its secret can be read;
    otherwise these are unknown with the reason.
  - Varnish 6.0 to 8 and its successor Vinyl Cache 9. The older shapes of the counters (3.0, 4.x, 5.x) are understood.
author:
  - warroom.launch authors (@warroom-launch)
extends_documentation_fragment:
  - warroom.launch.launch
  - warroom.launch.launch.sampling
options:
  instance:
    description:
      - The name or working directory of the instance, as given to C(varnishd -n).
      - When it is not given, every C(varnishd) that runs on the host is read.
    type: str
  admin:
    description:
      - Where the management CLI listens, V(host:port) as given to C(varnishd -T). Found through the instance when not given.
    type: str
  secret_file:
    description:
      - Path on the target of the secret of the management CLI, as given to C(varnishd -S). Found through the instance when not given.
    type: path
notes:
  - Reading the counters needs root or membership in the group of Varnish (C(varnish) on Debian, where the user C(varnishlog) has it);
    reading the management CLI needs its secret, which is root's in most packages.
seealso:
  - module: warroom.launch.varnish_traffic
"""

EXAMPLES = r"""
- name: Every Varnish that runs on the cache servers
  warroom.launch.varnish_stats:
  become: true

- name: A named instance, over ten seconds
  warroom.launch.varnish_stats:
    instance: edge
    window: 10
  become: true
  become_user: varnishlog
"""

RETURN = r"""
ansible_facts:
  description: The facts, under one key.
  returned: always
  type: dict
  contains:
    launch_varnish:
      description: One entry per instance under C(instances), with C(name), C(state), C(problem) and the other common fields.
      returned: always
      type: dict
      contains:
        instances:
          description:
            - Counts and ratios are over the window; the same since the start of the child have names with C(lifetime_).
          type: list
          elements: dict
          returned: always
          contains:
            product:
              description: V(varnish), V(varnish-plus) or V(vinyl-cache).
              type: str
              returned: always
            version:
              description: Version of the running daemon.
              type: str
              returned: always
            client_options:
              description: What the Varnish tools need to reach the same instance, for example C(-n /var/lib/varnish/shop).
              type: str
              returned: always
            active_vcl:
              description: The VCL that is live.
              type: str
              returned: always
            requests:
              description: Hits, misses, passes and pipes together; each has its own count (C(hits), …), and so do C(synths).
              type: int
              returned: always
            requests_per_second:
              description: The same per second.
              type: float
              returned: always
            hit_ratio_true:
              description: Share of RV(ignore:requests) that was answered from the cache.
              type: float
              returned: always
            hit_ratio_shown:
              description: Hits among hits and misses, which is what C(varnishstat) shows; passes are not in it.
              type: float
              returned: always
            offload_ratio:
              description: Share of the requests that never reached a backend, synthetic answers included.
              type: float
              returned: always
            pass_ratio:
              description: Share of the requests that passed by the cache.
              type: float
              returned: always
            hit_for_miss_ratio:
              description: Share of the misses that found the note that the page is not cacheable.
              type: float
              returned: always
            grace_ratio:
              description: Share of the hits that were answered with an expired object while it was fetched anew.
              type: float
              returned: always
            hit_ratio_drop:
              description: By how much the true hit ratio of the window is below that of the time before it.
              type: float
              returned: always
            judged:
              description:
                - The ratios that carry a judgement, from C(basis) V(window) when it saw at least 500 requests, else V(lifetime).
                - Null when there are too few requests in both.
              type: dict
              returned: always
            backend_requests_per_second:
              description: Requests that Varnish sent to its backends, per second.
              type: float
              returned: always
            backend_error_ratio:
              description: Failed fetches and refused connections per backend request.
              type: float
              returned: always
            backends:
              description:
                - Backends of the live VCL, those in trouble first. RV(ignore:backends_total) is how many there are.
                - C(health) is V(healthy), V(sick), V(no_probe) or V(unknown); C(happy) is the exact 64-bit history of the probes.
              type: list
              elements: dict
              returned: always
            backends_sick:
              description: How many of them are sick.
              type: int
              returned: always
            stale_vcls:
              description: Other loaded VCLs that still have backends.
              type: list
              elements: str
              returned: always
            threads:
              description: Worker threads C(running), their C(maximum), the C(queue_length), and how often the pools were C(limited).
              type: dict
              returned: always
            thread_starved:
              description: Whether requests had to wait for a thread or were dropped in the window.
              type: bool
              returned: always
            sessions:
              description: Client connections C(accepted), C(queued), C(dropped) in the window.
              type: dict
              returned: always
            storage:
              description: Storages with C(used_bytes), C(size_bytes) and C(use_ratio).
              type: list
              elements: dict
              returned: always
            storage_bytes:
              description: Size of all storages together, without C(Transient).
              type: int
              returned: always
            transient_bytes:
              description: What uncacheable and short-lived objects take at the moment; normally without a limit.
              type: int
              returned: always
            nuked:
              description: Objects thrown out in the window before their time to make room.
              type: int
              returned: always
            nuked_per_miss:
              description: The same per miss.
              type: float
              returned: always
            child:
              description: The cache process, with C(uptime_seconds), and C(crashes) and C(panics) since the manager started.
              type: dict
              returned: always
  sample:
    launch_varnish:
      schema: 1
      instances:
        - name: varnish
          state: up
          problem: null
          window: 5.004
          requests: 5120
          hit_ratio_true: 0.914
          hit_ratio_shown: 0.981
          pass_ratio: 0.068
          active_vcl: boot
          backends_sick: 0
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._collect.entry import run
from ..module_utils._collect.options import argument_spec
from ..module_utils._collectors.varnish.collector import COLLECTOR


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(COLLECTOR), supports_check_mode=True)
    run(module, COLLECTOR)


if __name__ == "__main__":
    main()
