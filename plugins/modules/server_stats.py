#!/usr/bin/python
# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: server_stats
short_description: Load per usable core, memory, swapping, busy threads and services of a machine
version_added: 1.0.0
description:
  - Reads the machine several times within one window and computes what a launch needs to know. Is the load at or below the number of
    cores that may really be used? Is it CPU, disks, a quota or the hypervisor? Does it swap? Does a single thread use a whole core all
    the time? How large are Python processes? Which service uses the CPU and the memory, and how much is left?
  - The cores that count are the fewest of those online, of the affinity, of the cpuset and of the CPU quota of the control group
    (version 1 and 2).
  - The module reads C(/proc) and C(/sys) with the help of psutil, and asks C(chronyc) about the clock where it is installed.
author:
  - warroom.launch authors (@warroom-launch)
extends_documentation_fragment:
  - warroom.launch.launch
  - warroom.launch.launch.sampling
options:
  name:
    description: How the machine is called in facts and findings. Defaults to its own hostname.
requirements:
  - psutil 5.8 or later on the target (C(python3-psutil)); without it the instance is V(unreadable)
notes:
  - An ordinary user sees most of this. The exact memory (PSS) and the open files of other users' processes need O(ignore:become).
    With the mount option C(hidepid) other users' processes are hidden as well, and what follows from them is then null with that reason.
  - No command line ever leaves the host, only names of processes and the kind that was made out of them.
  - A thread counts as one that uses a whole core when it used at least 90 % of one in every look of the window; a window of
    10 seconds or more makes that a statement about a state and not about a burst.
seealso:
  - module: warroom.launch.launch_facts
"""

EXAMPLES = r"""
- name: How are the machines doing
  warroom.launch.server_stats:
  become: true

- name: Look for twenty seconds for threads that use a whole core
  warroom.launch.server_stats:
    window: 20
  become: true
  register: machine

- name: Show them
  ansible.builtin.debug:
    msg: "{{ ansible_facts.launch_server.instances[0].sustained_threads }}"
"""

RETURN = r"""
ansible_facts:
  description: The facts, under one key.
  returned: always
  type: dict
  contains:
    launch_server:
      description: One entry under C(instances), with C(name), C(state), C(problem) and the other common fields.
      returned: always
      type: dict
      contains:
        instances:
          description: Always one. Rates and ratios are over the window; C(lifetime_) names are since boot.
          type: list
          elements: dict
          returned: always
          contains:
            hostname:
              description: The machine's own name.
              type: str
              returned: always
            addresses:
              description: IP addresses of the machine without the loopback's, by which other hosts' clients are recognised.
              type: list
              elements: str
              returned: always
            cores_online:
              description: Processors that are online.
              type: int
              returned: always
            cores_effective:
              description: >-
                Processors that may really be used: the fewest of online, affinity, cpuset and quota. A quota may give a part of one.
              type: float
              returned: always
            cores_limited_by:
              description: >-
                What makes RV(ignore:cores_effective) what it is: V(online), V(affinity), V(cpuset) or V(quota).
              type: str
              returned: always
            load1:
              description: Load average of one minute; RV(ignore:load5) and RV(ignore:load15) likewise.
              type: float
              returned: always
            load_ratio:
              description: >-
                RV(ignore:load1) per usable core. In a container without LXCFS the load is the whole machine's, and so are the cores.
              type: float
              returned: always
            load_trend:
              description: >-
                RV(ignore:load1) divided by RV(ignore:load15). RV(ignore:load_direction) is V(rising) above 1.2, V(falling) below 0.8,
                else V(steady).
              type: float
              returned: always
            cpu_busy_ratio:
              description: >-
                Share of CPU time that was neither idle nor waiting for disks. User, system, interrupt, iowait and steal shares stand
                beside it.
              type: float
              returned: always
            cpu_used_ratio:
              description: The greater of RV(ignore:cpu_busy_ratio) and the used share of a CPU quota.
              type: float
              returned: always
            cpu_busiest_core_ratio:
              description: The same of the busiest single processor.
              type: float
              returned: always
            cpu_quota_cores:
              description: CPU quota of the control group in cores, null without one. C(cpu_quota_busy_ratio) is how much of it was used.
              type: float
              returned: always
            throttled_ratio:
              description: >-
                Share of the quota's periods in which it ran out. C(throttled_worst_ratio) takes the services' own groups into account.
              type: float
              returned: always
            context_switches_per_second:
              description: Context switches per second; C(forks_per_second) likewise.
              type: float
              returned: always
            procs_blocked:
              description: Tasks that waited for a disk, on average over the looks; C(procs_running) likewise.
              type: float
              returned: always
            pressure:
              description: >-
                The kernel's pressure (PSI) of C(cpu), C(memory) and C(io), as ratios, such as C(some_60s_ratio), and C(some_ratio) over
                the window.
              type: dict
              returned: always
            memory_total_bytes:
              description: Memory of the machine, or the limit of the control group when that is lower.
              type: int
              returned: always
            memory_available_bytes:
              description: Memory that can be had without swapping; C(memory_available_ratio) is its share.
              type: int
              returned: always
            swapping:
              description: Whether pages went to or came from swap in every look of the window. Space in use is not swapping.
              type: bool
              returned: always
            swap_in_bytes_per_second:
              description: Swapped in per second; C(swap_out_bytes_per_second) and their sum C(swap_bytes_per_second) likewise.
              type: float
              returned: always
            oom_kills:
              description: >-
                Processes killed for lack of memory in the window; also C(oom_kills_last_hour), C(lifetime_oom_kills) and the names in
                C(oom_killed).
              type: int
              returned: always
            sustained_threads:
              description: >-
                Threads that used a whole core in every look: process, kind, service, thread, C(core_ratio), C(lifetime_core_ratio).
              type: list
              elements: dict
              returned: always
            python_processes:
              description: >-
                Largest processes that run Python (also inside uWSGI); C(memory_bytes) is PSS where readable, else RSS
                (C(memory_basis)).
              type: list
              elements: dict
              returned: always
            processes_by_cpu:
              description: Processes that used most CPU, in cores; C(processes_by_memory) and C(processes_growing) likewise.
              type: list
              elements: dict
              returned: always
            processes_total:
              description: Number of processes, null when some are hidden. C(processes_seen) is how many could be seen.
              type: int
              returned: always
            zombies:
              description: Dead processes that were not collected; C(zombie_processes) names some with their parents.
              type: int
              returned: always
            services:
              description: >-
                One row per service that runs here (varnish, uwsgi, gunicorn, celery, memcached, postgresql, mysql, redis, rabbitmq,
                nginx, …): C(name), C(processes), C(kinds), C(cpu_cores), C(cpu_ratio), C(memory_bytes), C(memory_basis), quota,
                throttling and memory limit of its own control group.
              type: list
              elements: dict
              returned: always
            services_complete:
              description: Whether all processes could be seen, so that a service that is not listed does not run.
              type: bool
              returned: always
            stores:
              description: >-
                Memory that accelerator, caches and databases here have taken, and whether the host is theirs alone (C(dedicated)).
              type: dict
              returned: always
            filesystems:
              description: Writable filesystems, fullest first, as C(df) counts.
              type: list
              elements: dict
              returned: always
            disks:
              description: >-
                Whole disks, busiest first: C(util_ratio), C(await_milliseconds), C(queue_depth) and rates.
              type: list
              elements: dict
              returned: always
            network:
              description: Interfaces by traffic, with errors and drops.
              type: list
              elements: dict
              returned: always
            listen_overflows_per_second:
              description: Connections turned away because a listen queue was full; C(somaxconn) is the kernel's ceiling of such queues.
              type: float
              returned: always
            files:
              description: Open files of the system against their limit; C(open_files) has the service processes nearest to their own.
              type: dict
              returned: always
            conntrack:
              description: Tracked connections against the limit, null where none are tracked.
              type: dict
              returned: always
            clock_synchronised:
              description: >-
                Whether the clock is kept in time, by C(clock_source). C(clock_offset_seconds) is how far it is ahead, where that is
                measured.
              type: bool
              returned: always
            uptime_seconds:
              description: Since boot.
              type: float
              returned: always
            headroom:
              description: >-
                What new workers could be given: C(cpu_cores) and C(ram_bytes), the latter without a reserve of 512 MiB or 10 %.
              type: dict
              returned: always
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._collect.entry import run
from ..module_utils._collect.options import argument_spec
from ..module_utils._collectors.server.collector import COLLECTOR


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(COLLECTOR), supports_check_mode=True)
    run(module, COLLECTOR)


if __name__ == "__main__":
    main()
