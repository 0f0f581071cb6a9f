# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shape: this server as a node of a Galera cluster: whether it serves, and whether it holds the others up."""

from __future__ import annotations

import typing as t

from ..._collect.derived import Window, share
from ..._collect.facts import Facts, Unknown, measured
from ..._texts.redact import clean

_NO_MEMBER = "this server is no node of a Galera cluster"
_NANOSECONDS = 1e9
_UNTOLD = "the node does not report it (SHOW GLOBAL STATUS LIKE 'wsrep%')"


def put(facts: Facts, variables: t.Mapping[str, str], status: t.Mapping[str, str], window: Window) -> None:
    """Status texts of wsrep beside its counters. A node outside of the primary component refuses the application's statements."""
    member = variables.get("wsrep_on", "").upper() == "ON" and variables.get("wsrep_provider", "none") not in ("", "none")
    facts.put("galera.member", member)
    if not member:
        for name in ("ready", "connected", "serves", "cluster_status", "cluster_size", "state", "flow_control_paused_ratio",
                     "flow_control_sent", "receive_queue", "certification_failures"):  # fmt: skip
            facts.put(f"galera.{name}", Unknown(_NO_MEMBER))
        return
    ready, connected = (_switch(status.get(name)) for name in ("wsrep_ready", "wsrep_connected"))
    component = clean(status.get("wsrep_cluster_status", ""), 40) or None
    facts.put("galera.ready", ready, _UNTOLD)
    facts.put("galera.connected", connected, _UNTOLD)
    facts.put("galera.cluster_status", component, _UNTOLD)
    serves = None if ready is None or component is None else ready and component == "Primary"
    facts.put("galera.serves", False if ready is False else serves, _UNTOLD)
    facts.put("galera.cluster_size", window.now("wsrep_cluster_size"))
    facts.put("galera.state", clean(status.get("wsrep_local_state_comment", ""), 40) or None, _UNTOLD)
    paused, seconds = window.moved("wsrep_flow_control_paused_ns"), measured(window.seconds, "")
    whole = seconds if isinstance(seconds, Unknown) else seconds * _NANOSECONDS
    facts.put("galera.flow_control_paused_ratio", share(paused, whole, "no time passed", slack=0.2))
    facts.put("galera.flow_control_sent", window.moved("wsrep_flow_control_sent"))
    facts.put("galera.receive_queue", window.now("wsrep_local_recv_queue"))
    facts.put("galera.certification_failures", window.moved("wsrep_local_cert_failures"))


def _switch(value: t.Optional[str]) -> t.Optional[bool]:
    return None if value is None else value.upper() == "ON"
