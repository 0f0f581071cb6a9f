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
      - When neither this nor an option that says where an instance is was given, the instances are found on the host
        from its processes, sockets and configuration.
      - Hidden as a whole in output because entries may hold passwords.
    type: list
    elements: dict
  name:
    description: How the instance is called in facts and findings. Defaults to its address.
    type: str
"""

    # How every module samples, and what holds for all of them.
    SAMPLING = r"""
options:
  window:
    description:
      - Seconds between the two samples from which rates and ratios are computed.
      - With V(0) only one sample is taken; measures over the window are then null, lifetime measures stay.
    type: float
    default: 5.0
  timeout:
    description: Seconds that a single answer of the service or of a tool may take before it counts as hanging.
    type: float
    default: 5.0
  top:
    description: How many rows the lists in the facts keep. The true total stands beside each list.
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
    description: Can run in check mode and gives the same facts; reading is harmless.
    support: full
  diff_mode:
    description: Returns nothing to compare, because nothing is changed.
    support: none
  facts:
    description: Returns facts under one key of its own in RV(ignore:ansible_facts).
    support: full
  platform:
    description: Target systems.
    platforms: linux
    support: full
notes:
  - Never changes anything on the target, and never reports a change.
  - A service that is stopped or cannot be read is data, not a failure; see O(fail_on_down).
"""

    # What becomes of a report beside its files, for judge and watch.
    STORE = r"""
options:
  store:
    description: The file with the rounds. Defaults to C(rounds.db) in O(report_dir).
    type: path
  label:
    description: A name for this report, for example V(baseline) for the load test's. It is never pruned; a name is at its newest report.
    type: str
  compare_with:
    description:
      - The report from before a fix or from the load test. What differs is printed per check.
      - A label, the time of a stored round (C(2026-11-25T14:02:11Z), as the page shows it), or the path of a C(launch.json).
    type: str
  keep_hours:
    description: Older rounds are forgotten.
    type: float
    default: 24.0
  every:
    description: Seconds from the beginning of a round to that of the next, for RV(wait_seconds).
    type: float
    default: 0.0
  since:
    description: When the watch began, in seconds since 1970; O(until) looks at rounds from then on, O(minutes) count from then on.
    type: float
    default: 0.0
  minutes:
    description: How long the watch goes on; RV(over) becomes true when the next round would begin later.
    type: float
  until:
    description:
      - When RV(over) becomes true. V(go) and V(no-go) need that verdict in two rounds running; V(corner) needs the load of every
        host that was above one per core to be falling after its peak.
    type: str
    choices: [never, go, no-go, corner]
    default: never
"""
