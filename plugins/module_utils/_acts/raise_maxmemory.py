# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Raise the memory limit of a Redis or Valkey that is full, within the memory that is free."""

from __future__ import annotations

import contextlib
import typing as t

from .._collect import resp
from .._collect.problem import Problem
from .._collect.sampling import count
from .._collect.worker_host import capacity_of
from .._collectors.redis import fetch, parse
from .._texts.plain import text
from .act import Act, Done, Looked, Refused
from .guard import Guard, broken, judged

#: The limit is raised by this part of itself.
PART = 0.25
SETTING = "maxmemory"

GUARDS = (
    Guard("maxmemory_bytes", "it has a memory limit, in bytes", ">", 0),
    Guard("used_ratio", "it is nearly full (share of the limit in use)", ">=", 0.9),
    Guard("is_here", "its process is on this host", "=", True),
    Guard("free_for_rise", "free memory is at least twice what is added (ratio)", ">=", 2.0),
)


class RaiseMaxmemory(Act):
    guards = GUARDS

    def holds_timer(self) -> t.Optional[str]:
        return None  # a guard sees to it that the server is on this host

    def look(self) -> Looked:
        with self._session() as session:
            row = self._read(session)
        old, new = int(row["maxmemory_bytes"] or 0), _raised(int(row["maxmemory_bytes"] or 0))
        identity = {"run_id": row["run_id"], "maxmemory_bytes": old}
        return Looked(
            identity,
            row,
            [f"CONFIG SET {SETTING} {new}"],
            f"up to {(new - old) / 2**20:.0f} MiB more memory; its configuration file keeps the limit of before",
            f"CONFIG SET {SETTING} {old}",
        )

    def state_before(self, looked: Looked) -> dict[str, t.Any]:
        return dict(looked.identity)

    def run(self, identity: t.Mapping[str, t.Any], limits: t.Mapping[str, t.Any]) -> Done:
        with self._session() as session:
            row = self._read(session)
            if any(row[name] != identity.get(name) for name in ("run_id", "maxmemory_bytes")):
                raise Refused("the server was restarted, or has another limit, since the plan was made")
            why = broken(judged(GUARDS, row, limits))
            if why:
                raise Refused(f"a guard no longer holds: {'; '.join(why)}")
            new = _raised(int(row["maxmemory_bytes"]))
            self._set(session, new)
        return Done(f"{SETTING} was raised from {identity['maxmemory_bytes']} to {new} bytes", dict(identity))

    def undo(self, state: t.Mapping[str, t.Any]) -> str:
        before = count(state.get("maxmemory_bytes"))
        if not before:
            raise Refused("the limit that was before is not known")
        with self._session() as session:
            row = self._read(session)
            if row["run_id"] != state.get("run_id") or row["maxmemory_bytes"] != _raised(before):
                return "the server was restarted, or has another limit by now, which was left alone"
            self._set(session, before)
        return f"{SETTING} is {before} bytes again"

    # -- the server --------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _session(self) -> t.Iterator[fetch.Session]:
        try:
            session = fetch.Session(self.target.options, self.target.timeout)
        except Problem as problem:
            raise Refused(str(problem)) from None
        try:
            yield session
        finally:
            session.close()

    @staticmethod
    def _set(session: fetch.Session, value: int) -> None:
        (reply,) = session.ask(["CONFIG", "SET", SETTING, str(value)])
        if isinstance(reply, resp.Refusal):
            right = (
                f"ACL SETUSER {session.user} +config|set"
                if reply.code == "NOPERM"
                else "CONFIG is renamed, or a managed service forbids it"
            )
            raise Refused(f"the server refused CONFIG SET ({reply.code}): {right}")

    def _read(self, session: fetch.Session) -> dict[str, t.Any]:
        info_reply, setting = session.ask(["INFO"], ["CONFIG", "GET", SETTING])
        if isinstance(info_reply, resp.Refusal):
            raise Refused(session.why_refused("INFO", info_reply))
        info = parse.info(info_reply)
        limit = count(text(setting[1])) if isinstance(setting, list) and len(setting) == 2 else count(info.get(SETTING))
        used, pid = count(info.get("used_memory")), count(info.get("process_id"))
        port = count(info.get("tcp_port"))
        here = bool(pid and any(process.pid == pid for process in self.target.tools.named("redis-server", "valkey-server")))
        capacity = capacity_of(pid) if here and pid else None
        added = _raised(limit) - limit if limit else None
        return {
            "run_id": info.get("run_id"),
            "port": port,
            "maxmemory_bytes": limit,
            "used_ratio": round(used / limit, 3) if used is not None and limit else None,
            "is_here": here,
            "free_for_rise": round(capacity.memory_available / added, 1) if capacity is not None and added else None,
        }


def _raised(limit: int) -> int:
    return int(limit * (1 + PART))
