# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options, attributes and notes that all modules of the collection share (private to this collection)."""

from __future__ import annotations


class ModuleDocFragment:
    # One service: its instances.
    DOCUMENTATION = r"""
options:
  instances:
    description:
      - Several instances in one call, each a dictionary of the options of this module that describe one instance
        (including O(name)). Options given beside O(instances) are the defaults of each entry.
      - Without this and without an option that locates an instance, the instances are discovered on the host
        from its processes, sockets and configuration.
      - Hidden as a whole in output because entries may hold passwords.
    type: list
    elements: dict
  name:
    description: Name of the instance in facts and findings. Defaults to its address.
    type: str
"""

    # Sampling options, and what applies to all modules.
    SAMPLING = r"""
requirements:
  - Python 3.9 or later (on the host that executes the module)
options:
  window:
    description:
      - Seconds between the two samples from which rates and ratios are computed.
      - With V(0) only one sample is taken. Measures over the window are then null; lifetime measures remain.
    type: float
    default: 5.0
  timeout:
    description: Seconds to wait for one response of the service or a tool before it counts as hanging.
    type: float
    default: 5.0
  top:
    description: How many rows to keep in the lists of the facts. The true total is next to each list.
    type: int
    default: 10
  fail_on_down:
    description:
      - Fail when an instance is down or unreadable. By default that is a fact (RV(ignore:state), RV(ignore:problem))
        and the module succeeds.
    type: bool
    default: false
attributes:
  check_mode:
    description: Can run in check mode and returns the same facts; it only reads.
    support: full
  diff_mode:
    description: Returns no diff, because nothing changes.
    support: none
  facts:
    description: Returns facts under one key of its own in RV(ignore:ansible_facts).
    support: full
  platform:
    description: Target systems.
    platforms: linux
    support: full
notes:
  - Never changes anything on the target and never reports C(changed).
  - A service that is stopped or unreadable is data, not a failure; see O(fail_on_down).
"""

    # What a site knows of itself, for judge.
    SETTINGS = r"""
options:
  extra_checks:
    description: Checks in the format of the catalogue, for hosts without their own settings.
    type: list
    elements: dict
    default: []
  accept:
    description:
      - "Known gaps as check id: reason, for hosts without their own settings. They are shown but do not count."
      - Instead of a reason, a dictionary of C(reason), C(hosts) (a list of hosts or groups; V(fleet) is what exists once) and C(until)
        (a date, that day included, in UTC), or a list of those. A gap whose date has passed counts again, and says so.
    type: dict
    default: {}
  known_clients:
    description:
      - Known database clients. A string is a user, an application or an address.
        A dictionary of C(user), C(application), C(address) and C(database) (shell patterns) must match in every key that it has.
    type: list
    elements: raw
    default: []
  probes:
    description:
      - URLs to visit from the control node, each on a new connection and within five seconds; at most ten. Redirects are not followed.
        What the hosts of accelerators saw of them comes with their facts (O(warroom.launch.varnish_stats#module:visits)).
    type: list
    elements: str
    default: []
  sites:
    description:
      - Sites to look at from the control node when O(phase) is V(before), each with the options of M(warroom.launch.site_stats).
    type: list
    elements: dict
    default: []
  by_hand:
    description:
      - Lines that a person ticks before the launch, when O(phase) is V(before). A list of dictionaries, or the path of a Markdown file
        with a task list; see C(items) and C(file) of M(warroom.launch.checklist_stats).
    type: raw
    default: []
  on_call:
    description: Who is called when something breaks, as names with a way to reach them.
    type: list
    elements: str
    default: []
  only:
    description: The services to judge; without it, all. What was not asked for is neither judged nor missed, and the report says so.
    type: list
    elements: str
    default: []
"""

    # Storing, labelling and comparing a report, for judge and watch.
    STORE = r"""
options:
  store:
    description: The file with the rounds. Defaults to C(rounds.db) in O(report_dir).
    type: path
  label:
    description:
      - A label for this report, for example V(baseline) for the load test. It refers to the newest report that was given it.
      - A labelled report is never deleted.
    type: str
  compare_with:
    description:
      - The report to compare with, from before a fix or from the load test. Differences are printed per check.
      - A label, the time of a stored round (C(2026-11-25T14:02:11Z), as the page shows it), or the path of a C(launch.json).
    type: str
  keep_hours:
    description: Older rounds are deleted, except labelled ones.
    type: float
    default: 24.0
  every:
    description: Seconds from the start of one round to the start of the next, for RV(wait_seconds).
    type: float
    default: 0.0
  since:
    description: Start of the watch, in seconds since 1970. O(until) considers rounds since then, and O(minutes) count from then.
    type: float
    default: 0.0
  minutes:
    description: How long to watch; RV(over) becomes true when the next round would start later.
    type: float
  until:
    description:
      - When RV(over) becomes true. V(go) and V(no-go) need that verdict in two consecutive rounds; V(corner) needs the load of every
        host that was above one per core to be falling after its peak.
    type: str
    choices: [never, go, no-go, corner]
    default: never
"""
