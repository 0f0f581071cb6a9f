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
  - Reads the machine several times within one window and computes what a launch needs to know. Is the load within the number of
    usable cores? Is it CPU, disks, a quota or the hypervisor? Does it swap? Does a single thread use a whole core all
    the time? How large are Python processes? Which service uses the CPU and the memory, and how much is left?
  - The usable cores are the minimum of the cores online, the affinity, the cpuset and the CPU quota of the control group
    (version 1 and 2).
  - The module reads C(/proc) and C(/sys), with the help of psutil where it is installed, and asks C(chronyc) about the clock where it is installed.
author:
  - warroom.launch authors (@warroom-launch)
extends_documentation_fragment:
  - warroom.launch.launch
  - warroom.launch.launch.sampling
options:
  name:
    description: How the machine is called in facts and findings. Defaults to its own hostname.
requirements:
  - psutil 5.8 or later on the target (C(python3-psutil)) is preferred; without it C(/proc) is read alone
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
      description: C(schema) and C(instances).
      type: dict
      contains:
        schema: {type: int, description: Version of the structure of these facts.}
        instances:
          description:
            - The host itself, always one. Rates and ratios are over the window, C(lifetime_) names since boot.
            - What every instance has beside these measures is documented by M(warroom.launch.launch_facts).
            - A measure over the window is null with one sample (O(window) is 0). Why a measure is null is in RV(ignore:unknown).
            - What the platform or its kernel does not report is null, and so is what concerns other users' processes when they are hidden from us.
          type: list
          elements: dict
          contains:
            hostname: {type: str, description: The machine's own name.}
            addresses: {type: list, elements: str, description: 'IP addresses without the loopback''s, by which other hosts'' clients are recognised.'}
            tools_absent:
              description: Programs of printed commands that are not installed here, or cannot start; others are printed then.
              type: list
              elements: str
            monitoring_tools:
              description: Of each service that runs here, the program that shows it while it works, those that are missing first.
              type: list
              elements: dict
              contains:
                {service: {type: str, description: 'The service, V(server) for the machine.'},
                 name: {type: str, description: The program that the cockpit opens.},
                 installed: {type: bool, description: 'Whether it is here, or another that shows the same.'}}
            monitoring_tools_total: {type: int, description: How many there are.}
            monitoring_tools_absent_total: {type: int, description: How many of them are missing.}
            logs:
              description: 'Logs of 100 MiB and more in /var/log or open in a service, unrotated ones first. Null when /var/log may not be read.'
              type: list
              elements: dict
              contains:
                {name: {type: str, description: Its path.}, size_bytes: {type: int, description: What it takes on the disk.},
                 rotated: {type: bool, description: Whether something rotates it.},
                 by: {type: str, description: 'What does, V(logrotate), V(its copies) beside it, or V(its name) with a date; empty for nothing.'}}
            logs_total: {type: int, description: How many there are.}
            logs_unrotated_total: {type: int, description: How many of them nothing rotates.}
            cores_online: {type: int, description: 'Processors that are online, null when the platform does not report it.'}
            cores_effective:
              description: >-
                Processors that may really be used, the fewest of online, affinity, cpuset and quota (which may give a part of one).
              type: float
            cores_limited_by: {type: str, description: 'What makes C(cores_effective) what it is, V(online), V(affinity), V(cpuset) or V(quota).'}
            affinity_cores: {type: int, description: 'Processors that the affinity allows, null when the platform does not report it.'}
            cpu_quota_cores: {type: float, description: 'CPU quota of the control group in cores, null without one.'}
            load1: {type: float, description: 'Load average of one minute, null when the platform does not report it.'}
            load5: {type: float, description: The same of five minutes.}
            load15: {type: float, description: The same of fifteen minutes.}
            load_cores: {type: float, description: 'The cores that the load is held against, see C(load_scope).'}
            load_ratio: {type: float, description: C(load1) per usable core. In a container without LXCFS both are the whole machine's.}
            load_asleep: {type: int, description: 'Threads of the kernel that sleep and are counted in the load; C(load_ratio) leaves them out.'}
            load_trend: {type: float, description: 'C(load1) divided by C(load15), null when there was no load.'}
            load_direction: {type: str, description: 'V(rising) for a trend above 1.2, V(falling) below 0.8, else V(steady).'}
            load_scope: {type: str, description: 'Whose load it is, V(this system) or V(the whole machine below this container).'}
            cpu_busy_ratio: {type: float, description: Share of CPU time in the window that was neither idle nor waiting for disks.}
            cpu_user_ratio: {type: float, description: 'Share spent in programs, those with a low priority included.'}
            cpu_system_ratio: {type: float, description: Share spent in the kernel.}
            cpu_irq_ratio: {type: float, description: Share spent on interrupts.}
            iowait_ratio:
              description: >-
                Share in which nothing ran and a disk was waited for. Where the kernel tells more than disks were at work (io_uring), and no network
                filesystem is mounted, the time in which they were.
              type: float
            steal_ratio: {type: float, description: Share that the hypervisor gave to others.}
            cpu_busiest_core_ratio: {type: float, description: C(cpu_busy_ratio) of the busiest single processor.}
            cpu_quota_busy_ratio: {type: float, description: 'How much of the CPU quota was used, null without one.'}
            cpu_used_ratio: {type: float, description: The greater of C(cpu_busy_ratio) and C(cpu_quota_busy_ratio).}
            quota_holds: {type: bool, description: Whether a CPU quota limits this system or one of its services.}
            throttled_ratio: {type: float, description: 'Share of the quota''s periods in which it ran out, null without a quota.'}
            services_throttled_ratio: {type: float, description: 'The same of the services'' own control groups, the largest, null when none has a quota.'}
            throttled_worst_ratio: {type: float, description: 'The larger of the two, null when neither is counted.'}
            context_switches_per_second: {type: float, description: Context switches.}
            forks_per_second: {type: float, description: New processes.}
            procs_running: {type: float, description: 'Tasks that ran or could run, on average over the looks.'}
            procs_blocked: {type: float, description: 'Tasks that waited for a disk, on average over the looks.'}
            pressure:
              description: The kernel's pressure (PSI), null when the kernel does not measure it.
              type: dict
              contains:
                cpu:
                  description: Shares of time in which tasks waited for a processor.
                  type: dict
                  contains: &pressure
                    {some_10s_ratio: {type: float, description: 'Some task waited, of the last 10 seconds.'},
                     some_60s_ratio: {type: float, description: The same of the last minute.},
                     some_300s_ratio: {type: float, description: The same of the last five minutes.},
                     some_ratio: {type: float, description: The same of the window.},
                     full_10s_ratio: {type: float, description: 'All tasks waited, of the last 10 seconds.'},
                     full_60s_ratio: {type: float, description: The same of the last minute.},
                     full_300s_ratio: {type: float, description: The same of the last five minutes.},
                     full_ratio: {type: float, description: The same of the window.}}
                memory: {type: dict, description: The same for memory., contains: *pressure}
                io: {type: dict, description: The same for disks., contains: *pressure}
            memory_total_bytes: {type: int, description: 'Memory of the machine, or the limit of the control group when that is lower.'}
            memory_available_bytes: {type: int, description: 'Memory available without swapping, null when the platform does not report it.'}
            memory_available_ratio: {type: float, description: Its share of the total.}
            memory_limit_bytes: {type: int, description: 'The control group''s limit, null when none is lower than the machine''s memory.'}
            memory_zfs_cache_bytes:
              {type: int, description: 'The cache of ZFS (ARC), null without one. What it gives back when memory is short counts as available.'}
            memory_cached_bytes: {type: int, description: Page cache.}
            memory_shared_bytes: {type: int, description: Shared memory.}
            memory_dirty_bytes: {type: int, description: Pages that wait to be written.}
            memory_huge_pages_bytes:
              description: Set aside for huge pages, used or not, and available to nothing else; 0 where a control group limits the memory.
              type: int
            memory_huge_pages_used_bytes: {type: int, description: Huge pages in use.}
            swap_total_bytes: {type: int, description: 'Size of the swap space, 0 without one.'}
            swap_used_bytes: {type: int, description: What is in use of it.}
            swap_used_ratio: {type: float, description: 'Share in use, null without any swap.'}
            swap_in_bytes_per_second: {type: float, description: Swapped in.}
            swap_out_bytes_per_second: {type: float, description: Swapped out.}
            swap_bytes_per_second: {type: float, description: Their sum.}
            major_faults_per_second: {type: float, description: Page faults that had to read from a disk.}
            swapping: {type: bool, description: 'Whether pages went to, or came from, a disk in every look. Space in use and zram do not count.'}
            oom_kills: {type: int, description: Processes that the kernel killed in the window for lack of memory.}
            oom_kills_last_hour: {type: int, description: 'The same of the last hour, null when the kernel''s log may not be read.'}
            lifetime_oom_kills: {type: int, description: 'The same since boot, null before Linux 4.13.'}
            oom_killed:
              description: Whom the kernel killed within the last hour.
              type: list
              elements: dict
              contains:
                {name: {type: str, description: The process.}, age_seconds: {type: float, description: How long ago.}}
            uptime_seconds: {type: float, description: 'Since boot, null when the clock was set back.'}
            packages_changed_at: {type: str, description: 'When a package was last installed, updated or removed, in UTC.'}
            clock_synchronised: {type: bool, description: 'Whether the clock is kept in time, null when unknown.'}
            clock_offset_seconds: {type: float, description: 'How far the clock is ahead, null when it is not measured.'}
            clock_source: {type: str, description: Who says so.}
            filesystems:
              description: Writable filesystems, fullest first, as C(df) counts. Null when none answered.
              type: list
              elements: dict
              contains:
                {name: {type: str, description: Where it is mounted.}, kind: {type: str, description: Its type.},
                 size_bytes: {type: int, description: Its size.}, used_bytes: {type: int, description: What is used.},
                 available_bytes: {type: int, description: What users may still write.}, used_ratio: {type: float, description: Used of what users may have.},
                 inodes_used_ratio: {type: float, description: 'Used inodes, null where there is no such limit.'},
                 metadata_used_ratio: {type: float, description: 'Space for metadata that is used, null where there is none of its own (btrfs has).'}}
            filesystem_metadata_used_ratio: {type: float, description: 'The fullest by metadata, null without btrfs.'}
            filesystems_btrfs: {type: int, description: How many of them are btrfs.}
            deleted_files: {type: list, elements: dict, description: 'Large deleted files that are still open, where a filesystem is 80 % full.', contains: {
              name: {type: str, description: Its path.}, pid: {type: int, description: Who has it open.}, kind: {type: str, description: What that is.},
              service: {type: str, description: 'The service, null when it is none that is known.'},
              size_bytes: {type: int, description: What it takes.}}}
            deleted_files_total: {type: int, description: How many there are.}
            deleted_files_bytes: {type: int, description: What they take together.}
            disk_growth: {type: dict, description: How the fullest filesystem grows. The role adds it from its stored rounds., contains: {
              rounds: {type: int, description: 'Stored rounds that tell it, 0 when they are fewer than three or span less than an hour.'},
              in_a_day_ratio: {type: float, description: 'How full it is in a day at this pace, at most 1.'},
              in_a_week_ratio: {type: float, description: The same in a week.},
              full_at: {type: str, description: 'When it is full at this pace, null when that is a year away or more.'}}}
            filesystems_total: {type: int, description: How many there are.}
            filesystems_read_only: {type: list, elements: str, description: 'Mount points that became read-only by themselves, as after an error of the disk.'}
            filesystems_silent: {type: int, description: Mounts that did not answer and were not read.}
            raid: {type: list, elements: dict, description: 'Arrays of software RAID that can lose a disk; empty in a container.', contains: {
              name: {type: str, description: The array.}, missing: {type: int, description: How many of its disks are missing.}}}
            raid_total: {type: int, description: How many there are.}
            raid_degraded: {type: int, description: How many of them miss a disk.}
            filesystem_inodes_used_ratio: {type: float, description: 'The fullest by inodes, null where none has such a limit.'}
            disks: {type: list, elements: dict, description: 'Whole disks, busiest first.', contains: {
              name: {type: str, description: The device.}, util_ratio: {type: float, description: Share of the window in which it was at work.},
              await_milliseconds: {type: float, description: 'Mean time of an operation, null when there was none.'},
              queue_depth: {type: float, description: 'Operations under way, on average.'},
              operations_per_second: {type: float, description: Reads and writes.},
              read_bytes_per_second: {type: float, description: Read.}, write_bytes_per_second: {type: float, description: Written.}}}
            disks_total: {type: int, description: How many there are.}
            network:
              description: Interfaces by traffic.
              type: list
              elements: dict
              contains:
                {name: {type: str, description: The interface.}, packets: {type: float, description: Packets both ways in the window.},
                 received_bytes_per_second: {type: float, description: Received.}, sent_bytes_per_second: {type: float, description: Sent.},
                 errors_per_second: {type: float, description: Packets with errors.},
                 drops_per_second: {type: float, description: Packets that were dropped.}, errors: {type: int, description: The same in the window.},
                 errors_ratio: {type: float, description: 'Errors per packet, null without packets.'}}
            network_packets: {type: float, description: Packets of all interfaces in the window.}
            network_errors_ratio: {type: float, description: 'Errors per packet of the worst interface, null without packets.'}
            network_errors: {type: int, description: 'Packets with errors of the interface that had most of them, null without packets.'}
            network_total: {type: int, description: How many interfaces there are.}
            tcp_segments: {type: float, description: TCP segments sent in the window.}
            tcp_retransmits: {type: int, description: TCP segments that were sent again in the window.}
            tcp_retransmit_ratio: {type: float, description: 'Share of them that were sent again, null when none was sent.'}
            listen_overflows_per_second: {type: float, description: Connections turned away because a listen queue was full.}
            listen_drops_per_second: {type: float, description: Connections that were dropped while they were opened.}
            syn_drops_per_second: {type: float, description: 'Of these, for a full queue of half-open connections.'}
            lifetime_listen_overflows: {type: int, description: Overflows since boot.}
            somaxconn: {type: int, description: The kernel's ceiling for any listen queue.}
            tcp_max_syn_backlog: {type: int, description: The kernel's limit of half-open connections.}
            files:
              description: Open files of the whole system, null when the kernel does not report it.
              type: dict
              contains:
                {open: {type: int, description: How many are open.}, limit: {type: int, description: How many may be.},
                 used_ratio: {type: float, description: The share.}}
            open_files:
              description: Service processes nearest to their own limit of open files.
              type: list
              elements: dict
              contains:
                {pid: {type: int, description: Its process id.}, name: {type: str, description: The process.},
                 kind: {type: str, description: 'What it is for its service, for example V(uwsgi worker).'},
                 service: {type: str, description: 'The service, null when it is none that is known.'},
                 open: {type: int, description: How many it has open.}, limit: {type: int, description: How many it may have.},
                 used_ratio: {type: float, description: The share.}}
            open_files_total: {type: int, description: How many processes were looked at.}
            descriptors_used_ratio: {type: float, description: 'The fullest of C(files) and C(open_files), null when neither is known.'}
            conntrack:
              description: Tracked connections, null where none are tracked.
              type: dict
              contains:
                {used: {type: int, description: How many are tracked.}, limit: {type: int, description: How many may be.},
                 used_ratio: {type: float, description: The share.}}
            kernel_tables: {type: list, elements: dict, description: 'Tables and pools of the kernel with a limit, fullest first.', contains: {
              name: {type: str, description: What it holds.}, used: {type: int, description: What is used.}, limit: {type: int, description: What may be.},
              setting: {type: str, description: The sysctl that limits it.}, used_ratio: {type: float, description: The share.}}}
            kernel_tables_total: {type: int, description: How many this kernel reports.}
            kernel_tables_used_ratio: {type: float, description: 'The fullest of them, null when none is reported.'}
            local_ports: {type: list, elements: dict, description: 'Ends of connections that most local ports are in use for.', contains: {
              peer: {type: str, description: The other end.}, used: {type: int, description: Ports in use.}, limit: {type: int, description: Ports there are.},
              used_ratio: {type: float, description: The share.}}}
            local_ports_used_ratio: {type: float, description: 'The largest share, null when the kernel does not say.'}
            task_limits: {type: list, elements: dict, description: 'Limits of processes and threads: of the machine or container, and of services.', contains: {
              name: {type: str, description: Whose limit it is.}, used: {type: int, description: How many there are.},
              limit: {type: int, description: How many may be.}, used_ratio: {type: float, description: The share.}}}
            task_limits_total: {type: int, description: How many limits there are.}
            tasks_used_ratio: {type: float, description: The largest share of them.}
            processes_total: {type: int, description: 'Processes, null when some are hidden from us.'}
            processes_seen: {type: int, description: Processes that could be seen.}
            processes_filtered: {type: bool, description: Whether other users' processes are hidden from us.}
            zombies: {type: int, description: Dead processes that were not collected.}
            zombie_processes: {type: list, elements: dict, description: 'Some of them, with their parents.', contains: {
              pid: {type: int, description: Its process id.}, name: {type: str, description: The process.}, kind: {type: str, description: What it is.},
              service: {type: str, description: 'The service, null when it is none that is known.'},
              parent_pid: {type: int, description: Its parent's process id.},
              parent: {type: str, description: 'Its parent, null when that could not be seen.'}}}
            stopped_processes:
              description: Processes of services that a signal or a debugger had stopped (state T) at both ends of the window.
              type: list
              elements: dict
              contains:
                {pid: {type: int, description: Its process id.}, name: {type: str, description: The process.}, kind: {type: str, description: What it is.},
                 service: {type: str, description: Its service.}}
            stopped_processes_total: {type: int, description: 'How many there are, null when some processes are hidden from us and none was seen.'}
            processes_by_cpu: {type: list, elements: dict, description: Processes that used most CPU in the window., contains: {
              pid: {type: int, description: Its process id.}, name: {type: str, description: The process.}, kind: {type: str, description: What it is.},
              service: {type: str, description: 'The service, null when it is none that is known.'}, cpu_cores: {type: float, description: Cores it used.}}}
            processes_by_memory:
              description: Processes that take most memory.
              type: list
              elements: dict
              contains: &memory
                {pid: {type: int, description: Its process id.}, name: {type: str, description: The process.}, kind: {type: str, description: What it is.},
                 service: {type: str, description: 'The service, null when it is none that is known.'},
                 memory_bytes: {type: int, description: 'Its memory, by C(memory_basis).'},
                 memory_basis: {type: str, description: 'V(pss) (its share of what is shared) where that may be read, else V(rss).'},
                 rss_bytes: {type: int, description: What it holds resident.},
                 uss_bytes: {type: int, description: 'What is its own alone, null when it may not be read.'}}
            processes_cpu_ratio:
              {type: float, description: 'Share of the used CPU time that processes account for: the others are hidden or live too short to be seen.'}
            processes_by_disk:
              description: Processes that read from and wrote to disks most in the window. Null without root, who alone may see it of others.
              type: list
              elements: dict
              contains:
                {pid: {type: int, description: Its process id.}, name: {type: str, description: The process.}, kind: {type: str, description: What it is.},
                 service: {type: str, description: 'The service, null when it is none that is known.'},
                 read_bytes_per_second: {type: float, description: Read from disks.}, write_bytes_per_second: {type: float, description: Written to disks.},
                 share_ratio: {type: float, description: Share of what all processes moved.}}
            processes_growing:
              description: Processes that grew in the window.
              type: list
              elements: dict
              contains:
                {pid: {type: int, description: Its process id.}, name: {type: str, description: The process.}, kind: {type: str, description: What it is.},
                 service: {type: str, description: 'The service, null when it is none that is known.'}, grown_bytes: {type: int, description: By how much.}}
            python_processes:
              description: The largest processes that run Python, also inside uWSGI.
              type: list
              elements: dict
              contains: *memory
            python_processes_total: {type: int, description: How many there are.}
            python_present: {type: bool, description: 'Whether any runs, null when processes are hidden from us and none was seen.'}
            python_largest_bytes: {type: int, description: 'Memory of the largest, null when there is none.'}
            sustained_threads:
              description: Threads that used a whole core in every look, null when the window is shorter than two seconds.
              type: list
              elements: dict
              contains:
                {pid: {type: int, description: Its process id.}, name: {type: str, description: The process.}, kind: {type: str, description: What it is.},
                 service: {type: str, description: 'The service, null when it is none that is known.'},
                 thread: {type: str, description: The thread's name.}, thread_id: {type: int, description: The thread's id.},
                 label: {type: str, description: All of it in a few words.}, core_ratio: {type: float, description: Share of a core that it used.},
                 observed_seconds: {type: float, description: How long it was observed.}, looks: {type: int, description: In how many looks.},
                 lifetime_core_ratio: {type: float, description: 'The same since it began, null when it has only just begun.'},
                 processor: {type: int, description: On which processor it ran.}}
            sustained_threads_total: {type: int, description: How many there are.}
            services:
              description: >-
                Services that run here (varnish, uwsgi, gunicorn, celery, memcached, postgresql, mysql, redis, rabbitmq, nginx and so on).
              type: list
              elements: dict
              contains:
                name: {type: str, description: The service.}
                processes: {type: int, description: Its processes.}
                cpu_cores: {type: float, description: Cores that it used.}
                cpu_ratio: {type: float, description: Their share of C(cores_effective).}
                memory_bytes: {type: int, description: 'Its memory, by C(memory_basis).'}
                memory_basis: {type: str, description: 'V(pss), V(rss) or V(estimate) (where pages are shared and shares may not be read).'}
                memory_ratio: {type: float, description: Share of the machine's memory.}
                rss_bytes: {type: int, description: 'What its processes hold resident, shared pages counted for each.'}
                cpu_quota_cores: {type: float, description: 'CPU quota of its own control group, null without one.'}
                throttled_ratio: {type: float, description: 'Share of that quota''s periods in which it ran out, null without one.'}
                memory_limit_bytes: {type: int, description: 'Memory limit of its own control group, null without one.'}
                memory_limit_used_ratio: {type: float, description: 'How much of it is used, null without one.'}
                kinds:
                  description: Its processes by kind.
                  type: list
                  elements: dict
                  contains:
                    {kind: {type: str, description: What they are.}, processes: {type: int, description: How many.}}
            services_complete: {type: bool, description: 'Whether all processes could be seen, so that a service that is not listed does not run.'}
            stores:
              description: Memory that the accelerator, caches and databases of this host have taken.
              type: dict
              contains:
                {names: {type: str, description: 'Which these are, null when there is none.'},
                 memory_bytes: {type: int, description: 'What they have taken, the page cache of databases included.'},
                 page_cache_bytes: {type: int, description: The part of the page cache that is counted for databases.},
                 memory_ratio: {type: float, description: Share of the machine's memory.},
                 own_ratio: {type: float, description: 'The same without the page cache, which comes and goes.'},
                 dedicated: {type: bool, description: Whether the host is theirs alone.},
                 database: {type: bool, description: Whether one of them is a database.}}
            headroom:
              description: What new workers could be given.
              type: dict
              contains:
                {cpu_cores: {type: float, description: 'Cores that were idle, within the quota.'},
                 ram_bytes: {type: int, description: 'Available memory without a reserve of 512 MiB or 10 %, whichever is more.'}}
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
