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
